"""UTF-8 that was read in another encoding and saved so."""

from __future__ import annotations

import pytest

from omni_core.text.charset import decoded
from omni_core.text.mojibake import PAGES, mended, mended_escapes

TEXTS = {
    "French": "Le café est prêt, l’été n’est pas là. Ça va à la mer",
    "Spanish": "¿Dónde está el niño? En el jardín, señora.",
    "Czech": "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "Russian": "Привет, как дела?",
    "Chinese": "中文很好。",
    "signs": "so good 😀 yes 😀😀",
}
MAY_BE_MISTAKEN = ("cp1252", "mac-roman", "cp1250", "cp1251", "cp850")


def _mistaken(text: str, page: str) -> str:
    """What a program shows of UTF-8 that reads it in `page`; unused bytes as control characters."""
    return "".join(bytes((b,)).decode(page, "ignore") or chr(b) for b in text.encode("utf-8"))


@pytest.mark.parametrize("page", MAY_BE_MISTAKEN)
@pytest.mark.parametrize("language", TEXTS)
def test_a_text_that_was_saved_in_a_wrong_encoding_is_put_right(language: str, page: str) -> None:
    text = TEXTS[language]

    assert mended(_mistaken(text, page)) == (text, page)


def test_a_text_saved_so_twice_is_put_right() -> None:
    twice = _mistaken(_mistaken("déjà là, à côté", "cp1252"), "cp1252")

    assert mended(twice) == ("déjà là, à côté", "cp1252")


def test_one_letter_within_a_word_is_enough() -> None:
    assert mended("CafÃ© del Mar")[0] == "Café del Mar"
    assert mended("20Â°C, 5Â m/s, Â§ 5, Â£7")[0] == "20°C, 5 m/s, § 5, £7"
    assert mended("Ã  la carte, trÃ¨s bien")[0] == "à la carte, très bien"


@pytest.mark.parametrize(
    "text",
    [
        "Le café est prêt ; « l’été » n’est pas là. Ça va, Noël ? À bientôt, œuvre.",
        "São João não está à mão; três irmãs, coração, NÃO, ÃÇÕES, IRMÃ…",
        "Größe, Übung, Straße – 5 € für „Äpfel“ ° § ±",
        "Tiếng Việt có dấu: Ấn Độ, ngã, mũ, Â Ã Ê.",
        "Zażółć gęślą jaźń; Łódź",
        "Её брат — там. Ёлка",
        "IRMÃ…",
        "BOA MANHÃ AMIGA, MANHÃ DE SOL, MANHÃ LINDA",
        "UNITÉ\u00a0: 5\nQUANTITÉ\u00a0: 3\nQUALITÉ\u00a0: bonne",
        "Ã¼, Ã¤ and Ã¶ stand in my file, and â€™ too.",
        'The bug: "é" was shown as "Ã©", and "’" as "â€™".',
        "plain words",
        "",
    ],
)
def test_right_text_and_text_about_wrong_text_stay_as_they_are(text: str) -> None:
    assert mended(text) == (text, "")


@pytest.mark.parametrize("page", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_that_was_put_right_says_so(page: str) -> None:
    found = decoded("Le cafÃ© est prÃªt".encode(page))

    assert found.text == "Le café est prêt"
    assert len(found.warnings) == 1
    assert PAGES["cp1252"] in found.warnings[0]
    assert decoded("Le café est prêt".encode(page)).warnings == ()


def test_escapes_of_single_bytes_in_json_are_the_letters_that_were_meant() -> None:
    exported = r'{"a": "caf\u00c3\u00a9 \u00e2\u0080\u0099 \u00f0\u009f\u0098\u0080"}'

    assert mended_escapes(exported) == ('{"a": "café ’ 😀"}', True)


@pytest.mark.parametrize(
    "json",
    [
        r'{"a": "caf\u00e9 \u00fc"}',
        r'{"a": "caf\\u00c3\\u00a9"}',
        r'{"a": "\u00c3\u00a9 \u2019"}',
        r'{"a": "QUANTIT\u00c9\u00a0: 3"}',
    ],
)
def test_right_escapes_in_json_stay_as_they_are(json: str) -> None:
    assert mended_escapes(json) == (json, False)
