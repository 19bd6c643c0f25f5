"""PDF and EPUB: pages as page images and words; passwords; scans; crops."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from PIL import Image

from omni_core.errors import NotFoundError, TooLargeError, UnreadableError
from omni_core.media.service import service
from omni_core.types import Channel, Modality, PdfEngine, Span


def _pdf(path: Path, pages: list[str], scan: bool = False, **save: Any) -> Path:
    with pymupdf.open() as doc:
        for words in pages:
            page = doc.new_page()
            if words:
                page.insert_textbox((50, 50, 545, 790), words, fontsize=11)
            if scan:
                picture = io.BytesIO()
                Image.linear_gradient("L").save(picture, "JPEG")
                page.insert_image((50, 300, 500, 700), stream=picture.getvalue())
        doc.set_metadata({"title": "On Bees", "creationDate": "D:20230714103000+02'00'"})
        doc.save(path, **save)
    return path


def test_each_page_is_a_page_image_and_its_words(tmp_path: Path, cut: Any, svc: Any) -> None:
    path = _pdf(tmp_path / "a.pdf", ["Bees dance to tell the way.", "Honey keeps for years."])
    info = svc.probe(str(path))
    assert (info.modality, info.pages, info.title) == (Modality.DOCUMENT, 2, "On Bees")
    assert info.recorded_at_from == "pdf"
    assert info.recorded_at is not None
    assert info.recorded_at.isoformat() == "2023-07-14T10:30:00+02:00"
    segments = cut(path)
    assert [(s.channel, s.span) for s in segments] == [
        (Channel.TEXT, Span("page", 1, 2)), (Channel.VISUAL, Span("page", 1, 2)),
        (Channel.TEXT, Span("page", 2, 3)), (Channel.VISUAL, Span("page", 2, 3)),
    ]  # fmt: skip
    assert max(segments[1].content.pixels.shape) == 1280
    assert "tell the way" in segments[0].text
    assert segments[0].origin == "text layer"


def test_a_long_page_has_overlapping_windows_with_parts(tmp_path: Path, cut: Any) -> None:
    words = " ".join(f"w{n}" for n in range(400))
    path = _pdf(tmp_path / "a.pdf", [words])
    windows = [s for s in cut(path) if s.channel is Channel.TEXT]
    assert [w.part for w in windows] == list(range(len(windows)))
    assert len({w.id for w in windows}) == len(windows) == 3
    assert windows[1].text.split()[0] == "w120"
    assert windows[-1].text.split()[-1] == "w399"


def test_headings_are_kept_and_reach_over_pages(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        page = doc.new_page()
        page.insert_text((50, 60), "How bees dance", fontsize=20)
        page.insert_textbox((50, 90, 545, 400), "They turn to the sun. " * 12, fontsize=11)
        doc.new_page().insert_textbox((50, 50, 545, 790), "And they waggle. " * 12, fontsize=11)
        doc.save(path)
    windows = [s for s in cut(path) if s.channel is Channel.TEXT]
    assert [w.extra["heading"] for w in windows] == ["How bees dance"] * 2


def test_a_scanned_page_has_a_page_image_and_no_words(tmp_path: Path, cut: Any) -> None:
    (segment,) = cut(_pdf(tmp_path / "a.pdf", [""], scan=True))
    assert segment.channel is Channel.VISUAL


def test_an_encrypted_file_needs_its_password(tmp_path: Path, cut: Any, svc: Any) -> None:
    path = _pdf(
        tmp_path / "a.pdf", ["Secret bees."],
        encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="honey", owner_pw="queen",
    )  # fmt: skip
    with pytest.raises(UnreadableError, match="needs a password") as e:
        svc.probe(str(path))
    assert e.value.code == "ENCRYPTED"
    with pytest.raises(UnreadableError, match="password given is wrong"):
        svc.probe(str(path), "wax")
    assert "Secret bees" in cut(path, password="honey")[0].text  # noqa: S106
    assert svc.page(str(path), 1, 200, None, "honey").shape[0] == 200


def test_a_crop_of_a_page_is_rendered_at_full_resolution(tmp_path: Path, svc: Any) -> None:
    path = _pdf(tmp_path / "a.pdf", ["small print"])
    part = svc.page(str(path), 1, 1000, (0.0, 0.0, 0.25, 0.125))
    assert max(part.shape) == pytest.approx(1000, abs=2)
    assert part.min() < 100  # ink
    with pytest.raises(NotFoundError, match="has 1 pages"):
        svc.page(str(path), 2, 200)


def test_the_limit_of_pages_is_kept(tmp_path: Path, engine: PdfEngine) -> None:
    path = _pdf(tmp_path / "a.pdf", ["a", "b", "c"])
    with pytest.raises(TooLargeError, match="3 pages"):
        service(max_pages=2, pdf=engine).probe(str(path))


def test_a_broken_pdf_is_one_line(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing of use")
    with pytest.raises(UnreadableError) as e:
        svc.probe(str(path))
    assert e.value.code == "CORRUPT_MEDIA"


def test_an_epub_has_pages_with_words(tmp_path: Path, cut: Any, svc: Any) -> None:
    from bench.fuzz_media import epub

    path = tmp_path / "a.epub"
    path.write_bytes(epub())
    info = svc.probe(str(path))
    assert info.mime == "application/epub+zip"
    assert any("words to read" in s.text for s in cut(path))


def test_a_pdf_that_was_cut_short_says_that_it_was_repaired(tmp_path: Path, svc: Any) -> None:
    whole, cut = tmp_path / "whole.pdf", tmp_path / "cut.pdf"
    with pymupdf.open() as doc:
        for number in range(30):
            doc.new_page().insert_text((72, 72), f"page {number} of the report")
        doc.save(whole)
    cut.write_bytes(whole.read_bytes()[:-400])  # the table of contents of a PDF is its end
    assert svc.probe(str(whole)).warnings == ()
    assert "cut short" in svc.probe(str(cut)).warnings[0]


def test_a_pdf_behind_other_bytes_is_read_and_a_text_about_pdf_is_a_text(
    tmp_path: Path, cut: Any, svc: Any
) -> None:
    late, about = tmp_path / "late.pdf", tmp_path / "about.txt"
    late.write_bytes(b"x" * 1500 + _pdf(tmp_path / "a.pdf", ["Behind the banner."]).read_bytes())
    about.write_bytes(b"x " * 750 + b"A PDF begins with %PDF-1.7\n% and a comment.")
    assert svc.probe(str(late)).mime == "application/pdf"
    assert any("Behind the banner" in s.text for s in cut(late))
    assert svc.probe(str(about)).mime == "text/plain"


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_words_have_their_places_on_the_page_as_it_is_seen(
    tmp_path: Path, svc: Any, turned: int
) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        page = doc.new_page(width=400, height=600)
        page.insert_text((40, 60), "corner", fontsize=20)
        page.set_rotation(turned)
        doc.save(path)
    [word] = svc.words(str(path), 1)
    assert word.text == "corner"
    image = svc.page(str(path), 1, 600)
    height, width = image.shape[:2]
    top, bottom = int(word.top * height), int(word.bottom * height) + 1
    left, right = int(word.left * width), int(word.right * width) + 1
    inside = image[top:bottom, left:right]
    assert inside.min() < 100
    assert (image < 100).sum() == (inside < 100).sum()
    assert svc.words(str(path), 2) == []
