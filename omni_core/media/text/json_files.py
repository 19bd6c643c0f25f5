"""JSON, JSONL and Jupyter notebooks as documents, spans in characters of their readable text."""

from __future__ import annotations

from collections.abc import Iterator

from omni_core.media.dates import from_file
from omni_core.media.text.plain import read, segments
from omni_core.media.text.structured import Readable, readable
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.charset import decode, is_text
from omni_core.types import CutOptions, FileWarning, MediaInfo, Modality, Segment, Source

_MIME = {
    ".json": "application/json", ".jsonl": "application/jsonl", ".ndjson": "application/jsonl",
    ".geojson": "application/geo+json", ".ipynb": "application/x-ipynb+json",
}  # fmt: skip


class JsonMedium(Medium):
    """JSON by suffix and first character; what does not parse is read as plain text."""

    rank = 6
    kinds = "JSON, JSONL, notebooks (IPYNB)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """A brace or bracket at the start of a file named as JSON."""
        return (
            suffix in _MIME
            and is_text(head)
            and decode(head).lstrip("\ufeff \n\t")[:1] in ("{", "[")
        )

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises TooLargeError over 64 MB."""
        when, origin = from_file(path)
        suffix = next(s for s in _MIME if path.lower().endswith(s))
        return MediaInfo(
            Modality.DOCUMENT,
            _MIME[suffix],
            title(path, _read(path).title),
            recorded_at=when,
            recorded_at_from=origin,
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Windows of text; pictures and binary values are left out, with a warning."""
        found = _read(path)
        if found.left_out:
            what = "pictures and binary values" if found.left_out > 1 else "picture or binary value"
            yield FileWarning(
                f"{found.left_out} embedded {what} not read: ingest such files by themselves"
            )
        yield from segments(found.text, source, options, found.headings)


def _read(path: str) -> Readable:
    text = read(path)
    found = readable(text)
    if found is None or not (found.text.strip() or found.left_out):
        return Readable(text)  # no JSON, or nothing but names
    return found
