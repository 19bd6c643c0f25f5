"""doctor --repair: mends the libraries, then reads again what was lost."""

from __future__ import annotations

import argparse
import asyncio

from omni_core import OmniError, Settings
from omni_core.engine.checking.again import read_again
from omni_core.engine.checking.findings import Mended
from omni_core.engine.checking.mending import mend
from omni_server.cli.opening import open_settled
from omni_server.cli.printing import Bar, say
from omni_server.library_check import libraries
from omni_server.text import one_line


async def repair(args: argparse.Namespace, settings: Settings) -> list[Mended]:
    """Mend every library; prints what was done as it is done, unless JSON is asked for.

    Where a server has the library open its files are left alone: what it marked as lost is read
    again through it.
    """
    found = []
    for library in await asyncio.to_thread(libraries, settings):
        said = await _repaired(library)
        found.append(said)
        for line in () if args.json else said.done:
            say(f"mended   {one_line(line, 1000)}")
        for line in () if args.json else said.left:
            say(f"LEFT     {one_line(line, 1000)}")
    return found


async def _repaired(library: Settings) -> Mended:
    try:
        said = await mend(library)
    except OmniError as e:
        said = Mended(library.store, left=[f"only what is safe beside others is done: {e}"])
    if not await asyncio.to_thread(library.store_path.is_dir):
        return said
    try:
        engine = await open_settled(library)
    except OmniError as e:
        said.left.append(str(e))
        return said
    try:
        await engine.sources(limit=1)
        with Bar() as bar:

            async def show(done: int, total: int, title: str) -> None:
                bar.show(done / total, title)

            await read_again(engine, said, show)
    finally:
        await engine.close()
    return said
