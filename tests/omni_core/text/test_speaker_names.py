from __future__ import annotations

import pytest

from omni_core.text.speaker_names import leading_name, said_by


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ann: we walked to the weir", "Ann"),
        ("ANN LEE: we walked", "Ann Lee"),
        ("- Bob: no", "Bob"),
        (">> MARÍA DE LA CRUZ: sí", "María De La Cruz"),
        ("Dr. O'Neill: yes", "Dr. O'Neill"),
        ("María de la Cruz: sí", "María de la Cruz"),
        ("安妮：我们走到了水坝", "安妮"),
        ("Анна: мы дошли", "Анна"),
        ("Man 2: stop", "Man 2"),
        ("we met at: the weir", ""),
        ("It was 10:30 when we met", ""),
        ("see https://example.org", ""),
        ("Ann:", ""),
        ("This is what we all thought of the weir: nothing", ""),
        ("", ""),
    ],
)
def test_a_speaker_stands_before_a_colon(text: str, name: str) -> None:
    found, at = leading_name(text)
    assert found == name
    assert bool(at) == bool(name)


def test_a_phrase_is_of_the_one_before_while_the_sentence_goes_on() -> None:
    text = "Ann: we walked to the old weir. It was dry. Bob: No."
    beats = [(16, 2.0), (32, 4.0), (44, 6.0)]
    found = [(s.start, s.end, s.name) for s in said_by(text, beats, 0.0, 8.0)]
    assert found == [(0.0, 2.0, "Ann"), (2.0, 4.0, "Ann"), (4.0, 6.0, ""), (6.0, 8.0, "Bob")]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("row", ["-" * 100_000 + "1", ">> " * 30_000 + "1", "- " * 30_000])
def test_a_row_of_dashes_keeps_nobody_waiting(row: str) -> None:
    assert leading_name(row) == ("", 0)
