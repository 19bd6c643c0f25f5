"""Windows metafiles: their words and bitmaps, read without drawing them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest
from PIL import Image

from omni_core.media.document.metafile import read


def _record(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 8 + len(body)) + body


def _emf(*records: bytes) -> bytes:
    header = _record(1, bytes(32) + b" EMF" + bytes(64))
    return header + b"".join(records) + _record(14, bytes(12))


def _text(words: str) -> bytes:
    data = words.encode("utf-16-le")
    fixed = bytes(28) + bytes(8) + struct.pack("<IIIIIIII", len(words), 76, 0, 0, 0, 0, 0, 0)
    return _record(84, fixed + data)


def _dib(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 10, 10)).save(out, "BMP")
    return out.getvalue()[14:]


def _stretched(size: tuple[int, int]) -> bytes:
    dib = _dib(size)
    fixed = bytes(40) + struct.pack("<IIII", 80, 40, 120, len(dib) - 40) + bytes(16)
    return _record(81, fixed + dib)


def _wmf(*records: bytes) -> bytes:
    return bytes.fromhex("d7cdc69a") + bytes(18) + bytes(18) + b"".join(records)


def _wmf_record(kind: int, body: bytes) -> bytes:
    body += bytes(len(body) % 2)
    return struct.pack("<IH", 3 + len(body) // 2, kind) + body


def test_words_of_an_emf_are_read_in_order() -> None:
    assert read(_emf(_text("Valve house"), _text("Pump 7"))).words == ["Valve house", "Pump 7"]


def test_a_formula_drawn_sign_by_sign_has_no_words() -> None:
    assert read(_emf(_text("x"), _text("="), _text("2y"))).words == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: _emf(_stretched((40, 30)), _stretched((120, 80))),
        lambda: _wmf(_wmf_record(0x0F43, bytes(22) + _dib((120, 80)))),
    ],
    ids=["emf", "wmf"],
)
def test_the_largest_bitmap_is_found(make: Callable[[], bytes]) -> None:
    image = read(make()).largest
    assert image is not None
    assert image.size == (120, 80)
    assert image.convert("RGB").getpixel((5, 5)) == (200, 10, 10)


def test_words_of_a_wmf_are_read() -> None:
    plain = _wmf_record(0x0521, struct.pack("<H", 11) + b"Engine room" + bytes(5))
    extended = _wmf_record(0x0A32, struct.pack("<HHHH", 0, 0, 4, 0) + b"Deck")
    assert read(_wmf(plain, extended)).words == ["Engine room", "Deck"]


def test_a_drawing_that_is_cut_off_gives_what_precedes_the_cut() -> None:
    whole = _emf(_text("Valve house"), _text("Pump 7"), _stretched((40, 30)))
    for length in range(len(whole)):
        assert "Valve housePump 7".startswith("".join(read(whole[:length]).words))


def test_records_that_lie_about_their_size_end_it() -> None:
    assert read(_emf(struct.pack("<II", 84, 4))).words == []
    assert read(_emf(struct.pack("<II", 84, 0xFFFFFFFF))).words == []
