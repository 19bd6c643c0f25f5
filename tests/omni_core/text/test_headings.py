"""Headings: nested paths, what is shown of them, and what they add to the words below."""

from __future__ import annotations

from omni_core.text.headings import paths, shown, with_heading


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


def test_a_heading_is_added_once_and_never_to_nothing() -> None:
    assert with_heading("Pump › Start", "Open the valve.") == "Pump Start\nOpen the valve."
    assert with_heading("Start", "START\nOpen the valve.") == "START\nOpen the valve."
    assert with_heading("Start", "") == ""
    assert with_heading("", "words") == "words"
