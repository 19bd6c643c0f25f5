"""What segments say of their source, against the catalog: its title, its date, its collections.

They differ where an index was brought back from a snapshot, or a catalog from a copy, and the other
one went on meanwhile: a source that has moved to another collection is searched in the former one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Set
from typing import Any

from omni_core.catalog import Catalog
from omni_core.engine.checking.findings import Fault
from omni_core.engine.source_points import changes_of
from omni_core.payload import in_collection
from omni_core.protocols import Index
from omni_core.query import Filter
from omni_core.text.counting import counted
from omni_core.types import SourceRow

AT_ONCE = 500
MOST = 10
"""Collections that are named."""

Says = tuple[str, str, tuple[str, ...]]
"""Title, date as it is stored, "" for none, and collections."""


def says(fields: Mapping[str, Any]) -> Says:
    """What the payload of a sound segment says of its source."""
    names = tuple(sorted(map(str, fields["collections"])))
    return str(fields["title"]), str(fields.get("recorded_at") or ""), names


def differing(catalog: Catalog, said: Mapping[str, Set[Says]]) -> list[SourceRow]:
    """The sources, whole or partial, of which a segment says something else than the catalog, by
    what their segments say."""
    ids, found = list(said), []
    for i in range(0, len(ids), AT_ONCE):
        for row in catalog.get_many(ids[i : i + AT_ONCE]).values():
            title, date, names = says({"recorded_at": "", **changes_of(row)})
            wanted = {(title, date or one[1], names) for one in said[row.id]}
            if row.state in ("ready", "partial") and wanted != said[row.id]:
                found.append(row)
    return found


def faults_of(catalog: Catalog, said: Mapping[str, Set[Says]]) -> list[Fault]:
    """What a look says of them."""
    count = len(differing(catalog, said))
    line = (
        f"of {counted(count, 'source')} it has another title, date or collection than the catalog"
    )
    return [Fault("index", line)] * bool(count)


async def faults_by_counts(catalog: Catalog, index: Index) -> list[Fault]:
    """What a look says of an index that has no fewer segments of any source than it should, but not
    as many of each collection; nothing while something is ingested. More of one is no fault where
    there are more in all, as where an ingest was killed before the catalog noted its last ones."""

    def counts() -> tuple[int, dict[str, int]]:
        total = catalog.totals()[1]
        if catalog.count(state="processing"):
            return total, {}
        return total, {name: catalog.totals(name)[1] for name in catalog.collections()}

    wrong = []
    total, of_each = await asyncio.to_thread(counts)
    no_more = await index.count() <= total
    for name, should in of_each.items():
        there = await index.count(Filter(must=(in_collection(name),)))
        if there < should or (there > should and no_more):
            wrong.append(repr(name))
    line = f"it has other sources in {', '.join(wrong[:MOST])} than the catalog"
    return [Fault("index", line)] * bool(wrong)
