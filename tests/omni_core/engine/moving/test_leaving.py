"""A library that was moved is used in one place, and what was lost in one is not lost in two."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, index
from omni_core.catalog import schema
from omni_core.encoders import describe
from omni_core.engine import migrate
from omni_core.engine.ownership import adopt_collection
from omni_core.engine.store import look
from omni_core.errors import BadRequestError, StoreError
from omni_core.index.server import ServerIndex
from omni_core.payload import source_filter
from omni_core.settings import Settings
from tests.omni_core.engine.moving.test_migrating import points_of


async def states(engine: Engine) -> set[str]:
    return {s.state for s in (await engine.sources()).sources}


async def lose(settings: Settings, *sources: str) -> None:
    """Delete the points of these sources from the index, behind the catalog's back."""
    one = await asyncio.to_thread(index.load, settings, await asyncio.to_thread(describe, settings))
    await one.open()
    for source in sources:
        await one.delete(source_filter(source))
    await one.flush()
    await one.close()


@pytest.mark.parametrize("opened_between", [False, True])
async def test_going_back_from_an_index_that_lost_segments_keeps_those_of_the_former_one(
    filled: Settings, there: Settings, opened: Callable[..., Any], opened_between: bool
) -> None:
    whole = await points_of(filled)
    await migrate(filled, there)
    await lose(there, *{p.stored.source_id for p in whole.values()})
    if opened_between:  # the catalog knows of the loss
        async with opened(there) as engine:
            await engine.status()
            await engine._context.opened_index()
            assert await states(engine) == {"partial"}

    done = await migrate(there, filled)

    assert (done.segments, done.written, done.lost) == (len(whole), 0, 0)
    assert (await points_of(filled)).keys() == whole.keys()
    async with opened(filled) as engine:
        await engine._context.opened_index()
        assert await states(engine) == {"ready"}


async def test_a_loss_in_both_indexes_is_told_and_what_is_left_moves(
    filled: Settings, there: Settings
) -> None:
    whole = await points_of(filled)
    gone = next(iter(whole.values())).stored.source_id
    await lose(filled, gone)

    done = await migrate(filled, there)

    left = {i for i, p in whole.items() if p.stored.source_id != gone}
    assert (done.lost, done.segments) == (1, len(left))
    assert (await points_of(there)).keys() == left


async def test_a_catalog_that_has_moved_is_not_used_where_it_was(
    filled: Settings, there: Settings, postgres: str, opened: Callable[..., Any], media: Path
) -> None:
    shared = replace(there, catalog=postgres, catalog_schema="moved")
    await migrate(filled, shared, leave=True)

    for forgotten in (filled, there):
        with pytest.raises(StoreError, match=r"has moved to PostgreSQL, .*OMNI_CATALOG") as e:
            await Engine.open(forgotten)
        assert e.value.code == "CATALOG_MOVED"
    assert "has moved to PostgreSQL" in (await asyncio.to_thread(look, filled))[1]
    async with opened(shared) as engine:
        await engine.ingest(IngestRequest(str(media / "fire_truck.png"), title="Engine 4"))

    await migrate(shared, there, leave=True)  # back, and now the other one refuses

    with pytest.raises(StoreError, match="has moved to the folder"):
        await Engine.open(shared)
    async with opened(there) as engine:
        assert "Engine 4" in {s.title for s in (await engine.sources()).sources}


async def test_a_catalog_of_an_older_version_moves_too(
    filled: Settings, there: Settings, postgres: str, opened: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "SELECT 1;"))
    shared = replace(there, catalog=postgres, catalog_schema="older")
    await migrate(filled, shared, leave=True)
    async with opened(shared) as engine:
        assert await states(engine) == {"ready"}


async def test_a_copy_for_a_look_leaves_both_catalogs_in_use(
    filled: Settings, there: Settings, postgres: str, opened: Callable[..., Any]
) -> None:
    shared = replace(there, catalog=postgres, catalog_schema="looked_at")
    await migrate(filled, shared)
    for either in (filled, shared):
        async with opened(either) as engine:
            assert await states(engine) == {"ready"}


async def test_where_the_new_catalog_is_lost_the_former_one_is_adopted_as_a_library_of_its_own(
    filled: Settings, there: Settings, postgres: str, opened: Callable[..., Any]
) -> None:
    shared = replace(there, catalog=postgres, catalog_schema="lost")
    await migrate(filled, shared, leave=True)

    await adopt_collection(there)

    async with opened(there) as engine:
        assert await states(engine) == {"ready"}
    async with opened(shared) as engine:  # it was not lost after all
        with pytest.raises(StoreError) as e:
            await engine._context.opened_index()
        assert e.value.code == "FOREIGN_COLLECTION"


async def test_where_the_new_catalog_and_index_are_lost_the_embedded_library_is_used_again(
    filled: Settings, there: Settings, postgres: str, opened: Callable[..., Any]
) -> None:
    with pytest.raises(BadRequestError, match="only a collection on a Qdrant server"):
        await adopt_collection(filled)  # it has not moved
    await migrate(filled, replace(there, catalog=postgres, catalog_schema="gone"), leave=True)

    assert "is used again" in await adopt_collection(filled)

    async with opened(filled) as engine:
        await engine._context.opened_index()
        assert await states(engine) == {"ready"}


async def test_the_same_catalog_by_another_address_is_not_moved(
    filled: Settings, there: Settings, postgres: str, opened: Callable[..., Any]
) -> None:
    shared = replace(there, catalog=postgres, catalog_schema="same")
    await migrate(filled, shared, leave=True)

    again = replace(shared, catalog=f"{postgres}{'&' if '?' in postgres else '?'}connect_timeout=9")
    with pytest.raises(BadRequestError, match="the catalog is there already: PostgreSQL"):
        await migrate(shared, again, leave=True)

    async with opened(shared) as engine:
        assert len((await engine.sources()).sources) == 4


@pytest.mark.parametrize("why", ["foreign", "unreachable"])
async def test_a_catalog_that_cannot_be_moved_is_refused_before_a_point_is_copied(
    filled: Settings, there: Settings, postgres: str, tmp_path: Path, media: Path, why: str
) -> None:
    other = replace(
        there, qdrant_collection="others", catalog=postgres, catalog_schema="others",
        store=str(tmp_path / "other"),
    )  # fmt: skip
    async with await Engine.open(other) as engine:
        await engine.ingest(IngestRequest(str(media / "notes.md")))
    target = replace(there, catalog=postgres, catalog_schema="others")
    if why == "unreachable":
        target = replace(target, catalog="postgresql://omni@127.0.0.1:9/omni")

    with pytest.raises(StoreError, match=r"holds another library|cannot be reached"):
        await migrate(filled, target, leave=True)

    assert await points_of(there) == {}


async def _of_another_model(settings: Settings) -> None:
    info = replace(await asyncio.to_thread(describe, settings), revision="another")
    one = await asyncio.to_thread(index.load, settings, info)
    await one.open()
    if isinstance(one, ServerIndex):
        await one.make()
    await one.close()


async def test_an_index_from_before_a_reindex_is_named_with_what_to_do(
    filled: Settings, there: Settings
) -> None:
    await _of_another_model(there)
    with pytest.raises(StoreError, match=r"the collection evidence .* --to-collection") as e:
        await migrate(filled, there)
    assert e.value.code == "MODEL_MISMATCH"
    other = replace(there, qdrant_collection="another")
    await migrate(filled, other)
    await asyncio.to_thread(shutil.rmtree, filled.store_path / "index")
    await _of_another_model(filled)

    with pytest.raises(StoreError, match=r"move the folder .*index away.* stays where it was"):
        await migrate(other, filled)

    await asyncio.to_thread(shutil.move, filled.store_path / "index", filled.store_path / "old")
    assert (await migrate(other, filled)).sources_done == 4
