"""What strong, fair and weak are worth, what questions without an answer get, and which channels
the hits come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from omni_core.engine.evaluation.summary import ALL, Row, by_direction, by_language
from omni_core.retrieval.intervals import wilson
from omni_core.types import Match

GRADES: tuple[Match, ...] = get_args(Match)


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """`reliability` of first hits and of the first ten, `answered`, `unanswerable`, `channels` and
    `modalities`; each by language, or by direction for the last two."""
    with_answer = [row for row in rows if row["relevant"]]
    without = [row for row in rows if not row["relevant"]]
    return {
        "reliability": {
            "first": _each_language(with_answer, lambda some: _grades(_firsts(some))),
            "first_ten": _each_language(with_answer, lambda some: _grades(_hits(some))),
        },
        "answered": _each_language(with_answer, _best_match),
        "unanswerable": _each_language(without, _best_match),
        "channels": _shares(rows, "channel"),
        "modalities": _shares(rows, "modality"),
    }


def _each_language(rows: Sequence[Row], of: Any) -> dict[str, Any]:
    """`of` the rows of each language and, under `all`, of all; {} without rows."""
    if not rows:
        return {}
    return {ALL: of(rows), **{language: of(some) for language, some in by_language(rows)}}


def _firsts(rows: Iterable[Row]) -> list[Mapping[str, Any]]:
    return [row["hits"][0] for row in rows if row["hits"]]


def _hits(rows: Iterable[Row]) -> list[Mapping[str, Any]]:
    return [hit for row in rows for hit in row["hits"]]


def _grades(hits: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """For each grade how many hits have it, and what share of these is right."""
    counts = Counter((hit["match"], bool(hit["right"])) for hit in hits)
    found: dict[str, dict[str, float]] = {}
    for grade in GRADES:
        right = counts[grade, True]
        found[grade] = _proportion(right, right + counts[grade, False], "right")
    return found


def _best_match(rows: Sequence[Row]) -> dict[str, Any]:
    """How many questions get no hit, only weak ones, or better ones; and the share of the first
    two together."""
    kinds = Counter(_kind(row["hits"]) for row in rows)
    quiet = kinds["nothing"] + kinds["only_weak"]
    share = _proportion(quiet, len(rows), "nothing_or_weak")
    return {name: kinds[name] for name in ("nothing", "only_weak", "fair", "strong")} | share


def _kind(hits: Sequence[Mapping[str, Any]]) -> str:
    matches = {hit["match"] for hit in hits}
    best = next((grade for grade in GRADES if grade in matches), None)
    return {None: "nothing", "weak": "only_weak"}.get(best, str(best))


def _proportion(count: int, n: int, name: str) -> dict[str, float]:
    bounds = wilson(count, n)
    return {
        "n": n, name: count, "share": count / n if n else 0.0,
        "low": bounds.low, "high": bounds.high,
    }  # fmt: skip


def _shares(rows: Sequence[Row], key: str) -> dict[str, dict[str, float]]:
    """The share of each channel, or modality, among the first ten hits of all questions."""
    found = {}
    for direction, some in by_direction(rows).items():
        counts = Counter(hit[key] for hit in _hits(some))
        total = sum(counts.values())
        found[direction] = {name: n / total for name, n in sorted(counts.items())}
    return found
