"""OpenDocument files: text, sheets, slides; what is damaged, encrypted or under a wrong name."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core.errors import BadRequestError, OmniError, UnreadableError
from omni_core.types import Channel, CutOptions, FileWarning, Segment, Source

LINK = ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'
N = LINK + "".join(
    f' xmlns:{p}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"'
    for p, n in {
        "office": "office",
        "text": "text",
        "table": "table",
        "draw": "drawing",
        "meta": "meta",
        "style": "style",
        "presentation": "presentation",
        "chart": "chart",
        "form": "form",
        "svg": "svg-compatible",
    }.items()
)
TYPE = "application/vnd.oasis.opendocument."
Writer = Callable[..., Path]


def _content(kind: str, body: str, styles: str = "") -> str:
    return (
        f"<office:document-content {N}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        "</office:document-content>"
    )


@pytest.fixture
def odf(zipped: Callable[..., Path]) -> Writer:
    """An ODF file of a kind ("text", "spreadsheet" ...) with this body; `parts`: further ones."""

    def write(kind: str, body: str, name: str = "a.odf", *, styles: str = "", **parts: Any) -> Path:
        further = {k.replace("__", "/").replace("_xml", ".xml"): v for k, v in parts.items()}
        return zipped(
            name, {"mimetype": TYPE + kind, "content.xml": _content(kind, body, styles), **further}
        )

    return write


def _lines(path: Path, cut: Any) -> list[str]:
    return "\n".join(s.text for s in cut(path)).split("\n")


def _everything(svc: Any, path: Path) -> list[Segment | FileWarning]:
    info = svc.probe(str(path))
    source = Source("ab" * 32, str(path), info.title, info.modality, info.mime, 1)
    return list(svc.decompose(str(path), source, CutOptions()))


def _picture(edge: int = 120) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (edge * 2, edge), (200, 30, 30)).save(out, "PNG")
    return out.getvalue()


def test_a_text_is_read_in_order_with_headings_and_lists(odf: Writer, cut: Any) -> None:
    path = odf(
        "text",
        '<text:p text:style-name="P1">Harbour report</text:p><text:h>Pilots</text:h>'
        "<text:list><text:list-item><text:p>Board<text:s text:c='3'/>early</text:p>"
        "<text:list><text:list-item><text:p>in fog</text:p></text:list-item></text:list>"
        "</text:list-item></text:list>"
        "<text:p>Cast<text:tab/>off<text:line-break/>and <text:span>sa</text:span>il</text:p>",
        styles='<style:style style:name="P1" style:parent-style-name="Title"/>',
    )
    (segment,) = cut(path)
    assert segment.text.split("\n") == [
        "Harbour report", "Pilots", "Board early", "in fog", "Cast off and sail"
    ]  # fmt: skip
    assert segment.extra["heading"] == "Harbour report"
    assert (segment.origin, segment.span.axis) == ("document text", "char")


def test_cells_stay_in_their_columns(odf: Writer, cut: Any) -> None:
    path = odf(
        "text",
        "<table:table><table:table-header-rows><table:table-row>"
        "<table:table-cell><text:p>Item</text:p></table:table-cell>"
        "<table:table-cell><text:p>Year</text:p></table:table-cell>"
        "<table:table-cell><text:p>Cost</text:p></table:table-cell></table:table-row>"
        "</table:table-header-rows><table:table-row>"
        "<table:table-cell><text:p>Lamp</text:p><text:p>(brass)</text:p></table:table-cell>"
        "<table:covered-table-cell/><table:table-cell><text:p>5,200</text:p></table:table-cell>"
        '<table:table-cell table:number-columns-repeated="900000000"/>'
        "</table:table-row></table:table>",
    )
    assert _lines(path, cut) == ["Item | Year | Cost", "Lamp (brass) |  | 5,200"]


def test_notes_comments_and_text_boxes_follow_their_paragraph(odf: Writer, cut: Any) -> None:
    note = '<text:note text:note-class="{}"><text:note-citation>1</text:note-citation>' \
        "<text:note-body><text:p>{}</text:p></text:note-body></text:note>"  # fmt: skip
    path = odf(
        "text",
        "<text:p>Tide" + note.format("footnote", "At low water.") + " turned"
        "<office:annotation><dc:creator>Ada</dc:creator><dc:date>2024-05-06</dc:date>"
        "<text:p>Check this</text:p></office:annotation>"
        "<draw:frame><draw:text-box><text:p>Boxed once</text:p></draw:text-box>"
        "<svg:desc>A brass lamp</svg:desc></draw:frame>"
        + note.format("endnote", "See the archive.") + ".</text:p><text:p>Next</text:p>",
    )  # fmt: skip
    assert _lines(path, cut) == [
        "Tide turned.", "Footnote: At low water.", "Comment by Ada: Check this", "Boxed once",
        "A brass lamp", "Next", "Endnote: See the archive.",
    ]  # fmt: skip


def test_deleted_and_hidden_text_is_left_out(odf: Writer, cut: Any) -> None:
    path = odf(
        "text",
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>struck</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        '<text:p>kept <text:span text:style-name="T1">secret</text:span>words</text:p>'
        '<text:p><text:ruby><text:ruby-base>山</text:ruby-base><text:ruby-text>やま'
        "</text:ruby-text></text:ruby></text:p>",
        styles='<style:style style:name="T1"><style:text-properties text:display="none"/>'
        "</style:style>",
    )  # fmt: skip
    assert _lines(path, cut) == ["kept words", "山(やま)"]


def test_deleted_text_that_stands_in_its_place_is_left_out(odf: Writer, cut: Any) -> None:
    region = "<text:changed-region text:id='{0}'><text:{1}/></text:changed-region>".format
    at = "<text:change-{0} text:change-id='{1}'/>".format
    path = odf(
        "text",
        f"<text:tracked-changes>{region('a', 'deletion')}{region('b', 'insertion')}"
        f"</text:tracked-changes><text:p>kept {at('start', 'a')}struck{at('end', 'a')}"
        f"{at('start', 'b')}new{at('end', 'b')} words</text:p><text:p>before {at('start', 'a')}"
        f"gone</text:p><text:p>gone <text:span>too{at('end', 'a')}and after</text:span></text:p>",
    )
    assert _lines(path, cut) == ["kept new words", "before", "and after"]


def test_headers_footers_fields_and_the_description_come_last(odf: Writer, cut: Any) -> None:
    page = (
        "<style:master-page style:name='{}'><style:header><text:p>Coast Office</text:p>"
        "</style:header><style:footer><text:p>{}</text:p></style:footer></style:master-page>"
    )
    path = odf(
        "text",
        '<office:forms><form:form><form:text form:label="Ship" form:current-value="Ingrid"/>'
        "</form:form></office:forms><text:p>Body</text:p>",
        styles_xml=f"<office:document-styles {N}>{page.format('A', 'Draft')}"
        f"{page.format('B', 'Final')}</office:document-styles>",
        meta_xml=f"<office:document-meta {N}><office:meta><dc:description>On pilots"
        "</dc:description></office:meta></office:document-meta>",
    )
    assert _lines(path, cut) == [
        "Body", "Coast Office", "Draft", "Final", "Ship: Ingrid", "Description: On pilots"
    ]  # fmt: skip


def test_title_and_date_come_from_the_metadata(odf: Writer, svc: Any) -> None:
    path = odf(
        "text",
        "<text:p>Body</text:p>",
        meta_xml=f"<office:document-meta {N}><office:meta><dc:title>Bees at work</dc:title>"
        "<meta:creation-date>2019-02-03T04:05:06Z</meta:creation-date>"
        "<dc:date>2020-01-01T00:00:00Z</dc:date></office:meta></office:document-meta>",
    )
    info = svc.probe(str(path))
    assert (info.title, info.mime, info.pages) == ("Bees at work", TYPE + "text", None)
    assert info.recorded_at.isoformat() == "2019-02-03T04:05:06+00:00"
    assert info.recorded_at_from == "container"


@pytest.mark.parametrize("kind", ["text", "presentation"])
def test_a_chart_is_read_as_its_titles_and_series(kind: str, odf: Writer, cut: Any) -> None:
    rows = "".join(
        "<table:table-row>" + "".join(
            f"<table:table-cell><text:p>{c}</text:p></table:table-cell>" for c in row
        ) + "</table:table-row>"
        for row in (("", "1956", "1957"), ("Cod", "312", "NaN"), ("Saithe", "87", "90"))
    )  # fmt: skip
    chart = _content(
        "chart",
        "<chart:chart><chart:title><text:p>Tonnes landed</text:p></chart:title>"
        f"<table:table>{rows}</table:table></chart:chart>",
    )
    frame = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    body = f"<text:p>{frame}</text:p>" if kind == "text" else f"<draw:page>{frame}</draw:page>"
    path = odf(kind, body, **{"Object 1__content_xml": chart})
    assert _lines(path, cut) == ["Tonnes landed", "1956: Cod 312; Saithe 87", "1957: Saithe 90"]


@pytest.mark.parametrize(
    ("attributes", "text", "value"),
    [
        ('value-type="date" office:date-value="2019-06-21"', "21.06.19", "2019-06-21"),
        ('value-type="date" office:date-value="2019-06-21T13:45:00"', "21/06/19", "2019-06-21"),
        ('value-type="date" office:date-value="2019-06-21T13:45:00"', "21/06 13:45",
         "2019-06-21 13:45"),
        ('value-type="time" office:time-value="PT27H30M00S"', "27:30:00", "27:30"),
        ('value-type="time" office:time-value="PT00H03M25.7S"', "03:25,7", "00:03:26"),
        ('value-type="percentage" office:value="0.25"', "25,0 %", "25.0 %"),
        ('value-type="currency" office:value="-1234.5"', "-1.234,50 €", "-1234.50 €"),
        ('value-type="float" office:value="1234.5678"', "1.234,57 kg", "1234.57 kg"),
        ('value-type="float" office:value="1234567.891"', "1,234,567.89", "1234567.891"),
        ('value-type="float" office:value="0.30000000000000004"', "0,3", "0.3"),
        ('value-type="float" office:value="312"', "00312", "00312"),
        ('value-type="float" office:value="42"', "RE-00042", "RE-00042"),
        ('value-type="float" office:value="0.5"', "00,50 kg", "00.50 kg"),
        ('value-type="float" office:value="0.5"', "0,50 kg", "0.50 kg"),
        ('value-type="float" office:value="1.5"', "1 1/2", "1 1/2"),
        ('value-type="float" office:value="0.125"', "1/8 in", "1/8 in"),
        ('value-type="float" office:value="0.2"', "2/10 kg", "2/10 kg"),
        ('value-type="float" office:value="120000"', "1,2E+05", "120000"),
        ('value-type="boolean" office:boolean-value="true"', "WAHR", "true"),
        ('value-type="string"', "words", "words"),
        ('value-type="float" office:value="not a number"', "12 kg", "12 kg"),
    ],
)  # fmt: skip
def test_a_cell_shows_its_value_in_one_way_whatever_the_locale(
    attributes: str, text: str, value: str, odf: Writer, cut: Any
) -> None:
    path = odf(
        "spreadsheet",
        '<table:table table:name="S"><table:table-row><table:table-cell '
        f"office:{attributes}><text:p>{text}</text:p></table:table-cell></table:table-row>"
        "</table:table>",
    )
    (segment,) = cut(path)
    assert segment.text == value


TWICE = 'table:number-columns-repeated="2"'


def _cell(text: object, more: str = "") -> str:
    return f"<table:table-cell {more}><text:p>{text}</text:p></table:table-cell>"


def test_a_cell_whose_value_is_not_written_out_too_is_read(odf: Writer, cut: Any) -> None:
    cells = "".join(
        f'<table:table-cell office:value-type="{kind}" office:{value}/>'
        for kind, value in (
            ("string", 'string-value="Cod"'), ("float", 'value="4242"'),
            ("percentage", 'value="0.125"'), ("currency", 'value="7.5" office:currency="EUR"'),
            ("date", 'date-value="2024-05-14T09:30:00"'), ("time", 'time-value="PT30H05M00S"'),
            ("boolean", 'boolean-value="true"'),
        )
    )  # fmt: skip
    path = odf(
        "spreadsheet",
        f'<table:table table:name="A"><table:table-row>{cells}</table:table-row></table:table>',
    )
    assert _lines(path, cut) == [
        "Cod; 4242; 12.5%; 7.5 EUR; 2024-05-14 09:30; 30:05; true"
    ]  # fmt: skip


def test_sheets_are_pages_and_repeated_cells_are_counted(odf: Writer, cut: Any, svc: Any) -> None:
    path = odf(
        "spreadsheet",
        '<table:table table:name="Empty"><table:table-row table:number-rows-repeated="1048576">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>'
        '<table:table table:name="Catch"><table:table-header-rows><table:table-row>'
        f"{_cell('Port')}{_cell('Cod')}{_cell('Ling')}</table:table-row></table:table-header-rows>"
        '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
        '<table:table-row table:number-rows-repeated="2">'
        f"{_cell('Bergen')}{_cell(7, TWICE)}</table:table-row>"
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row></table:table>',
    )
    (segment,) = cut(path)
    assert svc.probe(str(path)).pages == 2
    assert segment.span.start == 2
    assert segment.origin == "sheet Catch"
    assert segment.extra == {"heading": "Catch", "rows": "1-5"}
    row = "Port: Bergen; Cod: 7; Ling: 7"
    assert segment.text.split("\n") == ["Port, Cod, Ling", row, row]


def test_a_row_repeated_a_million_times_ends(odf: Writer, cut: Any) -> None:
    path = odf(
        "spreadsheet",
        '<table:table table:name="S"><table:table-row table:number-rows-repeated="1048576">'
        f"{_cell('deep', TWICE)}</table:table-row></table:table>",
    )
    segments = cut(path)
    assert segments[-1].extra["rows"].endswith("-1048576")
    assert sum(s.text.count("deep") for s in segments) == 2000


def test_comments_and_what_floats_above_a_sheet_are_read(odf: Writer, cut: Any) -> None:
    path = odf(
        "spreadsheet",
        '<table:table table:name="S"><table:shapes><draw:frame><draw:text-box>'
        "<text:p>Quota ends in May</text:p></draw:text-box></draw:frame></table:shapes>"
        "<table:table-row><table:table-cell><office:annotation><dc:creator>Ada</dc:creator>"
        "<text:p>estimated</text:p></office:annotation><text:p>Bergen</text:p></table:table-cell>"
        "</table:table-row></table:table>",
        styles_xml=f"<office:document-styles {N}><style:master-page><style:header><text:p>Fish "
        "board of Norway</text:p></style:header><style:footer><text:p>Page <text:page-number>1"
        "</text:page-number></text:p></style:footer></style:master-page></office:document-styles>",
    )
    segments = cut(path)
    assert [s.text for s in segments] == [
        "Bergen", "Comment on A1 by Ada: estimated\nQuota ends in May", "Fish board of Norway"
    ]  # fmt: skip
    assert len({s.id for s in segments}) == 3


def test_slides_are_pages_with_their_notes(odf: Writer, cut: Any, svc: Any) -> None:
    path = odf(
        "presentation",
        '<presentation:footer-decl presentation:name="f">Coast Office</presentation:footer-decl>'
        '<draw:page presentation:use-footer-name="f" draw:master-page-name="M">'
        '<draw:frame presentation:class="outline"><draw:text-box><text:p>Cast off</text:p>'
        '</draw:text-box></draw:frame><draw:frame presentation:class="title"><draw:text-box>'
        "<text:p>Pilots</text:p></draw:text-box></draw:frame>"
        "<draw:g><draw:custom-shape><text:p>grouped</text:p></draw:custom-shape></draw:g>"
        "<presentation:notes><draw:page-thumbnail/><draw:frame presentation:class='notes'>"
        "<draw:text-box><text:p>Say it</text:p><text:p>slowly</text:p></draw:text-box>"
        "</draw:frame></presentation:notes></draw:page>"
        '<draw:page presentation:use-footer-name="f" draw:master-page-name="M"><draw:frame>'
        "<table:table><table:table-row>"
        + _cell("a") + _cell("b") + "</table:table-row></table:table></draw:frame></draw:page>",
        styles_xml=f'<office:document-styles {N}><style:master-page style:name="M"><draw:frame '
        'presentation:class="title"><draw:text-box><text:p>Click to edit</text:p></draw:text-box>'
        "</draw:frame><draw:frame><draw:text-box><text:p>Harbour Board</text:p></draw:text-box>"
        "</draw:frame></style:master-page></office:document-styles>",
    )  # fmt: skip
    first, second = cut(path)
    assert svc.probe(str(path)).pages == 2
    assert first.text.split("\n") == [
        "Pilots", "Cast off", "grouped", "Notes: Say it slowly", "Harbour Board", "Coast Office"
    ]  # fmt: skip
    assert (first.extra, first.origin, first.span.start) == ({"heading": "Pilots"}, "slide text", 1)
    assert second.text == "a | b"


def test_a_slide_and_a_scan_are_seen(odf: Writer, cut: Any, svc: Any) -> None:
    frame = '<draw:frame><draw:image xlink:href="Pictures/p.png"/></draw:frame>'
    for kind, body in (
        ("presentation", f"<draw:page>{frame}</draw:page>"),
        ("text", f"<text:p>{frame}</text:p>"),
    ):
        path = odf(kind, body, **{"Pictures__p.png": _picture()})
        (segment,) = cut(path)
        assert (segment.channel, segment.span.start) == (Channel.VISUAL, 1)
        assert svc.page(str(path), 1, 60).shape == (30, 60, 3)
        with pytest.raises(OmniError, match="no page 2"):
            svc.page(str(path), 2, 60)


def test_every_picture_has_its_place_and_what_is_said_of_it(odf: Writer, cut: Any) -> None:
    frames = "".join(
        f'<draw:frame><draw:image xlink:href="Pictures/{n}.png"/><svg:desc>{alt}</svg:desc>'
        "</draw:frame>"
        for n, alt in ((1, "A brass lamp"), (2, ""))
    )
    pictures = {f"Pictures__{n}.png": _picture(100 + n) for n in (1, 2)}
    said, *seen = cut(odf("text", f"<text:p>One{frames}</text:p><text:p>Two</text:p>", **pictures))
    assert said.text == "One\nPicture 1: A brass lamp\nPicture 2\nTwo"
    assert [(s.channel, s.span.start, s.span.end) for s in seen] == [
        (Channel.VISUAL, 4, 27), (Channel.VISUAL, 28, 37)
    ]  # fmt: skip
    cell = f"<table:table-cell>{frames}</table:table-cell>"
    for kind, body in (
        ("presentation", f"<draw:page>{frames}</draw:page>"),
        ("spreadsheet", '<table:table table:name="S"><table:table-row>' + cell
         + "</table:table-row></table:table>"),
    ):  # fmt: skip
        said, *seen = cut(odf(kind, body, **pictures))
        assert said.text == "Picture: A brass lamp"
        assert [(s.part, s.span.start) for s in seen] == [(1, 1), (2, 1), (0, 1)]


def test_a_picture_outside_the_file_and_a_missing_one_give_a_warning(odf: Writer, svc: Any) -> None:
    frame = '<draw:frame><draw:image xlink:href="{}"/></draw:frame>'
    body = frame.format("../lamp.png") + frame.format("Pictures/gone.png")
    said = [
        i.message
        for i in _everything(svc, odf("text", f"<text:p>words{body}</text:p>"))
        if isinstance(i, FileWarning)
    ]
    assert said == [
        "pictures that lie outside the file are not seen: lamp.png",
        "parts that the file refers to are not in it: Pictures/gone.png",
    ]


def test_a_hidden_slide_and_a_hidden_sheet_say_so(odf: Writer, cut: Any) -> None:
    style = '<style:style style:name="h"><style:{}-properties {}/></style:style>'
    slide = odf(
        "presentation",
        '<draw:page draw:style-name="h"><draw:rect><text:p>x</text:p></draw:rect></draw:page>',
        styles=style.format("drawing-page", 'presentation:visibility="hidden"'),
    )
    assert [s.origin for s in cut(slide)] == ["text of a hidden slide"]
    sheet = odf(
        "spreadsheet",
        '<table:table table:name="S" table:style-name="h"><table:table-row>'
        + _cell("x") + "</table:table-row></table:table>",
        styles=style.format("table", 'table:display="false"'),
    )  # fmt: skip
    assert [s.origin for s in cut(sheet)] == ["hidden sheet S"]


def test_a_text_has_no_page_to_show(odf: Writer, svc: Any) -> None:
    with pytest.raises(BadRequestError, match="read its text"):
        svc.page(str(odf("text", "<text:p>words</text:p>")), 1, 60)


def test_a_flat_file_is_read_with_its_pictures(tmp_path: Path, cut: Any, svc: Any) -> None:
    picture = base64.b64encode(_picture()).decode()
    path = tmp_path / "a.fodp"
    path.write_text(
        f"<?xml version='1.0'?><office:document {N} office:mimetype='{TYPE}presentation'>"
        "<office:meta><dc:title>Bees at work</dc:title></office:meta><office:body>"
        "<office:presentation><draw:page><draw:frame><draw:image><office:binary-data>"
        f"{picture}</office:binary-data></draw:image></draw:frame><draw:custom-shape>"
        "<text:p>Swarm</text:p></draw:custom-shape></draw:page></office:presentation>"
        "</office:body></office:document>"
    )
    said, seen = cut(path)
    assert (seen.channel, said.text) == (Channel.VISUAL, "Swarm")
    assert svc.probe(str(path)).title == "Bees at work"


@pytest.mark.parametrize("name", ["a.docx", "a.xlsx", "a.zip", "a"])
def test_a_wrong_name_or_order_of_the_zip_does_not_matter(
    name: str, odf: Writer, zipped: Any, cut: Any
) -> None:
    assert _lines(odf("text", "<text:p>words</text:p>", name), cut) == ["words"]
    path = zipped(
        name,
        {"content.xml": _content("text", "<text:p>words</text:p>"), "mimetype": TYPE + "text"},
    )
    assert _lines(path, cut) == ["words"]


def test_an_encrypted_file_says_so(zipped: Any, svc: Any) -> None:
    manifest = "<m:manifest><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>"
    path = zipped(
        "a.odt",
        {"mimetype": TYPE + "text", "content.xml": b"\x9a\1", "META-INF/manifest.xml": manifest},
    )
    with pytest.raises(UnreadableError, match="save a copy without password") as e:
        svc.probe(str(path))
    assert e.value.code == "ENCRYPTED"


def test_a_damaged_part_costs_itself_and_is_named(odf: Writer, svc: Any) -> None:
    frame = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    path = odf(
        "text",
        f"<text:p>kept{frame}</text:p>",
        styles_xml="<office:document-styles><broken",
        **{"Object 1__content_xml": "<a><b></a>"},
    )
    items = _everything(svc, path)
    assert [i.text for i in items if isinstance(i, Segment)] == ["kept"]
    said = [i.message for i in items if isinstance(i, FileWarning)]
    assert said == ["damaged, read only in part: styles.xml, Object 1/content.xml"]


@pytest.mark.parametrize("kind", ["text", "spreadsheet"])
def test_what_stands_before_the_damage_is_read(kind: str, odf: Writer, svc: Any) -> None:
    row = f"<table:table-row>{_cell('before')}</table:table-row>"
    path = odf(kind, f'<table:table table:name="S">{row}</table:table><text:p>a <broken b</text:p>')
    items = _everything(svc, path)
    assert [i.text for i in items if isinstance(i, Segment)] == ["before"]
    (warning,) = (i.message for i in items if isinstance(i, FileWarning))
    assert warning == "damaged, read only in part: content.xml"


@pytest.mark.parametrize(("at", "value"), [(0, 0), (6, 255)], ids=["signature", "version"])
def test_a_damaged_directory_of_the_zip_costs_no_word(
    at: int, value: int, odf: Writer, svc: Any
) -> None:
    path = odf("text", "<text:p>words</text:p>")
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\1\2") + at] = value
    path.write_bytes(data)
    items = _everything(svc, path)
    assert [i.text for i in items if isinstance(i, Segment)] == ["words"]
    assert [i.message for i in items if isinstance(i, FileWarning)] == [
        "cut short or damaged, read only as far as it goes: a.odf"
    ]


def test_an_object_of_another_program_gives_a_warning(odf: Writer, svc: Any) -> None:
    path = odf(
        "text",
        "<text:p>words<draw:frame><draw:object-ole xlink:href='./Object 1'/></draw:frame></text:p>",
    )
    said = [i.message for i in _everything(svc, path) if isinstance(i, FileWarning)]
    assert said == ["embedded files are not read: Object 1; save and ingest them by themselves"]


def test_any_damage_ends_in_an_error_of_the_tree(odf: Writer, svc: Any, tmp_path: Path) -> None:
    row = f"<table:table-row>{_cell('x')}</table:table-row>"
    whole = odf(
        "spreadsheet",
        f'<table:table table:name="S">{row}</table:table>',
        styles_xml=f"<office:document-styles {N}/>",
    ).read_bytes()
    path = tmp_path / "damaged.ods"
    for at in range(0, len(whole), 23):
        flipped = whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]
        for data in (whole[:at], flipped):
            path.write_bytes(data)
            try:
                _everything(svc, path)
            except OmniError:
                continue


def test_a_formula_with_its_dtd_is_read_and_entities_are_not(odf: Writer, svc: Any) -> None:
    frame = '<text:p>so<draw:frame><draw:object xlink:href="Object 1"/></draw:frame></text:p>'
    formula = '<!DOCTYPE math PUBLIC "-//O//DTD M//EN" "math.dtd"><math><mi>a</mi><mo>=</mo></math>'
    path = odf("text", frame, **{"Object 1__content_xml": formula})
    assert [i.text for i in _everything(svc, path) if isinstance(i, Segment)] == ["so\na ="]
    laughs = '<!DOCTYPE m [<!ENTITY a "aaaa">]><m>&a;</m>'
    with pytest.raises(UnreadableError, match="entities"):
        _everything(svc, odf("text", frame, **{"Object 1__content_xml": laughs}))


def test_a_zip_bomb_stops_at_the_cap(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "bomb.odt"
    start, end = _content("text", "<text:p>@</text:p>").split("@")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("mimetype", TYPE + "text")
        with z.open("content.xml", "w") as f:
            f.write(start.encode())
            for _ in range(65):
                f.write(b"A" * (1 << 20))
            f.write(end.encode())
    with pytest.raises(OmniError, match="64 MB"):
        cut(path)
