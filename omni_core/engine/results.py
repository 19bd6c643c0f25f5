"""Requests and results of the engine: frozen dataclasses without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal, get_args

from omni_core.codec import LOCAL_PATH
from omni_core.collection_names import collection_name
from omni_core.errors import BadRequestError, OmniError
from omni_core.types import Beats, Channel, Match, Modality, PlacedWord, Rect, Span, Speaker
from omni_core.types import SourceRow as SourceRow
from omni_core.types import State as State

FilePath = Annotated[str, LOCAL_PATH]
Show = Literal["frame", "sheet", "page", "marked", "closeup", "audio", "clip", "text", "thumbnail"]
"""`marked`: the page or frame with the words of the reference marked in it; `closeup`: the part of
it where they stand. `thumbnail`: the small image kept at ingest, without decoding the file; where
there is none, a frame or page."""
Order = Literal["relevance", "newest", "oldest", "first", "last"]
"""`newest` and `oldest` sort what was found by date; `first` and `last` keep only what matches well
enough, and sort it by time, inside a source too."""
Size = Literal["small", "medium", "large"]
Change = Literal["collection", "title", "recorded_at"]


def _require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadRequestError(f"{name} is {value!r}; choose one of {', '.join(choices)}")


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """A file (or, through `Engine.ingest_folder`, each file of a folder) to make searchable."""

    path: FilePath
    title: str | None = None
    recorded_at: datetime | None = None
    collection: str = "default"
    transcript: FilePath | None = None
    password: str | None = None
    fast: bool = False
    watched: bool = False
    """From a watched folder: other ingests do not wait for it."""
    name: str = ""
    """Stands in for the file's name where that would be the title, so that it is no evidence."""
    links: bool = True
    """Whether `path` and `transcript` may lead through symbolic links. False where both were
    checked with all links resolved: a link that stands there by then is not followed."""
    apart: bool = False
    """Whether only the sources of `collection` count as known: where it has not the same bytes, a
    copy is kept for it alone, whatever other collections have."""

    def __post_init__(self) -> None:
        """Bring the name of the collection into its stored form."""
        object.__setattr__(self, "collection", collection_name(self.collection))


@dataclass(frozen=True, slots=True)
class IngestStatus:
    """Status of the ingest of one file; it has ended unless `state` is queued or processing."""

    path: str
    state: State
    source_id: str = ""
    title: str = ""
    modality: Modality | None = None
    stage: str = ""
    """The current stage: queued, waiting, hashing, probing, cutting, reading, done."""
    waiting_for: str = ""
    """In stage `waiting`: the files that are decoded before it, or the models."""
    progress: float = 0.0
    """0 to 1, by media time or pages of what is stored."""
    segments: int = 0
    duration_s: float | None = None
    pages: int | None = None
    recorded_at: datetime | None = None
    recorded_at_from: str = ""
    already: bool = False
    """True when the same bytes were ingested completely before."""
    changed: tuple[Change, ...] = ()
    """What the request changed of a source that was complete before: it was added to the
    collection, renamed, or dated."""
    duplicate_of: str = ""
    """The path under which the same bytes were ingested before."""
    moved_from: str = ""
    """That path, when no file is there any more: the source is now at `path`."""
    empty: str = ""
    """Why nothing in the file can be found but its title: `its sound is silent`; "" where something
    can. Set once it is ready."""
    warnings: tuple[str, ...] = ()
    error_code: str = field(init=False, default="")
    """The code of `failure`."""
    error: str = field(init=False, default="")
    """The message of `failure`."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per stage: cut, speech, screen_text, embed, index, total."""
    failure: OmniError | None = field(default=None, repr=False, compare=False)
    """The error that ended the ingest of this file (`failed`) or interrupted it (`partial`)."""

    def __post_init__(self) -> None:
        """Set `error_code` and `error` from `failure`."""
        if self.failure is not None:
            object.__setattr__(self, "error_code", self.failure.code)
            object.__setattr__(self, "error", str(self.failure))


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """Status of the ingest of a folder or a glob."""

    files_total: int
    files_done: int
    current: IngestStatus | None
    """The file being ingested now, of several the first; None between two files and at the end."""
    done: tuple[IngestStatus, ...]
    """The files that have ended, in the order in which they were given."""
    finished: bool
    beside: tuple[IngestStatus, ...] = ()
    """The other files that are being ingested at the same time."""

    @property
    def now(self) -> tuple[IngestStatus, ...]:
        """All files being ingested now."""
        return (*((self.current,) if self.current is not None else ()), *self.beside)

    @property
    def progress(self) -> float:
        """0 to 1, by files, those being ingested now by their own progress."""
        part = sum(s.progress for s in self.now)
        return (self.files_done + part) / self.files_total if self.files_total else 1.0

    @property
    def segments(self) -> int:
        """Segments of all files so far."""
        return sum(s.segments for s in (*self.done, *self.now))

    @property
    def failed(self) -> tuple[IngestStatus, ...]:
        """The files that could not be ingested, each with its one-line error."""
        return tuple(s for s in self.done if s.state == "failed")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A question and its filters. `path` or `ref` instead of `query` is a query by example.

    A question of order in its words ("right after the slide about corals", "how often ...") is
    understood as such, unless it stands within quotation marks; `after`, `before` (refs; both are
    between), `count` and the orders `first` and `last` say the same without words.
    """

    query: str = ""
    ref: str = ""
    path: FilePath = ""
    links: bool = True
    """Whether `path` may lead through symbolic links, as in `IngestRequest`."""
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
    after: str = ""
    """Ref of a moment: only what follows it in its source, nearest first."""
    before: str = ""
    """Ref of a moment: only what precedes it in its source, nearest first."""
    count: bool = False
    """Whether to count the distinct moments that match well enough; they are the hits."""

    def __post_init__(self) -> None:
        """Convert names of modalities and of the collection; raises BadRequestError for an unknown
        value."""
        object.__setattr__(self, "collection", collection_name(self.collection))
        for given in self.modality:
            _require_choice("modality", given, tuple(Modality))
        object.__setattr__(self, "modality", tuple(Modality(m) for m in self.modality))
        _require_choice("order", self.order, get_args(Order))


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One moment in a search result, with its citation and its ref."""

    ref: str
    cite: str
    source_id: str
    title: str
    modality: Modality
    match: Match
    why: tuple[Channel, ...]
    text: str
    origin: str = ""
    heading: str = ""
    """The chapter, sheet or headings in which `text` stands: `Install › Linux`; "" where title and
    text say it."""
    speaker: str = ""
    """Who says `text`: a name, `speaker A`, or several; "" where that is not known."""
    start_s: float | None = None
    end_s: float | None = None
    page: int | None = None
    rects: tuple[Rect, ...] = ()
    """Where on the page, the image or the frame at `frame_s` the words that answer stand, one for
    each line; () where that is not known, and for what is not seen."""
    frame_s: float | None = None
    """The second of the frame of a video in which `rects` lie."""
    recorded_at: datetime | None = None
    recorded_at_from: str = ""
    """Where the date comes from; `file time` is when the file last changed, a guess."""
    also_at: tuple[str, ...] = ()
    partial: str = ""
    """`still ingesting, 40% is in` while its source is not complete."""
    missing_since: datetime | None = None
    """When it was noticed that the file is gone; what was stored of it is still cited."""
    score: float = 0.0
    cosine: float = 0.0
    uri: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first (or by date); without hits, the best rejected moment as `nearest`."""

    hits: tuple[SearchHit, ...]
    searched_sources: int
    searched_segments: int
    when_resolved: str = ""
    note: str = ""
    nearest: SearchHit | None = None
    next_cursor: str = ""
    read_as: str = ""
    """How a question of order was understood, with the citation of the moment that it refers to;
    "" for any other question. It quotes titles."""
    count: int | None = None
    """Distinct moments that match well enough, where the question asks how many; else None."""
    at_least: bool = False
    """Whether there may be more of them: some matches are doubtful."""
    second_stage: str = ""
    """What the reranker did, in one line: how many moments, how long; "" without one."""
    pending_files: int = 0
    """Files being ingested or queued, which may not be searchable yet."""
    partial_sources: int = 0
    """Sources of this collection whose ingest was interrupted."""


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
        _require_choice("size", self.size, get_args(Size))


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
class SourcePage:
    """A page of the library."""

    sources: tuple[SourceRow, ...]
    total: int
    next_cursor: str = ""
    collections: Mapping[str, int] = field(default_factory=dict)
    """The number of sources of every collection, by name: on the first page of a list without
    filters, else empty."""
    ingests: tuple[IngestStatus | FolderStatus, ...] = ()
    """On the first page: everything that is being ingested or waits for its turn."""
    lacks: tuple[str, ...] = ()
    """On the first page: one line for each part of the models that is not installed."""


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page of a source's words, or of its shots where it has none."""

    source: SourceRow
    lines: tuple[Line, ...]
    next_cursor: str = ""
    range: str = ""
    """The part that was asked for, with its unit: `seconds 60 to 90 of 2890`; "" for the whole."""


@dataclass(frozen=True, slots=True)
class SpeakersOf:
    """A source and who speaks in it, in order of appearance."""

    source: SourceRow
    speakers: tuple[Speaker, ...]
    note: str = ""
    """Why there are none, or what a change did elsewhere; "" where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class KeptVoice:
    """A name, and in how many sources a voice of it is kept."""

    name: str
    """"" for the voices of speakers without a name."""
    sources: int


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


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file under a folder as it was when it was ingested, or passed over."""

    path: str
    size: int
    mtime_ns: int
    complete: bool
    """Whether, unchanged, there is nothing to do for it."""
    source_id: str = ""
    gone: bool = False
    """Whether it was noted as gone."""
    passed_over: str = ""
    """The code of why it was not ingested: FORGOTTEN, UNSUPPORTED_TYPE, CORRUPT_MEDIA ..."""


@dataclass(frozen=True, slots=True)
class FilePage:
    """Known files in order of path; `after` of the next page, "" for the last one."""

    files: tuple[KnownFile, ...]
    next_after: str = ""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file that cannot be ingested, and why: not worth another try until it changes."""

    path: str
    size: int
    mtime_ns: int
    code: str
    error: str


@dataclass(frozen=True, slots=True)
class FileNews:
    """What a watcher found out about files, by their paths."""

    gone: tuple[str, ...] = ()
    """No longer there."""
    ingested: tuple[str, ...] = ()
    """Ingested: what these paths held before is forgotten."""
    passed_over: tuple[PassedOver, ...] = ()


@dataclass(frozen=True, slots=True)
class VectorsStatus:
    """How far the export or import of a library's vectors is; at its end, what it did."""

    path: str
    sources_total: int
    sources_done: int = 0
    segments: int = 0
    """Written to the file, or stored in the library."""
    already: int = 0
    """Sources of an import that were in the library: they stayed as they were."""
    current: str = ""
    """Title of the source under way; "" at the end."""
    thumbnails: int = 0
    """Small images written to the folder, or stored in the library."""


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """How far a backup or its restoration is; at the end, what is in it."""

    path: str
    files_total: int = 0
    files_done: int = 0
    bytes: int = 0
    """Of the files that are done, on disk."""
    sources: int = 0
    segments: int = 0


@dataclass(frozen=True, slots=True)
class FilesNoted:
    """What became of sources because of a FileNews."""

    missing: tuple[str, ...] = ()
    """Ids of sources that have no file now; they stay searchable."""
    replaced: tuple[SourceRow, ...] = ()
    """Sources that were forgotten, since their only file holds something else now."""
