"""A page that cannot be read costs that page, and what follows a break is said to be missing."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from omni_core.errors import NotFoundError
from omni_core.types import Segment

Pieces = Callable[[Path], tuple[list[Segment], list[str]]]
_COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))
_BREAKS_OFF = "the file breaks off or is damaged after page {}: what follows was not read"


def _paged(path: Path) -> tuple[bytearray, list[int]]:
    """A TIFF of three pages in three colours: its bytes, and where its pages' lists of tags are."""
    pages = [Image.new("RGB", (60, 40), colour) for colour in _COLOURS]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    data = bytearray(path.read_bytes())
    found, at = list[int](), struct.unpack_from("<I", data, 4)[0]
    while at:
        found.append(at)
        at = struct.unpack_from("<I", data, _next(data, at))[0]
    return data, found


def _next(data: bytearray, at: int) -> int:
    """Where the list of tags at `at` says where the next one is."""
    return int(at + 2 + 12 * struct.unpack_from("<H", data, at)[0])


def _colours(segments: list[Segment]) -> list[tuple[Any, ...]]:
    return [tuple(np.asarray(s.content.pixels)[5, 5]) for s in segments]  # type: ignore[union-attr]


def test_pages_before_an_offset_past_the_end_of_the_file_are_read(
    tmp_path: Path, pieces: Pieces, svc: Any
) -> None:
    path = tmp_path / "a.tif"
    data, tags = _paged(path)
    struct.pack_into("<I", data, _next(data, tags[-1]), 4_000_000)
    path.write_bytes(data)
    assert svc.probe(str(path)).pages == 3
    segments, warnings = pieces(path)
    assert _colours(segments) == [*_COLOURS]
    assert [s.span.start for s in segments] == [1, 2, 3]
    assert warnings == [_BREAKS_OFF.format(3)]


@pytest.mark.parametrize("whole", [1, 2])
def test_a_tiff_that_breaks_off_keeps_the_pages_before_the_break(
    whole: int, tmp_path: Path, pieces: Pieces
) -> None:
    path = tmp_path / "a.tif"
    data, tags = _paged(path)
    path.write_bytes(data[: tags[whole] + 8])
    segments, warnings = pieces(path)
    assert _colours(segments) == [*_COLOURS[:whole]]
    assert warnings == [_BREAKS_OFF.format(whole)]


def test_a_page_without_a_size_costs_that_page_and_none_after_it(
    tmp_path: Path, pieces: Pieces, svc: Any
) -> None:
    path = tmp_path / "a.tif"
    data, tags = _paged(path)
    width = data.index(struct.pack("<H", 256), tags[1] + 2)
    struct.pack_into("<H", data, width, 65_000)
    path.write_bytes(data)
    segments, (line,) = pieces(path)
    assert _colours(segments) == [_COLOURS[0], _COLOURS[2]]
    assert [s.span.start for s in segments] == [1, 3]
    assert line.startswith("page 2 cannot be read")
    assert tuple(svc.page(str(path), 3, 100, None)[5, 5]) == _COLOURS[2]


def test_a_page_after_the_break_is_not_there(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.tif"
    data, tags = _paged(path)
    path.write_bytes(data[: tags[2] + 8])
    assert tuple(svc.page(str(path), 2, 100, None)[5, 5]) == _COLOURS[1]
    with pytest.raises(NotFoundError, match="no image 3 of 2"):
        svc.page(str(path), 3, 100, None)


def test_a_document_of_layers_is_read_by_its_composite_though_its_layers_are_damaged(
    tmp_path: Path, pieces: Pieces
) -> None:
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, 2, 4, 8, 1)
    layers = struct.pack(">IIh", 10, 6, 3) + b"\xff" * 4
    path = tmp_path / "a.psd"
    path.write_bytes(head + bytes(8) + layers + struct.pack(">H", 0) + bytes(range(0, 160, 20)))
    (segment,), warnings = pieces(path)
    assert np.asarray(segment.content.pixels)[1, 3, 0] == 140  # type: ignore[union-attr]
    assert warnings == []


@pytest.mark.parametrize(("copies", "pages"), [((1,), [0, 2]), ((1, 2), [0]), ((), [0, 1, 2])])
def test_smaller_copies_of_a_page_are_no_pages(
    copies: tuple[int, ...], pages: list[int], tmp_path: Path, pieces: Pieces, svc: Any
) -> None:
    path = tmp_path / "a.tif"
    with TiffImagePlugin.AppendingTiffWriter(str(path), True) as f:
        for n, colour in enumerate(_COLOURS):
            _append(f, colour, (30, 20) if n in copies else (60, 40), copy=n in copies)
    segments, warnings = pieces(path)
    assert (_colours(segments), warnings) == ([_COLOURS[n] for n in pages], [])
    shown = svc.image(str(path), 60, None, len(pages) - 1)
    assert tuple(shown[5, 5]) == _COLOURS[pages[-1]]
    with pytest.raises(NotFoundError):
        svc.image(str(path), 60, None, len(pages))


@pytest.mark.parametrize("size", [(60, 40), (120, 80), (40, 30)])
def test_a_page_that_is_wrongly_called_a_copy_is_seen(
    size: tuple[int, int], tmp_path: Path, pieces: Pieces
) -> None:
    path = tmp_path / "a.tif"
    with TiffImagePlugin.AppendingTiffWriter(str(path), True) as f:
        for n, colour in enumerate(_COLOURS):
            _append(f, colour, size if n else (60, 40), copy=True)
    segments, warnings = pieces(path)
    assert (_colours(segments), warnings) == (list(_COLOURS), [])


def _append(f: Any, colour: Any, size: tuple[int, int], *, copy: bool) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254] = int(copy)
    Image.new("RGB", size, colour).save(f, "TIFF", tiffinfo=tags)
    f.newFrame()
