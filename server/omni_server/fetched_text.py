"""The encoding that a web server names of a text, kept with the text.

HTTP names it outside of the file (RFC 9110, 8.3.2), and the file is all that a decoder sees.
"""

from __future__ import annotations

import codecs
from email.message import Message
from pathlib import Path

from omni_core.text.charset import decoded

_KINDS = ("text/", "application/xml", "application/xhtml", "application/json")
MAX_BYTES = 64 << 20


def keep_encoding(folder: Path, content_type: str) -> bool:
    """Rewrite the one file in `folder` as UTF-8 with a mark, where its encoding is named by the
    header alone and may be true; returns whether it was."""
    header = Message()
    header["Content-Type"] = content_type[:300]
    charset = header.get_content_charset() or ""
    if not charset or not header.get_content_type().startswith(_KINDS):
        return False
    (path,) = folder.iterdir()
    if path.stat().st_size > MAX_BYTES:
        return False
    data = path.read_bytes()
    named = decoded(data, label=str(charset))
    if named.guessed or named.page.startswith(("utf-", "ascii")):
        return False
    own = decoded(data, markup=True)
    if not own.guessed and own.page == named.page:
        return False
    path.write_bytes(codecs.BOM_UTF8 + data.decode(named.page, "replace").encode("utf-8"))
    return True
