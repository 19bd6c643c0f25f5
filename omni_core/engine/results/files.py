"""Files on disk that the library knows, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from omni_core.types import SourceRow


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
class FilesNoted:
    """What became of sources because of a FileNews."""

    missing: tuple[str, ...] = ()
    """Ids of sources that have no file now; they stay searchable."""
    replaced: tuple[SourceRow, ...] = ()
    """Sources that were forgotten, since their only file holds something else now."""
    at: float = 0.0
    """When it was noted, by the clock that all processes of the library share: seconds since
    1970."""
