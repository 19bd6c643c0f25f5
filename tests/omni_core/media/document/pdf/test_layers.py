"""Layers of a PDF: what is switched off is not read, with either engine."""

from __future__ import annotations

import re
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


def test_words_of_a_searchable_scan_are_read_in_a_layer_that_is_on(
    tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "scan.pdf"
    with pymupdf.open() as doc, pymupdf.open() as words:
        page, layer = doc.new_page(), doc.add_ocg("Text", on=True)
        words.new_page().insert_text((50, 90), "words of the scan", render_mode=3)
        page.show_pdf_page(page.rect, words, 0)
        page.clean_contents(sanitize=False)
        resources = int(doc.xref_get_key(page.xref, "Resources")[1].split()[0])
        doc.xref_set_key(resources, "Properties", f"<< /Words {layer} 0 R >>")
        (stream,) = page.get_contents()
        drawn = re.sub(rb"(/\w+ Do)", rb"/OC /Words BDC \1 EMC", doc.xref_stream(stream))
        doc.update_stream(stream, drawn)
        doc.save(path)
    assert "words of the scan" in "".join(s.text for s in cut(path))


@pytest.mark.parametrize("off", [True, False])
def test_a_form_that_names_its_layer_is_read_where_that_is_on(
    off: bool, tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc, pymupdf.open() as stamp:
        stamp.new_page().insert_text((50, 90), "words of the stamp")
        page, layer = doc.new_page(), doc.add_ocg("Stamp", on=not off)
        page.insert_text((50, 60), "Tower at the coast")
        form = page.show_pdf_page(page.rect, stamp, 0)
        doc.xref_set_key(form, "OC", f"{layer} 0 R")
        doc.save(path)
    (text,) = [s.text for s in cut(path) if s.channel is Channel.TEXT]
    assert text.split("\n") == ["Tower at the coast", *(() if off else ("words of the stamp",))]
