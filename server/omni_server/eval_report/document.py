"""The whole report: one file, nothing loaded from elsewhere, light or dark."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from omni_core.engine.evaluation import Evidence
from omni_server.eval_report import charts, missed, tables
from omni_server.eval_report.charts import Figure

Report = Mapping[str, Any]


def document(
    report: Report,
    evidence: Mapping[str, Evidence] | None = None,
    comparison: Mapping[str, Any] | None = None,
) -> str:
    """The report as HTML. `evidence`: pictures and words of the missed questions, by reference;
    `comparison`: with an earlier report."""
    css = files("omni_server.eval_report").joinpath("report.css").read_text(encoding="utf-8")
    sections = [
        ("Answers by direction", _directions(report)),
        ("Answers by language", _languages(report)),
        ("Compared with the earlier report", _compared(comparison) if comparison else ""),
        ("What the grades are worth", _reliability(report)),
        ("Questions with and without an answer", _quiet(report)),
        ("Where the first ten hits come from", _shares(report)),
        ("Missed questions", missed.section(report, evidence or {})),
    ]
    body = "".join(f"<section><h2>{t}</h2>{html}</section>" for t, html in sections if html)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">"
        f"<title>Evaluation</title><style>{css}</style></head><body><main>"
        f"<h1>Evaluation</h1>{_facts(report)}{body}</main></body></html>\n"
    )


def _facts(report: Report) -> str:
    settings, how = report["settings"], report["intervals"]
    hidden = ", file names hidden" if settings["names_hidden"] else ""
    failed = "".join(
        f"<p class='worse'>not ingested: {escape(item)}: {escape(str(error))}</p>"
        for item, error in report["failed"].items()
    )
    return (
        f"<p>{report['queries']} questions over {report['files']} files{hidden}. "
        f"Encoder {escape(settings['encoder'])}, index {escape(settings['index'])}.</p>"
        f"<p class='soft'>In brackets: 95 % intervals. Means: {escape(how['means'])}. "
        f"Proportions: {escape(how['proportions'])}.</p>{failed}"
    )


def _directions(report: Report) -> str:
    whole = report["whole_library"]
    plots = "".join(
        charts.intervals(f"{name}, whole library", _figures(whole, key))
        for key, name in (("r1", "R@1"), ("r5", "R@5"))
    )
    return (
        f'<div class="plots">{plots}</div>{tables.scores("whole library", whole)}'
        + tables.scores("only the answer's modality", report["modality_filtered"])
    )


def _languages(report: Report) -> str:
    if len(report["languages"]) < 2:
        return ""
    whole = {name: found["whole_library"]["all"] for name, found in report["languages"].items()}
    plot = charts.intervals("R@5, whole library", _figures(whole, "r5"))
    each = "".join(
        f"<details><summary>{escape(name)} by direction</summary>"
        f"{tables.scores('whole library', found['whole_library'])}</details>"
        for name, found in sorted(report["languages"].items())
    )
    return plot + tables.scores("language", whole) + each


def _figures(found: Mapping[str, Mapping[str, float]], key: str) -> list[Figure]:
    return [
        Figure(name, s[key], s[f"{key}_low"], s[f"{key}_high"])
        for name, s in tables.all_last(found)
    ]


def _reliability(report: Report) -> str:
    first = report["reliability"]["first"]
    if not first:
        return ""
    figures = [
        Figure(grade, f["share"], f["low"], f["high"], f"{f['right']:.0f} of {f['n']:.0f}")
        for grade, f in first["all"].items()
        if f["n"]
    ]
    return (
        charts.intervals("Share of the first hits that are right", figures)
        + "<p>First hits:</p>"
        + tables.grades(first)
        + "<p>The first ten hits; what is not listed as an answer counts as wrong:</p>"
        + tables.grades(report["reliability"]["first_ten"])
    )


def _quiet(report: Report) -> str:
    parts = [("With an answer", report["answered"]), ("Without", report["unanswerable"])]
    return "".join(f"<p>{name}:</p>{tables.quiet(found)}" for name, found in parts if found)


def _shares(report: Report) -> str:
    return "".join(
        charts.shares(f"By {name}", dict(tables.all_last(report[key])))
        for name, key in (("channel", "channels"), ("kind of media", "modalities"))
    )


def _compared(comparison: Mapping[str, Any]) -> str:
    whole = comparison["whole_library"]
    figures = [
        Figure(
            name, d["difference"], d["low"], d["high"], f"{d['difference']:+.3f}, p {d['p']:.3f}"
        )
        for name, d in ((name, by["mrr"]) for name, by in tables.all_last(whole))
    ]
    widest = max([0.1, *(max(abs(f.low), abs(f.high)) for f in figures)])
    languages = {n: t["whole_library"]["all"] for n, t in comparison["languages"].items()}
    return (
        f"<p>{comparison['questions']} questions in both. {escape(comparison['how'])}.</p>"
        + charts.intervals("MRR, after minus before", figures, low=-widest, high=widest)
        + tables.differences("whole library", whole)
        + (tables.differences("language", languages) if len(languages) > 1 else "")
    )
