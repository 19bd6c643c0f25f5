"""Atomic and synced file writes, copies, the sha256 of a file, and choices of paths."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from omni_core.unfinished import Unfinished

BLOCK = 64 << 10


def write_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace a file by a rename: readers see the old bytes or the new ones, also after a crash,
    and the new ones survive a power failure once this returns (2 ms on an SSD).

    Of several writers the last to finish wins. A missing folder is created.
    mode: permission bits of the file; by default those of the process (umask).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Unfinished(path, private=mode is not None)
    try:
        new = unfinished.make()
        with new.open("r+b") as f:
            f.write(data)
            f.flush()
            if mode is not None:
                new.chmod(mode)
            os.fsync(f.fileno())
        os.replace(new, path)
    finally:
        unfinished.remove()
    sync(path.parent)


def put_in_place(new: Path, path: Path) -> None:
    """Give a finished file or folder its name, replacing a file of that name; what is in it and
    the name survive a power failure once this returns. OSError where a folder of the name holds
    something."""
    for item in [new, *new.rglob("*")] if new.is_dir() else [new]:
        if not item.is_symlink():
            sync(item)
    os.replace(new, path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Make the bytes of a file durable, those in memory maps of it too (but on Windows), or the
    names in a folder, for which Windows has no such call."""
    if os.name == "posix" or path.is_file():
        handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, 64 hexadecimal digits; blocks while it reads them."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def copy_tree(old: Path, new: Path) -> None:
    """Copy a folder; runs of zeros become holes, as in the files of Qdrant Edge: 248 MB in length
    of which 2 MB are data. Links are not followed, and left out."""
    for folder, names, files in os.walk(old):
        here = new / os.path.relpath(folder, old)
        here.mkdir(parents=True, exist_ok=True)
        names[:] = [n for n in names if not os.path.islink(os.path.join(folder, n))]
        for name in files:
            if not os.path.islink(path := os.path.join(folder, name)):
                copy_sparse(Path(path), here / name)


def copy_sparse(old: Path, new: Path) -> None:
    """Copy a file with its times and mode; blocks of zeros are not written."""
    zeros = bytes(BLOCK)
    with old.open("rb") as source, new.open("wb") as target:
        while block := source.read(BLOCK):
            if block == zeros[: len(block)]:
                target.seek(len(block), os.SEEK_CUR)
            else:
                target.write(block)
        target.truncate(target.tell())
    shutil.copystat(old, new)


def copy_verified(old: Path, new: Path, sha256: str) -> bool:
    """Replace `new` by a copy of `old`, as `write_atomically` does, if the copy has this sha256;
    False, and nothing is replaced, if not."""
    new.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Unfinished(new)
    try:
        copy = unfinished.make()
        copy_sparse(old, copy)
        if sha256_of(copy) != sha256:
            return False
        put_in_place(copy, new)
    finally:
        unfinished.remove()
    return True


def used_bytes(path: Path) -> int:
    """Disk usage of a file or a folder in bytes, by blocks where the system reports them; what
    vanishes meanwhile counts nothing."""
    total = 0
    for item in [path, *path.rglob("*")]:
        try:
            stat = item.lstat()
        except FileNotFoundError:
            continue
        total += getattr(stat, "st_blocks", -(-stat.st_size // 512)) * 512
    return total


class Chosen:
    """Whether a path is one of these, or lies in a folder that is one of them. By names alone:
    links are not followed, and nothing need be there."""

    def __init__(self, paths: Iterable[str] | None) -> None:
        """None chooses every path."""
        self._paths = None if paths is None else frozenset(paths)
        self._folders: dict[str, bool] = {}

    def __contains__(self, path: str) -> bool:
        if self._paths is None or path in self._paths:
            return True
        above: list[str] = []
        known = self._folders.get(path)
        while known is None:
            folder = os.path.dirname(path)
            if folder == path:
                known = False
            elif folder in self._paths:
                known = True
            else:
                known = self._folders.get(folder)
                above.append(folder)
            path = folder
        self._folders.update(dict.fromkeys(above, known))
        return known
