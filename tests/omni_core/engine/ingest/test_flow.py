"""Results that go through pickle into another library are those of the plain ingest."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core import Engine, IngestRequest
from omni_core.catalog.groups import StoredGroup
from omni_core.engine.ingest.commit import Commit
from omni_core.engine.ingest.embedding import Embedded, Target
from omni_core.engine.ingest.flow import Flow
from omni_core.engine.ingest.reached import Reached
from omni_core.index.memory import MemoryIndex
from omni_core.originals import look
from omni_core.points import Point
from omni_core.protocols import Index
from omni_core.settings import Settings
from tests.omni_core.engine.ingest.talk import talk

pytestmark = pytest.mark.timeout(120)

FILES = ("colours.mp4", "notes.md", "lake.jpg", "hum.wav")
KILLED = ("colours.mp4", "hum.wav")


async def points(index: Index) -> dict[str, Point]:
    found, _ = await index.scroll(limit=1000)
    return {p.id: p for p in await index.get([p.id for p in found], vectors=True)}


def facts(found: dict[str, Point]) -> dict[str, Any]:
    return {id: (p.stored, p.bm25 is None) for id, p in found.items()}


async def elsewhere(
    engine: Engine, path: Path, index: Index, groups: list[StoredGroup], killed_after: int = 0
) -> None:
    """As a runner on other machines does it: results are pickled, and stored by somebody else, who
    knows how far they were stored; the first of two runs is killed after so many results."""
    context = engine._context
    [row] = (await engine.sources(match=path.name)).sources
    target = Target(row.source, row.collections, multi_vector=False)

    async def note(group: StoredGroup) -> None:
        groups.append(group)

    commit = Commit(row.source, index, None, note, Reached())
    for run in range(1 + bool(killed_after)):
        flow = Flow(target, context.models, pickle.loads(pickle.dumps(commit.reached)))  # noqa: S301
        given = 0

        async def sink(result: Embedded, run: int = run) -> None:
            nonlocal given
            given += 1
            if killed_after and not run and given > killed_after:
                raise ConnectionError
            await commit.write(pickle.loads(pickle.dumps(result)))  # noqa: S301

        async with context.decoders.cutter() as cutter:
            work = flow.run(cutter, look(str(path)), context.info.cut, sink, stall_s=60)
            if killed_after and not run:
                with pytest.raises(ConnectionError):
                    await work
            else:
                await work


@pytest.mark.parametrize("killed_after", [0, 1, 3])
async def test_points_of_results_that_were_pickled_are_those_of_the_ingest(
    opened: Callable[..., AbstractAsyncContextManager[Engine]],
    settings: Settings,
    media: Path,
    killed_after: int,
) -> None:
    talk(media / "hum.wav", 130)  # several windows, each of which is a group
    async with asyncio.timeout(100), opened(replace(settings, index="memory")) as engine:
        for name in FILES:
            await engine.ingest(IngestRequest(str(media / name)))
        plain = await points(await engine._context.opened_index())
        other = MemoryIndex(engine._context.info)
        await other.open()
        for name in FILES:
            groups: list[StoredGroup] = []
            killed = killed_after if name in KILLED else 0
            await elsewhere(engine, media / name, other, groups, killed)
            assert [g.number for g in groups] == list(range(len(groups)))
            assert name != "hum.wav" or len(groups) > 3
        found = await points(other)
    assert len(plain) > 10 and facts(found) == facts(plain)
    for id, point in plain.items():
        assert (point.dense is None) == (found[id].dense is None)
        if point.dense is not None:
            np.testing.assert_array_equal(point.dense, found[id].dense)
