"""A library is the same, whether pixels lie in sealed memory or go through the pipes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from weakref import WeakSet

import pytest
from PIL import Image

from bench.folder import difference, points_of
from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.pipes import memory
from omni_core.pipes.memory import Sealed
from omni_core.points import Point
from omni_core.settings import Settings
from tests.omni_core.models.test_remote_reading import READER, SAVES

pytestmark = pytest.mark.timeout(240)
FILES = ("colours.mp4", "lake.jpg", "hill.png", "notes.md")


async def ingested(chosen: Settings, media: Path) -> tuple[dict[str, Point], list[str], int]:
    """The points, what is found for a picture, and how much lay in sealed memory."""
    received: list[int] = []
    opened = memory.opened

    def counting(descriptor: int) -> memoryview:
        found = opened(descriptor)
        received.append(found.nbytes)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "opened", counting)
        async with await Engine.open(chosen) as engine:
            for name in FILES:
                status = await engine.ingest(IngestRequest(str(media / name)))
                assert status.state == "ready", status.error
            similar = await engine.search(SearchRequest(path=str(media / "colours.mp4")))
            points = await points_of(engine)
    return points, [hit.ref for hit in similar.hits], len(received)


@pytest.mark.skipif(not memory.available(), reason="no sealed memory on this system")
async def test_segments_and_vectors_are_the_same_both_ways(
    install: Callable[..., None], settings: Settings, media: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(Sealed, "held", WeakSet())  # what other tests still hold counts nothing
    install("my-reader", READER % SAVES, {"readers": "counter = my_reader:Counter"})
    (media / "colours.srt").unlink()  # so that the sound is read
    Image.effect_noise((1280, 900), 90).convert("RGB").save(media / "hill.png")
    chosen = replace(settings, index="memory")
    by_memory, similar, received = await ingested(chosen, media)
    assert received >= 5  # windows of sound, of the file and of the question, and the large picture
    assert not len(Sealed.held)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "available", lambda: False)
        other = replace(chosen, store=str(tmp_path / "other"))
        by_pipes, similar_too, none = await ingested(other, media)
    assert none == 0
    assert any(p.stored.text.startswith("second ") for p in by_memory.values())
    assert difference(by_memory, by_pipes) == "0 payloads differ, vectors by at most 0"
    assert similar == similar_too
    assert similar
