from __future__ import annotations

import pytest

from omni_core.readers.layout import Line, clean, layout


def line(text: str, left: float, top: float, width: float = 200, height: float = 20) -> Line:
    return Line(text, 0.99, left, top, left + width, top + height)


def test_rows_are_read_from_the_top_and_each_from_the_left() -> None:
    lines = [line("world", 300, 11), line("below", 10, 50), line("hello", 10, 10)]
    assert layout(lines).text()[0] == "hello world\nbelow"


def test_columns_are_read_one_after_the_other_under_their_title() -> None:
    left = [line(f"left {i}", 10, 100 + 30 * i) for i in range(3)]
    right = [line(f"right {i}", 400, 102 + 30 * i) for i in range(3)]
    title = line("a title over both", 10, 10, width=600)
    text, _ = layout([*right, title, *left]).text()
    assert text.split("\n") == [
        "a title over both", "left 0", "left 1", "left 2", "right 0", "right 1", "right 2",
    ]  # fmt: skip


def test_no_picture_without_lines_has_words() -> None:
    assert layout([]).text() == ("", [])


@pytest.mark.parametrize("junk", ["0", "o", "|", "8", "----", "0o|", "·", "lll", "-- / :1"])
def test_textures_and_logos_are_not_words(junk: str) -> None:
    assert clean(junk) == ""


@pytest.mark.parametrize("words", ["EXIT 24B", "鑫", "14 %", "if (a > b):", "42 km", "OK"])
def test_short_words_are_kept(words: str) -> None:
    assert clean(words) == words
