"""Words become terms that a question written another way still meets."""

from __future__ import annotations

import pytest

from omni_core.text import bm25


def shared(question: str, text: str) -> int:
    """How many terms of the question the text has."""
    return len(set(bm25.question(question).indices) & set(bm25.document(text).indices))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("SIRENS", "a siren was heard"),
        ("breaking glass", "the glass breaks"),
        ("running dogs", "a dog runs"),
        ("stories of cities", "a story about the city"),
        ("making a speech", "speeches were made, he makes one"),
        ("Café naïve", "the cafe was naive"),
        ("STRASSE", "die Straße"),
        ("E-1042", "error E1042 occurred"),
        ("E1042", "error E-1042 occurred"),
        ("error 1042", "shows E-1042"),
        ("1,042 units", "1042 units"),
        ("ﬁnal report", "the final report"),
        ("v2.10.3", "release V2.10.3 is out"),
        ("foo_bar.pdf", "see FOO_BAR.PDF"),
        ("driver's seat", "the drivers seat"),
        ("l’eau", "un verre d'eau"),
        ("Jorgen", "Jørgen kom"),
        ("Jørgen", "Jorgen came"),
        ("Lodz", "z Łodzi do Łódź"),
        ("Tromso", "Tromsø havn"),
        ("aether", "Æther"),
        ("zwiebelkuchen", "Zwie\u00adbel\u200bku\u00adchen"),
        ("5551234567", "call (555) 123-4567 now"),
        ("555.123.4567", "call 5551234567"),
        ("+49 30 1234567", "Telefon 030 1234567"),
        ("DE89 3704 0044 0532", "IBAN DE89370400440532"),
        ("E1042", "Fehler E 1042"),
        ("1042 units", "1 042 units"),
        ("1042 Stück", "1.042 Stück"),
        ("3.5 GB", "3,5GB"),
        ("5km", "5 km weit"),
        ("ISBN 9783161484100", "ISBN 978-3-16-148410-0"),
        ("東京駅", "今日は東京駅で列車が遅れています"),
        ("列車", "今日は東京駅で列車が遅れています"),
        ("犬", "白い犬が走る"),
        ("列车晚点", "北京站的列车晚点了"),
        ("열차", "서울역 열차가 지연되었습니다"),
        ("รถไฟ", "วันนี้รถไฟมาสาย"),
        ("समाचार", "हिन्दी में समाचार सुनिए"),
        ("поезд", "Поезд опаздывает"),
        ("شمس", "الشَّمْس شَمْس"),
    ],
)
def test_a_question_meets_its_text(question: str, text: str) -> None:
    assert shared(question, text) >= 1


@pytest.mark.parametrize(
    ("question", "text"),
    [("plan", "a plane"), ("car", "take care"), ("is", "this"), ("bus", "business"), ("犬", "猫")],
)
def test_different_words_stay_apart(question: str, text: str) -> None:
    assert shared(question, text) == 0


def test_a_question_also_meets_texts_stored_before_letters_were_folded() -> None:
    stored = bm25._number("jørgen")
    assert stored in bm25.question("Jørgen").indices


def test_a_code_matches_whole_better_than_by_its_number_alone() -> None:
    assert shared("E-1042", "error E-1042") > shared("E-1042", "F-1042")


def test_stop_words_of_a_question_count_only_when_nothing_else_was_asked() -> None:
    assert bm25.question("what is the siren").indices == bm25.question("siren").indices
    assert bm25.question("where are these things").indices == bm25.question("thing").indices
    assert len(bm25.question("to be or not to be").indices) == 4
    assert shared("who is it", "it is who it is") == 3


def test_texts_without_words_are_empty_and_any_text_is_accepted() -> None:
    for text in ("", "  \n", "... !?", "🎬", "\u202e\x00", "---", "'"):
        assert bm25.document(text).indices == ()
        assert bm25.question(text).indices == ()
    odd = bm25.document("a" * 100_000 + " \ud800 " + "-".join("1" * 500))
    assert odd.indices


def test_weights_are_the_documented_formula() -> None:
    text = "siren siren dog " + "filler " * 37
    weight = dict(zip(*_pair(text), strict=True))
    (siren,) = bm25.question("siren").indices
    (dog,) = bm25.question("dog").indices
    assert weight[siren] == pytest.approx(2 * 2.2 / (2 + 1.2))  # 40 words: the average length
    assert weight[dog] == pytest.approx(1.0)
    assert set(bm25.question("siren dog").values) == {1.0}


def _pair(text: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
    sparse = bm25.document(text)
    return sparse.indices, sparse.values


def test_the_same_words_give_the_same_vector_in_every_process() -> None:
    """Stored vectors outlive the program: Python's own hash() is salted, ours must not be."""
    assert bm25.question("siren").indices == (3100906791,)


def test_indices_are_sorted_unique_and_fit_32_bits() -> None:
    indices = bm25.document("the quick brown fox 東京駅 jumps over E-1042 " * 3).indices
    assert list(indices) == sorted(set(indices))
    assert all(0 <= i < 2**32 for i in indices)


def test_terms_show_what_was_indexed() -> None:
    assert bm25.terms("Breaking E-1042!") == ["break", "e1042", "1042"]
