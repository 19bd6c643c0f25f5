"""A question with its filters, and the moments that answer it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from omni_core.collection_names import collection_name
from omni_core.engine.results.fields import FilePath, require_choice
from omni_core.types import Channel, Match, Modality, Rect

Order = Literal["relevance", "newest", "oldest", "first", "last"]
"""`newest` and `oldest` sort what was found by date; `first` and `last` keep only what matches well
enough, and sort it by time, inside a source too."""


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
            require_choice("modality", given, tuple(Modality))
        object.__setattr__(self, "modality", tuple(Modality(m) for m in self.modality))
        require_choice("order", self.order, get_args(Order))


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
