"""The row of a table that a question means leads its moment."""

from __future__ import annotations

from omni_core.payload import StoredSegment
from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.moments import Moment
from omni_core.retrieval.rows import rows_first
from omni_core.types import Span


def candidate(text: str, score: float, unit: str = "row") -> Candidate:
    fields = {
        "source_id": "src_a", "modality": "document", "channel": "text", "axis": "page",
        "start": 1, "end": 2, "text": text,
        "extra": {"unit": unit, "heading": "Table 1: Soundings"},
    }  # fmt: skip
    return Candidate(text, StoredSegment(fields), score, score, None)


FOUR = candidate("Station: 4; Depth (m): 3.2", 0.5)
FIVE = candidate("Station: 5; Depth (m): 4.9", 0.6)
PROSE = candidate("Station 4 was left out, for its depth is known.", 0.7, unit="")


def led(question: str, *members: Candidate) -> Moment:
    [moment] = rows_first([Moment(Span("page", 1, 2), members)], question)
    return moment


def test_a_number_is_only_equal_to_itself() -> None:
    moment = led("depth at station 4", FIVE, FOUR)
    assert moment.best.id == FOUR.id and moment.score == FIVE.score
    assert led("depth of 4.9 at a station", FOUR, FIVE).best.id == FIVE.id


def test_rows_that_agree_alike_keep_their_order() -> None:
    assert led("depth at the stations", FIVE, FOUR).best.id == FIVE.id


def test_prose_that_agrees_better_than_any_row_stays_first() -> None:
    assert led("is the depth of station 4 known", PROSE, FOUR).best.id == PROSE.id
    assert led("penguins", PROSE, FOUR).best.id == PROSE.id


def test_a_question_without_words_changes_nothing() -> None:
    assert led("", FIVE, FOUR).members == (FIVE, FOUR)
