"""migrate, backup, restore: the library as a whole."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from omni_core.config import edit
from omni_core.config.environment import CONFIG, variable
from omni_core.engine import MigrationStatus, migrate, restore
from omni_core.engine.moving.leaving import describe_index, former
from omni_core.engine.moving.migrating import describe, is_there
from omni_core.engine.results import BackupStatus
from omni_core.errors import BadRequestError, StoreError
from omni_core.settings import Settings, own_file
from omni_server.cli.moving_tenants import commands, is_of_tenant, with_libraries
from omni_server.cli.opening import open_existing
from omni_server.cli.printing import Bar, as_json, hint, say
from omni_server.cli.settings import settings_of
from omni_server.clients.change import Change
from omni_server.clients.change import read as read_text
from omni_server.text import counted

STORE = "store"
WORDS = {"embedded": "edge", "edge": "edge", "memory": "memory"}


async def migrate_(args: argparse.Namespace) -> int:
    """Copy the library into another index, compare, then write the settings that name it."""
    settings = await asyncio.to_thread(settings_of, args)
    target = _target(settings, args)
    tenants = [] if args.no_switch else await asyncio.to_thread(with_libraries, settings)
    if tenants and is_there(settings, target):
        await asyncio.to_thread(_tell_of_former, args, settings, target)
    with Bar() as bar:

        async def show(status: MigrationStatus) -> None:
            part = status.sources_done / max(status.sources_total, 1)
            what = status.current or status.stage
            bar.show(part, f"{status.sources_done}/{status.sources_total} {what}")

        done = await migrate(settings, target, show, leave=not args.no_switch)
    change, failed = None, ""
    if not args.no_switch:
        before = settings
        if done.already:  # an earlier call may have written the new ones
            before = await asyncio.to_thread(former, settings, target)
        _tell_of_tenants(args, before, target, tenants)  # first: see _switch
        change, failed = await asyncio.to_thread(_switch, args, settings, target)
    if args.json:
        written = None if change is None or failed else str(change.file)
        as_json({"migration": done, "settings": written})
    else:
        _tell(done, change)
    if failed:
        hint(failed)
    return int(bool(failed))


async def backup(args: argparse.Namespace) -> int:
    """Copy the library into a new folder."""
    folder = await asyncio.to_thread(_path, args.folder)
    async with await open_existing(args) as engine:
        with Bar() as bar:
            done = await engine.back_up(folder, progress=_shown(bar))
        held = await engine.bin()
    if args.json:
        as_json(done)
    else:
        say(f"{_held(done)} backed up in {done.path} ({done.bytes / 1e6:.1f} MB)")
        if held:
            hint(
                f"with the bin: {counted(len(held), 'forgotten source')}; to leave them out, "
                "omni-mcp bin --empty first"
            )
    return 0


async def restore_(args: argparse.Namespace) -> int:
    """Make the store a copy of a backup."""
    folder = await asyncio.to_thread(_path, args.folder)
    settings = await asyncio.to_thread(settings_of, args)
    store = await asyncio.to_thread(lambda: settings.store_path)
    with Bar() as bar:
        done = await restore(Path(folder), store, progress=_shown(bar))
    if args.json:
        as_json(done)
    else:
        say(f"{_held(done)} restored in {done.path}")
    try:
        now = await asyncio.to_thread(settings_of, args)  # the backup may have brought an omni.toml
    except BadRequestError as e:
        hint(f"{e.code}: the settings of the backup cannot be used here: {e}", error=True)
        return 1
    if now.catalog or now.index == "server":
        hint(
            "what was restored is not what commands use with these settings, which name "
            f"{describe(now)}: to use it, call them without "
            f"{variable('catalog' if now.catalog else 'index')}, --catalog and --qdrant"
        )
    return 0


def _target(settings: Settings, args: argparse.Namespace) -> Settings:
    to, catalog = args.to, args.to_catalog
    if not (to or catalog):
        raise BadRequestError("say where to: --to URL, --to-catalog URL, or both")
    target = settings
    if to and "://" in to:
        target = replace(target, index="server", qdrant_url=to)
    elif to in WORDS:
        target = replace(target, index=WORDS[to])
    elif to:
        raise BadRequestError(
            f"--to {to} is no place for an index: give the address of a Qdrant server "
            "(http://localhost:6333), or `embedded`"
        )
    if catalog:
        if catalog != STORE and not catalog.startswith(("postgresql://", "postgres://")):
            raise BadRequestError(
                "--to-catalog is postgresql://USER:PASSWORD@HOST/DATABASE, or `store`"
            )
        target = replace(target, catalog="" if catalog == STORE else catalog)
    if args.to_collection:
        target = replace(target, qdrant_collection=args.to_collection)
    return target


def _file(args: argparse.Namespace, settings: Settings) -> Path:
    """The settings file that this library is read with."""
    named = args.config or os.environ.get(CONFIG, "")
    return Path(named).expanduser().absolute() if named else own_file(settings.store).absolute()


def _tell_of_tenants(
    args: argparse.Namespace, settings: Settings, target: Settings, tenants: Sequence[str]
) -> None:
    encoder = getattr(args, "encoder", None) or ""
    if left := commands(settings, target, tenants, _file(args, settings), encoder):
        hint("the libraries of tenants have not moved; before the server is started again:")
        for command in left:
            hint(f"    {command}")


def _tell_of_former(args: argparse.Namespace, settings: Settings, target: Settings) -> None:
    """Settings that name the new index already do not say where the former one was. Beside an
    embedded one no catalog was in PostgreSQL."""
    former = replace(settings, index="server")
    if target.index == "server":
        former = replace(settings, index="edge", catalog="")
    if not (tenants := with_libraries(former)):
        return
    hint(f"where libraries of tenants are still in {describe_index(former)}, they move by:")
    encoder = getattr(args, "encoder", None) or ""
    for command in commands(former, target, tenants, _file(args, settings), encoder):
        hint(f"    {command}")


def _switch(args: argparse.Namespace, settings: Settings, target: Settings) -> tuple[Change, str]:
    """Write where the index is now into the settings file that this library is read with; and what
    to do where that failed, since the library has moved by then. From then on the same command
    finds the library there: what it has to say of the former place was said before."""
    named, file = args.config or os.environ.get(CONFIG, ""), _file(args, settings)
    values: dict[str, edit.Value] = {"index": target.index}
    if target.index == "server":
        values |= {"qdrant_url": target.qdrant_url, "qdrant_collection": target.qdrant_collection}
    if named and is_of_tenant(target):  # the file of its server
        values = {}
    old = read_text(file) if file.exists() else None
    change = Change(file, old, edit.changed(old or "", values))
    failed = ""
    try:
        if change.changes:
            change.write()
    except StoreError as e:
        lines = " and ".join(f'{name} = "{value}"' for name, value in values.items())
        failed = f"{e}. The library has moved: write {lines} there yourself"
        change = replace(change, new=old or "")
    for name, value in values.items():
        held = os.environ.get(variable(name))
        if held is not None and held != value:
            hint(f"{variable(name)}={held} in the environment overrules {file}: change it too")
    if target.catalog != settings.catalog:  # it has a password, which is not written down
        what = "set to its address" if target.catalog else "removed"
        hint(f"the catalog has moved: {variable('catalog')} must be {what} from now on")
    return change, failed


def _tell(done: MigrationStatus, change: Change | None) -> None:
    found, there = done.compared, done.written < done.segments
    if done.already:
        hint("the library had moved before; what was left to do is done now")
    say(
        f"{counted(done.sources_done, 'source')} with {counted(done.segments, 'segment')} in "
        f"{done.to}" + (f", {done.written} of them written now" if found and there else "")
    )
    if found is not None:
        say(
            f"compared: {counted(found.samples, 'segment')} the same, "
            f"{found.same_results:.0%} of the results of {found.searches} searches the same"
        )
    if done.lost:
        hint(
            f"{counted(done.lost, 'source')} had lost segments before: "
            "ingest the files again to complete them"
        )
    if change is None:
        say("nothing was switched: --no-switch. The library is used where it was.")
        return
    if change.changes:
        say(f"switched: {change.file} names the new index")
    if done.already and not change.changes:  # its settings name the new one as the former one too
        return
    if found is None and not done.already:
        say("the index is the same as before; the former catalog is not used any more")
    else:
        say(f"the former one, {done.where}, stays: delete it once you do not want to go back")


def _path(given: str) -> str:
    return str(Path(given).expanduser().absolute())


def _held(status: BackupStatus) -> str:
    return f"{counted(status.sources, 'source')} with {counted(status.segments, 'segment')}"


def _shown(bar: Bar) -> Callable[[BackupStatus], Awaitable[None]]:
    async def show(status: BackupStatus) -> None:
        done, total = status.files_done, status.files_total
        bar.show(done / max(total, 1), f"{done}/{total} files")

    return show
