"""Pages with thousands of long strokes: their edges are not smoothed, letters and others are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from omni_core.media.document.engines.mupdf_drawing import MANY, TOO_MANY
from omni_core.media.service import service

LAST = b"20 700 m 500 100 l S "
Shades = Callable[[str, int], int]


@pytest.fixture
def shades(tmp_path: Path) -> Shades:
    """How many colours a page has on which a line is drawn so often, and then another one."""

    def run(line: str, times: int) -> int:
        path = tmp_path / "a.pdf"
        with pymupdf.open() as doc:
            page = doc.new_page()
            page.insert_text((50, 60), "x")
            (stream,) = page.get_contents()
            doc.update_stream(stream, b"1 w " + f"{line} S ".encode() * times + LAST)
            doc.save(path)
        return len(np.unique(service().page(str(path), 1, 500).reshape(-1, 3), axis=0))

    return run


@pytest.mark.parametrize(
    ("line", "times", "smooth"),
    [
        ("10 0 m 500 842 l", MANY, False),
        ("10 0 m 500 842 l", 20, True),
        ("10 400 m 60 420 l", MANY, True),
        ("10 400 m 60 420 l", TOO_MANY, False),
    ],
    ids=["many long ones", "few long ones", "many short ones", "very many short ones"],
)
def test_only_many_long_strokes_have_plain_edges(
    line: str, times: int, smooth: bool, shades: Shades
) -> None:
    assert (shades(line, times) > 2) is smooth
    assert shades("", 0) > 2
