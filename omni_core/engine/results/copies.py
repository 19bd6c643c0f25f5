"""How far a copy of the library is: of its vectors, or a backup."""

from __future__ import annotations

from dataclasses import dataclass


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
