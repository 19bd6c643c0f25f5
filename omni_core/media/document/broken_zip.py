"""A zip that was cut off has no directory; its entries can still be found by their own headers."""

from __future__ import annotations

import io
import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterator

MAX_BYTES = 256 << 20
"""Largest file that is mended, and bytes that its entries may unpack to."""
_HEADER = struct.Struct("<4sHHHHHIIIHH")
_SIGNATURE = b"PK\x03\x04"
_DEFLATED = 8
_ENCRYPTED = 1
_CHUNK = 1 << 16


def mended(path: str) -> io.BytesIO | None:
    """A zip of the entries that are there, the last one perhaps in part; None where there is none
    or the file is too large."""
    out = io.BytesIO()
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if len(data) > MAX_BYTES:
            return None
        left = MAX_BYTES
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, entry in _entries(data):
                left -= len(entry)
                if left < 0:
                    break
                if name not in archive.NameToInfo and not name.endswith("/"):
                    archive.writestr(name, entry)
            found = bool(archive.filelist)
    return out if found else None


def _entries(data: mmap.mmap) -> Iterator[tuple[str, bytes]]:
    at = data.find(_SIGNATURE)
    while at >= 0 and at + _HEADER.size <= len(data):
        (_, _, flags, method, _, _, _, size, _, name_length, extra) = _HEADER.unpack_from(data, at)
        begin = at + _HEADER.size + name_length + extra
        name = data[at + _HEADER.size : at + _HEADER.size + name_length].decode("utf-8", "replace")
        end = begin
        if method == _DEFLATED and not flags & _ENCRYPTED:
            entry, end = _inflated(data, begin)
            yield name, entry
        elif method == 0 and not flags & _ENCRYPTED:
            following = data.find(_SIGNATURE, begin)
            end = begin + size if size else following if following >= 0 else len(data)
            yield name, data[begin:end]
        at = data.find(_SIGNATURE, max(end, at + 4))


def _inflated(data: mmap.mmap, begin: int) -> tuple[bytes, int]:
    """What can be unpacked from a position on, and where that ends."""
    unpack = zlib.decompressobj(-15)
    pieces, size, at = [], 0, begin
    try:
        while not unpack.eof and size < MAX_BYTES:
            packed = unpack.unconsumed_tail
            if not packed:
                packed = data[at : at + _CHUNK]
                at += len(packed)
            if not packed:
                break
            pieces.append(unpack.decompress(packed, _CHUNK))
            size += len(pieces[-1])
    except zlib.error:
        return b"".join(pieces), begin
    return b"".join(pieces), at - len(unpack.unused_data)
