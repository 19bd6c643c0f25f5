"""What only the embedded store promises: its child may die at any moment, its folder is checked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.errors import StoreError
from omni_core.index import edge_shard, versions
from omni_core.index.edge import EdgeIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.query import Filter, Ids, In, Prefetch, Range
from omni_core.text import bm25
from omni_core.types import Channel, EncoderInfo

DIM = 24
INFO = EncoderInfo("tests/edge", "r1", DIM, frozenset(Channel))
OTHER = EncoderInfo("tests/edge", "r2", DIM, frozenset(Channel))


def uid(i: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(i)))


def point(i: int) -> Point:
    v = np.random.default_rng(i).normal(size=DIM).astype(np.float32)
    payload = {"source_id": f"src_{i % 3}", "start": float(i), "end": i + 1.0}
    return Point(uid(i), v, bm25.document(f"word{i} shared"), StoredSegment(payload))


async def all_ids(index: EdgeIndex) -> set[str]:
    seen: set[str] = set()
    offset = None
    while True:
        page, offset = await index.scroll(limit=1000, offset=offset)
        seen |= {p.id for p in page}
        if offset is None:
            return seen


def child(index: EdgeIndex) -> int:
    assert index._worker is not None and index._worker.pid is not None
    return index._worker.pid


async def test_a_killed_child_is_started_again_and_the_call_succeeds(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, INFO)
    await index.open()
    await index.upsert([point(i) for i in range(10)])
    for n in range(3):
        os.kill(child(index), signal.SIGKILL)
        assert await index.count() == 10 + n
        await index.upsert([point(10 + n)])
    (found,) = await index.search([Prefetch(bm25.question("word12"), "bm25")])
    assert found[0].id == uid(12)
    await index.close()


MORE = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 13)]


@pytest.mark.parametrize("seed", [0, 1, 2, *MORE])
async def test_nothing_acknowledged_is_lost_when_the_child_is_killed_at_random(
    tmp_path: Path, seed: int
) -> None:
    rnd = random.Random(seed)  # noqa: S311
    index = EdgeIndex(tmp_path, INFO)
    await index.open()
    acknowledged: set[int] = set()
    deleted_up_to = 0
    moved = asyncio.Event()

    async def killer() -> None:
        for _ in range(8):
            await moved.wait()
            await asyncio.to_thread(threading.Event().wait, rnd.uniform(0, 0.02))
            if index._worker is not None and (pid := index._worker.pid) is not None:
                with contextlib.suppress(ProcessLookupError):  # it died of the kill before
                    os.kill(pid, signal.SIGKILL)
            moved.clear()

    killing = asyncio.create_task(killer())
    async with asyncio.timeout(120):
        for start in range(0, 1000, 25):
            batch = range(start, start + 25)
            while True:
                try:
                    await index.upsert([point(i) for i in batch])
                    break
                except StoreError:  # killed twice in one call: not acknowledged, so do it again
                    continue
            acknowledged |= set(batch)
            moved.set()
            if start == 500:
                old = Filter(must=(Range("start", lt=300),))
                while True:
                    try:
                        await index.delete(old)
                        break
                    except StoreError:
                        continue
                deleted_up_to = 300
        await killing
        wanted = {uid(i) for i in acknowledged if i >= deleted_up_to}
        assert await all_ids(index) == wanted
        assert await index.count() == len(wanted)
    await index.close()


WRITER = """
import asyncio, sys, uuid
import numpy as np
from pathlib import Path
from omni_core.index.edge import EdgeIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.types import Channel, EncoderInfo

async def main(store, first):
    index = EdgeIndex(Path(store), EncoderInfo("tests/edge", "r1", 24, frozenset(Channel)))
    await index.open()
    for n in range(first, first + 4000, 20):
        ids = [str(uuid.uuid5(uuid.NAMESPACE_URL, str(i))) for i in range(n, n + 20)]
        v = np.ones(24, np.float32)
        await index.upsert([Point(i, v, None, StoredSegment({"source_id": "s"})) for i in ids])
        print(n + 20, flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.mark.parametrize("settled", [0, 2000])
async def test_nothing_acknowledged_is_lost_when_the_whole_program_is_killed(
    tmp_path: Path, settled: int
) -> None:
    """Nor is anything doubled of what it wrote over: settled points, which move."""
    rnd = random.Random(5)  # noqa: S311
    done = 0
    if settled:
        index = EdgeIndex(tmp_path, INFO, grown=1)
        await index.open()
        await index.upsert([point(i) for i in range(settled)])
        assert await index.optimize()
        await index.close()
    for _ in range(4):
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(tmp_path), str(done),
            stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3],
        )  # fmt: skip
        assert writer.stdout is not None
        for _ in range(rnd.randint(3, 25)):
            done = int(await writer.stdout.readline())
        writer.kill()
        rest = await writer.stdout.read()  # acknowledged before the kill
        done = max([done, *(int(n) for n in rest.split(b"\n") if n.strip())])
        await writer.wait()
        index = EdgeIndex(tmp_path, INFO)
        await index.open()
        seen = await all_ids(index)
        assert {uid(i) for i in range(max(done, settled))} <= seen
        counts = await index.count_by_source(exact=True)
        assert await index.count() == sum(counts.values()) == len(seen)
        assert done <= counts["s"] <= done + 20
        assert await index.count_by_source() == counts
        await index.close()


@pytest.mark.parametrize("settled", [False, True])
async def test_what_was_flushed_survives_the_loss_of_every_page_but_those_of_the_log(
    tmp_path: Path, settled: bool
) -> None:
    """A power cut at its worst: of the segments nothing was written since the shard was opened."""
    index = EdgeIndex(tmp_path, INFO, grown=1)
    await index.open()
    await index.upsert([point(n) for n in range(30)])
    if settled:
        assert await index.optimize()
    await index.close()
    shard = next((tmp_path / "index").rglob("shard"))
    segments = tmp_path / "segments"
    shutil.copytree(shard / "segments", segments)
    await index.open()
    await index.upsert([point(n) for n in range(20, 60)])
    await index.delete(Filter(must=(Ids((uid(3), uid(45))),)))
    await index.set_payload(Filter(must=(Ids((uid(5), uid(50))),)), {"title": "late"})
    await index.flush()
    os.kill(child(index), signal.SIGKILL)
    await index.close()
    shutil.rmtree(shard / "segments")
    shutil.copytree(segments, shard / "segments")
    await index.open()
    assert await all_ids(index) == {uid(n) for n in range(60)} - {uid(3), uid(45)}
    assert (await index.get([uid(50)]))[0].stored.title == "late"
    await index.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there the segments are written instead")
def test_a_flush_puts_the_whole_log_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = edge_shard.Shard(tmp_path, DIM, False)
    shard.upsert([point(1)])
    synced: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.add(os.fstat(handle).st_ino))
    shard.sync()
    log = tmp_path / "shard" / "wal"
    assert synced == {path.stat().st_ino for path in [log, *log.iterdir()]}
    shard.close()


async def test_a_second_process_is_refused_by_name_and_may_come_later(tmp_path: Path) -> None:
    first, second = EdgeIndex(tmp_path, INFO), EdgeIndex(tmp_path, INFO)
    await first.open()
    await first.upsert([point(1)])
    with pytest.raises(StoreError, match="open in another process") as refusal:
        await second.open()
    assert refusal.value.code == "STORE_BUSY"
    assert str(tmp_path) in str(refusal.value)
    await first.close()
    await second.open()
    assert await second.count() == 1
    await second.close()


async def test_another_model_is_refused_until_a_reindex_is_activated(tmp_path: Path) -> None:
    old = EdgeIndex(tmp_path, INFO)
    await old.open()
    await old.upsert([point(1), point(2)])
    refused = EdgeIndex(tmp_path, OTHER)
    with pytest.raises(StoreError, match="reindex") as mismatch:
        await refused.open()
    assert mismatch.value.code == "MODEL_MISMATCH"
    new = EdgeIndex(tmp_path, OTHER, building=True)
    await new.open()
    await new.upsert([point(1)])
    assert (await old.count(), await new.count()) == (2, 1)
    assert versions.current(tmp_path) == versions.slug(INFO)
    await new.activate()
    await new.close()
    await old.close()
    assert versions.current(tmp_path) == versions.slug(OTHER)
    opened = EdgeIndex(tmp_path, OTHER)
    await opened.open()
    assert await opened.count() == 1
    await opened.close()
    slugs = [v.slug for v in versions.list_versions(tmp_path)]
    assert slugs == [versions.slug(OTHER), versions.slug(INFO)]


async def test_a_vacuum_makes_deleted_points_leave_the_disk_and_keeps_the_rest(
    tmp_path: Path,
) -> None:
    index = EdgeIndex(tmp_path, INFO)
    await index.open()
    await index.upsert([point(i) for i in range(2400)])
    assert await index.optimize() is False
    await index.delete(Filter(must=(In("source_id", ("src_0",)),)))
    kept = await all_ids(index)
    assert await index.optimize() is True
    assert await all_ids(index) == kept == {uid(i) for i in range(2400) if i % 3}
    (found,) = await index.search([Prefetch(point(1).dense, limit=1)])  # type: ignore[arg-type]
    assert found[0].id == uid(1)
    await index.close()


def test_a_log_file_that_gets_another_name_meanwhile_is_synced_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the engine does it with one that is full, while another file is ingested."""
    shard = edge_shard.Shard(tmp_path, DIM, False)
    shard.upsert([point(0)])
    log_files = tmp_path / "shard" / "wal"
    full = sorted(log_files.glob("open-*"))[0]
    inode, synced = full.stat().st_ino, set()

    def sync(path: Path) -> None:
        if full.exists():
            full.rename(log_files / "closed-0")
        synced.add(path.stat().st_ino)

    monkeypatch.setattr(edge_shard, "sync", sync)
    shard.sync()
    assert inode in synced
    (log_files / "closed-0").rename(full)
    shard.close()


async def test_the_event_loop_answers_while_the_child_works(tmp_path: Path) -> None:
    """A writer of 2,000 points and a ticking task take turns: Edge itself would hold the loop."""
    index = EdgeIndex(tmp_path, INFO)
    await index.open()
    points = [point(i) for i in range(2000)]
    ticks = 0
    writing = asyncio.create_task(index.upsert(points))
    while not writing.done():
        await asyncio.sleep(0)
        ticks += 1
    await writing
    assert ticks > 100
    await index.close()


async def test_a_call_that_was_cancelled_leaves_the_next_one_its_own_answer(
    tmp_path: Path,
) -> None:
    index = EdgeIndex(tmp_path, INFO)
    await index.open()
    await index.upsert([point(i) for i in range(50)])
    for _ in range(20):
        task = asyncio.create_task(index.scroll(limit=50))
        await asyncio.sleep(0)
        task.cancel()
        assert await index.count() == 50
    await index.close()


@pytest.mark.parametrize("leftover", ["half-made shard", "no record"])
async def test_a_crash_while_creating_is_made_good_at_the_next_opening(
    tmp_path: Path, leftover: str
) -> None:
    path = versions.folder(tmp_path) / versions.slug(INFO)
    if leftover == "half-made shard":
        (path / "shard.new" / "segments").mkdir(parents=True)
        (path / "shard.new" / "edge_config.json").write_text("{")
    else:
        path.mkdir(parents=True)
    index = EdgeIndex(tmp_path, INFO)
    await index.open()
    await index.upsert([point(0)])
    assert await index.count() == 1
    await index.close()


DAMAGE = {
    "engine file that it checks": lambda shard: shard / "wal" / "first-index",
    "engine file that makes it panic": lambda shard: next(shard.rglob("status.dat")),
}


@pytest.mark.parametrize("which", DAMAGE.values(), ids=DAMAGE.keys())
async def test_damage_is_one_line_that_names_the_folder(tmp_path: Path, which: Any) -> None:
    index = EdgeIndex(tmp_path, INFO)
    await index.open()
    await index.upsert([point(0)])
    await index.close()
    broken: Path = which(versions.folder(tmp_path) / versions.slug(INFO) / "shard")
    broken.write_bytes(b"")
    with pytest.raises(StoreError, match="is damaged") as damaged:
        await index.open()
    assert str(tmp_path) in str(damaged.value) and "\n" not in str(damaged.value)


async def test_a_damaged_record_is_written_anew(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path, INFO)
    await index.open()
    await index.upsert([point(0)])
    await index.close()
    record = versions.folder(tmp_path) / versions.slug(INFO) / "index.json"
    whole = record.read_bytes()
    record.write_bytes(b"")
    await index.open()
    assert await index.count() == 1
    await index.close()
    assert record.read_bytes() == whole


def test_a_nearly_full_disk_refuses_writes_and_keeps_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk with no room at all the engine's mapped files would end the process."""
    usage = shutil.disk_usage(tmp_path)
    free = {"now": usage.free}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free["now"]))
    shard = edge_shard.Shard(tmp_path, DIM, False)
    shard.upsert([point(i) for i in range(1500)])
    shard.delete(Filter(must=(In("source_id", ("src_0",)),)))
    free["now"] = 100 << 20
    with pytest.raises(StoreError, match="100 MB free and needs 128"):
        shard.upsert([point(5000)])
    assert shard.vacuum_due() is None
    assert shard.count(None) == 1000
    shard.close()
    free["now"] = 40 << 20
    with pytest.raises(StoreError, match="40 MB free and needs 64"):
        edge_shard.Shard(tmp_path, DIM, False)
    free["now"] = 100 << 20
    beside = tmp_path / "beside"  # as a re-index makes one: it would take room, and no points
    beside.mkdir()
    with pytest.raises(StoreError, match="100 MB free and needs 128"):
        edge_shard.Shard(beside, DIM, False)
    assert list(beside.iterdir()) == []
    free["now"] = usage.free
    again = edge_shard.Shard(tmp_path, DIM, False)
    assert again.count(None) == 1000
    assert again.vacuum_due() is not None
    again.close()


def test_choosing_a_store_imports_no_engine() -> None:
    """qdrant_edge lives in the child; qdrant_client costs a second and 85 MB, and is an extra."""
    script = (
        "import sys, omni_core.index as i\n"
        "from omni_core import plugins\n"
        "from omni_core.settings import Settings\n"
        "from omni_core.types import EncoderInfo\n"
        "info = EncoderInfo('m', 'r', 8, frozenset())\n"
        "for kind in plugins.names(plugins.INDEXES):\n"
        "    i.load(Settings(index=kind, qdrant_url='http://x'), info)\n"
        "print([m for m in sys.modules if m.startswith('qdrant')])\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        cwd=Path(__file__).parents[3],
        check=True,
    )
    assert out.stdout.strip() == b"[]"


async def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="--store"):
        await EdgeIndex(tmp_path, INFO).open()


def test_a_version_must_exist_to_be_used_and_records_are_checked(tmp_path: Path) -> None:
    path = versions.prepare(tmp_path, INFO)
    with pytest.raises(StoreError, match="no index"):
        versions.activate(tmp_path, "nothing")
    facts = json.loads((path / "index.json").read_text())
    assert facts["fingerprint"] == INFO.fingerprint
    facts["fingerprint"] = "somebody else's"
    (path / "index.json").write_text(json.dumps(facts))
    with pytest.raises(StoreError, match="was filled by"):
        versions.prepare(tmp_path, INFO)


def test_slugs_are_file_names_and_tell_models_apart() -> None:
    def info(name: str, **changes: Any) -> EncoderInfo:
        return EncoderInfo(name, "r", 8, frozenset(Channel), **changes)

    slugs = [
        versions.slug(info("org/Model_A")),
        versions.slug(info("org/Model_A", multi_vector=True)),
        versions.slug(info("org/Model_A", settings="prompt v2")),
        versions.slug(info("../../etc/passwd")),
        versions.slug(info("日本語")),
    ]
    assert len(set(slugs)) == len(slugs)
    assert all(s.replace("-", "").isalnum() and s.isascii() and len(s) < 64 for s in slugs)
