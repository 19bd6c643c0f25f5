"""The sha256 of a file, which identifies a source, and the file that has it now."""

from __future__ import annotations

import asyncio
import logging
import os
from functools import partial

from omni_core import file_calls
from omni_core.engine.context import Context
from omni_core.errors import NotFoundError, OmniError, StoreError
from omni_core.originals import Original, hashed, look
from omni_core.types import SourceRow

log = logging.getLogger(__name__)

MAX_KNOWN = 1000
"""Files whose hash is remembered while the library is open."""


async def read_hash(path: str, *, links: bool = True) -> tuple[str, Original]:
    """The sha256 of a file's bytes in hex, and the file as it was then, off the event loop.

    Raises NotFoundError; UnreadableError (SOURCE_CHANGED) where it is changed meanwhile;
    UnavailableError (FILES_SLOW) where its drive does not answer.
    """
    try:
        work = partial(hashed, path, links=links)
        return await file_calls.run_long(work, on=os.path.dirname(path))
    except OSError as e:
        name = os.path.basename(path)
        raise NotFoundError(f"{name!r} cannot be read: {e.strerror or e}") from e


def remember(context: Context, file: Original, sha256: str) -> None:
    """Know the hash of a file in this state by `context.hashes` from now on."""
    context.hashes[file] = sha256
    if len(context.hashes) > MAX_KNOWN:
        context.hashes.popitem(last=False)


async def current_file(context: Context, row: SourceRow) -> tuple[Original | None, str]:
    """A file that still has the ingested bytes, of all paths they were ingested from; else None,
    and a warning that says why. A decoder opens it in this state only."""
    known = await asyncio.to_thread(context.catalog.paths, row.sha256)
    changed = False
    for path in dict.fromkeys([row.uri, *known]):
        file = await _look(path)
        if file is None:
            continue
        same = await asyncio.to_thread(context.catalog.by_path, path, **file.state)
        if same == row.sha256:
            return file, ""
        # Copying or restoring a file changes its times, not its bytes.
        again = await _hashed_again(context, row, file) if file.size == row.size else None
        if again is not None:
            return again, ""
        changed = True
    name = os.path.basename(row.uri)
    if changed:
        return None, (
            f"SOURCE_CHANGED: {name!r} was changed after it was ingested; the words below are of "
            "the old version, and so is the image; ingest it again"
        )
    since = "no longer where it was"
    if row.missing_since is not None:
        since = f"gone since {row.missing_since:%Y-%m-%d %H:%M} UTC"
    return None, (
        f"SOURCE_MISSING: {name!r} is {since}; the words below were kept, "
        "of the images only thumbnails"
    )


async def _hashed_again(context: Context, row: SourceRow, file: Original) -> Original | None:
    """The file, if it has the bytes of the source; its state is noted, so that it is known by that
    the next time. Neither a store that cannot be written nor a file with other bytes of the same
    size is read at every opening: what it holds is remembered."""
    sha256 = context.hashes.get(file)
    if sha256 is None:
        try:
            sha256, file = await read_hash(file.path)
        except OmniError as e:
            log.debug("%s: %s", file.path, e)
            return None
        remember(context, file, sha256)
        if sha256 == row.bytes_sha256:
            try:
                await asyncio.to_thread(
                    context.catalog.note_state, row.sha256, file.path, **file.state
                )
            except StoreError as e:
                log.debug("the state of %s is not noted: %s", file.path, e)
    return file if sha256 == row.bytes_sha256 else None


async def _look(path: str) -> Original | None:
    try:
        return await file_calls.run(partial(look, path), on=os.path.dirname(path))
    except (OSError, OmniError):  # gone, or on a drive that does not answer
        return None
