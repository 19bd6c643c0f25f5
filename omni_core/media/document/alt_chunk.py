"""Files in other formats that stand in the place of a DOCX's paragraphs (`w:altChunk`)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from omni_core.media.document.document_lines import DocumentText
from omni_core.media.document.rtf_text import Rtf
from omni_core.media.document.unread import EMBEDDED, MISSING
from omni_core.media.document.zipped_xml import Package
from omni_core.media.text.mail import read_mail
from omni_core.media.text.mail_start import looks_like_mail
from omni_core.media.text.page import Page
from omni_core.text.charset import decode, is_text

_RTF = b"{\\rtf"
_MARKUP = (".htm", ".html", ".xhtml")
_WEB_ARCHIVE = ".mht"


def chunk_lines(
    p: Package, part: str, document: Callable[[Package], DocumentText | None]
) -> list[str]:
    """The lines of such a part: of HTML, also as a web archive, RTF, plain text, or a DOCX, which
    `document` reads. Others, and pictures within, are noted as unread.
    """
    if part not in p.names:
        p.unread.add(MISSING, part)
        return []
    data, name = p.read(part), part.rpartition("/")[2]
    if data[:4] == b"PK\3\4":
        text = _document(p, name, data, document)
    elif data.lstrip().startswith(_RTF):
        text = "\n".join(line.text for line in Rtf(data).lines if line.picture is None)
    elif not is_text(data[:4096]):
        text = ""
    elif looks_like_mail(data[:4096], _WEB_ARCHIVE):
        text = read_mail(data).text
    else:
        text = _plain(name, data)
    if not text.strip():
        p.unread.add(EMBEDDED, name)
    return [line for raw in text.splitlines() if (line := " ".join(raw.split()))]


def _document(
    p: Package, name: str, data: bytes, document: Callable[[Package], DocumentText | None]
) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = document(Package(name, archive))
    except zipfile.BadZipFile:
        return ""
    if found is None:
        return ""
    if found.pictures:
        p.unread.add(EMBEDDED, f"pictures of {name}")
    lines = {at.start for at in found.pictures}
    starts = (0, *(i + 1 for i, c in enumerate(found.text) if c == "\n"))
    kept = zip(starts, found.text.split("\n"), strict=True)
    return "\n".join(line for start, line in kept if start not in lines)


def _plain(name: str, data: bytes) -> str:
    markup = decode(data, markup=True)
    if "<html" in markup[:4096].lower() or name.lower().endswith(_MARKUP):
        return Page(markup, name).text
    return decode(data)
