"""Plain text, Markdown, HTML, tables, office files and subtitles as documents."""

from __future__ import annotations

import io
import itertools
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core.errors import UnreadableError
from omni_core.types import (
    Channel,
    CutOptions,
    FileWarning,
    ImageContent,
    Modality,
    Segment,
    Source,
    Span,
)

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def _zip(path: Path, parts: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in parts.items():
            z.writestr(name, data)
    return path


def _rels(**links: str) -> str:
    rows = (f'<Relationship Id="{k}" Target="{v}"/>' for k, v in links.items())
    return f"<Relationships>{''.join(rows)}</Relationships>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_text_of_any_encoding_is_read(encoding: str, tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Der Käse schmeckt naïven Gästen.".encode(encoding))
    (segment,) = cut(path)
    assert segment.text == "Der Käse schmeckt naïven Gästen."
    assert segment.span == Span("char", 0, 32)


def test_windows_of_text_overlap_and_point_at_their_characters(tmp_path: Path, cut: Any) -> None:
    text = " ".join(f"word{n}" for n in range(500))
    path = tmp_path / "a.txt"
    path.write_text(text)
    windows = cut(path)
    assert windows[0].span.start == 0
    assert windows[-1].span.end == len(text)
    for a, b in itertools.pairwise(windows):
        assert a.span.start < b.span.start < a.span.end
    for w in windows:
        assert text[int(w.span.start) : int(w.span.end)] == w.text


def test_unspaced_scripts_are_cut_too(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_text("蜜蜂跳舞告诉同伴花在哪里。" * 400, encoding="utf-8")
    assert len(cut(path)) >= 3


def test_markdown_keeps_headings(tmp_path: Path, cut: Any, svc: Any) -> None:
    path = tmp_path / "notes.md"
    path.write_text("# Bees\n\n" + "buzz " * 200 + "\n\n## Honey\n\n" + "sweet " * 200)
    assert svc.probe(str(path)).title == "Bees"
    headings = [s.extra["heading"] for s in cut(path)]
    assert headings[0] == "Bees"
    assert headings[-1] == "Honey"


def test_html_shows_what_a_reader_sees(tmp_path: Path, cut: Any, svc: Any) -> None:
    path = tmp_path / "a.html"
    path.write_text(
        "<!doctype html><title>On Bees</title><style>p{color:red}</style><body><h1>Dance</h1>"
        "<p>Bees <b>tell</b> the&nbsp;way.<script>evil()</script><div hidden>secret</div>"
        "<div style='display: none'>hidden <div>deeper</div> still</div><!-- note --><p>After."
        "<img src='http://example.com/x.png' alt='a queen'>"
    )
    assert svc.probe(str(path)).title == "On Bees"
    (segment,) = cut(path)
    assert segment.text.split() == ["Dance", "Bees", "tell", "the", "way.", "After.", "a", "queen"]
    assert segment.extra["heading"] == "Dance"


def test_csv_rows_read_with_their_column_names(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_text('name;born;note\nAda;1815;"first; of\nher kind"\nAlan;1912;\n')
    (segment,) = cut(path)
    assert "name: Ada; born: 1815; note: first; of her kind" in segment.text
    assert "name: Alan; born: 1912" in segment.text


def test_docx_has_headings_and_tables(tmp_path: Path, cut: Any, svc: Any) -> None:
    body = (
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Results</w:t></w:r></w:p>'
        "<w:p><w:r><w:t>Revenue </w:t></w:r><w:r><w:t>grew.</w:t></w:r></w:p>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Lyon</w:t></w:r></w:p></w:tc>"
        "<w:tc><w:p><w:r><w:t>500</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    path = _zip(tmp_path / "a.docx", {
        "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
        "docProps/core.xml": "<core><title>Report</title>"
                             "<created>2024-02-01T08:00:00Z</created></core>",
    })  # fmt: skip
    info = svc.probe(str(path))
    assert (info.title, info.recorded_at_from) == ("Report", "container")
    (segment,) = cut(path)
    assert segment.text == "Results\nRevenue grew.\nLyon | 500"
    assert segment.extra["heading"] == "Results"


def test_a_slide_its_notes_and_its_picture_are_one_page(tmp_path: Path, cut: Any, svc: Any) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (300, 200), "navy").save(picture, "PNG")

    def slide(title: str, words: str, shapes: str = "") -> str:
        return (
            f'<sld {R}><sp><nvSpPr><ph type="title"/></nvSpPr><p><t>{title}</t></p></sp>'
            f"<sp><p><t>{words}</t></p></sp>"
            f'<sp><nvSpPr><ph type="sldNum"/></nvSpPr><p><t>7</t></p></sp>{shapes}</sld>'
        )

    path = _zip(tmp_path / "a.pptx", {
        "ppt/presentation.xml": f'<p {R}><sldId id="256" r:id="b"/><sldId id="257" r:id="a"/></p>',
        "ppt/_rels/presentation.xml.rels": _rels(a="slides/slide1.xml", b="slides/slide2.xml"),
        "ppt/slides/slide1.xml": slide("Second", "shown later"),
        "ppt/slides/slide2.xml": slide(
            "First", "shown at once", '<pic><blip r:embed="i"/></pic>'
        ),
        "ppt/slides/_rels/slide2.xml.rels": _rels(
            n="../notesSlides/notesSlide1.xml", i="../media/i.png", x="/etc/passwd"
        ),
        "ppt/notesSlides/notesSlide1.xml":
            '<n><sp><nvSpPr><ph type="body"/></nvSpPr><p><t>Speak slowly.</t></p></sp></n>',
        "ppt/media/i.png": picture.getvalue(),
    })  # fmt: skip
    assert svc.probe(str(path)).pages == 2
    words, first, second = cut(path)
    assert isinstance(first.content, ImageContent)
    assert first.span == words.span == Span("page", 1, 2)
    assert words.text == "First\nshown at once\nNotes: Speak slowly."
    assert words.extra["heading"] == "First"
    assert second.text == "Second\nshown later"
    assert svc.page(str(path), 1, 100).shape == (67, 100, 3)


def test_a_sheet_is_a_page_of_readable_rows(tmp_path: Path, cut: Any, svc: Any) -> None:
    sheet = (
        '<worksheet><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
        '<row r="2"><c r="A2" t="inlineStr"><is><t>Ada</t></is></c><c r="B2" s="1"><v>5458</v></c>'
        "</row></worksheet>"
    )
    path = _zip(tmp_path / "a.xlsx", {
        "xl/workbook.xml": f'<w {R}><sheet name="People" r:id="r1"/></w>',
        "xl/_rels/workbook.xml.rels": _rels(r1="worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": sheet,
        "xl/sharedStrings.xml": "<sst><si><t>Name</t></si><si><t>Born</t></si></sst>",
        "xl/styles.xml": '<s><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></s>',
    })  # fmt: skip
    assert svc.probe(str(path)).pages == 1
    (segment,) = cut(path)
    assert segment.text == "Name, Born\nName: Ada; Born: 1914-12-10"
    assert segment.span == Span("page", 1, 2)
    assert segment.origin == "sheet People"


@pytest.mark.parametrize("name", ["a.srt", "a.vtt", "a.ass"])
def test_subtitle_files_are_speech_with_seconds(
    name: str, tmp_path: Path, cut: Any, svc: Any
) -> None:
    lines = {
        "a.srt": "1\n00:00:01,000 --> 00:00:03,500\n<i>Hello</i> there.\n\n"
                 "2\n00:01:00,000 --> 00:01:02,000\nLater.\n",
        "a.vtt": "WEBVTT\n\nNOTE x\n\n00:01.000 --> 00:03.500 align:start\n<b>Hello</b> there.\n\n"
                 "01:00.000 --> 01:02.000\nLater.\n",
        "a.ass": "[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start, End, Style, Text\n"
                 "Dialogue: 0,0:00:01.00,0:00:03.50,D,{\\i1}Hello{\\i0}\\Nthere.\n"
                 "Dialogue: 0,0:01:00.00,0:01:02.00,D,Later.\n",
    }  # fmt: skip
    path = tmp_path / name
    path.write_text(lines[name])
    info = svc.probe(str(path))
    assert (info.modality, info.duration_s) == (Modality.DOCUMENT, 62.0)
    first, second = cut(path)
    assert (first.channel, first.text) == (Channel.SPEECH, "Hello there.")
    assert first.span == Span("second", 1.0, 3.5)
    assert second.span == Span("second", 60.0, 62.0)


def test_a_sidecar_is_the_transcript_of_a_film(film: Any, cut: Any, tools: Any) -> None:
    path = film([tools.barcode(n) for n in range(50)])
    beside = path.with_suffix(".en.srt")
    beside.write_text("1\n00:00:00,500 --> 00:00:01,500\nHello bees.\n")
    try:
        speech = [s for s in cut(path) if s.channel is Channel.SPEECH]
    finally:
        beside.unlink()
    assert [(s.text, s.origin) for s in speech] == [("Hello bees.", f"sidecar {beside.name}")]


def test_a_sidecar_that_links_elsewhere_is_not_read(
    film: Any, cut: Any, tools: Any, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.srt"
    secret.write_text("1\n00:00:00,500 --> 00:00:01,500\nsecret\n")
    path = film([tools.barcode(n) for n in range(50)])
    link = path.with_suffix(".srt")
    link.symlink_to(secret)
    try:
        assert not [s for s in cut(path) if s.channel is Channel.SPEECH]
    finally:
        link.unlink()


def test_a_subtitle_track_is_the_transcript(
    cut: Any, film: Any, tools: Any, tmp_path: Path
) -> None:
    import av

    base = film([tools.barcode(n) for n in range(100)])
    srt = tmp_path / "words.txt"
    srt.write_text(
        "1\n00:00:00,500 --> 00:00:01,400\nBees dance.\n\n"
        "2\n00:00:01,500 --> 00:00:02,400\nThey tell the way.\n"
    )
    path = tmp_path / "a.mkv"
    with (
        av.open(str(base)) as c,
        av.open(str(srt), format="srt") as lines,
        av.open(str(path), "w") as o,
    ):
        video = o.add_stream_from_template(c.streams.video[0])
        words = o.add_stream_from_template(lines.streams.subtitles[0])
        words.metadata["language"] = "eng"
        for packets, stream in ((c.demux(video=0), video), (lines.demux(), words)):
            for packet in packets:
                if packet.dts is not None:
                    packet.stream = stream
                    o.mux(packet)
    speech = [s for s in cut(path) if s.channel is Channel.SPEECH]
    assert [s.text for s in speech] == ["Bees dance. They tell the way."]
    assert speech[0].origin == "subtitle track eng"
    assert speech[0].span.start == pytest.approx(0.5, abs=0.05)
    assert speech[0].span.end == pytest.approx(2.4, abs=0.05)


def test_a_named_transcript_without_cues_is_refused(
    film: Any, cut: Any, tools: Any, tmp_path: Path
) -> None:
    path = film([tools.barcode(n) for n in range(50)])
    (tmp_path / "words.srt").write_text("no cues here")
    with pytest.raises(UnreadableError, match="no cues"):
        cut(path, transcript=str(tmp_path / "words.srt"))


@pytest.mark.parametrize("name", ["a.md", "a.txt"])
def test_files_written_into_a_text_are_no_words_and_are_named(
    name: str, tmp_path: Path, svc: Any
) -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 40
    path = tmp_path / name
    drawing = "data:image/svg+xml;utf8," + "%3Cpath/%3E" * 40
    path.write_text(
        f"# Pumps\n\n![valve]({picture}) opens left.\n\n[1]: <{picture}>\n\n"
        f"![]({drawing})\n\n## End"
    )
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1)
    items = [*svc.decompose(str(path), source, CutOptions())]
    text = "".join(i.text for i in items if isinstance(i, Segment))
    warnings = [i.message for i in items if isinstance(i, FileWarning)]
    assert warnings == ["3 embedded files not read: ingest such files by themselves"]
    assert "![valve]() opens left." in text and "iVBOR" not in text and "%3C" not in text
