"""Pictures that hold words of their own on a page with a text layer: pasted scans, screenshots."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from PIL import Image, ImageDraw, ImageFont

from omni_core.media.document.engines import opened
from omni_core.readers.screen_text import ScreenTextReader
from omni_core.types import Channel, CutOptions, FileWarning, Segment, Source

BODY = "The committee met to discuss the annual budget of the water works. " * 12
PLACE = (50, 400, 545, 750)
RECEIPT = ("Meter 48213 of 12 March", "Customer Helga Winter", "Consumption 1834 kWh")


def _receipt(width: int = 990, height: int = 700) -> Image.Image:
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for n, line in enumerate(RECEIPT):
        draw.text((40, 30 + 60 * n), line, fill="black", font=ImageFont.load_default(36))
    return image


def _stream(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _page(doc: Any, *pictures: tuple[Any, Image.Image], layer: tuple[str, ...] = ()) -> None:
    page = doc.new_page()
    page.insert_textbox((50, 50, 545, 380), BODY, fontsize=11)
    for place, image in pictures:
        page.insert_image(place, stream=_stream(image), keep_proportion=False)
    for n, line in enumerate(layer):
        page.insert_text((70, 425 + 30 * n), line, fontsize=18, render_mode=3)


def _read_again(segments: list[Segment]) -> list[tuple[float, list[float]]]:
    """(page, place) of what is given to OCR."""
    chosen = ScreenTextReader.select(segments)
    return [(s.span.start, s.extra["crop"]) for s in chosen]


def test_a_pasted_scan_beside_text_is_read_at_its_own_resolution(tmp_path: Path, cut: Any) -> None:
    with pymupdf.open() as doc:
        _page(doc, (PLACE, _receipt()))
        doc.save(tmp_path / "a.pdf")
    segments = cut(tmp_path / "a.pdf")
    [(page, crop)] = _read_again(segments)
    assert page == 1
    wanted = [PLACE[0] / 595, PLACE[1] / 842, PLACE[2] / 595, PLACE[3] / 842]
    assert max(abs(a - b) for a, b in zip(crop, wanted, strict=True)) < 0.003
    images = [s for s in segments if s.channel is Channel.VISUAL]
    assert len({s.id for s in images}) == len(images) == 2
    assert abs(max(images[0].content.pixels.shape) - 1280) <= 2
    assert "crop" not in images[1].extra, "a decoder dies of the first page without its image"
    assert "annual budget" in segments[0].text


def test_strips_of_one_scan_are_read_as_one(tmp_path: Path, cut: Any) -> None:
    whole = _receipt()
    strips = [
        ((50, 400 + 35 * n, 545, 435 + 35 * n), whole.crop((0, 70 * n, 990, 70 * n + 70)))
        for n in range(10)
    ]
    with pymupdf.open() as doc:
        _page(doc, *strips)
        doc.save(tmp_path / "a.pdf")
    assert len(_read_again(cut(tmp_path / "a.pdf"))) == 1


def test_a_picture_whose_words_the_layer_has_is_not_read_again(tmp_path: Path, cut: Any) -> None:
    with pymupdf.open() as doc:
        _page(doc, (PLACE, _receipt()), layer=RECEIPT)
        doc.save(tmp_path / "a.pdf")
    segments = cut(tmp_path / "a.pdf")
    assert _read_again(segments) == []
    assert "Helga Winter" in segments[0].text


def test_a_letterhead_is_read_once_and_a_logo_not_at_all(tmp_path: Path, cut: Any) -> None:
    head, logo = (50, 400, 545, 470), (500, 760, 545, 800)
    with pymupdf.open() as doc:
        for _ in range(3):
            _page(doc, (head, _receipt(990, 140)), (logo, _receipt(90, 80)))
        doc.save(tmp_path / "a.pdf")
    assert [page for page, _ in _read_again(cut(tmp_path / "a.pdf"))] == [1]


def test_pictures_on_a_page_that_hung_are_named_where_no_other_engine_can_draw_them(
    tmp_path: Path, svc: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pymupdf.open() as doc:
        _page(doc, (PLACE, _receipt()))
        doc.save(tmp_path / "a.pdf")
    monkeypatch.setattr(opened, "second", lambda name: None)
    info = svc.probe(str(tmp_path / "a.pdf"))
    source = Source("0" * 64, str(tmp_path / "a.pdf"), "a", info.modality, info.mime, 1, None, 1)
    items = list(svc.decompose(source.uri, source, CutOptions(hung=(1,))))
    assert [item.message for item in items if isinstance(item, FileWarning)] == [
        "pictures on page 1 cannot be drawn in time; words in them are not read",
        "the picture of page 1 cannot be drawn in time; its words are in",
    ]
