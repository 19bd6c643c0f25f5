"""search, similar, show."""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path
from typing import Any

from omni_core import Modality, OpenRequest, SearchRequest
from omni_core.engine.results import Opened, SearchHit, SearchResult
from omni_core.text.clean import clean
from omni_server.cli.opening import open_library
from omni_server.cli.printing import as_json, hint, plain, say
from omni_server.text import counted, excerpt, one_line


async def search(args: argparse.Namespace) -> int:
    """Print the moments that answer a question."""
    request = SearchRequest(
        query=args.query,
        source=args.source,
        exclude=args.exclude,
        order=args.order,
        after=args.after,
        before=args.before,
        count=args.count,
        **_filters(args),
    )
    return await _ask(args, request)


async def similar(args: argparse.Namespace) -> int:
    """Print moments similar to a segment or a file."""
    path = _file(args.example)
    request = SearchRequest(
        path=path,
        ref="" if path else args.example,
        not_like=tuple(args.not_like),
        same_source=args.same_source,
        **_filters(args),
    )
    return await _ask(args, request)


def _file(example: str) -> str:
    path = Path(example).expanduser()
    return str(path.absolute()) if path.is_file() else ""


def _filters(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "modality": tuple(Modality(m) for m in args.modality),
        "when": args.when,
        "collection": args.collection,
        "limit": args.limit,
        "per_source": args.per_source,
        "cursor": args.cursor,
    }


async def _ask(args: argparse.Namespace, request: SearchRequest) -> int:
    async with await open_library(args, ahead="encoder") as engine:
        result = await engine.search(request)
    if args.json:
        as_json(result)
    else:
        _print(result)
    return 0


def _print(result: SearchResult) -> None:
    if result.when_resolved:
        say(f"when: {result.when_resolved}")
    if result.read_as:
        say(f"read as: {one_line(result.read_as, 1000)}")
    if result.count is not None:
        say(f"count: {'at least ' if result.at_least else ''}{result.count}")
    for number, hit in enumerate(result.hits, 1):
        _print_hit(f"{number}.", hit)
    if not result.hits:
        say("nothing found.")
        if result.nearest:
            say("the nearest, below the score threshold:")
            _print_hit("-", result.nearest)
    if result.note:
        say(one_line(result.note, 1000))
    hint(
        f"{counted(result.searched_segments, 'segment')} of "
        f"{counted(result.searched_sources, 'source')} searched"
    )
    if result.second_stage:
        hint(one_line(result.second_stage, 1000))
    if result.hits:
        hint(f"open one: omni-mcp show {result.hits[0].ref} --save evidence/")
    if result.next_cursor:
        hint(f"more: --cursor {result.next_cursor}")


def _print_hit(mark: str, hit: SearchHit) -> None:
    why = ", ".join(c.replace("_", " ") for c in hit.why)
    partial = f"  ({one_line(hit.partial)})" if hit.partial else ""
    say(f"{mark:3} {one_line(hit.cite)}  {hit.match}: {why}{partial}")
    if hit.heading:
        say(f"    under {one_line(hit.heading, 100)!r}")
    if hit.text:
        said = f"{one_line(hit.speaker, 80)}: " if hit.speaker else ""
        say(f"    {said}{excerpt(hit.text, 40, 100)}")
    say(f"    {hit.ref}")
    if hit.also_at:
        say(f"    also at {', '.join(one_line(a) for a in hit.also_at)}")


async def show(args: argparse.Namespace) -> int:
    """Open evidence; images, clips and audio are written to --save."""
    request = OpenRequest(
        args.ref,
        show=tuple(args.show),
        step=args.step,
        pad_s=args.pad,
        size=args.size,
        crop=args.crop,
    )
    async with await open_library(args, ahead="nothing") as engine:
        opened = await engine.open_ref(request)
        saved = _save(opened, args.save) if args.save else []
    if args.json:
        as_json({**plain(opened), "saved": saved})
        return 0
    _print_opened(opened)
    for path in saved:
        say(f"saved {path}")
    files = len(opened.pictures) + len(opened.clips) + bool(opened.audio_wav)
    if files and not saved:
        hint(f"{counted(files, 'file')} at hand (images, clips, audio): --save DIR writes them")
    return 0


def _print_opened(opened: Opened) -> None:
    say(one_line(opened.cite))
    asked = f" (asked: {one_line(opened.requested)})" if opened.requested else ""
    say(one_line(opened.window) + asked)
    for line in opened.lines:
        place = f"p. {line.start:g}" if line.axis == "page" else f"{line.start:g}-{line.end:g}"
        who = f" {one_line(line.speaker, 80)}:" if line.speaker else ""
        say(f"  {place:>14}  {line.channel.replace('_', ' ')} ({one_line(line.origin)}){who}")
        for text in clean(line.text, lines=True).splitlines():
            say(f"    {text}")
    for picture in opened.pictures:
        say(f"  image {picture.width}x{picture.height}: {one_line(picture.caption)}")
    say(one_line(opened.provenance, 1000))
    for name, ref in (("before", opened.previous), ("after", opened.next)):
        if ref:
            say(f"{name}: {ref}")
    for warning in opened.warnings:
        say(one_line(warning, 1000))


def _save(opened: Opened, where: str) -> list[str]:
    folder = Path(where).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", opened.ref).strip("-.")[:80] or "evidence"
    saved = []
    for number, picture in enumerate(opened.pictures, 1):
        path = folder / f"{stem}-{number}.jpg"
        path.write_bytes(picture.jpeg)
        saved.append(str(path))
    for number, clip in enumerate(opened.clips, 1):
        path = folder / f"{stem}-clip{number}{Path(clip.path).suffix}"
        shutil.copyfile(clip.path, path)
        saved.append(str(path))
    if opened.audio_wav:
        path = folder / f"{stem}.wav"
        path.write_bytes(opened.audio_wav)
        saved.append(str(path))
    return saved
