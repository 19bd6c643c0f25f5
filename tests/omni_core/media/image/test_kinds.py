"""Kinds of pictures beyond the common ones: read, or refused by name with what to do."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from omni_core.errors import UnreadableError
from omni_core.types import Modality, Segment

Pieces = Callable[[Path], tuple[list[Segment], list[str]]]
RED, BLUE = (200, 30, 30), (30, 30, 200)


def _halves(width: int = 120, height: int = 80) -> Image.Image:
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def _pixels(segment: Segment) -> np.ndarray[Any, Any]:
    return np.asarray(segment.content.pixels, np.int16)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["a.tga", "a.pcx", "a.sgi", "a.dds", "a.icns", "a.ppm", "a.qoi"])
def test_older_and_rarer_formats_are_read(name: str, tmp_path: Path, pieces: Pieces) -> None:
    size = (128, 128) if name == "a.icns" else (120, 80)
    _halves(*size).save(tmp_path / name)
    (segment,), warnings = pieces(tmp_path / name)
    assert warnings == []
    assert tuple(_pixels(segment)[20, 10]) == RED


def _psd(path: Path, *, composite: bool = True, depth: int = 8) -> Path:
    """A Photoshop document of 4 x 2 grey pixels, with the resource that names its composite."""
    resource = b"8BIM" + struct.pack(">H", 1057) + b"\0\0" + struct.pack(">I", 6)
    resource += struct.pack(">IB", 1, composite) + b"\0"
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, 2, 4, depth, 1)
    body = struct.pack(">I", 0) + struct.pack(">I", len(resource)) + resource + struct.pack(">I", 0)
    path.write_bytes(head + body + struct.pack(">H", 0) + bytes(range(0, 160, 20)) * (depth // 8))
    return path


def test_the_composite_of_a_photoshop_document_is_read(tmp_path: Path, pieces: Pieces) -> None:
    (segment,), warnings = pieces(_psd(tmp_path / "a.psd"))
    assert warnings == []
    assert _pixels(segment)[1, 3, 0] == 140


@pytest.mark.parametrize(
    ("options", "advice"),
    [({"composite": False}, "Maximize compatibility"), ({"depth": 16}, "8 bits")],
)
def test_a_photoshop_document_without_a_picture_to_read_says_what_to_do(
    options: dict[str, Any], advice: str, tmp_path: Path, svc: Any
) -> None:
    with pytest.raises(UnreadableError, match=advice) as e:
        svc.probe(str(_psd(tmp_path / "a.psd", **options)))
    assert e.value.code == "UNSUPPORTED_TYPE"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\x0a\xfa\x7f\x01", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"gimp xcf file\0", "GIMP"),
        (bytes(128) + b"DICM\2\0\0\0UL", "DICOM"),
        (b"The_Old_Quay".ljust(60, b"\0") + b"BOOKMOBI", "MOBI"),
        (b"SDPX\0\0\x20\0V1.0\0", "DPX"),
        (b"\1\0\x09\0\0\3" + bytes(40), "metafile"),
        (b"AT&TFORM\0\0\0\0DJVM", "DjVu"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6\x1e\0\0\0", "PostScript"),
        (b"8BPS\0\2" + b"\0" * 30, "PSB"),
        (b"Extended Module: \x20" + bytes(20) + b"\x1aOpenMPT", "XM"),
        (b"v/1\x01\2\0\0\0", "OpenEXR"),
        (b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk\0\0\x32\x7b\0\xff\3\4Yoru" + b"@\x81O" * 300, "MIDI"),
    ],
)
def test_a_picture_that_is_not_read_is_refused_by_name(
    head: bytes, name: str, tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(head + b"\0" * 100)
    with pytest.raises(UnreadableError, match=name) as e:
        svc.probe(str(path))
    assert e.value.code == "UNSUPPORTED_TYPE"
    assert "ingest that" in str(e.value)


@pytest.mark.parametrize(
    "text", ["P1 2024 plan: three tickets", "P5 10 20 tickets are open", "DDS is a format", "icns"]
)
def test_a_text_that_begins_like_a_picture_is_a_text(text: str, tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{text}\nand more of it\n")
    if text.startswith("P5"):
        path = path.rename(tmp_path / "b.txt")
        path.write_text("P5 open tickets\n")
    assert svc.probe(str(path)).modality is Modality.DOCUMENT


def _jpeg(width: int, height: int) -> bytes:
    out = io.BytesIO()
    _halves(width, height).save(out, "JPEG", quality=90)
    return out.getvalue()


def _raw(path: Path, *previews: bytes, mark: bytes = b"II*\0", thumbnail: bool = True) -> Path:
    """A TIFF as cameras write it: a small picture, EXIF, and previews among the raw data."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x010F], tags[0x0132], tags[0x0112] = "Camera", "2022:03:04 05:06:07", 6
    tags[0xC612] = b"\1\4\0\0"
    tags.tagtype[0xC612] = 1
    out = io.BytesIO()
    _halves(16, 12).save(out, "TIFF", tiffinfo=tags)
    data = bytearray(out.getvalue())
    data[:4] = mark
    if not thumbnail:
        data = data[:8] + b"\0\0\0\0"
    noise = np.random.default_rng(3).bytes(5000).replace(b"\xff\xd8", b"\0\0")
    path.write_bytes(bytes(data) + noise + noise.join(previews) + noise)
    return path


@pytest.mark.parametrize(
    ("name", "mark"),
    [("a.nef", b"II*\0"), ("a.bin", b"II*\0"), ("a.orf", b"IIRO"), ("a.rw2", b"IIU\0")],
)
def test_the_largest_preview_of_a_raw_file_is_read_and_named_as_one(
    name: str, mark: bytes, tmp_path: Path, svc: Any, pieces: Pieces
) -> None:
    path = _raw(tmp_path / name, _jpeg(160, 120), _jpeg(640, 480), mark=mark)
    info = svc.probe(str(path))
    assert (info.width, info.height) == (480, 640)  # turned, as the raw file says
    assert info.recorded_at.astimezone().strftime("%Y-%m-%d %H:%M") == "2022-03-04 05:06"
    (segment,), (line,) = pieces(path)
    assert _pixels(segment).shape == (640, 480, 3)
    assert "preview of 640 x 480 was read, not the raw data" in line


def test_a_raw_file_with_nothing_but_a_thumbnail_says_how_small_it_is(
    tmp_path: Path, pieces: Pieces
) -> None:
    _, (line,) = pieces(_raw(tmp_path / "a.dng"))
    assert "preview of 12 x 16 was read" in line or "preview of 16 x 12 was read" in line


def test_a_raw_file_without_any_picture_is_refused_with_what_to_do(
    tmp_path: Path, svc: Any
) -> None:
    with pytest.raises(UnreadableError, match="develop it") as e:
        svc.probe(str(_raw(tmp_path / "a.nef", thumbnail=False)))
    assert e.value.code == "UNSUPPORTED_TYPE"


def test_a_canon_raw_file_is_no_film(tmp_path: Path, svc: Any, pieces: Pieces) -> None:
    path = tmp_path / "a.cr3"
    path.write_bytes(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + b"\0" * 64 + _jpeg(640, 480))
    assert svc.probe(str(path)).modality is Modality.IMAGE
    assert "640 x 480" in pieces(path)[1][0]


def test_a_wide_gamut_profile_is_converted(tmp_path: Path, pieces: Pieces) -> None:
    """A profile with red and green exchanged shows whether it is applied."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    table = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * profile[131], 12)}
    red, green = table[b"rXYZ"] + 4, table[b"gXYZ"] + 4
    profile[red : red + 8], profile[green : green + 8] = (
        profile[green : green + 8], profile[red : red + 8],
    )  # fmt: skip
    plain = (
        bytes(profile)
        .replace(b"sRGB", b"wide")
        .replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))
    )
    _halves().save(tmp_path / "a.png", icc_profile=plain)
    (segment,), _ = pieces(tmp_path / "a.png")
    left = _pixels(segment)[20, 10]
    assert left[1] > left[0] + 80


def test_lab_and_a_profile_of_ink_become_rgb(tmp_path: Path, pieces: Pieces) -> None:
    lab = ImageCms.profileToProfile(
        _halves(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    lab.save(tmp_path / "a.tif")
    (segment,), _ = pieces(tmp_path / "a.tif")
    assert np.abs(_pixels(segment)[20, 10] - np.array(RED)).max() < 12


def test_linear_light_in_a_png_is_shown_with_the_screens_gamma(
    tmp_path: Path, pieces: Pieces
) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8), (55, 55, 55)).save(path)
    data = path.read_bytes()
    body = b"gAMA" + struct.pack(">I", 100_000)
    path.write_bytes(
        data[:33] + struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]
    )
    (segment,), _ = pieces(path)
    assert 120 < _pixels(segment)[0, 0, 0] < 136


@pytest.mark.parametrize(("top", "expected"), [(4095, 255), (65535, 255), (30000, 117)])
def test_grey_of_twelve_and_sixteen_bits_is_as_bright_as_its_depth_says(
    top: int, expected: int, tmp_path: Path, pieces: Pieces
) -> None:
    Image.fromarray(np.array([[0, top]], np.uint16)).save(tmp_path / "a.tif")
    (segment,), _ = pieces(tmp_path / "a.tif")
    assert abs(int(_pixels(segment)[0, 1, 0]) - expected) <= 1


def test_a_float_picture_with_no_data_in_it_is_seen(tmp_path: Path, pieces: Pieces) -> None:
    values = np.array([[np.nan, 0.0, 0.5, 1.0, -3.4e38]], np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    (segment,), _ = pieces(tmp_path / "a.tif")
    assert list(_pixels(segment)[0, :, 0]) == [0, 0, 127, 255, 0]


def test_a_fax_in_standard_quality_has_its_true_shape(tmp_path: Path, svc: Any) -> None:
    Image.new("1", (1728, 1100), 1).save(tmp_path / "a.tif", compression="group4", dpi=(204, 98))
    assert svc.image(str(tmp_path / "a.tif"), 4000).shape == (2290, 1728, 3)


@pytest.mark.parametrize("turn", [5, 6, 7, 8])
def test_a_turned_tiff_states_the_size_that_it_shows(
    turn: int, tmp_path: Path, svc: Any, pieces: Pieces
) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x0112] = turn
    _halves().save(tmp_path / "a.tif", tiffinfo=tags)
    info = svc.probe(str(tmp_path / "a.tif"))
    assert (info.width, info.height) == (80, 120)
    assert _pixels(pieces(tmp_path / "a.tif")[0][0]).shape == (120, 80, 3)


def test_the_gain_map_of_a_photo_is_no_page(tmp_path: Path, svc: Any, pieces: Pieces) -> None:
    path = tmp_path / "a.jpg"
    _halves().save(path, "MPO", save_all=True, append_images=[_halves(60, 40)])
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) == 2
    assert svc.probe(str(path)).pages is None
    assert len(pieces(path)[0]) == 1


def test_one_bad_page_costs_that_page(tmp_path: Path, pieces: Pieces) -> None:
    path = tmp_path / "a.tif"
    pages = [Image.new("RGB", (40, 30), c) for c in (RED, BLUE, RED)]
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_lzw")
    with Image.open(path) as image:
        image.seek(1)
        (strip,), (size,) = image.tag_v2[273], image.tag_v2[279]  # type: ignore[attr-defined]
    data = bytearray(path.read_bytes())
    data[strip : strip + size] = b"\xff" * size
    path.write_bytes(data)
    segments, (line,) = pieces(path)
    assert [s.span.start for s in segments] == [1, 3]
    assert "page 2" in line
