"""Compares index and catalog source by source: what the index lost, and what it holds besides."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from omni_core.catalog import Catalog
from omni_core.protocols import Index


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs; all empty where all fits."""

    lost: Mapping[str, int]
    """Of each source that has fewer points than it should: how many, by id. Where it lost some
    before, only if it is not as many as then."""
    unknown: Mapping[str, int]
    """Of each source that the catalog does not know, or has in the bin: how many points there are,
    by id."""
    back: Mapping[str, int] = field(default_factory=dict)
    """Of each source that had lost points and has as many as before again: how many, by id."""
    should: Mapping[str, int] = field(default_factory=dict)
    """How many points those of `lost` should have, by id."""


async def compare(catalog: Catalog, index: Index) -> Compared:
    """What differs now. Costs one query of each: 0.13 s of CPU for 50,000 sources in the catalog,
    9 ms for 200,000 points in the index.

    The catalog is read first: what another process stores meanwhile is more, never less.
    """
    wanted = await asyncio.to_thread(catalog.holdings)
    before = await asyncio.to_thread(catalog.expected)
    moving = await asyncio.to_thread(catalog.unfinished_in_bin)  # one may end meanwhile
    should = {**wanted, **before}
    found = await index.count_by_source()
    total = await index.count()
    if found is None:  # the index cannot say: all of it, or nothing
        if total < sum(should.values()):
            return Compared(dict.fromkeys(wanted, 0) if not total else {}, {}, should=should)
        return Compared({}, {}, back=before)
    if sum(found.values()) != total:
        found = await index.count_by_source(exact=True) or {}
    back = {id_: found[id_] for id_, n in before.items() if found.get(id_, 0) >= n}
    lost = {
        id_: there
        for id_, n in wanted.items()
        if (there := found.get(id_, 0)) < n or (id_ in before and id_ not in back and there > n)
    }
    strange = [id_ for id_ in found if id_ not in wanted]
    known = {b.id for b, _ in moving} | await asyncio.to_thread(catalog.indexed_ids, strange)
    return Compared(lost, {i: found[i] for i in strange if i not in known}, back, should)
