"""Files that are neither media nor documents, and old or locked books: known by their first bytes,
so that the refusal says what to do. Some hold so much text that they would be read as text."""

from __future__ import annotations

import re

from omni_core.errors import UnreadableError

_TO_EPUB = "convert it to EPUB (in Calibre) and ingest that"
_ROWS = "export its tables as CSV and ingest those"
_PAGES = "save it as PDF or DOCX and ingest that"
_BY_MAGIC = (
    (b"ITSF\3\0\0\0", "a help file of Windows (CHM)", "unpack it (hh -decompile, or 7-Zip) and "
     "ingest its pages"),
    (b"ITOLITLS", "a book of Microsoft Reader (LIT)", _TO_EPUB),
    (b"L\0R\0F\0\0\0", "a book of Sony's readers (LRF)", _TO_EPUB),
    (b"CONT\2\0", "a Kindle book (KFX)", _TO_EPUB),
    (b"\xeaDRMION\xee", "a locked Kindle book (KFX)", _TO_EPUB),
    (b"TPZ0", "a Kindle book (Topaz)", _TO_EPUB),
    (b"?_\3\0", "a help file of old Windows (HLP)", _PAGES),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "a section of OneNote (ONE)", _PAGES),
    (b"SQLite format 3\0", "a database (SQLite)", _ROWS),
    (b"\0\1\0\0Standard Jet DB\0", "a database of Access (MDB)", _ROWS),
    (b"\0\1\0\0Standard ACE DB\0", "a database of Access (ACCDB)", _ROWS),
    (b"PAR1", "a table of columns (Parquet)", _ROWS),
    (b"ARROW1\0\0", "a table of columns (Arrow, Feather)", _ROWS),
    (b"Obj\1", "a table of records (Avro)", _ROWS),
    (b"$FL2@(#)", "data of SPSS (SAV)", _ROWS),
    (b"<stata_dta>", "data of Stata (DTA)", _ROWS),
    (b"\x89HDF\r\n\x1a\n", "data in HDF5", _ROWS),
    (b"CDF\1", "data in NetCDF", _ROWS), (b"CDF\2", "data in NetCDF", _ROWS),
    (b"\x93NUMPY", "numbers (NumPy)", _ROWS),
    (b"MATLAB 5.0 MAT-file", "data of MATLAB (MAT)", _ROWS),
    (b"\xffWPC", "a WordPerfect document (WPD)", _PAGES),
    (b"\x31\xbe\0\0\0\xab", "a document of Windows Write (WRI)", _PAGES),
    (b"\x32\xbe\0\0\0\xab", "a document of Windows Write (WRI)", _PAGES),
    (b"wOFF", "a font (WOFF)", ""), (b"wOF2", "a font (WOFF2)", ""),
    (b"OTTO\0", "a font (OTF)", ""), (b"\0\1\0\0\0", "a font (TTF)", ""),
    (b"ttcf\0", "a font (TTC)", ""),
    (b"\x7fELF", "a program", ""),
    (b"BLENDER-v", "a scene of Blender", "render it as pictures or film and ingest those"),
    (b"BLENDER_v", "a scene of Blender", "render it as pictures or film and ingest those"),
    (b"L\0\0\0\1\x14\2\0", "a shortcut of Windows (LNK)", "ingest the file that it leads to"),
    (b"glTF\2\0", "a model in three dimensions (glTF)", "render it as a picture and ingest that"),
    (b"#EXTM3U", "a playlist (M3U)", "ingest the files that it names"),
    (b"[playlist]\n", "a playlist (PLS)", "ingest the files that it names"),
    (b"[playlist]\r\n", "a playlist (PLS)", "ingest the files that it names"),
)  # fmt: skip
_OF_TEXTS = (b"#", b"[", b"<")
"""What the kinds that are text begin with; all others have zero bytes, which notes have not."""
_AT_8 = b".FIT"
"""What a training of Garmin (FIT) has in its header of 12 or 14 bytes."""
_DWG = re.compile(rb"AC10[0-3]\d\0")
_TORRENT = re.compile(rb"d\d{1,2}:(?:announce|created by|creation date|comment|info)")
_DBF = re.compile(rb"[\x02\x03\x30\x31\x32\x43\x83\x8b\xf5][\x00-\xff][\x01-\x0c][\x01-\x1f]", re.S)
_ARMOUR = re.compile(rb"\s*-----BEGIN ([A-Z0-9 ]{1,40})-----\s")
_SECRET = ("KEY", "CERTIFICATE", "REQUEST", "PARAMETERS", "CRL", "PKCS7", "KEY BLOCK")
"""How the names of what is no message end."""


def refuse(name: str, head: bytes, suffix: str) -> None:
    """Raises UnreadableError (UNSUPPORTED_TYPE, ENCRYPTED) for a file that is one of them."""
    armour = _ARMOUR.match(head) if b"-----BEGIN " in head[:100] else None
    if armour is not None and armour[1] == b"PGP MESSAGE":
        raise UnreadableError(
            f"{name!r} is encrypted (PGP); decrypt it and ingest that", code="ENCRYPTED"
        )
    if armour is not None and armour[1].decode().endswith(_SECRET):
        raise _refusal(name, "a key or a certificate", "")
    for magic, kind, advice in _BY_MAGIC:
        if head.startswith(magic) and (b"\0" in head or magic[:1] in _OF_TEXTS):
            raise _refusal(name, kind, advice)
    if head[8:12] == _AT_8 and head[:1] in (b"\x0c", b"\x0e"):
        raise _refusal(name, "a recording of a watch (FIT)", "export it as GPX or TCX")
    if _DWG.match(head):
        raise _refusal(name, "a drawing of AutoCAD (DWG)", "save it as PDF and ingest that")
    if head[:1] == b"d" and _TORRENT.match(head) and b":piece length" in head:
        raise _refusal(name, "a torrent", "ingest the files that it is for")
    if head[60:68] == b"PNRdPPrs":
        raise _refusal(name, "a book of eReader (PDB)", _TO_EPUB)
    if suffix == ".dbf" and _DBF.match(head):
        raise _refusal(name, "a database (dBase, DBF)", _ROWS)


def _refusal(name: str, kind: str, advice: str) -> UnreadableError:
    what = f"{name!r} is {kind}, which is not read"
    return UnreadableError(f"{what}; {advice}" if advice else what, code="UNSUPPORTED_TYPE")
