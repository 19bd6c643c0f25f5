"""A library in a store that cannot be written: a mounted snapshot, another user's, a CD.

SQLite and the embedded index write files of their own even to read. So the catalog and the index
are copied into a temporary folder, everything else that is only read is linked, and the library is
opened there; nothing of the store is written, not even a lock. What would change the library is
refused.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from omni_core.errors import StoreError
from omni_core.settings import Settings
from omni_core.unfinished import Unfinished, sweep

LINKED = frozenset({"thumbs", "uploads", "downloads", "weights", "tenants"})
"""Folders of a store that are only read by what a read-only library offers."""
LEFT_OUT = frozenset({"lock", "shared", "clips", "tasks", "cache", "catalog.sqlite-shm"})
"""What is made anew in the temporary folder."""
WRITES = frozenset(
    {
        "ingest", "ingest_folder", "forget", "restore_source", "empty_bin", "import_vectors",
        "note_files", "name_speaker", "find_speakers", "forget_voices", "settle",
    }
)  # fmt: skip
"""The methods of an engine that change a library."""


def is_read_only(store: Path) -> bool:
    """Whether a library lies there that this process cannot write."""
    catalog = store / "catalog.sqlite"
    if not catalog.is_file():
        return False
    return not (os.access(store, os.W_OK | os.X_OK) and os.access(catalog, os.W_OK))


def refuse(settings: Settings) -> None:
    """Raise StoreError READ_ONLY where the library may not be changed."""
    if settings.read_only:
        raise StoreError(
            "this library is read-only: it can be searched and read, and nothing ingested, changed "
            "or removed; for that give a store that can be written",
            code="READ_ONLY",
        )


class Overlay:
    """A temporary store over one that cannot be written; `close` removes it."""

    def __init__(self, settings: Settings) -> None:
        """Copy and link. Blocks as long as copying the index takes; raises StoreError when there
        is no room."""
        store = settings.store_path
        copy = Path(tempfile.gettempdir(), "omni-mcp-read-only")
        self._copy = Unfinished(copy, folder=True, private=True)
        try:
            sweep(copy.parent, copy.name)
            folder = self._copy.make()
            for entry in sorted(store.iterdir()):
                if entry.name not in LEFT_OUT:
                    _take_over(entry, folder / entry.name)
        except OSError as e:
            self.close()
            raise StoreError(
                f"a read-only library is opened as a copy in the temporary folder, which failed: "
                f"{e.strerror or e}; free some space there, or set TMPDIR",
                code="READ_ONLY",
            ) from e
        self.settings = replace(settings, store=str(folder), read_only=True)

    def close(self) -> None:
        """Remove the copies. Those of a killed process the next one removes."""
        self._copy.remove()


def overlaid(settings: Settings) -> Overlay | None:
    """An overlay for the store of the settings where it cannot be written; None where it can, or
    there is no library yet. Blocks."""
    return Overlay(settings) if is_read_only(settings.store_path) else None


def _take_over(entry: Path, to: Path) -> None:
    if entry.name in LINKED:
        to.symlink_to(entry, target_is_directory=True)
    elif entry.is_dir():
        shutil.copytree(entry, to, copy_function=shutil.copyfile)
        for folder, _, _ in os.walk(to):
            os.chmod(folder, 0o700)
    elif entry.is_file():
        shutil.copyfile(entry, to)
        to.chmod(0o600)
