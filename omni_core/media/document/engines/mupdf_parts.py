"""What a PDF holds beside its pages, and what of a page cannot be unpacked, through MuPDF."""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pymupdf

from omni_core.media.document.engines.base import FAILURES

log = logging.getLogger(__name__)

_DAMAGE = re.compile("zlib error|read error|cannot find|cannot decode|truncated|premature end")
"""In MuPDF's warnings: data that ends too early or means nothing."""
_MAX_BYTES = 64 << 20
"""Bytes of a page that are unpacked to see whether they end."""
MOST_ANNOTATIONS = 20_000
"""Remarks, marks or fields of a page that are looked at."""
_ACTUAL = re.compile(rb"/ActualText\s*(\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]*>)", re.S)
_OCTAL = re.compile(rb"\\([0-7]{1,3})")
_PACKET = re.compile(r"(?:\(([^)]*)\)\s*)?(\d+) 0 R")
"""(name, stream) of a part of an XFA form; a form in one part has no names."""


def attached(doc: Any) -> list[str]:
    """The names of the files within a PDF as their sender named them."""
    names = (_attached(doc, number) for number in range(doc.embfile_count()))
    return list(dict.fromkeys(name for name in names if name))


def _attached(doc: Any, number: int) -> str:
    """The list within the document may hold the file under another name."""
    try:
        info = doc.embfile_info(number)
    except FAILURES as e:
        log.debug("the name of a file in the document is lost: %s", e)
        return str(doc.embfile_names()[number])
    name = str(info.get("ufilename") or info.get("filename") or info["name"]).strip("\0")
    try:
        return name.encode("latin-1").decode()  # PyMuPDF takes each byte for a character
    except UnicodeError:
        return name


def form(doc: Any) -> bytes:
    """See `Document.form`."""
    kind, value = doc.xref_get_key(doc.pdf_catalog(), "AcroForm/XFA")
    if kind == "xref" and not doc.xref_is_stream(int(value.split()[0])):
        value = doc.xref_object(int(value.split()[0]))
    packets = _PACKET.findall(value)
    if not packets or doc[0].first_widget is not None:
        return b""
    data = [int(stream) for name, stream in packets if name in ("", "datasets")]
    return b"".join(doc.xref_stream(stream) or b"" for stream in data)


def has_replacements(drawn: bytes) -> bool:
    """Whether some `ActualText` in what a page draws holds letters or digits: most are a space, a
    tab or a hyphen at the end of a line."""
    if b"/ActualText" not in drawn:
        return False
    return any(any(map(str.isalnum, _string(m[1]))) for m in _ACTUAL.finditer(drawn))


def marks(page: Any) -> Iterator[Any]:
    """The remarks, marks and files on a page, those too that are no objects of their own, which
    PyMuPDF's `annots` leaves out; no links, windows of remarks and fields."""
    return _linked(page.first_annot if page.parent.is_pdf else None)


def fields(page: Any) -> Iterator[Any]:
    """The fields on a page, those too that the list of the form does not name."""
    return _linked(page.first_widget if page.parent.is_pdf else None)


def _linked(first: Any) -> Iterator[Any]:
    """An annotation or field, and those that follow it on its page."""
    for _ in range(MOST_ANNOTATIONS):
        if first is None:
            return
        yield first
        first = first.next


def contents(page: Any) -> bytes:
    """What a page of a PDF draws, unpacked; empty where that cannot be done, and for others."""
    if not page.parent.is_pdf:
        return b""
    try:
        return bytes(page.read_contents())
    except FAILURES as e:
        log.debug("what a page draws cannot be unpacked: %s", e)
        return b""


def _string(written: bytes) -> str:
    """A string of a PDF, in hexadecimal or in brackets."""
    if written.startswith(b"<"):
        digits = b"".join(written[1:-1].split()).decode()
        data = bytes.fromhex(digits + "0" * (len(digits) % 2))
    else:
        data = _OCTAL.sub(lambda m: bytes([int(m[1], 8) & 255]), written[1:-1])
    return (
        data[2:].decode("utf-16-be", "replace")
        if data[:2] == b"\xfe\xff"
        else data.decode("latin-1")
    )


def is_damaged(page: Any) -> bool:
    """Whether what a page draws, not a font or a picture, cannot be unpacked as a whole. Only
    where MuPDF has warned since `listen` is that looked at."""
    said = pymupdf.TOOLS.mupdf_warnings(reset=False)
    if not _DAMAGE.search(said):
        return False
    for stream in page.get_contents():
        listen()
        try:
            page.parent.xref_stream(stream)
            damaged = _DAMAGE.search(pymupdf.TOOLS.mupdf_warnings()) is not None
            packed = page.parent.xref_stream_raw(stream)
            if damaged and packed.strip() and ("syntax error" in said or not _ends(packed)):
                return True
        except FAILURES:
            return True
    return False


def _ends(packed: bytes) -> bool:
    """Whether deflated data reaches its end: no more than its checksum is wrong or missing."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflate.decompress(packed[2:], _MAX_BYTES)
    except zlib.error:
        return False
    return inflate.eof


def listen() -> None:
    """Forget what MuPDF has warned of so far, also what it would no more than count if it came
    again."""
    pymupdf.TOOLS.mupdf_warnings()
