"""Subtitles that are pictures of words, of DVD (VobSub), Blu-ray (PGS) and studios (BDN XML), and
captions in MacCaption's bytes: they are told from text, and named as not read."""

from __future__ import annotations

import os

from omni_core.errors import UnreadableError

SUFFIXES = (".idx", ".sup")
"""Of files that hold nothing else; a `.sub` may be text too."""
_INDEX = (b"# VobSub index file", b"\xef\xbb\xbf# VobSub index file")
_PACK = b"\0\0\1\xba"
"""How an MPEG program stream begins: in a `.sub` it is one of pictures."""
_SUP = (b"PG", b"SP")
_BDN = b"<BDN "
_MCC = b"File Format=MacCaption_MCC"


def kind_of(head: bytes, suffix: str) -> str:
    """VobSub, PGS, DVD SUP, BDN or MCC; "" for any other file."""
    if head.startswith((_MCC, b"\xef\xbb\xbf" + _MCC)):
        return "MCC"
    if head.startswith(_INDEX) or (suffix == ".sub" and head.startswith(_PACK)):
        return "VobSub"
    if suffix == ".sup" and head.startswith(_SUP):
        return "PGS" if head.startswith(b"PG") else "DVD SUP"
    return "BDN" if suffix == ".xml" and _BDN in head[:400] else ""


def refuse(path: str, head: bytes) -> None:
    """Raises UnreadableError (UNSUPPORTED_TYPE) for such a file."""
    kind = kind_of(head, os.path.splitext(path)[1].lower())
    name = repr(os.path.basename(path))
    if kind == "MCC":
        line = (
            f"{name} holds closed captions as bytes ({kind}), which are not read; save them as SCC"
        )
        raise UnreadableError(f"{line} or SRT and ingest that", code="UNSUPPORTED_TYPE")
    if kind:
        raise UnreadableError(
            f"{name} belongs to subtitles that are pictures of words ({kind}), which are not read; "
            "convert them to SRT (Subtitle Edit reads them by OCR) and ingest that",
            code="UNSUPPORTED_TYPE",
        )
