"""Omni: find the moment, the page or the sound that answers a question, and cite it.

    async with await Engine.open(Settings(store="library")) as engine:
        await engine.ingest(IngestRequest("talk.mp4"))
        result = await engine.search(SearchRequest("why do corals bleach"))

Everything a program or a plug-in needs is importable from here: the engine, what it is asked and
what it answers, every error, the base classes of plug-ins and every type that these name. See
docs/python.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from omni_core.errors import AmbiguousError as AmbiguousError
from omni_core.errors import BadRequestError as BadRequestError
from omni_core.errors import Choice as Choice
from omni_core.errors import FullDiskError as FullDiskError
from omni_core.errors import NotFoundError as NotFoundError
from omni_core.errors import NotIndexedError as NotIndexedError
from omni_core.errors import OmniError as OmniError
from omni_core.errors import RefusedError as RefusedError
from omni_core.errors import StoppedError as StoppedError
from omni_core.errors import StoreError as StoreError
from omni_core.errors import TooLargeError as TooLargeError
from omni_core.errors import UnavailableError as UnavailableError
from omni_core.errors import UnreadableError as UnreadableError
from omni_core.settings import Settings as Settings
from omni_core.settings import load as load_settings

if TYPE_CHECKING:
    from omni_core.engine import Engine as Engine
    from omni_core.engine.api import EngineApi as EngineApi
    from omni_core.engine.results import BackupStatus as BackupStatus
    from omni_core.engine.results import Checked as Checked
    from omni_core.engine.results import ClipFile as ClipFile
    from omni_core.engine.results import FileNews as FileNews
    from omni_core.engine.results import FilePage as FilePage
    from omni_core.engine.results import FilesNoted as FilesNoted
    from omni_core.engine.results import FolderStatus as FolderStatus
    from omni_core.engine.results import IngestRequest as IngestRequest
    from omni_core.engine.results import IngestStatus as IngestStatus
    from omni_core.engine.results import KeptVoice as KeptVoice
    from omni_core.engine.results import KnownFile as KnownFile
    from omni_core.engine.results import Line as Line
    from omni_core.engine.results import Opened as Opened
    from omni_core.engine.results import OpenRequest as OpenRequest
    from omni_core.engine.results import PassedOver as PassedOver
    from omni_core.engine.results import Placed as Placed
    from omni_core.engine.results import ReadPage as ReadPage
    from omni_core.engine.results import RenderedImage as RenderedImage
    from omni_core.engine.results import SearchHit as SearchHit
    from omni_core.engine.results import SearchRequest as SearchRequest
    from omni_core.engine.results import SearchResult as SearchResult
    from omni_core.engine.results import SourcePage as SourcePage
    from omni_core.engine.results import SpeakersOf as SpeakersOf
    from omni_core.engine.results import VectorsStatus as VectorsStatus
    from omni_core.models.answers import Ahead as Ahead
    from omni_core.models.answers import ModelStatus as ModelStatus
    from omni_core.models.answers import UnloadedReader as UnloadedReader
    from omni_core.payload import StoredSegment as StoredSegment
    from omni_core.points import Point as Point
    from omni_core.points import ScoredPoint as ScoredPoint
    from omni_core.protocols import Encoder as Encoder
    from omni_core.protocols import Index as Index
    from omni_core.protocols import Lack as Lack
    from omni_core.protocols import Medium as Medium
    from omni_core.protocols import Reader as Reader
    from omni_core.protocols import Reranker as Reranker
    from omni_core.protocols import Transcriber as Transcriber
    from omni_core.query import During as During
    from omni_core.query import Filter as Filter
    from omni_core.query import Ids as Ids
    from omni_core.query import In as In
    from omni_core.query import Prefetch as Prefetch
    from omni_core.query import Range as Range
    from omni_core.sharing import SharedEngine as SharedEngine
    from omni_core.types import AudioContent as AudioContent
    from omni_core.types import BinnedSource as BinnedSource
    from omni_core.types import Channel as Channel
    from omni_core.types import Content as Content
    from omni_core.types import CutOptions as CutOptions
    from omni_core.types import EncoderInfo as EncoderInfo
    from omni_core.types import FileLength as FileLength
    from omni_core.types import FileWarning as FileWarning
    from omni_core.types import ImageContent as ImageContent
    from omni_core.types import Limits as Limits
    from omni_core.types import MediaInfo as MediaInfo
    from omni_core.types import Modality as Modality
    from omni_core.types import PlacedWord as PlacedWord
    from omni_core.types import ReaderInfo as ReaderInfo
    from omni_core.types import RerankerInfo as RerankerInfo
    from omni_core.types import Segment as Segment
    from omni_core.types import Source as Source
    from omni_core.types import SourceRow as SourceRow
    from omni_core.types import Span as Span
    from omni_core.types import Sparse as Sparse
    from omni_core.types import Speaker as Speaker
    from omni_core.types import TextContent as TextContent
    from omni_core.types import Turn as Turn
    from omni_core.types import Vector as Vector
    from omni_core.types import VideoContent as VideoContent
    from omni_core.types import Voices as Voices

__version__ = "0.1.0"

_LAZY = {
    "omni_core.engine": ("Engine",),
    "omni_core.engine.api": ("EngineApi",),
    "omni_core.engine.results": (
        "PassedOver",
        "KnownFile",
        "FilesNoted",
        "FilePage",
        "FileNews",
        "Checked",
        "ClipFile",
        "FolderStatus",
        "IngestRequest",
        "IngestStatus",
        "KeptVoice",
        "Line",
        "Opened",
        "OpenRequest",
        "Placed",
        "ReadPage",
        "RenderedImage",
        "SearchHit",
        "SearchRequest",
        "SearchResult",
        "SourcePage",
        "SpeakersOf",
        "VectorsStatus",
        "BackupStatus",
    ),
    "omni_core.models.answers": ("Ahead", "ModelStatus", "UnloadedReader"),
    "omni_core.payload": ("StoredSegment",),
    "omni_core.points": ("Point", "ScoredPoint"),
    "omni_core.protocols": (
        "Encoder",
        "Index",
        "Lack",
        "Medium",
        "Reader",
        "Reranker",
        "Transcriber",
    ),
    "omni_core.query": ("During", "Filter", "Ids", "In", "Prefetch", "Range"),
    "omni_core.sharing": ("SharedEngine",),
    "omni_core.types": (
        "AudioContent",
        "BinnedSource",
        "Channel",
        "Content",
        "CutOptions",
        "EncoderInfo",
        "FileLength",
        "FileWarning",
        "ImageContent",
        "Limits",
        "MediaInfo",
        "Modality",
        "PlacedWord",
        "ReaderInfo",
        "RerankerInfo",
        "Segment",
        "Source",
        "SourceRow",
        "Span",
        "Sparse",
        "Speaker",
        "TextContent",
        "Turn",
        "Vector",
        "VideoContent",
        "Voices",
    ),
}
"""Module -> names, imported when first used: a server answers `tools/list` before numpy is."""
_HOME = {name: module for module, names in _LAZY.items() for name in names}

__all__ = [
    "AmbiguousError",
    "BadRequestError",
    "Choice",
    "FullDiskError",
    "NotFoundError",
    "NotIndexedError",
    "OmniError",
    "RefusedError",
    "StoppedError",
    "StoreError",
    "TooLargeError",
    "UnavailableError",
    "UnreadableError",
    "Settings",
    "load_settings",
    *_HOME,
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
