"""A package whose parts lie in a file of another kind than a zip."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Callable
from typing import IO

from omni_core.media.document.unread import Unread
from omni_core.media.document.zipped_xml import MAX_TOTAL_BYTES, Package


class MemoryPackage(Package):
    """Parts by their names, each read when it is asked for."""

    def __init__(self, path: str, parts: dict[str, Callable[[], bytes]]) -> None:
        self.name = os.path.basename(path)
        self._left = MAX_TOTAL_BYTES
        self._parts = dict(parts)
        self.names = frozenset(self._parts)
        self.unread = Unread()

    def add(self, part: str, read: Callable[[], bytes]) -> None:
        """One part more."""
        self._parts[part] = read
        self.names = frozenset(self._parts)

    def open(self, part: str) -> IO[bytes]:
        """A part as a file. Raises KeyError, and what reading it raises."""
        return io.BytesIO(self._parts[part]())

    def fingerprint(self, part: str) -> tuple[int, int]:
        """Checksum and size of a part; of a damaged one 0, 0."""
        try:
            data = self._parts[part]()
        except ValueError:
            return 0, 0
        return zlib.crc32(data), len(data)
