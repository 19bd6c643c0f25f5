from __future__ import annotations

from collections.abc import Callable

from omni_core.retrieval import moments
from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.rerank import lift, rerank


def test_the_second_look_orders_what_it_saw_and_leaves_the_rest_behind(
    candidate: Callable[..., Candidate],
) -> None:
    found = moments.merge_neighbours(
        [candidate(i, s, source_id=f"src_{i}") for i, s in zip("abcd", (4, 3, 2, 1), strict=True)]
    )
    again = rerank(found, {"a": -3.0, "b": 5.5, "c": 0.0})
    assert [m.best.id for m in again] == ["b", "c", "a", "d"]
    assert [m.score for m in again] == sorted((m.score for m in again), reverse=True)
    assert rerank(found, {}) == found
    assert rerank([], {"a": 1.0}) == []


def test_a_lift_moves_what_was_scored_and_nothing_else(
    candidate: Callable[..., Candidate],
) -> None:
    found = moments.merge_neighbours(
        [
            candidate(i, s, source_id=f"src_{i}")
            for i, s in zip("abcd", (0.6, 0.5, 0.4, 0.3), strict=True)
        ]
    )
    again = lift(found, {"b": 0.0, "c": 0.9, "d": 0.5}, 0.5)
    assert [(m.best.id, round(m.score, 2)) for m in again] == [
        ("c", 0.85), ("a", 0.6), ("d", 0.55), ("b", 0.5),
    ]  # fmt: skip
    assert lift(found, {}, 0.5) == found
