"""Paired comparison of two reports over the same questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from omni_core.engine.evaluation.questions import UNDETERMINED
from omni_core.engine.evaluation.summary import (
    MEASURES,
    SETTINGS,
    Row,
    by_direction,
    by_language,
    group_of,
)
from omni_core.errors import BadRequestError
from omni_core.retrieval import intervals

Report = Mapping[str, Any]
Pair = Mapping[str, Any]
"""A row of the newer report, with the older one under `before`."""
HOW = (
    "after minus before over the same questions; 95 % interval by paired bootstrap, p by a "
    "two-sided paired permutation (sign-flip) test, not corrected for the number of rows"
)


def compare(before: Report, after: Report) -> dict[str, Any]:
    """What changed from one report to another, for the questions that both asked.

    `whole_library`, `modality_filtered` and `languages` as in a report, with an
    `intervals.Difference` for each measure; `changed` lists the questions whose rank is another.
    Reports of earlier versions, which name no language, can be compared. Raises BadRequestError
    when no question is in both, or when ids are not unique.
    """
    pairs, alone = _pairs(before, after)
    counted = [pair for pair in pairs if pair["relevant"]]
    return {
        "how": HOW,
        "questions": len(counted),
        **alone,
        **_tables(counted),
        "languages": {language: _tables(some) for language, some in by_language(counted)},
        "changed": [_change(pair) for pair in counted if pair["rank"] != pair["before"]["rank"]],
    }


def _pairs(before: Report, after: Report) -> tuple[list[Pair], dict[str, int]]:
    older, newer = _rows(before, "the older report"), _rows(after, "the newer report")
    key: Callable[[Row], Hashable] = lambda row: row["id"]  # noqa: E731
    if not (_unique(older, key) and _unique(newer, key)):
        key = lambda row: (row["language"], row["id"])  # noqa: E731
        for name, rows in (("older", older), ("newer", newer)):
            if not _unique(rows, key):
                raise BadRequestError(f"ids of questions are not unique in the {name} report")
    known = {key(row): row for row in older}
    both: list[dict[str, Any]] = [
        {**row, "before": known[key(row)]} for row in newer if key(row) in known
    ]
    pairs: list[Pair] = [pair for pair in both if pair["query"] == pair["before"]["query"]]
    if not pairs:
        raise BadRequestError("the two reports have no question in common")
    return pairs, {
        "only_before": len(older) - len(both),
        "only_after": len(newer) - len(both),
        "reworded": len(both) - len(pairs),
    }


def _rows(report: Report, what: str) -> list[dict[str, Any]]:
    try:
        return [_row(row) for row in report["rows"]]
    except (KeyError, TypeError) as e:
        raise BadRequestError(f"{what} is none of `omni-mcp eval`: it lacks {e}") from e


def _row(row: Row) -> dict[str, Any]:
    """A row with the fields that later versions added."""
    for scores in SETTINGS.values():
        for measure in MEASURES:
            float(row[scores][measure])
    return {
        **row,
        "id": row["id"],
        "query": row["query"],
        "rank": row["rank"],
        "language": row.get("language", UNDETERMINED),
        # what was asked before is known only to have had an answer
        "relevant": row.get("relevant", [row["id"]]),
    }


def _unique(rows: Sequence[Row], key: Callable[[Row], Hashable]) -> bool:
    return max(Counter(map(key, rows)).values(), default=1) == 1


def _tables(pairs: Sequence[Pair]) -> dict[str, Any]:
    groups = by_direction(pairs)
    return {
        table: {direction: _differences(some, scores) for direction, some in groups.items()}
        for table, scores in SETTINGS.items()
    }


def _differences(pairs: Sequence[Pair], scores: str) -> dict[str, dict[str, float]]:
    groups = [group_of(pair) for pair in pairs]
    found = {}
    for measure in MEASURES:
        after = np.array([pair[scores][measure] for pair in pairs], np.float64)
        before = np.array([pair["before"][scores][measure] for pair in pairs], np.float64)
        found[measure] = asdict(intervals.compare(before, after, groups))
    return found


def _change(pair: Pair) -> dict[str, Any]:
    kept = {name: pair[name] for name in ("id", "language", "direction", "query")}
    return {**kept, "rank": pair["rank"], "rank_before": pair["before"]["rank"]}
