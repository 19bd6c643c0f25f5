"""Sources and spans as text: citations, positions, provenance."""

from __future__ import annotations

from omni_core.catalog.holding import lost_note
from omni_core.collection_names import DEFAULT
from omni_core.engine.results import SourceRow
from omni_core.evidence import citation
from omni_core.text.clock import clock
from omni_core.types import Modality, Span

NOTHING = Span("char", 0, 0)
"""Where the title of a text without words stands."""


def cite(title: str, modality: Modality, span: Span | None, source_id: str = "") -> str:
    """The citation of a span, ready to paste; an image, and a document in which there is nothing
    but its title, are cited by the title alone.

    `source_id` is printed too where two sources share the title.
    """
    whole = modality is Modality.IMAGE or span == NOTHING
    return citation.cite(title, None if whole else span, source_id=source_id)


def incomplete_note(row: SourceRow | None) -> str:
    """A note on a source that is not complete; "" for a complete one."""
    if row is None or row.state == "ready":
        return ""
    if row.state == "partial" and (lost := lost_note(row.warnings)):
        return lost
    if row.state == "partial":
        return f"ingest was cut off, {row.progress:.0%} is in"
    return f"still ingesting, {row.progress:.0%} is in"


def empty_note(why: str) -> tuple[str, ...]:
    """A note on a source in which nothing can be found; none for any other."""
    return (f"only its title can be found: {why}",) if why else ()


def describe_kind(row: SourceRow) -> str:
    """The kind of a source with its article: `a video`, `a document without pages`."""
    if row.modality is Modality.DOCUMENT and not row.pages:
        return "a document without pages"
    return _WITH_ARTICLE[row.modality]


_WITH_ARTICLE = {
    Modality.VIDEO: "a video",
    Modality.AUDIO: "an audio file",
    Modality.IMAGE: "an image",
    Modality.DOCUMENT: "a document",
}


def facts(row: SourceRow) -> str:
    """Kind, length, date and collections of a source, to tell it from others of its title."""
    known = [row.modality.value]
    if row.duration_s is not None:
        known.append(clock(row.duration_s, short=True))
    if row.pages is not None:
        known.append(_pages(row.pages))
    if row.recorded_at is not None:
        known.append(f"{row.recorded_at:%Y-%m-%d} ({row.recorded_at_from})")
    if row.collections not in ((), (DEFAULT,)):
        known.append("in " + ", ".join(map(repr, row.collections)))
    return ", ".join(known)


def place(row: SourceRow, span: Span | None) -> str:
    """A span of a source in words: `12:04.3-12:19.3 of 48:10.0`, `page 7 of 31`."""
    if span is None or row.modality is Modality.IMAGE or span == NOTHING:
        if row.duration_s:
            return f"the whole, {clock(row.duration_s)} long"
        return f"the whole, {_pages(row.pages)}" if row.pages else "the whole"
    if span.axis == "page":
        return f"page {span.start:g} of {row.pages}"
    if span.axis == "char":
        return f"characters {span.start:g} to {span.end:g}"
    whole = f" of {clock(row.duration_s)}" if row.duration_s else ""
    return f"{clock(span.start)}-{clock(span.end)}{whole}"


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count} pages"


def short_ref(row: SourceRow, span: Span | None) -> str:
    """A ref of a span by the source's id, without the title: it may become part of a URI."""
    if span is None or span.axis == "char" or span == Span("second", 0, 0):
        return row.id
    if span.axis == "page":
        return f"{row.id}#p{span.start:g}"
    ends = dict.fromkeys((span.start, span.end))
    return f"{row.id}@{'-'.join(f'{s:.3f}'.rstrip('0').rstrip('.') for s in ends)}"


def provenance(row: SourceRow) -> str:
    """Hash, model, pipeline and date of a source, in one line."""
    recorded = ""
    if row.recorded_at is not None:
        recorded = f", recorded {row.recorded_at.isoformat()} ({row.recorded_at_from})"
    return f"sha256 {row.bytes_sha256[:16]}…, model {row.model}, pipeline {row.pipeline}{recorded}"
