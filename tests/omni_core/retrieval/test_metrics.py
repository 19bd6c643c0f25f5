from __future__ import annotations

import math

import pytest

from omni_core.retrieval import metrics


def test_the_measures_are_those_of_the_textbook() -> None:
    found = metrics.of_ranking([False, True, False, True], 2)
    assert (found.r1, found.r5, found.mrr) == (0.0, 1.0, 0.5)
    ideal = 1 + 1 / math.log2(3)
    assert found.ndcg10 == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)


@pytest.mark.parametrize(
    ("right", "relevant", "expected"),
    [
        ([True], 1, (1, 1, 1, 1)),
        ([False] * 5 + [True], 1, (0, 0, 1 / 6, 1 / math.log2(7))),
        ([], 1, (0, 0, 0, 0)),
        ([False] * 20, 3, (0, 0, 0, 0)),
        ([True] * 10, 10, (1, 1, 1, 1)),
        ([False] * 10 + [True], 1, (0, 0, 1 / 11, 0)),
    ],
)
def test_edges(right: list[bool], relevant: int, expected: tuple[float, ...]) -> None:
    s = metrics.of_ranking(right, relevant)
    assert (s.r1, s.r5, s.mrr, s.ndcg10) == pytest.approx(expected)


def test_means_come_with_their_standard_error() -> None:
    scores = [metrics.of_ranking([True], 1), metrics.of_ranking([False], 1)]
    found = metrics.mean(scores)
    assert found["n"] == 2
    assert found["r1"] == 0.5
    assert found["r1_se"] == pytest.approx(0.5)
    assert metrics.mean([])["mrr"] == 0.0
