"""DOCX: what a reader of the document sees, each word once and in its place."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core.errors import NotFoundError
from omni_core.types import Channel, Span

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

Docx = Callable[..., Path]


def _p(words: str) -> str:
    return f"<w:p>{_r(words)}</w:p>"


def _r(words: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{words}</w:t></w:r>'


def _cell(words: str) -> str:
    return f"<w:tc>{_p(words)}</w:tc>"


def _text(cut: Any, path: Path) -> str:
    (segment,) = cut(path)
    return str(segment.text)


def test_a_text_box_with_a_fallback_for_old_readers_is_read_once(docx: Docx, cut: Any) -> None:
    box = f"<w:txbxContent>{_p('Mind the gap.')}</w:txbxContent>"
    path = docx(
        f"<w:p>{_r('Before.')}<w:r><mc:AlternateContent><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>{_p('After.')}"
    )
    assert _text(cut, path) == "Before. Mind the gap.\nAfter."


def test_alternatives_without_a_choice_show_the_fallback(docx: Docx, cut: Any) -> None:
    fallback = f"<mc:Fallback>{_p('Old drawing.')}</mc:Fallback>"
    path = docx(f"<mc:AlternateContent>{fallback}</mc:AlternateContent>")
    assert _text(cut, path) == "Old drawing."


@pytest.mark.parametrize("change", ["del", "moveFrom"])
def test_deleted_and_moved_away_text_is_gone_and_new_text_is_there(
    change: str, docx: Docx, cut: Any
) -> None:
    gone = f"<w:{change}>{_r('eighty')}</w:{change}>"
    path = docx(
        f"<w:p>{_r('It cost ')}{gone}<w:ins>{_r('ninety')}</w:ins></w:p>"
        f"<w:{change}>{_p('a whole paragraph')}</w:{change}>"
        f"<w:p><w:moveTo>{_r('Moved here.')}</w:moveTo></w:p>"
    )
    assert _text(cut, path) == "It cost ninety\nMoved here."


def test_a_deleted_row_is_gone(docx: Docx, cut: Any) -> None:
    gone = f"<w:tr><w:trPr><w:del/></w:trPr>{_cell('old')}</w:tr>"
    assert _text(cut, docx(f"<w:tbl><w:tr>{_cell('new')}</w:tr>{gone}</w:tbl>")) == "new"


def test_values_stay_in_their_columns_and_cells_in_content_controls_are_read(
    docx: Docx, cut: Any
) -> None:
    control = f"<w:sdt><w:sdtContent>{_cell('Marta')}</w:sdtContent></w:sdt>"
    path = docx(
        f"<w:tbl><w:tr>{_cell('Part')}{_cell('Year')}{_cell('Cost')}</w:tr>"
        f"<w:tr>{_cell('Lamp')}{_cell('')}{_cell('5,200')}</w:tr>"
        f"<w:tr>{_cell('Buyer')}{control}{_cell('')}</w:tr><w:tr>{_cell('')}</w:tr></w:tbl>"
    )
    assert _text(cut, path) == "Part | Year | Cost\nLamp |  | 5,200\nBuyer | Marta"


def test_notes_follow_what_refers_to_them_and_endnotes_and_margins_come_last(
    docx: Docx, cut: Any
) -> None:
    body = (
        f'<w:p>{_r("Tall tower.")}<w:r><w:footnoteReference w:id="2"/></w:r>'
        f'<w:r><w:endnoteReference w:id="5"/></w:r></w:p>'
        f'<w:p>{_r("Old lens.")}<w:r><w:commentReference w:id="1"/></w:r></w:p>'
        '<w:sectPr><w:headerReference r:id="header1"/><w:headerReference r:id="header2"/>'
        '<w:footerReference r:id="footer1"/></w:sectPr>'
    )
    path = docx(
        body,
        footnotes=f'<w:footnote w:type="separator" w:id="0">{_p("---")}</w:footnote>'
        f'<w:footnote w:id="2">{_p("By theodolite.")}</w:footnote>'
        f'<w:footnote w:id="3">{_p("Nothing refers to this.")}</w:footnote>',
        endnotes=f'<w:endnote w:id="5">{_p("See the archive.")}</w:endnote>',
        comments=f'<w:comment w:id="1" w:author="Ann">{_p("Which one?")}</w:comment>',
        header1=_p("Survey 1931"),
        header2=_p("Survey 1931"),
        footer1=_p("Coast Office"),
    )
    assert _text(cut, path).split("\n") == [
        "Tall tower.", "Footnote: By theodolite.", "Old lens.", "Comment by Ann: Which one?",
        "Endnote: See the archive.", "Survey 1931", "Coast Office",
    ]  # fmt: skip


def test_a_hyphen_that_must_not_break_stays_and_a_soft_one_does_not(docx: Docx, cut: Any) -> None:
    path = docx(
        f"<w:p>{_r('E')}<w:r><w:noBreakHyphen/></w:r>{_r('1042 light')}"
        f"<w:r><w:softHyphen/></w:r>{_r('house')}</w:p>"
    )
    assert _text(cut, path) == "E-1042 lighthouse"


def test_a_chart_stands_after_its_paragraph(docx: Docx, cut: Any) -> None:
    series = (
        "<ser><tx><pt idx='0'><v>Rain</v></pt></tx><cat><pt idx='0'><v>Porto</v></pt></cat>"
        "<val><pt idx='0'><v>44</v></pt></val></ser>"
    )
    body = f"<w:p>{_r('Weather')}<w:r><w:drawing><chart r:id='chart1'/></w:drawing></w:r></w:p>"
    path = docx(body, chart1=f"<title><p><r><t>Winter</t></r></p></title>{series}")
    assert _text(cut, path) == "Weather\nWinter\nRain: Porto 44"


def test_a_document_of_scans_alone_has_a_page_for_each(zipped: Any, cut: Any, svc: Any) -> None:
    space = f'xmlns:w="{W}" xmlns:r="{R}"'
    scans = "".join(f'<w:p><w:r><blip r:embed="i{n}"/></w:r></w:p>' for n in (2, 1))
    links = "".join(f'<Relationship Id="i{n}" Target="media/{n}.png"/>' for n in (1, 2))

    def written(body: str) -> Path:
        return Path(zipped("scans.docx", {
            "word/document.xml": f"<w:document {space}>{body}</w:document>",
            "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
            "word/media/1.png": _png((100, 200)), "word/media/2.png": _png((300, 100)),
        }))  # fmt: skip

    path = written(scans)
    assert svc.probe(str(path)).pages == 2
    assert [(s.channel, s.span, s.content.pixels.shape) for s in cut(path)] == [
        (Channel.VISUAL, Span("page", 1, 2), (100, 300, 3)),
        (Channel.VISUAL, Span("page", 2, 3), (200, 100, 3)),
    ]
    assert svc.page(str(path), 2, 1000).shape == (200, 100, 3)
    with pytest.raises(NotFoundError, match="no page 3 of 2"):
        svc.page(str(path), 3, 1000)
    path = written(scans + _p("Some words."))
    assert svc.probe(str(path)).pages is None
    assert [s.channel for s in cut(path)] == [Channel.TEXT, Channel.VISUAL, Channel.VISUAL]


def _png(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, "PNG")
    return out.getvalue()
