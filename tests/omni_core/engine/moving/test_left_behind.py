"""What a killed backup, export or restoration was writing is removed by the next one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest
from omni_core.engine import restore
from omni_core.engine.checking.looking import look
from omni_core.engine.checking.mending import mend
from omni_core.engine.results import BackupStatus
from omni_core.errors import StoreError
from omni_core.settings import Settings
from omni_core.unfinished import Unfinished

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no locks of folders")

LEFT = ".{}.0123456789ab"


def leave(*paths: Path) -> None:
    """What a killed process left beside each of the paths."""
    for path in paths:
        left = path.with_name(LEFT.format(path.name))
        left.mkdir(parents=True)
        (left / "part").write_text("half")


async def to_backup(engine: Engine, path: Path) -> None:
    await engine.back_up(str(path))


async def to_folder(engine: Engine, path: Path) -> None:
    await engine.export_vectors(str(path))


@pytest.mark.parametrize("write", [to_backup, to_folder])
async def test_the_next_one_of_that_name_removes_it_and_leaves_what_is_being_written(
    engine: Engine, media: Path, tmp_path: Path, write: Callable[..., Any]
) -> None:
    await engine.ingest(IngestRequest(str(media / "notes.md")))
    target = tmp_path / "to" / "copy"
    of_another = target.with_name("other")
    await asyncio.to_thread(leave, target, of_another)
    written = Unfinished(target, folder=True)
    path = await asyncio.to_thread(written.make)
    await write(engine, target)
    names = await asyncio.to_thread(os.listdir, target.parent)
    assert sorted(names) == sorted([target.name, LEFT.format("other"), path.name])
    await asyncio.to_thread(written.remove)


async def test_a_half_restored_library_says_so_and_is_neither_opened_nor_mended(
    engine: Engine, media: Path, tmp_path: Path, settings: Settings, opened: Callable[..., Any]
) -> None:
    await engine.ingest_folder([str(media / n) for n in ("notes.md", "lake.jpg")])
    await engine.back_up(str(tmp_path / "backup"))
    here = replace(settings, store=str(tmp_path / "new"))

    async def killed(status: BackupStatus) -> None:
        if status.files_done == status.files_total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await restore(tmp_path / "backup", here.store_path, progress=killed)
    again = f"restore {tmp_path / 'backup'} --store {here.store}"
    with pytest.raises(StoreError, match=f"not restored yet.*{again}"):
        await Engine.open(here)
    (fault,) = (await look(here)).faults
    assert again in fault.detail and "repair" not in fault.get
    assert any(again in line for line in (await mend(here)).left)
    await restore(tmp_path / "backup", here.store_path)
    async with opened(here) as restored:
        assert (await restored.sources()).total == 2
    assert not await asyncio.to_thread((here.store_path / "restoring").exists)


async def test_a_restoration_and_an_opened_library_remove_what_a_killed_one_left(
    engine: Engine, media: Path, tmp_path: Path, settings: Settings, opened: Callable[..., Any]
) -> None:
    await engine.ingest_folder([str(media / n) for n in ("notes.md", "lake.jpg")])
    await engine.back_up(str(tmp_path / "backup"))
    store = tmp_path / "new"
    thumb = next((tmp_path / "backup" / "thumbs").rglob("*.jpg"))
    names = [str(thumb.relative_to(tmp_path / "backup")), "catalog.sqlite"]
    await asyncio.to_thread(leave, *(store / name for name in names))
    await restore(tmp_path / "backup", store)
    assert not list(store.rglob(LEFT.format("*")))

    names = ["catalog.sqlite", "index/CURRENT", "trial"]
    await asyncio.to_thread(leave, *(store / name for name in names))
    (store / "restoring").write_text("it was killed before it removed this")
    async with opened(replace(settings, store=str(store))) as again:
        assert (await again.sources()).total == 2
    assert not list(store.rglob(LEFT.format("*")))
    assert not (store / "restoring").exists()
