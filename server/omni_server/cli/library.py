"""ingest, sources, forget."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from omni_core import IngestRequest
from omni_core.collection_names import DEFAULT
from omni_core.engine.api import EngineApi
from omni_core.engine.results import Change, FolderStatus, IngestStatus, SourceRow
from omni_core.errors import BadRequestError, NotFoundError, OmniError
from omni_core.ids import PIPELINE
from omni_core.libraries import is_library
from omni_core.watch.retention import missing, outdated
from omni_server.cli.opening import open_library, open_settled
from omni_server.cli.printing import Bar, as_json, hint, length, say, table
from omni_server.cli.settings import settings_of
from omni_server.text import counted, one_line


async def ingest(args: argparse.Namespace) -> int:
    """Make files searchable; 1 when one failed, except for unsupported files inside a folder."""
    if args.stop:
        return await _stop(args)
    if args.outdated == bool(args.paths):
        raise BadRequestError(
            "name files or folders, or give --outdated for all that an older version has read"
        )
    settings = await asyncio.to_thread(settings_of, args)
    files = await asyncio.to_thread(lambda: files_of(args.paths, settings.store_path))
    named = {_absolute(p) for p in args.paths}
    async with await open_settled(settings) as engine:
        with Bar() as bar:
            if args.outdated:
                done = await _reread(engine, args.fast, bar)
            else:
                done = await _ingest(engine, args, files, bar)
        if args.json:
            as_json(done)
        elif args.outdated and not done:
            say("nothing to do: this version has read every source.")
        else:
            _report(done, args.timings)
        sys.stdout.flush()  # here, where a closed pipe is expected
        with Bar() as bar:
            await settled(engine, bar)
    return int(any(s.state == "failed" and not _passed_over(s, named) for s in done))


async def _ingest(
    engine: EngineApi, args: argparse.Namespace, files: Sequence[str], bar: Bar
) -> Sequence[IngestStatus]:
    async def one(s: IngestStatus) -> None:
        bar.show(s.progress, f"{s.stage} {Path(s.path).name}")

    own = (args.title, args.recorded_at, args.transcript, args.password)
    if len(files) == 1:
        request = IngestRequest(
            files[0],
            title=args.title,
            recorded_at=_date(args.recorded_at),
            collection=args.collection,
            transcript=args.transcript and _absolute(args.transcript),
            password=args.password,
            fast=args.fast,
        )
        return [await engine.ingest(request, progress=one)]
    if any(own):
        raise BadRequestError(
            f"--title, --recorded-at, --transcript and --password are for one file, "
            f"{len(files)} were found; ingest that file alone"
        )
    status = await engine.ingest_folder(
        files, collection=args.collection, fast=args.fast, progress=_shown(bar)
    )
    return status.done


async def settled(engine: EngineApi, bar: Bar) -> None:
    """Let the index be quick to open; what was ingested is stored, whatever becomes of this."""
    bar.show(1.0, "making the index quick to open")
    try:
        await engine.settle()
    except OmniError as e:
        hint(f"the index was not settled, which would make it quick to open: {e}")


async def _stop(args: argparse.Namespace) -> int:
    """Stop what another process ingests, or several that share the library."""
    if args.outdated:
        raise BadRequestError(
            "--stop takes paths, or none to stop every ingest; leave out --outdated"
        )
    paths = [_absolute(p) for p in args.paths]
    async with await open_library(args, ahead="nothing") as engine:
        stopped = await engine.stop(paths or None)
    if args.json and stopped:
        as_json(stopped)
    for s in () if args.json else stopped:
        if isinstance(s, FolderStatus):
            what = f"{s.files_done} of {counted(s.files_total, 'file')} done"
        else:
            what = f"{one_line(Path(s.path).name)}, {s.progress:.0%} done"
        say(f"stopped  {what}; ingesting the same again goes on from there")
    if not stopped:
        what = "nothing of this" if paths else "nothing"
        raise NotFoundError(f"{what} is being ingested", code="NOT_RUNNING")
    return 0


async def _reread(engine: EngineApi, fast: bool, bar: Bar) -> Sequence[IngestStatus]:
    """Ingest again what an older version has read; each source keeps its collections."""
    files: dict[str, list[str]] = {}
    for row in await outdated(engine):
        files.setdefault(row.collections[0], []).append(row.uri)
    done: list[IngestStatus] = []
    for collection, paths in files.items():
        status = await engine.ingest_folder(
            paths, collection=collection, fast=fast, progress=_shown(bar)
        )
        done += status.done
    return done


def _shown(bar: Bar) -> Callable[[FolderStatus], Awaitable[None]]:
    async def show(f: FolderStatus) -> None:
        now = f.current
        text = f"{f.files_done}/{f.files_total} {now.stage} {Path(now.path).name}" if now else ""
        more = f" and {len(f.beside)} more" if f.beside else ""
        bar.show(f.progress, text + more)

    return show


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequestError(
            f"--recorded-at {text!r} is not ISO 8601; write 2026-11-17 or 2026-11-17T09:30:00+01:00"
        ) from None
    return when.astimezone() if when.tzinfo is None else when


def _absolute(name: str) -> str:
    return str(Path(name).expanduser().absolute())


def files_of(paths: Sequence[str], store: Path) -> list[str]:
    """The files named, and those inside folders, each once; hidden ones only when named, and none
    of the library's own in the store or of another library in a folder."""
    own = Path(os.path.realpath(store))
    found: dict[str, None] = {}
    for name in paths:
        path = Path(name).expanduser().absolute()
        if not path.is_dir():
            found[str(path)] = None
            continue
        before = len(found)
        found |= dict.fromkeys(_inside(path, own))
        if len(found) == before:
            raise NotFoundError(f"no files in the folder {name}; name a folder that holds media")
    return list(found)


def _inside(folder: Path, without: Path) -> Iterator[str]:
    def counts(at: str, name: str) -> bool:
        if name == without.name and os.path.realpath(os.path.join(at, name)) == str(without):
            return False
        return not name.startswith(".")

    for at, folders, names in os.walk(folder):
        if at != str(folder) and is_library(at, (*folders, *names)):
            folders.clear()
            continue
        folders[:] = sorted(f for f in folders if counts(at, f))
        yield from (os.path.join(at, n) for n in sorted(names) if not n.startswith("."))


def _passed_over(s: IngestStatus, named: set[str]) -> bool:
    """Whether a failure does not count: an unsupported file inside a folder."""
    return s.error_code == "UNSUPPORTED_TYPE" and s.path not in named


CHANGED: Mapping[Change, str] = {
    "collection": "added to the collection",
    "title": "renamed",
    "recorded_at": "dated",
}


def _report(done: Sequence[IngestStatus], timings: bool) -> None:
    for s in done:
        name = one_line(s.title or Path(s.path).name)
        if s.state == "failed":
            say(f"failed   {Path(s.path).name}: {s.error_code}: {one_line(s.error, 1000)}")
            continue
        facts = [
            s.modality or "",
            length(s.duration_s, s.pages),
            counted(s.segments, "segment"),
            "already in the library" if s.already else "",
            *(CHANGED[change] for change in s.changed),
            f"recorded {s.recorded_at:%Y-%m-%d} ({s.recorded_at_from})" if s.recorded_at else "",
        ]
        say(f"{s.state:8} {name}  ({', '.join(f for f in facts if f)})  {s.source_id}")
        for warning in s.warnings:
            say(f"         {one_line(warning, 1000)}")
        if timings and s.timings:
            _timings(s)
    if len(done) > 1:
        good = sum(s.state != "failed" for s in done)
        say(f"{good} of {len(done)} files are searchable.")


def _timings(s: IngestStatus) -> None:
    costs = "  ".join(f"{name} {took:.1f} s" for name, took in s.timings.items() if took >= 0.05)
    total = s.timings.get("total", 0.0)
    ratio = f"  = {total / s.duration_s:.2f} x its length" if s.duration_s and total else ""
    say(f"         {costs}{ratio}")


async def sources(args: argparse.Namespace) -> int:
    """List the library."""
    rows: list[SourceRow] = []
    collections: Mapping[str, int] = {}
    lacks: tuple[str, ...] = ()
    async with await open_library(args, ahead="nothing") as engine:
        cursor = ""
        while len(rows) < args.limit:
            page = await engine.sources(
                match=args.match,
                when=args.when,
                collection=args.collection,
                state=args.state,
                limit=min(args.limit - len(rows), 100),
                cursor=cursor,
            )
            rows += page.sources
            collections = collections or page.collections
            lacks = lacks or page.lacks
            cursor = page.next_cursor
            if not cursor:
                break
    if args.json:
        as_json({"sources": rows, "total": page.total, "collections": collections, "lacks": lacks})
        return 0
    for line in lacks:
        hint(f"not installed: {one_line(line, 300)}")
    if not rows:
        say("nothing matches." if page.total or args.match else "the library is empty.")
        return 0
    cells = [
        (
            r.id,
            str(r.modality),
            length(r.duration_s, r.pages),
            f"{r.recorded_at:%Y-%m-%d} ({r.recorded_at_from})" if r.recorded_at else "",
            _state(r),
            str(r.segments),
            r.title,
        )
        for r in rows
    ]
    table(cells, ("id", "kind", "length", "recorded", "state", "segments", "title"), right=(2, 5))
    if page.total > len(rows):
        hint(f"{len(rows)} of {page.total}; --limit shows more")
    if old := sum(r.pipeline != PIPELINE and r.state == "ready" for r in rows):
        was = "was" if old == 1 else "were"
        hint(
            f"{counted(old, 'source')} {was} read by an older version; "
            "`omni-mcp ingest --outdated` reads again"
        )
    if not collections.keys() <= {DEFAULT}:
        hint(f"collections: {', '.join(f'{name} ({n})' for name, n in collections.items())}")
    return 0


def _state(r: SourceRow) -> str:
    if r.missing_since is not None:
        return f"gone since {r.missing_since:%Y-%m-%d}"
    return f"{r.state}, only its title" if r.empty else r.state


async def forget(args: argparse.Namespace) -> int:
    """Remove a source, or every source whose file is gone; asks first on a terminal."""
    if args.missing == bool(args.source):
        raise BadRequestError("name one source, or give --missing for every one whose file is gone")
    async with await open_library(args, ahead="nothing") as engine:
        rows = await missing(engine) if args.missing else [await _named(engine, args.source)]
        if rows and not args.dry_run and not args.yes and not _agreed(rows, args.json):
            say("nothing was removed.")
            return 0
        if not args.dry_run:
            rows = [await engine.forget(row.id, now=args.now) for row in rows]
    if args.json:
        as_json({"dry_run": args.dry_run, "sources": rows} if args.missing else rows[0])
        return 0
    for row in rows:
        gone = counted(row.segments, "segment")
        where = f"its file {one_line(row.uri)} is gone" if args.missing else "the file is untouched"
        did = "would forget" if args.dry_run else "forgot"
        say(f"{did} {one_line(row.title)} ({gone}); {where}.")
    if rows and not args.dry_run and not args.now:
        hint(f"to undo: omni-mcp bin --restore {rows[0].id if len(rows) == 1 else 'ID'}")
    if not rows:
        say("no source is missing its file; `omni-mcp watch FOLDER --once` looks for such files.")
    return 0


async def _named(engine: EngineApi, wanted: str) -> SourceRow:
    """The source of this file, here or by its whole path, or of this id or whole title."""
    path = await asyncio.to_thread(_absolute, wanted)
    if await asyncio.to_thread(os.path.isfile, path):
        try:
            return await engine.named(path)
        except NotFoundError:
            pass  # a file of that name lies here by chance
    return await engine.named(wanted)


def _agreed(rows: Sequence[SourceRow], as_data: bool) -> bool:
    if as_data or not sys.stdin.isatty():
        raise BadRequestError("forget asks before it removes; give --yes in a script")
    what = repr(one_line(rows[0].title))
    if len(rows) > 1:
        for row in rows[:20]:
            say(f"  {one_line(row.title)}  {one_line(row.uri)}")
        what = f"these {len(rows)} sources" if len(rows) <= 20 else f"{len(rows)} sources"
    answer = input(f"Forget {what}? Files stay, segments go. [y/N] ")
    return answer.strip().lower() in ("y", "yes")
