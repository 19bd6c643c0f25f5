"""Damage to a store at rest costs what was damaged: it is seen, named, and mended if possible."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.damage_trial import build, try_out
from bench.damages import KINDS
from omni_core import OpenRequest, SearchRequest
from omni_core.encoders.hashing import HashingEncoder
from omni_core.engine.checking.again import read_again
from omni_core.engine.checking.looking import look
from omni_core.engine.checking.mending import _can_open_an_empty_one, mend
from omni_core.errors import OmniError
from omni_core.index import edge
from omni_core.settings import Settings
from tests.omni_core.engine.test_engine import put

TRIED = (
    "catalog: emptied", "catalog: a newer version", "catalog: a row less",
    "row: title = x'fffe'", "index: no segment", "index: vectors zeroed", "thumbnails: swapped",
    "files: the catalog may not be read",
)  # fmt: skip
"""A share of the kinds of `bench/trust_damage.py`."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("template")
    return folder, asyncio.run(build(folder))


@pytest.mark.parametrize("name", TRIED)
async def test_damage_is_found_and_mended_or_named_and_breaks_no_call(
    name: str, library: tuple[Path, Any], tmp_path: Path
) -> None:
    template, before = library
    (kind,) = (kind for kind in KINDS if kind.name == name)
    outcome = await try_out(kind, template, tmp_path / "copy", before)
    assert outcome.good, outcome


async def test_a_library_without_damage_is_found_sound(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    async with opened() as engine:
        await put(engine, media / "notes.md")
        beside = await look(settings)  # the index is in use
    alone = await look(settings)
    assert (alone.sources, alone.faults, alone.notes) == (1, (), ())
    assert beside.faults == ()
    assert "open in another process" in beside.notes[0]


async def test_a_source_that_lost_segments_is_partial_says_so_and_comes_back_when_asked(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    async with opened() as engine:
        await put(engine, media / "notes.md")
        whole = (await engine.sources()).sources[0].segments
    older = settings.store_path.with_name("older")
    shutil.copytree(settings.store_path / "index", older)
    async with opened() as engine:
        await put(engine, media / "lake.jpg")
    shutil.rmtree(settings.store_path / "index")
    older.rename(settings.store_path / "index")
    async with opened() as engine:
        await engine.ready(30)
        rows = {row.title: row for row in (await engine.sources()).sources}
        assert (rows["notes"].state if "notes" in rows else "ready") == "ready"
        lake = rows["lake"]
        assert (lake.state, lake.segments) == ("partial", 0)
        assert lake.warnings[0].startswith("the index has lost 2 of its 2 segments")
        assert (await engine.search(SearchRequest("magma chamber"))).partial_sources == 1
        assert (await put(engine, media / "lake.jpg")).state == "ready"
        assert not (await engine.sources(state="partial")).sources
        assert whole


async def test_what_is_lost_without_its_file_stays_in_part_and_is_named(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    async with opened() as engine:
        await put(engine, media / "notes.md")
    (media / "notes.md").unlink()
    shutil.rmtree(settings.store_path / "index")
    said = await mend(settings)
    async with opened() as engine:
        await read_again(engine, said)
        assert [row.state for row in (await engine.sources()).sources] == ["partial"]
    assert any("its file is no longer where it was" in line for line in said.left)


async def test_an_index_is_not_taken_for_damaged_where_no_index_can_be_opened(
    opened: Callable[..., Any], settings: Settings, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as engine:
        await put(engine, media / "notes.md")
    with monkeypatch.context() as patch:
        patch.setattr(edge, "MAIN", "omni_core.index.edge_worker:no_such_service")
        said = await mend(settings)
    assert said.done == []
    assert len(said.left) == 1
    assert (await look(settings)).faults == ()


async def test_a_damaged_thumbnail_costs_the_picture_and_not_the_words(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    async with opened() as engine:
        status = await put(engine, media / "lake.jpg")
        (kept,) = settings.store_path.glob("thumbs/*/*.jpg")
        (media / "lake.jpg").unlink()
        whole = await engine.open_ref(OpenRequest(status.source_id))
        kept.write_bytes(b"")
        found = await engine.open_ref(OpenRequest(status.source_id))
    assert [p.jpeg[-2:] for p in whole.pictures] == [b"\xff\xd9"]
    assert (found.pictures, found.lines) == ((), whole.lines)
    assert any("thumbnail kept at ingest is damaged" in w for w in found.warnings)


async def test_a_library_whose_catalog_is_gone_is_refused_with_the_way_out(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    async with opened() as engine:
        await put(engine, media / "notes.md")
    (settings.store_path / "catalog.sqlite").unlink()
    with pytest.raises(OmniError, match=r"catalog\.sqlite is gone.*doctor --repair"):
        async with opened():
            pass
    said = await mend(settings)
    assert any("their words are kept" in line for line in said.done)
    (kept,) = settings.store_path.glob("damaged/*/segments.jsonl")
    assert "magma chamber" in kept.read_text()
    async with opened() as engine:
        assert (await put(engine, media / "notes.md")).state == "ready"


async def test_nonsense_in_one_row_costs_that_row_and_names_it(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    async with opened() as engine:
        await put(engine, media / "notes.md")
        await put(engine, media / "lake.jpg")
    with closing(sqlite3.connect(settings.store_path / "catalog.sqlite")) as db:
        db.execute("UPDATE sources SET warnings = '{', pages = 'x' WHERE title LIKE '%lake%'")
        db.commit()
    async with opened() as engine:
        rows = {row.title: row for row in (await engine.sources()).sources}
        assert "(pages, warnings)" in rows["lake"].warnings[0]
        assert rows["lake"].state == "partial"
        assert (await engine.search(SearchRequest("magma chamber"))).hits
        assert (await put(engine, media / "lake.jpg")).state == "ready"
        assert not (await engine.sources(state="partial")).sources


async def test_an_index_is_not_taken_for_damaged_where_the_disk_takes_no_trial_of_an_empty_one(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    await asyncio.to_thread(file.write_text, "not a folder")
    full = replace(settings, store=str(file / "store"))
    assert not await _can_open_an_empty_one(full, HashingEncoder.describe(full))
    assert await _can_open_an_empty_one(settings, HashingEncoder.describe(settings))
