"""UTF-16 and UTF-32 without a mark, and UTF-8 with zero bytes in it."""

from __future__ import annotations

import numpy as np
import pytest

from omni_core.text.charset import decode, decoded, is_text
from omni_core.text.wide import is_strictly_text, wide_page

RUSSIAN = "Смотритель маяка записал час прилива.\n"
JAPANESE = "灯台守は潮の時刻を書き留めた。\n"

WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("page", WIDE)
@pytest.mark.parametrize(
    "text",
    [
        RUSSIAN,
        JAPANESE + "\n二行目。\n",
        "燈塔看守人記下潮汐時間。\n",
        "등대지기는 물때를 적었다.\n",
        "Plain words.",
        "Η ώρα είναι 10:30.",
        "שלום עולם לכולם",
        "The surname \u3402 and the character \u35ce are rare ones of this list.\n",
        "物 潮汐时间 물때\n灯塔 등대\n港口 항구\n这本书是好书 이 책은 좋은 책입니다\n",
        "はい\tいいえ\nはい\tはい\n" * 20,
        "優\n優\n優\n良\n優\n" * 20,
        "エラー: エラー\n" * 30,
        "Name: 王 \nCity: 王\n" * 20,
    ],
)
def test_wide_characters_need_no_mark(page: str, text: str) -> None:
    read = decoded(text.encode(page))
    assert (read.text, read.warnings) == (text, ())
    assert is_text(text.encode(page))


def test_tables_of_small_integers_are_no_wide_text() -> None:
    for size in (2, 4):
        assert not is_text(b"".join(n.to_bytes(size, "little") for n in range(1000)))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["pixels", "pixels with a fourth byte", "samples", "floats"])
def test_neither_pixels_nor_sound_nor_numbers_are_wide_text(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = np.repeat(rng.integers(0, 256, (64, 16, 4), dtype=np.uint8), 4, 1)
    if kind == "pixels with a fourth byte":
        pixels[..., 3] = 0
    made = {
        "samples": rng.normal(0, 3000, 2048).astype("<i2"),
        "floats": rng.normal(0, 1, 1024).astype("<f4"),
    }
    assert not is_text(made.get(kind, pixels).tobytes())


@pytest.mark.parametrize("repeated", [b"\x80", b"\x40\x4a", b"\x80\x83\x38\x02", b"\x91\x58\x45"])
def test_bytes_that_music_in_notes_repeats_are_no_chinese(repeated: bytes) -> None:
    notes = b"MTrk\0\0\x32\x7b" + repeated * 60 + b"\0\1\1\2" + repeated * 300
    assert wide_page(notes) is None and wide_page(b"a" + notes) is None


@pytest.mark.parametrize("page", WIDE[:2])
@pytest.mark.parametrize(
    "text", ["さかな\nねこ\n", "水道\n管理\n", "바다 배\n", "Да, я\n", "שלום לך\n", "ฉันรัก คุณ\n"]
)
def test_a_few_words_of_any_script_need_no_mark(page: str, text: str) -> None:
    assert decode(text.encode(page)) == text
    assert is_text(text.encode(page))


@pytest.mark.parametrize(
    "text",
    [
        "Call Bob at noon.\0",
        "name,age\nAda,36\0\nBob,40\n",
        "Der Wärter\0 schläft.\n",
        "The light house keeper.\n" + "\0" * 500,
        "word " * 50 + "\0" + "word " * 50,
    ],
)
def test_a_zero_byte_in_a_text_is_passed_over(text: str) -> None:
    assert is_text(text.encode())
    assert decode(text.encode()) == text.replace("\0", "")


def test_a_short_text_may_have_a_control_byte() -> None:
    assert is_text(b"Call Bob at noon \x01 today\n")
    assert not is_text(b"\x01\x02\x03ab\n")


def test_a_number_and_zero_bytes_after_it_are_no_text() -> None:
    assert not is_text(b"A" + bytes(4095))
    assert not is_text(b"RIFF" + bytes(100))
    assert not is_text(bytes(64))
    assert not is_text("Ada".encode("cp1251") + b"\0\xff\xfe" * 40)


def test_vertical_tabs_and_separators_stand_between_words() -> None:
    assert decode(b"Quay 3\x0bBergen\x1fNorway\x02.") == "Quay 3 Bergen Norway."


def test_strictly_text_is_utf8_without_control_characters() -> None:
    whole = RUSSIAN.encode()
    assert is_strictly_text(whole) and is_strictly_text(whole[:-1])
    for wrong in (b"a\0b", b"a\x02b", b"a\xff b", RUSSIAN.encode("cp1251")):
        assert not is_strictly_text(wrong)
