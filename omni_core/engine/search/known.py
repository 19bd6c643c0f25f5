"""Sources that the catalog does not know are no answer, also where the index has segments of them.

So it is after a snapshot of the index was brought back that is older than the catalog, or a copy of
the catalog that is older than the index, until `omni-mcp doctor --repair`; and for a moment while a
source is forgotten. To a caller with rights on some collections a source in others is unknown.
Nobody pays for this but a search that meets one: it is made again without them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from omni_core.engine.comparing import compare
from omni_core.engine.context import Context
from omni_core.engine.results import SearchRequest, SearchResult
from omni_core.errors import StoreError
from omni_core.types import SourceRow

ROUNDS = 10
"""How often a search is made at most. Each time all are left out that were among its candidates."""

Search = Callable[[Context, SearchRequest, Collection[str]], Awaitable[SearchResult]]
"""The third: ids of sources that are left out."""


class UnknownSourcesError(Exception):
    """A search came upon sources that the catalog does not know: it is to be made without them."""

    def __init__(self, ids: frozenset[str]) -> None:
        super().__init__(f"{len(ids)} sources")
        self.ids = ids


async def rows_of(context: Context, ids: Collection[str]) -> dict[str, SourceRow]:
    """The rows of these sources. Raises UnknownSourcesError where one has none."""
    rows = await asyncio.to_thread(context.catalog.get_many, ids)
    await require_all(context, rows, ids)
    return rows


async def require_all(
    context: Context,
    rows: Mapping[str, SourceRow],
    ids: Collection[str],
    among: Collection[str] = (),
) -> None:
    """Raise UnknownSourcesError where one of these sources has no row, with those of `among` that
    the catalog does not know either."""
    if len(rows) < len(ids):
        others = await asyncio.to_thread(context.catalog.get_many, set(among) - set(ids))
        raise UnknownSourcesError(frozenset({*ids, *among} - rows.keys() - others.keys()))


async def with_known_sources(
    search: Search, context: Context, request: SearchRequest
) -> SearchResult:
    """The result of a search among the sources that the catalog knows."""
    unknown: frozenset[str] = frozenset()
    for _ in range(ROUNDS):
        try:
            return await search(context, request, unknown)
        except UnknownSourcesError as e:
            unknown |= e.ids | (frozenset() if unknown else await _all_unknown(context))
    raise StoreError(
        "the index holds segments of too many sources that the catalog does not know: "
        "`omni-mcp doctor --repair` takes them out"
    )


async def _all_unknown(context: Context) -> frozenset[str]:
    return frozenset((await compare(context.catalog, await context.opened_index())).unknown)
