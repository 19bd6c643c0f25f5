"""Calendars, cards and source texts are read as the words they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.cards import is_cards, readable_cards
from omni_core.media.text.readable import with_letters
from omni_core.types import CutOptions, FileWarning, Segment, Source

PNG = "iVBORw0KGgoAAAANSUhEUgAAAMgAAADICAAAAACIM" * 9


def card(*lines: str, version: str = "3.0") -> str:
    return "\n".join(("BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("SUMMARY:the conserv\n ation plan", "SUMMARY:the conservation plan"),
        ("NOTE:maps\\, boots\\nand a torch\\; \\\\n", "NOTE:maps, boots\nand a torch; \\n"),
        ("LOCATION;ENCODING=QUOTED-PRINTABLE:K=C3=B6ln", "LOCATION:Köln"),
        ("FN;CHARSET=windows-1251;QUOTED-PRINTABLE:=CC=E0=\n=FF=EA", "FN:Маяк"),
        ("URL:https://harbour.test/?a=\nTEL;TYPE=home:12", "URL:https://harbour.test/?a=\nTEL;"),
        ('ATTENDEE;CN="Ada: of the quay":mailto:ada', 'ATTENDEE;CN="Ada: of the quay":mailto:ada'),
    ],
)
def test_a_line_of_a_card_is_read_as_its_words(written: str, read: str) -> None:
    text, left_out = readable_cards(card(written))
    assert read in text
    assert left_out == 0


def test_a_folded_line_of_an_old_card_keeps_its_space() -> None:
    assert (
        "NOTE:the harbour plan" in readable_cards(card("NOTE:the\n harbour plan", version="2.1"))[0]
    )


@pytest.mark.parametrize(
    "photo",
    [
        f"PHOTO;ENCODING=b;TYPE=JPEG:{PNG[:70]}\n {PNG[70:140]}\n {PNG[140:]}",
        f"PHOTO;ENCODING=BASE64;JPEG:\n {PNG[:70]}\n {PNG[70:]}\n",
        f"PHOTO;BASE64:{PNG[:70]}\n{PNG[70:140]}\n{PNG[140:]}\n",
        f"PHOTO:data:image/png;base64,{PNG}",
    ],
)
def test_a_picture_in_a_card_is_left_out_and_counted(photo: str) -> None:
    text, left_out = readable_cards(card(photo, "FN:Ada"))
    assert left_out == 1
    assert "FN:Ada" in text and PNG[70:90] not in text


def test_a_card_is_told_by_its_first_line() -> None:
    assert is_cards(card("FN:Ada"))
    assert is_cards("\nBEGIN:VCALENDAR\nEND:VCALENDAR\n")
    assert not is_cards("He wrote BEGIN:VCARD\n at noon")


def test_a_card_is_read_with_one_warning_for_its_pictures(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.vcf"
    path.write_bytes(card("FN:Ada", f"PHOTO;ENCODING=b:{PNG}").replace("\n", "\r\n").encode())
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), info.title, info.modality, info.mime, 1)
    found = list(svc.decompose(str(path), source, CutOptions()))
    (said,) = [w.message for w in found if isinstance(w, FileWarning)]
    assert said.startswith("1 embedded file not read")
    assert "FN:Ada" in "".join(s.text for s in found if isinstance(s, Segment))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.js", 'window.part0 = [ {"text": "\\u041c\\u0430\\u044f\\u043a"} ]'),
        ("a.json", '// remark\n{ "a": "\\u041c\\u0430\\u044f\\u043a", }'),
        ("b.json", '"just \\u041c\\u0430\\u044f\\u043a"'),
        ("a.properties", "title=\\u041c\\u0430\\u044f\\u043a"),
        ("a.toml", 'title = "\\u041c\\u0430\\u044f\\u043a"'),
        ("a.py", 'title = "\\u041c\\u0430\\u044f\\u043a"'),
        ("a.yaml", 'title: "\\u041c\\u0430\\u044f\\u043a"'),
    ],
)
def test_escapes_of_letters_in_source_texts_are_letters(
    name: str, text: str, tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert "Маяк" in cut(path)[0].text


@pytest.mark.parametrize("kept", ["\\u0000", "\\ud800", "\\u041", "\\u200e"])
def test_escapes_of_what_does_not_print_stay(kept: str) -> None:
    assert with_letters(f"[{kept}]") == f"[{kept}]"
    assert with_letters("\\ud83d\\ude00") == "😀"


def test_short_escapes_are_letters_where_a_program_reads_them_so(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.yml"
    path.write_text('title: "Gr\\xF6\\xDFe, \\x07, \\\\xF6"')
    assert cut(path)[0].text == 'title: "Größe, \\x07, \\\\xF6"'


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("path: C:\\share\\xfer\\in", "path: C:\\share\\xfer\\in"),
        ("pattern: '\\d+\\x41'", "pattern: '\\d+\\x41'"),
        ('pattern: "\\d+\\x86"', 'pattern: "\\d+\\x86"'),
        ('- "Gr\\xF6\\\n  \\xDFe"\n- \\xF6', '- "Grö\\\n  ße"\n- \\xF6'),
        ('{"a":"\\xF6", "b": !!str "\\\\\\xDF"}', '{"a":"ö", "b": !!str "\\\\ß"}'),
        ('he said "\\xF6"', 'he said "\\xF6"'),
        ('a: "\\x5cu0041"', 'a: "\\x5cu0041"'),
    ],
)
def test_short_escapes_of_yaml_count_only_in_double_quotes(source: str, read: str) -> None:
    assert with_letters(source, short=True) == read


def test_quotes_without_an_end_leave_a_long_text_as_it_is() -> None:
    text = "- 'a\n" + '- "' + '\\xF6 - \\"' * 100_000
    assert with_letters(text, short=True) == text


@pytest.mark.parametrize("at", [1, 2])
def test_a_letter_that_is_folded_within_is_whole(at: int, tmp_path: Path, cut: Any) -> None:
    letter = "Größe €"[2:3].encode() if at == 1 else "€".encode()
    path = tmp_path / "a.ics"
    path.write_bytes(
        b"BEGIN:VCALENDAR\r\nSUMMARY:Gr" + letter[:at] + b"\r\n " + letter[at:] + b" heron\r\n"
        b"END:VCALENDAR\r\n"
    )
    (found,) = cut(path)
    assert f"SUMMARY:Gr{letter.decode()} heron" in found.text
