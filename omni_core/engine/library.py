"""Operations on the library: list sources, read one, check a quote, remove one."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Sequence
from typing import get_args

from omni_core import cursors
from omni_core.catalog.query import SortKey
from omni_core.engine.context import Context
from omni_core.engine.opening.transcript import lines, outline
from omni_core.engine.refs import Target, one_source, points_of, resolve
from omni_core.engine.results import Checked, Line, ReadPage, SourcePage, SourceRow, State
from omni_core.engine.search.scope import parse_when
from omni_core.errors import BadRequestError, NotFoundError
from omni_core.evidence import clips, thumbnails
from omni_core.evidence.check import match_quote
from omni_core.payload import source_filter
from omni_core.stages import staged

MAX_ELSEWHERE = 3
"""Most other places of a quote that are returned."""


async def list_sources(
    context: Context,
    *,
    match: str = "",
    when: str = "",
    collection: str = "",
    state: str = "",
    limit: int = 20,
    cursor: str = "",
) -> SourcePage:
    """A page of the library, newest ingest first. Raises BAD_ARGUMENT, BAD_WHEN or BAD_CURSOR."""
    if limit < 1:
        raise BadRequestError(f"limit is {limit}; a page holds one source or more")
    if state and state not in get_args(State):
        raise BadRequestError(f"state is {state!r}; choose one of {', '.join(get_args(State))}")
    request = repr(("sources", match, when, collection, state))
    after = _sort_key(cursors.decode(cursor, request))
    period = await parse_when(context, when) if when else None
    rows, total, last = await asyncio.to_thread(
        lambda: context.catalog.list(
            match=match,
            recorded_from=period.start if period else None,
            recorded_to=period.end if period else None,
            collection=collection,
            state=state,
            limit=limit,
            after=after,
        )
    )
    following = "" if last is None else cursors.encode(" ".join(last), request)
    return SourcePage(tuple(rows), total, following)


def _sort_key(position: str) -> SortKey | None:
    ingested_at, _, sha256 = position.partition(" ")
    return (ingested_at, sha256) if position else None


@staged("read")
async def read_source(
    context: Context,
    source: str,
    *,
    start: float | None = None,
    end: float | None = None,
    cursor: str = "",
    max_words: int = 2000,
) -> ReadPage:
    """The words of a source in order, at most `max_words` a page; its shots where it has none.

    start and end are seconds for video and audio, page numbers for documents, else characters.
    Raises UNKNOWN_SOURCE, OUT_OF_RANGE or BAD_CURSOR.
    """
    row = await one_source(context, source)
    _require_within(row, start, end)
    request = repr(("read", row.id, start, end))
    offset = cursors.decode_offset(cursor, request)
    points = await points_of(context, Target(row))
    found = list(lines(points)) or list(outline(points))
    found.sort(key=lambda line: (line.start, line.end))
    if start is not None:
        found = [x for x in found if x.end > start or x.start == x.end >= start]
    if end is not None:
        last = end + 1 if row.pages else end
        found = [x for x in found if x.start < last]
    page = _first_words(found[offset:], max_words)
    shown = offset + len(page)
    following = cursors.encode(str(shown), request) if shown < len(found) else ""
    return ReadPage(row, tuple(page), following)


def _first_words(found: Sequence[Line], max_words: int) -> list[Line]:
    """The first lines with at most `max_words` words together, one line at least."""
    page: list[Line] = []
    words = 0
    for line in found:
        words += len(line.text.split())
        if page and words > max_words:
            break
        page.append(line)
    return page


def _require_within(row: SourceRow, start: float | None, end: float | None) -> None:
    length = float(row.pages) if row.pages else row.duration_s
    if start is not None and end is not None and start > end:
        raise BadRequestError("start lies after end; swap them")
    if start is not None and length is not None and start > length:
        unit = "pages" if row.pages else "seconds"
        raise NotFoundError(
            f"{row.id} has {length:g} {unit}, {start:g} is past it", code="OUT_OF_RANGE"
        )


async def check_quote(context: Context, ref: str, quote: str) -> Checked:
    """Whether a quote is where the citation says, and where else it is in that source."""
    target = await resolve(context, ref)
    here = lines(await points_of(context, target))
    found = match_quote(quote, [x.text for x in here])
    elsewhere: tuple[Line, ...] = ()
    if found.verdict != "found":
        everywhere = lines(await points_of(context, Target(target.row)))
        starts = sorted(x.start for x in here)
        others = (x for x in everywhere if not _holds(starts, x.start))
        hits = (x for x in others if match_quote(quote, [x.text]).verdict == "found")
        elsewhere = tuple(x for x, _ in zip(hits, range(MAX_ELSEWHERE), strict=False))
    return Checked(found.verdict, found.ratio, found.best, elsewhere, target.row)


def _holds(starts: Sequence[float], start: float) -> bool:
    at = bisect.bisect_left(starts, start)
    return at < len(starts) and starts[at] == start


async def forget_source(context: Context, source: str) -> SourceRow:
    """Remove a source from the index, then from the catalog. The file itself is not touched."""
    row = await one_source(context, source)
    index = await context.opened_index()
    await index.delete(source_filter(row.id))
    await index.flush()
    await asyncio.to_thread(context.catalog.remove, row.sha256)
    for kept in (clips, thumbnails):
        await asyncio.to_thread(kept.remove, context.settings.store_path, row.id)
    await context.changes.notify(row.id)
    return row
