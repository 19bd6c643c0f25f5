"""Texts of mainframes are told from other encodings, and their pages from each other."""

from __future__ import annotations

import pytest

from omni_core.text.charset import decode, decoded, is_text
from omni_core.text.ebcdic import ebcdic_page

ENGLISH = (
    "The keeper of the light climbs the stairs each evening.\n"
    "CUSTOMER 00123  SMITH, JOHN   BALANCE 1,234.56 (see [note])!\n"
)
GERMAN = "Die Größe der Brücke über den Fluß überrascht.\nÄpfel und Öl für zwölf Gäste.\n"
RUSSIAN = "Смотритель маяка каждый вечер поднимается по лестнице, a@b.org @ @ @ @ @ @ @ @ @\n"


@pytest.mark.parametrize(
    ("text", "page", "end"),
    [
        (ENGLISH, "cp037", b"\x25"),
        (ENGLISH, "cp037", b"\x15"),
        (ENGLISH, "cp037", b"\x0d\x25"),
        (ENGLISH, "cp500", b"\x25"),
        (GERMAN, "cp273", b"\x15"),
        (GERMAN, "cp037", b"\x25"),
    ],
)
def test_a_text_of_a_mainframe_is_read(text: str, page: str, end: bytes) -> None:
    data = end.join(line.encode(page) for line in text.split("\n"))
    found = decoded(data)
    assert is_text(data[:4096])
    assert (found.text, found.page) == (text, page)
    assert found.warnings == (
        f"read as EBCDIC (IBM {page[2:]}), which is a guess; if words look wrong, save it as UTF-8",
    )


def test_brackets_of_unix_on_mainframes_are_read() -> None:
    data = ENGLISH.replace("!", "").encode("cp037")
    data = data.replace(b"\xba", b"\xad").replace(b"\xbb", b"\xbd")
    assert decoded(data).page == "cp1047" and "[note]" in decode(data)


def test_cards_without_line_ends_are_lines() -> None:
    cards = ["NAME                ACCOUNT   CITY", "SMITH JOHN          0001234   LONDON"]
    data = "".join(card.ljust(80) for card in cards).encode("cp037")
    assert decode(data).split("\n") == cards


@pytest.mark.parametrize("page", ["koi8-r", "cp1251", "cp866", "utf-8"])
def test_other_texts_are_none_of_a_mainframe(page: str) -> None:
    assert ebcdic_page(RUSSIAN.encode(page) * 9) == ""
    assert ebcdic_page(ENGLISH.encode() * 9) == ""
    assert ebcdic_page(b"") == "" and ebcdic_page(bytes(range(256)) * 16) == ""


def test_repeated_bytes_are_none_of_a_mainframe() -> None:
    assert ebcdic_page(b"\x40" * 4096) == "" and ebcdic_page(b"\x81\x40" * 2048) == ""


def test_a_form_of_wide_spaces_is_none_of_a_mainframe() -> None:
    words = ("部署", "大阪", "大阪", "太郎", "私たち")
    assert ebcdic_page(("\u3000" * 4).join(words).encode("cp932")) == ""
