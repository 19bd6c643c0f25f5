"""A look at an index whose segments are counted, as on a Qdrant server, and not read."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from omni_core.engine.checking.payloads import faults_by_counts
from omni_core.payload import changes, source_filter
from tests.omni_core.engine.test_engine import put


async def test_segments_that_the_catalog_has_not_noted_yet_are_no_fault_and_collections_are(
    opened: Callable[..., Any], media: Path
) -> None:
    """A process that is killed between the two leaves more in the index, until the file is ingested
    to its end."""
    async with opened() as engine:
        source = (await put(engine, media / "notes.md")).source_id
        catalog, index = engine._context.catalog, await engine._context.opened_index()
        assert await faults_by_counts(catalog, index) == []
        (one, *_), _ = await index.scroll(source_filter(source))
        (one,) = await index.get([one.id], vectors=True)
        await index.upsert([replace(one, id=str(uuid.UUID(int=7)))])
        assert await faults_by_counts(catalog, index) == []
        await index.set_payload(source_filter(source), changes(collections=["hr"]))
        (fault,) = await faults_by_counts(catalog, index)
        assert "'default'" in fault.detail
