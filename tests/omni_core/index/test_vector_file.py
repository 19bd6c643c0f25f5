"""Out of every kind of index and into every kind, dense and late vectors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra: pip install 'omni-mcp[parquet]'")

from omni_core import ids
from omni_core.catalog import SqliteCatalog
from omni_core.engine.vectors.exporting import export_vectors
from omni_core.engine.vectors.parquet import Reader
from omni_core.engine.vectors.sources import checked, of_json
from omni_core.payload import StoredSegment, source_filter
from omni_core.points import Point
from omni_core.text import bm25
from omni_core.types import Channel, Modality, Segment, Source, Span, TextContent
from tests.omni_core.index.conftest import INFO, LATE

Opener = Callable[..., Awaitable[Any]]
SHA = "5" * 64
SOURCE = Source(SHA, "/gone/talk.txt", "Talk", Modality.DOCUMENT, "text/plain", 9)


def point(number: int, late: bool) -> Point:
    text = f"words number {number}"
    segment = Segment(
        SOURCE.id, Modality.DOCUMENT, Channel.TEXT, Span("char", number * 10.0, number * 10.0 + 9),
        TextContent(text), text,
    )  # fmt: skip
    rng = np.random.default_rng(number)
    vector = rng.normal(size=(3 + number % 4, 32) if late else 32).astype(np.float32)
    vector /= np.linalg.norm(vector, axis=-1, keepdims=True)
    blind = number == 7  # a segment that the model cannot embed
    return Point(
        segment.id,
        None if late or blind else vector,
        bm25.document(text),
        StoredSegment.of(segment, SOURCE, ("default",)),
        late=vector if late and not blind else None,
    )


@pytest.mark.parametrize("late", [False, True])
async def test_every_index_gives_out_its_vectors_and_takes_them_back(
    open_index: Opener, tmp_path: Path, late: bool
) -> None:
    index = await open_index(late=late)
    points = {p.id: p for p in (point(n, late) for n in range(600))}
    await index.upsert(list(points.values()))
    path = tmp_path / "v.parquet"
    with SqliteCatalog(tmp_path / "catalog") as catalog:
        catalog.begin(SOURCE, collection="default", mtime_ns=0, model="m", pipeline="2")
        catalog.finish(SHA, segments=len(points))
        done = await export_vectors(catalog, index, LATE if late else INFO, path)
    assert (done.sources_done, done.segments) == (1, 600)

    found: list[Point] = []
    with Reader(path) as file:
        assert file.facts["multi_vector"] is late
        for batch in file.batches():
            row = of_json(batch[0].source)
            found += [checked(r.point, row) for r in batch if r.point is not None]
    assert row.id == ids.source_id(SHA)
    assert {p.id for p in found} == points.keys()
    await index.delete(source_filter(SOURCE.id))
    await index.upsert(found)
    back = {p.id: p for p in await index.get(list(points), vectors=True)}
    for id, want in points.items():
        got = back[id]
        assert got.stored == want.stored
        assert got.bm25 is not None
        assert want.bm25 is not None
        assert got.bm25.indices == want.bm25.indices
        assert got.bm25.values == pytest.approx(want.bm25.values, rel=1e-5)
        for mine, theirs in ((got.dense, want.dense), (got.late, want.late)):
            assert (mine is None) == (theirs is None)
            if mine is not None and theirs is not None:
                np.testing.assert_allclose(mine, theirs, atol=2e-3)  # late ones are float16
