"""Layers of a PDF: what is switched off is not read, with either engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from omni_core.types import Channel

Made = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A page with words outside of layers, and in one that is on and in one that is off."""

    def write(*, rendering: int = 0, colour: float = 0.0, picture: bool = False) -> Path:
        path = tmp_path / "a.pdf"
        with pymupdf.open() as doc:
            page = doc.new_page()
            on, off = doc.add_ocg("Open", on=True), doc.add_ocg("Shut", on=False)
            page.insert_text((50, 60), "Tower at the coast")
            more = {"render_mode": rendering, "color": (colour, colour, colour)}
            page.insert_text((50, 90), "words of the open layer", oc=on, **more)
            page.insert_text((50, 120), "words of the shut layer", oc=off)
            if picture:
                page.draw_rect((0, 70, 500, 100), color=(1, 0, 0), fill=(1, 0, 0))
            doc.save(path)
        return path

    return write


@pytest.mark.parametrize(
    "drawn",
    [{}, {"colour": 1.0}, {"rendering": 3}, {"picture": True}],
    ids=["black", "white", "never drawn", "behind something"],
)
def test_words_of_a_layer_are_read_where_it_is_on(
    drawn: dict[str, Any], made: Made, cut: Any
) -> None:
    (text,) = [s.text for s in cut(made(**drawn)) if s.channel is Channel.TEXT]
    assert text.split("\n") == ["Tower at the coast", "words of the open layer"]


def test_a_layer_that_is_off_is_not_among_the_words_on_the_page(made: Made, svc: Any) -> None:
    words = {word.text for word in svc.words(str(made()), 1)}
    assert "open" in words
    assert "shut" not in words
