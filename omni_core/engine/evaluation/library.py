"""The files that an evaluation is about: ingested under their names, or under numbers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from omni_core.engine.ingest.jobs import without_subtitle_files
from omni_core.engine.results import IngestRequest, IngestStatus
from omni_core.errors import BadRequestError
from omni_core.text.titles import title_of

if TYPE_CHECKING:
    from omni_core.engine.api import EngineApi

COLLECTION = "default"

Ingesting = Callable[[int, int, str], Awaitable[None]]
"""Told the number of the file, of how many, and its name, before each."""


async def ingest(
    engine: EngineApi, media: Path, *, hide_names: bool, before_each: Ingesting
) -> dict[str, IngestStatus]:
    """Ingest every file of a folder; the status of each by its path in the folder.

    With `hide_names` a number stands in for the name of a file: what is found is found by what is
    in it. Raises BadRequestError when the library holds a file the other way.
    """
    files = await asyncio.to_thread(_files, media)
    found: dict[str, IngestStatus] = {}
    for number, path in enumerate(files, 1):
        item = path.relative_to(media).as_posix()
        await before_each(number, len(files), item)
        name = number_for(item) if hide_names else ""
        status = await engine.ingest(IngestRequest(str(path), name=name, collection=COLLECTION))
        _check_title(status, item, hide_names)
        found[item] = status
    return found


def number_for(item: str) -> str:
    """Eight digits that stand in for a file's name, the same in every run."""
    digest = hashlib.blake2b(item.encode(), digest_size=8).digest()
    return f"{int.from_bytes(digest) % 10**8:08d}"


def folder(path: str) -> Path:
    """The media folder. Raises BadRequestError when there is none."""
    media = Path(path).expanduser().resolve()
    if not media.is_dir():
        raise BadRequestError(f"{media} is not a folder")
    return media


def _check_title(status: IngestStatus, item: str, hide_names: bool) -> None:
    if not status.already:
        return
    if hide_names and status.title == title_of(item):
        held = "under its name, and --hide-names was given"
    elif not hide_names and status.title == number_for(item):
        held = "under a number: it was filled with --hide-names"
    else:
        return
    raise BadRequestError(f"the library holds {item} {held}; choose another folder with --store")


def _files(media: Path) -> list[Path]:
    found = sorted(
        str(p)
        for p in media.rglob("*")
        if p.is_file() and p.suffix != ".json" and not p.name.startswith(".")
    )
    return [Path(p) for p in without_subtitle_files(found)]
