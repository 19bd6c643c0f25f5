"""eval: how well questions find their answers."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omni_server.cli.printing import Bar, as_json, hint, plain

if TYPE_CHECKING:
    from omni_core.engine.evaluation import Evidence

NEEDED = frozenset({"answered", "channels", "intervals", "languages", "reliability", "settings"})
"""Keys of a report that one of an older version lacks."""


def evaluate(args: argparse.Namespace) -> int:
    """Print the tables of the questions; without --store the library is a temporary one."""
    from omni_core.engine.evaluation import compare
    from omni_core.errors import BadRequestError
    from omni_server.cli.evaluation_text import print_comparison, print_report

    _check(args)
    before = _read(args.compare) if args.compare else None
    evidence: Mapping[str, Evidence] = {}
    if args.report:
        report = _read(args.report)
        if missing := NEEDED - report.keys():
            raise BadRequestError(
                f"{args.report} is of an older version (it lacks {', '.join(sorted(missing))}): "
                "it can be compared with, not shown; ask anew with --out"
            )
    else:
        with tempfile.TemporaryDirectory(prefix="omni-eval-") as folder:
            report, evidence = asyncio.run(_evaluate(args, args.store or folder))
    comparison = compare(before, report) if before is not None else None
    code = 0
    try:
        if args.out:
            _write(args.out, json.dumps(plain(report), ensure_ascii=False, indent=1))
        if args.html:
            from omni_server.eval_report import document

            _write(args.html, document(report, evidence, comparison))
    except BadRequestError as e:  # what was measured is printed all the same
        hint(f"{e.code}: {e}", error=True)
        code = 1
    if args.json:
        as_json(report if comparison is None else {**report, "comparison": comparison})
    else:
        print_report(report, misses=args.misses)
        if comparison is not None:
            print_comparison(comparison)
    return code


def _check(args: argparse.Namespace) -> None:
    """Raises BadRequestError when there is nothing to evaluate, or two things."""
    from omni_core.errors import BadRequestError

    if args.report and (args.queries or args.media or args.hide_names):
        raise BadRequestError("--report shows a finished report: give no questions and no media")
    if not args.report and not (args.queries and args.media):
        raise BadRequestError(
            "name files of questions and the folder of their media: "
            "omni-mcp eval QUERIES.json --media DIR; or a finished report with --report FILE.json"
        )


async def _evaluate(
    args: argparse.Namespace, store: str
) -> tuple[dict[str, Any], Mapping[str, Evidence]]:
    from omni_core.engine import evaluation
    from omni_server.cli.opening import open_library

    with Bar() as bar:

        async def progress(p: evaluation.EvaluationProgress) -> None:
            bar.show(p.number / p.total, f"{p.stage} {p.number}/{p.total} {p.item}".rstrip())

        async def before_each(number: int, total: int) -> None:
            bar.show(number / total, f"open {number}/{total} for the report")

        async with await open_library(args, store=store) as engine:
            report = await evaluation.evaluate(
                engine, args.queries, args.media, progress, hide_names=args.hide_names
            )
            if not args.html:
                return report, {}
            return report, await evaluation.collect(engine, report, before_each)


def _read(path: str) -> dict[str, Any]:
    """A report of an earlier run. Raises BadRequestError when the file is none."""
    from omni_core.errors import BadRequestError

    try:
        report = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as e:
        raise BadRequestError(f"cannot read {path}: {e.strerror}") from e
    except ValueError as e:
        raise BadRequestError(f"{path} is not JSON: {e}") from e
    if not isinstance(report, dict) or "rows" not in report:
        raise BadRequestError(f"{path} is no report: write one with `omni-mcp eval --out`")
    return report


def _write(path: str, text: str) -> None:
    from omni_core.errors import BadRequestError
    from omni_core.files import write_atomically

    try:
        write_atomically(Path(path).expanduser().absolute(), text.encode())
    except OSError as e:
        raise BadRequestError(f"cannot write {path}: {e.strerror}") from e
    hint(f"written: {path}")
