"""A file as it was when it was hashed: what tells that it is still that file, and opening no other.

A path names whatever stands there at the moment: a link, a folder or a file may be swapped between
two opens. So a file is opened once for its hash, and every later open must find the same one:
the same inode with the same size and the same times. A program can set the time of its last
change (mtime) as it likes, but not that of its last change of status (ctime), which every write,
truncation, rename and link moves on. The device is not compared: its number differs after a
restart, and from one machine to the next.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat as stat_module
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from omni_core import file_calls
from omni_core.errors import NotFoundError, UnreadableError
from omni_core.leases import has_writer

CHANGED = "SOURCE_CHANGED"
TICK_S = 0.02
"""Two changes within one tick of the system's clock (10 ms at most) may leave the same times: a
file that has just been written is read when this has passed."""
COARSE_TICK_S = 2.0
"""The same for file systems that keep whole seconds (FAT: every other second)."""
CLOSING_S = 0.2
"""How long a file may still be open for writing that nobody writes any more."""
QUIET_S = 300.0
"""A file that did not change for so long is not being written, whoever has it open: editors and
servers keep files open for days."""
READ_BYTES = 1 << 20
"""Read for a hash at once."""
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CLOSED = getattr(os, "O_CLOEXEC", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_PATH_ONLY = getattr(os, "O_PATH", 0)
_MAX = (1 << 63) - 1
"""Largest number that a catalog holds."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file at a path, as it was at one moment."""

    path: str
    links: bool = True
    """Whether the path may lead through symbolic links. False where it was checked with all links
    resolved (`omni_server.access`): a link that stands there now was put there since."""
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0

    @property
    def name(self) -> str:
        """The name of the file, with its suffix."""
        return os.path.basename(self.path)

    @property
    def state(self) -> dict[str, int]:
        """By which it is known again; the arguments of the catalog's methods for paths."""
        return {
            "size": self.size, "mtime_ns": self.mtime_ns,
            "ctime_ns": self.ctime_ns, "inode": self.inode,
        }  # fmt: skip

    @property
    def elsewhere(self) -> Original:
        """The file as another machine may see it: its times and numbers can be others there."""
        return Original(self.path, self.links, self.size)

    def same_bytes(self, now: Original) -> bool:
        """Whether `now` is this file in this state, as far as that is known of it (0: it is not),
        whatever the paths they were opened by."""
        return all(known in (0, now.state[name]) for name, known in self.state.items())


def of_descriptor(fd: int, path: str, *, links: bool) -> Original:
    """The open file as it is now."""
    s = os.fstat(fd)
    return Original(path, links, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino & _MAX)


def open_file(path: str, *, links: bool = True) -> int:
    """A descriptor of the regular file at `path`, to be closed by the caller; never waits for a
    pipe. Raises OSError; UnreadableError for what is no regular file; UnreadableError
    SOURCE_CHANGED, where `links` is False, for a path with a symbolic link in it."""
    if links:
        fd = os.open(path, _READ | _CLOSED)
    else:
        try:
            fd = _open_without_links(path)
        except OSError as e:
            if e.errno in (errno.ELOOP, errno.ENOTDIR):
                raise changed(os.path.basename(path), "leads elsewhere since it was checked") from e
            raise
    if not stat_module.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise UnreadableError(
            f"{os.path.basename(path)!r} is not a regular file", code="UNSUPPORTED_TYPE"
        )
    return fd


def _open_without_links(path: str) -> int:
    """Each part is opened in the folder opened before, so that nothing can be swapped between."""
    if not _PATH_ONLY:  # no Linux: links are looked for before and after
        _require_no_links(path)
        fd = os.open(path, _READ | _CLOSED | _NO_FOLLOW)
        try:
            _require_no_links(path)
        except OSError:
            os.close(fd)
            raise
        return fd
    *folders, name = os.path.abspath(path).strip("/").split("/")
    folder_only = _PATH_ONLY | os.O_DIRECTORY | _NO_FOLLOW | _CLOSED
    at = os.open("/", folder_only)
    try:
        for folder in folders:
            deeper = os.open(folder, folder_only, dir_fd=at)
            os.close(at)
            at = deeper
        return os.open(name, _READ | _CLOSED | _NO_FOLLOW, dir_fd=at)
    finally:
        os.close(at)


def _require_no_links(path: str) -> None:
    if os.path.realpath(path) != os.path.abspath(path):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


@contextmanager
def opened(path: str, *, links: bool = True) -> Iterator[tuple[int, Original]]:
    """The descriptor of a file within the block, and the file as it is now. Raises as `open_file`
    does."""
    fd = open_file(path, links=links)
    try:
        yield fd, of_descriptor(fd, path, links=links)
    finally:
        os.close(fd)


def look(path: str, *, links: bool = True) -> Original:
    """The file at a path as it is now. Raises as `open_file` does."""
    with opened(path, links=links) as (_, file):
        return file


def reopen(file: Original) -> int:
    """A descriptor of this file as it was, to be closed by the caller. Raises NotFoundError where
    nothing can be opened, UnreadableError SOURCE_CHANGED where another state or file is there."""
    try:
        fd = open_file(file.path, links=file.links)
    except OSError as e:
        raise NotFoundError(f"{file.name!r} cannot be read: {e.strerror or 'no such file'}") from e
    if not of_descriptor(fd, file.path, links=file.links).same_bytes(file):
        os.close(fd)
        raise changed(file.name)
    return fd


def is_unchanged(file: Original) -> bool:
    """Whether the path still leads to this file as it was."""
    try:
        os.close(reopen(file))
    except (NotFoundError, UnreadableError):
        return False
    return True


def hashed(path: str, *, links: bool = True) -> tuple[str, Original]:
    """The sha256 of a file's bytes in hex, and the file that had them; blocks while it reads.

    Raises as `open_file` does, and UnreadableError SOURCE_CHANGED where it changes meanwhile.
    """
    with opened(path, links=links) as (fd, file):
        _let_settle(file)
        with os.fdopen(fd, "rb", closefd=False) as f:
            sha256 = _digest(f)
        if not of_descriptor(fd, path, links=links).same_bytes(file):
            raise changed(file.name)
    return sha256, file


def _digest(f: BinaryIO) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(READ_BYTES))
    while size := f.readinto(buffer):  # type: ignore[attr-defined]
        file_calls.go_on()
        digest.update(buffer[:size])
    return digest.hexdigest()


def _let_settle(file: Original) -> None:
    """Wait until a later change must leave another time than this one's."""
    whole = file.ctime_ns % 1_000_000_000 == 0 == file.mtime_ns % 1_000_000_000
    tick = COARSE_TICK_S if whole else TICK_S
    left = file.ctime_ns / 1e9 + tick - time.time()
    if 0 < left <= tick:  # more: the clock of another machine
        time.sleep(left)


def is_being_written(file: Original) -> bool:
    """Whether a program has the file open for writing now: it is being copied or recorded.

    Known on Linux only, for files of this user on drives of this machine (`leases`). False where it
    cannot be known. Asked twice, since a program that is about to close it, or to start another
    one, has it open for a moment more.
    """
    if time.time() - max(file.mtime_ns, file.ctime_ns) / 1e9 > QUIET_S or not _has_writer(file):
        return False
    time.sleep(CLOSING_S)
    return _has_writer(file)


def _has_writer(file: Original) -> bool:
    try:
        fd = reopen(file)
    except (NotFoundError, UnreadableError):
        return False  # it is gone, or changed, which is found out elsewhere
    try:
        return has_writer(fd)
    finally:
        os.close(fd)


def changed(name: str, how: str = "was changed while it was read") -> UnreadableError:
    """The error for a file that is not what it was when its reading began; `how`: what was seen."""
    return UnreadableError(f"{name!r} {how}; ingest it again when it is complete", code=CHANGED)
