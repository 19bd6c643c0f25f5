"""Kinds of TIFF and Netpbm that Pillow does not read, or reads wrongly, have their true colours."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from omni_core.errors import UnreadableError
from omni_core.media.image.through_ffmpeg import picture
from omni_core.types import ImageContent

Pieces = Callable[..., tuple[list[Any], list[str]]]
RED, BLUE = (220, 30, 40), (40, 60, 220)


def halves() -> NDArray[np.uint8]:
    """80 x 60, red on the left, blue on the right."""
    found = np.empty((60, 80, 3), np.uint8)
    found[:, :40], found[:, 40:] = RED, BLUE
    return found


def tiff(
    values: NDArray[Any], form: int, *, planar: bool = False, more: bool = False, turn: int = 1
) -> bytes:
    """An uncompressed TIFF. form: of a sample, 1 for whole numbers and 3 for floats. planar: each
    colour by itself. more: whether a second page follows."""
    height, width, count = values.shape
    planes = [values[:, :, n] for n in range(count)] if planar else [values]
    data = [np.ascontiguousarray(plane).tobytes() for plane in planes]
    bits = values.dtype.itemsize * 8
    fields: list[tuple[int, int, list[int]]] = [
        (256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * count), (259, 3, [1]),
        (262, 3, [2 if count > 2 else 1]), (273, 4, [0] * len(data)), (274, 3, [turn]),
        (277, 3, [count]),
        (278, 4, [height]), (279, 4, [len(d) for d in data]), (284, 3, [2 if planar else 1]),
        (339, 3, [form] * count),
    ]  # fmt: skip
    size = 8 + 2 + 12 * len(fields) + 4
    at = size + sum(len(v) * (4 if t == 4 else 2) for _, t, v in fields if _long(t, v))
    for n, piece in enumerate(data):
        fields[5][2][n] = at + sum(map(len, data[:n]))
        assert piece
    entries, beyond = b"", b""
    for tag, kind, numbers in fields:
        value = b"".join(struct.pack("<I" if kind == 4 else "<H", v) for v in numbers)
        if _long(kind, numbers):
            place = struct.pack("<I", size + len(beyond))
            beyond += value
            value = place
        entries += struct.pack("<HHI", tag, kind, len(numbers)) + value.ljust(4, b"\0")
    end = struct.pack("<I", 8 if more else 0)
    return (
        b"II*\0\x08\0\0\0"
        + struct.pack("<H", len(fields))
        + entries
        + end
        + beyond
        + b"".join(data)
    )


def _long(kind: int, numbers: list[int]) -> bool:
    return len(numbers) * (4 if kind == 4 else 2) > 4


def seen(pieces: Pieces, path: Path) -> tuple[NDArray[np.uint8], list[str]]:
    (segment,), warnings = pieces(path)
    assert isinstance(segment.content, ImageContent)
    return segment.content.pixels, warnings


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.tif", tiff(halves().astype("<u2") * 257, 1, planar=True)),
        ("a.tif", tiff(halves().astype("<f4") / 255, 3)),
        ("a.pam", b"P7\nWIDTH 80\nHEIGHT 60\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
         + np.dstack([halves(), np.full((60, 80), 255, np.uint8)]).tobytes()),
        ("a.pfm", b"PF\n80 60\n-1.0\n" + (halves()[::-1].astype("<f4") / 255).tobytes()),
    ],
)  # fmt: skip
def test_colours_are_true(name: str, data: bytes, tmp_path: Path, pieces: Pieces) -> None:
    (tmp_path / name).write_bytes(data)
    pixels, warnings = seen(pieces, tmp_path / name)
    assert not warnings and pixels.shape == (60, 80, 3)
    for x, colour in ((10, RED), (70, BLUE)):
        assert np.abs(pixels[30, x].astype(int) - colour).max() <= 2


@pytest.mark.parametrize("name", ["scan%d.tif", "scan%01d.tif", "scan*.tif"])
def test_a_name_that_could_stand_for_other_files_is_that_of_one(
    name: str, tmp_path: Path, pieces: Pieces
) -> None:
    (tmp_path / "scan1.tif").write_bytes(tiff(halves()[:, ::-1].astype("<f4") / 255, 3))
    (tmp_path / name).write_bytes(tiff(halves().astype("<f4") / 255, 3))
    pixels, _ = seen(pieces, tmp_path / name)
    assert np.abs(pixels[30, 10].astype(int) - RED).max() <= 2


def test_a_picture_that_is_turned_is_shown_upright(tmp_path: Path, pieces: Pieces) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(halves().astype("<u2") * 257, 1, planar=True, turn=6))
    pixels, _ = seen(pieces, tmp_path / "a.tif")
    assert pixels.shape == (80, 60, 3) and abs(int(pixels[10, 30, 0]) - RED[0]) <= 2


def test_a_further_page_is_named(tmp_path: Path, pieces: Pieces) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(halves().astype("<f4") / 255, 3, more=True))
    assert seen(pieces, tmp_path / "a.tif")[1] == ["only the first of its pages was read"]


def test_a_whole_file_of_an_unread_kind_is_not_called_damaged(tmp_path: Path, svc: Any) -> None:
    values = np.zeros((60, 80, 3), "<u4")
    (tmp_path / "a.tif").write_bytes(tiff(values, 1))
    with pytest.raises(UnreadableError, match="3 channels of 32 bits") as e:
        svc.probe(str(tmp_path / "a.tif"))
    assert e.value.code == "UNSUPPORTED_TYPE"


def test_a_file_that_breaks_off_before_its_picture_is_damaged(tmp_path: Path, svc: Any) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(np.zeros((60, 80, 3), "<u4"), 1)[:120])
    with pytest.raises(UnreadableError) as e:
        svc.probe(str(tmp_path / "a.tif"))
    assert e.value.code == "CORRUPT_MEDIA"


def test_a_bitmap_whose_reserved_bytes_are_filled_is_read(tmp_path: Path, pieces: Pieces) -> None:
    Image.fromarray(halves()).save(tmp_path / "b.bmp")
    data = (tmp_path / "b.bmp").read_bytes()
    (tmp_path / "a.bmp").write_bytes(data[:6] + b"AB\0\0" + data[10:])
    assert tuple(seen(pieces, tmp_path / "a.bmp")[0][30, 10]) == RED


def test_jpeg_ls_is_read(tmp_path: Path, pieces: Pieces) -> None:
    frame = av.VideoFrame.from_ndarray(halves(), "rgb24")
    coder = cast(Any, av.CodecContext.create("jpegls", "w"))
    coder.width, coder.height, coder.pix_fmt, coder.time_base = 80, 60, "rgb24", Fraction(1, 25)
    data = b"".join(bytes(p) for p in (*coder.encode(frame), *coder.encode(None)))
    (tmp_path / "a.jls").write_bytes(data)
    pixels, warnings = seen(pieces, tmp_path / "a.jls")
    assert tuple(pixels[30, 10]) == RED and not warnings


def pcx(bits: int, row: bytes, palette: bytes = b"") -> bytes:
    """80 x 60 of one plane, each row as given, without repeats."""
    head = struct.pack("<BBBB6H", 10, 5, 1, bits, 0, 0, 79, 59, 72, 72) + palette.ljust(48, b"\0")
    head += struct.pack("<BBHHHH", 0, 1, len(row), 1, 0, 0)
    packed = b"".join(b"\xc1" + bytes((value,)) for value in row)
    return head.ljust(128, b"\0") + packed * 60


@pytest.mark.parametrize(
    ("bits", "row", "palette", "left", "right"),
    [
        (2, b"\x55" * 10 + b"\xff" * 10, b"", (85, 255, 255), (255, 255, 255)),
        (2, b"\x55" * 10 + b"\xff" * 10, bytes((0, 0, 0, *RED, 9, 9, 9, *BLUE)), RED, BLUE),
        (4, b"\x11" * 20 + b"\x33" * 20, bytes((0, 0, 0, *RED, 9, 9, 9, *BLUE)), RED, BLUE),
    ],
)
def test_a_pcx_of_few_colours_in_one_plane_is_seen(
    bits: int, row: bytes, palette: bytes, left: Any, right: Any, tmp_path: Path, pieces: Pieces
) -> None:
    path = tmp_path / "a.pcx"
    path.write_bytes(pcx(bits, row, palette))
    pixels, warnings = seen(pieces, path)
    assert (tuple(pixels[20, 10]), tuple(pixels[20, 70]), warnings) == (left, right, [])


@pytest.mark.parametrize("kind", [b"ILBM", b"PBM "])
def test_a_picture_of_deluxe_paint_is_seen(kind: bytes, tmp_path: Path, pieces: Pieces) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack(">I", len(content)) + content

    planar = kind == b"ILBM"
    head = struct.pack(">HHhhBBBBHBBHH", 80, 60, 0, 0, 1 if planar else 8, 0, 0, 0, 0, 1, 1, 80, 60)
    colours = bytes((*RED, *BLUE)) + (b"" if planar else bytes(762))
    row = b"\0" * 5 + b"\xff" * 5 if planar else b"\0" * 40 + b"\1" * 40
    body = chunk(b"BMHD", head) + chunk(b"CMAP", colours) + chunk(b"BODY", row * 60)
    path = tmp_path / "a.iff"
    path.write_bytes(b"FORM" + struct.pack(">I", len(body) + 4) + kind + body)
    pixels, warnings = seen(pieces, path)
    assert (tuple(pixels[20, 10]), tuple(pixels[20, 70]), warnings) == (RED, BLUE, [])


def test_a_picture_of_quickdraw_is_refused_by_name(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.pict"
    path.write_bytes(bytes(522) + b"\0\x11\2\xff\x0c\0" + bytes(40))
    with pytest.raises(UnreadableError, match="QuickDraw") as e:
        svc.probe(str(path))
    assert e.value.code == "UNSUPPORTED_TYPE"


@pytest.mark.parametrize("name", ["a.pcx", "a.jpg", "a.png"])
@pytest.mark.parametrize("head", [b"\n", b"\n\5", b"\n\5\1\2"])
def test_a_line_end_is_no_picture(head: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(head)
    assert picture(str(path), head, 1_000_000) is None
