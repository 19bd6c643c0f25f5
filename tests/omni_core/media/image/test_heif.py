"""HEIC, as phones write it: of tiles, turned, with EXIF and more than one picture."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omni_core.errors import TooLargeError, UnreadableError
from omni_core.media.service import service
from omni_core.types import Modality, Segment
from tests.omni_core.media.image.heif_files import corners, heic

Pieces = Callable[[Path], tuple[list[Segment], list[str]]]
_TITLED = (
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Headline="Ferry strike"/>'
    b"</rdf:RDF>"
)


def _saved(path: Path, **options: Any) -> Path:
    path.write_bytes(heic(corners(), 64, **options))
    return path


def _pixels(segment: Segment) -> np.ndarray[Any, Any]:
    return np.asarray(segment.content.pixels, np.int16)  # type: ignore[union-attr]


def test_the_tiles_of_a_heic_are_joined(tmp_path: Path, svc: Any, pieces: Pieces) -> None:
    path = _saved(tmp_path / "a.heic")
    info = svc.probe(str(path))
    assert (info.modality, info.mime, info.width, info.height) == (
        Modality.IMAGE, "image/heic", 192, 128,
    )  # fmt: skip
    (segment,), warnings = pieces(path)
    assert warnings == []
    assert np.abs(_pixels(segment) - corners()).mean() < 6


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"turn": 1}, np.rot90(corners(), 1)),
        ({"turn": 2}, np.rot90(corners(), 2)),
        ({"turn": 3}, np.rot90(corners(), 3)),
        ({"mirror": 0}, corners()[::-1]),
        ({"mirror": 1}, corners()[:, ::-1]),
        ({"turn": 1, "mirror": 1}, np.rot90(corners(), 1)[:, ::-1]),
    ],
)
def test_a_heic_is_turned_as_its_file_says(
    options: dict[str, int], expected: Any, tmp_path: Path, svc: Any, pieces: Pieces
) -> None:
    path = _saved(tmp_path / "a.heic", **options)
    assert (svc.probe(str(path)).height, svc.probe(str(path)).width) == expected.shape[:2]
    (segment,), _ = pieces(path)
    assert np.abs(_pixels(segment) - expected).mean() < 6


def test_the_date_and_description_of_a_heic_are_read_and_it_is_not_turned_twice(
    tmp_path: Path, svc: Any, pieces: Pieces
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Ferry in the fog"
    exif.get_ifd(0x8769)[0x9003] = "2023:07:14 12:30:00"
    exif.get_ifd(0x8769)[0x9011] = "+02:00"
    path = _saved(tmp_path / "a.heic", turn=3, exif=exif.tobytes().removeprefix(b"Exif\0\0"))
    info = svc.probe(str(path))
    assert (info.width, info.height) == (128, 192)
    assert info.recorded_at == datetime(2023, 7, 14, 10, 30, tzinfo=UTC)
    (image, text), _ = pieces(path)
    assert np.abs(_pixels(image) - np.rot90(corners(), 3)).mean() < 6
    assert text.text == "Ferry in the fog"


def test_xmp_in_a_heic_is_read(tmp_path: Path, pieces: Pieces) -> None:
    (_, text), _ = pieces(_saved(tmp_path / "a.heic", xmp=_TITLED))
    assert text.text == "Ferry strike"


def test_further_pictures_of_a_heic_are_pages(tmp_path: Path, svc: Any, pieces: Pieces) -> None:
    second = np.full((64, 64, 3), (20, 20, 220), np.uint8)
    path = _saved(tmp_path / "a.heic", others=(second,))
    assert svc.probe(str(path)).pages == 2
    (first, other), _ = pieces(path)
    assert np.abs(_pixels(first) - corners()).mean() < 6
    assert np.abs(_pixels(other) - second).mean() < 6
    assert svc.page(str(path), 2, 64).shape == (64, 64, 3)


def test_what_is_written_in_a_further_picture_of_a_heic_is_read_at_its_page(
    tmp_path: Path, pieces: Pieces
) -> None:
    second = np.full((64, 64, 3), (20, 20, 220), np.uint8)
    path = _saved(tmp_path / "a.heic", others=(second,), xmp=_TITLED)
    data = bytearray(path.read_bytes())
    at = data.index(b"cdsc") + 8  # the picture that the XMP describes; the other stands before it
    struct.pack_into(">H", data, at, struct.unpack_from(">H", data, at)[0] - 1)
    path.write_bytes(data)
    _, other, text = pieces(path)[0]
    assert (text.text, text.span) == ("Ferry strike", other.span)


def test_a_heic_that_breaks_off_keeps_its_first_tiles(tmp_path: Path, pieces: Pieces) -> None:
    path = _saved(tmp_path / "a.heic")
    whole = path.read_bytes()
    start = whole.index(b"mdat") + 4
    path.write_bytes(whole[: start + (len(whole) - start) // 2])
    (segment,), (line,) = pieces(path)
    assert np.abs(_pixels(segment)[:60, :60] - corners()[:60, :60]).mean() < 6
    assert "% of it could be drawn" in line


def test_no_heic_however_damaged_gives_another_error_than_the_trees(
    tmp_path: Path, svc: Any
) -> None:
    whole = _saved(tmp_path / "a.heic").read_bytes()
    path = tmp_path / "b.heic"
    rng = np.random.default_rng(2)
    end = whole.index(b"mdat")
    for _ in range(150):
        data = bytearray(whole)
        for at in rng.integers(24, end, 3):
            data[at] = rng.integers(256)
        path.write_bytes(data)
        try:
            svc.probe(str(path))
            svc.image(str(path), 64)
        except (UnreadableError, TooLargeError):
            continue


def test_a_heic_over_the_limit_of_pixels_is_refused_before_decoding(tmp_path: Path) -> None:
    path = _saved(tmp_path / "a.heic")
    with pytest.raises(TooLargeError):
        service(max_pixels=10_000).probe(str(path))
