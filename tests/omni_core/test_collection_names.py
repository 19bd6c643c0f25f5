from __future__ import annotations

import pytest

from omni_core import IngestRequest, SearchRequest
from omni_core.collection_names import collection_filter, collection_name, collection_names

SPELLINGS = [
    ("Trips 2026", "trips 2026"),
    ("  trips\t 2026\n", "trips 2026"),
    ("ＴＲＩＰＳ　2026", "trips 2026"),
    ("trips\u200b 2026\ufeff", "trips 2026"),
    ("Straße", "strasse"),
    ("Cafe\u0301", "café"),
    ("ὈΔΌΣ", "ὀδόσ"),
]
BLANK = ["", " ", "\t\n", "\u3000", "\u200b", "\0"]


@pytest.mark.parametrize(("given", "stored"), SPELLINGS)
def test_every_spelling_of_a_collection_is_one_name(given: str, stored: str) -> None:
    assert collection_name(given) == collection_filter(given) == stored
    assert collection_name(stored) == stored


@pytest.mark.parametrize("blank", BLANK)
def test_a_blank_name_is_the_default_and_as_a_filter_no_filter(blank: str) -> None:
    assert collection_name(blank) == "default"
    assert collection_filter(blank) == ""


def test_names_that_become_one_are_listed_once() -> None:
    assert collection_names(["Trips", "", "trips ", "Default"]) == ("default", "trips")


def test_requests_hold_the_stored_name() -> None:
    assert IngestRequest("f", collection=" Trips ").collection == "trips"
    assert IngestRequest("f", collection="") == IngestRequest("f")
    assert SearchRequest("x", collection="TRIPS").collection == "trips"


def test_two_names_that_look_alike_are_one() -> None:
    for unseen in ("\ufe0f", "\u3164", "\u2800", "\u115f", "\U000e0100", "\u200b", "\U000e0041"):
        assert collection_name(f"tri{unseen}ps") == "trips"
