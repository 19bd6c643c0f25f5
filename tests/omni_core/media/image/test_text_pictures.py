"""Pictures that are written as text are pictures, programs and prose like them are texts; cursors
are pictures whatever they are made of."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omni_core.types import Channel, Modality, Segment

Pieces = Callable[[Path], tuple[list[Segment], list[str]]]
_XBM = b"""#define pier_width 8
#define pier_height 2
%sstatic unsigned char pier_bits[] = {
   0x0f, 0xf0};
"""
_XPM = b"""/* XPM */
static const char * const pier[] = {
"4 2 2 1",
"  c #ff0000",
". c #0000ff",
" .. ",
". ..",
};
"""


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (_XBM % b"", (8, 2)),
        (b"/* drawn by hand */\n" + _XBM % b"#define pier_x_hot 1\n#define pier_y_hot 1\n", (8, 2)),
        (_XPM, (4, 2)),
        (b"P1\n4 2\n0 1 1 0\n1 0 0 1\n", (4, 2)),
        (b"P2\n# by hand\n4 2\n255\n0 9 9 0\n9 0 0 9\n", (4, 2)),
        (b"P3\n2 1\n255\n255 0 0\n0 0 255\n", (2, 1)),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".txt"])
def test_a_picture_that_is_written_as_text_is_a_picture(
    data: bytes, size: tuple[int, int], suffix: str, tmp_path: Path, svc: Any, pieces: Pieces
) -> None:
    path = tmp_path / f"pier{suffix}"
    path.write_bytes(data)
    info = svc.probe(str(path))
    assert (info.modality, info.width, info.height) == (Modality.IMAGE, *size)
    (segment,), warnings = pieces(path)
    assert (segment.channel, warnings) == (Channel.VISUAL, [])
    assert len(np.unique(np.asarray(segment.content.pixels))) > 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        "#define pier_width 8\n#define pier_height 2\nint main(void) { return pier_width; }\n",
        "#define a_width 8\n#define a_height 2\nstatic char a_bits[] = {\nis how it begins\n",
        "/* XPM */ is the first line of a pixmap\n",
        "P1\n4 2 tickets\n",
        "P1 2024 3 5\n",
    ],
)
def test_a_text_that_is_like_such_a_picture_is_a_text(text: str, tmp_path: Path, svc: Any) -> None:
    (tmp_path / "a.txt").write_text(text)
    assert svc.probe(str(tmp_path / "a.txt")).modality is Modality.DOCUMENT


@pytest.mark.parametrize("kind", ["png", "bmp"])
def test_a_cursor_is_a_picture_whatever_it_is_made_of(
    kind: str, tmp_path: Path, svc: Any, pieces: Pieces
) -> None:
    out = io.BytesIO()
    image = Image.new("RGBA", (32, 32), (200, 30, 30, 255))
    image.save(out, "ICO", sizes=[(32, 32)], bitmap_format=kind)
    icon = out.getvalue()
    path = tmp_path / "a.cur"
    path.write_bytes(icon[:2] + b"\2\0" + icon[4:10] + b"\3\0\5\0" + icon[14:])  # its hot spot
    assert svc.probe(str(path)).mime == "image/x-icon"
    (segment,), warnings = pieces(path)
    assert tuple(np.asarray(segment.content.pixels)[3, 3]) == (200, 30, 30)  # type: ignore[union-attr]
    assert warnings == []
