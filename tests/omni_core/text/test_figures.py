"""Figures: captions, and the pictures or drawings that belong to them."""

from __future__ import annotations

import numpy as np
import pytest

from omni_core.text.figures import captions, figures
from omni_core.text.places import Place
from omni_core.text.tables import Cell
from omni_core.types import Rect

SIZE = (600.0, 800.0)
PROSE = "the keeper of the light wrote down every ship that he saw go by"


def cell(text: str, top: float, left: float = 60.0) -> Cell:
    box = (left, top, left + 5.0 * len(text), top + 10)
    return Cell(text, box, (Place(0, len(text), box),))


def page() -> np.ndarray:
    return np.full((800, 600, 3), 255, np.uint8)


@pytest.mark.parametrize("text", [
    "Figure 3. Depth along the track", "Fig. 2a: Map", "Abb. 4 – Karte", "图 1 地图", "Figure 12",
    "Рис. 5. Карта", "Figure 1-2   Controls", "Figure 7 Map of the bay",
])  # fmt: skip
def test_captions_are_known_in_several_languages(text: str) -> None:
    assert [c.text for c in captions([cell(text, 100)])] == [text]


@pytest.mark.parametrize(
    "text", ["Figure 3 shows that", "figure it out", "Figures 1 and 2", "Fig leaf"]
)
def test_sentences_about_figures_are_no_captions(text: str) -> None:
    assert captions([cell(text, 100)]) == []


def test_a_caption_goes_on_in_the_lines_below_it_and_ends_with_its_block() -> None:
    lines = [cell("Figure 1. Depth along", 100), cell("the track", 112), cell(PROSE, 150)]
    [found] = captions(lines)
    assert found.text == "Figure 1. Depth along the track"
    assert [found.text[p.start : p.end] for p in found.places] == [
        "Figure 1. Depth along",
        "the track",
    ]


def _only(cells: list[Cell], pictures: list[Rect], pixels: np.ndarray) -> list[tuple[Rect, Rect]]:
    found = figures(captions(cells), cells, pictures, (), SIZE, pixels)
    return [(shown, whole) for _, shown, whole in found]


def test_the_picture_above_a_caption_is_its_figure_with_all_its_parts() -> None:
    cells = [cell("Figure 1. A map", 410)]
    pictures = [
        (60.0, 200.0, 200.0, 400.0),
        (200.0, 200.0, 340.0, 400.0),
        (400.0, 600.0, 500.0, 700.0),
    ]
    [(shown, whole)] = _only(cells, pictures, page())
    assert shown == pytest.approx((0.1, 0.25, 340 / 600, 0.5))
    assert whole[3] == pytest.approx(420 / 800)


def test_a_drawing_is_what_is_drawn_between_the_prose_and_its_caption() -> None:
    pixels = page()
    pixels[250:380, 150:350] = 0
    cells = [cell(PROSE, 100), cell("Figure 1. A chart", 410)]
    [(shown, _)] = _only(cells, [], pixels)
    assert shown == pytest.approx((0.25, 250 / 800, 350 / 600, 380 / 800), abs=0.01)


def test_a_caption_without_anything_drawn_above_it_is_no_figure() -> None:
    assert _only([cell(PROSE, 100), cell("Figure 1. A chart", 410)], [], page()) == []
    assert _only([cell(PROSE, 396), cell("Figure 1. A chart", 420)], [], page()) == []


def test_a_drawing_may_be_wider_than_the_prose_but_not_reach_into_another_column() -> None:
    pixels = page()
    pixels[250:380, 150:560] = 0
    alone = [cell(PROSE[:40], 100), cell("Figure 1. A chart", 410)]
    [(shown, _)] = _only(alone, [], pixels)
    assert shown[2] == pytest.approx(560 / 600, abs=0.01)
    column = [cell(PROSE[:40], 300 + 12 * n, left=330) for n in range(5)]
    [(shown, _)] = _only([*alone, *column], [], pixels)
    assert shown[2] < 330 / 600
