"""JSON, JSONL and Jupyter notebooks as documents, spans in characters of their readable text."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from omni_core.errors import UnreadableError
from omni_core.media.dates import from_file
from omni_core.media.text.plain import read, read_decoded, segments
from omni_core.media.text.readable import Readable
from omni_core.media.text.structured import MAX_DEPTH, begins_as_json, readable, unescape
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.charset import decode, is_text
from omni_core.text.mojibake import mended_escapes
from omni_core.types import CutOptions, FileWarning, MediaInfo, Modality, Segment, Source

_MIME = {
    ".json": "application/json", ".jsonl": "application/jsonl", ".ndjson": "application/jsonl",
    ".geojson": "application/geo+json", ".ipynb": "application/x-ipynb+json",
}  # fmt: skip

_MISTAKEN = "its letters are written as the bytes of UTF-8, one escape each; they were put right"
NAMED = 5
"""Lines that a warning names."""


class JsonMedium(Medium):
    """JSON by its first characters, whatever the file is called."""

    rank = 6
    kinds = "JSON, JSONL, notebooks (IPYNB)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """A brace or bracket at the start of a file named as JSON; a JSON value in others."""
        if not is_text(head):
            return False
        start = decode(head)
        named = suffix in _MIME and start.lstrip("\ufeff \n\t")[:1] in ("{", "[")
        return named or begins_as_json(start)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises TooLargeError over 64 MB, UnreadableError (UNSUPPORTED_TYPE) for what is neither
        JSON nor named so."""
        text = read_decoded(path)
        plain, mistaken = mended_escapes(text.text)
        found = _readable(path, plain)
        when, origin = from_file(path)
        return MediaInfo(
            Modality.DOCUMENT,
            _MIME.get(_suffix(path), "application/json"),
            title(path, found.title),
            recorded_at=when,
            recorded_at_from=origin,
            warnings=(*text.warnings, *[_MISTAKEN] * mistaken),
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Windows of text; pictures and binary values are left out, with a warning."""
        found = _readable(path, mended_escapes(read(path))[0])
        yield from map(FileWarning, _warnings(found))
        yield from segments(found.text, source, options, found.headings)


def _readable(path: str, text: str) -> Readable:
    found = readable(text)
    if found is not None and not (found.text.strip() or found.left_out or found.too_deep):
        return Readable(text)  # nothing but names
    if found is not None:
        return found
    if _suffix(path) not in _MIME:
        raise UnreadableError(f"{os.path.basename(path)!r} is no JSON", code="UNSUPPORTED_TYPE")
    return Readable(unescape(text), bad_lines=[0])


def _warnings(found: Readable) -> Iterator[str]:
    """One line for each kind of what is not read as it was meant."""
    if found.left_out:
        what = "pictures and binary values" if found.left_out > 1 else "picture or binary value"
        yield f"{found.left_out} embedded {what} not read: ingest such files by themselves"
    if found.too_deep:
        yield f"{found.too_deep} values nested more than {MAX_DEPTH} levels deep are not read"
    if found.bad_cells:
        yield f"{_numbered('cell', found.bad_cells)}: no valid cell of a notebook, not read"
    if found.bad_lines == [0]:
        yield "this is no valid JSON: it is read as plain text"
    elif found.bad_lines:
        yield f"{_numbered('line', found.bad_lines)}: no valid JSON, read as plain text"


def _numbered(what: str, numbers: Sequence[int]) -> str:
    """`lines 3, 7 and 12 more`."""
    more = len(numbers) - NAMED
    shown = ", ".join(map(str, numbers[:NAMED])) + (f" and {more} more" if more > 0 else "")
    return f"{what}{'s' if len(numbers) > 1 else ''} {shown}"


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()
