"""models, eval, reindex, doctor: models, their evaluation, and diagnosis of this machine."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from typing import Any

from omni_server.cli.printing import Bar, as_json, say, table
from omni_server.cli.settings import settings_of
from omni_server.text import one_line

MEASURES = (("r1", "R@1"), ("r5", "R@5"), ("mrr", "MRR"), ("ndcg10", "nDCG@10"))


async def evaluate(args: argparse.Namespace) -> int:
    """Print the table of `QUERIES.json`; without --store the library is a temporary one."""
    with tempfile.TemporaryDirectory(prefix="omni-eval-") as folder:
        report = await _evaluate(args, args.store or folder)
    if args.json:
        as_json(report)
        return 0
    _print_scores("whole library", report["whole_library"])
    say()
    _print_scores("only the answer's modality", report["modality_filtered"])
    if args.misses:
        say()
        for row in report["rows"]:
            if row["rank"] != 1:
                say(f"{row['id']} {one_line(row['query'])}: rank {row['rank'] or 'none'}")
                for top in row["top"]:
                    say(f"    {one_line(top)}")
    for name, error in report["failed"].items():
        say(f"not ingested: {one_line(name)}: {one_line(error)}")
    say(f"{report['queries']} questions over {report['files']} files")
    return 0


async def _evaluate(args: argparse.Namespace, store: str) -> dict[str, Any]:
    from omni_core.engine.evaluate import EvaluationProgress
    from omni_core.engine.evaluate import evaluate as run
    from omni_server.cli.opening import open_library

    with Bar() as bar:

        async def progress(p: EvaluationProgress) -> None:
            bar.show(p.number / p.total, f"{p.stage} {p.number}/{p.total} {p.item}".rstrip())

        async with await open_library(args, store=store) as engine:
            return await run(engine, args.queries, args.media, progress)


def _print_scores(title: str, scores: Mapping[str, Mapping[str, float]]) -> None:
    order = sorted(scores, key=lambda d: (d == "all", d))
    rows = [
        (d, f"{scores[d]['n']:.0f}", *(f"{scores[d][key]:.3f}" for key, _ in MEASURES))
        for d in order
    ]
    table(rows, (title, "n", *(name for _, name in MEASURES)), right=range(1, 6))


def models(args: argparse.Namespace) -> int:
    """The table of models, or the check of one."""
    from omni_core.engine import known_models as known
    from omni_core.errors import BadRequestError

    if args.action == "check":
        if not args.name:
            raise BadRequestError("name the model: omni-mcp models check e5-omni-7b")
        report = known.check(args.name, settings_of(args), args.media)
        if args.json:
            as_json(report)
        else:
            for line in report.lines():
                say(one_line(line, 1000))
            say("passed" if report.ok else "FAILED")
        return int(not report.ok)
    fits = known.list_models(settings_of(args))
    if args.json:
        as_json(fits)
        return 0
    rows = [
        (
            f.spec.name,
            {"dense": "embeds", "multi": "embeds, many vectors", "cross": "reranks"}[f.spec.kind],
            ", ".join(f.spec.modalities),
            str(f.spec.dim or ""),
            f"{f.spec.memory_gb:g} GB" if f.spec.memory_gb else "",
            f"yes, {f.on}" if f.runs else f"no: {f.why}",
        )
        for f in fits
    ]
    table(rows, ("name", "does", "takes", "dim", "memory", "runs here"), right=(3, 4))
    say()
    for f in fits:
        note = f" -- {f.spec.warning}" if f.spec.warning else ""
        say(f"{f.spec.name}: {f.spec.licence}{note}")
    say("\nUse one with --encoder NAME (rerankers: OMNI_RERANKER=NAME); the default is `embedded`.")
    return 0


async def reindex(args: argparse.Namespace) -> int:
    """Embed every source again with another model, then swap; 1 when a source could not be."""
    from omni_core.engine import ReindexStatus
    from omni_core.engine import reindex as run
    from omni_core.errors import BadRequestError

    if not args.encoder:
        raise BadRequestError("name the new model: omni-mcp reindex --encoder NAME")
    with Bar() as bar:

        async def progress(s: ReindexStatus) -> None:
            part = (s.sources_done + (s.progress if s.progress < 1 else 0)) / (s.sources_total or 1)
            bar.show(part, f"{s.sources_done}/{s.sources_total} {s.current}")

        report = await run(settings_of(args), args.encoder, progress)
    if args.json:
        as_json(report)
        return int(bool(report.failed))
    for title, why in report.failed:
        say(f"not embedded: {one_line(title)}: {one_line(why)}")
    say(f"{report.state}: {one_line(report.message, 1000)}")
    say(f"from now on give --encoder {args.encoder}, or set OMNI_ENCODER={args.encoder}")
    return int(bool(report.failed))


def doctor(args: argparse.Namespace) -> int:
    """Print the findings on this machine or a client's entry; 1 when something needed fails."""
    if args.client:
        from omni_server.cli.install import check

        return check(args)
    from omni_server.doctor import examine

    findings = examine(settings_of(args))
    works = all(f.state != "missing" for f in findings if f.needed)
    if args.json:
        as_json({"works": works, "findings": findings})
        return int(not works)
    mark = {"ok": "ok     ", "missing": "MISSING", "absent": "-      ", "warning": "warning"}
    for f in findings:
        say(f"{mark[f.state]}  {f.name}: {one_line(f.detail, 1000)}")
        if f.state != "ok" and f.adds:
            say(f"         it adds: {f.adds}")
        if f.state != "ok" and f.get:
            say(f"         get it: {f.get}")
    say()
    say("The default job can run." if works else "The default job cannot run: see MISSING above.")
    return int(not works)
