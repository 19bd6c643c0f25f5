from __future__ import annotations

import pytest

from omni_core.evidence.check import match_quote

LINES = [
    "He was not an ill-disposed young man,",
    "unless to be rather cold hearted and rather selfish is to be ill-disposed.",
    "Revenue grew 42 percent to $3.1 million in the third quarter.",
    "今日は東京駅で列車が遅れています",
]


@pytest.mark.parametrize(
    "quote",
    [
        "He was not an ill-disposed young man",
        "he was not an ILL DISPOSED young man; unless to be",
        "“cold-hearted, and rather selfish”",
        "cold harted and rather selfish",
        "not an ill-disposed young man ... rather selfish",
        "revenue grew 42 percent",
        "東京駅で列車",
    ],
)
def test_a_quote_is_found_through_case_stops_line_ends_and_slips_of_spelling(quote: str) -> None:
    assert match_quote(quote, LINES).verdict == "found"


@pytest.mark.parametrize(
    ("quote", "best"),
    [
        ("he was an ill-disposed young man", "He was not an ill-disposed young man,"),
        ("he was not an ill-disposed old man", "He was not an ill-disposed young man,"),
        ("revenue grew 43 percent", "Revenue grew 42 percent"),
        ("rather selfish ... not an ill-disposed young man", "rather selfish"),
    ],
)
def test_a_word_left_out_or_changed_and_a_wrong_number_are_only_partly_there(
    quote: str, best: str
) -> None:
    checked = match_quote(quote, LINES)
    assert checked.verdict == "partly"
    assert 0.5 <= checked.ratio < 1
    assert best in checked.best


@pytest.mark.parametrize("year", ["1848", "1947", "184"])
def test_a_number_is_never_a_slip_of_spelling_however_near(year: str) -> None:
    said = ["The observatory was founded in 1847 on that hill."]
    assert match_quote("the observatory was founded in 1847 on that hill", said).verdict == "found"
    assert (
        match_quote(f"the observatory was founded in {year} on that hill", said).verdict == "partly"
    )


@pytest.mark.parametrize("quote", ["something else entirely", "", "...", "$99 billion", "\x00"])
def test_what_is_not_there_is_not_found(quote: str) -> None:
    checked = match_quote(quote, LINES)
    assert checked.verdict == "not_found"
    assert checked.ratio < 0.5


def test_the_result_has_the_first_and_last_line_of_the_quote() -> None:
    checked = match_quote("young man unless to be rather cold", LINES)
    assert (checked.first, checked.last) == (0, 1)
    assert checked.best == "man, unless to be rather cold" or checked.best.startswith("young man,")


def test_a_long_transcript_is_searched_whole() -> None:
    lines = [f"filler sentence number {i} about the weather" for i in range(3000)]
    lines[2500] = "the siren broke twice that night"
    checked = match_quote("siren broke twice", lines)
    assert (checked.verdict, checked.first) == ("found", 2500)


def test_nothing_can_be_found_in_silence() -> None:
    assert match_quote("anything", []).verdict == "not_found"
    assert match_quote("anything", ["", "…"]).verdict == "not_found"


@pytest.mark.parametrize(
    ("quote", "said", "verdict"),
    [
        ("a b " * 500, "a b a c " * 700, "partly"),
        ("la " * 600, "la " * 600, "found"),
        ("la " * 600, "so " * 600, "not_found"),
        ("a…" * 900, "b a " * 5000, "partly"),
        ("a" * 2000, "a" * 1500 + "b" * 500, "not_found"),
    ],
)
def test_the_same_few_words_again_and_again_are_compared_in_a_moment(
    quote: str, said: str, verdict: str
) -> None:
    assert match_quote(quote, [said]).verdict == verdict


def test_a_song_of_one_word_is_found_behind_others() -> None:
    checked = match_quote("la " * 300, ["well then", "la " * 300, "the end"])
    assert (checked.verdict, checked.first, checked.last) == ("found", 1, 1)
