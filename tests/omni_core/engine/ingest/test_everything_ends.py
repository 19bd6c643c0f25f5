"""No file holds a decoder for ever; what was left out is said, and a limit is not hit twice."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(240)

Opened = Callable[..., AbstractAsyncContextManager[Engine]]
WORDS = " ".join(f"word{n}" for n in range(100))


def _srt(path: Path) -> None:
    cue = "{0}\n00:{0:02}:00,000 --> 00:{0:02}:05,000\nThe clock says {0}.\n"
    path.write_text("\n".join(cue.format(n) for n in range(1, 50)))


def _xlsx(path: Path) -> None:
    row = f"<row><c t='inlineStr'><is><t>{WORDS}</t></is></c></row>"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("[Content_Types].xml", "<Types/>")
        z.writestr("xl/workbook.xml", "<workbook/>")
        z.writestr(
            "xl/worksheets/sheet1.xml", f"<worksheet><sheetData>{row * 60}</sheetData></worksheet>"
        )


def _notebook(path: Path) -> None:
    cell = {"cell_type": "markdown", "metadata": {}, "source": WORDS}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [cell] * 60}))


LONG: dict[str, Callable[[Path], object]] = {
    "prose.txt": lambda p: p.write_text(WORDS * 60),
    "notes.md": lambda p: p.write_text(f"# A\n\n{WORDS}\n\n" * 60),
    "page.html": lambda p: p.write_text(f"<html><body>{f'<p>{WORDS}</p>' * 60}</body></html>"),
    "rows.csv": lambda p: p.write_text("n,words\n" + f"1,{WORDS}\n" * 60),
    "lines.jsonl": lambda p: p.write_text(f"{json.dumps({'said': WORDS})}\n" * 60),
    "note.ipynb": _notebook,
    "book.xlsx": _xlsx,
    "letter.eml": lambda p: p.write_text(
        f"Subject: Hi\nFrom: a@b.c\nTo: d@e.f\nMIME-Version: 1.0\n\n{WORDS * 60}\n"
    ),
    "talk.srt": _srt,
}


@pytest.mark.parametrize("name", LONG)
async def test_a_file_of_too_many_segments_is_partial_and_names_the_setting(
    engine_of_few: Engine, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    await asyncio.to_thread(LONG[name], path)
    async with asyncio.timeout(120):
        status = await engine_of_few.ingest(IngestRequest(str(path)))
    assert (status.state, status.error_code) == ("partial", "TOO_LARGE"), status
    assert "raise max_segments" in status.error and "raise max_segments" in status.warnings[-1]
    assert 0 < status.segments <= 7  # and its title
    [row] = (await engine_of_few.sources()).sources
    assert row.state == "partial" and "raise max_segments" in row.warnings[-1]


@pytest.fixture
async def engine_of_few(opened: Opened, settings: Settings):  # type: ignore[no-untyped-def]
    async with opened(replace(settings, index="memory", max_segments=6)) as engine:
        yield engine


async def test_a_file_at_its_limit_is_not_read_again_until_the_limit_is_raised(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "talk.srt"
    await asyncio.to_thread(_srt, path)
    request = IngestRequest(str(path))
    async with asyncio.timeout(200):
        async with opened(replace(settings, max_segments=6)) as engine:
            first = await engine.ingest(request)
            starts = engine._context.decoders._cutters[0].starts
            await asyncio.to_thread(engine._context.decoders._cutters[0].kill)
            again = await engine.ingest(request)
            assert engine._context.decoders._cutters[0].starts == starts
        assert (again.state, again.segments) == (first.state, first.segments)
        assert again.error == first.error and again.warnings == first.warnings
        async with opened(settings) as engine:
            whole = await engine.ingest(request)
            read = await engine.read(whole.source_id)
    assert whole.state == "ready" and whole.segments > first.segments
    assert "The clock says 49" in read.lines[-1].text


async def test_subtitles_of_277_hours_are_in_as_far_as_a_film_may_be_long(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "talk.srt"
    await asyncio.to_thread(_srt, path)
    async with asyncio.timeout(60), opened(replace(settings, max_duration_s=600.0)) as engine:
        status = await engine.ingest(IngestRequest(str(path)))
        read = await engine.read(status.source_id)
    assert (status.state, status.error_code) == ("partial", "TOO_LONG")
    assert "raise max_duration_s" in status.error
    assert "The clock says 10." in read.lines[-1].text


async def test_a_row_of_more_cells_than_have_names_is_said(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    await asyncio.to_thread(path.write_text, "a,b\n" + ("1," * 17_000 + "1\n") * 3)
    async with asyncio.timeout(60):
        status = await engine.ingest(IngestRequest(str(path)))
    assert status.state == "ready"
    assert any("more than 16,384 cells" in line for line in status.warnings)


async def test_an_unexpected_fault_in_one_file_costs_that_file(
    engine: Engine, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine._context.catalog.begin

    def broken(source, **facts):  # type: ignore[no-untyped-def]
        if source.title == "lake":
            raise ZeroDivisionError
        return whole(source, **facts)

    monkeypatch.setattr(engine._context.catalog, "begin", broken)
    paths = [str(media / name) for name in ("fire_truck.png", "lake.jpg", "notes.md")]
    async with asyncio.timeout(100):
        status = await engine.ingest_folder(paths)
    assert [s.state for s in status.done] == ["ready", "failed", "ready"]
    assert status.done[1].error_code == "INTERNAL"
