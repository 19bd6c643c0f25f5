from __future__ import annotations

import numpy as np
import pytest

from omni_core.retrieval import intervals


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval: computed by hand from
    # the formula, and equal to statsmodels' proportion_confint(method="wilson")
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 100, 0.7222, 0.8749), (0, 0, 0.0, 1.0)],
)
def test_wilson(successes: int, n: int, low: float, high: float) -> None:
    found = intervals.wilson(successes, n)
    assert found.low == pytest.approx(low, abs=2e-4)
    assert found.high == pytest.approx(high, abs=2e-4)


def test_a_bootstrap_interval_is_as_wide_as_the_normal_one() -> None:
    values = np.random.default_rng(1).integers(0, 2, (400, 1)).astype(float)
    (found,) = intervals.of_means(values, range(400))
    half = 1.96 * values.std(ddof=1) / 20
    assert found.low == pytest.approx(values.mean() - half, abs=0.01)
    assert found.high == pytest.approx(values.mean() + half, abs=0.01)


def test_translations_of_a_question_narrow_nothing() -> None:
    values = np.random.default_rng(1).integers(0, 2, (100, 1)).astype(float)
    (once,) = intervals.of_means(values, range(100))
    five_of_each = [i // 5 for i in range(500)]
    (five,) = intervals.of_means(np.repeat(values, 5, axis=0), five_of_each)
    (naive,) = intervals.of_means(np.repeat(values, 5, axis=0), range(500))
    assert five.high - five.low == pytest.approx(once.high - once.low)
    assert naive.high - naive.low < 0.6 * (once.high - once.low)


def test_values_that_are_all_the_same_are_not_certain() -> None:
    (found,) = intervals.of_means(np.ones((10, 1)), range(10))
    assert found.low == pytest.approx(0.7225, abs=1e-3)
    assert found.high == 1.0


def test_equal_results_have_equal_intervals() -> None:
    values = np.random.default_rng(2).random((30, 2))
    assert intervals.of_means(values, range(30)) == intervals.of_means(values, range(30))


def test_a_clear_gain_is_significant_and_noise_is_not() -> None:
    rng = np.random.default_rng(3)
    before = rng.random(60) * 0.5
    gain = intervals.compare(before, before + 0.2 + 0.05 * rng.random(60), range(60))
    assert gain.p < 0.001
    assert 0.19 < gain.low < gain.difference < gain.high
    assert (gain.n, gain.better, gain.worse) == (60, 60, 0)
    noise = intervals.compare(before, rng.permutation(before), range(60))
    assert noise.p > 0.05
    assert noise.low < 0 < noise.high


def test_few_questions_that_differ_are_counted_exactly() -> None:
    before, after = np.zeros(40), np.zeros(40)
    after[:5] = 1
    assert intervals.compare(before, after, range(40)).p == pytest.approx(2 / 2**5)


def test_equal_runs_do_not_differ() -> None:
    same = intervals.compare(np.ones(5), np.ones(5), range(5))
    assert (same.p, same.difference, same.better, same.worse) == (1.0, 0.0, 0, 0)
    assert intervals.compare(np.zeros(0), np.zeros(0), []).p == 1.0


def test_translations_are_one_witness() -> None:
    before, after = np.zeros(25), np.ones(25)
    alone = intervals.compare(before, after, range(25))
    grouped = intervals.compare(before, after, [i // 5 for i in range(25)])
    assert alone.p < 0.001
    assert grouped.p == pytest.approx(2 / 2**5)
