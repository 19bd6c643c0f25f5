"""What the engine is asked and what it answers: plain, frozen, ready to print or to send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from omni_core.errors import OmniError
from omni_core.types import Channel, Match, Modality
from omni_core.types import SourceRow as SourceRow
from omni_core.types import State as State

Show = Literal["frame", "sheet", "page", "audio", "clip", "text"]
Order = Literal["relevance", "newest", "oldest"]
Size = Literal["small", "medium", "large"]


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """A file (or, through `Engine.ingest_folder`, each file of a folder) to make searchable."""

    path: str
    title: str | None = None
    recorded_at: datetime | None = None
    collection: str = "default"
    transcript: str | None = None
    password: str | None = None
    fast: bool = False


@dataclass(frozen=True, slots=True)
class IngestStatus:
    """Where one source is on its way; `state` tells whether to ask again."""

    path: str
    state: State
    source_id: str = ""
    title: str = ""
    modality: Modality | None = None
    stage: str = ""
    """hashing, probing, cutting, reading, embedding, done: what is being done now."""
    progress: float = 0.0
    """0 to 1, by media time or pages."""
    segments: int = 0
    duration_s: float | None = None
    pages: int | None = None
    recorded_at: datetime | None = None
    recorded_at_from: str = ""
    already: bool = False
    """True when nothing had to be done: the same bytes were complete before."""
    duplicate_of: str = ""
    """The path under which the same bytes were ingested before."""
    warnings: tuple[str, ...] = ()
    error_code: str = field(init=False, default="")
    """The code of `failure`."""
    error: str = field(init=False, default="")
    """The line of `failure`."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per stage: cut, speech, screen_text, embed, index, total."""
    failure: OmniError | None = field(default=None, repr=False, compare=False)
    """What ended the ingest of this file (`failed`) or cut it short (`partial`)."""

    def __post_init__(self) -> None:
        """Fill the printable fields from the error."""
        if self.failure is not None:
            object.__setattr__(self, "error_code", self.failure.code)
            object.__setattr__(self, "error", str(self.failure))


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """The sum over a folder or a glob."""

    files_total: int
    files_done: int
    current: IngestStatus | None
    """The file being ingested now; None between two files and at the end."""
    done: tuple[IngestStatus, ...]
    finished: bool

    @property
    def failed(self) -> tuple[IngestStatus, ...]:
        """The files that could not be ingested, each with its one-line error."""
        return tuple(s for s in self.done if s.state == "failed")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A question and its limits. `path` or `ref` instead of `query` asks by example."""

    query: str = ""
    ref: str = ""
    path: str = ""
    not_like: tuple[str, ...] = ()
    same_source: bool = True
    modality: tuple[Modality, ...] = ()
    source: str = ""
    when: str = ""
    exclude: str = ""
    collection: str = "default"
    limit: int = 6
    per_source: int = 3
    order: Order = "relevance"
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One moment that was found: everything needed to cite it and to open it."""

    ref: str
    cite: str
    source_id: str
    title: str
    modality: Modality
    match: Match
    why: tuple[Channel, ...]
    text: str
    origin: str = ""
    start_s: float | None = None
    end_s: float | None = None
    page: int | None = None
    recorded_at: datetime | None = None
    also_at: tuple[str, ...] = ()
    partial: str = ""
    """`still ingesting, 40% is in` while its source is not complete."""
    score: float = 0.0
    cosine: float = 0.0
    uri: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits best first (or by date); when there are none, the nearest that was rejected."""

    hits: tuple[SearchHit, ...]
    searched_sources: int
    searched_segments: int
    when_resolved: str = ""
    note: str = ""
    nearest: SearchHit | None = None
    next_cursor: str = ""
    second_stage: str = ""
    """What a reranker judged and how long it took; "" without one."""
    pending_files: int = 0
    """Files whose ingest has begun or is waiting: what is in them may not be found yet."""
    partial_sources: int = 0
    """Sources of this collection whose ingest was cut off."""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Open what was found or cited. `ref`: seg id, `src@83.5`, `src@80-95`, `src#p12`, citation."""

    ref: str
    show: tuple[Show, ...] = ()
    step: int = 0
    pad_s: float = 0.0
    size: Size = "medium"
    crop: tuple[float, float, float, float] | None = None
    max_pictures: int = 4
    max_bytes: int = 500_000
    """Of images and audio together; images are made smaller to fit. As base64 it is a third more,
    and with the words it stays under 700 KB."""


@dataclass(frozen=True, slots=True)
class Line:
    """Words with their place and origin."""

    text: str
    channel: Channel
    origin: str
    start: float
    end: float
    axis: Literal["second", "page", "char"] = "second"
    ref: str = ""


@dataclass(frozen=True, slots=True)
class RenderedImage:
    """A JPEG within budget, and what it shows."""

    jpeg: bytes
    caption: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A cut of the source on disk; the true span, since a stream copy starts at a keyframe."""

    path: str
    mime: str
    size: int
    start_s: float
    end_s: float
    asked: tuple[float, float] = (0.0, 0.0)
    """The seconds that were asked for: asking for them again gives the same file."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What an agent opens: words first, images second."""

    ref: str
    cite: str
    source: SourceRow
    window: str
    """The exact window in words: `12:04.3-12:19.3 of 48:10`, `page 7 of 31`."""
    requested: str = ""
    """Set when the actual window or instant differs from the one asked for."""
    lines: tuple[Line, ...] = ()
    pictures: tuple[RenderedImage, ...] = ()
    clips: tuple[ClipFile, ...] = ()
    audio_wav: bytes = b""
    previous: str = ""
    next: str = ""
    provenance: str = ""
    warnings: tuple[str, ...] = ()
    """SOURCE_CHANGED, SOURCE_MISSING, images made smaller: one line each."""


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page of the library."""

    sources: tuple[SourceRow, ...]
    total: int
    next_cursor: str = ""


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A stretch of a source's words, or its shots where there are none."""

    source: SourceRow
    lines: tuple[Line, ...]
    next_cursor: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a quote is where a citation says it is."""

    verdict: Literal["found", "partly", "not_found"]
    ratio: float
    """Share of the quote's words found in order, 0 to 1."""
    best: str
    """The words of the source that come nearest."""
    elsewhere: tuple[Line, ...]
    source: SourceRow
