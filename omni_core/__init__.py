"""Omni: find the moment, the page or the sound that answers a question, and cite it.

async with await Engine.open(load_settings({"roots": ("~/Media",)})) as engine:
    await engine.ingest(IngestRequest("talk.mp4"))
    result = await engine.search(SearchRequest("why do corals bleach"))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from omni_core.errors import OmniError as OmniError
from omni_core.settings import Settings as Settings
from omni_core.settings import load as load_settings

if TYPE_CHECKING:
    from omni_core.engine import Engine as Engine
    from omni_core.engine.results import IngestRequest as IngestRequest
    from omni_core.engine.results import OpenRequest as OpenRequest
    from omni_core.engine.results import SearchRequest as SearchRequest
    from omni_core.types import Channel as Channel
    from omni_core.types import Modality as Modality
    from omni_core.types import Span as Span

__version__ = "0.1.0"

_LATER = {
    "Engine": "omni_core.engine",
    "IngestRequest": "omni_core.engine.results",
    "OpenRequest": "omni_core.engine.results",
    "SearchRequest": "omni_core.engine.results",
    "Channel": "omni_core.types",
    "Modality": "omni_core.types",
    "Span": "omni_core.types",
}
"""Loaded when first named: a server answers `tools/list` before numpy is imported."""

__all__ = ["OmniError", "Settings", "load_settings", *_LATER]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value
