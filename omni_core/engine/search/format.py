"""A moment as an agent reads it: cited, quoted, with why it matched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from omni_core.engine.results import SearchHit, SourceRow
from omni_core.evidence import citation, quote
from omni_core.ids import segment_ref
from omni_core.types import TITLE_ORIGIN, Channel, Hit, Modality, Moment, Span

SNIPPET_WORDS = 30


def found(
    moment: Moment, rows: Mapping[str, SourceRow], question: str, twins: Collection[str] = ()
) -> SearchHit:
    """Dress one moment. `rows` holds the catalog rows of its sources, `twins` those of them
    whose title is not theirs alone."""
    payload = moment.best.payload
    row = rows.get(moment.source_id)
    title = row.title if row is not None else str(payload.get("title", ""))
    span = moment.span
    text, origin = _words(moment, question)
    timed = moment.modality in (Modality.VIDEO, Modality.AUDIO)
    return SearchHit(
        ref=segment_ref(moment.best.id),
        cite=cite(title, moment.modality, span, *_named(moment.source_id, twins)),
        source_id=moment.source_id,
        title=title,
        modality=moment.modality,
        match=moment.match,
        why=moment.channels,
        text=text,
        origin=origin,
        start_s=round(span.start, 2) if timed else None,
        end_s=round(span.end, 2) if timed else None,
        page=int(span.start) if span.axis == "page" else None,
        recorded_at=row.recorded_at if row is not None else None,
        also_at=tuple(
            cite(rows[s].title, rows[s].modality, at, *_named(s, twins))
            for s, at in moment.also_at
            if s in rows
        ),
        partial=partial(row),
        score=round(moment.score, 4),
        cosine=round(moment.cosine, 4),
        uri=row.uri if row is not None else "",
    )


def _named(source_id: str, twins: Collection[str]) -> tuple[str, ...]:
    return (source_id,) if source_id in twins else ()


def cite(title: str, modality: Modality, span: Span | None, source_id: str = "") -> str:
    """The citation of a span, ready to paste; a picture is cited by its title alone.

    `source_id` is printed too where two sources share the title.
    """
    return citation.cite(title, None if modality is Modality.IMAGE else span, source_id=source_id)


def partial(row: SourceRow | None) -> str:
    """What a reader must know of a source that is not complete."""
    if row is None or row.state == "ready":
        return ""
    if row.state == "partial":
        return f"ingest was cut off, {row.progress:.0%} is in"
    return f"still ingesting, {row.progress:.0%} is in"


def _words(moment: Moment, question: str) -> tuple[str, str]:
    """The words that earned the place; else what stands beside them; else what is seen or heard."""
    ranked = (moment.best, *(h for h in moment.hits if h.id != moment.best.id))
    named = ""
    for hit in ranked:
        words = str(hit.payload.get("text", ""))
        if words and hit.payload["origin"] == TITLE_ORIGIN:
            named = words
        elif words:
            return quote.snippet(words, question, SNIPPET_WORDS), str(hit.payload["origin"])
    for hit in ranked:
        if seen := _extra(hit).get("seen"):
            return str(seen), "looks like"
        if heard := _extra(hit).get("heard"):
            return str(heard), "may sound like (experimental)"
    return (named, TITLE_ORIGIN) if named else ("", "")


def _extra(hit: Hit) -> Mapping[str, Any]:
    extra: Mapping[str, Any] = hit.payload.get("extra") or {}
    return extra


def channel_of(payload: Mapping[str, Any]) -> Channel:
    """The channel that a payload keeps."""
    return Channel(str(payload["channel"]))
