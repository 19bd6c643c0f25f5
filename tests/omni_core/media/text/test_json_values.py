"""Values of JSON that are not what people read."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from omni_core.media.text.structured import readable

_PIECES = [
    "Meet at the ", {"type": "bold", "text": "north"}, " pier, see ",
    {"type": "text_link", "text": "the map", "href": "https://x.org/m"}, ".",
]  # fmt: skip
_ENTITIES = [p if isinstance(p, dict) else {"type": "plain", "text": p} for p in _PIECES]
_SENTENCE = "Meet at the north pier, see the map (https://x.org/m)."


def _text(value: Any) -> str:
    found = readable(json.dumps(value))
    assert found is not None
    return found.text


def test_a_message_in_pieces_is_one_sentence_and_said_once() -> None:
    text = _text({"from": "Ann", "text": _PIECES, "text_entities": _ENTITIES})

    assert text == f"from: Ann\ntext: {_SENTENCE}"
    same = _text({"from": "Ann", "text": _SENTENCE, "text_entities": _ENTITIES})
    assert same == f"from: Ann\ntext: {_SENTENCE}"


def test_rows_with_a_kind_and_a_text_stay_rows() -> None:
    text = _text({"notes": [{"type": "warning", "text": "Low"}, {"type": "hint", "text": "High"}]})

    assert text.split("\n") == [
        "notes.type: warning", "notes.text: Low", "notes.type: hint", "notes.text: High",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ts", "1705053900.000200"), ("timestamp_ms", 1705053900000), ("create_time", 1705053900),
        ("createdTimestampUsec", 1705053900000000), ("date_unixtime", "1705053900"),
    ],
)  # fmt: skip
def test_seconds_since_1970_have_their_date(name: str, value: Any) -> None:
    assert _text({"a": "b", name: value}).endswith(f"{value} (2024-01-12 10:05:00 UTC)")


@pytest.mark.parametrize(
    ("name", "value"), [("phone", "1705053900"), ("id", 1705053900), ("time", 170505390)]
)
def test_other_numbers_have_none(name: str, value: Any) -> None:
    assert _text({"a": "b", name: value}) == f"a: b\n{name}: {value}"


def test_a_page_in_a_value_is_read_and_source_text_stays() -> None:
    code = "<div><script>go()</script></div>"
    text = _text({"content": "<p>Caf&eacute; <b>op</b>ens</p>", "code": code})

    assert text == f"content: Café opens\ncode: {code}"


def test_the_positions_of_a_line_on_a_map_are_counted() -> None:
    line = {"type": "LineString", "coordinates": [[-2.0, 51 + n / 1000] for n in range(900)]}
    point = {"type": "Point", "coordinates": [-2.5, 51.5]}
    text = _text({"a": line, "b": point})

    assert "a.coordinates: 900 positions" in text
    assert "b.coordinates: -2.5, 51.5" in text


@pytest.mark.parametrize(
    "value",
    [
        {"ops": [{"insert": "Low t"}, {"attributes": {"bold": True}, "insert": "id"},
                 {"insert": "e\n"}]},
        {"rich_text": [{"type": "text", "plain_text": "Low t"}, {"plain_text": "ide"}]},
    ],
)  # fmt: skip
def test_letters_with_looks_of_their_own_stay_in_their_words(value: Any) -> None:
    assert "Low tide" in _text(value)


def test_many_texts_in_pieces_are_read_in_time() -> None:
    value = {f"k{n}": [{"type": "bold", "text": f"word {n}"}] for n in range(20_000)}
    begun = time.process_time()
    assert "k19999: word 19999" in _text(value)
    assert time.process_time() - begun < 2
