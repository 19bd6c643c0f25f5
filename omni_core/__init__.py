"""Omni: find the moment, the page or the sound that answers a question, and cite it.

    async with await Engine.open(load_settings({"roots": ("~/Media",)})) as engine:
        await engine.ingest(IngestRequest("talk.mp4"))
        result = await engine.search(SearchRequest("why do corals bleach"))
"""

from omni_core.engine import Engine as Engine
from omni_core.engine.results import IngestRequest as IngestRequest
from omni_core.engine.results import OpenRequest as OpenRequest
from omni_core.engine.results import SearchRequest as SearchRequest
from omni_core.errors import OmniError as OmniError
from omni_core.settings import Settings as Settings
from omni_core.settings import load as load_settings
from omni_core.types import Channel as Channel
from omni_core.types import Modality as Modality
from omni_core.types import Span as Span

__version__ = "0.1.0"
