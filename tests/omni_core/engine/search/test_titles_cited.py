from __future__ import annotations

from pathlib import Path

import pytest

from omni_core import Engine
from omni_core.engine.results import IngestRequest, OpenRequest


@pytest.mark.parametrize("title", ["minutes [final]", "report p.3", "talk @ 1:20", '"quoted"'])
async def test_a_title_that_looks_like_a_place_is_cited_so_that_it_opens_again(
    engine: Engine, tmp_path: Path, title: str
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("The siren broke twice that night, and nobody came.", encoding="utf-8")
    await engine.ingest(IngestRequest(str(note), title=title))
    row = (await engine.sources()).sources[0]
    opened = await engine.open_ref(OpenRequest(row.id))
    again = await engine.open_ref(OpenRequest(opened.cite))
    assert again.source.id == row.id
