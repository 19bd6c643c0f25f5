"""speakers, voices: who speaks, their names, and the voices that are kept."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from omni_core.engine.api import EngineApi
from omni_core.engine.results import SourceRow, SpeakersOf
from omni_core.errors import BadRequestError, OmniError, without_workers
from omni_core.text.clock import clock
from omni_server.cli.opening import open_library
from omni_server.cli.printing import Bar, as_json, hint, say, table
from omni_server.text import counted, one_line

FROM = {"": "", "person": "given", "subtitles": "subtitles", "voice": "known voice"}


async def speakers(args: argparse.Namespace) -> int:
    """List who speaks, give or take back names, or listen again; 1 where a source failed."""
    changes = _changes(args)
    if changes and not args.source:
        raise BadRequestError("name the source too: omni-mcp speakers SOURCE --name A=Ann")
    if changes and args.find:
        raise BadRequestError("--find numbers the speakers anew: find first, then name them")
    async with await open_library(args, ahead="all" if args.find else "nothing") as engine:
        if args.find:
            found, failed = await _find(engine, args.source)
        else:
            for speaker, name in changes:
                await engine.name_speaker(args.source, speaker, name)
            found, failed = list(await engine.speakers(args.source)), []
    if args.json:
        as_json(found)
    else:
        _report(found, whole=not args.source and not args.find)
        for title, why in failed:
            hint(f"{one_line(title)}: {one_line(why, 400)}", error=True)
    return int(bool(failed))


def _changes(args: argparse.Namespace) -> list[tuple[str, str]]:
    changes = []
    for given in args.name:
        speaker, equals, name = given.partition("=")
        if not (equals and speaker.strip() and name.strip()):
            raise BadRequestError(f"--name is SPEAKER=NAME, as in A=Ann; not {given!r}")
        changes.append((speaker.strip(), name.strip()))
    return changes + [(speaker, "") for speaker in args.unname]


async def _find(engine: EngineApi, source: str) -> tuple[list[SpeakersOf], list[tuple[str, str]]]:
    """Listen again to one source, or to every one with sound in which nobody was told apart."""
    if source:
        with Bar() as bar:
            bar.show(0.0, "listening")
            return [await engine.find_speakers(source)], []
    wanted: list[SourceRow] = []
    cursor = ""
    while True:
        page = await engine.sources(limit=100, cursor=cursor, state="ready")
        wanted += [
            row
            for row in page.sources
            if row.duration_s and not (await engine.speakers(row.id))[0].speakers
        ]
        cursor = page.next_cursor
        if not cursor:
            break
    found, failed = [], []
    with Bar() as bar:
        for number, row in enumerate(wanted):
            bar.show(number / len(wanted), f"listening {number + 1}/{len(wanted)} {row.title}")
            try:
                found.append(await engine.find_speakers(row.id))
            except OmniError as e:
                if e.code == "MODEL_UNAVAILABLE" or without_workers(e):  # likewise for the others
                    raise
                failed.append((row.title, str(e)))
    return found, failed


def _report(found: Sequence[SpeakersOf], *, whole: bool) -> None:
    if whole and not found:
        say("no speaker has a name yet; `omni-mcp speakers SOURCE` lists those of a source.")
    for each in found:
        say(f"{each.source.id}  {one_line(each.source.title)}")
        rows = [
            (s.letter, s.name, FROM[s.name_from], clock(s.first_s, short=True),
             f"{s.seconds:.0f} s", str(s.turns))
            for s in each.speakers
        ]  # fmt: skip
        if rows:
            table(rows, ("", "name", "from", "first", "speaks", "turns"), right=(3, 4, 5))
        if each.note:
            hint(one_line(each.note, 400))
    if any(not s.name for each in found for s in each.speakers):
        hint("give one a name: omni-mcp speakers SOURCE --name A=Ann")


async def voices(args: argparse.Namespace) -> int:
    """List the voices that are kept, or delete them."""
    async with await open_library(args, ahead="nothing") as engine:
        if args.action == "forget":
            if not args.yes and not _agreed(args.name or "", args.json):
                say("nothing was deleted.")
                return 0
            gone = await engine.forget_voices(args.name or "")
            if args.json:
                as_json({"forgotten": gone})
            else:
                say(f"deleted {counted(gone, 'voice')}; names that were given stay.")
            return 0
        kept = await engine.kept_voices()
    if args.json:
        as_json(kept)
    elif not kept:
        say("no voices are kept.")
        hint("OMNI_VOICES=1 keeps them, so that a named speaker is recognised in other files")
    else:
        rows = [(v.name or "(no name)", str(v.sources)) for v in kept]
        table(rows, ("voice", "sources"), right=(1,))
        hint("delete them: omni-mcp voices forget [NAME]")
    return 0


def _agreed(name: str, as_data: bool) -> bool:
    if as_data or not sys.stdin.isatty():
        raise BadRequestError("voices forget asks before it deletes; give --yes in a script")
    whose = f"the voice of {one_line(name)}" if name else "all voices"
    return input(f"Delete {whose}? [y/N] ").strip().lower() in ("y", "yes")
