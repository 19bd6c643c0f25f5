"""The properties of Outlook items (MS-OXMSG): texts, bytes, times and numbers by their tags."""

from __future__ import annotations

import codecs
import struct
import uuid
from datetime import UTC, datetime, timedelta

import olefile

from omni_core.text.charset import decode

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_UNICODE, _NARROW, _BINARY, _TIME, _NUMBER = 0x1F, 0x1E, 0x102, 0x40, 0x03
_CODE_PAGES = (0x3FDE, 0x3FFD)
"""Of the message's text on the internet, and of its narrow strings."""


class Properties:
    """Those of a message, a recipient or an attachment, which is a folder of an OLE file."""

    def __init__(
        self, ole: olefile.OleFileIO[str], folder: tuple[str, ...] = (), page: str = ""
    ) -> None:
        """`page`: the code page of narrow strings, of an item that does not name one."""
        self.ole = ole
        self.folder = folder
        self._fixed = self._of_fixed_size()
        self.page = self._code_page() or page

    def text(self, tag: int) -> str:
        """A string; "" where there is none."""
        if wide := self._stream(tag, _UNICODE):
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        return self.decoded(self._stream(tag, _NARROW)).rstrip("\0")

    def decoded(self, data: bytes, *, markup: bool = False) -> str:
        """Bytes in the item's code page, or in what they look like."""
        try:
            return data.decode(self.page) if self.page else decode(data, markup=markup)
        except ValueError:
            return decode(data, markup=markup)

    def data(self, tag: int) -> bytes:
        """Bytes; empty where there are none."""
        return self._stream(tag, _BINARY)

    def time(self, tag: int) -> datetime | None:
        """A time in UTC."""
        ticks = self._fixed.get(tag << 16 | _TIME, b"")
        try:
            return _EPOCH + timedelta(microseconds=struct.unpack("<Q", ticks)[0] // 10)
        except (struct.error, OverflowError):
            return None

    def number(self, tag: int) -> int:
        """A number; 0 where there is none."""
        value = self._fixed.get(tag << 16 | _NUMBER, b"")
        return int(struct.unpack("<i", value[:4])[0]) if len(value) >= 4 else 0

    def folders(self, start: str) -> list[tuple[str, ...]]:
        """The folders within this one whose names begin so, in order of their names."""
        depth = len(self.folder)
        entries = self.ole.listdir(streams=False, storages=True)
        return sorted(
            tuple(e) for e in entries
            if len(e) == depth + 1 and tuple(e[:depth]) == self.folder and e[-1].startswith(start)
        )  # fmt: skip

    def _stream(self, tag: int, kind: int) -> bytes:
        path = [*self.folder, f"__substg1.0_{tag:04X}{kind:04X}"]
        if not self.ole.exists(path):
            return b""
        try:
            return bytes(self.ole.openstream(path).read())
        except OSError:  # the stream is damaged: it costs itself
            return b""

    def _of_fixed_size(self) -> dict[int, bytes]:
        """The values of eight bytes or fewer, by tag and type."""
        path = [*self.folder, "__properties_version1.0"]
        if not self.ole.exists(path):
            return {}
        try:
            data = self.ole.openstream(path).read()
        except OSError:
            return {}
        last = self.folder[-1] if self.folder else ""
        start = 32 if not last else 8 if last.startswith(("__attach", "__recip")) else 24
        entries = (data[at : at + 16] for at in range(start, len(data) - 15, 16))
        return {struct.unpack_from("<I", e)[0]: e[8:] for e in entries}

    def _code_page(self) -> str:
        for tag in _CODE_PAGES:
            number = self.number(tag)
            try:
                return codecs.lookup(
                    {65001: "utf-8", 20127: "ascii"}.get(number, f"cp{number}")
                ).name
            except LookupError:
                continue
        return ""


def named(ole: olefile.OleFileIO[str], space: uuid.UUID, number: int) -> int:
    """The tag of a property that has a number in a set of names; 0 where the file has it not."""
    try:
        sets = ole.openstream(["__nameid_version1.0", "__substg1.0_00020102"]).read()
        entries = ole.openstream(["__nameid_version1.0", "__substg1.0_00030102"]).read()
    except OSError:
        return 0
    for at in range(0, len(entries) - 7, 8):
        known, kind, index = struct.unpack_from("<IHH", entries, at)
        which = (kind >> 1) - 3
        known_set = sets[16 * which : 16 * which + 16] if which >= 0 else b""
        if (known, kind & 1, known_set) == (number, 0, space.bytes_le):
            return 0x8000 + int(index)
    return 0
