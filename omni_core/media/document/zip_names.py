"""Names within a zip that are not marked as UTF-8: zips of Windows have them in the code page of
whoever made them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zipfile import ZipInfo

from omni_core.text.charset import decoded
from omni_core.text.legacy import is_latin

_IS_UTF8 = 0x800
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
    if unmarked:
        page = _page(b"\n".join(unmarked.values()))
        meant |= {name: data.decode(page, "replace") for name, data in unmarked.items()}
    return meant, frozenset(unmarked)


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
