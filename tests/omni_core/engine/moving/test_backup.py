"""A store copied while it is in use, and put back."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest
from omni_core.engine import restore
from omni_core.engine.moving import backup as backing_up
from omni_core.engine.results import BackupStatus
from omni_core.errors import BadRequestError, NotFoundError, UnreadableError
from omni_core.payload import source_filter
from omni_core.settings import Settings

QUESTION = "how deep is the magma chamber"


async def test_a_restored_store_answers_cites_and_opens_as_the_one_backed_up(
    engine: Engine, media: Path, tmp_path: Path, settings: Settings, opened: Callable[..., Any]
) -> None:
    await engine.ingest_folder([str(media / n) for n in ("notes.md", "lake.jpg", "colours.mp4")])
    expected = await engine.search(SearchRequest(QUESTION))
    told: list[BackupStatus] = []

    async def progress(status: BackupStatus) -> None:
        told.append(status)

    made = await engine.back_up(str(tmp_path / "backup"), progress=progress)

    rows = (await engine.sources()).sources
    assert (made.sources, made.segments) == (3, sum(r.segments for r in rows))
    assert told[-1].files_done == told[-1].files_total == made.files_total
    (media / "lake.jpg").unlink()
    done = await restore(tmp_path / "backup", tmp_path / "new")
    assert (done.sources, done.segments) == (made.sources, made.segments)
    async with opened(replace(settings, store=str(tmp_path / "new"))) as other:
        found = await other.search(SearchRequest(QUESTION))
        assert [(h.cite, h.score) for h in found.hits] == [(h.cite, h.score) for h in expected.hits]
        assert {s.sha256: s.segments for s in (await other.sources()).sources} == {
            s.sha256: s.segments for s in rows
        }
        lake = next(s for s in rows if s.title == "lake")
        shown = await other.open_ref(OpenRequest(lake.id, show=("thumbnail",)))
        assert shown.pictures  # the small image that was kept at ingest


async def test_a_backup_made_in_the_middle_of_an_ingest_can_be_restored_and_completed(
    engine: Engine, media: Path, tmp_path: Path, settings: Settings, opened: Callable[..., Any]
) -> None:
    await engine.ingest(IngestRequest(str(media / "notes.md")))
    begun = asyncio.Event()

    async def progress(status: Any) -> None:
        if status.segments:
            begun.set()

    film = asyncio.create_task(
        engine.ingest(IngestRequest(str(media / "colours.mp4")), progress=progress)
    )
    await asyncio.wait([asyncio.create_task(begun.wait()), film], return_when="FIRST_COMPLETED")
    await engine.back_up(str(tmp_path / "backup"))
    whole = await film

    await restore(tmp_path / "backup", tmp_path / "new")
    async with opened(replace(settings, store=str(tmp_path / "new"))) as other:
        assert (await other.search(SearchRequest(QUESTION))).hits
        again = await other.ingest(IngestRequest(str(media / "colours.mp4")))
        assert (again.state, again.segments) == ("ready", whole.segments)


async def test_what_was_forgotten_is_gone_and_what_came_after_is_not_there(
    engine: Engine, media: Path, tmp_path: Path, settings: Settings, opened: Callable[..., Any]
) -> None:
    notes = await engine.ingest(IngestRequest(str(media / "notes.md")))
    await engine.ingest(IngestRequest(str(media / "lake.jpg")))
    await engine.forget(notes.source_id)
    await engine.back_up(str(tmp_path / "backup"))
    await engine.ingest(IngestRequest(str(media / "fire_truck.png")))

    await restore(tmp_path / "backup", tmp_path / "new")

    async with opened(replace(settings, store=str(tmp_path / "new"))) as other:
        assert [s.title for s in (await other.sources()).sources] == ["lake"]
        index = await other._context.opened_index()
        assert not await index.count(source_filter(notes.source_id))
        assert await index.count() == (await other.sources()).sources[0].segments


@pytest.fixture
async def backup(engine: Engine, media: Path, tmp_path: Path) -> Path:
    await engine.ingest(IngestRequest(str(media / "notes.md")))
    await engine.back_up(str(tmp_path / "backup"))
    return tmp_path / "backup"


async def test_a_backup_with_a_changed_or_missing_file_is_refused_and_no_library_appears(
    backup: Path, tmp_path: Path
) -> None:
    catalog = backup / "catalog.sqlite"
    whole = catalog.read_bytes()
    catalog.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(UnreadableError, match=r"catalog\.sqlite of the backup .* is damaged"):
        await restore(backup, tmp_path / "new")
    assert not (tmp_path / "new" / "catalog.sqlite").exists()
    catalog.unlink()
    with pytest.raises(UnreadableError, match=r"lacks catalog\.sqlite"):
        await restore(backup, tmp_path / "new")
    catalog.write_bytes(whole)
    assert (await restore(backup, tmp_path / "new")).sources == 1  # the same folder, again


async def test_a_manifest_cannot_name_a_file_outside(backup: Path, tmp_path: Path) -> None:
    manifest = backup / "backup.json"
    facts = json.loads(manifest.read_text())
    for name in ("../outside", "/outside"):
        facts["files"] = {name: {"size": 0, "sha256": "0" * 64}}
        manifest.write_text(json.dumps(facts))
        with pytest.raises(UnreadableError, match="outside"):
            await restore(backup, tmp_path / "new")
    manifest.write_text("{")
    with pytest.raises(UnreadableError, match="damaged"):
        await restore(backup, tmp_path / "new")


@pytest.mark.parametrize(
    "files",
    [
        ["catalog.sqlite"],
        {},
        {"catalog.sqlite": {"size": 1}},
        {"catalog.sqlite": {"sha256": 1}},
        {"catalog.sqlite": "x"},
        {"catalog.sqlite": {"sha256": "0"}, "a\0b": {"sha256": "0"}},
    ],
)
async def test_a_manifest_that_lists_no_whole_library_is_damaged(
    backup: Path, tmp_path: Path, files: Any
) -> None:
    manifest = backup / "backup.json"
    facts = json.loads(manifest.read_text()) | {"files": files}
    manifest.write_text(json.dumps(facts))
    with pytest.raises(UnreadableError, match=r"backup\.json is damaged"):
        await restore(backup, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    manifest.write_text(json.dumps(facts | {"format": 2}))
    with pytest.raises(UnreadableError, match="has format 2"):  # however it lists its files
        await restore(backup, tmp_path / "new")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
async def test_a_backup_with_a_pipe_in_place_of_a_file_is_refused_without_waiting(
    backup: Path, tmp_path: Path
) -> None:
    (backup / "catalog.sqlite").unlink()
    os.mkfifo(backup / "catalog.sqlite")
    with pytest.raises(UnreadableError, match=r"catalog\.sqlite of the backup .* is no file"):
        async with asyncio.timeout(30):
            await restore(backup, tmp_path / "new")


async def test_what_is_wrong_with_a_file_of_the_backup_is_not_said_of_the_store(
    backup: Path, tmp_path: Path
) -> None:
    catalog, index = backup / "catalog.sqlite", backup / "index"
    catalog.unlink()
    catalog.mkdir()
    with pytest.raises(UnreadableError, match=r"catalog\.sqlite of the backup .* is no file"):
        await restore(backup, tmp_path / "new")
    shutil.rmtree(index)
    index.write_text("in place of a folder")
    with pytest.raises(UnreadableError, match=r"the backup .* lacks index/"):
        await restore(backup, tmp_path / "another")


async def test_neither_a_backup_nor_a_library_is_overwritten(
    engine: Engine, backup: Path, tmp_path: Path, settings: Settings
) -> None:
    with pytest.raises(BadRequestError, match="exists; name a new folder"):
        await engine.back_up(str(backup))
    with pytest.raises(BadRequestError, match="lies in the library itself"):
        await engine.back_up(str(settings.store_path / "backups" / "today"))
    with pytest.raises(BadRequestError, match="holds a library"):
        await restore(backup, settings.store_path)
    with pytest.raises(NotFoundError, match=r"no backup.*backup\.json"):
        await restore(tmp_path / "media", tmp_path / "new")


async def test_a_restored_index_is_not_mixed_with_what_is_left_of_another(
    backup: Path, media: Path, tmp_path: Path, settings: Settings, opened: Callable[..., Any]
) -> None:
    other = replace(settings, store=str(tmp_path / "other"))
    async with opened(other) as engine:
        await engine.ingest(IngestRequest(str(media / "lake.jpg")))
    (other.store_path / "catalog.sqlite").unlink()
    with pytest.raises(BadRequestError, match="an index that is not of this backup"):
        await restore(backup, other.store_path)
    assert not (other.store_path / "catalog.sqlite").exists()


async def test_an_index_that_is_not_in_the_store_is_not_backed_up_as_if_it_were(
    settings: Settings, media: Path, tmp_path: Path, opened: Callable[..., Any]
) -> None:
    async with opened(replace(settings, index="memory")) as engine:
        await engine.ingest(IngestRequest(str(media / "notes.md")))
        with pytest.raises(BadRequestError, match="is not in the store"):
            await engine.back_up(str(tmp_path / "backup"))
    assert not (tmp_path / "backup").exists()
    assert not list(tmp_path.glob(".backup*"))


async def test_a_backup_ends_while_more_calls_wait_for_the_catalog_than_there_are_threads(
    engine: Engine, media: Path, tmp_path: Path
) -> None:
    await engine.ingest(IngestRequest(str(media / "notes.md")))
    done = asyncio.Event()

    async def ask() -> None:
        while not done.is_set():
            await engine.sources()

    asking = [asyncio.create_task(ask()) for _ in range(64)]
    try:
        async with asyncio.timeout(30):
            made = await engine.back_up(str(tmp_path / "backup"))
    finally:
        done.set()
        await asyncio.wait(asking, timeout=5)
    assert made.sources == 1


async def test_a_cancelled_backup_leaves_nothing_and_lets_the_library_go_on(
    engine: Engine, media: Path, tmp_path: Path
) -> None:
    await engine.ingest(IngestRequest(str(media / "notes.md")))
    for turns in range(12):
        work = asyncio.create_task(engine.back_up(str(tmp_path / "backup")))
        for _ in range(turns):
            await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        async with asyncio.timeout(30):
            assert (await engine.sources()).sources
    assert not list(tmp_path.glob(".backup*"))


@pytest.mark.parametrize("step", ["copy_sparse", "_totals", "write_atomically", "put_in_place"])
async def test_a_backup_cancelled_while_a_thread_writes_leaves_nothing_half_done(
    engine: Engine, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await engine.ingest(IngestRequest(str(media / "lake.jpg")))
    entered, go = threading.Event(), threading.Event()
    real = getattr(backing_up, step)

    def held(*args: Any) -> Any:
        entered.set()
        assert go.wait(30)
        return real(*args)

    monkeypatch.setattr(backing_up, step, held)
    work = asyncio.create_task(engine.back_up(str(tmp_path / "backup")))
    assert await asyncio.to_thread(entered.wait, 30)
    work.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert not list(tmp_path.glob(".backup*"))
    whole = step == "put_in_place"  # it was about to appear, whole
    assert (tmp_path / "backup").exists() == whole
    if whole:
        assert (await restore(tmp_path / "backup", tmp_path / "new")).sources == 1
