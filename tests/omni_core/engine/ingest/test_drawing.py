"""A page whose picture hangs the decoder costs its picture, never the document."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, SearchRequest, Settings
from omni_core.engine.ingest.drawing import PageDrawing
from omni_core.types import Channel, Modality, Segment, Source, Span

pytestmark = pytest.mark.timeout(240)
STALL_S = 8.0


def document(pages: list[bool]) -> bytes:
    """A PDF whose pages hold words; those that are True also a pattern that takes days to draw."""
    kids = " ".join(f"{10 + 2 * n} 0 R" for n in range(len(pages)))
    objects = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        4: _stream("1 0 0 rg 0 0 0.004 0.004 re f " * 50,
                   "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 100 100] "
                   "/XStep 0.01 /YStep 0.01 /Resources << >>"),
    }  # fmt: skip
    for n, hangs in enumerate(pages):
        drawn = "/Pattern cs /P1 scn 0 0 612 792 re f" if hangs else ""
        objects[10 + 2 * n] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {11 + 2 * n} 0 R "
            "/Resources << /Font << /F1 3 0 R >> /Pattern << /P1 4 0 R >> >> >>"
        )
        objects[11 + 2 * n] = _stream(f"BT /F1 14 Tf 50 700 Td (ledger page {n + 1}) Tj ET {drawn}")
    body = "%PDF-1.4\n"
    body += "".join(f"{n} 0 obj\n{text}\nendobj\n" for n, text in objects.items())
    return (body + "trailer << /Root 1 0 R >>\n").encode()


def _stream(content: str, entries: str = "") -> str:
    return f"<< {entries} /Length {len(content)} >>\nstream\n{content}\nendstream"


async def test_the_words_of_all_pages_are_in_and_the_page_that_cannot_be_drawn_is_named(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.pdf"
    await asyncio.to_thread(path.write_bytes, document([False, True, False]))
    quick = replace(settings, decode_stall_s=STALL_S)
    async with await Engine.open(quick) as engine:
        status = await engine.ingest(IngestRequest(str(path)))
        assert status.state == "ready", status
        assert any("picture of page 2" in line for line in status.warnings)
        read = await engine.read(status.source_id)
        found = await engine.search(SearchRequest(query="ledger page 2"))
    assert [line.text for line in read.lines] == [f"ledger page {n}" for n in (1, 2, 3)]
    assert "p.2" in found.hits[0].cite


def source(pages: int) -> Source:
    return Source("0" * 64, "/a.pdf", "a", Modality.DOCUMENT, "application/pdf", 1, pages=pages)


def came(drawing: PageDrawing, page: int, *channels: Channel) -> None:
    for channel in channels:
        span = Span("page", page, page + 1)
        drawing.saw(Segment("src", Modality.DOCUMENT, channel, span))


def test_a_page_that_kills_a_decoder_is_drawn_by_the_second_engine_before_it_is_given_up() -> None:
    drawing = PageDrawing(source(9))
    came(drawing, 2, Channel.TEXT)
    came(drawing, 1, Channel.TEXT, Channel.VISUAL)
    assert drawing.after_death() == ""
    assert (drawing.hung(), drawing.undrawn(())) == ((2,), ())
    assert "page 2" in str(drawing.after_death())
    assert drawing.undrawn(()) == (2,)


def test_after_three_deaths_the_second_engine_draws_the_rest_and_then_none_does() -> None:
    drawing = PageDrawing(source(9))
    for page in (1, 2, 3):
        came(drawing, page, Channel.TEXT)
        assert drawing.after_death() == ""
        came(drawing, page, *[Channel.VISUAL] * (page < 3))
    assert drawing.hung() == tuple(range(1, 10))
    assert "page 3 and later" in str(drawing.after_death())
    assert drawing.undrawn(()) == tuple(range(3, 10))
    assert drawing.after_death() is None


def test_a_decoder_that_dies_before_a_page_gives_anything_is_not_tried_for_ever() -> None:
    drawing = PageDrawing(source(9))
    came(drawing, 1, Channel.TEXT, Channel.VISUAL)
    assert drawing.after_death() == ""
    assert "page 2" in str(drawing.after_death())
    came(drawing, 1, Channel.TEXT)
    assert drawing.after_death() is None


def test_pictures_that_are_stored_are_not_drawn_again() -> None:
    drawing = PageDrawing(source(3))
    came(drawing, 1, Channel.TEXT, Channel.VISUAL)
    came(drawing, 2, Channel.TEXT)
    drawing.after_death()
    drawing.after_death()
    first = Segment("src", Modality.DOCUMENT, Channel.VISUAL, Span("page", 1, 2)).id
    assert drawing.undrawn(()) == (2,)
    assert drawing.undrawn({first}) == (1, 2)


def test_a_video_is_not_drawn_by_pages() -> None:
    drawing = PageDrawing(replace(source(3), modality=Modality.VIDEO))
    assert drawing.after_death() is None
