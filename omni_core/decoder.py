"""A child process that decodes media: its answers are parsed, and it reads what it was given.

Where the kernel has Landlock, a decoder reads the folders that the settings name and those of the
files that it is asked for, and nothing else of this machine; it writes a clip into the clip's
folder. Rights cannot be added to a process, so for a file elsewhere the child is started anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from omni_core.codec import answers_of
from omni_core.originals import Original
from omni_core.protocols import Medium
from omni_core.sandbox import Rules
from omni_core.sandbox.kernel import kernel
from omni_core.sandbox.rules import Mode
from omni_core.types import CutOptions
from omni_core.worker import Worker

TARGET = "omni_core.media.service:service"
MANY = 32
"""Folders from which on those that lie near each other are granted as one."""
ANSWERS = answers_of(Medium)
"""What each call of the decoder returns."""
_Identity = tuple[int, int] | None


class Decoder(Worker):
    """One decoder process: `call` and `stream` take the methods of `Medium` by name.

    Calls come one at a time, each with the path of its file first.
    """

    def __init__(
        self,
        name: str = "decoder",
        *,
        mode: Mode = "auto",
        reads: Sequence[str] = (),
        writes: Sequence[str] = (),
        variables: Sequence[str] = (),
        memory_mb: int = 0,
        nice: int = 0,
        **limits: float | str,
    ) -> None:
        """`reads`, `writes`: folders that it will need; `limits`: the fields of `Limits`."""
        super().__init__(
            name, TARGET, memory_mb=memory_mb, nice=nice, answers=ANSWERS, shares=True,
            rules=self._now, **limits,
        )  # fmt: skip
        self._mode: Mode = mode
        self._variables = tuple(variables)
        self._needed = (tuple(reads), tuple(writes))
        self._reads: set[str] = set()
        self._writes: set[str] = set()
        self._granted: dict[str, _Identity] = {}
        """The folders as they were when the child was started."""

    def _prepare(self, method: str, args: tuple[Any, ...]) -> None:
        """Start the child anew where it may not read or write what this call needs."""
        if self._mode == "off" or not kernel().landlock:
            return
        if method == "__open__":
            method, args = args
        elif method.startswith("__"):
            return
        found = (os.path.dirname(path) for path in _files(method, args))
        needed = [folder for folder in found if os.path.isdir(folder)]  # else it is not there
        written = os.path.dirname(os.path.realpath(args[3])) if method == "clip" else None
        if self.pid is not None:
            reads = all(self._covers(self._reads | self._writes, folder) for folder in needed)
            if reads and (written is None or self._covers(self._writes, written)):
                return
            self.kill()
            self.starts -= 1  # nothing was wrong with it
        for folder in needed:
            _add(self._reads, folder)
        if written is not None:
            _add(self._writes, written)

    def _now(self) -> Rules:
        """The rules at the start of a child, which knows these folders from then on."""
        for folders, needed in zip((self._reads, self._writes), self._needed, strict=True):
            folders.update(map(os.path.realpath, map(os.path.expanduser, needed)))
        self._granted = {folder: _identity(folder) for folder in self._reads | self._writes}
        reads, writes = tuple(sorted(self._reads)), tuple(sorted(self._writes))
        return Rules(self._mode, reads=reads, writes=writes, variables=self._variables)

    def _covers(self, folders: set[str], wanted: str) -> bool:
        """Whether `wanted` lies below one of the folders, and that is the one that was granted."""
        return any(
            _inside(wanted, folder)
            and self._granted.get(folder) is not None
            and self._granted[folder] == _identity(folder)
            for folder in folders
        )


def _files(method: str, args: tuple[Any, ...]) -> Iterator[str]:
    """The files that a call reads, by paths without links: one that was checked has none, and is
    not followed should there be one now."""
    file = args[0]
    checked = isinstance(file, Original) and not file.links
    yield file.path if checked else os.path.realpath(getattr(file, "path", file))
    if method == "decompose" and isinstance(options := args[2], CutOptions) and options.transcript:
        yield os.path.realpath(options.transcript)


def _identity(folder: str) -> _Identity:
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _add(folders: set[str], wanted: str) -> None:
    """Add a folder; with one beside it, their common parent, so that a tree of a thousand folders
    costs a few starts. Never so that a home or a top folder of the system is granted whole, unless
    there are many."""
    if any(_inside(wanted, folder) for folder in folders):
        return
    home = os.path.realpath(os.path.expanduser("~"))
    for folder in sorted(folders, key=len, reverse=True):
        common = os.path.commonpath((wanted, folder))
        narrow = common.count(os.sep) > 1 and not _inside(home, common)
        if narrow or len(folders) >= MANY:
            folders.difference_update({f for f in folders if _inside(f, common)})
            folders.add(common)
            return
    folders.add(wanted)
