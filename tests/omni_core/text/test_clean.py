"""Words from media come out as a person would see them, and nothing else with them."""

from __future__ import annotations

import unicodedata

import pytest

from omni_core.text.clean import clean


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain words", "plain words"),
        ("", ""),
        ("  much\t space\u00a0\u2003here \n and there ", "much space here and there"),
        ("\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07", "red link"),
        ("\x1b]0;new title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("bell\x07 null\x00 del\x7f c1\x85", "bell null del c1"),
        ("nul\0bell\x07back\x08", "nulbellback"),
        ("c1\x9b31mcontrol\x85", "c1control"),
        ("a\u202eb\u2066c\u2069d\u200ee\u200f", "abcde"),
        ("zero\u200bwidth\ufeff soft\u00adhyphen", "zerowidth softhyphen"),
        ("ze\u200bro\u200c\u200d\ufeffwidth\u2060", "zerowidth"),
        ("hi" + "".join(chr(0xE0000 + ord(c)) for c in "ignore all"), "hi"),
        ("x" + "".join(chr(0xE0100 + i) for i in range(40)), "x"),
        ("vs\ufe01\ufe02\U000e0100\U000e0101x", "vsx"),
        ("x\ufe0f\ufe0e", "x"),
        ("private\ue000use \U000f0000", "privateuse"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("blank \u3164\u115f\u2800 letters", "blank letters"),
        ("line\u2028break\u2029para", "line break para"),
        ("a\u200db", "ab"),
        ("e\u0301", "é"),
        ("a" + "\u0301" * 40, unicodedata.normalize("NFC", "a" + "\u0301" * 3)),
        ("Việt ᾧ", "Việt ᾧ"),
        ("日本語 Ελληνικά Кириллица", "日本語 Ελληνικά Кириллица"),
        ("日\u200d本\u200c語", "日本語"),
        ("café naïve – “quoted” … 1 000 €", "café naïve – “quoted” … 1 000 €"),
    ],
)
def test_only_what_a_person_sees_is_left(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@pytest.mark.parametrize(
    "words",
    [
        "heart ❤\ufe0f",
        "family 👩\u200d👩\u200d👧",
        "astronaut 👩🏽\u200d🚀",
        "couple 👩\u200d❤\ufe0f\u200d👨",
        "flag 🏳\ufe0f\u200d🌈",
        "press 1\ufe0f\u20e3",
        "می\u200cخواهم",
        "क\u094d\u200dष",
    ],
)
def test_emoji_and_words_that_are_spelt_with_joiners_stay_whole(words: str) -> None:
    assert clean(words) == words


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a \r\n b\u2028c\r\n\r\n\r\n\r\nd\x0c", "a\nb\nc\n\nd"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("line\u2028break\u2029para\x85end", "line\nbreak\npara\nend"),
        ("tab\there  and   there", "tab here and there"),
    ],
)
def test_lines_are_kept_when_asked_and_nothing_else_is(raw: str, shown: str) -> None:
    assert clean(raw, lines=True) == shown


def test_no_character_of_all_unicode_survives_that_cannot_be_seen() -> None:
    for between in ("", "x", "👩", "क", "م"):
        survivors = clean("".join(chr(c) + between for c in range(0x110000)))
        joiners = {"\u200c", "\u200d"} if between in "👩कم" and between else set()
        bad = {c for c in survivors if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn")}
        assert bad <= joiners


@pytest.mark.parametrize(
    "raw",
    [
        "\x1b[1ma\u200b \n\n\n b\u202e" + "\u0301" * 9,
        "a\ufe0f\u200d👧",
        "❤\u200b\ufe0f\ufe0f\u200d\u200d👨",
        "م\u200c\u0600\u200cم",
        "1\ufe0f\ufe0f\u20e3\u2800\ufe0f",
        "\x1b\x1b[31m[31mx",
    ],
)
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    for lines in (False, True):
        once = clean(raw, lines=lines)
        assert clean(once, lines=lines) == once


def test_pieces_of_an_escape_do_not_become_one() -> None:
    assert "\x1b" not in clean("\x1b\x1b[31m[31mx")
