from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from omni_core.text.places import unpack
from omni_core.types import (
    Channel,
    ImageContent,
    Modality,
    Pixels,
    Segment,
    Span,
    TextContent,
    VideoContent,
)

pytestmark = pytest.mark.models


def still(pixels: Pixels, modality: Modality = Modality.IMAGE, page: int = 0) -> Segment:
    span = Span("page", page, page + 1) if page else Span("second", 0, 0)
    return Segment("src_a", modality, Channel.VISUAL, span, ImageContent(pixels))


def shot(pixels: Pixels, start: float, end: float) -> Segment:
    frames = pixels[None, ::4, ::4]
    film = VideoContent(np.ascontiguousarray(frames), ((start + end) / 2,), 0.5, pixels)
    return Segment("src_a", Modality.VIDEO, Channel.VISUAL, Span("second", start, end), film)


def texture(seed: int = 0, edge: tuple[int, int] = (480, 854)) -> Pixels:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (edge[0] // 32, edge[1] // 32 + 1, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 32, 0), 32, 1)


def test_the_words_of_a_picture_keep_their_lines(
    screen_text: Any, draw: Callable[..., Any]
) -> None:
    [found] = screen_text.read([still(draw("Coral reefs", "Warm water bleaches coral"))])
    assert found.text == "Coral reefs\nWarm water bleaches coral"
    assert (found.channel, found.origin) == (Channel.SCREEN_TEXT, "ocr")
    assert found.content == TextContent(found.text)
    assert found.span == Span("second", 0, 0)


@pytest.mark.parametrize(("paper", "ink"), [("#1e1e1e", "#d4d4d4"), ("#7a8a99", "#b4c0cc")])
def test_dark_and_pale_screens_are_read(
    screen_text: Any, draw: Callable[..., Any], paper: Any, ink: Any
) -> None:
    [found] = screen_text.read([still(draw("def read the answer", paper=paper, ink=ink))])
    assert found.text == "def read the answer"


def test_small_print_on_a_large_picture_is_seen(screen_text: Any, draw: Callable[..., Any]) -> None:
    page = draw("Invoice 2291 is overdue by twelve days", size=14, edge=(1280, 900))
    [found] = screen_text.read([still(page)])
    assert "overdue" in found.text


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_page_that_lies_wrong_is_turned(
    screen_text: Any, draw: Callable[..., Any], quarters: int
) -> None:
    lines = [f"Rule {i}: keep the paths clear of bicycles" for i in range(6)]
    page = np.rot90(draw(*lines, edge=(900, 600)), quarters)
    [found] = screen_text.read([still(np.ascontiguousarray(page))])
    assert found.text.split("\n") == lines


def test_pictures_without_words_stay_silent(screen_text: Any) -> None:
    assert screen_text.read([still(texture()), still(np.zeros((8, 8, 3), np.uint8))]) == []


def test_a_slide_shown_over_three_shots_is_one_segment(
    screen_text: Any, draw: Callable[..., Any]
) -> None:
    slide = draw("Quarterly revenue", "Europe grew 14 percent")
    other = draw("Battery safety", "Never puncture a cell")
    assert screen_text.read([shot(slide, 0, 15), shot(slide, 15, 30)]) == []
    [first] = screen_text.read([shot(slide, 30, 40), shot(other, 40, 52)])
    assert first.span == Span("second", 0, 40)
    assert first.text == "Quarterly revenue\nEurope grew 14 percent"
    [last] = screen_text.flush("src_a")
    assert last.span == Span("second", 40, 52) and last.text.startswith("Battery safety")
    assert screen_text.flush("src_a") == []


def test_words_end_with_the_last_shot_that_shows_them(
    screen_text: Any, draw: Callable[..., Any]
) -> None:
    slide = draw("Quarterly revenue")
    [found] = screen_text.read([shot(slide, 0, 5), shot(texture(), 5, 9)])
    assert found.span == Span("second", 0, 5)
    assert screen_text.read([shot(slide, 9, 12)]) == []
    assert [s.span for s in screen_text.flush("src_a")] == [Span("second", 9, 12)]


def test_a_new_subtitle_on_the_same_picture_is_read(
    screen_text: Any, draw: Callable[..., Any]
) -> None:
    first = draw("I never said that we would go", paper="#345")
    second = draw("to the harbour tonight, my dear", paper="#345")
    found = screen_text.read([shot(first, 0, 4), shot(second, 4, 8)])
    found += screen_text.flush("src_a")
    assert [s.text for s in found] == [
        "I never said that we would go",
        "to the harbour tonight, my dear",
    ]


def test_a_scanned_page_is_cut_like_printed_text(
    screen_text: Any, draw: Callable[..., Any]
) -> None:
    lines = [f"{i:03} the harbour master wrote down every ship" for i in range(30)]
    page = draw(*lines, size=20, edge=(900, 1100), left=40)
    found = screen_text.read([still(page, Modality.DOCUMENT, page=3)])
    assert [s.part for s in found] == [0, 1]
    assert {s.span for s in found} == {Span("page", 3, 4)}
    counts = [len(s.text.split()) for s in found]
    assert counts[0] == 150 and counts[0] + counts[1] == 30 * 8 + 30
    assert len({s.id for s in found}) == 2


def test_each_picture_of_a_page_is_read_whatever_words_stand_beside_it(
    screen_text: Any, draw: Callable[..., Any]
) -> None:
    beside = Segment(
        "src_a", Modality.DOCUMENT, Channel.TEXT, Span("page", 2, 3), TextContent("word " * 50),
        "word " * 50,
    )  # fmt: skip
    page = still(texture(), Modality.DOCUMENT, page=2)
    left, right = (
        replace(still(draw(words), Modality.DOCUMENT, page=2), part=n, extra={
            "picture": n, "crop": [x, 0.0, x + 0.5, 1.0],
        })
        for n, words, x in ((1, "Coral reefs grow", 0.0), (2, "Storms break branches", 0.5))
    )  # fmt: skip
    sheet = replace(page, extra={"tiles": 2})
    segments = [beside, left, right, sheet]
    assert type(screen_text).select([beside, page]) == []
    assert type(screen_text).select(segments) == [left, right]
    found = screen_text.read([left, right])
    assert [(s.text, s.extra["picture"]) for s in found] == [
        ("Coral reefs grow", 1), ("Storms break branches", 2),
    ]  # fmt: skip
    assert len({s.id for s in found}) == 2
    lefts = [unpack(s.extra["placed"])[0].rect[0] for s in found]
    assert 0.0 <= lefts[0] < 0.5 <= lefts[1]
    assert unpack(found[0].extra["placed"])[-1].rect[2] <= 0.5


def test_segments_without_a_picture_are_passed_over(screen_text: Any) -> None:
    words = Segment(
        "src_a", Modality.DOCUMENT, Channel.TEXT, Span("page", 1, 2), TextContent("words")
    )
    assert screen_text.read([words]) == []


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_lines_keep_their_places_on_the_picture_however_it_is_turned(
    screen_text: Any, draw: Callable[..., Any], quarters: int
) -> None:
    upright = draw("Coral reefs grow slowly", "Warm water bleaches coral", "Storms break branches")
    pixels = np.ascontiguousarray(np.rot90(upright, quarters))
    [found] = screen_text.read([still(pixels)])
    places = unpack(found.extra["placed"])
    assert found.text[places[0].start : places[0].end] == "Coral"
    paper = int(np.median(pixels))
    height, width = pixels.shape[:2]
    ink = np.abs(pixels.astype(int) - paper).max(axis=2) > 60
    inked = ink.sum()
    for _, _, (left, top, right, bottom), _ in places:
        rows = slice(int(top * height), int(bottom * height) + 1)
        columns = slice(int(left * width), int(right * width) + 1)
        assert ink[rows, columns].mean() > 0.03
        ink[rows, columns] = False
    assert ink.sum() < 0.02 * inked


def test_each_word_of_a_line_has_its_own_place(screen_text: Any, draw: Callable[..., Any]) -> None:
    pixels = draw("ill will  WIDE MOAT mm")
    [found] = screen_text.read([still(pixels)])
    ink = (pixels.min(axis=2) < 128).any(axis=0)
    for start, end, (left, _, right, _), _ in unpack(found.extra["placed"]):
        word = found.text[start:end]
        middle = int((left + right) / 2 * ink.size)
        around = ink[int(left * ink.size) - 3 : int(right * ink.size) + 3]
        assert around.any() and ink[middle - 12 : middle + 12].any(), word


TABLE = [("Station", "Depth", "Salinity"), ("1", "1.4", "31.2"), ("2", "2.1", "32.0"),
         ("4", "3.2", "33.1")]  # fmt: skip


@pytest.fixture
def scan() -> Pixels:
    """A page with a table, and a drawing with a caption."""
    picture = Image.new("RGB", (900, 900), "white")
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(24)
    pen.text((60, 40), "The survey vessel visited the stations near the mole", "black", font)
    pen.text((60, 100), "Table 1: Measurements at the stations", "black", font)
    for y, row in enumerate(TABLE):
        for x, word in enumerate(row):
            pen.text((60 + 260 * x, 150 + 40 * y), word, "black", font)
    pen.line([(100, 700), (300, 450), (500, 650), (700, 420)], "black", 5)
    pen.text((60, 760), "Figure 2. Depth along the track", "black", font)
    return np.asarray(picture)


def test_a_table_on_a_scan_is_read_row_by_row_and_its_rows_are_units(
    screen_text: Any, scan: Pixels
) -> None:
    found = screen_text.read([still(scan, Modality.DOCUMENT, page=2)])
    page = found[0].text
    assert page.index("31.2") < page.index("2.1") < page.index("32.0")
    rows = [s for s in found if s.extra.get("unit") == "row"]
    assert rows[-1].text == "Station: 4; Depth: 3.2; Salinity: 33.1"
    assert rows[-1].extra["heading"] == "Table 1: Measurements at the stations"
    assert {s.channel for s in rows} == {Channel.SCREEN_TEXT} and len({s.id for s in found}) == len(
        found
    )
    top, bottom = 270 / 900, 296 / 900
    for _, _, rect, _ in unpack(rows[-1].extra["placed"]):
        assert rect[1] < (top + bottom) / 2 < rect[3] and rect[3] - rect[1] < 0.06


def test_a_figure_on_a_scan_is_its_drawing_with_its_caption(screen_text: Any, scan: Pixels) -> None:
    found = screen_text.read([still(scan, Modality.DOCUMENT, page=2)])
    [figure] = [s for s in found if s.extra.get("unit") == "figure"]
    assert figure.text == "Figure 2. Depth along the track"
    left, top, right, bottom = figure.extra["crop"]
    assert left < 0.12 and right > 0.77 and 0.4 < top < 0.48 and 0.85 < bottom < 0.92


def test_words_of_a_film_say_where_in_its_frame_they_are(
    screen_text: Any, draw: Callable[..., Any]
) -> None:
    first = replace(shot(draw("Battery safety"), 0, 5), extra={"key_time": 2.5})
    screen_text.read([first])
    [found] = screen_text.flush("src_a")
    assert found.extra["key_time"] == 2.5
    places = unpack(found.extra["placed"])
    assert [found.text[p.start : p.end] for p in places] == ["Battery", "safety"]
    assert places[0].rect[2] <= places[1].rect[0]
