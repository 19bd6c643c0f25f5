from __future__ import annotations

import pytest

from omni_core.text.tokens import stem, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("siren", "sirens"), ("city", "cities"), ("box", "boxes"), ("speech", "speeches"),
        ("dish", "dishes"), ("glass", "glasses"), ("break", "breaking"), ("run", "running"),
        ("make", "making"), ("dance", "dancing"), ("talk", "talked"), ("stop", "stopped"),
        ("close", "closed"), ("carry", "carried"), ("plan", "planned"), ("move", "moving"),
        ("write", "writing"), ("create", "created"), ("fly", "flies"), ("child", "child's"),
        ("train", "trains"), ("house", "houses"), ("size", "sizes"), ("invoice", "invoices"),
        ("libro", "libros"), ("taza", "tazas"),
    ],
)  # fmt: skip
def test_inflections_of_one_word_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("universe", "university"), ("plane", "plan"), ("plane", "planning"),
        ("organ", "organize"), ("general", "generate"), ("policy", "police"), ("care", "car"),
        ("caring", "car"), ("bus", "business"), ("wing", "win"), ("king", "kin"), ("need", "nee"),
        ("animal", "animation"), ("import", "important"), ("past", "paste"),
        ("author", "authority"), ("experience", "experiment"), ("universal", "universe"),
        ("station", "state"), ("sing", "sin"), ("rind", "rinde"), ("wand", "wandern"),
        ("schon", "schön"), ("casa", "caso"), ("puerto", "puerta"), ("банк", "банка"),
        ("порт", "портить"),
    ],
)  # fmt: skip
def test_different_words_stay_apart(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@pytest.mark.parametrize("word", ["Haus", "collège", "поезд", "東京", "e1042", "its", "bus", ""])
def test_what_has_no_english_ending_comes_back_as_it_is(word: str) -> None:
    assert stem(word) == word


def test_words_are_folded_and_unspaced_scripts_give_pairs() -> None:
    assert words("Don’t STOP: ﬁve Straße") == ["don't", "stop", "five", "strasse"]
    assert words("東京駅") == ["東京", "京駅"]
    assert words("犬 ... 🎬") == ["犬"]
