"""The file that a decoder works on, held open: whatever a library opens, it is that one.

Libraries open files by name, some of them several times. On Linux each is given a private name that
leads to the descriptor (`private_names`); elsewhere the path, which is compared before and after.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from omni_core.errors import NotFoundError, OmniError
from omni_core.media.private_names import Name, PrivateNames
from omni_core.originals import Original, changed, of_descriptor, open_file, reopen

File = str | Original
"""What a decoder is asked to open: a path, or the file that was hashed, and no other."""
_held: dict[str, Held] = {}
"""By the name that the libraries are given."""


@dataclass(slots=True)
class Held:
    """A file that is held open."""

    file: Original
    fd: int
    names: PrivateNames
    name: Name | None
    beside: list[tuple[int, Original]] = field(default_factory=list)
    """Descriptors of the files that were read with it: subtitles."""

    @property
    def path(self) -> str:
        """The name by which libraries open it."""
        return self.file.path if self.name is None else self.name.path

    def check(self) -> None:
        """Raise UnreadableError SOURCE_CHANGED where it, or a file that was read with it, is not
        what it was when it was opened."""
        for fd, file in ((self.fd, self.file), *self.beside):
            if not of_descriptor(fd, file.path, links=file.links).same_bytes(file):
                raise changed(file.name)
        if self.name is None:
            os.close(reopen(self.file))
        elif not self.names.is_ours(self.name):
            raise OmniError("another program changed the folder of a decoder; try again")


class Holder:
    """Holds the files of one decoder process."""

    def __init__(self) -> None:
        """Nothing is made before the first file."""
        self._names = PrivateNames()

    @contextmanager
    def hold(self, file: File) -> Iterator[Held]:
        """The file, held open within the block and compared at its end.

        Raises NotFoundError where it cannot be opened, UnreadableError SOURCE_CHANGED where it is
        not, or no longer, the file that was asked for.
        """
        held = self._held(*_opened(file))
        before = _held.get(held.path)
        _held[held.path] = held
        try:
            yield held
        except Exception:
            held.check()  # what was raised may come of bytes that are none of its own
            raise
        else:
            held.check()
        finally:
            _let_go(held, before)

    def _held(self, fd: int, file: Original) -> Held:
        name = self._names.name(file, fd)
        if name is not None:
            name.uses += 1
            if name.fd != fd:  # it is held already, in the same state
                os.close(fd)
                fd = name.fd
        return Held(file, fd, self._names, name)

    def close(self) -> None:
        """Remove what was made."""
        self._names.close()


def held_as(path: str) -> Held | None:
    """The file that libraries open under this name; None for a path that nobody holds."""
    return _held.get(path)


def own_bytes(held: Held | None, path: str, limit: int) -> bytes | None:
    """Up to `limit` bytes of a file beside one that a decoder works on, held or not; None for a
    link out of its folder."""
    folder = os.path.realpath(os.path.dirname(path))
    if not os.path.isfile(path) or os.path.dirname(os.path.realpath(path)) != folder:
        return None
    if held is not None:
        return read_beside(held, path, limit)
    with open(path, "rb") as f:
        return f.read(limit)


def read_beside(held: Held, path: str, limit: int) -> bytes | None:
    """Up to `limit` bytes of a file in a folder beside the held one; None for a link out of that
    folder. It must stay as it is until the held file is let go."""
    folder, real = os.path.dirname(path), os.path.realpath(path)
    if os.path.dirname(real) != (os.path.realpath(folder) if held.file.links else folder):
        return None
    return read_with(held, real, limit, links=False)


def read_with(held: Held, path: str, limit: int, *, links: bool) -> bytes:
    """Up to `limit` bytes of another file, which must stay as it is until the held one is let go.

    Raises OSError, and as `open_file` does.
    """
    fd = open_file(path, links=links)
    held.beside.append((fd, of_descriptor(fd, path, links=links)))
    with os.fdopen(fd, "rb", closefd=False) as f:
        data = f.read(limit)
    held.check()
    return data


def _opened(file: File) -> tuple[int, Original]:
    if isinstance(file, Original):
        fd = reopen(file)
        return fd, of_descriptor(fd, file.path, links=file.links)
    try:
        fd = open_file(file)
    except OSError as e:
        name = os.path.basename(file)
        raise NotFoundError(f"{name!r} cannot be read: {e.strerror or 'no such file'}") from e
    return fd, of_descriptor(fd, file, links=True)


def _let_go(held: Held, before: Held | None) -> None:
    for fd, _ in held.beside:
        os.close(fd)
    if held.name is not None:
        held.name.uses -= 1
    if held.name is None or not held.name.uses:
        os.close(held.fd)
    if before is None:
        _held.pop(held.path, None)
    else:
        _held[held.path] = before
