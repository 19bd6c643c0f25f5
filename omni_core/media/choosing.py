"""Which of the media that claim a file read it.

A few bytes decide who may try first, not who can read: a text that quotes a subtitle is text. When
a medium says that a file is none of its own, or damaged, before it gave anything of it, the next
one that claims it is tried; where none reads it, the first one's error stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from omni_core.errors import OmniError, UnavailableError, UnreadableError
from omni_core.media.guard import guarded
from omni_core.protocols import Medium
from omni_core.text.wide import is_strictly_text
from omni_core.types import CutOptions, FileLength, FileWarning, MediaInfo, Segment, Source

TEXT_RANK = 5
"""Ranks from here on are media of text, which a damaged binary file is never read as."""
LOOKED_AT = 1 << 20
"""Bytes that must all be text for a file that begins as a binary one to be read as text."""
_PDF_OBJECT = re.compile(rb"(?m)^\s*\d{1,10}\s+\d{1,5}\s+obj\b")
_NOT_MINE, _DAMAGED = "UNSUPPORTED_TYPE", "CORRUPT_MEDIA"
"""Codes after which another medium is tried. A wrong password and a limit are for all."""


def able(path: str, claiming: Sequence[Medium]) -> list[Medium]:
    """The media that may read the file, of those that claim it, in their order.

    What begins as a binary file and is text to its end (`GIF89a is a format ...`) is for the media
    of text; a damaged binary file is never for them, nor a PDF, whose objects may be text too.
    """
    not_text = [medium for medium in claiming if medium.rank < TEXT_RANK]
    not_binary = [medium for medium in claiming if not medium.never_text]
    if not not_text or len(not_binary) == len(claiming):
        return [*claiming]
    with open(path, "rb") as f:
        start = f.read(LOOKED_AT)
    is_pdf = start.startswith(b"%PDF-") or _PDF_OBJECT.search(start)
    is_text = is_strictly_text(start) and not is_pdf
    return (not_binary if is_text else not_text) or [*claiming]


def probe(
    path: str, media: Sequence[Medium], password: str | None = None
) -> tuple[Medium, MediaInfo]:
    """The first medium that opens the file, and what it says of it. Raises the first one's error.

    Where one before called the file damaged, rather than none of its own, this is a warning.
    """
    first: OmniError | None = None
    damaged = ""
    for medium in media:
        try:
            with guarded(path):
                info = medium.probe(path, password)
        except OmniError as e:
            if first is None and not _is_passed_on(e):
                raise
            first = first or e
            kinds = medium.kinds or type(medium).__name__
            damaged = damaged or (kinds.partition(" (")[0] if e.code == _DAMAGED else "")
            continue
        if damaged:
            line = f"read as {info.mime}: it cannot be read as {damaged}"
            info = replace(info, warnings=(line, *info.warnings))
        return medium, info
    raise first or UnreadableError("no medium claims this file", code=_NOT_MINE)


def decompose(
    path: str, media: Sequence[Medium], source: Source, options: CutOptions
) -> Iterator[Segment | FileWarning | FileLength]:
    """What the first medium cuts; of the next one, if the first fails before its first segment.

    `media` begins with the one that opened the file. The others must find the same modality in it.
    """
    first: OmniError | None = None
    for medium in media:
        began = False
        warnings: list[FileWarning] = []
        try:
            with guarded(path):
                if first and medium.probe(path, options.password).modality != source.modality:
                    continue
                for item in medium.decompose(path, source, options):
                    _require_known(medium, item)
                    if not began and isinstance(item, FileWarning):
                        warnings.append(item)
                        continue
                    began = True
                    yield from warnings
                    warnings.clear()
                    yield item
        except OmniError as e:
            if began or (first is None and not _is_passed_on(e)):
                raise
            first = first or e
        else:
            yield from warnings
            return
    if first:
        raise first


def _is_passed_on(e: OmniError) -> bool:
    return isinstance(e, UnreadableError) and e.code in (_NOT_MINE, _DAMAGED)


def _require_known(medium: Medium, item: object) -> None:
    if not isinstance(item, Segment | FileWarning | FileLength):
        raise UnavailableError(
            f"the medium {type(medium).__name__} yields {type(item).__name__} where a Segment or a "
            "FileWarning belongs; tell its authors"
        )
