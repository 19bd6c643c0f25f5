"""Ingests whose files model workers elsewhere read: real HTTP, the server's own processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.folder import difference, points_of
from omni_core import Engine, FolderStatus
from omni_core.errors import WORKERS_UNREACHABLE, UnavailableError
from omni_core.models.serving.app import worker_app
from omni_core.points import Point
from omni_core.settings import Settings
from tests.omni_core.encoders.remote.conftest import TOKEN, running
from tests.omni_core.models.test_remote_reading import READER, SAVES

pytestmark = pytest.mark.timeout(180)
Install = Callable[..., None]


@pytest.fixture
def counting(install: Install, settings: Settings) -> Settings:
    """With a reader that finds words in sound."""
    install("my-reader", READER % SAVES, {"readers": "counter = my_reader:Counter"})
    return settings


async def ingested(chosen: Settings, media: Path, progress: Any = None) -> dict[str, Point]:
    files = sorted(str(p) for p in media.iterdir() if p.suffix != ".srt")
    async with await Engine.open(chosen) as engine:
        status = await engine.ingest_folder(files, progress=progress)
        assert status.failed == ()
        return await points_of(engine)


async def test_a_worker_that_ends_in_the_middle_of_a_film_loses_and_changes_nothing(
    counting: Settings, media: Path, tmp_path: Path
) -> None:
    (media / "colours.srt").unlink()  # the sound is read then
    truth = await ingested(counting, media)
    assert any(p.stored.text.startswith("second ") for p in truth.values())
    worker = replace(counting, store=str(tmp_path / "worker"))
    apps = [await asyncio.to_thread(worker_app, worker, TOKEN) for _ in range(2)]
    servers = [running(app) for app in apps]
    urls = [await asyncio.to_thread(server.__enter__) for server in servers]
    ended: list[int] = []

    async def end_one(status: FolderStatus) -> None:
        film = next((s for s in status.now if s.path.endswith(".mp4")), None)
        if film is not None and film.segments and not ended:
            ended.append(film.segments)
            await asyncio.to_thread(servers[0].__exit__, None, None, None)

    there = replace(
        counting, store=str(tmp_path / "there"), encoder_url=",".join(urls), encoder_token=TOKEN,
        decoders=2,
    )  # fmt: skip
    try:
        found = await ingested(there, media, end_one)
    finally:
        for server in servers[len(ended) :]:
            await asyncio.to_thread(server.__exit__, None, None, None)
    assert ended
    assert difference(truth, found) == "0 payloads differ, vectors by at most 0"


async def test_a_folder_whose_workers_are_gone_ends_with_one_line_and_goes_on_later(
    settings: Settings, media: Path, tmp_path: Path
) -> None:
    worker = replace(settings, store=str(tmp_path / "worker"))
    files = sorted(str(p) for p in media.iterdir())
    server = running(await asyncio.to_thread(worker_app, worker, TOKEN))
    url = await asyncio.to_thread(server.__enter__)
    there = replace(settings, encoder_url=url, encoder_token=TOKEN)
    async with await Engine.open(there, ahead="nothing") as engine:
        await asyncio.to_thread(server.__exit__, None, None, None)
        with pytest.raises(UnavailableError, match="cannot be reached") as e:
            await engine.ingest_folder(files)
        assert e.value.code == WORKERS_UNREACHABLE
        states = [s.state for s in (await engine.sources()).sources]
        assert "ready" not in states
        assert "processing" not in states
    port = int(url.rpartition(":")[2])
    with running(await asyncio.to_thread(worker_app, worker, TOKEN), port):
        async with await Engine.open(there) as engine:
            assert (await engine.ingest_folder(files)).failed == ()
