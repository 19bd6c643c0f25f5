"""Pages of the library, the words of a source, and who speaks in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from omni_core.engine.results.ingests import FolderStatus, IngestStatus
from omni_core.engine.results.opened import Line
from omni_core.types import SourceRow, Speaker


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
