"""Where on the page: hits, quotes and rows carry rectangles, and pictures show them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest
from PIL import Image

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest
from omni_core.engine.results import RenderedImage
from omni_core.settings import Settings
from omni_core.types import Rect

ROWS = [("Station", "Depth (m)", "Salinity"), ("1", "1.4", "31.2"), ("2", "2.1", "32.0"),
        ("4", "3.2", "33.1"), ("5", "4.9", "33.4")]  # fmt: skip
QUOTE = "the buoys had drifted north"
QUOTED_AT = pymupdf.Rect(72, 600, 72 + pymupdf.get_text_length(QUOTE, fontsize=11), 612)


@pytest.fixture(params=["pymupdf", "pypdfium2"])
async def engine(
    request: Any, opened: Callable[..., Any], settings: Settings
) -> AsyncIterator[Engine]:
    async with opened(replace(settings, index="memory", pdf=request.param)) as engine:
        yield engine


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    """A page of prose, a table and a drawing with a caption; the same turned by its /Rotate; and
    one cropped."""
    path = tmp_path / "survey.pdf"
    page = pymupdf.open()
    sheet = page.new_page(width=600, height=800)
    sheet.insert_text((72, 60), "Outer harbour survey", fontsize=18)
    sheet.insert_text((72, 100), "The vessel went to each of the stations between mole and light.")
    sheet.insert_text((72, 180), "Table 1: Soundings at the stations")
    for y, row in enumerate(ROWS):
        for x, word in enumerate(row):
            sheet.insert_text((80 + 120 * x, 205 + 18 * y), word)
    sheet.draw_polyline([(100, 500), (200, 380), (300, 470), (420, 350)], width=3)
    sheet.insert_text((150, 540), "Figure 1. Depth along the track of the vessel")
    sheet.insert_text((72, 610), f"{QUOTE} during the storm, said the keeper of the light.")
    with pymupdf.open() as doc:
        doc.new_page(width=600, height=800).show_pdf_page(pymupdf.Rect(0, 0, 600, 800), page, 0)
        turned = doc.new_page(width=800, height=600)
        turned.show_pdf_page(turned.rect, page, 0, rotate=90)
        turned.set_rotation(90)
        cropped = doc.new_page(width=600, height=800)
        cropped.show_pdf_page(cropped.rect, page, 0)
        cropped.set_cropbox((40, 30, 560, 700))
        doc.save(path)
    return path


def at(area: pymupdf.Rect, page: int) -> Rect:
    """Points of the first page as fractions of the page that is seen."""
    if page == 3:
        area = area - (40, 30, 40, 30)
    wide, high = (520, 670) if page == 3 else (600, 800)
    return area.x0 / wide, area.y0 / high, area.x1 / wide, area.y1 / high


def near(found: Rect, known: Rect) -> bool:
    return bool(np.abs(np.subtract(found, known)).max() < 0.015)


def marks(image: RenderedImage) -> np.ndarray[Any, Any]:
    pixels = np.asarray(Image.open(io.BytesIO(image.jpeg)).convert("RGB")).astype(int)
    return (pixels[..., 0] > 200) & (pixels[..., 1] < 130) & (pixels[..., 2] < 90)


async def ingested(engine: Engine, path: Path) -> str:
    status = await engine.ingest(IngestRequest(str(path)))
    assert status.state == "ready"
    return status.source_id


async def test_a_quote_resolves_to_its_rectangle_on_turned_and_cropped_pages(
    engine: Engine, survey: Path
) -> None:
    source = await ingested(engine, survey)
    for page in (1, 2, 3):
        checked = await engine.check(f"{source}#p{page}", QUOTE)
        assert checked.verdict == "found"
        [place] = checked.places
        [rect] = place.rects
        assert place.page == page and near(rect, at(QUOTED_AT, page))


async def test_a_hit_says_where_the_words_of_the_question_stand(
    engine: Engine, survey: Path
) -> None:
    await ingested(engine, survey)
    found = await engine.search(SearchRequest("drifted buoys keeper storm"))
    hit = next(h for h in found.hits if h.page == 1)
    [rect] = hit.rects
    assert rect[1] < (QUOTED_AT.y0 + 6) / 800 < rect[3] and rect[3] - rect[1] < 0.04
    assert hit.frame_s is None


async def test_a_row_is_found_by_its_header_and_cites_itself(engine: Engine, survey: Path) -> None:
    await ingested(engine, survey)
    found = await engine.search(SearchRequest("salinity depth at station 4"))
    hit = next(h for h in found.hits if h.page == 1)
    assert hit.text == "Station: 4; Depth (m): 3.2; Salinity: 33.1"
    assert hit.heading == "Table 1: Soundings at the stations"
    [rect] = hit.rects
    assert rect[1] < 255 / 800 < rect[3] and rect[3] - rect[1] < 0.03
    opened = await engine.open_ref(OpenRequest(hit.ref))
    assert opened.places[0].rects == hit.rects
    assert opened.lines[0].text == hit.text
    assert (await engine.check(hit.cite, hit.text)).places[0].rects == hit.rects


async def test_what_is_quoted_is_marked_in_the_picture_and_cropped_to(
    engine: Engine, survey: Path
) -> None:
    source = await ingested(engine, survey)
    ref = f'{source}#p1 "{QUOTE}"'
    opened = await engine.open_ref(OpenRequest(ref, show=("marked", "closeup"), size="large"))
    whole, part = opened.pictures
    assert "marked" in whole.caption and "where they stand" in part.caption
    drawn = marks(whole)
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    height, width = drawn.shape
    box = (columns[0] / width, rows[0] / height, columns[-1] / width, rows[-1] / height)
    assert near(box, at(QUOTED_AT, 1)) and not marks(part).any()
    left, top, right, bottom = opened.places[0].rects[0]
    dark = np.asarray(Image.open(io.BytesIO(part.jpeg)).convert("L")) < 100
    assert part.width / part.height > width / height and dark.any()
    again = await engine.open_ref(OpenRequest(
        ref, show=("marked",), crop=(left - 0.02, top - 0.02, right + 0.02, bottom + 0.02)
    ))  # fmt: skip
    assert marks(again.pictures[0]).any(axis=0).mean() > 0.7


async def test_what_cannot_be_marked_is_shown_without_marks_and_says_so(
    engine: Engine, survey: Path
) -> None:
    source = await ingested(engine, survey)
    opened = await engine.open_ref(OpenRequest(f"{source}#p1", show=("marked",)))
    assert len(opened.pictures) == 1 and not marks(opened.pictures[0]).any()
    assert any("nothing to mark is known here" in w for w in opened.warnings)
    opened = await engine.open_ref(
        OpenRequest(f'{source}#p1 "penguins on parade"', show=("marked",))
    )
    assert any("they do not stand here" in w for w in opened.warnings)


async def test_a_figure_with_its_caption_is_a_unit_that_opens_as_itself(
    engine: Engine, survey: Path
) -> None:
    await ingested(engine, survey)
    found = await engine.search(SearchRequest("figure depth along track"))
    hit = next(h for h in found.hits if h.page == 1)
    assert hit.text == "Figure 1. Depth along the track of the vessel"
    [rect] = hit.rects
    assert near((rect[1], rect[3], 0, 0), (348 / 800, 544 / 800, 0, 0))
    [image] = (await engine.open_ref(OpenRequest(hit.ref))).pictures
    assert image.caption == "page 1, figure" and image.width > image.height


async def test_reading_a_source_does_not_repeat_the_rows_of_its_tables(
    engine: Engine, survey: Path
) -> None:
    source = await ingested(engine, survey)
    text = " ".join(line.text for line in (await engine.read(source, start=1, end=1)).lines)
    assert text.count("33.1") == 1 and "Station: 4" not in text


async def test_a_place_is_known_when_the_file_is_gone(engine: Engine, survey: Path) -> None:
    source = await ingested(engine, survey)
    survey.unlink()
    checked = await engine.check(f"{source}#p1", QUOTE)
    assert near(checked.places[0].rects[0], at(QUOTED_AT, 1))
