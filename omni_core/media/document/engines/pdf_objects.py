"""What the bytes of a PDF tell that PDFium does not: whether parts may be switched off, which
pages have contents that cannot be unpacked, and what the file says of itself as XMP.

Objects are found by their headers, not by the table at the end, so that a broken table costs
nothing; of an object that is written twice the last one counts.
"""

from __future__ import annotations

import mmap
import re
import zlib
from bisect import bisect
from collections import deque
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

MAX_BYTES = 256 << 20
"""Larger files are not looked at."""
MAX_UNPACKED = 64 << 20
"""Bytes of a stream that are unpacked."""
MAX_WORK = 1 << 30
"""Bytes that are gone through and unpacked in all; what is beyond counts as whole."""
MAX_OBJECT = 4 << 20
"""Bytes in which an object without data ends."""
MOST_AFTER = 64
"""Bytes after the end of deflated data, its checksum among them; more of them were meant to be
unpacked, and a damaged byte said that the end is there."""
MAX_OBJECTS = 1_000_000
MAX_NAMED = 1 << 20
"""Bytes at the start of a stream of objects that name them."""
_OBJECT = re.compile(rb"obj\b")
_NUMBERED = re.compile(rb"(?<!\d)(\d{1,8})\s{1,3}\d{1,5}\s{1,3}\Z")
_BEFORE = 20
"""Bytes before `obj` in which its number stands."""
_SWITCHED = re.compile(rb"/OC(?=\s*(?:<<|\d{1,8}\s))")
_REFERENCE = re.compile(rb"(\d{1,8})\s{1,3}\d{1,5}\s{1,3}R\b")
_ROOT = re.compile(rb"/Root\s*(\d{1,8})\s")
_PAGES = re.compile(rb"/Pages\s*(\d{1,8})\s")
_METADATA = re.compile(rb"/Metadata\s*(\d{1,8})\s")
_KIDS = re.compile(rb"/Kids\s*(?:\[([^\[\]/<>]*)\]|(\d{1,8})\s)")
_CONTENTS = re.compile(rb"/Contents\s*(?:\[([^\[\]/<>]*)\]|(\d{1,8})\s)")
_STREAM = re.compile(rb"stream\r?\n")
_DEFLATED = re.compile(rb"/Filter\s*(?:\[\s*)?/Fl(?:ateDecode)?\s*(?:\]|/(?!\w+Decode)|>>)")
_NUMBERS = re.compile(rb"\d+")
_OF_OBJECTS = re.compile(rb"/ObjStm\b")
_LENGTH = re.compile(rb"/Length\s{1,3}(\d{1,10})(?!\s*\d)")
_HEAD = 4_000
"""Bytes of an object in which its dictionary is looked for."""


class PdfObjects:
    """The objects of a file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._left = MAX_WORK

    @cached_property
    def _data(self) -> bytes | mmap.mmap:
        try:
            with open(self._path, "rb") as f:
                found = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # gone, or empty
            return b""
        return found if len(found) <= MAX_BYTES else b""

    @cached_property
    def may_be_switched(self) -> bool:
        """Whether some form, picture or remark says of itself in which layer it is."""
        return _SWITCHED.search(self._data) is not None

    @cached_property
    def damaged_pages(self) -> frozenset[int]:
        """The pages, from 1, whose contents cannot be unpacked to their end. Empty for a file that
        is encrypted, or whose list of pages cannot be followed."""
        if not self._data or self._is_encrypted:
            return frozenset()
        pages = enumerate(self._pages(), 1)
        return frozenset(
            number
            for number, page in pages
            if any(self._is_damaged(stream) for stream in self._listed(_CONTENTS, page))
        )

    def metadata(self) -> bytes:
        """What the file says of itself as XMP; empty without it."""
        if not self._data or self._data.find(b"/Metadata") < 0 or self._is_encrypted:
            return b""
        found = _METADATA.search(self._root)
        number = int(found[1]) if found else 0
        return self._unpacked(number)[0] if number in self._places else b""

    @cached_property
    def _is_encrypted(self) -> bool:
        return self._data.find(b"/Encrypt") >= 0

    @cached_property
    def _root(self) -> bytes:
        """The object from which all others are named."""
        last = deque(islice(_ROOT.finditer(self._data), MAX_OBJECTS), maxlen=1)
        return self._object(int(last[0][1])) if last else b""

    @cached_property
    def _places(self) -> dict[int, int]:
        """Where the objects begin that stand by themselves."""
        places: dict[int, int] = {}
        for found in islice(_OBJECT.finditer(self._data), 2 * MAX_OBJECTS):  # and their ends
            at = found.start()
            numbered = _NUMBERED.search(self._data[max(0, at - _BEFORE) : at])
            if numbered is None:
                continue
            places[int(numbered[1])] = found.end()
        return places

    @cached_property
    def _packed(self) -> dict[int, bytes]:
        """The objects within streams of objects."""
        out: dict[int, bytes] = {}
        left = MAX_UNPACKED
        for number in self._streams_of_objects():
            data = self._unpacked(number)[0]
            left -= len(data)
            if left <= 0:
                break
            head = bytes(self._data[self._places[number] : self._places[number] + _HEAD])
            found = re.search(rb"/First\s+(\d{1,9})", head)
            start = int(found[1]) if found else 0
            numbers = [int(n[:9]) for n in _NUMBERS.findall(data[: min(start, MAX_NAMED)])]
            offsets = [*numbers[1::2], len(data)]
            for n, name in enumerate(numbers[: 2 * (len(numbers) // 2) : 2]):
                out[name] = data[start + offsets[n] : start + offsets[n + 1]]
                left -= len(out[name])
                if left <= -MAX_UNPACKED:  # parts that overlap
                    return out
        return out

    def _streams_of_objects(self) -> Iterator[int]:
        numbers = {at: number for number, at in self._places.items()}
        places = sorted(numbers)
        for found in islice(_OF_OBJECTS.finditer(self._data), MAX_OBJECTS):
            at = places[n] if (n := bisect(places, found.start()) - 1) >= 0 else -_HEAD
            near = found.start() - at < _HEAD
            if near and b"stream" not in self._data[at : found.start()]:
                yield numbers[at]

    def _object(self, number: int) -> bytes:
        """An object as far as its data, or as its end; as much as may be looked at."""
        at = self._places.get(number)
        if at is None:
            return self._packed.get(number, b"")
        end = self._end(b"endobj", at, MAX_OBJECT)
        return bytes(self._data[at : end if end >= 0 else at + _HEAD])

    def _end(self, mark: bytes, at: int, within: int) -> int:
        """Where a mark stands after a place, -1 where it does not within so many bytes."""
        within = max(0, min(within, self._left))
        end = self._data.find(mark, at, at + within)
        self._left -= end - at if end >= 0 else within
        return end

    def _pages(self) -> Iterator[bytes]:
        tree = _PAGES.search(self._root)
        waiting = [int(tree[1])] if tree else []
        seen = set(waiting)
        while waiting and self._left > 0:
            node = self._object(waiting.pop())
            if _KIDS.search(node):
                kids = [kid for kid in dict.fromkeys(self._listed(_KIDS, node)) if kid not in seen]
                seen.update(kids)
                waiting += reversed(kids)
            else:
                yield node

    def _listed(self, key: re.Pattern[bytes], node: bytes) -> Iterator[int]:
        """The objects that a page or a part of the tree names, in a list or elsewhere."""
        found = key.search(node)
        if found is None:
            return
        if found[1] is not None:
            yield from (int(number) for number in _REFERENCE.findall(found[1]))
            return
        number = int(found[2])
        there = self._object(number).strip()
        if there.startswith(b"["):
            yield from (int(inner) for inner in _REFERENCE.findall(there))
        else:
            yield number

    def _is_damaged(self, number: int) -> bool:
        if self._left <= 0 or number not in self._places:
            return False
        _, whole = self._unpacked(number)
        return not whole

    def _unpacked(self, number: int) -> tuple[bytes, bool]:
        """The data of a stream that is deflated, and whether that is all; a wrong checksum at the
        end costs nothing."""
        at = self._places[number]
        head = bytes(self._data[at : at + _HEAD])
        self._left -= _HEAD
        found = _STREAM.search(head)
        if found is None:
            return b"", True
        start = at + found.end()
        end = self._end(b"endstream", start, MAX_BYTES)
        if self._left <= 0:
            return b"", True
        packed = self._data[start : end if end >= 0 else len(self._data)]
        if not _DEFLATED.search(head, 0, found.start()):
            return (packed if b"/Filter" not in head[: found.start()] else b""), True
        if not packed.strip():
            return b"", True  # a page on which nothing is drawn
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = inflate.decompress(packed[2:], MAX_UNPACKED)
        except zlib.error:
            return b"", False
        self._left -= len(data)
        if not inflate.eof:
            return data, bool(inflate.unconsumed_tail)
        length = _LENGTH.search(head, 0, found.start())
        beyond = max(0, len(packed) - int(length[1])) if length else 0
        return data, len(inflate.unused_data) - beyond <= MOST_AFTER
