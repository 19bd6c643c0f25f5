"""Which rectangles answer: of a passage that is shown, and of a quote."""

from __future__ import annotations

from omni_core.evidence.places import of_passage, of_quote, of_text
from omni_core.evidence.snippet import passage
from omni_core.text.places import Place, pack
from omni_core.types import PlacedWord

LINES = [
    "The survey vessel left at dawn.",
    "The buoys had drifted north by two",
    "cables; a chart was asked for.",
]
TEXT = "\n".join(LINES)
PLACED = pack([
    Place(TEXT.index(line), TEXT.index(line) + len(line), (0.1, 0.1 * n, 0.8, 0.1 * n + 0.02))
    for n, line in enumerate(LINES, 1)
])  # fmt: skip


def answer(question: str) -> list[float]:
    shown = passage(TEXT, question, 30)
    return [rect[1] for rect in of_passage(TEXT, PLACED, question, shown)]


def test_only_the_lines_that_hold_words_of_the_question_answer() -> None:
    assert answer("where did the buoys drift") == [0.2]
    assert answer("buoys on the chart") == [0.2, 0.3]


def test_stop_words_do_not_answer_and_without_any_word_the_block_does() -> None:
    assert answer("what was the a of by") == answer("penguins") == [0.1, 0.2, 0.3]


def test_without_places_there_are_no_rectangles() -> None:
    assert of_passage(TEXT, "", "buoys", passage(TEXT, "buoys")) == of_text(TEXT, "") == ()


def words(*lines: str) -> list[PlacedWord]:
    return [
        PlacedWord(word, 0.1 + 0.1 * n, 0.1 * y, 0.18 + 0.1 * n, 0.1 * y + 0.02)
        for y, line in enumerate(lines, 1) for n, word in enumerate(line.split())
    ]  # fmt: skip


def test_a_quote_across_lines_has_one_rectangle_for_each_line() -> None:
    match, rects = of_quote("drifted north by two cables", words(*LINES))
    assert match.verdict == "found"
    assert rects == ((0.4, 0.2, 0.78, 0.22), (0.1, 0.3, 0.18, 0.32))


def test_the_parts_around_an_ellipsis_are_placed_and_not_what_it_leaves_out() -> None:
    _, rects = of_quote("survey vessel ... a chart", words(*LINES))
    assert [rect[1] for rect in rects] == [0.1, 0.3]


def test_words_divided_at_the_end_of_a_line_are_found_whole() -> None:
    match, rects = of_quote("the transportation of coal", words("the transporta-", "tion of coal"))
    assert match.verdict == "found" and len(rects) == 2
