"""Damage to files of a settled index: searches read them, and nothing else would notice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omni_core import SearchRequest, encoders
from omni_core.engine.checking.again import read_again
from omni_core.engine.checking.looking import look
from omni_core.engine.checking.mending import mend
from omni_core.errors import FullDiskError, StoreError
from omni_core.index.edge import EdgeIndex
from omni_core.settings import Settings
from tests.omni_core.engine.test_engine import put


@pytest.fixture
async def settled(opened: Callable[..., Any], settings: Settings, media: Path) -> Settings:
    async with opened() as engine:
        await put(engine, media / "notes.md")
    info = await asyncio.to_thread(encoders.describe, settings)
    index = EdgeIndex(settings.store_path, info, grown=1)
    await index.open()
    assert await index.optimize()
    await index.close()
    return settings


def damage(settings: Settings, file: str, how: str) -> None:
    (path,) = settings.store_path.glob(f"index/*/shard/segments/*/{file}")
    size = path.stat().st_size
    if how == "gone":
        path.unlink()
    elif how == "cut":
        os.truncate(path, size // 2)
    else:
        held = path.read_bytes()
        path.write_bytes(held[:-1] + bytes([held[-1] ^ 1]) if how == "a byte" else bytes(size))


async def found(engine: Any) -> list[str]:
    await engine.ready(30)
    return [hit.cite for hit in (await engine.search(SearchRequest("magma chamber"))).hits]


@pytest.mark.parametrize(
    ("file", "how"),
    [
        ("vector_storage-dense/quantized.data", "cut"),
        ("vector_storage-dense/quantized.data", "zeros"),
        ("vector_index-bm25/inverted_index.dat", "cut"),
        ("vector_index-bm25/inverted_index.dat", "a byte"),
        ("payload_index/*-source_i-map/point_to_values.bin", "a byte"),
        ("payload_index/*-recorded-numeric/data.bin", "zeros"),
    ],
)
async def test_what_searches_read_is_made_again_of_the_points_whose_file_may_be_gone(
    opened: Callable[..., Any], settled: Settings, media: Path, file: str, how: str
) -> None:
    async with opened() as engine:
        before = await found(engine)
    (media / "notes.md").unlink()
    damage(settled, file, how)
    (fault,) = (await look(settled)).faults
    assert fault.where == "index"
    assert file.rpartition("/")[2] in fault.detail
    said = await mend(settled)
    assert said.left == []
    assert any("the index was made again of" in line for line in said.done)
    assert (await look(settled)).faults == ()
    async with opened() as engine:
        assert await found(engine) == before
        assert {row.state for row in (await engine.sources()).sources} == {"ready"}


@pytest.mark.parametrize("how", ["cut", "zeros"])
async def test_vectors_that_were_lost_are_read_again_from_their_file(
    opened: Callable[..., Any], settled: Settings, how: str
) -> None:
    async with opened() as engine:
        before = await found(engine)
    damage(settled, "vector_storage-dense/matrix.dat", how)
    assert any("matrix.dat" in fault.detail for fault in (await look(settled)).faults)
    said = await mend(settled)
    async with opened() as engine:
        await read_again(engine, said)
        assert await found(engine) == before
    assert said.left == []
    assert (await look(settled)).faults == ()


@pytest.mark.parametrize(
    "error",
    [
        FullDiskError("the disk of the index has 9 MB free and needs 128"),
        StoreError("the index process died twice in upsert: the index process died (killed)"),
    ],
)
async def test_what_keeps_it_from_being_made_again_is_said_and_the_index_stays(
    opened: Callable[..., Any],
    settled: Settings,
    monkeypatch: pytest.MonkeyPatch,
    error: StoreError,
) -> None:
    async def fails(*_: object) -> None:
        raise error

    damage(settled, "payload_index/*-source_i-map/point_to_values.bin", "a byte")
    with monkeypatch.context() as patched:
        patched.setattr(EdgeIndex, "upsert", fails)
        said = await mend(settled)
    assert (said.done, said.left) == ([], [str(error)])
    assert not [path.name for path in settled.store_path.iterdir() if ".again" in path.name]
    async with opened() as engine:
        assert await found(engine)


async def test_a_settled_library_is_found_sound_whatever_was_written_since(
    opened: Callable[..., Any], settled: Settings, media: Path
) -> None:
    assert (await look(settled)).faults == ()
    async with opened() as engine:
        await put(engine, media / "lake.jpg")
        await put(engine, media / "notes.md", title="Renamed")
        (row, *_) = (await engine.sources(match="lake")).sources
        await engine.forget(row.id)
    assert (await look(settled)).faults == ()
