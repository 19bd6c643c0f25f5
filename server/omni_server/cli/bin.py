"""bin: what was forgotten; bring it back, or delete it for good."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime

from omni_core.engine.api import EngineApi
from omni_core.errors import BadRequestError
from omni_core.types import BinnedSource
from omni_server.cli.opening import open_library
from omni_server.cli.printing import as_json, hint, say, table
from omni_server.cli.settings import settings_of
from omni_server.text import counted, one_line, quoted


async def bin(args: argparse.Namespace) -> int:
    """List the bin, bring one source back, or empty it."""
    async with await open_library(args, ahead="nothing") as engine:
        if args.restore:
            return await _restore(engine, args)
        if args.empty is not None:
            return await _empty(engine, args)
        held = await engine.bin()
    if args.json:
        as_json(held)
        return 0
    if not held:
        say("the bin is empty.")
        return 0
    rows = [(b.id, str(b.segments), _size(b.size), _day(b), one_line(b.title)) for b in held]
    table(rows, ("id", "segments", "size", "forgotten", "title"), right=(1, 2))
    chosen = await asyncio.to_thread(settings_of, args)
    hint(f"{_size(sum(b.size for b in held))} of at most {_size(chosen.bin_max_mb << 20)}, for "
         f"{chosen.bin_days:g} days, of each file the last {chosen.bin_versions} contents; "
         "omni-mcp bin --restore ID brings one back, omni-mcp bin --empty deletes them now",
    )  # fmt: skip
    return 0


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{max(1, round(size / 1e3))} kB"


def _day(entry: BinnedSource) -> str:
    return f"{datetime.fromtimestamp(entry.forgotten_at).astimezone():%Y-%m-%d %H:%M}"


async def _restore(engine: EngineApi, args: argparse.Namespace) -> int:
    row = await engine.restore_source(args.restore)
    if args.json:
        as_json(row)
    else:
        say(f"{row.state:8} {one_line(row.title)}  ({counted(row.segments, 'segment')})  {row.id}")
        if row.state == "partial":
            why = "it was in part before" if row.segments else "the library has another model since"
            hint(f"{why}: omni-mcp ingest {one_line(row.uri)}")
    return 0


async def _empty(engine: EngineApi, args: argparse.Namespace) -> int:
    held = await engine.bin()
    if held and not args.yes and not _agreed(args.empty, held, args.json):
        say("nothing was deleted.")
        return 0
    gone = await engine.empty_bin(args.empty) if held or args.empty else 0
    if args.json:
        as_json({"deleted": gone})
    else:
        say(f"deleted {counted(gone, 'source')} for good.")
    return 0


def _agreed(wanted: str, held: Sequence[BinnedSource], as_data: bool) -> bool:
    if as_data or not sys.stdin.isatty():
        raise BadRequestError("bin --empty asks before it deletes; give --yes in a script")
    what = quoted(wanted) if wanted else f"all {counted(len(held), 'source')} of the bin"
    return input(f"Delete {what} for good? [y/N] ").strip().lower() in ("y", "yes")
