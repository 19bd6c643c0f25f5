"""Completeness of a search: files still being ingested, and partially ingested sources."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from omni_core.engine.context import Context
from omni_core.engine.results import SearchRequest, SearchResult
from omni_core.engine.search.scope import searched_collection
from omni_core.errors import BadRequestError


async def with_completeness(
    context: Context, request: SearchRequest, result: SearchResult, pending: int
) -> SearchResult:
    """The result with the number of `pending` files and of partial sources, also in its note.

    For a search in one source the note is extended only when there are no hits: a hit says itself
    that its source is partial.
    """
    collection = searched_collection(context, request)
    partial = await asyncio.to_thread(context.catalog.count, collection, state="partial")
    facts = []
    if pending:
        facts.append(f"{_counted(pending, 'file')} still being ingested")
    if partial:
        facts.append(f"{_counted(partial, 'source')} only in part")
    note = result.note
    if facts and (not request.source or not result.hits):
        incomplete = f"not all of the library could be searched: {' and '.join(facts)}"
        advice = "; ask again later" if pending else "; ingest them again to complete them"
        note = f"{note}; {incomplete}{advice}" if note else incomplete + advice
    return replace(result, note=note, pending_files=pending, partial_sources=partial)


def nothing_yet(pending: int) -> BadRequestError:
    """The error of a search in an empty library while its first files are being ingested."""
    return BadRequestError(
        f"nothing can be searched yet: {_counted(pending, 'file')} being ingested; "
        "ask again in a few seconds",
        code="NOT_READY",
    )


def _counted(number: int, noun: str) -> str:
    return f"1 {noun} is" if number == 1 else f"{number} {noun}s are"
