"""Conversion of a moment to a search hit: citation, snippet, channels that matched."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from omni_core.engine.describe import cite, incomplete_note
from omni_core.engine.results import SearchHit, SourceRow
from omni_core.evidence.snippet import snippet
from omni_core.ids import segment_ref
from omni_core.retrieval.moments import Moment
from omni_core.text.headings import shown
from omni_core.types import TITLE_ORIGIN, Modality

SNIPPET_WORDS = 30


def format_hit(
    moment: Moment,
    rows: Mapping[str, SourceRow],
    question: str,
    duplicate_titles: Collection[str] = (),
) -> SearchHit:
    """The hit of one moment.

    `rows` are the catalog rows of its sources, by id; `duplicate_titles` are the ids of sources
    whose title is not unique: their citations include the id.
    """

    def id_if_needed(source_id: str) -> str:
        return source_id if source_id in duplicate_titles else ""

    row = rows.get(moment.source_id)
    title = row.title if row is not None else moment.best.stored.title
    span = moment.span
    text, origin, heading = _words(moment, question)
    timed = moment.modality in (Modality.VIDEO, Modality.AUDIO)
    return SearchHit(
        ref=segment_ref(moment.best.id),
        cite=cite(title, moment.modality, span, id_if_needed(moment.source_id)),
        source_id=moment.source_id,
        title=title,
        modality=moment.modality,
        match=moment.match,
        why=moment.channels,
        text=text,
        origin=origin,
        heading=shown(heading or moment.best.stored.heading, title, text),
        start_s=round(span.start, 2) if timed else None,
        end_s=round(span.end, 2) if timed else None,
        page=int(span.start) if span.axis == "page" else None,
        recorded_at=row.recorded_at if row is not None else None,
        recorded_at_from=row.recorded_at_from if row is not None else "",
        also_at=tuple(
            cite(rows[s].title, rows[s].modality, at, id_if_needed(s))
            for s, at in moment.also_at
            if s in rows
        ),
        partial=incomplete_note(row),
        missing_since=row.missing_since if row is not None else None,
        score=round(moment.score, 4),
        cosine=round(moment.cosine, 4),
        uri=row.uri if row is not None else "",
    )


def _words(moment: Moment, question: str) -> tuple[str, str, str]:
    """Text, origin and heading: the words of the best member that has any; else a caption or sound
    tags; else the title."""
    title = ""
    for stored in (m.stored for m in moment.members):
        if stored.text and stored.is_title:
            title = stored.text
        elif stored.text:
            return snippet(stored.text, question, SNIPPET_WORDS), stored.origin, stored.heading
    for stored in (m.stored for m in moment.members):
        if stored.seen:
            return stored.seen, "looks like", stored.heading
        if stored.heard:
            return stored.heard, "may sound like (experimental)", stored.heading
    return (title, TITLE_ORIGIN, "") if title else ("", "", "")
