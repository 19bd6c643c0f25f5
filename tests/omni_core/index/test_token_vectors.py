"""The multi-vector path on the token vectors of a real late-interaction model: every index, by
MaxSim over half-precision vectors; pooled; and through the whole engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.index.edge import EdgeIndex
from omni_core.index.memory import MemoryIndex
from omni_core.index.server import ServerIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.query import Prefetch
from omni_core.settings import Settings
from omni_core.types import TextContent, Vector
from tests.late_interaction import TokenVectors, graph

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(graph() is None, reason="needs pip install 'omni-mcp[rerank]'"),
]

PASSAGES = (
    "Either party may end the contract with three months' notice to the end of a quarter.",
    "Whisk two eggs with the milk, then add the flour and let the batter rest.",
    "The magma chamber of the volcano lies four kilometres below the crater.",
    "The library is open from nine to five, on Saturdays until noon.",
    "The bicycle needs a new chain and its rear brake squeals.",
)
QUESTIONS = (
    "how long before I can quit", "pancake recipe", "how deep is the molten rock",
    "when can I borrow books", "what has to be repaired on the bike",
)  # fmt: skip
"""The question at i is answered by the passage at i, in other words."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TokenVectors:
    return TokenVectors.load(Settings(store=str(tmp_path_factory.mktemp("store"))))


@pytest.fixture(scope="module")
def passages(model: TokenVectors) -> list[Vector]:
    return [v for v in model.encode([TextContent(p) for p in PASSAGES]) if v is not None]


@pytest.fixture(scope="module")
def questions(model: TokenVectors) -> list[Vector]:
    return [v for v in model.encode_questions([TextContent(q) for q in QUESTIONS]) if v is not None]


@pytest.fixture(params=["memory", "edge", "server"])
async def index(
    request: pytest.FixtureRequest, tmp_path: Path, model: TokenVectors
) -> AsyncIterator[Any]:
    opened: Any
    if request.param == "memory":
        opened = MemoryIndex(model.info)
    elif request.param == "edge":
        opened = EdgeIndex(tmp_path, model.info)
    else:
        standin = request.getfixturevalue("qdrant")
        opened = ServerIndex(standin.settings(), model.info)
    await opened.open()
    yield opened
    await opened.close()
    if request.param == "server":
        assert standin.violations == []


def uid(i: int) -> str:
    return f"00000000-0000-0000-0000-{i:012d}"


def points(vectors: list[Vector]) -> list[Point]:
    return [
        Point(uid(i), None, None, StoredSegment({"source_id": f"src_{i}", "text": text}), late=v)
        for i, (text, v) in enumerate(zip(PASSAGES, vectors, strict=True))
    ]


def maxsim(question: Vector, passage: Vector) -> float:
    return float((question @ passage.T).max(axis=1).sum())


async def test_every_index_ranks_by_maxsim(
    index: Any, passages: list[Vector], questions: list[Vector]
) -> None:
    await index.upsert(points(passages))
    await index.flush()
    for i, question in enumerate(questions):
        (found,) = await index.search([Prefetch(question, "late", len(PASSAGES))])
        wanted = {uid(j): maxsim(question, p) for j, p in enumerate(passages)}
        assert found[0].id == uid(i) == max(wanted, key=wanted.__getitem__)
        assert {h.id: h.score for h in found} == pytest.approx(wanted, rel=2e-3)


async def test_token_vectors_come_back_as_they_were_stored(
    index: Any, passages: list[Vector]
) -> None:
    await index.upsert(points(passages))
    stored = await index.get([uid(i) for i in range(len(PASSAGES))], vectors=True)
    for point, vector in zip(stored, passages, strict=True):
        assert point.late is not None
        assert point.late.shape == vector.shape
        assert np.abs(point.late - vector).max() < 2e-3  # half precision


def test_pooled_to_half_the_answer_is_still_first(
    passages: list[Vector], questions: list[Vector]
) -> None:
    pytest.importorskip("sentence_transformers", exc_type=ImportError)
    from omni_core.encoders.transformer.pooling import token_pooling

    pool = token_pooling(2)
    assert pool is not None
    pooled = [pool(p) for p in passages]
    assert all(len(few) <= len(many) // 2 + 1 for few, many in zip(pooled, passages, strict=True))
    for i, question in enumerate(questions):
        assert int(np.argmax([maxsim(question, p) for p in pooled])) == i


async def test_files_are_found_by_their_token_vectors_through_the_whole_engine(
    tmp_path: Path, install: Callable[..., None]
) -> None:
    code = "from tests.late_interaction import TokenVectors"
    install("token-vectors", code, {"encoders": "token-vectors = token_vectors:TokenVectors"})
    folder = tmp_path / "media"
    folder.mkdir()
    for i, text in enumerate(PASSAGES):
        (folder / f"{i}.txt").write_text(text)
    settings = Settings(store=str(tmp_path / "store"), encoder="token-vectors")
    settings = replace(settings, speech="off", screen_text="off", sound_tags="off")
    engine = await Engine.open(settings)
    try:
        for i in range(len(PASSAGES)):
            await engine.ingest(IngestRequest(str(folder / f"{i}.txt")))
        for question, text in zip(QUESTIONS, PASSAGES, strict=True):
            found = await engine.search(SearchRequest(question))
            assert found.hits[0].text == text
    finally:
        await engine.close()
