"""The pictures of office files: each is seen once, as part of its page or of the text."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omni_core.media.document.picture_page import MAX_PICTURES
from omni_core.types import Channel, FileWarning, ImageContent, Pixels, Segment, Source, Span

R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RED, GREEN, BLUE = (200, 20, 20), (20, 160, 20), (20, 20, 200)


def _png(colour: tuple[int, int, int], size: tuple[int, int] = (400, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def _pic(name: str, alt: str = "", fill: str = "", form: str = "") -> str:
    return (
        f'<pic><nvPicPr><cNvPr descr="{alt}"/></nvPicPr>'
        f'<blipFill><blip r:embed="{name}"/>{fill}</blipFill><spPr>{form}</spPr></pic>'
    )


@pytest.fixture
def show(zipped: Callable[..., Path]) -> Callable[..., Path]:
    """A show with these slides (XML of shapes), each linked to all these pictures."""

    def write(slides: Sequence[str], **pictures: bytes) -> Path:
        links = "".join(
            f'<Relationship Id="{n}" Type="x/image" Target="../media/{n}.png"/>' for n in pictures
        )
        order = "".join(f'<sldId r:id="s{n}"/>' for n in range(len(slides)))
        targets = "".join(
            f'<Relationship Id="s{n}" Type="x/slide" Target="slides/slide{n}.xml"/>'
            for n in range(len(slides))
        )
        parts: dict[str, str | bytes] = {
            "ppt/presentation.xml": f'<p xmlns:r="{R}">{order}</p>',
            "ppt/_rels/presentation.xml.rels": f"<Relationships>{targets}</Relationships>",
            **{f"ppt/media/{name}.png": data for name, data in pictures.items()},
        }
        for n, shapes in enumerate(slides):
            own = "".join(
                link
                for link in links.split("/>")
                if link and link.split('"')[1] in shapes
                for link in (f"{link}/>",)
            )
            parts[f"ppt/slides/slide{n}.xml"] = f'<sld xmlns:r="{R}">{shapes}</sld>'
            parts[f"ppt/slides/_rels/slide{n}.xml.rels"] = f"<Relationships>{own}</Relationships>"
        return zipped("a.pptx", parts)

    return write


@pytest.fixture
def warnings(svc: Any) -> Callable[[Path], list[str]]:
    """What is said to be unread."""

    def read(path: Path) -> list[str]:
        from omni_core.types import CutOptions

        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, None, info.pages)
        pieces = svc.decompose(str(path), source, CutOptions())
        return [piece.message for piece in pieces if isinstance(piece, FileWarning)]

    return read


def _mean(pixels: Any) -> tuple[int, ...]:
    return tuple(int(round(v, -1)) for v in np.asarray(pixels).mean((0, 1)))


def _seen(segments: list[Segment]) -> list[Segment]:
    return [s for s in segments if s.channel is Channel.VISUAL]


def _pixels(segment: Segment) -> Pixels:
    assert isinstance(segment.content, ImageContent)
    return segment.content.pixels


def test_every_picture_of_a_slide_is_a_segment_and_opens_as_that_picture(
    show: Any, cut: Any, svc: Any
) -> None:
    path = show(
        [_pic("a") + _pic("b") + _pic("c")],
        a=_png(RED), b=_png(GREEN, (300, 400)), c=_png(BLUE, (900, 200)),
    )  # fmt: skip
    *pictures, page = _seen(cut(path))
    assert [(s.part, s.extra["picture"]) for s in pictures] == [(1, 1), (2, 2), (3, 3)]
    assert (page.part, page.extra) == (0, {"tiles": 3})
    assert len({s.id for s in (*pictures, page)}) == 4
    for segment, colour in zip(pictures, (RED, GREEN, BLUE), strict=True):
        opened = svc.page(str(path), 1, 1280, tuple(segment.extra["crop"]))
        assert _mean(opened) == _mean(_pixels(segment)) == colour
        assert opened.shape == pytest.approx(_pixels(segment).shape, abs=2)
    whole = svc.page(str(path), 1, 1280)
    assert whole.shape == _pixels(page).shape
    assert np.abs(whole.astype(int) - _pixels(page)).mean() < 3


def test_one_picture_is_the_page_image_and_one_shown_twice_is_one(
    show: Any, cut: Any, svc: Any
) -> None:
    path = show([_pic("a") + _pic("b") + _pic("a")], a=_png(RED), b=_png(RED))
    (segment,) = _seen(cut(path))
    assert (segment.part, segment.extra) == (0, {"picture": 1})
    assert svc.page(str(path), 1, 100).shape == (75, 100, 3)


def test_a_logo_that_most_slides_show_is_seen_on_the_first_and_icons_are_not(
    show: Any, cut: Any
) -> None:
    logo, icon = _pic("logo"), _pic("icon")
    path = show(
        [logo + icon, logo + _pic("a"), logo],
        logo=_png(BLUE),
        icon=_png(RED, (60, 60)),
        a=_png(RED),
    )
    assert [s.span.start for s in _seen(cut(path))] == [1, 2]


def test_handwriting_is_seen_as_the_picture_that_stands_in_for_it(show: Any, cut: Any) -> None:
    drawn = f"<Choice><contentPart/></Choice><Fallback>{_pic('a')}</Fallback>"
    path = show([f"<AlternateContent>{drawn}</AlternateContent>"], a=_png(RED))
    assert [s.extra for s in _seen(cut(path))] == [{"picture": 1}]


def test_what_is_cropped_away_is_not_seen_and_what_is_turned_is_turned(
    show: Any, cut: Any, svc: Any
) -> None:
    halves = Image.new("RGB", (400, 200), BLUE)
    halves.paste(RED, (0, 0, 200, 200))
    out = io.BytesIO()
    halves.save(out, "PNG")
    turned = '<xfrm rot="5400000"/>'
    path = show([_pic("a", fill='<srcRect r="50000"/>'), _pic("a", form=turned)], a=out.getvalue())
    cropped, upright = _seen(cut(path))
    assert _mean(_pixels(cropped)) == RED
    assert _pixels(upright).shape == (400, 200, 3)
    assert tuple(_pixels(upright)[10, 100]) == RED
    assert svc.page(str(path), 2, 1000).shape == (400, 200, 3)


def test_alternative_texts_are_words_unless_a_program_wrote_them(show: Any, cut: Any) -> None:
    path = show([_pic("a", "Harbour at dawn") + _pic("b", "image1.png")], a=_png(RED), b=_png(BLUE))
    assert [s.text for s in cut(path) if s.text] == ["Picture: Harbour at dawn"]


def test_more_pictures_than_are_seen_are_said(show: Any, cut: Any, warnings: Any) -> None:
    names = [f"p{n}" for n in range(MAX_PICTURES + 2)]
    pictures = {name: _png((n, n, 0), (96, 40)) for n, name in enumerate(names)}
    path = show(["".join(f"<x>{_pic(name)}</x>" for name in names)], **pictures)
    assert len(_seen(cut(path))) == MAX_PICTURES + 1
    assert warnings(path) == ["a page has more pictures than are seen (64): page 1"]


def test_a_damaged_picture_costs_itself(show: Any, cut: Any, warnings: Any) -> None:
    path = show([_pic("a") + _pic("b")], a=_png(RED)[:300], b=_png(BLUE))
    assert [s.extra.get("picture") for s in _seen(cut(path))] == [2, None]
    assert warnings(path) == [
        "pictures that are damaged or of an unknown format are not seen: a.png"
    ]


def test_the_words_of_a_drawing_are_read_and_the_drawing_is_said_to_be_unseen(
    show: Any, cut: Any, warnings: Any
) -> None:
    svg = b"<svg><g><text>Valve <tspan>house</tspan></text><text>Pump 7</text></g></svg>"
    path = show([_pic("a")], a=svg)
    assert [(s.channel, s.text) for s in cut(path)] == [(Channel.TEXT, "Valve house Pump 7")]
    assert warnings(path) == [
        "drawings that cannot be drawn are not seen, only their words are read: a.png"
    ]


def test_the_icon_of_an_embedded_file_is_no_drawing_of_its_own(
    show: Any, cut: Any, warnings: Any
) -> None:
    svg = b"<svg><text>Budget.xlsx</text></svg>"
    path = show([f"<graphicFrame><oleObj>{_pic('a')}</oleObj></graphicFrame>"], a=svg)
    assert [s.text for s in cut(path)] == ["Budget.xlsx"]
    assert warnings(path) == []


def test_pages_whose_picture_is_stored_already_are_not_drawn_again(show: Any, cut: Any) -> None:
    path = show([_pic("a"), _pic("b")], a=_png(RED), b=_png(BLUE))
    assert [s.span.start for s in _seen(cut(path, undrawn=(1,)))] == [2]


def test_a_picture_in_a_document_is_a_line_of_its_text(zipped: Any, cut: Any, svc: Any) -> None:
    def paragraph(inside: str) -> str:
        return f"<w:p><w:r>{inside}</w:r></w:p>"

    def drawing(name: str, alt: str = "") -> str:
        return f'<w:drawing><docPr descr="{alt}"/>{_pic(name)}</w:drawing>'

    body = (
        paragraph("<w:t>Before.</w:t>") + paragraph(drawing("a", "The crack"))
        + paragraph("<w:t>Between.</w:t>") + paragraph(drawing("b")) + paragraph(drawing("a"))
        + paragraph('<w:pict><shape alt="Old form"><imagedata r:id="c"/></shape></w:pict>')
    )  # fmt: skip
    links = "".join(
        f'<Relationship Id="{n}" Type="x/image" Target="media/{n}.png"/>' for n in "abc"
    )
    path = zipped("a.docx", {
        "word/document.xml": f'<w:document xmlns:w="w" xmlns:r="{R}">{body}</w:document>',
        "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
        "word/media/a.png": _png(RED), "word/media/b.png": _png(GREEN),
        "word/media/c.png": _png(BLUE),
    })  # fmt: skip
    text, *pictures = cut(path)
    assert text.text.split("\n") == [
        "Before.", "Picture 1: The crack", "Between.", "Picture 2", "Picture 3: Old form",
    ]  # fmt: skip
    assert svc.probe(str(path)).pages is None
    named = [text.text[int(s.span.start) : int(s.span.end)] for s in pictures]
    assert named == ["Picture 1: The crack", "Picture 2", "Picture 3: Old form"]
    for segment, colour in zip(pictures, (RED, GREEN, BLUE), strict=True):
        assert _mean(_pixels(segment)) == colour
        assert _mean(svc.page(str(path), segment.extra["picture"], 500)) == colour


def test_a_picture_in_a_header_is_seen_once_after_the_text(zipped: Any, cut: Any) -> None:
    words = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>".format
    logo = f'<w:p><w:r><w:drawing><docPr descr="Coast Office"/>{_pic("a")}</w:drawing></w:r></w:p>'
    names = ("header1", "header2")
    sections = "".join(f'<w:sectPr><w:headerReference r:id="{n}"/></w:sectPr>' for n in names)
    links = "".join(f'<Relationship Id="{n}" Type="x/header" Target="{n}.xml"/>' for n in names)
    own = '<Relationships><Relationship Id="a" Type="x/image" Target="media/a.png"/>'
    spaces = f'xmlns:w="w" xmlns:r="{R}"'
    text, seen = cut(zipped("a.docx", {
        "word/document.xml": f"<w:document {spaces}>{words('Tower.')}{sections}</w:document>",
        "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
        **{f"word/{n}.xml": f"<w:hdr {spaces}>{words('Page')}{logo}</w:hdr>" for n in names},
        **{f"word/_rels/{n}.xml.rels": f"{own}</Relationships>" for n in names},
        "word/media/a.png": _png(RED),
    }))  # fmt: skip
    assert text.text == "Tower.\nPage\nPicture 1: Coast Office"
    assert (int(seen.span.start), int(seen.span.end)) == (12, 35)
    assert _mean(_pixels(seen)) == RED


def test_pictures_in_notes_and_comments_are_seen_where_these_are_read(
    zipped: Any, cut: Any
) -> None:
    pic = '<w:r><w:drawing><docPr descr="{}"/>{}</w:drawing></w:r>'.format
    run = "<w:r><w:t>{}</w:t></w:r>".format
    spaces = f'xmlns:w="w" xmlns:r="{R}"'
    body = "".join(
        f'<w:p>{run(words)}<w:r><w:{kind}Reference w:id="2"/></w:r></w:p>'
        for words, kind in (("Tower.", "footnote"), ("Quay.", "endnote"), ("Mole.", "comment"))
    )
    kinds = {"footnotes": RED, "endnotes": BLUE, "comments": GREEN}
    links = "".join(f'<Relationship Id="{k}" Type="x/{k}" Target="{k}.xml"/>' for k in kinds)
    notes, own, media = {}, {}, {}
    for kind, colour in kinds.items():
        one = kind[:-1]
        notes[f"word/{kind}.xml"] = (
            f'<w:{kind} {spaces}><w:{one} w:id="2"><w:p>{run("By " + one)}{pic(kind, _pic("a"))}'
            f"</w:p></w:{one}></w:{kind}>"
        )
        own[f"word/_rels/{kind}.xml.rels"] = (
            f'<Relationships><Relationship Id="a" Type="x/image" Target="media/{kind}.png"/>'
            "</Relationships>"
        )
        media[f"word/media/{kind}.png"] = _png(colour)
    text, *seen = cut(zipped("a.docx", {
        "word/document.xml": f"<w:document {spaces}><w:body>{body}</w:body></w:document>",
        "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
        **notes, **own, **media,
    }))  # fmt: skip
    assert text.text.split("\n") == [
        "Tower.", "Footnote: By footnote", "Picture 1: footnotes", "Quay.", "Mole.",
        "Comment: By comment", "Picture 2: comments", "Endnote: By endnote", "Picture 3: endnotes",
    ]  # fmt: skip
    assert [_mean(_pixels(one)) for one in seen] == [RED, GREEN, BLUE]


def test_pictures_on_a_sheet_are_the_image_of_its_page(tmp_path: Path, cut: Any, svc: Any) -> None:
    import xlsxwriter

    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("Empty")
        sheet = book.add_worksheet("Plans")
        sheet.write_string(0, 0, "see below")
        for row, colour in enumerate((RED, BLUE)):
            data = {"image_data": io.BytesIO(_png(colour)), "description": f"Plan {row}"}
            sheet.insert_image(2 + 20 * row, 0, f"{row}.png", data)
    found = cut(path)
    assert [s.text for s in found if s.text] == ["see below", "Picture: Plan 0\nPicture: Plan 1"]
    assert [(s.span, s.part, s.extra["heading"]) for s in _seen(found)] == [
        (Span("page", 2, 3), part, "Plans") for part in (1, 2, 0)
    ]
    assert svc.page(str(path), 2, 640).shape[1] == 640
