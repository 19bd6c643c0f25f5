"""A reference to open, and the evidence behind it: words, places, images, sound, clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from omni_core.engine.results.fields import require_choice
from omni_core.types import Beats, Channel, PlacedWord, Rect, SourceRow, Span

Show = Literal["frame", "sheet", "page", "marked", "closeup", "audio", "clip", "text", "thumbnail"]
"""`marked`: the page or frame with the words of the reference marked in it; `closeup`: the part of
it where they stand. `thumbnail`: the small image kept at ingest, without decoding the file; where
there is none, a frame or page."""
Size = Literal["small", "medium", "large"]


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A reference to open. `ref`: seg id, `src@83.5`, `src@80-95`, `src#p12`, or a citation; each
    may be followed by a quote in double quotes, whose words are then looked for there."""

    ref: str
    show: tuple[Show, ...] = ()
    step: int = 0
    pad_s: float = 0.0
    size: Size = "medium"
    crop: tuple[float, float, float, float] | None = None
    max_pictures: int = 4
    max_bytes: int = 500_000
    """Limit of images and audio together; images are scaled down to fit. Base64 adds a third; with
    the words the result stays under 700 KB."""
    word_boxes: bool = False
    """Whether images of pages come with the places of their words."""

    def __post_init__(self) -> None:
        """Raises BadRequestError for an unknown size."""
        require_choice("size", self.size, get_args(Size))


@dataclass(frozen=True, slots=True)
class Line:
    """Words with their span and origin."""

    text: str
    channel: Channel
    origin: str
    start: float
    end: float
    axis: Literal["second", "page", "char"] = "second"
    ref: str = ""
    beats: Beats = ()
    """Where the phrases of spoken words begin, after the first; () when unknown."""
    heading: str = ""
    """The headings that the words stand under: `Install › Linux`; "" where they say it."""
    speaker: str = ""
    """Who says the words: a name, or `speaker A`; "" where that is not known."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Rectangles on a page, in a frame of a video, or on an image, which has neither."""

    rects: tuple[Rect, ...]
    page: int | None = None
    frame_s: float | None = None


@dataclass(frozen=True, slots=True)
class RenderedImage:
    """A JPEG within the budget, and its caption."""

    jpeg: bytes
    caption: str
    width: int
    height: int
    words: tuple[PlacedWord, ...] = ()
    """Words of the page in reading order, where they were asked for and are known."""


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A clip file; its actual span, since a stream copy starts at a keyframe."""

    path: str
    mime: str
    size: int
    start_s: float
    end_s: float
    asked: tuple[float, float] = (0.0, 0.0)
    """The seconds that were asked for: asking for them again gives the same file."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened reference: its words and its attachments."""

    ref: str
    cite: str
    source: SourceRow
    window: str
    """The opened span in words: `12:04.3-12:19.3 of 48:10`, `page 7 of 31`."""
    requested: str = ""
    """The request in words, when the opened span differs from it."""
    span: Span | None = None
    """The span of the reference itself, without what `pad_s` added; None is the whole source."""
    lines: tuple[Line, ...] = ()
    places: tuple[Placed, ...] = ()
    """Where the words of the quote, or of the segment that the reference names, stand."""
    pictures: tuple[RenderedImage, ...] = ()
    clips: tuple[ClipFile, ...] = ()
    audio_wav: bytes = b""
    previous: str = ""
    next: str = ""
    provenance: str = ""
    warnings: tuple[str, ...] = ()
    """SOURCE_CHANGED, SOURCE_MISSING, images made smaller: one line each."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Result of checking a quote against a citation."""

    verdict: Literal["found", "partly", "not_found"]
    ratio: float
    """Matching words in order, as a share of the longer of quote and passage: 0 to 1."""
    best: str
    """The passage of the source that matches best."""
    elsewhere: tuple[Line, ...]
    source: SourceRow
    places: tuple[Placed, ...] = ()
    """Where the words of `best` stand, one rectangle for each line."""
