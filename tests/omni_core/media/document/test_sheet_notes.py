"""XLSX: what stands beside the cells, and what cannot be read of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from PIL import Image

from omni_core.media.document.sheet_notes import margin
from omni_core.types import CutOptions, FileWarning, Source


@pytest.fixture
def warnings(svc: Any) -> Callable[[Path], list[str]]:
    """What is said to be unread."""

    def read(path: Path) -> list[str]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, None, info.pages)
        pieces = svc.decompose(str(path), source, CutOptions())
        return [piece.message for piece in pieces if isinstance(piece, FileWarning)]

    return read


def test_comments_charts_boxes_margins_and_names_of_tables_are_read(
    tmp_path: Path, cut: Any, warnings: Any
) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Catch")
        sheet.add_table(0, 0, 2, 1, {
            "name": "Landings", "data": [["Cod", 312], ["Saithe", 87]],
            "columns": [{"header": "Fish"}, {"header": "Tonnes"}],
        })  # fmt: skip
        sheet.write_comment("B2", "weighed twice", {"author": "Ann"})
        sheet.insert_textbox(5, 0, "Figures from the harbour office")
        sheet.set_header('&L&"Arial,Bold"&12Fish & chips&RPage &P of &N')
        chart = book.add_chart({"type": "column"})
        chart.add_series({
            "name": "1956", "categories": "=Catch!$A$2:$A$3", "values": "=Catch!$B$2:$B$3",
            "categories_data": ["Cod", "Saithe"], "values_data": [312, 87],
        })  # fmt: skip
        chart.set_title({"name": "Landed at Haugen"})
        sheet.insert_chart(8, 0, chart)
        plot = book.add_chartsheet("Plot")
        other = book.add_chart({"type": "bar"})
        other.set_title({"name": "A sheet of its own"})
        other.add_series({"values": "=Catch!$B$2:$B$3"})
        plot.set_chart(other)
    text = {s.span.start: s.text for s in cut(path) if "rows" not in s.extra}
    lines = text[1].split("\n")
    assert lines[:2] == ["Fish chips Page of", "Table: Landings"]
    assert lines[2] == "Comment on B2 by Ann: weighed twice"
    assert "Figures from the harbour office" in lines
    assert "Landed at Haugen" in lines
    assert "1956: Cod 312; Saithe 87" in lines
    assert "A sheet of its own" in text[2]
    assert warnings(path) == []


def test_a_thread_of_comments_is_read_and_its_copy_for_old_programs_is_not(
    zipped: Any, cut: Any
) -> None:
    def links(**targets: str) -> str:
        each = (f'<Relationship Id="{k}" Type="x/{k}" Target="{t}"/>' for k, t in targets.items())
        return f"<Relationships>{''.join(each)}</Relationships>"

    r = 'xmlns:r="http://x/r"'
    path = zipped("a.xlsx", {
        "xl/workbook.xml": f'<workbook {r}><sheet name="One" r:id="worksheet"/></workbook>',
        "xl/_rels/workbook.xml.rels": links(
            worksheet="worksheets/sheet1.xml", person="persons/person.xml"
        ),
        "xl/persons/person.xml": '<l><person displayName="Ann Lee" id="{A}"/></l>',
        "xl/worksheets/sheet1.xml": "<worksheet/>",
        "xl/worksheets/_rels/sheet1.xml.rels": links(
            comments="../comments1.xml", threadedComment="../threadedComments/t.xml"
        ),
        "xl/comments1.xml": "<c><authors><author>tc={1}</author><author>Bo</author></authors>"
        '<comment ref="A1" authorId="0"><text><t>[Threaded comment]</t></text></comment>'
        '<comment ref="A2" authorId="1"><text><r><t>Old </t></r><r><t>note</t></r></text>'
        "</comment></c>",
        "xl/threadedComments/t.xml":
        '<T><threadedComment ref="A1" personId="{A}"><text>Is this right?</text></threadedComment>'
        '<threadedComment ref="A1" personId="{B}"><text>Yes</text></threadedComment></T>',
    })  # fmt: skip
    (segment,) = cut(path)
    assert segment.text.split("\n") == [
        "Comment on A2 by Bo: Old note",
        "Comment on A1 by Ann Lee: Is this right?",
        "Comment on A1: Yes",
    ]


def test_formulas_that_were_never_calculated_and_cells_that_are_cut_are_said(
    zipped: Any, warnings: Any
) -> None:
    rows = (
        '<row><c><f>SUM(A2:A9)</f></c><c t="str"><f>IF(A1,"","x")</f><v></v></c>'
        "<c><f>1+1</f><v>2</v></c></row>"
        f'<row><c t="inlineStr"><is><t>{"long " * 7000}</t></is></c></row>'
    )
    path = zipped("a.xlsx", {
        "xl/workbook.xml": '<w xmlns:r="http://x/r"><sheet name="Sums" r:id="1"/></w>',
        "xl/_rels/workbook.xml.rels":
            '<Relationships><Relationship Id="1" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet>{rows}</worksheet>",
    })  # fmt: skip
    assert warnings(path) == [
        "formulas without a stored result are not read; open the file and save it again: "
        "sheet Sums",
        "cut, since longer than any program shows: sheet Sums",
    ]


def test_pictures_placed_in_cells_are_named(tmp_path: Path, warnings: Any) -> None:
    out = io.BytesIO()
    Image.new("RGB", (200, 100), "navy").save(out, "PNG")
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.embed_image(0, 0, "plan.png", {"image_data": out})
    assert warnings(path) == ["pictures placed in cells, not above them, are not seen: image1.png"]


def test_a_hidden_sheet_is_read_and_called_so(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Shown").write_string(0, 0, "open")
        hidden = book.add_worksheet("Kept")
        hidden.write_string(0, 0, "secret")
        hidden.very_hidden()
    assert [(s.text, s.origin) for s in cut(path)] == [
        ("open", "sheet Shown"), ("secret", "hidden sheet Kept"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("&LDraft&CReport 2024&R", "Draft Report 2024"),
        ('&"Times New Roman,Bold"&KFF0000Title', "Title"),
        ("R&&D &D &T &F", "R D"),
        ("", ""),
    ],
)
def test_a_margin_is_its_words_without_codes(code: str, words: str) -> None:
    assert margin(code) == words
