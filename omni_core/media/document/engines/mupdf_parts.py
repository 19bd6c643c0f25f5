"""What a PDF holds beside its pages, and what of a page cannot be unpacked, through MuPDF."""

from __future__ import annotations

import logging
import re
from typing import Any

import pymupdf

from omni_core.media.document.engines.base import FAILURES

log = logging.getLogger(__name__)

_DAMAGE = re.compile("zlib error|read error|cannot find|cannot decode|truncated|premature end")
"""In MuPDF's warnings: data that ends too early or means nothing."""
_PACKET = re.compile(r"(?:\(([^)]*)\)\s*)?(\d+) 0 R")
"""(name, stream) of a part of an XFA form; a form in one part has no names."""


def attached(doc: Any) -> list[str]:
    """The names of the files within a PDF as their sender named them."""
    return [name for n in range(doc.embfile_count()) if (name := _attached(doc, n))]


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


def is_damaged(page: Any) -> bool:
    """Whether what a page draws, not a font or a picture, cannot be unpacked as a whole. Only
    where MuPDF has warned since `listen` is that looked at."""
    if not _DAMAGE.search(pymupdf.TOOLS.mupdf_warnings(reset=False)):
        return False
    listen()
    for stream in page.get_contents():
        try:
            page.parent.xref_stream(stream)
        except FAILURES:
            return True
    return _DAMAGE.search(pymupdf.TOOLS.mupdf_warnings()) is not None


def listen() -> None:
    """Forget what MuPDF has warned of so far."""
    pymupdf.TOOLS.reset_mupdf_warnings()
