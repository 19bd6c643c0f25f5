"""The stand-in answers with the real engine: its codes, payload indexes and filters are real."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from qdrant_client import models

from omni_core.index.server import ServerIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.query import Condition, During, Filter, In, Prefetch, Range
from omni_core.types import Channel, EncoderInfo, Vector
from tests.omni_core.index.qdrant_standin import StandIn

DIM = 32
INFO = EncoderInfo("tests/tiny", "r1", DIM, frozenset(Channel))
GROUPS, EACH = 24, 10
START = datetime(2024, 1, 1, tzinfo=UTC)


def vectors() -> tuple[Any, Any]:
    """Random vectors in groups of ten, and a question in the middle of each group."""
    rng = np.random.default_rng(7)
    middles = rng.normal(size=(GROUPS, DIM)).astype(np.float32)
    spread = 0.5 * rng.normal(size=(GROUPS, EACH, DIM)).astype(np.float32)
    return (middles[:, None] + spread).reshape(-1, DIM), middles


VECTORS, QUESTIONS = vectors()
UNIT = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)


def ident(i: int) -> str:
    return str(uuid.UUID(int=i + 1))


def payload(i: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "source_id": f"s{i % 4}",
        "collections": [f"c{i % 3}", f"d{i % 5}"],
        "start": i * 0.25,
        "recorded_at": (START + timedelta(hours=i)).isoformat(),
    }
    return fields | ({"page": i % 7} if i % 2 else {})


PAYLOADS = [payload(i) for i in range(len(VECTORS))]
POINTS = [
    Point(ident(i), vector, None, StoredSegment(fields))
    for i, (vector, fields) in enumerate(zip(VECTORS, PAYLOADS, strict=True))
]


async def filled(qdrant: StandIn, **settings: Any) -> ServerIndex:
    """A library with all points, in which the optimizer makes codes of every kind."""
    qdrant.collections.indexing_threshold = 1
    index = ServerIndex(qdrant.settings(**settings), INFO)
    await index.open()
    await index.upsert(POINTS)
    return index


@pytest.fixture
async def library(qdrant: StandIn) -> AsyncIterator[ServerIndex]:
    index = await filled(qdrant)
    yield index
    await index.close()
    assert qdrant.violations == []


def exact(question: Vector) -> list[tuple[str, float]]:
    """The ten nearest points by numpy, with their cosines."""
    cosines = UNIT @ (question / np.linalg.norm(question))
    return [(ident(int(i)), float(cosines[i])) for i in np.argsort(-cosines)[:EACH]]


def by_codes(qdrant: StandIn, quantization: dict[str, Any]) -> list[float]:
    """The scores of the first ten for one question."""
    search = {
        "query": {"nearest": QUESTIONS[0].tolist()}, "using": "dense", "limit": EACH,
        "params": {"quantization": quantization},
    }  # fmt: skip
    path = "/collections/evidence/points/query/batch"
    [answer] = qdrant.answer("POST", path, {"searches": [search]})
    return [hit["score"] for hit in answer["points"]]


@pytest.mark.parametrize("kind", ["turbo", "int8", "binary", "off"])
async def test_codes_choose_the_candidates_and_full_vectors_decide(
    qdrant: StandIn, kind: str
) -> None:
    index = await filled(qdrant, qdrant_quantization=kind)
    answers = await index.search([Prefetch(q, limit=EACH) for q in QUESTIONS])
    met = 0
    for question, hits in zip(QUESTIONS, answers, strict=True):
        wanted = dict(exact(question))
        met += len(wanted.keys() & {hit.id for hit in hits})
        for hit in hits:
            if hit.id in wanted:
                assert hit.score == pytest.approx(wanted[hit.id], abs=1e-5)
    assert met / (GROUPS * EACH) >= 0.9
    true = [score for _, score in exact(QUESTIONS[0])]
    assert by_codes(qdrant, {"ignore": True}) == pytest.approx(true, abs=1e-5)
    off_by = np.abs(np.subtract(by_codes(qdrant, {"rescore": False}), true)).max()
    assert off_by < 1e-5 if kind == "off" else off_by > 1e-4
    await index.close()


async def test_scalar_codes_wait_for_the_optimizer_as_on_a_server(qdrant: StandIn) -> None:
    index = ServerIndex(qdrant.settings(qdrant_quantization="int8"), INFO)
    await index.open()
    await index.upsert(POINTS)  # far below the 10 MB from which a server indexes
    true = [score for _, score in exact(QUESTIONS[0])]
    assert by_codes(qdrant, {"rescore": False}) == pytest.approx(true, abs=1e-5)
    await index.close()


def when(i: int) -> str:
    return (START + timedelta(hours=i)).isoformat()


def of(key: str, **match: Any) -> dict[str, Any]:
    return {"key": key, "match": match}


FILTERS: list[tuple[Condition, Callable[[dict[str, Any]], bool]]] = [
    (In("collections", ("c1", "d4")), lambda p: bool({"c1", "d4"} & set(p["collections"]))),
    (In("source_id", ("s3",)), lambda p: p["source_id"] == "s3"),
    (Range("start", gte=10.0, lt=20.5), lambda p: 10.0 <= p["start"] < 20.5),
    (Range("start", gt=10.0, lte=20.5), lambda p: 10.0 < p["start"] <= 20.5),
    (In("page", (2, 5)), lambda p: p.get("page") in (2, 5)),
    (Range("page", gte=3), lambda p: p.get("page", -1) >= 3),
    (During("recorded_at", gte=when(30), lt=when(90)),
     lambda p: when(30) <= p["recorded_at"] < when(90)),
]  # fmt: skip


async def test_a_filter_finds_what_plain_python_finds(library: ServerIndex) -> None:
    for condition, matches in FILTERS:
        wanted = {ident(i) for i, p in enumerate(PAYLOADS) if matches(p)}
        assert 0 < len(wanted) < len(POINTS)
        for where, ids in (
            (Filter(must=(condition,)), wanted),
            (Filter(must_not=(condition,)), {p.id for p in POINTS} - wanted),
        ):
            page, following = await library.scroll(where, limit=len(POINTS))
            assert {p.id for p in page} == ids and following is None
            assert await library.count(where) == len(ids)
            [hits] = await library.search([Prefetch(QUESTIONS[0], limit=len(POINTS))], filter=where)
            assert {hit.id for hit in hits} == ids


async def test_a_collection_says_how_many_points_each_index_has(
    qdrant: StandIn, library: ServerIndex
) -> None:
    left = [p for p in PAYLOADS if p["source_id"] != "s1"]
    for payloads in (PAYLOADS, left):
        seen = await library._call("get_collection", "evidence")
        counted = {key: field.points for key, field in seen.payload_schema.items()}
        keys = ("collections", "page", "recorded_at", "start", "modality")
        assert {k: counted[k] for k in keys} == {k: sum(k in p for p in payloads) for k in keys}
        assert seen.payload_schema["page"].data_type is models.PayloadSchemaType.INTEGER
        assert seen.points_count == len(payloads) == qdrant.count("evidence")
        await library.delete(Filter(must=(In("source_id", ("s1",)),)))


NOT_TRANSLATED: list[tuple[str, str, dict[str, Any], str]] = [
    ("POST", "points/query/batch", {"searches": [{"query": {"fusion": "rrf"}}]}, "fusion"),
    ("POST", "points/query/batch", {"searches": [{"score_threshold": 0.5}]}, "score_threshold"),
    ("POST", "points/scroll", {"order_by": "start"}, "order_by"),
    ("POST", "points/count", {"filter": {"min_should": {}}}, "min_should"),
    ("POST", "points/count", {"filter": {"must": [{"is_null": {"key": "start"}}]}}, "is_null"),
    ("POST", "points/payload", {"payload": {}, "key": "extra", "filter": {}}, "key"),
    ("POST", "points/recommend", {}, "does not know"),
    ("PUT", "points", {"points": [{"id": 1, "vector": [1.0]}]}, "without a name"),
    ("PUT", "index", {"field_name": "text", "field_schema": {"type": "text"}}, "type text"),
    ("PUT", "", {"vectors": {"size": 4, "distance": "Dot"}}, "without a name"),
    ("PUT", "", {"wal_config": {"wal_capacity_mb": 1}}, "wal_config"),
    ("POST", "facet", {"key": "text"}, "Index required"),
    ("POST", "points/count", {"filter": {"must": [of("page", any=[True])]}}, "bool"),
    ("POST", "points/count", {"filter": {"must": [of("page", any=["2"])]}}, "Index required"),
    ("POST", "points/count", {"filter": {"should": [of("text", value="a")]}}, "Index required"),
]


async def test_what_is_not_translated_or_has_no_index_is_refused(qdrant: StandIn) -> None:
    index = ServerIndex(qdrant.settings(), INFO)
    await index.open()
    await index.make()
    for verb, what, body, reason in NOT_TRANSLATED:
        name = "evidence" if what else "another"
        with pytest.raises(ValueError, match=reason):
            qdrant.answer(verb, f"/collections/{name}/{what}", body)
    assert list(qdrant.created) == [index.collection]
    await index.close()
