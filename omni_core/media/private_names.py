"""Names under which libraries open a descriptor that this process holds, and nothing else.

A name is a link to `/proc/self/fd/7`, which Linux opens by what is open there, not by a path. It
has the file's own name and suffix, since libraries go by these. The links lie in a private folder,
and another program's hand in it does not stay unseen.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path

from omni_core.originals import Original

PREFIX = "omni-held-"
"""How the private folders begin, in the folder for temporary files."""
MAX_NAMES = 32
"""Files whose names are kept from one call to the next."""
_DESCRIPTORS = "/proc/self/fd"


@dataclass(slots=True)
class Name:
    """The private name of one state of a file."""

    folder: Path
    path: str
    fd: int = -1
    """Where it leads, while it is in use."""
    uses: int = 0


class PrivateNames:
    """The private names of one process. The name of one state of a file stays the same, so that
    what is remembered of a file by its path is of these bytes."""

    def __init__(self) -> None:
        """Nothing is made before the first name."""
        self._top: Path | None = None
        self._end: weakref.finalize[..., PrivateNames] | None = None
        self._names: dict[str, Name] = {}
        self._seen: dict[Path, tuple[int, int]] = {}
        """Our folders as we left them."""
        self._possible = os.path.isdir(_DESCRIPTORS)

    def name(self, file: Original, fd: int) -> Name | None:
        """A name that leads to `fd`, which is this file, or, while it is in use, to the descriptor
        of whoever uses it. None where the system has no such names, or no private folder can be
        made. Whoever uses it counts in `uses`."""
        if not self._possible:
            return None
        try:
            return self._linked(file, fd)
        except OSError:
            self._possible = False
            return None

    def is_ours(self, name: Name) -> bool:
        """Whether the name leads to its descriptor, and led nowhere else since it was given: every
        change in our folders leaves another ctime."""
        try:
            return os.readlink(name.path) == f"{_DESCRIPTORS}/{name.fd}" and all(
                self._seen.get(folder) == _mark(folder)
                for folder in (name.folder, name.folder.parent)
            )
        except OSError:
            return False

    def close(self) -> None:
        """Remove the private folder."""
        if self._end is not None:
            self._end()
            self._top = None

    def _linked(self, file: Original, fd: int) -> Name:
        top = self._top or self._made()
        key = hashlib.sha256(repr(file).encode(errors="surrogatepass")).hexdigest()[:20]
        name = self._names.pop(key, None)
        if name is None:
            name = Name(top / key, str(top / key / file.name))
            name.folder.mkdir(mode=0o700)
            self._drop_old()
            self._seen[top] = _mark(top)
        self._names[key] = name
        if name.uses:
            return name
        name.fd = fd
        link = f"{_DESCRIPTORS}/{fd}"
        if not os.path.islink(name.path) or os.readlink(name.path) != link:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name.path)
            os.symlink(link, name.path)
            self._seen[name.folder] = _mark(name.folder)
        return name

    def _drop_old(self) -> None:
        for key in list(self._names)[: 1 - MAX_NAMES]:
            if not self._names[key].uses:
                folder = self._names.pop(key).folder
                self._seen.pop(folder, None)
                shutil.rmtree(folder, ignore_errors=True)

    def _made(self) -> Path:
        """A new folder, which is ours: another process that starts now may take it for left over
        before it is locked."""
        _sweep(Path(tempfile.gettempdir()))
        while True:
            top = Path(tempfile.mkdtemp(prefix=PREFIX))
            lock = os.open(top, os.O_RDONLY)
            if _is_locked(lock) and os.fstat(lock).st_nlink:
                self._end = weakref.finalize(self, _end, top, lock)
                self._top = top
                return top
            os.close(lock)


def _end(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _mark(folder: Path) -> tuple[int, int]:
    found = os.lstat(folder)
    return found.st_ino, found.st_ctime_ns


def _sweep(folder: Path) -> None:
    """Remove the folders of processes that were killed: nobody holds their lock."""
    for path in folder.glob(f"{PREFIX}*"):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            if os.fstat(fd).st_uid == os.getuid() and _is_locked(fd):
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(fd)


def _is_locked(fd: int) -> bool:
    """Whether this process has the lock of the folder now."""
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
