"""The code pages of RTF: of the document and of each font."""

from __future__ import annotations

import codecs

_CHARSETS = {
    77: "mac_roman", 78: "cp932", 79: "cp949", 80: "gb18030", 81: "cp950", 83: "cp1255",
    84: "cp1256", 85: "mac_greek", 86: "mac_turkish", 87: "cp874", 88: "mac_latin2",
    89: "mac_cyrillic", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 181: "cp1256",
    186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
"""`fcharset` of a font and its code page."""
SYMBOL = "symbol"
"""The code page of fonts of signs, as this module names it."""
_GREEK = str.maketrans(
    "ABCDEFGHIKLMNOPQRSTUWXYZabcdefghiklmnopqrstuwxyz",
    "ΑΒΧΔΕΦΓΗΙΚΛΜΝΟΠΘΡΣΤΥΩΞΨΖαβχδεφγηικλμνοπθρστυωξψζ",
)
_SIGNS = str.maketrans({0xB7: "•", 0xB1: "±", 0xB3: "≥", 0xA3: "≤", 0xB9: "≠", 0xB4: "×",
                        0xB0: "°", 0xAE: "→", 0xAC: "←", 0xA5: "∞", 0xBB: "≈"})  # fmt: skip


def code_page(number: int) -> str:
    """The codec of a code page that a file names; "" for the default one."""
    if number == 42:
        return SYMBOL
    names = {10000: "mac_roman", 65001: "utf-8", 936: "gb18030", 1361: "johab"}
    try:
        return codecs.lookup(names.get(number, f"cp{number}")).name
    except LookupError:
        return ""


def of_charset(number: int) -> str:
    """The code page of a font's character set; "" for the document's own."""
    return SYMBOL if number == 2 else _CHARSETS.get(number, "")


def decoded(data: bytes, page: str, font: str) -> str:
    """The text; bytes that the code page does not have become U+FFFD.

    font: its name, which tells Greek letters from pictographs in code page `SYMBOL`.
    """
    if page != SYMBOL:
        return data.decode(page or "cp1252", "replace")
    text = data.decode("latin-1").translate(_SIGNS)
    if font.lower().startswith("symbol"):
        return text.translate(_GREEK)
    return "".join(c if c in "•→← " else " " for c in text)
