"""mteb: the encoder, or the whole server, on tasks of the Massive Text Embedding Benchmark."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from omni_server.cli.printing import Bar, as_json, hint, say, table
from omni_server.cli.settings import settings_of
from omni_server.text import one_line


def mteb(args: argparse.Namespace) -> int:
    """Print the main measure of each task; 1 when one could not be measured."""
    from omni_core import mteb_tasks
    from omni_core.errors import BadRequestError

    if args.list is not None:
        return _list(args)
    if not args.tasks:
        raise BadRequestError("name tasks: omni-mcp mteb --tasks NAME; --list WORD finds names")
    out = Path(args.out).expanduser().absolute() if args.out else None
    with Bar() as bar:

        def progress(what: str, number: int, total: int) -> None:
            bar.show(number / total, f"{what} {number}/{total}")

        found = mteb_tasks.run(
            settings_of(args),
            args.tasks,
            whole=args.whole,
            out=out,
            batch_size=args.batch_size,
            bars=sys.stderr.isatty() and not args.whole,
            before_each=hint,
            progress=progress,
        )
    failed = [m for m in found if m.score is None]
    if args.json:
        as_json(found)
        return int(bool(failed))
    rows = [
        (m.task, m.kind, m.measure, f"{m.score:.4f}", f"{m.seconds:.0f}")
        for m in found
        if m.score is not None
    ]
    if rows:
        table(rows, ("task", "type", "measure", "score", "seconds"), right=(3, 4))
    for m in failed:
        say(f"not measured: {m.task}: {one_line(m.error, 600)}")
    return int(bool(failed))


def _list(args: argparse.Namespace) -> int:
    from omni_core.mteb_tasks.run import names

    benchmarks, tasks = names(args.list)
    if args.json:
        as_json({"benchmarks": benchmarks, "tasks": tasks})
        return 0
    for name in benchmarks:
        say(f"benchmark  {name}")
    for name in tasks:
        say(f"task       {name}")
    if not benchmarks and not tasks:
        say("no name contains that.")
    return 0
