"""The same bytes stand in one collection once, whoever ingests them and brings them back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, SearchRequest, StoreError
from omni_core.engine.api import EngineApi
from omni_core.engine.bin_limits import empty_surplus
from omni_core.engine.hashing import read_hash
from omni_core.engine.ingest import file as ingest_file
from omni_core.originals import Original
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(120)


async def _put(engine: EngineApi, file: Path, collection: str) -> str:
    done = await engine.ingest(IngestRequest(str(file), collection=collection))
    assert done.state == "ready", done
    return done.source_id


async def _in(engine: EngineApi, collection: str) -> list[str]:
    """The ids of what is in a collection: in the catalog, and by what a search there finds."""
    listed = [row.id for row in (await engine.sources(collection=collection)).sources]
    found = await engine.search(SearchRequest("boat", collection=collection))
    assert {hit.source_id for hit in found.hits} <= set(listed)
    assert found.searched_sources == len(listed)
    return listed


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[Engine]:
    async with await Engine.open(settings) as opened:
        yield opened


@pytest.fixture
def copy(notes: Path) -> Path:
    """The same bytes under another name."""
    path = notes.with_name("copy.md")
    path.write_bytes(notes.read_bytes())
    return path


@pytest.mark.parametrize("other_name", [False, True])
async def test_an_ingest_by_the_whole_library_gets_the_source_that_the_collection_has_already(
    engine: EngineApi, notes: Path, copy: Path, other_name: bool
) -> None:
    await _put(engine, notes, "legal")
    own = await _put(engine.within(["hr"]), notes, "hr")
    again = await engine.ingest(IngestRequest(str(copy if other_name else notes), collection="hr"))
    assert (again.source_id, again.already, again.changed) == (own, True, ())
    assert await _in(engine, "hr") == [own]
    assert (await engine.sources()).total == 2


async def test_a_caller_gets_the_source_that_the_whole_library_put_into_its_collection(
    engine: EngineApi, notes: Path, copy: Path
) -> None:
    whole = await _put(engine, notes, "hr")
    for file in (notes, copy):
        assert await _put(engine.within(["hr", "board"]), file, "hr") == whole
    assert await _in(engine, "hr") == [whole]
    other = await _put(engine.within(["hr", "board"]), notes, "board")
    assert other != whole
    assert await _in(engine, "board") == [other]


async def test_what_comes_back_from_the_bin_stays_out_of_a_collection_that_has_its_bytes_again(
    engine: EngineApi, notes: Path
) -> None:
    for name in ("hr", "legal"):
        whole = await _put(engine, notes, name)
    await engine.forget(whole)
    own = await _put(engine.within(["hr"]), notes, "hr")
    row = await engine.restore_source(whole)
    assert row.collections == ("legal",)
    assert (await _in(engine, "hr"), await _in(engine, "legal")) == ([own], [whole])


async def test_nothing_comes_back_from_the_bin_where_its_only_collection_has_its_bytes_again(
    engine: EngineApi, notes: Path
) -> None:
    hr = engine.within(["hr"])
    own = await _put(hr, notes, "hr")
    await hr.forget(own)
    whole = await _put(engine, notes, "hr")
    for who in (engine, hr):
        with pytest.raises(StoreError, match="in the library again"):
            await who.restore_source(own)
    assert await _in(engine, "hr") == [whole]


async def test_an_import_stays_out_of_a_collection_that_has_its_bytes(
    engine: EngineApi, settings: Settings, notes: Path, tmp_path: Path
) -> None:
    own = await _put(engine.within(["hr"]), notes, "hr")
    async with await Engine.open(replace(settings, store=str(tmp_path / "other"))) as other:
        whole = await _put(other, notes, "hr")
        await other.export_vectors(str(tmp_path / "of-hr"))
        await _put(other, notes, "legal")
        await other.export_vectors(str(tmp_path / "of-both"))
    assert (await engine.import_vectors(str(tmp_path / "of-hr"))).already == 1
    assert (await engine.sources()).total == 1
    await engine.import_vectors(str(tmp_path / "of-both"))
    assert (await _in(engine, "hr"), await _in(engine, "legal")) == ([own], [whole])


async def test_the_bin_keeps_the_last_contents_of_a_file_for_each_collection_that_has_a_copy(
    settings: Settings, notes: Path
) -> None:
    async with await Engine.open(replace(settings, bin_versions=1)) as engine:
        hr, legal = engine.within(["hr"]), engine.within(["legal"])
        for part, name in ((hr, "hr"), (legal, "legal"), (engine, "board")):
            await part.forget(await _put(part, notes, name))
        await empty_surplus(engine._context)
        assert (len(await hr.bin()), len(await legal.bin()), len(await engine.bin())) == (1, 1, 3)
        await asyncio.to_thread(notes.write_text, "# Boats\n\nThe boat sails in April.\n")
        newer = await _put(legal, notes, "legal")
        await legal.forget(newer)
        await empty_surplus(engine._context)
        assert [b.id for b in await legal.bin()] == [newer]
        assert (len(await hr.bin()), len(await engine.bin())) == (1, 3)


async def test_a_copy_that_is_kept_apart_is_read_once_to_know_it_again(
    engine: Engine, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    async def hashed(path: str, *, links: bool) -> tuple[str, Original]:
        read.append(path)
        return await read_hash(path, links=links)

    monkeypatch.setattr(ingest_file, "read_hash", hashed)
    own = await _put(engine.within(["hr"]), notes, "hr")
    read.clear()
    for _ in range(3):
        assert await _put(engine, notes, "hr") == own
    assert len(read) == 1
    await _put(engine.within(["hr"]), notes, "hr")
    await _put(engine.within(["legal"]), notes, "legal")
    assert len(read) == 3
    await asyncio.to_thread(notes.write_text, "# Boats\n\nThe boat sails in April.\n")
    assert await _put(engine, notes, "hr") != own


async def test_a_watched_file_that_stands_in_its_collection_as_a_copy_needs_nothing(
    engine: EngineApi, notes: Path
) -> None:
    async def complete(collection: str) -> list[bool]:
        page = await engine.known_files(str(notes.parent), collection=collection)
        return [file.complete for file in page.files]

    await _put(engine, notes, "legal")
    assert await complete("hr") == [False]
    await _put(engine.within(["hr"]), notes, "hr")
    assert (await complete("hr"), await complete("board")) == ([True], [False])


async def test_two_who_ingest_the_same_bytes_at_once_get_one_source(
    engine: EngineApi, notes: Path
) -> None:
    part = engine.within(["hr"])
    ids = await asyncio.gather(_put(engine, notes, "hr"), _put(part, notes, "hr"))
    assert len(set(ids)) == 1
    assert await _in(engine, "hr") == [ids[0]]
