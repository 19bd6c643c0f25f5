"""A search during an ingest says what it cannot find yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from omni_core import BadRequestError, Engine, IngestRequest, SearchRequest

pytestmark = pytest.mark.timeout(120)


def reports(folder: Path, count: int) -> list[str]:
    paths = [folder / f"report-{number:02}.md" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_text(f"Report number {number}: the budget is {number} euros.")
    return [str(path) for path in paths]


async def test_a_search_while_files_are_waiting_says_how_many(
    engine: Engine, tmp_path: Path
) -> None:
    first, *rest = reports(tmp_path, 12)
    await engine.ingest(IngestRequest(first))
    await engine.ingest_folder(rest, wait_s=0)
    for query in ("report budget", "zebra"):
        result = await engine.search(SearchRequest(query))
        assert 1 <= result.pending_files <= 11
        files = "1 file is" if result.pending_files == 1 else f"{result.pending_files} files are"
        assert f"not all of the library could be searched: {files} still being" in result.note
    async with asyncio.timeout(60):
        await engine.ingest_folder(rest)
    result = await engine.search(SearchRequest("report budget"))
    assert (result.pending_files, result.partial_sources) == (0, 0)
    assert "ingested" not in result.note


async def test_a_search_before_anything_is_in_is_not_ready_rather_than_empty(
    engine: Engine, tmp_path: Path
) -> None:
    await engine.ingest_folder(reports(tmp_path, 3), wait_s=0)
    with pytest.raises(BadRequestError, match="3 files are being ingested") as caught:
        await engine.search(SearchRequest("report"))
    assert caught.value.code == "NOT_READY"


async def test_a_source_that_was_cut_off_is_named_until_it_is_complete(
    engine: Engine, media: Path
) -> None:
    context = engine._context
    await engine.ingest(IngestRequest(str(media / "colours.mp4")))
    (row,) = (await engine.sources()).sources
    await asyncio.to_thread(
        context.catalog.finish, row.sha256, state="partial", segments=row.segments
    )
    result = await engine.search(SearchRequest("red"))
    assert result.partial_sources == 1 and "1 source is only in part" in result.note
    assert "ingest them again" in result.note


async def test_a_date_filter_says_when_a_date_is_only_that_of_the_file(
    engine: Engine, tmp_path: Path
) -> None:
    await engine.ingest(IngestRequest(reports(tmp_path, 1)[0]))
    (hit,) = (result := await engine.search(SearchRequest("budget", when="today"))).hits
    assert hit.recorded_at_from == "file time"
    assert "'file time' says when the file last changed" in result.note
    assert "file time" not in (await engine.search(SearchRequest("budget"))).note
