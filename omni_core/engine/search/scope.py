"""The scope of a search: the filters of a request, compiled to a filter of the index."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from omni_core.collection_names import DEFAULT
from omni_core.engine.context import Context
from omni_core.engine.refs import one_source
from omni_core.engine.results import SearchRequest
from omni_core.errors import BadRequestError, NotFoundError
from omni_core.payload import in_collection, of_modalities, of_sources, recorded_during
from omni_core.points import ScoredPoint
from omni_core.protocols import Index
from omni_core.query import Condition, Filter, Prefetch
from omni_core.retrieval import when
from omni_core.stages import staged
from omni_core.types import Modality


@dataclass(frozen=True, slots=True)
class Scope:
    """The filter, and the number of sources and segments searched."""

    filter: Filter
    sources: int
    segments: int
    when_resolved: str = ""
    """The period that `when` was parsed to, in words; "" without one."""
    collection: str = ""
    """The collection of `filter`, where the catalog says that every segment which meets the rest of
    it is in that collection."""

    def without_sources(self, ids: Sequence[str]) -> Scope:
        """The scope without these sources."""
        if not ids:
            return self
        must_not = (*self.filter.must_not, of_sources(ids))
        return replace(self, filter=Filter(self.filter.must, must_not))

    async def search(self, index: Index, prefetches: Sequence[Prefetch]) -> list[list[ScoredPoint]]:
        """The rankings within the scope, as `Index.search` gives them.

        A condition that every point meets makes a search six times dearer at a million points, so
        the collection is left out where the catalog knows no other. That may have changed since,
        and an index may hold more than the catalog knows: every hit is looked at, and one of
        another collection has the index asked again with the whole filter.
        """
        if self.collection:
            inside = in_collection(self.collection)
            must = tuple(c for c in self.filter.must if c != inside)
            found = await index.search(prefetches, filter=Filter(must, self.filter.must_not))
            if all(p.stored.is_in(self.collection) for hits in found for p in hits):
                return found
        return await index.search(prefetches, filter=self.filter)


@staged("search.scope")
async def scope_of(context: Context, request: SearchRequest) -> Scope:
    """The scope of a request.

    Raises EMPTY_INDEX, UNKNOWN_COLLECTION, UNKNOWN_SOURCE, NOT_READY or BAD_WHEN.
    """
    name = searched_collection(context, request)
    must: list[Condition] = [in_collection(name)] if name else []
    (sources, segments), in_one = await asyncio.to_thread(_totals, context, name)
    if not set(Modality) <= set(request.modality or Modality):
        must.append(of_modalities(request.modality))
    if request.source:
        row = await one_source(context, request.source, name)
        if row.state in ("queued", "processing") and row.segments == 0:
            raise BadRequestError(
                f"{row.id} is still being ingested ({row.progress:.0%}); ask again shortly",
                code="NOT_READY",
            )
        must.append(of_sources((row.id,)))
        sources, segments, in_one = 1, row.segments, True
    resolved = ""
    if request.when:
        period = await parse_when(context, request.when)
        resolved = period.words
        must.append(recorded_during(period.start, period.end))
    collection = name if in_one else ""
    return Scope(Filter(must=tuple(must)), sources, segments, resolved, collection)


def searched_collection(context: Context, request: SearchRequest) -> str:
    """The collection that is searched; "" for all that may be seen, which the default one stands
    for where it is none of them."""
    hidden = bool(context.within) and DEFAULT not in context.within
    return "" if hidden and request.collection == DEFAULT else request.collection


def _totals(context: Context, collection: str) -> tuple[tuple[int, int], bool]:
    """Sources and segments of a collection, and whether it holds every source there is. Raises
    EMPTY_INDEX or UNKNOWN_COLLECTION."""
    _require_collection(context, collection)
    found = context.catalog.totals(collection)
    return found, not collection or found[0] == context.catalog.totals()[0]


def _require_collection(context: Context, name: str) -> None:
    names = context.catalog.collections()
    if name in names or (names and not name):
        return
    if not names:
        raise BadRequestError(
            "nothing is ingested yet; ingest_media (or `omni-mcp ingest FILE`) comes first",
            code="EMPTY_INDEX",
        )
    raise unknown_collection(name, names)


def unknown_collection(name: str, known: Iterable[str]) -> NotFoundError:
    """The error that names the collections there are."""
    return NotFoundError(
        f"no collection {name!r}; there are: {', '.join(map(repr, sorted(known)))}",
        code="UNKNOWN_COLLECTION",
    )


async def parse_when(context: Context, text: str) -> when.Interval:
    """The period that `text` means now, in the time zone of the settings. Raises BAD_WHEN."""
    zone = await asyncio.to_thread(_timezone, context)  # reads the zone's file
    return when.parse(text, datetime.now(zone), zone)


def _timezone(context: Context) -> tzinfo:
    name = context.settings.timezone
    if not name:
        local = datetime.now().astimezone().tzinfo
        assert local is not None  # noqa: S101 - astimezone sets it
        return local
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise BadRequestError(
            f"the setting timezone={name!r} is not an IANA zone such as Europe/Berlin"
        ) from e
