"""Pictures that are not read, music in notes and books of a Kindle: recognised, so that the refusal
says what to do."""

from __future__ import annotations

import os

from omni_core.errors import UnreadableError

_JPEG_XL = ("a JPEG XL picture", "convert it to PNG or JPEG (djxl picture.jxl picture.png)")
_BY_MAGIC = (
    (b"\xff\x0a", *_JPEG_XL),
    (b"\0\0\0\x0cJXL ", *_JPEG_XL),
    (b"gimp xcf", "a GIMP image", "export it as PNG"),
    (b"AT&TFORM", "a DjVu document", "convert it to PDF (ddjvu -format=pdf book.djvu book.pdf)"),
    (b"%!PS", "PostScript", "convert it to PDF (ps2pdf file.ps file.pdf)"),
    (b"\xc5\xd0\xd3\xc6", "encapsulated PostScript", "convert it to PDF or PNG"),
    (b"8BPS\0\2", "a large Photoshop document (PSB)", "export it as PNG or TIFF"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile", "convert it to PNG or SVG"),
    (b"\1\0\x09\0\0\3", "a Windows metafile", "convert it to PNG or SVG"),
    (b"MThd\0\0\0\6", "a MIDI file (notes without sound)", "render it as WAV or MP3"),
    (b"Extended Module: ", "a tracker module (XM)", "render it as WAV or MP3"),
    (b"v/1\x01", "an OpenEXR image", "export it as PNG or TIFF"),
    (b"#?RADIANCE", "a Radiance HDR image", "export it as PNG or TIFF"),
)  # fmt: skip
_PICT = (".pict", ".pct", ".pic")


def what(head: bytes, suffix: str) -> tuple[str, str] | None:
    """(what it is, what to do) of one that is not read; None for any other file."""
    for magic, name, advice in _BY_MAGIC:
        if head.startswith(magic):
            return name, advice
    if head[:4] == b"8BPS" and head[22:24] not in (b"\0\1", b"\0\x08"):
        return "a Photoshop document of 16 or 32 bits", "convert it to 8 bits, or export it as PNG"
    if head[:4] == b"\1\0\0\0" and head[40:44] == b" EMF":
        return "a Windows metafile", "convert it to PNG or SVG"
    if head[:4] in (b"SDPX", b"XPDS") and head[8:10] == b"V1":
        return "a DPX image", "export it as PNG or TIFF"
    if head[60:68] in (b"BOOKMOBI", b"TEXtREAd"):
        return "a Kindle or Palm book (MOBI, AZW3)", "convert it to EPUB (in Calibre)"
    if head[522:526] == b"\0\x11\2\xff" or (suffix in _PICT and head[522:524] == b"\x11\1"):
        return "a QuickDraw picture of an old Macintosh (PICT)", "convert it to PNG"
    if head[128:132] == b"DICM":
        return "a medical image (DICOM)", "export its pictures as PNG or JPEG"
    if head[:2] == b"\x1f\x8b" and suffix == ".svgz":
        return "a compressed SVG drawing", "unpack it (gunzip) and ingest the SVG, or export a PNG"
    return None


def refuse(path: str, head: bytes) -> None:
    """Raises UnreadableError (UNSUPPORTED_TYPE) if the file is one of them."""
    name = os.path.basename(path)
    found = what(head, os.path.splitext(path)[1].lower())
    if found is not None:
        raise UnreadableError(
            f"{name!r} is {found[0]}, which is not read; {found[1]} and ingest that",
            code="UNSUPPORTED_TYPE",
        )
