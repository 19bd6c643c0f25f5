"""What the author of a tagged PDF says of its pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from omni_core.media.document.engines import mupdf_alt
from omni_core.types import Channel

Tagged = Callable[..., Path]


@pytest.fixture
def tagged(tmp_path: Path) -> Tagged:
    """Two pages of words, with a figure on the second one of which this is said."""

    def write(said: str, *, deep: bool = False, kind: str = "Figure", loop: bool = False) -> Path:
        path = tmp_path / "a.pdf"
        with pymupdf.open() as doc:
            for n in (1, 2):
                doc.new_page().insert_text((50, 60), f"words of page {n}")
            page, catalog = doc.page_xref(1), doc.pdf_catalog()
            root, part, figure = (doc.get_new_xref() for _ in range(3))
            parents = f"/ParentTree << /Nums [0 [{figure} 0 R]] >>"
            doc.update_object(root, f"<< /Type /StructTreeRoot /K {part} 0 R {parents} >>")
            again = f"{part} 0 R {part} 0 R" if loop else ""
            place = f"[<< /Type /MCR /Pg {page} 0 R /MCID 0 >>]" if deep else f"0 /Pg {page} 0 R"
            doc.update_object(
                part,
                f"<< /Type /StructElem /S /Document /P {root} 0 R /K [{figure} 0 R {again}] >>",
            )
            doc.update_object(
                figure,
                f"<< /Type /StructElem /S /{kind} /P {part} 0 R /K {place} "
                f"/Alt {pymupdf.get_pdf_str(said)} >>",
            )
            doc.xref_set_key(catalog, "StructTreeRoot", f"{root} 0 R")
            doc.xref_set_key(catalog, "MarkInfo", "<< /Marked true >>")
            doc.xref_set_key(page, "StructParents", "0")
            (stream,) = doc[1].get_contents()
            drawn = f"/{kind} << /MCID 0 >> BDC 50 300 90 80 re f EMC ".encode()
            doc.update_stream(stream, drawn + doc.xref_stream(stream))
            doc.save(path)
        return path

    return write


def _words(found: list[Any]) -> list[str]:
    return [s.text for s in found if s.channel is Channel.TEXT]


@pytest.mark.parametrize("deep", [False, True], ids=["by its element", "by its content"])
@pytest.mark.parametrize("kind", ["Figure", "Formula"])
def test_what_is_said_of_a_picture_stands_on_its_page(
    kind: str, deep: bool, tagged: Tagged, cut: Any
) -> None:
    path = tagged("A crane lifts\r a réd container", kind=kind, deep=deep)
    said = "words of page 2\nPicture: A crane lifts a réd container"
    assert _words(cut(path)) == ["words of page 1", said]


@pytest.mark.parametrize(
    "said", ["", "Figure", "image3.png", "C:\\\\Pictures\\\\Natural day.png", "words of page"]
)
def test_names_of_files_and_what_the_page_says_are_not_said_again(
    said: str, tagged: Tagged, cut: Any
) -> None:
    assert _words(cut(tagged(said))) == ["words of page 1", "words of page 2"]


def test_a_structure_that_leads_to_itself_ends(tagged: Tagged, cut: Any) -> None:
    said = "words of page 2\nPicture: A crane"
    assert _words(cut(tagged("A crane", loop=True))) == ["words of page 1", said]


def test_what_is_said_of_pictures_late_in_a_long_book_is_read(tmp_path: Path) -> None:
    path = tmp_path / "book.pdf"
    with pymupdf.open() as doc:
        for _ in range(25):
            doc.new_page()
        paragraphs = "<< /S /P /K 0 >> " * 900
        chapters = " ".join(
            f"<< /S /Sect /K [{paragraphs} << /S /Figure /Pg {doc.page_xref(n)} 0 R /K 0 "
            f"/Alt (Chart {n + 1}) >>] >>"
            for n in range(25)
        )
        root = doc.get_new_xref()
        doc.update_object(root, f"<< /Type /StructTreeRoot /K [{chapters}] >>")
        doc.xref_set_key(doc.pdf_catalog(), "StructTreeRoot", f"{root} 0 R")
        doc.save(path)
    with pymupdf.open(path) as doc:
        said = mupdf_alt.alternative_texts(doc)
    assert said == {n: [f"Chart {n}"] for n in range(1, 26)}
