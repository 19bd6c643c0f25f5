"""Sources: the ingested files, and their records in the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from omni_core import ids


class Modality(StrEnum):
    """The kind of a source."""

    VIDEO = "video"
    AUDIO = "audio"
    IMAGE = "image"
    DOCUMENT = "document"


FILE_TIME = "file time"
"""`recorded_at_from` of a date that is only the file's modification time."""


@dataclass(frozen=True, slots=True)
class Source:
    """One ingested file, named by the sha256 of its bytes: two paths, same bytes, one source."""

    sha256: str
    uri: str
    title: str
    modality: Modality
    mime: str
    size: int
    duration_s: float | None = None
    pages: int | None = None
    recorded_at: datetime | None = None
    recorded_at_from: str = ""
    """exif, xmp, iptc, png, container, pdf, file name, file time, or caller."""
    content: str = ""
    """The sha256 of the bytes of a copy that is kept apart for one collection, whose `sha256` is
    `ids.hash_apart` of both; "" for any other."""

    @property
    def id(self) -> str:
        """`src_` and 16 base32 characters (80 bits) of the hash."""
        return ids.source_id(self.sha256)


State = Literal["queued", "processing", "ready", "partial", "failed"]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source as the catalog stores and lists it."""

    id: str
    title: str
    modality: Modality
    uri: str
    sha256: str
    mime: str
    size: int
    state: State
    segments: int
    progress: float = 1.0
    duration_s: float | None = None
    pages: int | None = None
    recorded_at: datetime | None = None
    recorded_at_from: str = ""
    ingested_at: datetime | None = None
    collections: tuple[str, ...] = ()
    model: str = ""
    pipeline: str = ""
    warnings: tuple[str, ...] = ()
    error_code: str = ""
    error: str = ""
    empty: str = ""
    """Why nothing in it can be found but its title: `its sound is silent`; "" where something can.
    """
    missing_since: datetime | None = None
    """When it was noticed that its file is gone, at every path it was ingested from; else None."""
    content: str = ""
    """As in `Source`."""

    @property
    def bytes_sha256(self) -> str:
        """The sha256 of the file's bytes."""
        return self.content or self.sha256

    @property
    def source(self) -> Source:
        """The file itself, without what became of it."""
        return Source(
            self.sha256, self.uri, self.title, self.modality, self.mime, self.size,
            self.duration_s, self.pages, self.recorded_at, self.recorded_at_from, self.content,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """Result of probing a file, before any of it is cut into segments."""

    modality: Modality
    mime: str
    title: str = ""
    duration_s: float | None = None
    pages: int | None = None
    width: int | None = None
    height: int | None = None
    recorded_at: datetime | None = None
    recorded_at_from: str = ""
    has_audio: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BinnedSource:
    """A source that was forgotten and can be brought back."""

    id: str
    sha256: str
    title: str
    uri: str
    segments: int
    size: int
    """Bytes that it takes in the bin."""
    forgotten_at: float
    """Seconds since 1970."""
    state: str
    """The state that it had: `ready`, `partial`."""
    model: str
    pipeline: str
    collections: tuple[str, ...] = ()
    """Those that it was in."""
    content: str = ""
    """As of a source: the sha256 of its bytes, where it is a copy that is kept apart."""


@dataclass(frozen=True, slots=True)
class FileWarning:
    """A warning about the file as a whole, found while it was decoded.

    Yielded by `Medium.decompose` among the segments; shown with the source, never indexed.
    """

    message: str
    """One line: what is wrong, and what of the file is missing because of it."""
    limit: str = ""
    """The setting whose limit ended the decoding: the source is `partial` until that is raised."""


@dataclass(frozen=True, slots=True)
class FileLength:
    """The length of a video or audio file, as it was decoded.

    Yielded last by `Medium.decompose`, where it is known better than from the file's header.
    """

    seconds: float
