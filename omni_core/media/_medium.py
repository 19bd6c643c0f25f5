"""What every medium is: a file that knows its kind by the bytes, looks at it and cuts it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from omni_core.errors import BadRequestError
from omni_core.types import CutOptions, MediaInfo, Pixels, Samples, Segment, Source

Crop = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the whole, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before anything is decoded (see `Settings`)."""

    max_pixels: int = 100_000_000
    max_file_mb: int = 20_000
    max_duration_s: float = 12 * 3600
    max_pages: int = 5000


class Medium(ABC):
    """One file of this folder holds one subclass named `Medium`; nothing else registers it."""

    rank = 0
    """Lower is asked first; media without a magic number (plain text) come last."""
    kinds: str = ""
    """What it opens, for the message that lists what is supported."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    @abstractmethod
    def matches(self, head: bytes, suffix: str) -> bool:
        """Whether the first 4 KiB (and, for text, the suffix) are of this medium."""

    @abstractmethod
    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Modality, title, length, date: cheap, opens the file once."""

    @abstractmethod
    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Segment]:
        """Segments in order of time or page, streamed: never the whole film at once."""

    def frames(self, path: str, times: Sequence[float], edge: int) -> list[tuple[float, Pixels]]:
        """The frames a player shows at these seconds, each with the second it appears."""
        raise BadRequestError("this source has no moving picture", code="NO_VISUAL")

    def picture(self, path: str, edge: int, crop: Crop | None, frame: int) -> Pixels:
        """A still picture, turned upright, its long edge at most `edge`."""
        raise BadRequestError("this source has no picture", code="NO_VISUAL")

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """Page `number` (from 1) as a picture; a crop is rendered at full resolution."""
        raise BadRequestError("this source has no pages to show", code="NO_VISUAL")

    def clip(self, path: str, start: float, end: float, out: str) -> tuple[str, float, float]:
        """Write [start, end) to `out`; the MIME type and the true span in seconds."""
        raise BadRequestError("only films and sound can be cut into clips", code="BAD_ARGUMENT")

    def sound(self, path: str, start: float, end: float) -> Samples:
        """Mono 16 kHz samples of [start, end)."""
        raise BadRequestError("this source has no sound", code="BAD_ARGUMENT")


def box(crop: Crop, width: int, height: int) -> tuple[int, int, int, int]:
    """A crop in whole pixels, never empty. Raises BadRequestError for a box outside 0..1."""
    left, top, right, bottom = crop
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise BadRequestError(
            f"crop {list(crop)} is not left < right and top < bottom within 0 to 1"
        )
    x, y = min(int(left * width), width - 1), min(int(top * height), height - 1)
    return x, y, max(x + 1, round(right * width)), max(y + 1, round(bottom * height))


def fit(width: int, height: int, edge: int) -> tuple[int, int]:
    """The size with the same shape whose long edge is at most `edge`; never larger."""
    scale = min(1.0, edge / max(width, height, 1))
    return max(1, round(width * scale)), max(1, round(height * scale))
