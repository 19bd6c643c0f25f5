"""export, import: a library as a folder of Parquet and JSON, or as one Parquet file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from omni_core.engine.results import VectorsStatus
from omni_server.cli.library import settled
from omni_server.cli.opening import open_existing, open_library
from omni_server.cli.printing import Bar, as_json, hint, say
from omni_server.text import counted


async def export(args: argparse.Namespace) -> int:
    """Write the library, or one of its collections, into a new folder or file."""
    async with await open_existing(args, ahead="nothing") as engine:
        with Bar() as bar:
            done = await engine.export_vectors(
                _path(args),
                collection=args.collection,
                thumbnails=args.thumbnails,
                progress=_shown(bar),
            )
        held = await engine.bin()
    if args.json:
        as_json(done)
    else:
        say(
            f"{counted(done.sources_done, 'source')} with {counted(done.segments, 'segment')}"
            f"{_small(done)} written to {done.path}"
        )
        if held:
            hint(f"without what is in the bin: {counted(len(held), 'forgotten source')}")
    return 0


async def import_(args: argparse.Namespace) -> int:
    """Add the sources of a folder or file."""
    async with await open_library(args, ahead="nothing") as engine:
        with Bar() as bar:
            done = await engine.import_vectors(_path(args), progress=_shown(bar))
        if args.json:
            as_json(done)
        else:
            _tell_imported(done)
        sys.stdout.flush()  # before what may take minutes, and be stopped
        with Bar() as bar:
            await settled(engine, bar)
    return 0


def _tell_imported(done: VectorsStatus) -> None:
    new = done.sources_done - done.already
    segments = counted(done.segments, "segment")
    say(f"imported {counted(new, 'source')} with {segments}{_small(done)}.")
    if done.already:
        was = "was" if done.already == 1 else "were"
        say(f"{counted(done.already, 'source')} {was} in the library already, and left as is.")


def _small(done: VectorsStatus) -> str:
    return f" and {counted(done.thumbnails, 'small image')}" if done.thumbnails else ""


def _path(args: argparse.Namespace) -> str:
    return str(Path(args.path).expanduser().absolute())


def _shown(bar: Bar) -> Callable[[VectorsStatus], Awaitable[None]]:
    async def show(status: VectorsStatus) -> None:
        done, total = status.sources_done, status.sources_total
        bar.show(done / max(total, 1), f"{done}/{total} {status.current}")

    return show
