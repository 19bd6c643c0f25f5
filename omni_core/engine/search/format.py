"""Conversion of a moment to a search hit: citation, snippet, channels that matched."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from omni_core.engine.describe import cite, incomplete_note
from omni_core.engine.results import Placed, SearchHit, SourceRow
from omni_core.evidence.places import of_passage
from omni_core.evidence.snippet import Passage, passage
from omni_core.ids import segment_ref
from omni_core.payload import StoredSegment
from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.moments import Moment
from omni_core.text.headings import shown
from omni_core.types import TITLE_ORIGIN, Modality, Rect

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

    row = rows[moment.source_id]
    title = row.title
    span = moment.span
    text, origin, heading, place = _words(moment, question)
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
        rects=place.rects if place else (),
        frame_s=place.frame_s if place else None,
        recorded_at=row.recorded_at,
        recorded_at_from=row.recorded_at_from,
        also_at=tuple(
            cite(rows[s].title, rows[s].modality, at, id_if_needed(s)) for s, at in moment.also_at
        ),
        partial=incomplete_note(row),
        missing_since=row.missing_since,
        score=round(moment.score, 4),
        cosine=round(moment.cosine, 4),
        uri=row.uri,
    )


def speaking(moment: Moment) -> Candidate | None:
    """The best member with words of its own: those that a hit shows."""
    return next((m for m in moment.members if m.stored.text and not m.stored.is_title), None)


def _words(moment: Moment, question: str) -> tuple[str, str, str, Placed | None]:
    """Text, origin, heading and place: the words of the best member that has any; else a caption
    or sound tags; else the title."""
    best = speaking(moment)
    if best is not None:
        stored = best.stored
        shown = passage(stored.text, question, SNIPPET_WORDS)
        return shown.text, stored.origin, stored.heading, _place(stored, question, shown)
    for stored in (m.stored for m in moment.members):
        place = Placed((stored.crop,)) if stored.crop else None
        if stored.seen:
            return stored.seen, "looks like", stored.heading, place
        if stored.heard:
            return stored.heard, "may sound like (experimental)", stored.heading, None
    title = next((m.stored.text for m in reversed(moment.members) if m.stored.text), "")
    return (title, TITLE_ORIGIN, "", None) if title else ("", "", "", None)


def _place(stored: StoredSegment, question: str, shown: Passage) -> Placed | None:
    """Where the words of a segment that answer stand; a figure's is all of it."""
    rects: tuple[Rect, ...] = ()
    if stored.crop and stored.unit:
        rects = (stored.crop,)
    elif stored.placed:
        rects = of_passage(stored.text, stored.placed, question, shown)
    second = stored.key_time if stored.modality is Modality.VIDEO else None
    return Placed(rects, stored.page, second) if rects else None
