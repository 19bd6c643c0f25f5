"""Headings: nested paths, what is shown of them, and what they add to the words below."""

from __future__ import annotations

from omni_core.text.headings import paths, shown, with_heading
from omni_core.types import Channel, Modality, Segment, Span


def test_a_path_holds_the_headings_above_and_ends_where_a_higher_one_begins() -> None:
    given = [(0, 1, "Pump"), (9, 2, "Start"), (20, 3, "Cold"), (30, 2, "Stop"), (40, 1, "Valve")]
    assert paths(given) == [
        (0, "Pump"), (9, "Pump › Start"), (20, "Pump › Start › Cold"), (30, "Pump › Stop"),
        (40, "Valve"),
    ]  # fmt: skip
    assert paths([(0, 3, "Deep"), (5, 2, "Higher")]) == [(0, "Deep"), (5, "Higher")]


def test_what_title_and_text_say_already_is_not_shown_again() -> None:
    assert shown("Pump › Start", "Pump", "Open the valve.") == "Start"
    assert shown("Pump › Start", "manual", "Start\nOpen the valve.") == ""
    assert shown("", "Pump", "words") == shown("Pump", "pump", "words") == ""


def below(path: str, modality: Modality = Modality.DOCUMENT) -> Segment:
    above, _, heading = path.rpartition(" › ")
    extra = {"heading": heading, "above": above}
    return Segment("src_a", modality, Channel.TEXT, Span("char", 0, 1), extra=extra)


def test_a_heading_is_added_once_and_never_to_nothing() -> None:
    assert with_heading(below("Pump › Start"), "Open it.") == "Pump Start\nOpen it."
    assert with_heading(below("Start"), "START\nOpen it.") == "START\nOpen it."
    assert with_heading(below("Start"), "") == ""
    assert with_heading(below(""), "words") == "words"


def test_the_chapter_of_a_recording_is_no_word_of_it() -> None:
    assert with_heading(below("Chapter", Modality.AUDIO), "words") == "words"
