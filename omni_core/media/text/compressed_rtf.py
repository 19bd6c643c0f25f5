"""Compressed RTF of Outlook messages (MS-OXRTFCP): LZ77 with a dictionary of 4 KiB."""

from __future__ import annotations

import struct

_KNOWN = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
"""What the dictionary holds at the start."""
_SIZE = 4096
_PACKED, _PLAIN = b"LZFu", b"MELA"
MAX_BYTES = 64 << 20


def decompress(data: bytes) -> bytes:
    """The RTF; as far as it goes where the data is cut short, empty where it is none."""
    if len(data) < 16:
        return b""
    size, kind = struct.unpack_from("<I", data, 4)[0], data[8:12]
    if kind == _PLAIN:
        return data[16 : 16 + size]
    return _unpacked(data, min(size, MAX_BYTES)) if kind == _PACKED else b""


def _unpacked(data: bytes, size: int) -> bytes:
    window = bytearray(_KNOWN.ljust(_SIZE, b"\0"))
    write = len(_KNOWN)
    out = bytearray()
    at = 16
    while at < len(data) and len(out) < size:
        flags, at = data[at], at + 1
        for bit in range(8):
            if at >= len(data) or len(out) >= size:
                break
            if not flags >> bit & 1:
                copied, at = data[at : at + 1], at + 1
            elif at + 2 > len(data):
                return bytes(out)
            else:
                offset, length = data[at] << 4 | data[at + 1] >> 4, (data[at + 1] & 15) + 2
                at += 2
                if offset == write:
                    return bytes(out)
                copied = b""
                for n in range(length):
                    byte = window[(offset + n) % _SIZE]
                    window[(write + n) % _SIZE] = byte
                    copied += bytes((byte,))
            for n, byte in enumerate(copied):
                window[(write + n) % _SIZE] = byte
            write = (write + len(copied)) % _SIZE
            out += copied
    return bytes(out)
