"""Titles from metadata, unless these say nothing of the file."""

from __future__ import annotations

import pytest

from omni_core.media.titles import title


@pytest.mark.parametrize(
    "written",
    [
        "PowerPoint Presentation", "PowerPoint-Präsentation", "Présentation PowerPoint",
        "Presentación de PowerPoint", "Presentazione standard di PowerPoint",
        "Презентация PowerPoint", "PowerPoint 演示文稿", "PowerPoint プレゼンテーション",
        "Slide 1", "Folie 1", "Diapositive 1", "Слайд 1", "Untitled", "Untitled document",
        "Dokument ohne Titel", "Documento sin título", "無題のドキュメント", "Document1",
        "Präsentation2", "Document", "document.pdf", "文書 1", "Book1",
        "Binder1.pdf", "Normal.dot", "Microsoft Word - Document1", "...",
    ],
)  # fmt: skip
def test_what_programs_write_where_nobody_names_a_document_is_no_title(written: str) -> None:
    assert title("/a/Harbour plan.pptx", written) == "Harbour plan"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Microsoft Word - Tides of 2024.docx", "Tides of 2024"),
        ("Microsoft PowerPoint - Tides.ppt [Compatibility Mode]", "Tides"),
        ("Microsoft Word: a history", "Microsoft Word: a history"),
    ],
)
def test_what_a_printer_adds_to_a_name_is_left_out(written: str, read: str) -> None:
    assert title("/a/x.pdf", written) == read


@pytest.mark.parametrize(
    "written",
    [
        "How to give a PowerPoint presentation", "PowerPoint basics", "Slide rules", "Normal",
        "Slide 1 of the trip", "Book of Kells", "Libro", "Untitled goose", "Presentation skills",
        "Présentation", "Presentation", "Präsentation", "Dokument", "文档", "Dia 1", "Book 1",
    ],
)  # fmt: skip
def test_a_title_that_only_begins_like_one_stays(written: str) -> None:
    assert title("/a/x.pdf", written) == written


@pytest.mark.parametrize("part", ["powerpoint ", "PowerPoint", "present ", "Microsoft Word - "])
def test_a_title_without_end_is_cut(part: str) -> None:
    assert 0 < len(title("/a/x.pdf", part * 100_000)) <= 200
