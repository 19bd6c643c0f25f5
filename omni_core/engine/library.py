"""The library as a whole: list sources, read one through, check a quote, forget."""

from __future__ import annotations

import asyncio
import bisect
from datetime import datetime

from omni_core.engine.context import Context
from omni_core.engine.ingest.points import source_filter
from omni_core.engine.opening.transcript import lines, outline
from omni_core.engine.refs import Target, resolve
from omni_core.engine.results import Checked, Line, ReadPage, SourcePage, SourceRow
from omni_core.engine.search.query_by_example import points_of
from omni_core.engine.search.search import one_source, timezone
from omni_core.errors import BadRequestError, NotFoundError
from omni_core.evidence import clips, thumbnails
from omni_core.evidence.check import check as check_quote
from omni_core.retrieval import when


async def sources(
    context: Context,
    *,
    match: str = "",
    when_text: str = "",
    collection: str = "",
    state: str = "",
    limit: int = 20,
    cursor: str = "",
) -> SourcePage:
    """A page of the library, newest ingest first."""
    start = end = None
    if when_text:
        zone = await asyncio.to_thread(timezone, context)
        interval = when.parse(when_text, datetime.now(zone), zone)
        start, end = interval.start, interval.end
    rows, total, following = await asyncio.to_thread(
        lambda: context.catalog.list(
            match=match,
            recorded_from=start,
            recorded_to=end,
            collection=collection,
            state=state,
            limit=limit,
            cursor=cursor,
        )
    )
    return SourcePage(tuple(rows), total, following)


async def read(
    context: Context,
    source: str,
    *,
    start: float | None = None,
    end: float | None = None,
    cursor: str = "",
    max_words: int = 2000,
) -> ReadPage:
    """The source's words in order, a page of at most `max_words`; shots where there are none.

    start and end are seconds for film and sound, page numbers for documents, else characters.
    """
    row = await one_source(context, source)
    points = await points_of(context, Target(row))
    found = list(lines(points)) or list(outline(points))
    found.sort(key=lambda line: (line.start, line.end))
    if start is not None:
        found = [x for x in found if x.end > start or x.start == x.end >= start]
    if end is not None:
        last = end + 1 if row.pages else end
        found = [x for x in found if x.start < last]
    _within(row, start, end)
    offset = _offset(cursor, len(found))
    page: list[Line] = []
    words = 0
    for line in found[offset:]:
        words += len(line.text.split())
        if page and words > max_words:
            break
        page.append(line)
    more = offset + len(page)
    return ReadPage(row, tuple(page), str(more) if more < len(found) else "")


def _within(row: SourceRow, start: float | None, end: float | None) -> None:
    length = float(row.pages) if row.pages else row.duration_s
    if start is not None and end is not None and start > end:
        raise BadRequestError("start lies after end; swap them")
    if start is not None and length is not None and start > length:
        unit = "pages" if row.pages else "seconds"
        raise NotFoundError(
            f"{row.id} has {length:g} {unit}, {start:g} is past it", code="OUT_OF_RANGE"
        )


def _offset(cursor: str, total: int) -> int:
    if not cursor:
        return 0
    if not cursor.isdigit() or int(cursor) > total:
        raise BadRequestError(
            "that cursor is not one that read_source gave; start again without it",
            code="BAD_CURSOR",
        )
    return int(cursor)


async def check(context: Context, ref: str, words: str) -> Checked:
    """Whether a quote stands where a citation says, and where else it stands in that source."""
    target = await resolve(context, ref)
    here = lines(await points_of(context, target))
    verdict = check_quote(words, [x.text for x in here])
    elsewhere: tuple[Line, ...] = ()
    if verdict.verdict != "found":
        everywhere = lines(await points_of(context, Target(target.row)))
        starts = sorted(x.start for x in here)
        others = [x for x in everywhere if not _among(starts, x.start)]
        elsewhere = tuple(x for x in others if check_quote(words, [x.text]).verdict == "found")[:3]
    return Checked(verdict.verdict, verdict.ratio, verdict.best, elsewhere, target.row)


def _among(starts: list[float], start: float) -> bool:
    at = bisect.bisect_left(starts, start)
    return at < len(starts) and starts[at] == start


async def forget(context: Context, source: str) -> SourceRow:
    """Remove a source from the index, then from the catalog. The file itself is not touched."""
    row = await one_source(context, source)
    index = await context.opened_index()
    await index.delete(source_filter(row.id))
    await index.flush()
    await asyncio.to_thread(context.catalog.remove, row.sha256)
    for kept in (clips, thumbnails):
        await asyncio.to_thread(kept.remove, context.settings.store_path, row.id)
    await context.changes.tell(row.id)
    return row
