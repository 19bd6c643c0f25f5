"""Damaged PDF: page trees that count or name wrong pages, headers, streams, tables of contents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import UnreadableError
from omni_core.types import Channel

PAGES = (10, 12, 14)
Change = Callable[[dict[int, str]], None]


def pdf(change: Change | None = None) -> bytes:
    """Three pages of a ledger whose objects were changed; object 2 is the page tree."""
    objects = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: "<< /Type /Pages /Kids [10 0 R 12 0 R 14 0 R] /Count 3 >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    for n, page in enumerate(PAGES, 1):
        words = f"BT /F1 14 Tf 50 700 Td (ledger page {n}) Tj ET"
        objects[page] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {page + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects[page + 1] = f"<< /Length {len(words)} >>\nstream\n{words}\nendstream"
    if change is not None:
        change(objects)
    out, places = b"%PDF-1.4\n", {}
    for number, text in objects.items():
        places[number] = len(out)
        out += f"{number} 0 obj\n{text}\nendobj\n".encode()
    table = len(out)
    size = max(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    for number in range(1, size):
        used = "n" if number in places else "f"
        out += f"{places.get(number, 0):010d} 00000 {used} \n".encode()
    return out + f"trailer\n<< /Root 1 0 R /Size {size} >>\nstartxref\n{table}\n%%EOF\n".encode()


def _replaced(number: int, old: str, new: str) -> Change:
    def change(objects: dict[int, str]) -> None:
        for n in PAGES if number == PAGES[0] else (number,):
            assert old in objects[n]
            objects[n] = objects[n].replace(old, new, 1)

    return change


def _words(path: Path, cut: Any) -> list[str]:
    return [s.text for s in cut(path) if s.channel is Channel.TEXT]


@pytest.mark.parametrize("change", [
    _replaced(2, "/Count 3", "/Count 9"), _replaced(2, "/Count 3", "/Count 0"),
    _replaced(2, "/Count 3", "/Count -3"), _replaced(2, "/Count 3", ""),
    _replaced(2, "/Type /Pages", "/Type /Page"), _replaced(10, "/Type /Page ", ""),
    _replaced(10, "/Type /Page ", "/Type /Pages "), _replaced(10, "/Parent 2 0 R ", ""),
    _replaced(2, "/Kids [10 0 R 12 0 R 14 0 R]", ""), _replaced(1, "/Pages 2 0 R", ""),
    _replaced(1, "/Pages 2 0 R", "/Pages 88 0 R"), _replaced(1, "/Pages 2 0 R", "/Pages 4 0 R"),
    _replaced(10, "/MediaBox [0 0 612 792] ", ""),
    _replaced(10, "[0 0 612 792]", "[0 0 612 792] /CropBox [900 900 1000 1000]"),
    _replaced(13, "/Length ", "/Length 9"), _replaced(13, "/Length ", "/Length 0 /L "),
    _replaced(13, "/Length ", "/Length 66 0 R /L "),
])  # fmt: skip
def test_every_page_of_a_wrong_page_tree_is_read(change: Change, tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(change))
    assert _words(path, cut) == ["ledger page 1", "ledger page 2", "ledger page 3"]


def test_a_page_tree_that_leads_back_to_itself_ends(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(_replaced(2, "12 0 R", "2 0 R")))
    assert _words(path, cut) == ["ledger page 1", "ledger page 3"]


@pytest.mark.parametrize("damage", [
    lambda whole: whole[9:], lambda whole: b"x" * 1500 + whole,
    lambda whole: b"HTTP/1.1 200 OK\r\n" * 300 + whole,
    lambda whole: b"\xef\xbb\xbf" + whole,
    lambda whole: whole.replace(b"%PDF-1.4", b"%PDF-q.z"),
    lambda whole: whole[: whole.index(b"xref")], lambda whole: whole[:-40],
    lambda whole: whole.replace(b"0000000", b"0000007"),
    lambda whole: whole.replace(b"/Root 1 0 R", b""),
    lambda whole: whole.replace(b"endobj\n", b"", 3), lambda whole: whole.replace(b"\n", b"\r"),
])  # fmt: skip
def test_a_wrong_header_or_table_of_contents_costs_no_page(
    damage: Callable[[bytes], bytes], tmp_path: Path, cut: Any, svc: Any
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(damage(pdf()))
    assert svc.probe(str(path)).mime == "application/pdf"
    assert _words(path, cut) == ["ledger page 1", "ledger page 2", "ledger page 3"]


def test_a_pdf_without_any_page_is_damaged(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.pdf"

    def change(objects: dict[int, str]) -> None:
        objects[2] = "<< /Type /Pages /Kids [] /Count 0 >>"
        for page in PAGES:
            objects[page] = "null"

    path.write_bytes(pdf(change))
    with pytest.raises(UnreadableError) as e:
        svc.probe(str(path))
    assert e.value.code == "CORRUPT_MEDIA"


def test_a_text_that_is_named_a_pdf_is_a_text(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.pdf"
    path.write_text("Minutes of the meeting, exported by mistake under the wrong name.")
    assert svc.probe(str(path)).mime == "text/plain"
