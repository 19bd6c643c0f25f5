from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import IngestRequest
from omni_core.settings import Settings
from tests.omni_core.catalog import postgres_server
from tests.omni_core.index.qdrant_standin import StandIn


@pytest.fixture
def server() -> Any:
    standin = StandIn()
    yield standin
    standin.close()


@pytest.fixture
def there(settings: Settings, server: StandIn) -> Settings:
    return replace(settings, index="server", qdrant_url=server.url, qdrant_api_key=server.key)


@pytest.fixture
async def filled(settings: Settings, media: Path, opened: Callable[..., Any]) -> Settings:
    """A closed library of four sources."""
    async with opened() as engine:
        await engine.ingest_folder([str(p) for p in media.iterdir() if p.suffix != ".srt"])
        await engine.ingest(IngestRequest(str(media / "notes.md"), collection="trips"))
    return settings


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    if why := postgres_server.why_not():
        pytest.skip(why)
    with postgres_server.server() as url:
        yield url
