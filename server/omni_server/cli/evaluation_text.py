"""The report of an evaluation as text: tables of figures with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omni_server.cli.printing import say, table
from omni_server.text import one_line

MEASURES = (("r1", "R@1"), ("r5", "R@5"), ("mrr", "MRR"), ("ndcg10", "nDCG@10"))
GRADES = ("strong", "fair", "weak")
MOST_CHANGES = 20
"""Questions with another rank that are listed."""

Report = Mapping[str, Any]


def print_report(report: Report, *, misses: bool) -> None:
    """The tables, and with `misses` the questions whose first hit is wrong."""
    _scores("whole library", report["whole_library"])
    say()
    _scores("only the answer's modality", report["modality_filtered"])
    if len(report["languages"]) > 1:
        say()
        by = {lang: t["whole_library"]["all"] for lang, t in report["languages"].items()}
        _scores("language", by)
    _reliability(report["reliability"].get("first", {}))
    _quiet("questions with an answer", report["answered"])
    _quiet("questions without an answer", report["unanswerable"])
    _shares("channel of the first ten", report["channels"])
    if misses:
        say()
        for row in report["rows"]:
            _miss(row)
    for name, error in report["failed"].items():
        say(f"not ingested: {one_line(name)}: {one_line(error)}")
    say()
    hidden = ", names hidden" if report["settings"]["names_hidden"] else ""
    say(f"{report['queries']} questions over {report['files']} files{hidden}")
    say("[95 % intervals]: means by bootstrap over questions, proportions by Wilson's score")


def _scores(title: str, scores: Mapping[str, Mapping[str, float]]) -> None:
    order = sorted(scores, key=lambda d: (d == "all", d))
    rows = [
        (d, f"{scores[d]['n']:.0f}", *(_interval(scores[d], key) for key, _ in MEASURES))
        for d in order
    ]
    table(rows, (title, "n", *(name for _, name in MEASURES)), right=range(1, 6))


def _interval(scores: Mapping[str, float], key: str) -> str:
    return f"{scores[key]:.3f} [{scores[f'{key}_low']:.2f}, {scores[f'{key}_high']:.2f}]"


def _reliability(by_language: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    if not by_language:
        return
    say()
    rows = [
        (language, *(_proportion(grades[grade], "right") for grade in GRADES))
        for language, grades in _all_last(by_language)
    ]
    table(rows, ("first hits that are right", *GRADES), right=range(1, 4))


def _quiet(title: str, by_language: Mapping[str, Mapping[str, float]]) -> None:
    if not by_language:
        return
    say()
    rows = [
        (
            language, f"{found['n']:.0f}",
            *(f"{found[k]:.0f}" for k in ("nothing", "only_weak", "fair", "strong")),
            _proportion(found, "nothing_or_weak"),
        )
        for language, found in _all_last(by_language)
    ]  # fmt: skip
    head = (title, "n", "nothing", "only weak", "fair", "strong", "nothing or weak")
    table(rows, head, right=range(1, 7))


def _proportion(found: Mapping[str, float], key: str) -> str:
    if not found["n"]:
        return "-"
    share = f"{found[key]:.0f}/{found['n']:.0f} = {found['share']:.2f}"
    return f"{share} [{found['low']:.2f}, {found['high']:.2f}]"


def _shares(title: str, by_direction: Mapping[str, Mapping[str, float]]) -> None:
    names = sorted({name for shares in by_direction.values() for name in shares})
    if not names:
        return
    say()
    rows = [
        (direction, *(f"{shares.get(name, 0.0):.2f}" for name in names))
        for direction, shares in _all_last(by_direction)
    ]
    table(rows, (title, *(n.replace("_", " ") for n in names)), right=range(1, len(names) + 1))


def _all_last(found: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    return sorted(found.items(), key=lambda pair: (pair[0] == "all", pair[0]))


def _miss(row: Mapping[str, Any]) -> None:
    """A question whose first hit is wrong, or which has no answer and gets one."""
    if row["relevant"]:
        if row["rank"] == 1:
            return
        what = f"rank {row['rank'] or 'none'}"
    else:
        if all(hit["match"] == "weak" for hit in row["hits"]):
            return
        what = "has no answer"
    language = "" if row["language"] == "und" else f" ({row['language']})"
    say(f"{row['id']}{language} {one_line(row['query'])}: {what}")
    for hit in row["hits"][:3]:
        say(f"    {one_line(hit['cite'])} ({hit['match']}) {one_line(hit['item'])}")


def print_comparison(comparison: Report) -> None:
    """What changed from an earlier report, with intervals and p."""
    say()
    _differences("after - before", comparison["whole_library"])
    if len(comparison["languages"]) > 1:
        say()
        languages = comparison["languages"].items()
        _differences("language", {n: t["whole_library"]["all"] for n, t in languages})
    changed = comparison["changed"]
    if changed:
        say()
    for row in changed[:MOST_CHANGES]:
        before, after = row["rank_before"] or "none", row["rank"] or "none"
        say(f"{row['id']} {one_line(row['query'])}: rank {before} -> {after}")
    if len(changed) > MOST_CHANGES:
        say(f"... and {len(changed) - MOST_CHANGES} more with another rank (--json lists all)")
    say()
    alone = [
        f"{comparison[key]} {words}"
        for key, words in (
            ("only_before", "only in the earlier report"),
            ("only_after", "only in this one"),
            ("reworded", "worded otherwise"),
        )
        if comparison[key]
    ]
    left_out = f"; left out: {', '.join(alone)}" if alone else ""
    say(f"{comparison['questions']} questions in both{left_out}")
    say(comparison["how"])


def _differences(title: str, found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    rows = [
        (name, f"{by['r1']['n']:.0f}", *(_difference(by[key]) for key, _ in MEASURES))
        for name, by in _all_last(found)
    ]
    table(rows, (title, "n", *(name for _, name in MEASURES)), right=range(1, 6))


def _difference(d: Mapping[str, float]) -> str:
    star = "*" if d["p"] < 0.05 else " "
    return f"{d['difference']:+.3f} [{d['low']:+.2f}, {d['high']:+.2f}] p {d['p']:.3f}{star}"
