from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

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
    assert found[0].extra["places"][0][3] <= 0.5


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
    places = found.extra["places"]
    assert places[0][0] == "Coral reefs grow slowly"
    paper = int(np.median(pixels))
    height, width = pixels.shape[:2]
    ink = np.abs(pixels.astype(int) - paper).max(axis=2) > 60
    for _, left, top, right, bottom in places:
        rows = slice(int(top * height), int(bottom * height) + 1)
        columns = slice(int(left * width), int(right * width) + 1)
        assert ink[rows, columns].mean() > 0.03
        ink[rows, columns] = False
    assert ink.sum() == 0
