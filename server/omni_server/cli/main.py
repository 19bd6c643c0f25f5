"""Run one verb. Exit codes: 0 done, 1 an error (one line on stderr), 2 usage, 130 Ctrl-C.

With `--json` an error is a line of JSON on stdout too: `{"error": {"code": …, "message": …}}`.
Stdout is one document then, whatever happens: a verb prints its data last, and what fails beside
it afterwards is told on stderr and by the exit code.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import sys
from collections.abc import Sequence

from omni_server.cli import parser
from omni_server.cli.printing import hint, say
from omni_server.observe import logs

INTERRUPTED = 130
KEPT = {
    "ingest": "stopped; what was finished is kept, the same command completes the rest",
    "watch": "stopped; what changes meanwhile is found at the next start",
    "eval": "stopped; files ingested so far are kept if --store was given",
    "export": "stopped; nothing was written",
    "import": "stopped; what was imported is kept, the same command imports the rest",
    "upload": "stopped; what was sent is kept for a day, the same command sends the rest",
    "setup": "stopped; the settings are as they were; what was downloaded is kept",
    "speakers": "stopped; names and speakers found so far are kept",
    "reindex": "stopped; the same command goes on where this one was",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of the console script; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that cannot show a title still works
    args = parser.build().parse_args(argv)
    _report_nothing()
    logs.set_up()
    module, name = args.run.split(":")
    try:
        verb = getattr(importlib.import_module(f"omni_server.cli.{module}"), name)
        result = asyncio.run(verb(args)) if inspect.iscoroutinefunction(verb) else verb(args)
        if not sys.stdout.closed:
            sys.stdout.flush()  # here, where a closed pipe is expected
        return int(result)
    except KeyboardInterrupt:
        hint(f"\n{KEPT.get(args.verb, 'stopped')}")
        return INTERRUPTED
    except BrokenPipeError:  # `omni-mcp sources | head -1`
        _say_no_more()
        return 1
    except Exception as e:
        if os.environ.get("OMNI_DEBUG") == "1":
            raise
        message = _message(e, args.verb)
        if getattr(args, "json", False):
            code, _, told = message.partition(": ")
            try:
                say(json.dumps({"error": {"code": code, "message": told}}, ensure_ascii=False))
                sys.stdout.flush()
            except BrokenPipeError:
                _say_no_more()
        hint(message, error=True)
        return 1


def _say_no_more() -> None:
    """Stdout into nothing: whoever read it has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_nothing() -> None:
    from omni_core.sandbox import SILENT  # not before the help page is printed

    os.environ.update(SILENT)


def _message(error: Exception, verb: str) -> str:
    from omni_core.errors import AmbiguousError, OmniError, StoppedError
    from omni_server.text import one_line

    if isinstance(error, AmbiguousError):
        choices = "".join(
            f"\n  {c.ref}  {one_line(c.facts)}  {one_line(c.title)}" for c in error.choices
        )
        return f"{error.code}: several sources match {one_line(error.given, 80)!r}:{choices}"
    if isinstance(error, StoppedError) and verb in KEPT:
        return f"{error.code}: {KEPT[verb].replace('stopped', 'stopped by another process', 1)}"
    if isinstance(error, OmniError):
        return f"{error.code}: {one_line(str(error), 2000)}"
    kind = type(error).__name__
    return f"ERROR: unexpected {kind}: {one_line(str(error))} (OMNI_DEBUG=1 shows where)"
