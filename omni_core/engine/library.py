"""Operations on the library: list sources, read one, check a quote, remove one."""

from __future__ import annotations

import asyncio
import base64
import bisect
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import get_args

from omni_core import cursors
from omni_core.catalog import Catalog
from omni_core.catalog.query import MISSING, OUTDATED, SortKey
from omni_core.collection_names import collection_filter
from omni_core.engine import fetched
from omni_core.engine.bin import copy_to_bin, give_up_copy
from omni_core.engine.context import Context
from omni_core.engine.describe import describe_kind
from omni_core.engine.hashing import current_file
from omni_core.engine.opening.languages import in_one_language
from omni_core.engine.opening.placed_words import place_of_quote
from omni_core.engine.opening.speaking import Speaking, speaking_in, with_speakers
from omni_core.engine.opening.transcript import lines, outline, units
from omni_core.engine.refs import Target, exact_source, one_source, points_of, resolve
from omni_core.engine.results import Checked, Line, Placed, ReadPage, SourcePage, SourceRow, State
from omni_core.engine.search.scope import parse_when, unknown_collection
from omni_core.engine.speakers.voice_file import VoiceFile
from omni_core.errors import BadRequestError, NotFoundError
from omni_core.evidence import clips, thumbnails
from omni_core.evidence.check import QuoteMatch, match_quote
from omni_core.payload import source_filter
from omni_core.points import Point
from omni_core.stages import staged
from omni_core.tasks import in_thread
from omni_core.text.tokens import words
from omni_core.types import Modality

MAX_ELSEWHERE = 3
"""Most other places of a quote that are returned."""
STOP_AGAIN_S = 0.5
"""How long to wait for an ingest to end before those that began meanwhile are stopped too."""


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
    """A page of the library, newest ingest first; the first page of the whole library names its
    collections. Raises BAD_ARGUMENT, BAD_WHEN, BAD_CURSOR or UNKNOWN_COLLECTION."""
    collection = collection_filter(collection)
    if limit < 1:
        raise BadRequestError(f"limit is {limit}; a page holds one source or more")
    states = (*get_args(State), MISSING, OUTDATED)
    if state and state not in states:
        raise BadRequestError(f"state is {state!r}; choose one of {', '.join(states)}")
    request = repr(("sources", match, when, collection, state))
    after = _sort_key(cursors.decode(cursor, request))
    counts = await asyncio.to_thread(context.catalog.collections)
    if collection and counts and collection not in counts:
        raise unknown_collection(collection, counts)
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
    following = "" if last is None else cursors.encode(_position(last), request)
    whole = not (collection or match or when or state or cursor)
    return SourcePage(tuple(rows), total, following, counts if whole else {})


_AS_IT_IS = "="
"""How a position begins that is a sort key in JSON; base 85 does not have the sign."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _position(last: SortKey) -> str:
    """A sort key in 15 characters: microseconds, and the first 40 bits of the hash. Sources that
    are alike in both would be skipped; a second in one microsecond is rare enough."""
    at, sha256 = last
    try:
        return _packed(at, sha256)
    except (ValueError, TypeError, OverflowError):  # a damaged row: its key as it is
        return _AS_IT_IS + base64.b85encode(json.dumps(last).encode()).decode()


def _packed(at: str, sha256: str) -> str:
    micros = (datetime.fromisoformat(at) - _EPOCH) // timedelta(microseconds=1)
    return base64.b85encode(micros.to_bytes(7) + bytes.fromhex(sha256[:10])).decode()


def _sort_key(position: str) -> SortKey | None:
    if not position:
        return None
    if position.startswith(_AS_IT_IS):
        at, sha256 = json.loads(base64.b85decode(position.removeprefix(_AS_IT_IS)))
        return str(at), str(sha256)
    raw = base64.b85decode(position)
    micros = timedelta(microseconds=int.from_bytes(raw[:7]))
    return (_EPOCH + micros).isoformat(), raw[7:].hex() + "~"  # after every hash that begins so


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

    start and end are seconds for video and audio, page numbers for documents, and characters for
    documents without pages; `range` of the result says which. Raises UNKNOWN_SOURCE, OUT_OF_RANGE
    or BAD_CURSOR.
    """
    row = await one_source(context, source)
    request = repr(("read", row.id, start, end))
    offset = cursors.decode_offset(cursor, request)
    points = await points_of(context, Target(row))
    found = await asyncio.to_thread(_in_order, points, await speaking_in(context, row))
    shown = _range(row, start, end, max((line.end for line in found), default=0.0))
    if start is not None:
        found = [x for x in found if x.end > start or x.start == x.end >= start]
    if end is not None:
        last = end + 1 if row.pages else end
        found = [x for x in found if x.start < last]
    page = _first_words(found[offset:], max_words)
    until = offset + len(page)
    following = cursors.encode(str(until), request) if until < len(found) else ""
    return ReadPage(row, tuple(page), following, shown)


def _in_order(points: Sequence[Point], speaking: Speaking) -> list[Line]:
    """The words of a source, or its shots, in order. A book takes seconds."""
    found = with_speakers(lines(in_one_language(points)), speaking) or outline(points)
    return sorted(found, key=lambda line: (line.start, line.end))


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


def _range(row: SourceRow, start: float | None, end: float | None, last: float) -> str:
    """`start` and `end` in words with their unit, as they are understood for this source; "" for
    none. `last` is where its words end. Raises BadRequestError or NotFoundError OUT_OF_RANGE."""
    if start is None and end is None:
        return ""
    if row.modality is Modality.IMAGE:
        raise BadRequestError(
            f"{row.id} has no seconds and no pages: it is an image; leave out start and end"
        )
    first, final = start or 0.0, end
    if final is not None and first > final:
        raise BadRequestError(f"start {first:g} lies after end {final:g}; swap them")
    if row.pages:
        unit, whole, first = "pages", f"{row.pages}", max(1.0, first)
        length = float(row.pages)
    elif row.duration_s is not None:
        unit, whole, length = "seconds", f"{row.duration_s:g}", row.duration_s
    else:
        unit, whole, length = "characters", f"{last:g}", last
    if first > length:
        raise NotFoundError(f"{row.id} has {whole} {unit}, {first:g} is past it; it is "
                            f"{describe_kind(row)}", code="OUT_OF_RANGE")  # fmt: skip
    until = length if final is None else min(final, length)
    note = "; a document without pages has no seconds" if unit == "characters" else ""
    return f"{unit} {first:g} to {until:g} of {whole}{note}"


async def check_quote(context: Context, ref: str, quote: str) -> Checked:
    """Whether a quote is where the citation says, in which rectangles, and where else it is in that
    source."""
    target = await resolve(context, ref)
    points = await points_of(context, target)
    here, found = await asyncio.to_thread(_compared, quote, points)
    elsewhere: tuple[Line, ...] = ()
    if found.verdict != "found":
        all_points = await points_of(context, Target(target.row))
        elsewhere = await asyncio.to_thread(_elsewhere, quote, here, all_points)
    placed: tuple[Placed, ...] = ()
    if found.verdict != "not_found":
        file, _ = await current_file(context, target.row)
        placed = await place_of_quote(context, target.row, file, points, quote)
    return Checked(found.verdict, found.ratio, found.best, elsewhere, target.row, placed)


def _compared(quote: str, points: Sequence[Point]) -> tuple[Sequence[Line], QuoteMatch]:
    """The lines of segments, and how the quote stands in them."""
    here = lines(points) + units(points)
    return here, match_quote(quote, [x.text for x in here])


def _elsewhere(quote: str, here: Sequence[Line], points: Sequence[Point]) -> tuple[Line, ...]:
    """The first other lines that hold the quote; those without a word of it are passed over."""
    starts = sorted(x.start for x in here)
    wanted = set(words(quote))
    others = (
        x
        for x in (*lines(points), *units(points))
        if not _holds(starts, x.start) and not wanted.isdisjoint(words(x.text))
    )
    hits = (x for x in others if match_quote(quote, [x.text]).verdict == "found")
    return tuple(islice(hits, MAX_ELSEWHERE))


def _holds(starts: Sequence[float], start: float) -> bool:
    at = bisect.bisect_left(starts, start)
    return at < len(starts) and starts[at] == start


async def forget_source(
    context: Context,
    source: str,
    *,
    now: bool = False,
    stop: Callable[[str], Awaitable[object]] | None = None,
    only_if: Callable[[SourceRow], Awaitable[bool]] | None = None,
) -> SourceRow:
    """Move a source to the bin (`engine.bin`), or delete it `now`. The file itself is not touched,
    unless it was fetched from a link or uploaded into the store: that is deleted with the source.
    Where its folder is watched, it is not ingested again before it changes.

    Waits for the ingests of the same bytes; `stop` ends those of a source id. Raises NotFoundError
    UNKNOWN_SOURCE, also where `only_if` says after that wait that the source is to stay."""
    row = await exact_source(context, source)
    lock = context.source_locks.setdefault(row.sha256, asyncio.Lock())
    while stop is not None and not await acquired(lock, stop(row.id)):
        pass
    if stop is None:
        await lock.acquire()
    try:
        row = await exact_source(context, row.id)  # another call may have changed or forgotten it
        if only_if is not None and not await only_if(row):
            raise NotFoundError(f"{row.id} is to stay after all", code="UNKNOWN_SOURCE")
        await _forget_locked(context, row, now=now or not context.settings.bin_days)
    finally:
        lock.release()
    await context.changes.notify(row.id)
    return row


async def acquired(lock: asyncio.Lock, stopping: Awaitable[object]) -> bool:
    """Whether the lock of a source was got, once its ingests are stopped."""
    await stopping
    try:
        async with asyncio.timeout(STOP_AGAIN_S):
            return await lock.acquire()
    except TimeoutError:
        return False  # an ingest that waited for the lock has it now


async def _forget_locked(context: Context, row: SourceRow, *, now: bool) -> None:
    index, catalog, sha256 = await context.opened_index(), context.catalog, row.sha256
    await index.delete(source_filter(""))  # deletes nothing: may it, before anything is changed?
    try:
        if now:
            await asyncio.to_thread(catalog.drop_from_bin, sha256)
        else:
            await copy_to_bin(context, index, row)
        await asyncio.to_thread(catalog.begin_forgetting, sha256)
        await index.delete(source_filter(row.id))
        await index.flush()
        paths = await asyncio.to_thread(catalog.paths, sha256)
        await in_thread(_leave, catalog, sha256)
        context.bin_grew.set()
    except BaseException:
        await in_thread(give_up_copy, catalog, sha256)
        await in_thread(catalog.end_forgetting, sha256)
        raise
    voices = VoiceFile(context.settings.store_path)
    await asyncio.to_thread(voices.forget_source, row.id)
    if now:
        await asyncio.to_thread(_remove_fetched, context, paths)
    for kept in (clips, thumbnails) if now else (clips,):
        await asyncio.to_thread(kept.remove, context.settings.store_path, row.id)


def _remove_fetched(context: Context, paths: Sequence[str]) -> None:
    """Two copies that are kept apart may be of one file."""
    gone = [path for path in paths if not context.catalog.is_path_known(path)]
    fetched.remove(context.settings.store_path, gone)


def _leave(catalog: Catalog, sha256: str) -> None:
    catalog.forget(sha256)
    catalog.end_binning(sha256)
