"""Requests and results of the engine: frozen dataclasses without behaviour."""

from omni_core.engine.results.copies import BackupStatus, VectorsStatus
from omni_core.engine.results.fields import FilePath
from omni_core.engine.results.files import FileNews, FilePage, FilesNoted, KnownFile, PassedOver
from omni_core.engine.results.ingests import Change, FolderStatus, IngestRequest, IngestStatus
from omni_core.engine.results.opened import (
    Checked,
    ClipFile,
    Line,
    Opened,
    OpenRequest,
    Placed,
    RenderedImage,
    Show,
    Size,
)
from omni_core.engine.results.searches import Order, SearchHit, SearchRequest, SearchResult
from omni_core.engine.results.sources import KeptVoice, ReadPage, SourcePage, SpeakersOf
from omni_core.types import SourceRow, State

__all__ = [
    "BackupStatus",
    "Change",
    "Checked",
    "ClipFile",
    "FileNews",
    "FilePage",
    "FilePath",
    "FilesNoted",
    "FolderStatus",
    "IngestRequest",
    "IngestStatus",
    "KeptVoice",
    "KnownFile",
    "Line",
    "OpenRequest",
    "Opened",
    "Order",
    "PassedOver",
    "Placed",
    "ReadPage",
    "RenderedImage",
    "SearchHit",
    "SearchRequest",
    "SearchResult",
    "Show",
    "Size",
    "SourcePage",
    "SourceRow",
    "SpeakersOf",
    "State",
    "VectorsStatus",
]
