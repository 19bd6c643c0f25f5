"""Puts a backup of a store back: each file checked, the catalog last."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from omni_core.catalog.checking import RESTORING
from omni_core.catalog.lock import StoreLock
from omni_core.engine.moving.backup import CATALOG, FORMAT, MANIFEST, Progress
from omni_core.engine.results import BackupStatus
from omni_core.errors import BadRequestError, NotFoundError, StoreError, UnreadableError
from omni_core.files import copy_verified, used_bytes, write_atomically
from omni_core.tasks import in_thread
from omni_core.unfinished import sweep


async def restore(backup: Path, store: Path, *, progress: Progress | None = None) -> BackupStatus:
    """Make `store` a copy of the backup, each file checked by its sha256; a new folder, or one
    that holds no library.

    Raises NotFoundError and UnreadableError for what is no complete backup, BadRequestError when
    the store holds a library, StoreError when it is in use or cannot be written.
    """
    manifest = await asyncio.to_thread(_manifest, backup)
    if await asyncio.to_thread((store / CATALOG).exists):
        raise BadRequestError(
            f"{store} holds a library; name another folder with --store, or move that one away"
        )
    files: dict[str, Any] = manifest["files"]
    if stray := await asyncio.to_thread(_stray, store, files):
        raise BadRequestError(
            f"{store} holds an index that is not of this backup ({stray}); name another folder "
            "with --store, or move that one away"
        )
    status = BackupStatus(
        str(store), len(files), sources=manifest["sources"], segments=manifest["segments"]
    )
    try:
        await asyncio.to_thread(store.mkdir, parents=True, exist_ok=True, mode=0o700)
        lock = await asyncio.to_thread(StoreLock, store)
        try:
            await in_thread(_note, store, backup)
            for folder in {(store / name).parent for name in files}:
                await in_thread(sweep, folder)
            # the catalog last: without it the folder holds no library, and this can be run again
            for name in sorted(files, key=lambda name: (name == CATALOG, name)):
                await in_thread(_put_back, backup, store, name, files[name])
                status = replace(
                    status,
                    files_done=status.files_done + 1,
                    bytes=status.bytes + await asyncio.to_thread(used_bytes, store / name),
                )
                if progress is not None:
                    await progress(status)
            await in_thread((store / RESTORING).unlink)
        finally:
            await asyncio.to_thread(lock.release)
    except OSError as e:
        raise StoreError(f"cannot write {store}: {e.strerror or e}") from e
    return status


def _note(store: Path, backup: Path) -> None:
    """Note what is being restored, so that nobody takes half of it for a library."""
    write_atomically(store / RESTORING, str(backup.absolute()).encode(errors="replace"))


def _stray(store: Path, files: Collection[str]) -> str:
    """A file of an index in the store that is none of these, which would be taken for a part of it;
    "" for none. Copies that an interrupted restoration left begin with a dot."""
    found = (p for p in (store / "index").rglob("*") if p.is_file() and p.name[0] != ".")
    names = (p.relative_to(store).as_posix() for p in found)
    return next((name for name in names if name not in files), "")


def _manifest(backup: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
        version = facts["format"]
        if version == FORMAT:
            _check_files(facts["files"])
            int(facts["sources"]), int(facts["segments"])
    except (FileNotFoundError, NotADirectoryError) as e:
        raise NotFoundError(
            f"{backup} is no backup, or not a complete one: it has no {MANIFEST}"
        ) from e
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise UnreadableError(f"{backup / MANIFEST} is damaged ({type(e).__name__}: {e})") from e
    if version != FORMAT:
        raise UnreadableError(f"the backup has format {version!r}, this version reads {FORMAT}")
    return facts


def _check_files(files: dict[str, dict[str, Any]]) -> None:
    """Raises for a list of files that is none, or not of a whole library."""
    for name, facts in files.items():
        path = Path(name)
        if path.is_absolute() or ".." in path.parts or "\0" in name:
            raise ValueError("a file lies outside")
        str.encode(facts["sha256"])
    if CATALOG not in files:
        raise ValueError(f"it names no {CATALOG}")


def _put_back(backup: Path, store: Path, name: str, facts: dict[str, Any]) -> None:
    _require_readable(backup, name)
    if not copy_verified(backup / name, store / name, facts["sha256"]):
        raise UnreadableError(f"{name} of the backup {backup} is damaged; it cannot be used")


def _require_readable(backup: Path, name: str) -> None:
    """Raise UnreadableError where the backup has no such file that can be opened: what fails after
    that is the store's."""
    file = backup / name
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # a pipe would be waited for
            raise UnreadableError(f"{name} of the backup {backup} is no file; it cannot be used")
        file.open("rb").close()
    except (FileNotFoundError, NotADirectoryError):
        raise UnreadableError(f"the backup {backup} lacks {name}; it cannot be used") from None
    except OSError as e:
        raise UnreadableError(f"{name} of the backup {backup} cannot be read: {e.strerror}") from e
