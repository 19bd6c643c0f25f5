"""watch."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

from omni_core.engine.api import EngineApi
from omni_core.errors import BadRequestError, NotFoundError
from omni_core.settings import Settings
from omni_core.watch import Event, Watched, Watcher
from omni_core.watch.folders import watched
from omni_server.cli.library import settled
from omni_server.cli.opening import open_settled
from omni_server.cli.printing import Bar, hint, plain, say
from omni_server.cli.settings import settings_of
from omni_server.text import counted
from omni_server.watching import line

MANY = 20
"""Vanished files named one by one; of more only the number is said."""


async def watch(args: argparse.Namespace) -> int:
    """Keep folders current; with --once 1 when a file could not be read that should be."""
    settings = await asyncio.to_thread(settings_of, args)
    folders = await asyncio.to_thread(_folders, args, settings)
    async with await open_settled(settings) as engine:
        with Bar() as bar:
            printer = _Printer(args.json, bar)

            async def same() -> EngineApi:
                return engine

            watcher = Watcher(
                same, folders, printer.show,
                poll_s=args.poll, forget_days=args.forget_days, again=args.retry,
            )  # fmt: skip
            if not args.once:
                if not args.json:
                    hint("watching; Ctrl-C stops")
                await watcher.run()
            await watcher.once()
        if not args.json:
            say(printer.summary())
            sys.stdout.flush()  # before what may take minutes, and be stopped
        with Bar() as bar:
            await settled(engine, bar)
    return int(printer.failed > 0)


def _folders(args: argparse.Namespace, settings: Settings) -> tuple[Watched, ...]:
    if args.poll is not None and args.poll <= 0:
        raise BadRequestError("--poll is a number of seconds above 0")
    if args.forget_days < 0:
        raise BadRequestError("--forget-days is a number of days, 0 for never")
    folders = watched(args.folders, collection=args.collection, store=settings.store_path)
    for folder in folders:
        if not Path(folder.path).is_dir():
            raise NotFoundError(f"{folder.path} is not a folder; name one that exists")
    return folders


class _Printer:
    """Prints events: lines for people, JSON lines for programs; counts them for the summary."""

    def __init__(self, as_json: bool, bar: Bar) -> None:
        self._json, self._bar = as_json, bar
        self._count: Counter[str] = Counter()
        self._unchanged = 0
        self.failed = 0

    async def show(self, event: Event) -> None:
        """One event."""
        self._count[event.kind] += 1
        if event.kind == "scan":
            self._unchanged += event.files - event.new
        unreadable = event.kind in ("failed", "passed_over")
        self.failed += unreadable and event.error_code != "UNSUPPORTED_TYPE"
        if self._json:
            data = {k: v for k, v in plain(event).items() if v or k == "kind"}
            sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        elif event.kind == "working":
            left = f", {event.left} more" if event.left else ""
            self._bar.show(event.progress, f"{event.stage} {Path(event.path).name}{left}")
        elif event.error_code != "UNSUPPORTED_TYPE" and not self._too_many(event):
            self._bar.clear()
            say(line(event))
            sys.stdout.flush()

    def _too_many(self, event: Event) -> bool:
        """Whether it is one vanished file more than are worth a line each."""
        return event.kind == "gone" and self._count["gone"] > MANY

    def summary(self) -> str:
        """What was done, in one line."""
        done = self._count
        parts = [
            f"{counted(done['ready'], 'file')} ingested",
            f"{done['renamed']} renamed" if done["renamed"] else "",
            f"{done['back']} back" if done["back"] else "",
            f"{done['replaced']} replaced" if done["replaced"] else "",
            f"{done['gone']} gone" if done["gone"] else "",
            f"{self.failed} could not be read" if self.failed else "",
            f"{self._unchanged:,} unchanged",
        ]
        return ", ".join(p for p in parts if p) + "."
