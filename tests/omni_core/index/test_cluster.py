"""Three real nodes on this machine, two copies of each shard: one may die at any time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.errors import StoreError
from omni_core.index.server import ServerIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.query import Filter, In, Prefetch
from omni_core.text import bm25
from omni_core.types import Channel, EncoderInfo
from tests.omni_core.index import real_qdrant

pytestmark = pytest.mark.timeout(300)

INFO = EncoderInfo("tests/tiny", "r1", 32, frozenset(Channel))
BATCH, BATCHES = 20, 40


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[real_qdrant.Server]:
    with real_qdrant.processes(tmp_path, 3) as started:
        yield started


@pytest.fixture(params=["REST", "gRPC"])
async def index(
    cluster: real_qdrant.Server, request: pytest.FixtureRequest
) -> AsyncIterator[ServerIndex]:
    settings = cluster.settings(
        "library", qdrant_shards=3, qdrant_replicas=2, qdrant_grpc=request.param == "gRPC"
    )
    opened = ServerIndex(settings, INFO)
    await opened.open()
    await opened.claim("a" * 32)
    await opened.make()
    yield opened
    await opened.close()


def uid(i: int) -> str:
    return str(uuid.UUID(int=i + 1))


def point(i: int) -> Point:
    vector = np.random.default_rng(i).normal(size=32).astype(np.float32)
    stored = StoredSegment({"source_id": f"src_{i // BATCH}", "text": f"word{i}"})
    return Point(uid(i), vector, bm25.document(f"word{i} common"), stored)


async def replicas(index: ServerIndex) -> list[str]:
    """The state of each copy of each shard."""
    info = await index._nodes.call("collection_cluster_info", index.collection)
    return [s.state.value for s in (*info.local_shards, *info.remote_shards)]


async def until_whole(index: ServerIndex) -> None:
    """Returns when all six copies are in use again."""
    async with asyncio.timeout(120):
        while await replicas(index) != ["Active"] * 6:  # noqa: ASYNC110 - it can only be asked
            await asyncio.sleep(0.1)


async def test_a_node_that_dies_during_ingest_and_searches_costs_nothing(
    cluster: real_qdrant.Server, index: ServerIndex
) -> None:
    written: set[str] = set()
    dead = asyncio.Event()
    answers = 0

    async def ingest() -> None:
        for n in range(BATCHES):
            if n == BATCHES // 4:
                dead.set()
                await asyncio.to_thread(cluster.nodes[0].kill)  # the one that is being asked
            points = [point(i) for i in range(n * BATCH, (n + 1) * BATCH)]
            await index.upsert(points)
            written.update(p.id for p in points)

    async def search() -> int:
        found = 0
        while len(written) < BATCH * BATCHES:
            seen = list(written)
            if seen:
                i = uuid.UUID(seen[len(seen) // 2]).int - 1
                asked = point(i)
                assert asked.dense is not None
                (hits,) = await index.search([Prefetch(asked.dense, limit=1)])
                assert [h.id for h in hits] == [asked.id]
                found += dead.is_set()
            await asyncio.sleep(0)
        return found

    async with asyncio.timeout(200):
        _, answers = await asyncio.gather(ingest(), search())
    assert answers  # with the node dead
    assert await index.count() == BATCH * BATCHES
    assert {p.id for p in await index.get(sorted(written))} == written

    await asyncio.to_thread(cluster.nodes[0].start)
    await until_whole(index)
    for node in cluster.nodes:  # each of them, also the one that was away, has everything
        alone = ServerIndex(cluster.settings("library", qdrant_url=node.url), INFO)
        await alone.open()
        assert await alone.count() == BATCH * BATCHES
        assert {p.id for p in await alone.get(sorted(written))} == written
        await alone.close()


async def test_with_too_many_nodes_dead_one_line_says_so_and_it_goes_on_when_they_are_back(
    cluster: real_qdrant.Server, index: ServerIndex
) -> None:
    await index.upsert([point(i) for i in range(60)])
    for node in cluster.nodes[1:]:
        await asyncio.to_thread(node.kill)
    with pytest.raises(StoreError) as lost:
        await index.count()
    assert lost.value.code == "INDEX_UNREACHABLE" and "\n" not in str(lost.value)
    with pytest.raises(StoreError) as unwritten:
        await index.upsert([point(i) for i in range(60, 120)])
    assert "\n" not in str(unwritten.value)
    await asyncio.gather(*(asyncio.to_thread(node.start) for node in cluster.nodes[1:]))
    await until_whole(index)
    await index.upsert([point(i) for i in range(60, 120)])  # the same again, as an ingest does
    assert await index.count() == 120


async def test_a_snapshot_restored_on_a_fresh_server_gives_the_same_answers(
    tmp_path: Path,
) -> None:
    with (
        real_qdrant.processes(tmp_path / "old", 1) as old,
        real_qdrant.processes(tmp_path / "new", 1) as new,
    ):
        first = ServerIndex(old.settings("library"), INFO)
        await first.open()
        await first.claim("a" * 32)
        await first.upsert([point(i) for i in range(200)])
        kept = await first._nodes.call("create_snapshot", first.collection)
        (file,) = (old.nodes[0].folder / "snapshots").rglob(kept.name)

        there = ServerIndex(new.settings("other"), INFO)  # a library beside it, for its connection
        await there.open()
        snapshots = new.nodes[0].folder / "snapshots"
        snapshots.mkdir(exist_ok=True)
        moved = file.rename(snapshots / file.name)
        await there._nodes.call("recover_snapshot", first.collection, moved.as_uri())
        await there.close()

        second = ServerIndex(new.settings("library"), INFO)
        await second.open()
        await second.claim("a" * 32)  # whose it is travelled with it
        with pytest.raises(StoreError, match="belongs to another library"):
            await second.claim("b" * 32)
        assert await answers_of(second) == await answers_of(first)
        assert len(await answers_of(second)) == 4
        for index in (first, second):
            await index.close()


async def answers_of(index: ServerIndex) -> list[Any]:
    vector = np.random.default_rng(9999).normal(size=32).astype(np.float32)
    one = Filter(must=(In("source_id", ("src_3",)),))
    dense, words = await index.search(
        [Prefetch(vector, limit=20), Prefetch(bm25.question("word7 word9"), "bm25", limit=300)]
    )
    page, _ = await index.scroll(one)
    return [
        [(h.id, h.score) for h in dense],
        {h.id: h.score for h in words},  # some are equal, in no order
        [(p.id, dict(p.stored.fields)) for p in page],
        await index.count(),
    ]
