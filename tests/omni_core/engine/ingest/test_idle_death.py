"""A child that is killed while no call waits for it: what it had begun did not end with it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest
from omni_core.engine.ingest.commit import Commit
from omni_core.engine.ingest.embedding import Embedded
from omni_core.payload import source_filter
from omni_core.settings import Settings
from omni_core.worker import Worker
from tests.omni_core.engine.ingest.talk import LISTENER, talk

pytestmark = pytest.mark.timeout(240)

Opened = Callable[..., AbstractAsyncContextManager[Engine]]


@pytest.fixture
def files(install: Callable[..., None], media: Path) -> dict[str, Path]:
    """Of each kind one of several batches; words that are heard are buffered across them."""
    install("a-listener", LISTENER, {"readers": "listener = a_listener:Listener"})
    text = media / "walk.txt"
    text.write_text("\n\n".join(f"Step {n} of the long walk. " * 40 for n in range(60)))
    return {
        "text": text,
        "film": media / "colours.mp4",
        "sound": talk(media / "talk.wav", 150),
    }


async def points(engine: Engine, path: Path) -> dict[str, str]:
    """Of a file that is ready: the text of each of its points, by id."""
    status = await engine.ingest(IngestRequest(str(path)))
    assert status.state == "ready" and not status.failure
    index = await engine._context.opened_index()
    found, _ = await index.scroll(source_filter(status.source_id), limit=1000)
    assert status.segments == len(found)
    return {p.id: p.stored.text for p in found}


async def killed_between_calls(worker: Worker) -> None:
    """Kill a child once it has answered all that it was asked."""
    child = worker._child
    assert child is not None
    while child._pending:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    os.kill(child._process.pid, signal.SIGKILL)
    while child.pid is not None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def worker_of(engine: Engine, victim: str) -> Worker:
    context = engine._context
    if victim == "models":
        return context.models._worker
    if victim == "index":
        return context.index._index._worker  # type: ignore[attr-defined, no-any-return]
    return next(w for w in context.decoders._workers if w.pid is not None)


@pytest.mark.parametrize("victim", ["decoder", "models", "index"])
@pytest.mark.parametrize("kind", ["text", "film", "sound"])
async def test_a_file_is_as_whole_as_if_nothing_had_been_killed_between_two_batches(
    files: dict[str, Path],
    opened: Opened,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    victim: str,
) -> None:
    write, after = Commit.write, 0

    async def stored(commit: Commit, result: Embedded) -> None:
        nonlocal after
        await write(commit, result)
        after += 1
        if after == 2:
            await killed_between_calls(worker_of(engine, victim))

    async with asyncio.timeout(200):
        async with opened(replace(settings, store=str(tmp_path / "calm"))) as engine:
            undisturbed = await points(engine, files[kind])
        monkeypatch.setattr(Commit, "write", stored)
        async with opened() as engine:
            assert await points(engine, files[kind]) == undisturbed
    assert after > 2 and len(undisturbed) > 5
