"""Tables of figures as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

MEASURES = (("r1", "R@1"), ("r5", "R@5"), ("mrr", "MRR"), ("ndcg10", "nDCG@10"))
GRADES = ("strong", "fair", "weak")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column names the row, the others are figures; cells are HTML."""
    heads = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    inside = f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{inside}</table></div>'


def all_last(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """In order of name, `all` at the end."""
    return sorted(found.items(), key=lambda pair: (pair[0] == "all", pair[0]))


def scores(title: str, found: Mapping[str, Mapping[str, float]]) -> str:
    """Means with intervals."""
    rows = [
        (
            escape(name),
            f"{s['n']:.0f}",
            *(_with_interval(s[k], s[f"{k}_low"], s[f"{k}_high"]) for k, _ in MEASURES),
        )
        for name, s in all_last(found)
    ]
    return table((title, "n", *(name for _, name in MEASURES)), rows)


def grades(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """How many of each grade are right."""
    rows = [
        (escape(language), *(proportion(by_grade[g], "right") for g in GRADES))
        for language, by_grade in all_last(found)
    ]
    return table(("language", *GRADES), rows)


def quiet(found: Mapping[str, Mapping[str, float]]) -> str:
    """What questions get."""
    kinds = ("nothing", "only_weak", "fair", "strong")
    rows = [
        (
            escape(language), f"{f['n']:.0f}", *(f"{f[k]:.0f}" for k in kinds),
            proportion(f, "nothing_or_weak"),
        )
        for language, f in all_last(found)
    ]  # fmt: skip
    head = ("language", "n", "nothing", "only weak", "fair", "strong", "nothing or weak")
    return table(head, rows)


def differences(title: str, found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """What changed of each measure."""
    rows = [
        (escape(name), f"{by['r1']['n']:.0f}", *(_difference(by[k]) for k, _ in MEASURES))
        for name, by in all_last(found)
    ]
    return table((title, "n", *(name for _, name in MEASURES)), rows)


def proportion(found: Mapping[str, float], key: str) -> str:
    """`20 of 28 = 0.71` with its interval."""
    if not found["n"]:
        return "–"
    text = f"{found[key]:.0f} of {found['n']:.0f} = "
    return text + _with_interval(found["share"], found["low"], found["high"])


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{value:.3f} <small>[{low:.2f}, {high:.2f}]</small>"


def _difference(d: Mapping[str, float]) -> str:
    kind = ("better" if d["difference"] > 0 else "worse") if d["p"] < 0.05 else "same"
    return (
        f'<span class="{kind}">{d["difference"]:+.3f}</span> '
        f"<small>[{d['low']:+.2f}, {d['high']:+.2f}] p {d['p']:.3f}<br>"
        f"{d['before']:.3f} → {d['after']:.3f}, +{d['better']:.0f} −{d['worse']:.0f}</small>"
    )
