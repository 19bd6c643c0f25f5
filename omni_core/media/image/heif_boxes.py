"""The items of a HEIF file: pictures, their tiles and metadata (ISO/IEC 14496-12 and 23008-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from omni_core.errors import TooLargeError

MAX_META_BYTES = 16 << 20
MAX_ITEM_BYTES = 256 << 20
MAX_ITEMS = 10_000
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")

Property = tuple[str, bytes]
"""(its box's type, content)."""


@dataclass(slots=True)
class Item:
    """One item; `places` are (offset, length) in the file, or in `idat` where `inside`."""

    number: int
    kind: str
    hidden: bool = False
    mime: str = ""
    places: list[tuple[int, int]] = field(default_factory=list)
    inside: bool = False
    properties: list[Property] = field(default_factory=list)
    refs: dict[str, list[int]] = field(default_factory=dict)

    def prop(self, name: str) -> bytes | None:
        """The first property of this type."""
        return next((content for kind, content in self.properties if kind == name), None)

    def size(self) -> tuple[int, int]:
        """(width, height) as stored, before any turn; (0, 0) where it is not stated."""
        box = self.prop("ispe")
        return struct.unpack_from(">II", box, 4) if box and len(box) >= 12 else (0, 0)


class Items:
    """What the `meta` box of an open file says. Raises ValueError or struct.error if damaged."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.primary = 0
        self.by_number: dict[int, Item] = {}
        self._idat = b""
        self._read(_meta(file))

    def pictures(self) -> list[Item]:
        """The primary picture, then the others that stand for themselves: no tiles of a grid,
        thumbnails, depth or gain maps."""
        parts = {n for i in self.by_number.values() for n in i.refs.get("dimg", ())}
        found = [
            item
            for item in self.by_number.values()
            if (item.prop("ispe") and not item.hidden and item.number not in parts)
            and not ({"thmb", "auxl"} & item.refs.keys())
        ]
        return sorted(found, key=lambda item: item.number != self.primary)

    def alpha_of(self, picture: Item) -> Item | None:
        """The item that holds a picture's transparency."""
        for item in self.by_number.values():
            named = (item.prop("auxC") or b"")[4:].split(b"\0")[0]
            if picture.number in item.refs.get("auxl", ()) and named in _ALPHA:
                return item
        return None

    def metadata(self, picture: Item) -> tuple[bytes, bytes]:
        """(EXIF from its byte order mark on, XMP) of a picture; b"" where there is none."""
        exif = xmp = b""
        described = {picture.number, *picture.refs.get("dimg", ())[:1]}  # of a tone map, its base
        for item in self.by_number.values():
            if not described.intersection(item.refs.get("cdsc", (picture.number,))):
                continue
            if item.kind == "Exif" and not exif:
                raw = self.data(item)
                start = struct.unpack_from(">I", raw)[0] + 4 if len(raw) > 4 else 0
                exif = raw[start:]
            elif item.kind == "mime" and "rdf+xml" in item.mime and not xmp:
                xmp = self.data(item)
        return exif, xmp

    def data(self, item: Item) -> bytes:
        """The bytes of an item, as far as the file has them."""
        if sum(length for _, length in item.places) > MAX_ITEM_BYTES:
            raise TooLargeError(f"a part of this picture is over {MAX_ITEM_BYTES >> 20} MB")
        pieces = []
        for offset, length in item.places:
            if item.inside:
                pieces.append(self._idat[offset : offset + length if length else None])
            else:
                self._file.seek(offset)
                pieces.append(self._file.read(length if length else MAX_ITEM_BYTES))
        return b"".join(pieces)

    def _read(self, meta: bytes) -> None:
        boxes = dict(_boxes(meta, 4))
        for _, body in _boxes(boxes["iinf"], 8 if boxes["iinf"][0] else 6):
            self._add(body)
        pitm = boxes.get("pitm", b"\0" * 6)
        self.primary = int.from_bytes(pitm[4:], "big")
        self._idat = boxes.get("idat", b"")
        self._place(boxes["iloc"])
        self._refer(boxes.get("iref", b"\0" * 4))
        self._describe(boxes.get("iprp", b""))

    def _add(self, infe: bytes) -> None:
        if infe[0] < 2 or len(self.by_number) >= MAX_ITEMS:
            return
        wide = infe[0] > 2
        number = int.from_bytes(infe[4 : 8 if wide else 6], "big")
        at = 10 if wide else 8
        _, mime, *_ = (infe[at + 4 :] + b"\0\0").split(b"\0")
        self.by_number[number] = Item(
            number, infe[at : at + 4].decode("latin-1"), bool(infe[3] & 1), mime.decode("latin-1")
        )

    def _place(self, iloc: bytes) -> None:
        version = iloc[0]
        sizes = (iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15 if version else 0)
        offset_size, length_size, base_size, index_size = sizes
        r = _Reader(iloc, 6)
        for _ in range(min(r.take(4 if version == 2 else 2), MAX_ITEMS)):
            item = self.by_number.get(r.take(4 if version == 2 else 2), Item(0, ""))
            method = r.take(2) & 15 if version else 0
            r.take(2)
            base = r.take(base_size)
            for _ in range(r.take(2)):
                r.take(index_size)
                item.places.append((base + r.take(offset_size), r.take(length_size)))
            item.inside = method == 1

    def _refer(self, iref: bytes) -> None:
        width = 4 if iref[0] else 2
        for kind, body in _boxes(iref, 4):
            r = _Reader(body, 0)
            item = self.by_number.get(r.take(width))
            if item is not None:
                item.refs.setdefault(kind, []).extend(r.take(width) for _ in range(r.take(2)))

    def _describe(self, iprp: bytes) -> None:
        boxes = list(_boxes(iprp, 0))
        known = [p for kind, body in boxes if kind == "ipco" for p in _boxes(body, 0)]
        for ipma in (body for kind, body in boxes if kind == "ipma"):
            r = _Reader(ipma, 4)
            for _ in range(min(r.take(4), MAX_ITEMS)):
                item = self.by_number.get(r.take(4 if ipma[0] else 2))
                for _ in range(r.take(1)):
                    index = r.take(2) & 0x7FFF if ipma[3] & 1 else r.take(1) & 0x7F
                    if item is not None and 0 < index <= len(known):
                        item.properties.append(known[index - 1])


class _Reader:
    """Big-endian numbers one after the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    def take(self, size: int) -> int:
        """Raises ValueError at the end."""
        if self._at + size > len(self._data):
            raise ValueError("a box of the HEIF file is too short")
        self._at += size
        return int.from_bytes(self._data[self._at - size : self._at], "big")


def _meta(file: BinaryIO) -> bytes:
    """The content of the file's `meta` box. Raises ValueError where there is none."""
    end = file.seek(0, 2)
    at = 0
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        start = at + 8
        if size == 1:
            size, start = int.from_bytes(file.read(8), "big"), at + 16
        size = size or end - at
        if kind == b"meta":
            if size > MAX_META_BYTES:
                raise TooLargeError(
                    f"the description of this picture is over {MAX_META_BYTES >> 20} MB"
                )
            file.seek(start)
            return file.read(size - (start - at))
        at += max(size, 8)
    raise ValueError("a HEIF file without pictures")


def _boxes(data: bytes, at: int) -> Iterator[Property]:
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1 and at + 16 <= len(data):
            size, start = int.from_bytes(data[start : start + 8], "big"), at + 16
        end = at + size if size else len(data)
        if end < start:
            return
        yield kind.decode("latin-1"), data[start:end]
        at = end
