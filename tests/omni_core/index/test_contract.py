"""What every store promises, run over each of them. Order among equal scores is never asserted."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from omni_core.errors import BadRequestError, StoreError
from omni_core.index.memory import MemoryIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point, ScoredPoint
from omni_core.query import During, Filter, Ids, In, Prefetch, Range
from omni_core.text import bm25
from omni_core.types import Channel, EncoderInfo

DIM = 32
WORDS = ["train", "station", "platform", "dog", "run", "snow", "red", "car", "engine", "siren"]
WORDS += ["glass", "break", "speech", "meeting", "budget"]


def vector(seed: int, *shape: int) -> Any:
    v = np.random.default_rng(seed).normal(size=shape or (DIM,)).astype(np.float32)
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def uid(i: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(i)))


def point(i: int, *, late: bool = False) -> Point:
    """Every third has no dense vector, every fourth no words, every fifth no date."""
    words = " ".join(random.Random(i).choices(WORDS, k=3 + i % 9))  # noqa: S311
    payload = {
        "source_id": f"src_{i // 20}",
        "modality": ("video", "audio", "image", "document")[i % 4],
        "channel": "visual" if i % 2 else "speech",
        "collections": ["default", "trip"] if i % 2 else ["default"],
        "start": float(i % 20),
        "end": float(i % 20 + 1),
        "text": words,
        "extra": {"language": "fr", "line": [1, 2]},
    }
    if i % 5:
        payload["recorded_at"] = f"2026-0{1 + i % 9}-01T10:00:00Z"
    if i % 4 == 3:
        payload["page"] = i % 9
    return Point(
        uid(i),
        None if i % 3 == 2 else vector(i),
        None if i % 4 == 2 else bm25.document(words),
        StoredSegment(payload),
        vector(1000 + i, 4, DIM) if late and i % 6 else None,
    )


def the(key: str, *values: str | int) -> Filter:
    return Filter(must=(In(key, values),))


async def hits(index: Any, prefetch: Prefetch, filter: Filter | None = None) -> list[ScoredPoint]:
    (found,) = await index.search([prefetch], filter=filter)
    return list(found)


async def test_each_prefetch_may_have_a_filter_of_its_own_besides_that_of_the_search(
    open_index: Any,
) -> None:
    index = await open_index()
    await index.upsert([point(i) for i in range(60)])
    seen, said = the("channel", "visual"), the("channel", "speech")
    asked = [
        Prefetch(vector(1), filter=seen),
        Prefetch(vector(1), filter=said),
        Prefetch(vector(1)),
    ]
    whole = Filter(must=(In("source_id", ("src_0", "src_1")),))
    visual, speech, both = await index.search(asked, filter=whole)
    assert {p.stored.channel for p in visual} == {Channel.VISUAL}
    assert {p.stored.channel for p in speech} == {Channel.SPEECH}
    assert {p.stored.source_id for p in both} == {"src_0", "src_1"}
    assert {p.id for p in both} == {p.id for p in visual} | {p.id for p in speech}
    (unlimited, words) = await index.search(
        [
            Prefetch(vector(1), filter=seen),
            Prefetch(bm25.question("train dog"), "bm25", filter=said),
        ]
    )
    assert {p.stored.source_id for p in unlimited} == {"src_0", "src_1", "src_2"}
    assert words and {p.stored.channel for p in words} == {Channel.SPEECH}


async def test_a_stored_point_comes_back_whole_and_in_the_order_asked(open_index: Any) -> None:
    index = await open_index(late=True)
    points = [point(i, late=True) for i in range(12)]
    await index.upsert(points)
    asked = [uid(7), uid(99), uid(0), uid(1)]
    found = await index.get(asked, vectors=True)
    assert [p.id for p in found] == [uid(7), uid(0), uid(1)]
    for p in found:
        wanted = next(q for q in points if q.id == p.id)
        assert dict(p.stored.fields) == dict(wanted.stored.fields)
        _same_array(p.dense, wanted.dense, 1e-5)
        _same_array(p.late, wanted.late, 2e-3)  # kept as float16
        if wanted.bm25 is None:
            assert p.bm25 is None
        else:
            kept = dict(zip(p.bm25.indices, p.bm25.values, strict=True))
            asked_for = dict(zip(wanted.bm25.indices, wanted.bm25.values, strict=True))
            assert kept == pytest.approx(asked_for, rel=1e-6)
    bare = await index.get([uid(7)])
    assert bare[0].dense is None and bare[0].stored.source_id == "src_0"


def _same_array(a: Any, b: Any, tolerance: float) -> None:
    assert (a is None) == (b is None)
    if b is not None:
        np.testing.assert_allclose(a, b, atol=tolerance)


async def test_storing_the_same_id_again_overwrites(open_index: Any) -> None:
    index = await open_index()
    await index.upsert([point(0), point(1)])
    newer = Point(uid(0), vector(77), None, StoredSegment({"source_id": "other"}))
    await index.upsert([newer])
    assert await index.count() == 2
    (found,) = await index.get([uid(0)], vectors=True)
    assert dict(found.stored.fields) == {"source_id": "other"}
    assert found.bm25 is None
    assert (await hits(index, Prefetch(vector(77), limit=1)))[0].id == uid(0)


async def test_dense_scores_are_cosines_and_best_comes_first(open_index: Any) -> None:
    index = await open_index()
    points = [point(i) for i in range(60)]
    await index.upsert(points)
    question = vector(3) + 0.3 * vector(9)
    found = await hits(index, Prefetch(question, limit=8))
    unit = question / np.linalg.norm(question)
    truth = sorted((float(p.dense @ unit) for p in points if p.dense is not None), reverse=True)
    assert [h.score for h in found] == pytest.approx(truth[:8], abs=1e-5)
    assert found[0].id == uid(3)
    assert found[0].stored.fields["extra"] == {"language": "fr", "line": [1, 2]}


async def test_words_find_points_without_a_dense_vector(open_index: Any) -> None:
    index = await open_index()
    await index.upsert(
        [
            Point(uid(1), None, bm25.document("the siren of error E-1042"), StoredSegment({})),
            Point(uid(2), vector(2), bm25.document("a dog in the snow"), StoredSegment({})),
            Point(uid(3), vector(3), None, StoredSegment({})),
        ]
    )
    found = await hits(index, Prefetch(bm25.question("what does E1042 mean"), "bm25"))
    assert [h.id for h in found] == [uid(1)]
    assert {h.id for h in await hits(index, Prefetch(vector(2)))} == {uid(2), uid(3)}


async def test_bm25_scores_are_exactly_the_documented_formula(open_index: Any) -> None:
    index = await open_index()
    points = [point(i) for i in range(80)]
    await index.upsert(points)
    question = bm25.question("siren budget train")
    weights = dict.fromkeys(question.indices, 1.0)
    documents = {p.id: p.bm25 for p in points if p.bm25}
    n = len(documents)
    df = {t: sum(t in d.indices for d in documents.values()) for t in weights}
    truth = {}
    for i, d in documents.items():
        held = dict(zip(d.indices, d.values, strict=True))
        idf = {t: np.log((n - df[t] + 0.5) / (df[t] + 0.5) + 1) for t in weights}
        score = sum(idf[t] * held.get(t, 0.0) for t in weights)
        if score:
            truth[i] = score
    found = await hits(index, Prefetch(question, "bm25", limit=200))
    assert {h.id: h.score for h in found} == pytest.approx(truth, rel=1e-5)


async def test_late_interaction_ranks_by_maxsim_as_a_first_stage(open_index: Any) -> None:
    index = await open_index(late=True)
    points = [point(i, late=True) for i in range(40)]
    await index.upsert(points)
    question = vector(5, 3, DIM)
    truth = {
        p.id: float((question @ p.late.T).max(axis=1).sum()) for p in points if p.late is not None
    }
    found = await hits(index, Prefetch(question, "late", limit=100))
    assert {h.id: h.score for h in found} == pytest.approx(truth, abs=5e-3)
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


async def test_prefetches_are_answered_apart_each_with_its_own_limit(open_index: Any) -> None:
    index = await open_index()
    await index.upsert([point(i) for i in range(40)])
    dense, words, nothing = await index.search(
        [
            Prefetch(vector(1), limit=3),
            Prefetch(bm25.question("train"), "bm25", limit=5),
            Prefetch(bm25.question("zeppelin"), "bm25"),
        ]
    )
    assert (len(dense), len(words), nothing) == (3, 5, [])
    assert await index.search([]) == []


FILTERS = [
    (Filter(must=(In("modality", ("audio", "video")),)), lambda p: p["modality"] in "audio video"),
    (Filter(must=(In("collections", ("trip",)),)), lambda p: "trip" in p["collections"]),
    (
        Filter(must=(Range("start", lt=12.0), Range("end", gt=3.0))),
        lambda p: p["start"] < 12 and p["end"] > 3,
    ),
    (Filter(must=(Range("page", gte=2, lte=5),)), lambda p: 2 <= p.get("page", -1) <= 5),
    (Filter(must=(In("page", (3, 7)),)), lambda p: p.get("page") in (3, 7)),
    (
        Filter(must=(During("recorded_at", "2026-03-01T00:00:00Z", "2026-06-01T10:00:00Z"),)),
        lambda p: "2026-03" <= p.get("recorded_at", "") < "2026-06",
    ),
    (
        Filter(must=(During("recorded_at", lt="2026-03-01T12:00:00+03:00"),)),
        lambda p: "" < p.get("recorded_at", "") < "2026-03",
    ),
    (Filter(must_not=(In("source_id", ("src_1", "src_2")),)), lambda p: p["source_id"] == "src_0"),
    (
        Filter(
            must=(In("channel", ("visual",)), Range("start", gte=4)),
            must_not=(In("modality", ("document",)),),
        ),
        lambda p: p["channel"] == "visual" and p["start"] >= 4 and p["modality"] != "document",
    ),
    (Filter(must=(In("source_id", ("nobody",)),)), lambda p: False),
]


@pytest.mark.parametrize(("filter", "wanted"), FILTERS, ids=[str(i) for i in range(len(FILTERS))])
async def test_a_filter_narrows_every_question(
    open_index: Any, filter: Filter, wanted: Any
) -> None:
    index = await open_index()
    points = [point(i) for i in range(60)]
    await index.upsert(points)
    matching = {p.id for p in points if wanted(p.stored.fields)}
    assert await index.count(filter) == len(matching)
    assert {p.id for p in (await index.scroll(filter))[0]} == matching
    dense = {p.id for p in points if p.dense is not None} & matching
    assert {h.id for h in await hits(index, Prefetch(vector(1), limit=100), filter)} == dense


async def test_the_points_of_each_source_are_counted_also_after_writes_and_deletes(
    open_index: Any,
) -> None:
    index = await open_index()
    assert await index.count_by_source() == {}
    await index.upsert([point(i) for i in range(50)])
    await index.upsert([point(i) for i in range(10, 30)])
    await index.delete(Filter(must=(Ids((uid(3), uid(45))),)))
    wanted = {"src_0": 19, "src_1": 20, "src_2": 9}
    assert await index.count_by_source() == wanted
    assert await index.count_by_source(exact=True) == wanted


async def test_points_can_be_named_and_left_out_by_id(open_index: Any) -> None:
    index = await open_index()
    await index.upsert([point(i) for i in range(10)])
    assert await index.count(Filter(must=(Ids((uid(1), uid(4), uid(99))),))) == 2
    found = await hits(index, Prefetch(vector(0), limit=5), Filter(must_not=(Ids((uid(0),)),)))
    assert uid(0) not in {h.id for h in found}


async def test_scrolling_meets_every_point_once_in_id_order(open_index: Any) -> None:
    index = await open_index()
    await index.upsert([point(i) for i in range(300)])  # more than one batch
    seen: list[str] = []
    offset = None
    while True:
        page, offset = await index.scroll(limit=70, offset=offset)
        seen += [p.id for p in page]
        if offset is None:
            break
    assert seen == sorted(uid(i) for i in range(300))
    page, offset = await index.scroll(the("source_id", "src_3"), limit=7)
    assert len(page) == 7 and offset is not None
    rest, offset = await index.scroll(the("source_id", "src_3"), limit=50, offset=offset)
    assert len({p.id for p in page + rest}) == 20 and offset is None


async def test_payload_is_merged_into_the_points_that_match(open_index: Any) -> None:
    index = await open_index()
    await index.upsert([point(i) for i in range(40)])
    await index.set_payload(the("source_id", "src_1"), {"collections": ["trip", "work"]})
    assert await index.count(the("collections", "work")) == 20
    (changed,) = await index.get([uid(25)])
    assert changed.stored.collections == ("trip", "work")
    assert changed.stored.text == point(25).stored.text


async def test_deleted_points_are_gone_from_every_question(open_index: Any) -> None:
    index = await open_index()
    await index.upsert([point(i) for i in range(40)])
    await index.delete(the("source_id", "src_0"))
    assert await index.count() == 20
    assert await index.get([uid(3)]) == []
    for prefetch in (
        Prefetch(vector(3), limit=100),
        Prefetch(bm25.question("train dog"), "bm25", limit=100),
    ):
        assert all(h.stored.source_id == "src_1" for h in await hits(index, prefetch))
    await index.delete(the("source_id", "src_0"))  # again: nothing happens


@pytest.mark.parametrize("nothing", [None, Filter()])
async def test_a_write_without_a_filter_is_refused(open_index: Any, nothing: Any) -> None:
    index = await open_index()
    await index.upsert([point(0)])
    with pytest.raises(BadRequestError, match="give a filter"):
        await index.delete(nothing)
    with pytest.raises(BadRequestError, match="give a filter"):
        await index.set_payload(nothing, {"channel": "text"})
    assert await index.count() == 1


BAD = {
    "not a number": np.full(DIM, np.nan, np.float32),
    "infinite": np.full(DIM, np.inf, np.float32),
    "no length": np.zeros(DIM, np.float32),
    "too short": vector(1, DIM - 1),
    "many": vector(1, 3, DIM),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_a_bad_vector_is_refused_and_nothing_of_its_call_is_stored(
    open_index: Any, bad: Any
) -> None:
    index = await open_index()
    with pytest.raises(StoreError):
        await index.upsert([point(0), Point(uid(1), bad, None, StoredSegment({}))])
    assert await index.count() == 0
    with pytest.raises(StoreError):
        await index.search([Prefetch(bad)])


async def test_many_vectors_are_refused_by_an_index_of_one(open_index: Any) -> None:
    index = await open_index()
    with pytest.raises(StoreError):
        await index.upsert([point(1, late=True)])
    with pytest.raises(StoreError):
        await index.search([Prefetch(vector(1, 3, DIM), "late")])


async def test_words_without_terms_store_and_find_nothing(open_index: Any) -> None:
    index = await open_index()
    await index.upsert(
        [Point(uid(1), vector(1), bm25.document("... !?"), StoredSegment({})), point(3)]
    )
    assert await hits(index, Prefetch(bm25.question("?"), "bm25")) == []
    assert (await hits(index, Prefetch(vector(1), limit=1)))[0].id == uid(1)


async def test_any_json_and_any_script_travels_in_a_payload(open_index: Any) -> None:
    index = await open_index()
    payload = {
        "source_id": "src_日本",
        "text": 'línea\n"«quote»" \u202e\x07 東京駅 🎬',
        "extra": {"deep": {"list": [1, 2.5, None, True, "x"]}},
        "none": None,
        "title": "",
    }
    await index.upsert([Point(uid(1), vector(1), None, StoredSegment(payload))])
    (found,) = await index.get([uid(1)])
    assert dict(found.stored.fields) == payload
    assert await index.count(the("source_id", "src_日本")) == 1


async def test_an_opened_index_is_empty_and_answers(open_index: Any) -> None:
    index = await open_index(late=True)
    assert await index.count() == 0
    assert await index.scroll() == ([], None)
    assert await index.get([uid(1)]) == []
    prefetches = [
        Prefetch(vector(1)),
        Prefetch(bm25.question("dog"), "bm25"),
        Prefetch(vector(1, 2, DIM), "late"),
    ]
    assert await index.search(prefetches) == [[], [], []]
    await index.delete(the("source_id", "x"))
    await index.flush()
    assert await index.optimize() in (True, False)


async def test_what_was_stored_is_there_after_closing_and_opening(open_index: Any) -> None:
    if open_index.kind == "memory":
        pytest.skip("memory keeps nothing, by design")
    index = await open_index()
    await index.upsert([point(i) for i in range(30)])
    await index.flush()
    await index.close()
    with pytest.raises(StoreError, match="not open"):
        await index.count()
    again = await open_index()
    assert await again.count() == 30
    assert (await hits(again, Prefetch(vector(3), limit=1)))[0].id == uid(3)


async def test_many_tasks_may_read_and_write_at_once(open_index: Any) -> None:
    index = await open_index()

    async def write(n: int) -> None:
        for i in range(n * 25, n * 25 + 25, 5):
            await index.upsert([point(j) for j in range(i, i + 5)])
            found = await hits(index, Prefetch(vector(i), limit=300))
            assert uid(i) in {h.id for h in found} or point(i).dense is None

    async with asyncio.timeout(60):
        await asyncio.gather(*(write(n) for n in range(8)))
    assert await index.count() == 200


async def test_points_come_without_what_only_a_shown_segment_needs(
    open_index: Any,
) -> None:
    index = await open_index()
    points = [point(i) for i in range(40)]
    heavy = {"placed": "x" * 200, "beats": [[1, 0.5]], "language": "fr"}
    points[0] = _with(points[0], extra=heavy)
    await index.upsert(points)
    words = bm25.question("train dog snow")
    asked = [Prefetch(vector(0), limit=12, lean=True), Prefetch(words, "bm25", 40)]
    dense, lexical = await index.search(asked)
    assert dense[0].id == uid(0)
    kept = {p.id: p for p in await index.get([p.id for p in (*dense, *lexical)])}
    for p in (*dense, *lexical):
        full, lean = kept[p.id].stored, kept[p.id].stored.lean()
        assert dict(p.stored.fields) == dict((full if p.whole else lean).fields)
    first = dense[0].stored
    assert (first.text, first.language) == (points[0].stored.text, "fr")
    assert all(p.whole for p in lexical)

    # what was read before is read again after a write
    changed = _with(points[0], text="other words", extra={"beats": [[2, 1.5]]})
    await index.upsert([changed])
    (again,) = await index.search([Prefetch(vector(0), limit=12)])
    assert again[0].stored.text == "other words" and again[0].stored.beats == ((2, 1.5),)
    await index.set_payload(the("source_id", "src_0"), {"title": "renamed"})
    (again,) = await index.search([Prefetch(vector(0), limit=12, lean=True)])
    assert again[0].stored.title == "renamed"


async def test_vectors_come_by_the_ids_of_the_points_that_have_one(open_index: Any) -> None:
    index = await open_index()
    points = [point(i) for i in range(8)]
    without = [replace(points[3], dense=None)]
    await index.upsert([*points[:3], *without, *points[4:]])
    asked = [uid(5), uid(3), uid(99), uid(0)]
    found = await index.vectors(asked)
    kept = {p.id: p.dense for p in await index.get(asked, vectors=True)}
    assert sorted(found) == sorted(i for i, v in kept.items() if v is not None)
    for id_, dense in found.items():
        _same_array(dense, kept[id_], 1e-5)
    await index.upsert([replace(points[0], dense=vector(1, DIM))])
    _same_array((await index.vectors([uid(0)]))[uid(0)], vector(1, DIM), 1e-5)
    assert await index.vectors([]) == {}


def _with(point: Point, **fields: Any) -> Point:
    return replace(point, stored=StoredSegment({**point.stored.fields, **fields}))


async def test_random_questions_agree_with_the_exact_store(open_index: Any) -> None:
    index = await open_index(late=True)
    exact = MemoryIndex(EncoderInfo("tests/tiny-late", "r1", DIM, frozenset(Channel), True))
    points = [point(i, late=True) for i in range(260)]
    for store in (index, exact):
        await store.upsert(points)
    rnd = random.Random(7)  # noqa: S311
    for n in range(25):
        prefetches = [
            Prefetch(vector(5000 + n), "dense", 10),
            Prefetch(bm25.question(" ".join(rnd.choices(WORDS, k=2))), "bm25", 10),
            Prefetch(vector(6000 + n, 3, DIM), "late", 10),
        ]
        chosen = rnd.sample([f for f, _ in FILTERS], k=rnd.randint(0, 2))
        filter = Filter(
            must=tuple(c for f in chosen for c in f.must),
            must_not=tuple(c for f in chosen for c in f.must_not),
        )
        tolerances = (1e-5, 1e-4, 5e-3)
        got = await index.search(prefetches, filter=filter)
        wanted = await exact.search(
            [Prefetch(x.vector, x.using, 1000) for x in prefetches], filter=filter
        )
        for mine, truth, tolerance in zip(got, wanted, tolerances, strict=True):
            _agrees(mine, truth, tolerance)


def _agrees(mine: Sequence[ScoredPoint], truth: Sequence[ScoredPoint], tolerance: float) -> None:
    """Same best scores, and each hit has the score that the exact store gives its point."""
    assert [h.score for h in mine] == pytest.approx(
        [h.score for h in truth[: len(mine)]], abs=tolerance
    )
    assert len(mine) == min(10, len(truth))
    exact = {h.id: h.score for h in truth}
    for h in mine:
        assert h.score == pytest.approx(exact[h.id], abs=tolerance)
