"""A library in a store that cannot be written is searched and read, and nothing of it changes."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest, SharedEngine
from omni_core.catalog import SqliteCatalog
from omni_core.engine import background
from omni_core.engine.index_opening import IndexOpening
from omni_core.errors import StoreError
from omni_core.index.edge import EdgeIndex
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(120)
NOBODY = 65534


@pytest.fixture
def store_cannot_be_written(settings: Settings) -> Iterator[Callable[[], None]]:
    """Takes the right to write from the store's files and folders; as root, who needs none, also
    by being another user for the file system until the test ends."""
    folder = settings.store_path
    changed: list[Path] = []

    def take() -> None:
        for at, folders, names in os.walk(folder):
            changed.extend(Path(at, name) for name in (*folders, *names))
        changed.append(folder)
        for path in changed:
            path.chmod(0o555 if path.is_dir() else 0o444)

    yield take
    for path in reversed(changed):
        path.chmod(0o755 if path.is_dir() else 0o644)


def digest(store: Path) -> dict[str, str]:
    """Every file of the store by its content."""
    return {
        str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def as_one_who_may_not(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """`os.access` answers as for a user without rights: root may write whatever the modes say."""
    if os.geteuid() != 0:
        return
    asked = os.access

    def access(path: Any, mode: int) -> bool:
        bits = os.stat(path).st_mode
        inside = Path(path).is_relative_to(settings.store_path)
        return asked(path, mode) and not (inside and mode & os.W_OK and not bits & 0o222)

    monkeypatch.setattr(os, "access", access)


@pytest.mark.parametrize("kind", [Engine, SharedEngine])
async def test_a_read_only_store_is_searched_and_left_as_it_is(
    settings: Settings,
    opened: Callable[..., Any],
    store_cannot_be_written: Callable[[], None],
    as_one_who_may_not: None,
    tmp_path: Path,
    kind: Any,
) -> None:
    note = tmp_path / "note.md"
    note.write_text("# Harbour\n\nThe ferry leaves at seven from pier nine.\n")
    async with opened() as engine:
        source = str((await engine.ingest(IngestRequest(str(note)))).source_id)
    store_cannot_be_written()
    before = digest(settings.store_path)
    engine = await kind.open(settings)
    try:
        assert (await engine.search(SearchRequest("ferry"))).hits[0].source_id == source
        assert (await engine.sources()).total == 1
        assert "ferry" in (await engine.read(source)).lines[0].text
        assert (await engine.open_ref(OpenRequest(source))).lines
        for change in (
            engine.ingest(IngestRequest(str(note))),
            engine.forget(source),
            engine.name_speaker(source, "A", "Ann"),
            engine.restore_source(source),
        ):
            with pytest.raises(StoreError, match="read-only") as refused:
                await change
            assert refused.value.code == "READ_ONLY" and "\n" not in str(refused.value)
    finally:
        await engine.close()
    assert digest(settings.store_path) == before


async def test_a_server_may_be_told_to_change_nothing(
    settings: Settings, opened: Callable[..., Any], tmp_path: Path
) -> None:
    note = tmp_path / "note.md"
    note.write_text("The ferry leaves at seven.")
    async with opened() as engine:
        await engine.ingest(IngestRequest(str(note)))
    async with opened(replace(settings, read_only=True)) as engine:
        assert (await engine.search(SearchRequest("ferry"))).hits
        with pytest.raises(StoreError, match="read-only"):
            await engine.ingest_folder([str(note)])


def test_looking_into_a_catalog_that_cannot_be_written_makes_no_file_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteCatalog(tmp_path):
        pass
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    before = sorted(path.name for path in tmp_path.iterdir())
    with SqliteCatalog(tmp_path, read_only=True) as catalog:
        assert catalog.totals() == (0, 0)
        assert sorted(path.name for path in tmp_path.iterdir()) == before
        with pytest.raises(StoreError):
            catalog.set_meta("a", "b")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "catalog.sqlite").touch()
    with SqliteCatalog(tmp_path / "empty", read_only=True) as catalog:
        assert catalog.totals() == (0, 0)


async def test_a_backup_of_it_has_its_small_images_and_uploads(
    settings: Settings, opened: Callable[..., Any], media: Path, tmp_path: Path,
    store_cannot_be_written: Callable[[], None], as_one_who_may_not: None,
) -> None:  # fmt: skip
    async with opened() as engine:
        await engine.ingest(IngestRequest(str(media / "lake.jpg")))
    store = settings.store_path
    (store / "uploads" / "upload_a").mkdir(parents=True)
    (store / "uploads" / "upload_a" / "film.mp4").write_bytes(b"sent by somebody")
    store_cannot_be_written()
    async with opened() as engine:
        await engine.back_up(str(tmp_path / "backup"))
    copied = digest(tmp_path / "backup")
    kept = {n: d for n, d in digest(store).items() if n.startswith(("thumbs/", "uploads/"))}
    assert len(kept) == 2 and kept.items() <= copied.items()


async def test_the_copy_that_it_is_opened_as_is_not_vacuumed(
    opened: Callable[..., Any], store_cannot_be_written: Callable[[], None],
    as_one_who_may_not: None, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It goes when the library is closed, and takes as much room as the index."""
    vacuums: list[bool] = []
    rounds = asyncio.Semaphore(0)

    async def optimize(self: EdgeIndex) -> bool:
        vacuums.append(True)
        return False

    async def look_for_lost(self: IndexOpening) -> None:
        rounds.release()

    monkeypatch.setattr(background, "IDLE_S", 0.01)
    monkeypatch.setattr(EdgeIndex, "optimize", optimize)
    monkeypatch.setattr(IndexOpening, "look_for_lost", look_for_lost)
    for writable in (True, False):
        async with opened() as engine, asyncio.timeout(60):
            await engine.ready(60)
            for _ in range(4):
                await rounds.acquire()
        assert bool(vacuums) is writable
        vacuums.clear()
        rounds = asyncio.Semaphore(0)
        store_cannot_be_written()
