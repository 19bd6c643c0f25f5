"""Places of words: kept exactly, cut with their text, joined by lines."""

from __future__ import annotations

import pytest

from omni_core.text import places
from omni_core.text.places import Place, by_line, few, lines, pack, unpack, within

TEXT = "the harbour master\nwrote down"
LINES = [Place(0, 18, (0.1, 0.2, 0.7, 0.22)), Place(19, 29, (0.1, 0.24, 0.4, 0.26))]


def test_places_come_back_as_they_were_to_a_sixty_thousandth() -> None:
    turned = [Place(31, 35, (0.5, 0.1, 0.52, 0.9), 270), Place(40, 44, (0.6, 0.1, 0.7, 0.2), 90)]
    for before, after in zip([*LINES, *turned], unpack(pack([*LINES, *turned])), strict=True):
        assert (before.start, before.end, before.turn) == (after.start, after.end, after.turn)
        assert after.rect == pytest.approx(before.rect, abs=1 / 65_000)


def test_many_words_of_one_line_are_kept() -> None:
    words = [Place(3 * n, 3 * n + 2, (n / 200, 0.1, n / 200 + 0.004, 0.2)) for n in range(150)]
    assert [p[:2] for p in unpack(pack(words))] == [p[:2] for p in words]


@pytest.mark.parametrize("stored", ["", "%%%", "AAAA", pack(LINES)[:-8], "é"])
def test_what_is_damaged_is_left_out_and_breaks_nothing(stored: str) -> None:
    assert len(unpack(stored)) < len(LINES)


def test_a_word_within_a_line_has_the_share_of_its_letters() -> None:
    [master] = lines(TEXT, LINES, 12, 18)
    assert master.rect[1::2] == (0.2, 0.22)
    assert 0.45 < master.rect[0] < 0.52 and master.rect[2] == pytest.approx(0.7)


@pytest.mark.parametrize(("turn", "side", "end"), [(0, 0, 0.1), (180, 2, 0.7)])
def test_the_first_word_is_where_reading_begins(turn: int, side: int, end: float) -> None:
    [found] = lines(TEXT, [LINES[0]._replace(turn=turn)], 0, 3)
    assert found.rect[side] == pytest.approx(end)
    assert found.rect[2] - found.rect[0] < 0.15


@pytest.mark.parametrize(("turn", "side"), [(90, 1), (270, 3)])
def test_words_of_a_line_that_runs_down_or_up_lie_above_one_another(turn: int, side: int) -> None:
    standing = Place(0, 18, (0.1, 0.2, 0.12, 0.8), turn)
    [found] = lines(TEXT, [standing], 0, 3)
    assert found.rect[side] == standing.rect[side] and found.rect[3] - found.rect[1] < 0.15


def test_a_quote_across_lines_has_a_rectangle_for_each() -> None:
    assert [(p.start, p.end) for p in lines(TEXT, LINES, 4, 24)] == [(4, 18), (19, 24)]


def test_a_window_of_a_text_takes_its_places_along() -> None:
    part = TEXT[12:29]
    found = within(TEXT, LINES, 12, 29)
    assert [part[p.start : p.end] for p in found] == ["master", "wrote down"]
    assert found[0].rect[0] > 0.4  # of the line it shows a part


def test_words_are_joined_by_line_and_columns_are_not() -> None:
    row = [(0.1, 0.1, 0.2, 0.12), (0.21, 0.1, 0.3, 0.121), (0.6, 0.1, 0.7, 0.12)]
    assert by_line([*row, (0.1, 0.13, 0.2, 0.15)]) == [
        (0.1, 0.1, 0.3, 0.121), (0.6, 0.1, 0.7, 0.12), (0.1, 0.13, 0.2, 0.15),
    ]  # fmt: skip


def test_many_rectangles_become_blocks_and_those_one() -> None:
    column = [(0.1, 0.1 + 0.02 * n, 0.4, 0.115 + 0.02 * n) for n in range(5)]
    other = [(0.6, 0.1 + 0.02 * n, 0.9, 0.115 + 0.02 * n) for n in range(5)]
    assert few(column, 6) == column
    assert few([*column, *other], 2) == [(0.1, 0.1, 0.4, 0.195), (0.6, 0.1, 0.9, 0.195)]
    assert few([*column, *other], 1) == [(0.1, 0.1, 0.9, 0.195)]


def test_letters_are_weighed_by_their_widths() -> None:
    assert places.width("ill") < places.width("ace") < places.width("MOW") < places.width("北京市")
