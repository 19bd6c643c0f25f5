"""Bytes to text: marks, damage, declarations, control bytes."""

from __future__ import annotations

import hashlib

import pytest

from omni_core.text.charset import decode, decoded, is_text
from omni_core.text.declared import declared

RUSSIAN = "Погода в Москве сегодня солнечная, завтра ожидается дождь."
JAPANESE = "灯台の記録。三月の嵐で北側の石垣が崩れた。"


@pytest.mark.parametrize(
    "text", ["Das Café am Ufer öffnet um neun Uhr.", "Café", RUSSIAN, JAPANESE]
)
@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xe2\x82"])
def test_a_bad_byte_in_utf8_costs_that_character_only(text: str, bad: bytes) -> None:
    data = text.encode()
    for at in (0, len(data)):
        read = decode(data[:at] + b" " + bad + b" " + data[at:])
        assert read.replace("\ufffd", "").split() == text.split()


def test_utf8_cut_off_inside_a_character_stays_utf8() -> None:
    assert decode(RUSSIAN.encode()[:-2]).startswith(RUSSIAN[:-2])


@pytest.mark.parametrize(
    ("page", "text"),
    [("iso2022_jp", JAPANESE), ("iso2022_kr", "등대지기는 매일 저녁 등불을 켠다.")],
)
def test_encodings_of_seven_bits_are_read(page: str, text: str) -> None:
    assert decode(text.encode(page)) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'\x1b$B8+@Q-!-"\x1b(B ABC \x1b$B3t<02q<R-j\x1b(B\r\n', "見積①② ABC 株式会社㈱\n"),
        (b"\x1b(I6@6E\x1b(B and \x1b$B5kM?\x1b(B", "ｶﾀｶﾅ and 給与"),
        (b"\x1b$B|b\x1b(B san, \x1b$B5kM?\x1b(J!", "髙 san, 給与!"),
        ("見積①".encode("iso2022_jp_2") + b"\x1b$B-j\x1b(B", "見積①㈱"),
        (b"\x1b$B8+@Q-!\r\nabc \xff", "見積①\nabc \ufffd"),
    ],
)
def test_japanese_mail_has_the_letters_of_windows(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(
    "text",
    [
        "Die Rechnung für März beträgt 1.200 €.",
        f"Re: {RUSSIAN}",
        f"Re: {JAPANESE}",
        "Η συνεδρίαση θα γίνει την Τρίτη",
    ],
)
def test_seven_bits_that_nothing_names_are_read_as_a_guess(text: str) -> None:
    found = decoded(text.encode("utf-7"))
    assert (found.text, found.page, found.guessed) == (text, "utf-7", True)


@pytest.mark.parametrize(
    "text",
    [
        "C+CC and A+AB, 3+4=7, call +49-30-1234.",
        "+AGE +AGI +AGM are letters that need no such form.",
        "x=+abc +def +ghi+jkl",
        "ABC+DEFG/abc+ABCD+EFGH==",
        "one f+APw-r in a text about UTF-7",
        "f+APw-r M+AOQ-rz Sch+APY-n, but a+b",
        "Fight: +100 XP\nQuest: +100 XP\nBoss: +150 XP\n",
        "Monday +10k, Tuesday +10k, Wednesday +15k; sales +10M",
        "one+two is three, one+two again, six+two",
        "Tel +14155552671, +14155552680, +14155552600",
    ],
)
def test_signs_of_addition_are_no_encoding(text: str) -> None:
    assert decoded(text.encode()).text == text


def test_western_punctuation_alone_reads_as_windows_1252() -> None:
    text = "“Well,” he said – “it’s only an example…” it costs € 5."
    assert decode(text.encode("cp1252")) == text


@pytest.mark.parametrize(
    ("label", "page", "text"),
    [
        ("windows-1251", "cp1251", "Да"),
        ("gb2312", "gb18030", "灯塔镕"),
        ("x-sjis", "cp932", "灯台①"),
        ("iso-8859-1", "cp1252", "€ 5 “x”"),
        ("iso-8859-9", "cp1254", "İş"),
        ("ks_c_5601-1987", "cp949", "등대똠"),
        ("windows-874", "cp874", "ภาษา"),
        ("iso-8859-8-i", "iso8859-8", "שלום"),
    ],
)
def test_a_page_is_read_in_the_encoding_that_it_declares(label: str, page: str, text: str) -> None:
    for head in (
        f"<meta charset={label}>",
        f'<meta http-equiv="Content-Type" content="text/html; charset={label}">',
        f'<?xml version="1.0" encoding="{label}"?>',
    ):
        assert decode((head + text).encode(page), markup=True) == head + text


@pytest.mark.parametrize("label", ["utf-8", "utf-16", "unicode_escape", "base64", "rot13", "nope"])
def test_a_declaration_that_is_no_code_page_is_passed_over(label: str) -> None:
    data = f"<meta charset={label}>".encode() + RUSSIAN.encode("cp1251")
    assert declared(data) is None
    assert decode(data, markup=True).endswith(RUSSIAN)


def test_a_declaration_does_not_overrule_valid_utf8() -> None:
    text = f"<meta charset=windows-1251>{RUSSIAN}"
    assert decode(text.encode(), markup=True) == text


def test_a_stray_control_byte_leaves_text_readable() -> None:
    data = b"Budget report for 2024. Revenue rose.\x02 More words here.\n" * 3
    assert is_text(data)
    assert "\x02" not in decode(data)
    assert "Revenue rose. More words" in decode(data)


def test_binary_bytes_are_not_text() -> None:
    random_bytes = hashlib.shake_128(b"x").digest(4096)
    assert not is_text(random_bytes)
    assert not is_text(random_bytes.replace(b"\0", b"x"))
    assert not is_text(b"")


@pytest.mark.parametrize(
    "line",
    [
        "# -*- coding: koi8-r -*-",
        "#!/bin/sh\n# vim: set fileencoding=koi8-r :",
        '@charset "koi8-r";',
    ],
)
def test_a_line_of_coding_is_a_declaration(line: str) -> None:
    text = f"{line}\n# Да\n"
    read = decoded(text.encode("koi8-r"))
    assert (read.text, read.guessed) == (text, False)


@pytest.mark.parametrize(
    ("label", "page", "text"),
    [
        ("utf-8", "cp1251", RUSSIAN),
        ("iso-8859-1", "cp1251", RUSSIAN),
        ("us-ascii", "utf-8", RUSSIAN),
        ("iso-8859-1", "utf-8", "Das Café öffnet."),
        ("shift_jis", "cp1251", RUSSIAN),
        ("windows-1252", "cp932", JAPANESE),
    ],
)
def test_a_declaration_that_cannot_be_true_is_passed_over(label: str, page: str, text: str) -> None:
    assert decode(text.encode(page), label=label) == text
    page_of = f"<meta charset={label}>{text}"
    assert decode(page_of.encode(page), markup=True) == page_of


def test_only_a_guess_and_what_is_lost_are_warned_about() -> None:
    assert decoded(RUSSIAN.encode()).warnings == ()
    assert decoded(RUSSIAN.encode("cp1251"), label="windows-1251").warnings == ()
    assert decoded(b"\xef\xbb\xbfwords").warnings == ()
    assert decoded(b"\xef\xbb\xbfwords").text == "words"
    (guess,) = decoded(JAPANESE.encode("cp932")).warnings
    assert guess.startswith("read as Shift_JIS, which is a guess")
    (lost,) = decoded(RUSSIAN.encode() + b" \xff end").warnings
    assert lost.startswith("1 character is damaged")


@pytest.mark.parametrize("page", ["cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize("zeros", [1, 3])
def test_a_zero_byte_in_a_legacy_text_costs_itself(page: str, zeros: int) -> None:
    data = f"{RUSSIAN}\n{RUSSIAN}\n".encode(page)
    with_zeros = data[:58] + b"\0" * zeros + data[58:]
    assert is_text(with_zeros)
    assert decode(with_zeros) == decode(data) == f"{RUSSIAN}\n{RUSSIAN}\n"


def test_a_zero_byte_among_bytes_of_chance_makes_no_text_of_them() -> None:
    high = bytes(b | 0xA0 for b in hashlib.shake_128(b"x").digest(400))
    assert not is_text(b"\x89\x01" + high + b"\0")
    assert not is_text("Погода".encode("cp1251") + b"\0" + "в".encode("cp1251"))
    assert not is_text((RUSSIAN.encode("cp1251") + b"\0\0\0\0") * 2)


def test_korean_between_control_bytes_is_text() -> None:
    data = "등대지기는 매일 저녁 등불을 켠다.".encode("iso2022_kr")
    assert is_text(data)


@pytest.mark.parametrize(
    ("label", "page"), [("utf-7", "utf-7"), ("UTF-7", "utf-7"), ("hz-gb-2312", "hz")]
)
def test_ascii_bytes_are_read_in_the_encoding_that_only_mail_names(label: str, page: str) -> None:
    assert decode("灯塔 a".encode(page), label=label) == "灯塔 a"
    assert decode(b"1 + 1 ~ 2", label=label) == "1 + 1 ~ 2"
    assert decode(b"1 +2- 3") == "1 +2- 3"


def test_colours_of_a_terminal_are_no_characters_of_a_log() -> None:
    log = "\x1b[1;32mINFO\x1b[0m started\n\x1b]0;title\x07\x1b[?25hERROR\x1b[K [5m] failed"
    assert decode(log.encode()) == "INFO started\nERROR [5m] failed"


def test_a_stretch_that_a_crash_left_empty_costs_itself() -> None:
    log = b"the first line of a log\n" + b"\0" * 2_000 + b"the last line of a log\n"
    assert is_text(log)
    assert decode(log) == "the first line of a log\nthe last line of a log\n"
    assert not is_text(b"name.txt" + b"\0" * 92 + b"0000644" + b"\0" * 92 + b"words of a file")
    assert not is_text(b"\x89header of a file" + b"\0" * 200 + b"words of a file here")


@pytest.mark.parametrize("page", ["cp1251", "koi8-r", "cp932", "cp1253"])
def test_a_mark_of_utf8_before_a_text_of_another_page_misleads_nobody(page: str) -> None:
    text = {
        "cp932": JAPANESE, "cp1253": "Η συνεδρίαση του συμβουλίου θα γίνει την Τρίτη το πρωί.",
    }.get(page, RUSSIAN)  # fmt: skip
    data = b"\xef\xbb\xbf" + text.encode(page)
    assert is_text(data)
    assert decode(data) == text


def test_a_mark_of_utf8_makes_no_text_of_binary_bytes() -> None:
    noise = hashlib.shake_256(b"noise").digest(4000)
    for data in (noise, b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0" + bytes(2000)):
        assert not is_text(b"\xef\xbb\xbf" + data)
    assert is_text(b"\xef\xbb\xbf")
    assert is_text(b"\xef\xbb\xbf" + RUSSIAN.encode()[:-1])


def test_translations_are_read_in_the_encoding_of_their_head() -> None:
    data = (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=ISO-8859-2\\n"\n\nmsgid "kettle"\n'
        'msgstr "kotlík"\nmsgid "tree"\nmsgstr "strom"\nmsgid "horse"\nmsgstr "kůň"\n'
    ).encode("iso-8859-2")
    found = decoded(data)

    assert "kůň" in found.text and found.warnings == ()
