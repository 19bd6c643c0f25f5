"""Means of the measures by direction and language, with 95 % intervals."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from omni_core.retrieval import intervals, metrics

Row = Mapping[str, Any]
"""One question of a report."""
MEASURES = tuple(field.name for field in fields(metrics.Scores))
ALL = "all"
SETTINGS = {"whole_library": "whole", "modality_filtered": "filtered"}
"""Tables of the report, and the key of their scores in a row."""
HOW = {
    "means": "percentile bootstrap over questions, 4,000 resamples, seeded; questions with the "
    "same right answers are drawn together",
    "proportions": "Wilson score",
    "level": 0.95,
}


def means(rows: Sequence[Row]) -> dict[str, Any]:
    """`whole_library` and `modality_filtered`, over all languages and for each of `languages`."""
    counted = [row for row in rows if row["relevant"]]
    return {
        **_tables(counted),
        "languages": {language: _tables(some) for language, some in by_language(counted)},
        "intervals": HOW,
    }


def by_language(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """The rows of each language, in order of its code."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["language"]].append(row)
    return sorted(found.items())


def by_direction(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each direction, and all of them under `all`."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for direction in dict.fromkeys((row["direction"], ALL)):
            found[direction].append(row)
    return dict(sorted(found.items()))


def group_of(row: Row) -> str:
    """The same for questions with the same right answers."""
    return json.dumps(row["relevant"] or row["id"], sort_keys=True)


def values_of(rows: Sequence[Row], scores: str) -> intervals.Floats:
    """(questions, MEASURES)."""
    values = [[row[scores][measure] for measure in MEASURES] for row in rows]
    return np.array(values, np.float64).reshape(len(rows), len(MEASURES))


def _tables(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, float]]]:
    groups = by_direction(rows)
    return {
        table: {direction: _mean(some, scores) for direction, some in groups.items()}
        for table, scores in SETTINGS.items()
    }


def _mean(rows: Sequence[Row], scores: str) -> dict[str, float]:
    """Mean, standard error (`r1_se`) and interval (`r1_low`, `r1_high`) of each measure."""
    found = metrics.mean([metrics.Scores(**row[scores]) for row in rows])
    bounds = intervals.of_means(values_of(rows, scores), [group_of(row) for row in rows])
    for measure, interval in zip(MEASURES, bounds, strict=True):
        found |= {f"{measure}_low": interval.low, f"{measure}_high": interval.high}
    return found
