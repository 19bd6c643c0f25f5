"""Names within a zip that are not marked as UTF-8: zips of Windows have them in the code page of
whoever made them."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from zipfile import ZipInfo
from zlib import crc32

from omni_core.text.charset import decoded
from omni_core.text.legacy import is_latin

_IS_UTF8, _UNICODE_PATH = 0x800, 0x7075
MIN_OF_UTF8 = 3
"""Letters beyond ASCII of a name, of which two or three may be UTF-8 by chance in a page of East
Asia."""
_LATIN = re.compile("[A-Za-z][\u00c0-\u024f]|[\u00c0-\u024f][A-Za-z]")
_STATED = "cp437"
"""The page that the format names, and that few programs mean beyond Western letters."""
_LIKELY = ("cp866", "cp932")
"""Pages of names that are too short for their page to be known."""
_UNLIKELY = ("mac-cyrillic", "koi8-r", "koi8-u", "iso8859-5")
"""Pages that no program writes names in."""


def names_of(entries: Sequence[ZipInfo]) -> tuple[dict[str, str], frozenset[str]]:
    """The name that was meant by each name in the zip, and those names that are not marked."""
    meant = {entry.filename: entry.filename for entry in entries}
    unmarked = {
        entry.filename: data
        for entry in entries
        if not entry.flag_bits & _IS_UTF8 and (data := _bytes(entry.filename))
    }
    stated = {e.filename: own for e in entries if e.filename in unmarked and (own := _stated(e))}
    of_utf8 = {name: own for name, data in unmarked.items() if (own := _utf8(data))}
    known = of_utf8 | stated
    others = {name: data for name, data in unmarked.items() if name not in known}
    page = _page(b"\n".join(others.values())) if others else ""
    meant |= known | {name: data.decode(page, "replace") for name, data in others.items()}
    return meant, frozenset(unmarked)


def _stated(entry: ZipInfo) -> str:
    """The name in UTF-8 that stands beside the one in a code page (Info-ZIP, WinRAR), if it was
    not renamed since; else ""."""
    extra, at = entry.extra, 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + size]
        at += 4 + size
        if kind == _UNICODE_PATH and field[:1] == b"\1" and len(field) > 5:
            is_current = struct.unpack_from("<I", field, 1)[0] == crc32(_bytes(entry.filename))
            return field[5:].decode("utf-8", "replace") if is_current else ""
    return ""


def _utf8(data: bytes) -> str:
    """A name that is UTF-8 by itself, as archives of several programs have beside others; "" for
    any other, and where too few letters tell."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    beyond = sum(not c.isascii() for c in text)
    return text if beyond >= MIN_OF_UTF8 or _LATIN.search(text) else ""


def _page(names: bytes) -> str:
    whole = decoded(names)
    if not whole.guessed:
        return whole.page
    if is_latin(names):
        return _STATED if _is_written(names, _STATED) else whole.page
    if whole.page not in _UNLIKELY and _is_written(names, whole.page):
        return whole.page
    return next((page for page in _LIKELY if _is_written(names, page)), whole.page)


def _is_written(names: bytes, page: str) -> bool:
    """Whether all that is beyond ASCII is letters, with capitals at the begin of words only."""
    text = names.decode(page, "replace")
    words = re.findall(r"\w+", text)
    letters = all(c.isascii() or c.isalpha() for c in text)
    return letters and all(w[1:].islower() or w == w.upper() for w in words if not w.isascii())


def _bytes(name: str) -> bytes:
    """The bytes of a name beyond ASCII; none where they were read as UTF-8."""
    try:
        return b"" if name.isascii() else name.encode(_STATED)
    except UnicodeEncodeError:
        return b""
