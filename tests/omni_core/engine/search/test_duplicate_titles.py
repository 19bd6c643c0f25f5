"""Two sources of one title are told apart, and an unmeasured model gets its own thresholds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest
from omni_core.engine.search.calibration import calibrated_thresholds
from omni_core.retrieval import thresholds


async def test_citations_of_two_sources_of_one_title_name_the_source(
    engine: Engine, tmp_path: Path
) -> None:
    for number, colour in enumerate([(220, 20, 20), (20, 40, 220)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        Image.new("RGB", (200, 150), colour).save(folder / "holiday.png")
        await engine.ingest(IngestRequest(str(folder / "holiday.png")))
    found = await engine.search(SearchRequest("holiday red"))
    assert len({h.cite for h in found.hits}) == 2
    for hit in found.hits:
        opened = await engine.open_ref(OpenRequest(hit.cite, show=("text",)))
        assert opened.source.id == hit.source_id


async def test_an_unmeasured_model_is_graded_by_what_null_queries_find(
    opened: Callable[..., Any], media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {k: v for k, v in thresholds.TEXT_QUERY.items() if k != "hashing"}
    monkeypatch.setattr(thresholds, "TEXT_QUERY", known)
    async with opened() as engine:
        await engine.ingest(IngestRequest(str(media / "colours.mp4")))
        await engine.ingest(IngestRequest(str(media / "notes.md")))
        context = engine._context
        found = await calibrated_thresholds(context, 10)
        assert found is not None and all(t.show <= t.fair <= t.strong for t in found.values())
        assert (
            context.calibrated is not None
            and await calibrated_thresholds(context, 15) is context.calibrated.by_channel
        )
        answer = await engine.search(SearchRequest("the meadow behind the station is green"))
    assert answer.hits[0].match == "strong"
