"""The ingest of one file or of a folder: what is asked for, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from omni_core.collection_names import collection_name
from omni_core.engine.results.fields import FilePath
from omni_core.errors import OmniError
from omni_core.types import Modality, State

Change = Literal["collection", "title", "recorded_at"]


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
