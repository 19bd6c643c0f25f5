"""Files in other formats that stand in the place of a DOCX's paragraphs (`w:altChunk`)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from omni_core.media.document.unread import EMBEDDED, MISSING
from omni_core.media.document.zipped_xml import Package
from omni_core.text.charset import decode, is_text


def chunk_lines(p: Package, part: str, document: Callable[[Package], str]) -> list[str]:
    """The lines of such a part: of HTML, plain text, or a DOCX, whose text `document` gives.

    Others are noted as unread.
    """
    if part not in p.names:
        p.unread.add(MISSING, part)
        return []
    data = p.read(part)
    text = ""
    if data[:4] == b"PK\3\4":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                text = document(Package(part, archive))
        except zipfile.BadZipFile:
            text = ""
    elif is_text(data[:4096]) and not data.lstrip().startswith(b"{\\rtf"):
        text = _plain(part, data)
    if not text.strip():
        p.unread.add(EMBEDDED, part.rpartition("/")[2])
    return [line for raw in text.splitlines() if (line := " ".join(raw.split()))]


def _plain(part: str, data: bytes) -> str:
    markup = decode(data, markup=True)
    if "<html" not in markup[:4096].lower() and not part.lower().endswith((".htm", ".html")):
        return decode(data)
    from omni_core.media.text.page import Page

    return Page(markup, part).text
