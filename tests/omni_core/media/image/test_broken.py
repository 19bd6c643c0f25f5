"""Pictures that break off are kept as far as they can be drawn, with a warning that says so."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from omni_core.errors import UnreadableError
from omni_core.types import Modality, Segment

Pieces = Callable[[Path], tuple[list[Segment], list[str]]]


def _grain(width: int = 320, height: int = 240) -> Image.Image:
    """A picture that is hard to compress, so that a share of the file is a share of the rows."""
    noise = np.random.default_rng(1).integers(-12, 12, (height, width, 3))
    ramp = np.linspace(20, 220, height)[:, None, None]
    return Image.fromarray((ramp + noise).clip(0, 255).astype(np.uint8))


_SAVED = [
    ("a.jpg", {"quality": 90}), ("a.png", {}), ("a.gif", {}), ("a.bmp", {}), ("a.tif", {}),
    ("a.tga", {}), ("a.ppm", {}), ("a.webp", {"quality": 80}), ("a.webp", {"lossless": True}),
    ("a.avif", {"quality": 90}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), _SAVED)
def test_what_comes_before_the_break_is_drawn_and_the_rest_is_grey(
    name: str, options: dict[str, Any], tmp_path: Path, pieces: Pieces
) -> None:
    whole, path = _grain(), tmp_path / name
    whole.save(path, **options)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    (segment,), (line,) = pieces(path)
    pixels = np.asarray(segment.content.pixels, np.int16)  # type: ignore[union-attr]
    wrong = np.abs(pixels - np.asarray(whole, np.int16)).mean(axis=(1, 2))
    grey = (np.abs(pixels - 128) <= 1).all(axis=(1, 2))
    share = int(line.split(" %")[0].split()[-1])
    assert 45 <= share <= 75
    assert (wrong[~grey] < 16).mean() > 0.9
    assert abs((1 - grey.mean()) * 100 - share) < 8


@pytest.mark.parametrize(("name", "options"), _SAVED)
def test_a_whole_picture_has_no_warning(
    name: str, options: dict[str, Any], tmp_path: Path, pieces: Pieces
) -> None:
    _grain().save(tmp_path / name, **options)
    assert pieces(tmp_path / name)[1] == []


def test_a_progressive_jpeg_that_breaks_off_is_drawn_coarsely(
    tmp_path: Path, pieces: Pieces
) -> None:
    whole, path = _grain(), tmp_path / "a.jpg"
    whole.save(path, quality=90, progressive=True)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.5)])
    (segment,), (line,) = pieces(path)
    pixels = np.asarray(segment.content.pixels, np.int16)  # type: ignore[union-attr]
    assert np.abs(pixels - np.asarray(whole, np.int16)).mean() < 16
    assert "detail" in line


@pytest.mark.parametrize("name", ["a.jp2", "a.j2k"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_jpeg_2000_that_breaks_off_is_drawn_coarsely(
    name: str, share: float, tmp_path: Path, pieces: Pieces
) -> None:
    whole, path = _grain(), tmp_path / name
    whole.save(path, "JPEG2000", no_jp2=name == "a.j2k")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    (segment,), (line,) = pieces(path)
    pixels = np.asarray(segment.content.pixels, np.int16)  # type: ignore[union-attr]
    assert np.abs(pixels - np.asarray(whole, np.int16)).mean() < 16
    assert "detail" in line


def test_a_lossless_webp_whose_pixels_need_more_bits_than_its_file_has_is_kept(
    tmp_path: Path, pieces: Pieces
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (12, 16, 3), np.uint8)
    whole = Image.fromarray(np.kron(noise, np.ones((10, 10, 1), np.uint8)))
    whole.save(tmp_path / "a.webp", lossless=True)
    data = (tmp_path / "a.webp").read_bytes()
    (tmp_path / "a.webp").write_bytes(data[: int(len(data) * 0.9)])
    (segment,), (line,) = pieces(tmp_path / "a.webp")
    assert "breaks off" in line
    pixels = np.asarray(segment.content.pixels, np.int16)  # type: ignore[union-attr]
    assert np.abs(pixels[:40] - np.asarray(whole, np.int16)[:40]).max() <= 1


def test_pillows_switch_of_the_whole_process_is_left_alone(tmp_path: Path, pieces: Pieces) -> None:
    path = tmp_path / "a.png"
    _grain().save(path)
    path.write_bytes(path.read_bytes()[:9000])
    pieces(path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize(
    ("name", "options"),
    [saved for saved in _SAVED if saved[0] != "a.ppm"],  # which is a text then
)
def test_a_file_of_a_few_bytes_is_refused(
    name: str, options: dict[str, Any], tmp_path: Path, pieces: Pieces
) -> None:
    path = tmp_path / name
    _grain().save(path, **options)
    path.write_bytes(path.read_bytes()[:12])
    with pytest.raises(UnreadableError) as e:
        pieces(path)
    assert e.value.code in ("CORRUPT_MEDIA", "UNSUPPORTED_TYPE")


def _with_chunk(path: Path, name: bytes, body: bytes, *, checksum: int | None = None) -> None:
    """Put a chunk after the header of a PNG."""
    data = path.read_bytes()
    check = zlib.crc32(name + body) if checksum is None else checksum
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)
    path.write_bytes(data[:33] + chunk + data[33:])


def test_a_png_with_a_wrong_checksum_in_a_text_keeps_its_picture(
    tmp_path: Path, pieces: Pieces
) -> None:
    path = tmp_path / "a.png"
    _grain().save(path)
    _with_chunk(path, b"tEXt", b"Comment\0hello", checksum=1)
    (segment,), (line,) = pieces(path)
    assert (segment.content.pixels == np.asarray(_grain())).all()  # type: ignore[union-attr]
    assert "tEXt" in line


def test_a_text_that_unpacks_to_megabytes_costs_the_text(tmp_path: Path, pieces: Pieces) -> None:
    path = tmp_path / "a.png"
    texts = PngInfo()
    texts.add_text("workflow", "x" * (80 << 20), zip=True)
    _grain().save(path, pnginfo=texts)
    (segment,), (line,) = pieces(path)
    assert segment.content.pixels.shape == (240, 320, 3)  # type: ignore[union-attr]
    assert "zTXt" in line


def test_a_png_whose_animation_is_damaged_keeps_its_still(
    tmp_path: Path, svc: Any, pieces: Pieces
) -> None:
    path = tmp_path / "a.png"
    frames = [_grain(), _grain().rotate(180), _grain()]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=1000)
    data = bytearray(path.read_bytes())
    at = data.index(b"fcTL", data.index(b"fcTL") + 4)
    data[at + 4 : at + 8] = b"\0\0\0\x63"  # a number out of order
    path.write_bytes(data)
    assert svc.probe(str(path)).modality is Modality.VIDEO
    segments, (line,) = pieces(path)
    assert len(segments) == 1
    assert "1 of 3 frames" in line


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_an_animation_that_breaks_off_is_read_as_far_as_it_goes(
    name: str, tmp_path: Path, pieces: Pieces, slide: Any
) -> None:
    path = tmp_path / name
    frames = [Image.fromarray(slide(word)) for word in ("One", "Two", "Three", "Four")]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=3000, lossless=True)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.95)])
    segments, warnings = pieces(path)
    assert 1 <= len(segments) <= 3
    assert len(warnings) == 1


def test_an_interlaced_png_that_breaks_off_is_seen_whole_and_coarse(
    tmp_path: Path, pieces: Pieces
) -> None:
    """Pillow writes no interlaced PNG: its seven passes are put together here."""
    whole = np.asarray(Image.linear_gradient("L").resize((64, 64)))
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2))  # fmt: skip
    rows = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in whole[y::dy, x::dx])
    body = zlib.compress(rows, 0)
    path = tmp_path / "a.png"
    head = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 1)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
        )
    )
    assert pieces(path)[1] == []
    path.write_bytes(path.read_bytes()[: 33 + 8 + len(body) // 4])
    (segment,), (line,) = pieces(path)
    pixels = np.asarray(segment.content.pixels, np.int16)[..., 0]  # type: ignore[union-attr]
    assert np.abs(pixels - whole.astype(np.int16)).mean() < 12
    assert "coarse" in line


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_the_pictures_of_an_animation_too_short_to_be_cut_are_said(
    name: str, tmp_path: Path, pieces: Pieces
) -> None:
    frames = [Image.new("RGB", (64, 48), (60 * n, 200, 90)) for n in range(4)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=0)
    segments, (line,) = pieces(tmp_path / name)
    assert len(segments) == 1
    assert line == "the animation lasts 0.4 s: only the first of its 4 pictures was read"
