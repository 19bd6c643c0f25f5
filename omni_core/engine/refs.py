"""Resolves a reference to a source, a span of it, and its stored segments."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omni_core.engine.context import Context
from omni_core.engine.describe import describe_kind, facts
from omni_core.engine.results import SourceRow
from omni_core.errors import AmbiguousError, Choice, NotFoundError
from omni_core.evidence import citation
from omni_core.ids import is_id_shaped
from omni_core.payload import of_sources, overlapping
from omni_core.points import Point
from omni_core.query import Condition, Filter
from omni_core.text.clean import clean
from omni_core.text.clock import clock
from omni_core.types import Modality, Span

SCROLL_LIMIT = 512
MAX_CHOICES = 8
"""Most sources that an AmbiguousError lists."""
MAX_WITH_VECTORS = 256
"""Most points of one reference whose vectors are fetched: a long video has thousands."""


@dataclass(frozen=True, slots=True)
class Target:
    """A resolved reference: a source, or a segment or span of it."""

    row: SourceRow
    span: Span | None = None
    segment: str | None = None
    """uuid, when the ref was a `seg_` id."""
    instant: bool = False
    """Whether a single second was asked for."""


def is_reference(text: str) -> bool:
    """Whether `text` has the form of an id or a citation: `seg_...`, `src_...`, `[Title p.2]`."""
    return text.startswith(("seg_", "src_")) or (text.startswith("[") and text.endswith("]"))


async def resolve(context: Context, ref: str) -> Target:
    """The target of `ref`. Raises UNKNOWN_REF, AMBIGUOUS_SOURCE or OUT_OF_RANGE."""
    parsed = citation.parse(ref)
    if parsed.segment is not None:
        index = await context.opened_index()
        points = await index.get([parsed.segment])
        row = None
        if points:
            row = await asyncio.to_thread(context.catalog.get, points[0].stored.source_id)
        if not points or row is None:
            raise NotFoundError(
                f"no segment {ref[:60]}; ids change when a source is forgotten: search again",
                code="UNKNOWN_REF",
            )
        return Target(row, points[0].stored.span, parsed.segment)
    row = await _row(context, parsed.source, parsed.span, ref)
    if parsed.span is None:
        return Target(row)
    return Target(row, _within(parsed.span, row), instant=parsed.span.start == parsed.span.end)


async def points_of(context: Context, target: Target, *, vectors: bool = False) -> list[Point]:
    """The stored segments that a target covers, in order of time or page.

    With `vectors` at most the first `MAX_WITH_VECTORS` of them.
    """
    index = await context.opened_index()
    if target.segment is not None:
        return await index.get([target.segment], vectors=vectors)
    must: tuple[Condition, ...] = (of_sources((target.row.id,)),)
    if target.span is not None:
        must += overlapping(target.span)
    found: list[Point] = []
    offset: str | None = None
    while True:
        page, offset = await index.scroll(Filter(must=must), limit=SCROLL_LIMIT, offset=offset)
        found += page
        if offset is None:
            break
    found.sort(key=lambda p: (p.stored.span.start, p.stored.channel, p.stored.part))
    if vectors and found:
        found = await index.get([p.id for p in found[:MAX_WITH_VECTORS]], vectors=True)
    return found


async def one_source(context: Context, wanted: str, collection: str = "") -> SourceRow:
    """The source with this id, or whose title or file name contains this text.

    Raises NotFoundError UNKNOWN_SOURCE, or AmbiguousError for several.
    """
    rows = await asyncio.to_thread(context.catalog.find, wanted, collection)
    if not rows:
        raise _unknown(wanted)
    if len(rows) > 1:
        raise ambiguous(wanted, rows)
    return rows[0]


async def exact_source(context: Context, wanted: str) -> SourceRow:
    """The source that is to be changed or removed: with this id, path, or whole title or file name,
    letter by letter, if no other has the same in any spelling.

    Raises NotFoundError UNKNOWN_SOURCE, which names the ids of sources with a similar name, or
    AmbiguousError.
    """
    rows = await asyncio.to_thread(context.catalog.exactly, wanted)
    if len(rows) > 1:
        raise ambiguous(wanted, rows)
    if rows and (is_id_shaped(wanted) or _is_name(wanted, rows[0])):
        return rows[0]
    near = rows or await asyncio.to_thread(context.catalog.find, wanted)
    if not near:
        raise _unknown(wanted)
    raise NotFoundError(
        f"no source is named exactly {clean(wanted)[:80]!r}; this needs an id, a whole path or a "
        f"whole title. Similar: {_listed(near)}",
        code="UNKNOWN_SOURCE",
    )


def _is_name(wanted: str, row: SourceRow) -> bool:
    names = (row.uri, row.title, Path(row.uri).name)
    return wanted in names or clean(wanted) in (clean(name) for name in names)


def _unknown(wanted: str) -> NotFoundError:
    what = "has the id" if is_id_shaped(wanted) else "matches"
    return NotFoundError(
        f"no source {what} {clean(wanted)[:80]!r}; list the sources to see what there is",
        code="UNKNOWN_SOURCE",
    )


def ambiguous(given: str, rows: Sequence[SourceRow], span: Span | None = None) -> AmbiguousError:
    """The error that lists the sources which `given` may mean, newest ingest first."""
    choices = [Choice(_ref(r, span), r.title, facts(r)) for r in rows[:MAX_CHOICES]]
    return AmbiguousError(
        f"{len(rows)} sources match {clean(given)[:80]!r}, use one of {_listed(rows, span)}",
        given=given,
        choices=choices,
    )


def _listed(rows: Sequence[SourceRow], span: Span | None = None) -> str:
    """The first sources, by id and kind, without their titles."""
    more = len(rows) - MAX_CHOICES
    shown = "; ".join(f"{_ref(r, span)} ({facts(r)})" for r in rows[:MAX_CHOICES])
    return shown + (f" and {more} more" if more > 0 else "")


def _ref(row: SourceRow, span: Span | None) -> str:
    at = "@" if span is not None and span.axis == "second" else " "
    return f"{row.id}{at}{citation.place(span)}".strip()


async def _row(context: Context, wanted: str, span: Span | None, ref: str) -> SourceRow:
    rows = await asyncio.to_thread(context.catalog.find, wanted, "")
    if not rows:  # a citation replaces brackets in a title: search for its longest word
        longest = max(re.split(r"[()\"”\s]+", wanted), key=len)
        near = await asyncio.to_thread(context.catalog.find, longest, "") if longest else []
        rows = [r for r in near if citation.same_title(r.title, wanted)]
    exact = [r for r in rows if r.id == wanted or citation.same_title(r.title, wanted)]
    rows = exact or rows
    if (
        len(rows) > 1 and span is not None
    ):  # only video and audio have seconds, only documents pages
        rows = [r for r in rows if (r.pages if span.axis == "page" else r.duration_s)] or rows
    if not rows:
        raise NotFoundError(
            f"nothing is known as {clean(ref)[:80]!r}; use an id from search or list_sources",
            code="UNKNOWN_REF",
        )
    if len(rows) > 1:
        raise ambiguous(ref, rows, span)
    return rows[0]


def _within(span: Span, row: SourceRow) -> Span:
    if span.axis == "second" and row.modality in (Modality.DOCUMENT, Modality.IMAGE):
        raise NotFoundError(
            f"{row.id} has no seconds: it is {describe_kind(row)}; "
            + ("use #p1" if row.pages else f"use {row.id}"),
            code="OUT_OF_RANGE",
        )
    if span.axis == "page" and not row.pages:
        raise NotFoundError(
            f"{row.id} has no pages: it is {describe_kind(row)}; "
            + (f"use {row.id}@0" if row.duration_s else f"use {row.id}"),
            code="OUT_OF_RANGE",
        )
    if span.axis == "second" and row.duration_s is not None and span.start > row.duration_s + 0.1:
        raise NotFoundError(
            f"{row.id} ends at {clock(row.duration_s)}, {clock(span.start)} is past it",
            code="OUT_OF_RANGE",
        )
    if span.axis == "page" and row.pages and not 1 <= span.start <= row.pages:
        raise NotFoundError(
            f"{row.id} has pages 1 to {row.pages}, not {span.start:g}", code="OUT_OF_RANGE"
        )
    end = span.end
    if span.axis == "second" and row.duration_s is not None:
        end = min(end, row.duration_s)
    return Span(span.axis, span.start, max(end, span.start))
