"""Whether two indexes answer the same, where each breaks ties and weighs words in its own way."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np
import pytest

from omni_core.engine.moving.comparing import compare
from omni_core.index.memory import MemoryIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.text import bm25
from omni_core.types import Channel, EncoderInfo

INFO = EncoderInfo("tests/tiny", "r1", 8, frozenset(Channel))
OURS, OTHER = "src_ours", "src_other"


def points(texts: Sequence[str], *, source: str = OURS, seed: int = 1, alike: bool) -> list[Point]:
    draw = np.random.default_rng(seed)
    vectors = [draw.normal(size=8).astype(np.float32) for _ in texts]
    return [
        Point(
            str(uuid.uuid5(uuid.NAMESPACE_URL, f"{source}{n}")),
            vectors[0] if alike else vectors[n], bm25.document(text),
            StoredSegment({"source_id": source, "text": text}),
        )
        for n, text in enumerate(texts)
    ]  # fmt: skip


async def index(held: Sequence[Point]) -> MemoryIndex:
    opened = MemoryIndex(INFO)
    await opened.open()
    await opened.upsert(held)
    return opened


async def test_results_that_are_alike_may_be_others_of_the_same() -> None:
    held = points([f"lava {n} stone" for n in range(60)], alike=True)
    old, new = await index(held), await index(held[::-1])
    for a, b in ((old, new), (new, old)):
        found = await compare(a, b, INFO, sources={OURS}, points=60)
        assert (found.problem, found.same_results) == ("", 1.0)


@pytest.mark.parametrize("word", ["lava", "stone"])
async def test_words_that_one_index_weighs_otherwise_as_its_shards_do_are_no_difference(
    word: str,
) -> None:
    texts = [f"sea {'lava ' * (n % 7)} {'stone ' * (n % 5)}" for n in range(60)]
    ours = points(texts, alike=False)
    others = [f"{word} boat{n}" for n in range(20)] + [f"harbour{n}" for n in range(60)]
    more = points(others, source=OTHER, seed=2, alike=False)
    old, new = await index([*ours, *more]), await index(ours)
    found = await compare(old, new, INFO, sources={OURS}, points=60)
    assert found.problem == "" and found.same_results > 0.95


async def test_an_index_that_finds_other_points_answers_otherwise() -> None:
    texts = [f"word{n} common" for n in range(60)]
    old = await index(points(texts, alike=False))
    held = points(texts, alike=False)
    turned = [
        Point(p.id, q.dense, q.bm25, p.stored)
        for p, q in zip(held, held[1:] + held[:1], strict=True)
    ]
    found = await compare(old, await index(turned), INFO, sources={OURS}, points=60)
    assert found.problem and found.same_results < 0.9
