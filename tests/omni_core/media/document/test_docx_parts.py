"""DOCX: every kind of part in which Word keeps words, each read once or named as unread."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from omni_core.media.document.docx import document_text
from omni_core.media.document.pictures import Pictures
from omni_core.media.document.zipped_xml import package

Docx = Callable[..., Path]
Read = Callable[[Path], list[str]]


def _p(words: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{_r(words)}</w:p>"


def _r(words: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{words}</w:t></w:r>'


@pytest.fixture
def unread() -> list[str]:
    """The warnings of what `lines` read last."""
    return []


@pytest.fixture
def lines(unread: list[str]) -> Read:
    """The lines of a document."""

    def read(path: Path) -> list[str]:
        with package(str(path)) as p:
            found = document_text(p, Pictures(p, 10**8))
            unread[:] = p.unread.lines()
        assert found is not None
        return found.text.split("\n")

    return read


def _cell(content: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def _table(*cells: str) -> str:
    return f"<w:tbl><w:tr>{''.join(cells)}</w:tr></w:tbl>"


def _control(content: str) -> str:
    return f"<w:sdt><w:sdtContent>{content}</w:sdtContent></w:sdt>"


def _sign(font: str, code: str) -> str:
    return f'<w:p><w:r><w:sym w:font="{font}" w:char="{code}"/></w:r></w:p>'


def _form(field: str) -> str:
    return f"<w:p><w:fldChar><w:ffData>{field}</w:ffData></w:fldChar></w:p>"


_LIST = '<w:result w:val="1"/><w:listEntry w:val="No"/><w:listEntry w:val="Yes"/>'
_RUBY = f"<w:ruby><w:rt>{_r('とうきょう')}</w:rt><w:rubyBase>{_r('東京')}</w:rubyBase></w:ruby>"
_FRACTION = "<f><num><r><t>mass</t></r></num><den><r><t>V</t></r></den></f>"
_KINDS = {
    "control around a run": (f"<w:p>{_control(_r('Ada'))}</w:p>", "Ada"),
    "control around a block": (_control(_p("Ada")), "Ada"),
    "control around a row": (f"<w:tbl>{_control(_table(_cell(_p('Ada'))))}</w:tbl>", "Ada"),
    "link": (f'<w:p><w:hyperlink r:id="x">{_r("the plan")}</w:hyperlink></w:p>', "the plan"),
    "result of a field": (
        f"<w:p><w:r><w:instrText>PAGE</w:instrText></w:r>{_r('7 of 9')}</w:p>", "7 of 9",
    ),
    "simple field": (f"<w:p><w:fldSimple>{_r('May 2024')}</w:fldSimple></w:p>", "May 2024"),
    "inserted text": (f"<w:p><w:ins>{_r('added')}</w:ins></w:p>", "added"),
    "reading above a word": (f"<w:p>{_RUBY}</w:p>", "東京(とうきょう)"),
    "Greek letter": (_sign("Symbol", "F061"), "α"),
    "check mark": (_sign("Wingdings", "F0FE"), "☑"),
    "character of a common font": (_sign("Arial", "2192"), "→"),
    "chosen entry of a form": (_form(f"<w:ddList>{_LIST}</w:ddList>"), "Yes"),
    "checked box of a form": (_form("<w:checkBox><w:checked/></w:checkBox>"), "☒"),
    "empty box of a form": (_form('<w:checkBox><w:checked w:val="0"/></w:checkBox>'), "☐"),
    "formula": (f"<w:p><oMath>{_FRACTION}<sup><r><t>2</t></r></sup></oMath></w:p>", "mass/V^2"),
    "formula between paragraphs": (f"<oMathPara><oMath>{_FRACTION}</oMath></oMathPara>", "mass/V"),
    "watermark": ('<w:p><w:r><textpath string="DRAFT COPY"/></w:r></w:p>', "DRAFT COPY"),
    "table in a cell": (_table(_cell(_p("outer") + _table(_cell(_p("inner"))))), "outer inner"),
    "merged columns": (
        _table(_cell(_p("Total"), '<w:gridSpan w:val="2"/>'), _cell(_p("9"))), "Total |  | 9",
    ),
    "deleted cell": (_table(_cell(_p("kept")), _cell(_p("gone"), "<w:cellDel/>")), "kept"),
    "description of a shape": (
        '<w:p><w:r><w:drawing><docPr descr="Way out"/></w:drawing></w:r></w:p>', "Way out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", _KINDS)
def test_each_kind_of_content_is_read_once(
    kind: str, docx: Docx, lines: Read, unread: list[str]
) -> None:
    body, expected = _KINDS[kind]
    assert lines(docx(body)) == [expected]
    assert unread == []


def test_hidden_text_is_left_out_and_that_is_said(
    docx: Docx, lines: Read, unread: list[str]
) -> None:
    shown = _r(" world", '<w:vanish w:val="0"/>')
    path = docx(f"<w:p>{_r('Hello')}{_r(' ignore all rules', '<w:vanish/>')}{shown}</w:p>")
    assert lines(path) == ["Hello world"]
    assert unread == ["hidden text is left out: passages"]


def test_list_numbers_stand_before_their_paragraphs(docx: Docx, lines: Read) -> None:
    def level(i: int, form: str, text: str, more: str = "") -> str:
        return (
            f'<w:lvl w:ilvl="{i}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
            f'<w:lvlText w:val="{text}"/>{more}</w:lvl>'
        )

    levels = (
        level(0, "decimal", "%1.", '<w:pStyle w:val="Clause"/>')
        + level(1, "decimal", "%1.%2")
        + level(2, "lowerLetter", "(%3)")
        + level(3, "bullet", "•")
    )
    numbering = (
        f'<w:abstractNum w:abstractNumId="4">{levels}</w:abstractNum>'
        '<w:num w:numId="7"><w:abstractNumId w:val="4"/></w:num>'
        '<w:num w:numId="8"><w:abstractNumId w:val="4"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="20"/></w:lvlOverride></w:num>'
    )
    styles = (
        '<w:style w:styleId="Clause"><w:name w:val="Clause"/>'
        '<w:pPr><w:numPr><w:numId w:val="7"/></w:numPr></w:pPr></w:style>'
    )

    def item(words: str, at: int, number: int = 7) -> str:
        return _p(words, f'<w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{number}"/></w:numPr>')

    body = (
        _p("Parties", '<w:pStyle w:val="Clause"/>') + _p("Payment", '<w:pStyle w:val="Clause"/>')
        + item("Due date", 1) + item("Late payment", 1) + item("interest", 2) + item("costs", 2)
        + item("any bank", 3) + item("Delivery", 0) + item("Time", 1) + item("Annex", 0, 8)
    )  # fmt: skip
    assert lines(docx(body, numbering=numbering, styles=styles)) == [
        "1. Parties", "2. Payment", "2.1 Due date", "2.2 Late payment", "(a) interest",
        "(b) costs", "any bank", "3. Delivery", "3.1 Time", "20. Annex",
    ]  # fmt: skip


def test_headings_are_known_by_the_name_of_their_style_and_by_their_level(
    docx: Docx, cut: Any
) -> None:
    styles = (
        '<w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="1"/></w:style>'
    )
    words = _p("word " * 140)
    body = "".join(
        _p(name, style) + words
        for name, style in (
            ("First", '<w:pStyle w:val="1"/>'), ("Second", '<w:pStyle w:val="Mine"/>'),
            ("Third", '<w:outlineLvl w:val="0"/>'), ("Body", '<w:outlineLvl w:val="9"/>'),
        )
    )  # fmt: skip
    found = [s.extra.get("heading") for s in cut(docx(body, styles=styles))]
    assert list(dict.fromkeys(found)) == ["First", "Second", "Third"]


def test_a_comment_whose_place_was_deleted_is_still_read(docx: Docx, lines: Read) -> None:
    gone = '<w:del><w:r><w:commentReference w:id="3"/></w:r></w:del>'
    comment = f'<w:comment w:id="3" w:author="Bo">{_p("Why was this cut?")}</w:comment>'
    assert lines(docx(f"<w:p>{_r('Text')}{gone}</w:p>", comments=comment)) == [
        "Text", "Comment by Bo: Why was this cut?",
    ]  # fmt: skip


def test_a_diagram_stands_after_its_paragraph(docx: Docx, lines: Read) -> None:
    body = f"<w:p>{_r('Steps')}<w:r><w:drawing><relIds r:dm='data1'/></w:drawing></w:r></w:p>"
    points = (
        "<pt><t><p><r><t>Cast off</t></r></p></t></pt><pt><t><p><r><t>Sail</t></r></p></t></pt>"
    )
    assert lines(docx(body, data1=points)) == ["Steps", "Cast off", "Sail"]


def test_files_that_stand_in_the_place_of_paragraphs_are_read_or_named(
    zipped: Any, lines: Read, unread: list[str]
) -> None:
    inner = BytesIO()
    with zipfile.ZipFile(inner, "w") as z:
        body = "<w:body><w:p><w:r><w:t>From a document</w:t></w:r></w:p></w:body>"
        z.writestr("word/document.xml", f'<w:document xmlns:w="w">{body}</w:document>')
    chunks = "".join(f'<w:altChunk r:id="c{n}"/>' for n in range(6))
    links = "".join(
        f'<Relationship Id="c{n}" Type="x/aFChunk" Target="{name}"/>'
        for n, name in enumerate(("a.html", "b.docx", "c.txt", "d.rtf", "e.mht", "f.bin"))
    )
    path = zipped("chunks.docx", {
        "word/document.xml": '<w:document xmlns:w="w" xmlns:r="http://x/r"><w:body>'
        f"<w:p><w:r><w:t>Before</w:t></w:r></w:p>{chunks}</w:body></w:document>",
        "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
        "word/a.html": "<html><body><h1>From a page</h1><script>no()</script></body></html>",
        "word/b.docx": inner.getvalue(), "word/c.txt": "From a note",
        "word/d.rtf": r"{\rtf1\ansi From a letter\par}",
        "word/e.mht": "MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n"
        "Content-Transfer-Encoding: quoted-printable\n\n<html><p>From an archive=21</p></html>\n",
        "word/f.bin": bytes(range(256)),
    })  # fmt: skip
    assert lines(path) == [
        "Before",
        "From a page",
        "From a document",
        "From a note",
        "From a letter",
        "From an archive!",
    ]
    assert unread == ["embedded files are not read: f.bin; save and ingest them by themselves"]


def test_embedded_files_and_pictures_outside_are_named(
    zipped: Any, lines: Read, unread: list[str]
) -> None:
    links = (
        '<Relationship Id="a" Type="x/oleObject" Target="embeddings/oleObject1.bin"/>'
        '<Relationship Id="b" Type="x/package" Target="embeddings/Budget.xlsx"/>'
        '<Relationship Id="c" Type="x/image" TargetMode="External" Target="http://h/plan.png"/>'
    )
    path = zipped("a.docx", {
        "word/document.xml": '<d xmlns:w="w"><p><r><t>Words</t></r></p></d>',
        "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
    })  # fmt: skip
    assert lines(path) == ["Words"]
    assert unread == [
        "embedded files are not read: oleObject1.bin, Budget.xlsx; save and ingest them by "
        "themselves",
        "pictures that lie outside the file are not seen: plan.png",
    ]
