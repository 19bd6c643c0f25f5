"""What travels between a server and the child of its index, and what the child keeps ready."""

from __future__ import annotations

import sys
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omni_core.errors import StoreError
from omni_core.index import wire
from omni_core.index.edge_ahead import AT_ONCE, READ_AHEAD, read_ahead
from omni_core.index.edge_recent import Recent
from omni_core.index.edge_shard import Shard
from omni_core.index.edge_worker import Served
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.query import Prefetch
from omni_core.types import Sparse

DIM = 8


def uid(i: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(i)))


def point(i: int) -> Point:
    """Some lack words, a vector or token vectors."""
    rng = np.random.default_rng(i)
    return Point(
        uid(i),
        None if i % 3 == 2 else rng.normal(size=DIM).astype(np.float32),
        None if i % 4 == 3 else Sparse((i, 4_000_000_000), (0.1 + i, 1 / 3)),
        StoredSegment(
            {"text": f"größe \u65e5 {i}", "start": i, "end": i + 0.5, "extra": {"a": [1]}}
        ),
        rng.normal(size=(1 + i % 3, DIM)).astype(np.float32) if i % 2 else None,
    )


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_points_arrive_as_they_were(count: int) -> None:
    sent = [point(i) for i in range(count)]
    got, following = wire.points_of(wire.pack_points(sent, "next"))
    assert following == "next"
    assert [(p.id, p.bm25, dict(p.stored.fields)) for p in got] == [
        (p.id, p.bm25, dict(p.stored.fields)) for p in sent
    ]
    for one, other in zip(got, sent, strict=True):
        for name in ("dense", "late"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_point_found_twice_is_sent_once_and_read_in_both_rankings() -> None:
    payloads = [b'{"text":"a"}', b'{"text":"b"}']
    found = wire.Found([uid(0), uid(1)], payloads, [True, False],
                       [([1, 0], [0.9, 0.1]), ([], []), ([1], [3.5])])  # fmt: skip
    dense, nothing, words = wire.rankings_of(wire.pack_found(found))
    assert [(p.id, p.score, p.stored.text, p.whole) for p in dense] == [
        (uid(1), 0.9, "b", False), (uid(0), 0.1, "a", True),
    ]  # fmt: skip
    assert nothing == [] and words[0].score == 3.5


@pytest.mark.parametrize("count", [0, 1, 3])
def test_vectors_arrive_with_their_places(count: int) -> None:
    sent = {2 * i: np.full(DIM, i, np.float32) for i in range(count)}
    got = wire.vectors_of(wire.pack_vectors(sent))
    assert list(got) == list(sent)
    for at, vector in sent.items():
        np.testing.assert_array_equal(got[at], vector)


def test_what_is_no_answer_is_refused_in_one_line() -> None:
    good = wire.pack_points([point(1), point(2)])
    rankings = wire.pack_found(wire.Found([uid(0)], [b"{}"], [True], [([4], [0.5])]))
    for bad in (b"", b"\x80\x05K\x01.", good[:-3], wire.pack_found(wire.Found([], [], [], []))):
        with pytest.raises(StoreError, match="unreadable answer") as refused:
            wire.points_of(bad)
        assert "\n" not in str(refused.value)
    hidden = wire._body("[\u202e".encode(), **{"a\u202eb": np.zeros(1)})
    with pytest.raises(StoreError) as refused:
        wire.rankings_of(hidden.replace(b'"F64"', b'"\xe2\x80\xae"'))
    assert str(refused.value).isascii()
    deep = wire._body(b"[" * 200_000)
    text = wire.pack_found(wire.Found([uid(0)], [b'"text"'], [True], [([0], [0.5])]))
    for bad in (good, rankings, deep, text):
        with pytest.raises(StoreError, match="unreadable answer"):
            wire.rankings_of(bad)


def test_points_read_before_are_kept_up_to_a_limit_and_dropped_when_written(
    tmp_path: Path,
) -> None:
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([Point(uid(i), np.ones(DIM, np.float32), None,
                        StoredSegment({"text": "x" * 100})) for i in range(30)])  # fmt: skip
    recent = Recent(shard._shard, most_bytes=5000)
    ids = {uuid.UUID(uid(i)).int: uuid.UUID(uid(i)) for i in range(30)}
    assert [e.id for e in recent.read(ids)] == [str(i) for i in ids.values()]
    assert 0 < recent._bytes <= 5000
    kept = list(recent._entries)
    assert kept == list(ids)[-len(kept) :]
    again = recent.read({key: ids[key] for key in reversed(kept)})
    assert [uuid.UUID(e.id).int for e in again] == kept[::-1] == list(recent._entries)
    assert all(e.lean is e.whole for e in again)
    assert recent._bytes == sum(e.bytes for e in recent._entries.values())
    recent.forget(str(ids[kept[-1]]))
    assert kept[-1] not in recent._entries
    recent.forget_all()
    assert (recent._bytes, len(recent._entries)) == (0, 0)
    shard.close()


def test_every_method_of_the_child_answers_without_a_pickle(tmp_path: Path) -> None:
    served = Served(Shard(tmp_path, DIM, False))
    served.upsert(wire.pack_points([replace(point(1), late=None)]))
    answers = [
        served.search([Prefetch(np.ones(DIM, np.float32))], None),
        served.get([uid(1)], True),
        served.vectors([uid(1)]),
        served.scroll(None, 10, None),
        served.count(None),
        served.adopt("another state"),
        str(served.vacuum_due()),
    ]
    assert {type(answer) for answer in answers} <= {bytes, int, bool, str}
    served.close()


@pytest.mark.skipif(sys.platform == "win32", reason="says nothing of the holes in a file")
def test_of_payloads_and_vectors_what_the_files_hold_is_read_ahead_and_not_their_holes(
    tmp_path: Path,
) -> None:
    text = "".join(map(chr, np.random.default_rng(0).integers(97, 123, 5000)))
    shard = Shard(tmp_path, DIM, False)
    shard.upsert([Point(uid(i), np.ones(DIM, np.float32), None,
                        StoredSegment({"text": text + str(i)})) for i in range(100)])  # fmt: skip
    shard.flush()
    files = [path for files in READ_AHEAD for path in (tmp_path / "shard").glob(files)]
    assert 0 < read_ahead(tmp_path / "shard", AT_ONCE) <= 4096  # codes
    assert len({path.parent for path in files}) == 2
    assert sum(path.stat().st_size for path in files) >= 32 << 20
    held = sum(path.stat().st_blocks * 512 for path in files)
    assert 0 < read_ahead(tmp_path / "shard") <= held < 4 << 20
    shard.close()
    assert read_ahead(tmp_path / "elsewhere") == 0
