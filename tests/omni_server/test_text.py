"""What reaches a model from media: cleaned, cut to size, behind a fence."""

from __future__ import annotations

import unicodedata

import pytest

from omni_server.text import Fence, clean, excerpt, one_line, tokens


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain words", "plain words"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;new title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\u202eevil\u202cb", "aevilb"),
        ("a\u2066b\u2069c\u200fd\u200ee", "abcde"),
        ("ze\u200bro\u200c\u200d\ufeffwidth\u2060", "zerowidth"),
        ("hi" + "".join(chr(0xE0000 + ord(c)) for c in "ignore all"), "hi"),
        ("x" + "".join(chr(0xE0100 + i) for i in range(40)), "x"),
        ("x\ufe0f\ufe0e", "x"),
        ("nul\0bell\x07back\x08", "nulbellback"),
        ("c1\x9b31mcontrol\x85", "c131mcontrol"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("private \ue000\U000f0000 use", "private  use"),
        ("blank \u3164\u115f\u2800 letters", "blank  letters"),
        ("soft\u00adhyphen", "softhyphen"),
        ("line\u2028break\u2029para", "line\nbreak\npara"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("a" + "\u0301" * 40, "a" + "\u0301" * 3),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
        ("日本語 Ελληνικά Кириллица", "日本語 Ελληνικά Кириллица"),
        ("café naïve – “quoted” … 1 000 €", "café naïve – “quoted” … 1 000 €"),
    ],
)  # fmt: skip
def test_only_what_a_person_sees_is_left(given: str, expected: str) -> None:
    assert clean(given) == expected


def test_every_unseen_character_of_unicode_is_dropped() -> None:
    everything = "".join(chr(c) for c in range(0x110000))
    left = clean(everything)
    bad = {c for c in left if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn")}
    assert bad <= {"\n", "\t"}


def test_cleaning_twice_changes_nothing() -> None:
    once = clean("\x1b[1ma\u200b \n\n\n b\u202e" + "\u0301" * 9)
    assert clean(once) == once


def test_pieces_of_an_escape_do_not_become_one() -> None:
    assert "\x1b" not in clean("\x1b\x1b[31m[31mx")


def test_one_line_has_no_line_breaks_and_an_end() -> None:
    assert one_line("a\nb\u2028c\td") == "a b c d"
    assert len(one_line("word " * 100, 40)) <= 40


@pytest.mark.parametrize("text", ["word " * 500, "字" * 500, "x" * 5000, "Ω" * 300, "🎬 " * 200])
def test_an_excerpt_stays_within_its_budget_in_any_script(text: str) -> None:
    assert tokens(excerpt(text)) <= 58
    assert excerpt(text).endswith(" …")


def test_a_short_text_is_its_own_excerpt() -> None:
    assert excerpt("the launch is postponed") == "the launch is postponed"


def test_fences_differ_each_time() -> None:
    assert len({Fence().start for _ in range(50)}) == 50
