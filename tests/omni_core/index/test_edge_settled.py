"""Points of the embedded index that a vacuum has settled, and when the next vacuum is due."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qdrant_edge as edge

from omni_core.errors import StoreError
from omni_core.index import edge_ahead, edge_shard, edge_sums, edge_vacuum
from omni_core.index.edge_mapping import config, schema
from omni_core.index.edge_shard import Shard
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.query import Filter, Ids, In, Prefetch
from omni_core.text import bm25
from tests.omni_core.index.test_edge_vacuum import COUNT, DIM, LEFT, THIRD, point, uid


def vacuumed(shard: Shard, folder: Path, grown: int, late: bool = False) -> None:
    state = shard.vacuum_due(grown)
    assert state is not None
    assert shard.copy_beside(state)
    beside = Shard(folder / edge_vacuum.FOLDER, DIM, late, rewrites=True)
    beside.vacuum()
    beside.close()
    assert shard.adopt(state) is True


def segments(folder: Path) -> list[str]:
    """How each segment indexes words."""
    records = (folder / "shard" / "segments").glob("*/segment.json")
    said = [json.loads(record.read_text())["config"] for record in records]
    kinds = [one["sparse_vector_data"]["bm25"]["index"]["index_type"] for one in said]
    return sorted({"MutableRam": "growing", "Mmap": "settled"}[kind] for kind in kinds)


def test_points_are_settled_once_enough_of_them_were_ingested(tmp_path: Path) -> None:
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([point(n) for n in range(20)])
    assert shard.vacuum_due(21) is None
    assert segments(tmp_path) == ["growing"]
    vacuumed(shard, tmp_path, 20)
    assert segments(tmp_path) == ["growing", "settled"]
    shard.upsert([point(n) for n in range(10, 30)])  # ten of them move
    assert shard.vacuum_due(21) is None
    vacuumed(shard, tmp_path, 20)
    assert segments(tmp_path) == ["growing", "settled"]
    assert shard.vacuum_due(1) is None
    shard.close()
    again = Shard(tmp_path, DIM, False)
    assert again.count(None) == 30
    assert again.count_by_source(False) == {"src_0": 10, "src_1": 10, "src_2": 10}
    again.close()


def test_settled_points_that_were_deleted_or_replaced_leave_the_disk(tmp_path: Path) -> None:
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([point(n) for n in range(COUNT)])
    vacuumed(shard, tmp_path, 1)
    shard.delete(THIRD)
    shard.set_payload(Filter(must=(In("source_id", ("src_1",)),)), {"title": "new"})
    vacuumed(shard, tmp_path, 10**9)
    assert segments(tmp_path) == ["growing", "settled"]
    assert shard.vacuum_due(1) is None
    assert shard.count(None) == LEFT
    (changed, kept) = shard.get([uid(1), uid(2)], False)
    assert (changed.stored.fields.get("title"), kept.stored.fields.get("title")) == ("new", None)
    shard.close()


def test_an_index_of_an_older_version_is_settled_with_all_that_it_indexed(tmp_path: Path) -> None:
    """Before 1.1 all vectors and payload indexes were kept in memory."""
    codes = edge.TurboQuantQuantizationConfig(bits=edge.TurboQuantBitSize.Bits4)
    dense = edge.EdgeVectorParams(DIM, edge.Distance.Cosine, quantization_config=codes)
    words = edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)
    never = edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=10**9)
    made = edge.EdgeShard.create(
        str(tmp_path / "shard"),
        edge.EdgeConfig({"dense": dense}, {"bm25": words}, optimizers=never),
    )
    kinds: dict[str, Any] = {
        "source_id": edge.KeywordIndexParams(),
        "start": edge.FloatIndexParams(),
    }
    for key, kind in kinds.items():
        made.update(edge.UpdateOperation.create_field_index(key, kind))
    made.close()
    old = Shard(tmp_path, DIM, False)
    old.upsert([point(n) for n in range(20)])
    vacuumed(old, tmp_path, 20)
    assert segments(tmp_path) == ["growing", "settled"]
    indexed = old._shard.info().payload_schema
    assert indexed.keys() == schema().keys()
    assert {found.params.memory == edge.Memory.Cold for found in indexed.values()} == {True}
    assert (old.count(None), old.count(THIRD)) == (20, 7)
    assert old.vacuum_due(1) is None
    old.close()
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]


@pytest.mark.parametrize("late", [False, True])
def test_settled_points_are_found_as_they_were_before(tmp_path: Path, late: bool) -> None:
    tokens = np.random.default_rng(0).normal(size=(300, 3, DIM)).astype(np.float32)
    points = [
        replace(
            point(n),
            bm25=bm25.document(" ".join(f"w{n % k}" for k in (3, 7, 11))),
            late=tokens[n] if late else None,
        )
        for n in range(300)
    ]
    asked = [Prefetch(p.dense, limit=10) for p in points[:5]]  # type: ignore[arg-type]
    asked += [Prefetch(bm25.question(f"w{n}"), "bm25", limit=10) for n in range(5)]
    if late:
        asked.append(Prefetch(tokens[7], "late", limit=10))

    def answers() -> list[list[float]]:
        found = [shard.search(asked, filter) for filter in (None, THIRD)]
        return [scores for each in found for _, scores in each.rankings]

    shard = Shard(tmp_path, DIM, late)
    shard.upsert(points)
    before = answers()
    vacuumed(shard, tmp_path, 1, late)
    for was, found in zip(before, answers(), strict=True):
        assert found == pytest.approx(was, abs=1e-5)
    shard.close()


def test_points_that_cannot_be_settled_are_not_settled_again_and_again(tmp_path: Path) -> None:
    """The engine leaves points without vectors where they are."""
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([replace(point(n), dense=None) for n in range(20)])
    vacuumed(shard, tmp_path, 20)
    assert segments(tmp_path) == ["growing"]
    assert shard.vacuum_due(1) is None
    shard.upsert([point(n) for n in range(20, 50)])
    shard.close()
    again = Shard(tmp_path, DIM, False)
    assert again.vacuum_due(31) is None
    vacuumed(again, tmp_path, 30)
    assert segments(tmp_path) == ["growing", "settled"]
    assert (again.count(None), again.vacuum_due(1)) == (50, None)
    again.close()


def test_no_vacuum_is_due_after_one_that_left_several_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As beyond the size that the engine joins; it drops nothing from segments below 1,000 points,
    which together have more."""

    def small(dim: int, late: bool) -> Any:
        made = config(dim, late)
        optimizers = edge.EdgeOptimizersConfig(
            default_segment_number=1, indexing_threshold=1, max_segment_size=20
        )
        return edge.EdgeConfig(
            made.vectors,
            made.sparse_vectors,
            hnsw_config=made.hnsw_config,
            optimizers=optimizers,
            wal_enabled=True,
        )

    monkeypatch.setattr(edge_shard, "config", small)
    shard = Shard(tmp_path, DIM, False)
    for start in (0, 400, 800):
        shard.upsert([point(n) for n in range(start, start + 400)])
        vacuumed(shard, tmp_path, 400)
        assert shard.vacuum_due(1) is None
    settled = list((tmp_path / "shard" / "segments").glob("*/id_tracker.versions"))
    assert len(settled) == 3
    shard.delete(THIRD)
    vacuumed(shard, tmp_path, 10**9)
    assert shard.vacuum_due(1) is None
    assert shard.count(None) == shard.count_by_source(True)["src_1"] * 2 == 800
    shard.delete(Filter(must=(In("source_id", ("src_1",)),)))
    assert shard.vacuum_due(1) is not None
    shard.close()


@pytest.mark.parametrize("ends", ["vacuum", "close"])
def test_files_that_are_read_ahead_are_let_go_of_before_they_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """Windows gives no folder another name in which a file is open. And reading that takes long
    holds nobody up."""
    held, moved = threading.Event(), []

    def reads(path: Path, most: int, stopped: Any) -> int:
        held.set()
        while not stopped():
            threading.Event().wait(0.01)
        held.clear()
        return 0

    def exchange(path: Path) -> None:
        moved.append(held.is_set())
        real(path)

    real = edge_vacuum.exchange
    monkeypatch.setattr(edge_vacuum, "exchange", exchange)
    monkeypatch.setattr(edge_ahead, "_read", reads)
    monkeypatch.setattr(edge_shard, "AHEAD_S", 0.0)
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([point(n) for n in range(20)])
    assert held.wait(60)
    if ends == "vacuum":
        vacuumed(shard, tmp_path, 20)
        assert moved == [False]
        assert shard.count(None) == 20
        assert held.wait(60)  # of the new files
    shard.close()
    assert not held.is_set()


def test_a_copy_is_not_made_into_what_is_left_of_a_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows removes no file that is open: the copy would have segments of another vacuum."""
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([point(n) for n in range(20)])
    state = shard.vacuum_due(20)
    assert state is not None
    (tmp_path / edge_vacuum.FOLDER / "segments").mkdir(parents=True)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(StoreError, match="exists"):
        shard.copy_beside(state)
    shard.close()


@pytest.mark.parametrize("late", [False, True])
def test_damage_to_vectors_and_to_dates_is_noticed_whatever_the_model(
    tmp_path: Path, late: bool
) -> None:
    tokens = np.random.default_rng(0).normal(size=(60, 3, DIM)).astype(np.float32)
    dated = {"source_id": "src_0", "recorded_at": "2024-01-05T00:00:00Z"}
    points = [replace(point(n), stored=StoredSegment(dated)) for n in range(60)]
    if late:
        points = [replace(p, dense=None, late=tokens[n]) for n, p in enumerate(points)]
    shard = Shard(tmp_path, DIM, late)
    shard.upsert(points)
    vacuumed(shard, tmp_path, 1, late)
    shard.close()
    files = ["payload_index/*-recorded-*/data.bin"]
    files += ["vector_storage-late/vectors/*.mmap"] if late else ["vector_storage-dense/matrix.dat"]
    assert edge_sums.damaged(tmp_path / "shard") == []
    for file in files:
        (path,) = {
            found
            for found in (tmp_path / "shard" / "segments").glob(f"*/{file}")
            if (found.parents[len(Path(file).parts) - 1] / "id_tracker.versions").is_file()
        }
        held = path.read_bytes()
        path.write_bytes(bytes([held[0] ^ 1]) + held[1:])
        assert edge_sums.damaged(tmp_path / "shard") == [
            path.relative_to(tmp_path / "shard").as_posix()
        ]
        path.write_bytes(held)


def test_what_is_written_after_a_vacuum_changes_no_file_that_was_noted(tmp_path: Path) -> None:
    tokens = np.random.default_rng(0).normal(size=(60, 3, DIM)).astype(np.float32)
    dated = StoredSegment({"source_id": "src_0", "recorded_at": "2024-01-05T00:00:00Z"})
    points = [
        Point(uid(n), point(n).dense, bm25.document(f"w{n}"), dated, tokens[n]) for n in range(60)
    ]
    shard = Shard(tmp_path, DIM, True)
    shard.upsert(points)
    vacuumed(shard, tmp_path, 1, True)
    shard.delete(Filter(must=(Ids((uid(1), uid(2))),)))
    shard.set_payload(
        Filter(must=(Ids((uid(3),)),)), {"title": "new", "recorded_at": "2025-01-05T00:00:00Z"}
    )
    shard.upsert(points[10:20])
    shard.close()
    Shard(tmp_path, DIM, True).close()
    assert edge_sums.damaged(tmp_path / "shard") == []
