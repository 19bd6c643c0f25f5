"""Files and folders that are being written, under `.NAME.HEX` until they get their name.

The process that writes one holds a lock on it, which vanishes with the process, however that ends:
what a killed one left behind is known by its name and by that nobody holds it. Windows keeps open
files from being removed, and has no locks of folders: there it stays.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from pathlib import Path

from omni_core import forks
from omni_core.file_lock import try_lock_whole

_NAME = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{12}")
_POSIX = os.name == "posix"


class Unfinished:
    """A new file, or a new folder, beside the one that it becomes."""

    def __init__(self, final: Path, *, folder: bool = False, private: bool = False) -> None:
        """Nothing is made yet; `private`: for its owner alone."""
        self._final, self._folder, self._private = final, folder, private
        self._path: Path | None = None
        self._held: int | None = None

    def make(self) -> Path:
        """Make it, a folder with those above it where they are missing. Raises OSError."""
        while True:
            path = self._final.with_name(f".{self._final.name}.{secrets.token_hex(6)}")
            if self._folder:
                path.mkdir(mode=0o700 if self._private else 0o777, parents=True)
            else:
                path.touch(mode=0o600 if self._private else 0o666, exist_ok=False)
            self._path = path
            if not _POSIX or self._hold(path):
                return path

    def remove(self) -> None:
        """Let go of it, and remove it where it has not got its name."""
        self._let_go()
        if self._path is not None:
            _remove(self._path)

    def _hold(self, path: Path) -> bool:
        """Lock it; False where another process has taken it for abandoned before."""
        try:
            self._held = os.open(path, os.O_RDONLY)
            forks.close_in_children(self._held)
            if _lock(self._held) and path.stat().st_ino == os.fstat(self._held).st_ino:
                return True
        except FileNotFoundError:
            pass
        self._let_go()
        return False

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            forks.forget(held)
            os.close(held)


def sweep(folder: Path, name: str | None = None) -> int:
    """Remove what killed processes left unfinished in this folder, of any name or of one; how
    many. What cannot be looked at, as what belongs to another user, stays."""
    removed = 0
    with contextlib.suppress(OSError):
        with os.scandir(folder) as entries:  # there may be thousands of folders with thousands each
            hidden = sorted(e.name for e in entries if e.name.startswith("."))
        for each in hidden:
            found = _NAME.fullmatch(each)
            if found and name in (None, found["name"]) and not (folder / each).is_symlink():
                removed += _abandoned(folder / each)
    return removed


def _abandoned(path: Path) -> bool:
    """Remove it where nobody holds it; whether that was so."""
    if not _POSIX:
        return False
    try:
        held = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not _lock(held, without=False):
            return False
        _remove(path)
    finally:
        os.close(held)
    return not path.exists()


def _lock(descriptor: int, *, without: bool = True) -> bool:
    """Whether it could be locked; `without` where the file system has no locks."""
    try:
        return try_lock_whole(descriptor)
    except OSError:
        return without


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
