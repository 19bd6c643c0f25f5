"""The bin goes along with a backup and a migration, to a Qdrant server and PostgreSQL too; an
export leaves it out. What comes back has all of its vectors."""

from __future__ import annotations

import asyncio
import importlib.util
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.engine import migrate, restore
from omni_core.engine.bin import copy_to_bin
from omni_core.engine.moving.comparing import is_same
from omni_core.payload import source_filter
from omni_core.settings import Settings
from tests.omni_core.catalog import postgres_server
from tests.omni_core.index import real_qdrant
from tests.omni_core.index.qdrant_standin import StandIn

pytestmark = pytest.mark.timeout(300)
Opened = Callable[..., Any]


async def put(engine: Engine, folder: Path, name: str = "ferry") -> str:
    path = folder / f"{name}.md"
    path.write_text(f"# {name}\n\nThe {name} leaves at seven from pier nine.\n")
    status = await engine.ingest(IngestRequest(str(path), collection="trips", title=name))
    assert status.state == "ready", status
    return str(status.source_id)


async def points_of(engine: Engine, source: str) -> list[Any]:
    index = await engine._context.opened_index()
    page, _ = await index.scroll(source_filter(source))
    return await index.get([p.id for p in page], vectors=True)


async def forget_one(engine: Engine, folder: Path) -> tuple[str, list[Any], Any]:
    """A source in the bin beside one in the library: its id, its points, its row."""
    source = await put(engine, folder)
    await put(engine, folder, "castle")
    points = await points_of(engine, source)
    assert points
    row = await engine.named(source)
    await engine.forget(source)
    return source, points, row


async def comes_back(engine: Engine, forgotten: tuple[str, list[Any], Any]) -> None:
    source, points, row = forgotten
    assert [b.id for b in await engine.bin()] == [source]
    assert await points_of(engine, source) == []
    assert await engine.restore_source(source) == row
    back = await points_of(engine, source)
    assert len(back) == len(points)
    assert all(map(is_same, back, points))
    found = await engine.search(SearchRequest("when does the ferry leave", collection="trips"))
    assert source in {hit.source_id for hit in found.hits}
    assert await engine.bin() == ()


@pytest.fixture
def standin() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.close()


@pytest.fixture(params=["stand-in", "real"])
def there(
    request: pytest.FixtureRequest, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """The same library on a Qdrant server."""
    if request.param == "stand-in":
        server = request.getfixturevalue("standin")
        yield replace(settings, index="server", qdrant_url=server.url, qdrant_api_key=server.key)
        return
    name = f"test_{uuid.uuid4().hex[:8]}"
    with real_qdrant.server(tmp_path_factory.mktemp("qdrant")) as started:
        yield replace(
            settings, index="server", qdrant_url=started.url, qdrant_api_key=started.key,
            qdrant_collection=name,
        )  # fmt: skip


@pytest.fixture
def postgres() -> Iterator[str]:
    if why := postgres_server.why_not():
        pytest.skip(why)
    with postgres_server.server() as url:
        yield url


async def test_a_backup_has_the_bin_and_a_restored_library_brings_it_back(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    async with opened() as engine:
        forgotten = await forget_one(engine, tmp_path)
        made = await engine.back_up(str(tmp_path / "backup"))
        assert made.sources == 1, "what is in the bin does not count"
    await restore(tmp_path / "backup", tmp_path / "new")
    async with opened(replace(settings, store=str(tmp_path / "new"))) as engine:
        await comes_back(engine, forgotten)


async def test_the_bin_goes_along_to_a_qdrant_server_and_works_there(
    opened: Opened, settings: Settings, there: Settings, tmp_path: Path
) -> None:
    async with opened() as engine:
        forgotten = await forget_one(engine, tmp_path)
    assert (await migrate(settings, there)).sources_done == 1
    async with opened(there) as engine:
        await comes_back(engine, forgotten)
        await engine.forget(forgotten[0])
        await comes_back(engine, forgotten)
        await engine.forget(forgotten[0])
        assert await engine.empty_bin() == 1


async def test_a_source_on_its_way_out_when_the_library_moved_is_settled_where_it_is_now(
    opened: Opened, settings: Settings, standin: StandIn, tmp_path: Path
) -> None:
    async with opened() as engine:
        source = await put(engine, tmp_path)
        points, row = await points_of(engine, source), await engine.named(source)
        await copy_to_bin(engine._context, await engine._context.opened_index(), row)
        await asyncio.to_thread(engine._context.catalog.begin_forgetting, row.sha256)
    server = replace(settings, index="server", qdrant_url=standin.url, qdrant_api_key=standin.key)
    await migrate(settings, server)
    async with opened(server) as engine:
        await engine.ready(60)
        assert (await engine.sources()).total == 0
        await comes_back(engine, (source, points, row))


async def test_the_bin_goes_along_into_postgresql_and_is_one_for_all_processes(
    opened: Opened, settings: Settings, standin: StandIn, postgres: str, tmp_path: Path
) -> None:
    async with opened() as engine:
        forgotten = await forget_one(engine, tmp_path)
    shared = replace(
        settings, index="server", qdrant_url=standin.url, qdrant_api_key=standin.key,
        catalog=postgres,
    )  # fmt: skip
    await migrate(settings, shared)
    other = replace(shared, store=str(tmp_path / "store of another process"))
    async with opened(shared) as engine, opened(other) as beside:
        await comes_back(beside, forgotten)
        await engine.forget(forgotten[0])
        await comes_back(beside, forgotten)
        await beside.forget(forgotten[0])
        assert await engine.empty_bin() == 1
        assert await beside.bin() == ()


@pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None, reason="pyarrow is an extra (parquet)"
)
async def test_an_export_leaves_the_bin_out_and_an_import_leaves_nothing_twice(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    async with opened() as engine:
        source = await put(engine, tmp_path)
        await engine.export_vectors(str(tmp_path / "whole"))
        await engine.forget(source)
        done = await engine.export_vectors(str(tmp_path / "without"))
        assert (done.sources_done, done.segments) == (0, 0)
        assert [b.id for b in await engine.bin()] == [source]
        await engine.import_vectors(str(tmp_path / "whole"))
        assert [row.id for row in (await engine.sources()).sources] == [source]
        assert await engine.bin() == (), "the library has it"


WORDS = """
from dataclasses import replace
import numpy as np
from omni_core.encoders.hashing import HashingEncoder
from omni_core.types import TextContent

class WordVectors(HashingEncoder):
    \"\"\"Text as one vector for each word, as late-interaction models have them.\"\"\"

    @classmethod
    def describe(cls, settings):
        return replace(HashingEncoder.describe(settings), name="word-vectors", multi_vector=True)

    def encode(self, contents):
        whole = super().encode
        found = []
        for content in contents:
            words = content.text.split() if isinstance(content, TextContent) else []
            vectors = [v for v in whole([TextContent(w) for w in words]) if v is not None]
            found.append(np.stack(vectors) if vectors else None)
        return found
"""


@pytest.mark.parametrize("index", ["edge", "memory"])
async def test_all_vectors_of_a_late_interaction_model_come_back(
    settings: Settings, tmp_path: Path, install: Callable[..., None], index: str
) -> None:
    install("word-vectors", WORDS, {"encoders": "word-vectors = word_vectors:WordVectors"})
    engine = await Engine.open(replace(settings, encoder="word-vectors", index=index))
    try:
        assert engine._context.info.multi_vector
        forgotten = await forget_one(engine, tmp_path)
        assert any(p.late is not None and len(p.late) > 1 for p in forgotten[1])
        await comes_back(engine, forgotten)
    finally:
        await engine.close()
