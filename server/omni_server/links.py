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

from omni_core.errors import NotFoundError, RefusedError
from omni_core.files import write_atomically

LINK_S = 600
"""Lifetime of a signed link, seconds."""
KEY_FILE = "links.key"
_MARK = 32
_FOLDER = 6


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

    def path(self, path: str) -> str:
        """`/media/TOKEN`, which opens this file for ten minutes and nothing else.

        Raises ValueError for a file outside the folders. Blocks.
        """
        real = Path(path).resolve()
        mark, folder = next(
            ((m, f) for m, f in self._folders.items() if real.is_relative_to(f)),
            (b"", self._store),
        )
        name = os.fsencode(real.relative_to(folder))
        body = struct.pack(">Q", int(self._clock()) + LINK_S) + mark + name
        return f"/media/{_text(self._sign(body) + body)}"

    def file(self, token: str) -> Path:
        """The file that `token` opens; raises RefusedError for a false or expired one. Blocks."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        mark, body = raw[:_MARK], raw[_MARK:]
        if len(body) < 9 + _FOLDER or not hmac.compare_digest(mark, self._sign(body)):
            raise RefusedError("this link is not valid")
        if struct.unpack(">Q", body[:8])[0] < self._clock():
            raise RefusedError("this link has expired: call get_segment again")
        folder = self._folders.get(body[8 : 8 + _FOLDER])  # None: a root that is one no more
        path = (folder / os.fsdecode(body[8 + _FOLDER :])).resolve() if folder else None
        if path is None or not path.is_relative_to(folder or path) or not path.is_file():
            raise NotFoundError("the file is gone: call get_segment again")
        return path

    def _sign(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()


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
