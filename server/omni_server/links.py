"""Signed links to clips; compared in constant time and never logged."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable
from pathlib import Path

from omni_core.errors import NotFoundError, RefusedError

LINK_S = 600
"""Lifetime of a signed link, seconds."""


class Links:
    """Signs links to files under one folder, with a key that is new for each process."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder.resolve()
        self._key = secrets.token_bytes(32)
        self._clock = clock

    def path(self, path: str) -> str:
        """`/media/TOKEN`, which opens this file for ten minutes and nothing else."""
        name = str(Path(path).resolve().relative_to(self._folder))
        body = struct.pack(">Q", int(self._clock()) + LINK_S) + name.encode()
        return f"/media/{_text(self._sign(body) + body)}"

    def file(self, token: str) -> Path:
        """The file that `token` opens; raises RefusedError for a false or expired one."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        mark, body = raw[:32], raw[32:]
        if len(body) < 9 or not hmac.compare_digest(mark, self._sign(body)):
            raise RefusedError("this link is not valid")
        if struct.unpack(">Q", body[:8])[0] < self._clock():
            raise RefusedError("this link has expired: call get_segment again")
        path = (self._folder / body[8:].decode()).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise NotFoundError("the clip is gone: call get_segment again")
        return path

    def _sign(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
