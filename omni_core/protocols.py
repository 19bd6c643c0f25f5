"""The exchangeable parts: base classes of encoders, rerankers, readers, indexes and media.

Each class lists first what must be written (abstract methods), then the optional hooks, whose
defaults are right for the simplest case. `omni_core.plugins` finds the classes by entry point.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from omni_core.errors import BadRequestError, UnavailableError
from omni_core.query import Filter, Prefetch
from omni_core.settings import Settings
from omni_core.types import (
    Content,
    Crop,
    CutOptions,
    EncoderInfo,
    FileWarning,
    Hit,
    Limits,
    MediaInfo,
    Pixels,
    Point,
    ReaderInfo,
    Samples,
    Segment,
    Source,
    Vector,
)


class Encoder(ABC):
    """An embedding model: evidence and questions to vectors of one space.

    `Settings.encoder` names its entry point in the group `omni_mcp.encoders`. Runs in the model
    worker; methods are called from several threads.
    """

    info: EncoderInfo
    """What `describe` said."""

    @classmethod
    @abstractmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """The model's facts, without loading weights or importing heavy packages.

        Called in the server process when a library opens; two libraries are compatible when
        their `fingerprint` is equal.
        """

    @classmethod
    @abstractmethod
    def load(cls, settings: Settings) -> Self:
        """The model, ready to encode; may take minutes.

        Raises UnavailableError saying what to install when weights or packages are missing.
        """

    @abstractmethod
    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """A vector for each piece of evidence, in order; None where the model cannot take it.

        A vector is L2-normalised float32 of shape (dim,), or (tokens, dim) for a multi-vector
        model.
        """

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """The same for questions. Optional: override when questions need another prompt."""
        return self.encode(contents)

    def encode_urgent(self, contents: Sequence[Content]) -> list[Vector | None]:
        """Evidence that a person waits for. Optional: override when a queue can be jumped."""
        return self.encode(contents)

    def encode_additional(self, contents: Sequence[Content]) -> list[list[Vector]]:
        """For each content the vectors to store beside that of `encode`, most often none.

        Optional: for videos whose frames differ so much that their mean is near none of them.
        """
        return [[] for _ in contents]

    def caption(self, contents: Sequence[Content]) -> list[str]:
        """What each image or video seems to show, in words; "" where nothing can be said.

        Optional. Shown as the reason of a match, never as evidence.
        """
        return ["" for _ in contents]

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """The second stage that `Settings.reranker` names. Optional."""
        raise UnavailableError(
            f"{settings.reranker!r} has no reranker; choose one that `omni-mcp models` lists"
        )

    def close(self) -> None:  # noqa: B027 - optional
        """Give back threads and connections. Optional."""


class Reranker(ABC):
    """A second, slower stage: question and candidate judged together."""

    name: str

    @abstractmethod
    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """A score for each candidate, higher is better; None where it cannot judge."""

    def close(self) -> None:  # noqa: B027 - optional
        """Give back threads and connections. Optional."""


class Reader(ABC):
    """Finds words in images or audio (speech recognition, OCR). Runs in the model worker.

    Registered in the group `omni_mcp.readers`; calls are serialised by the worker.
    """

    name: ClassVar[str]
    """Its entry point's name, and the stage of its timings."""
    rank: ClassVar[int] = 0
    """Readers are loaded, and read, in this order."""
    loss: ClassVar[str] = ""
    """What a library lacks without it, for the warning when it cannot be loaded."""

    @classmethod
    @abstractmethod
    def describe(cls, settings: Settings) -> ReaderInfo:
        """Model and state, without loading it."""

    @classmethod
    @abstractmethod
    def load(cls, settings: Settings, loaded: Mapping[str, Reader]) -> Self | None:
        """The reader, ready; None when the settings turn it off.

        `loaded` holds the readers that were loaded before it (in order of `rank`), by name: one
        model may serve two. Raises UnavailableError when weights or packages are missing.
        """

    @classmethod
    @abstractmethod
    def select(cls, segments: Sequence[Segment]) -> list[Segment]:
        """Those of one batch that this reader reads; the batch holds what the readers before it
        found, too."""

    @abstractmethod
    def read(self, segments: Sequence[Segment]) -> list[Segment]:
        """New segments with words and spans of their own; may be empty.

        Consecutive calls carry consecutive segments of a source; what is unfinished may be held
        back until `flush`.
        """

    def flush(self, source_id: str) -> list[Segment]:
        """What was held back for this source, which may go on afterwards. Optional."""
        return []

    @classmethod
    def useful_with(cls, info: EncoderInfo) -> bool:
        """Whether it adds anything beside this encoder. Optional; true by default."""
        return True


class Transcriber(Reader):
    """A reader that also turns a spoken question into words."""

    @abstractmethod
    def transcribe(self, samples: Samples) -> str:
        """The words of a recording in its language, then in English; empty when none is heard."""


class Index(ABC):
    """A store of points with dense, BM25 and multi-vector search.

    `Settings.index` names its entry point in the group `omni_mcp.indexes`.
    """

    @classmethod
    @abstractmethod
    def create(cls, settings: Settings, info: EncoderInfo, *, building: bool = False) -> Self:
        """The index for vectors of this model, not opened yet.

        `building` asks for a second version beside the one in use, for a re-index.
        """

    @abstractmethod
    async def open(self) -> None:
        """Create or open; raises StoreError when another process holds it."""

    @abstractmethod
    async def upsert(self, points: Sequence[Point]) -> None:
        """Durable against a process crash when this returns."""

    @abstractmethod
    async def search(
        self, prefetches: Sequence[Prefetch], *, filter: Filter | None = None
    ) -> list[list[Hit]]:
        """For each prefetch its hits, best first."""

    @abstractmethod
    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Point]:
        """The points that exist, in the order asked."""

    @abstractmethod
    async def scroll(
        self, filter: Filter | None = None, *, limit: int = 256, offset: str | None = None
    ) -> tuple[list[Point], str | None]:
        """Points without vectors, in id order, and the next offset."""

    @abstractmethod
    async def count(self, filter: Filter | None = None) -> int:
        """Exactly how many."""

    @abstractmethod
    async def set_payload(self, filter: Filter, payload: Mapping[str, Any]) -> None:
        """Merge `payload` into the points that match; refuses an empty filter."""

    @abstractmethod
    async def delete(self, filter: Filter) -> None:
        """Remove the points that match; refuses an empty filter."""

    @abstractmethod
    async def close(self) -> None:
        """Release the store."""

    async def flush(self) -> None:  # noqa: B027 - optional
        """Durable against power loss when this returns. Optional."""

    async def optimize(self) -> bool:
        """Give back the space of deleted points; False when there was nothing to do. Optional."""
        return False

    async def activate(self) -> None:  # noqa: B027 - optional
        """Make this version the one that searches use: all or nothing. Optional, for re-index."""


class Medium(ABC):
    """A kind of file: recognised by its bytes, looked at, cut into segments, opened again.

    Registered in the group `omni_mcp.media`. Runs in the decoder process, which may be killed.
    """

    rank: ClassVar[int] = 0
    """Lower is asked first; media without a magic number (plain text) come last."""
    kinds: ClassVar[str] = ""
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
    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Segments in order of time or page, streamed: never a whole video at once."""

    def frames(self, path: str, times: Sequence[float], edge: int) -> list[tuple[float, Pixels]]:
        """The frames a player shows at these seconds, each with the second it appears."""
        raise BadRequestError("this source has no moving picture", code="NO_VISUAL")

    def image(self, path: str, edge: int, crop: Crop | None, frame: int) -> Pixels:
        """The image, turned upright, its long edge at most `edge`; frame: of an animation."""
        raise BadRequestError("this source has no picture", code="NO_VISUAL")

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """Page `number` (from 1) as an image; a crop is rendered at full resolution."""
        raise BadRequestError("this source has no pages to show", code="NO_VISUAL")

    def clip(self, path: str, start: float, end: float, out: str) -> tuple[str, float, float]:
        """Write [start, end) to `out`; the MIME type and the true span in seconds."""
        raise BadRequestError("only films and sound can be cut into clips", code="BAD_ARGUMENT")

    def audio(self, path: str, start: float, end: float) -> Samples:
        """Mono 16 kHz samples of [start, end)."""
        raise BadRequestError("this source has no sound", code="BAD_ARGUMENT")
