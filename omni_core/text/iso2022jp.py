"""ISO-2022-JP as programs of Windows write it: with circled numbers, `㈱`, `髙` and halfwidth kana,
which the standard does not have."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\x1b(\([A-Z]|\$\(?[@A-Z])")
_KANA, _WIDE = b"(I", (b"$@", b"$B")
_HIGH = bytes(0x80 | b for b in range(128)) + bytes(range(128, 256))


def decoded(data: bytes) -> str:
    """The text; what neither the standard nor Windows-932 has becomes U+FFFD."""
    text = data.decode("iso2022_jp", "replace")
    if "\ufffd" not in text:
        return text
    first, *pieces = _ESCAPE.split(data)
    out = [first.decode("ascii", "replace")]
    for escape, piece in zip(pieces[::2], pieces[1::2], strict=True):
        if escape == _KANA:
            out.append(piece.translate(_HIGH).decode("cp932", "replace"))
        elif escape in _WIDE:
            out.append(_pairs(piece))
        else:
            out.append((b"\x1b" + escape + piece).decode("iso2022_jp_2", "replace"))
    return "".join(out)


def _pairs(piece: bytes) -> str:
    """Two bytes a character, up to the end of the line: the shift of Shift_JIS, which has more."""
    out = bytearray()
    line, end, rest = piece.partition(b"\n")
    wide = line.rstrip(b"\r")
    for high, low in zip(wide[::2], wide[1::2], strict=False):
        row = high - 0x21
        lead = 0x81 + row // 2 + (0x40 if row >= 62 else 0)
        trail = low + (0x7E if row % 2 else 0x1F + (low >= 0x60))
        out += bytes((lead & 0xFF, trail & 0xFF))
    after = line[len(wide) :] + end + rest
    return out.decode("cp932", "replace") + after.decode("ascii", "replace")
