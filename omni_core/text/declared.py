"""The encodings that texts declare: HTML, XML, sources of programs, LaTeX, exports of banks."""

from __future__ import annotations

import codecs
import re

_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]+)|<meta[^>]{0,500}?charset\s*=\s*["']?\s*([\w.:-]+)""",
    re.I,
)
_CODING = re.compile(rb"""(?:[^\n]*\n)?[^\n]{0,200}?(?:coding[:=][ \t]*|@charset ")([\w.-]+)""")
"""The comment of Python, Emacs and Vim in one of the first two lines, and the rule of CSS."""
_STATED = re.compile(
    rb"\\usepackage\s*\[\s*([\w-]+)\s*\]\s*\{inputenc\}"
    rb"|^\"Content-Type: [\w/]+; charset=([\w-]+)\\n\""
    rb"|\AOFXHEADER:[^<]{0,300}?CHARSET:[ ]*([\w-]+)",
    re.M,
)
"""The package of LaTeX, the head of translations (PO), and of what banks write for Quicken."""
_ALIASES = {
    "macintosh": "mac-roman", "mac": "mac-roman", "sjis": "cp932", "ms_kanji": "cp932",
    "ansinew": "cp1252", "applemac": "mac-roman", "ks_c_5601-1987": "cp949",
    "big5-hkscs": "big5hkscs", "unicode-1-1-utf-8": "utf-8",
}  # fmt: skip
_ENCODINGS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "cp1252": "cp1252", "iso8859-15": "iso8859-15",
    "cp1250": "cp1250", "iso8859-2": "iso8859-2", "iso8859-16": "iso8859-16", "cp852": "cp852",
    "cp1251": "cp1251", "koi8-r": "koi8-r", "koi8-u": "koi8-u", "iso8859-5": "iso8859-5",
    "cp866": "cp866", "mac-cyrillic": "mac-cyrillic", "cp1253": "cp1253", "iso8859-7": "iso8859-7",
    "cp1254": "cp1254", "iso8859-9": "cp1254", "cp1255": "cp1255", "iso8859-8": "iso8859-8",
    "cp1256": "cp1256", "iso8859-6": "iso8859-6", "cp1257": "cp1257", "iso8859-4": "iso8859-4",
    "iso8859-13": "iso8859-13", "iso8859-10": "iso8859-10", "iso8859-3": "iso8859-3",
    "iso8859-14": "iso8859-14", "cp1258": "cp1258", "cp874": "cp874", "tis-620": "cp874",
    "iso8859-11": "cp874", "mac-roman": "mac-roman", "cp437": "cp437", "cp850": "cp850",
    "shift_jis": "cp932", "cp932": "cp932", "euc_jp": "euc_jp", "iso2022_jp": "iso2022_jp",
    "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "hz": "hz",
    "big5": "big5hkscs", "big5hkscs": "big5hkscs", "cp950": "cp950",
    "euc_kr": "cp949", "cp949": "cp949", "johab": "johab",
}  # fmt: skip
"""Python's codec for a declared one: the wider of two, as browsers read (WHATWG Encoding). Codecs
that are no character set (unicode_escape, base64 ...) are not among them."""


def declared(data: bytes, *, markup: bool = True) -> str | None:
    """The code page named by `coding:` in the first two lines, by LaTeX's `inputenc`, and in markup
    by `<meta charset>` or the XML declaration; None for unknown names, and for UTF-8 and UTF-16,
    which are detected from the bytes."""
    found = _DECLARED.search(data[:4096]) if markup else None
    found = found or _CODING.match(data[:1000]) or _STATED.search(data[:4096])
    return codec(next(filter(None, found.groups())).decode("ascii")) if found else None


def codec(label: str) -> str | None:
    """Python's codec for the label of an encoding; None for an unknown one and for Unicode."""
    plain = re.sub("^x-|-i$", "", label.strip().lower()).replace("windows-", "cp")
    try:
        name = codecs.lookup(_ALIASES.get(plain, plain)).name
    except (LookupError, ValueError):
        return None
    return _ENCODINGS.get(name)
