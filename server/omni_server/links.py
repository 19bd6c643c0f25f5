"""Signed links to files; compared in constant time and never logged."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from omni_core.errors import NotFoundError, RefusedError, UnreadableError
from omni_core.files import write_atomically
from omni_core.originals import Original, look, of_descriptor, open_file

LINK_S = 600
"""Lifetime of a signed link, seconds."""
KEY_FILE = "links.key"
_MARK = 32
_FOLDER = 6
_STATE = 8
_ANY = bytes(_STATE)
"""Stands for any state of a file."""


class Links:
    """Signs links to files under the store and some more folders.

    The key stays in the store, readable by its user alone, so that links outlive a restart of the
    server. Who can read it can read the whole library anyway.
    """

    def __init__(
        self, store: Path, more: Sequence[Path] = (), *, clock: Callable[[], float] = time.time
    ) -> None:
        """Blocks while it reads or writes the key."""
        folders = [f.resolve() for f in (store, *more)]
        self._folders = {hashlib.sha256(bytes(f)).digest()[:_FOLDER]: f for f in folders}
        self._store = folders[0]
        self._key = _key(store / KEY_FILE)
        self._clock = clock

    def path(self, path: str, *, as_it_is: bool = False) -> str:
        """`/media/TOKEN`, which opens this file for ten minutes and nothing else; with `as_it_is`
        not once it is changed.

        Raises ValueError for a file outside the folders, OSError for one that is gone. Blocks.
        """
        real = Path(path).resolve()
        mark, folder = next(
            ((m, f) for m, f in self._folders.items() if real.is_relative_to(f)),
            (b"", self._store),
        )
        name = os.fsencode(real.relative_to(folder))
        state = _state(look(str(real), links=False)) if as_it_is else _ANY
        body = struct.pack(">Q", int(self._clock()) + LINK_S) + mark + state + name
        return f"/media/{_text(self._sign(body) + body)}"

    def opened(self, token: str) -> tuple[BinaryIO, Path]:
        """The file that `token` opens, to be closed by the caller, and its path.

        Raises RefusedError for a false or expired token, NotFoundError. Blocks.
        """
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        mark, body = raw[:_MARK], raw[_MARK:]
        if len(body) < 9 + _FOLDER + _STATE or not hmac.compare_digest(mark, self._sign(body)):
            raise RefusedError("this link is not valid")
        if struct.unpack(">Q", body[:8])[0] < self._clock():
            raise RefusedError("this link has expired: call get_segment again")
        folder = self._folders.get(body[8 : 8 + _FOLDER])  # None: a root that is one no more
        state, name = body[8 + _FOLDER : 8 + _FOLDER + _STATE], body[8 + _FOLDER + _STATE :]
        path = (folder / os.fsdecode(name)).resolve() if folder else None
        if path is None or not path.is_relative_to(folder or path):
            raise _gone()
        try:
            fd = open_file(str(path), links=False)
        except (OSError, UnreadableError):
            raise _gone() from None
        file = os.fdopen(fd, "rb")
        if state not in (_ANY, _state(of_descriptor(fd, str(path), links=False))):
            file.close()
            raise NotFoundError("the file was changed: call get_segment again")
        return file, path

    def _sign(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()


def _state(file: Original) -> bytes:
    return hashlib.sha256(repr(file.state).encode()).digest()[:_STATE]


def _gone() -> NotFoundError:
    return NotFoundError("the file is gone: call get_segment again")


def _key(path: Path) -> bytes:
    """The key in this file; a new one where there is none, or one that others may read."""
    try:
        key = path.read_bytes()
        if len(key) == 32 and (os.name != "posix" or not path.stat().st_mode & 0o077):
            return key
    except OSError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, secrets.token_bytes(32), mode=0o600)
    return path.read_bytes()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
