"""What was fetched or sent for a source goes with it; no file of anybody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest
from omni_core.engine import fetched
from omni_core.settings import Settings


@pytest.mark.parametrize("folder", fetched.FOLDERS)
async def test_forgetting_a_source_deletes_what_the_store_held_of_its_file(
    engine: Engine, settings: Settings, tmp_path: Path, folder: str
) -> None:
    def write() -> list[Path]:
        held = [settings.store_path / folder / key / "notes.md" for key in ("one", "two")]
        own = tmp_path / "own.md"
        for n, path in enumerate([*held, own]):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# Notes\n\nThe lantern number {min(n, 1)} is lit.\n")
        held[0].parent.with_suffix(".json").write_text("{}")
        return [*held, own]

    one, two, own = await asyncio.to_thread(write)
    async with asyncio.timeout(60):
        first = await engine.ingest(IngestRequest(str(one)))
        second = await engine.ingest(IngestRequest(str(two)))
        await engine.ingest(IngestRequest(str(own)))  # the same bytes
        await engine.forget(first.source_id, now=True)
        assert not one.parent.exists() and not one.parent.with_suffix(".json").exists()
        await engine.forget(second.source_id)
        assert two.exists() and own.exists()  # it can be brought back
        await engine.empty_bin()
    assert not two.parent.exists() and own.exists()


def test_nothing_outside_the_folders_of_the_store_is_deleted(tmp_path: Path) -> None:
    store = tmp_path / "store"
    outside = tmp_path / "media" / "downloads" / "key" / "film.mp4"
    deeper = store / "downloads" / "key" / "sub" / "film.mp4"
    for path in (outside, deeper):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"film")
    linked = store / "uploads" / "link"
    linked.parent.mkdir()
    linked.symlink_to(outside.parent)
    assert fetched.remove(store, [str(outside), str(deeper), str(linked / "film.mp4")]) == []
    assert outside.exists() and deeper.exists()
