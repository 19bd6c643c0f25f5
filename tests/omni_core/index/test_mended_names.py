"""A library whose collections were stored as they were typed is mended when it is opened."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.catalog import SqliteCatalog
from omni_core.engine.index_opening import IndexOpening
from omni_core.errors import StoreError
from omni_core.payload import StoredSegment, in_collection
from omni_core.points import Point
from omni_core.query import Filter
from omni_core.types import Modality, Source
from tests.omni_core.index.test_contract import uid

TYPED = {"a": ["", "Trips 2026"], "b": ["trips 2026"], "c": ["  ", "default"], "d": ["default"]}
STORED = {"a": ["default", "trips 2026"], "b": ["trips 2026"], "c": ["default"], "d": ["default"]}


def _source(letter: str) -> Source:
    return Source(letter * 64, f"/{letter}", letter, Modality.DOCUMENT, "text/plain", 1)


def _old_library(store: Path) -> None:
    """A catalog as an older version wrote it."""
    with SqliteCatalog(store) as catalog:
        for letter, names in TYPED.items():
            sha256 = _source(letter).sha256
            for name in names:
                catalog.begin(_source(letter), collection=name, mtime_ns=1, model="m", pipeline="1")
            catalog.finish(sha256, segments=2)


async def _old_points(index: Any) -> None:
    vector = np.ones(32, np.float32)
    points = [
        Point(
            uid(10 * i + n), vector, None,
            StoredSegment({"source_id": _source(letter).id, "collections": names}),
        )
        for i, (letter, names) in enumerate(TYPED.items())
        for n in range(2)
    ]  # fmt: skip
    await index.upsert(points)


async def _names(index: Any) -> dict[str, list[str]]:
    """The names of each source's points, which agree with one another."""
    page, _ = await index.scroll(limit=100)
    found: dict[str, set[tuple[str, ...]]] = {}
    letters = {_source(letter).id: letter for letter in TYPED}
    for point in page:
        found.setdefault(letters[point.stored.source_id], set()).add(point.stored.collections)
    assert all(len(each) == 1 for each in found.values())
    return {letter: list(next(iter(each))) for letter, each in sorted(found.items())}


async def _reopen(open_index: Any, index: Any) -> None:
    if open_index.kind != "memory":  # it forgets what it holds
        await index.close()


async def test_names_are_mended_in_the_catalog_and_in_every_point(
    open_index: Any, tmp_path: Path
) -> None:
    await asyncio.to_thread(_old_library, tmp_path)
    index = await open_index()
    await _old_points(index)
    await _reopen(open_index, index)
    catalog = await asyncio.to_thread(SqliteCatalog, tmp_path)
    try:
        assert await asyncio.to_thread(catalog.collections) == {"default": 3, "trips 2026": 2}
        opening = IndexOpening(index, catalog)
        mended = await opening.opened()
        assert await _names(mended) == STORED
        assert await mended.count(Filter(must=(in_collection("default"),))) == 6
        assert await mended.count(Filter(must=(in_collection("trips 2026"),))) == 4
        assert await mended.count(Filter(must=(in_collection(""),))) == 0
        assert await asyncio.to_thread(catalog.unmended) == {}
    finally:
        await asyncio.to_thread(catalog.close)


async def test_a_read_only_library_leaves_an_index_on_a_server_as_it_is(
    open_index: Any, tmp_path: Path
) -> None:
    await asyncio.to_thread(_old_library, tmp_path)
    index = await open_index()
    await _old_points(index)
    before = await _names(index)
    await _reopen(open_index, index)
    catalog = await asyncio.to_thread(SqliteCatalog, tmp_path)
    try:
        assert await _names(await IndexOpening(index, catalog, mends=False).opened()) == before
    finally:
        await asyncio.to_thread(catalog.close)


class _Died(StoreError):
    pass


@pytest.mark.parametrize("method", ["set_payload", "flush"])
async def test_a_crash_while_mending_repeats_it_at_the_next_opening(
    open_index: Any, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(_old_library, tmp_path)
    index = await open_index()
    await _old_points(index)
    await _reopen(open_index, index)

    async def die(*_: Any) -> None:
        raise _Died("the process died")

    async def stay_open() -> None:
        return None

    catalog = await asyncio.to_thread(SqliteCatalog, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(index, method, die)
        if open_index.kind == "memory":
            patched.setattr(index, "close", stay_open)
        with pytest.raises(_Died):
            await IndexOpening(index, catalog).opened()
    await asyncio.to_thread(catalog.close)

    again = await asyncio.to_thread(SqliteCatalog, tmp_path)
    try:
        assert await _names(await IndexOpening(index, again).opened()) == STORED
    finally:
        await asyncio.to_thread(again.close)


async def test_a_mended_library_is_not_written_again(
    open_index: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(_old_library, tmp_path)
    index = await open_index()
    await _old_points(index)
    writes = 0
    of_the_store = index.set_payload

    async def counted(*args: Any) -> None:
        nonlocal writes
        writes += 1
        await of_the_store(*args)

    monkeypatch.setattr(index, "set_payload", counted)
    seen = []
    for _ in range(2):
        await _reopen(open_index, index)
        catalog = await asyncio.to_thread(SqliteCatalog, tmp_path)
        try:
            await IndexOpening(index, catalog).opened()
            seen.append((writes, await asyncio.to_thread(_changes, catalog)))
        finally:
            await asyncio.to_thread(catalog.close)
    assert seen[0][0] > 0 and seen[1][0] == seen[0][0]
    assert seen[1][1] == 0, "opening a mended library writes nothing but the states"


def _changes(catalog: SqliteCatalog) -> int:
    return int(catalog._db.total_changes)


async def test_a_source_that_was_forgotten_meanwhile_is_passed_over(
    open_index: Any, tmp_path: Path
) -> None:
    await asyncio.to_thread(_old_library, tmp_path)
    catalog = await asyncio.to_thread(SqliteCatalog, tmp_path)
    try:
        held = await asyncio.to_thread(catalog.get_meta, "collections_to_mend")
        assert [sha256[0] for sha256 in json.loads(held or "")] == ["a", "c"]
        for letter in "ac":
            await asyncio.to_thread(catalog.remove, letter * 64)
        index = await open_index()
        await _old_points(index)
        await _reopen(open_index, index)
        await IndexOpening(index, catalog).opened()
        assert await asyncio.to_thread(catalog.get_meta, "collections_to_mend") is None
    finally:
        await asyncio.to_thread(catalog.close)


async def test_a_reader_sees_mended_names_before_a_writer_mends_them(tmp_path: Path) -> None:
    await asyncio.to_thread(_old_library, tmp_path)

    def read() -> list[tuple[str, ...]]:
        with SqliteCatalog(tmp_path, read_only=True) as catalog:
            return sorted(row.collections for row in catalog.list()[0])

    assert await asyncio.to_thread(read) == sorted(tuple(names) for names in STORED.values())
