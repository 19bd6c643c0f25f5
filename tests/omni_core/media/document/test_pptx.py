"""PPTX: the words of charts and diagrams; images that cannot be decoded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omni_core.types import CutOptions, FileWarning, Modality, Source

R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


@pytest.fixture
def slide(zipped: Callable[..., Path]) -> Callable[..., Path]:
    """A show of one slide with these shapes; keyword arguments: (target, data) by their id, which
    is their type too."""

    def write(shapes: str, **linked: tuple[str, str | bytes]) -> Path:
        links = "".join(
            f'<Relationship Id="{k}" Type="x/{k}" Target="../{t}"/>' for k, (t, _) in linked.items()
        )
        return zipped("a.pptx", {
            "ppt/presentation.xml": f'<p {R}><sldId r:id="s"/></p>',
            "ppt/_rels/presentation.xml.rels":
                '<Relationships><Relationship Id="s" Target="slides/slide1.xml"/></Relationships>',
            "ppt/slides/slide1.xml": f"<sld {R}>{shapes}</sld>",
            "ppt/slides/_rels/slide1.xml.rels": f"<Relationships>{links}</Relationships>",
            **{f"ppt/{target}": data for target, data in linked.values()},
        })  # fmt: skip

    return write


def test_a_chart_is_read_as_its_titles_and_series(slide: Any, cut: Any) -> None:
    points = "".join(f"<pt idx='{i}'><v>{v}</v></pt>" for i, v in enumerate(("Cod", "Saithe")))
    values = "".join(f"<pt idx='{i}'><v>{v}</v></pt>" for i, v in enumerate((312, 87)))
    chart = (
        "<c><title><p><r><t>Tonnes </t></r><r><t>landed</t></r></p></title>"
        f"<ser><tx><pt idx='0'><v>1956</v></pt></tx><cat>{points}</cat><val>{values}</val></ser>"
        "</c>"
    )
    path = slide('<graphicFrame><chart r:id="c"/></graphicFrame>', c=("charts/chart1.xml", chart))
    (segment,) = cut(path)
    assert segment.text == "Tonnes landed\n1956: Cod 312; Saithe 87"


@pytest.mark.parametrize(("from_1904", "day"), [("0", "2023-03-15"), ("1", "2027-03-16")])
def test_numbers_of_a_chart_are_read_as_its_axes_show_them(
    slide: Any, cut: Any, from_1904: str, day: str
) -> None:
    days = "<formatCode>dd/mm/yyyy</formatCode><pt idx='0'><v>45000</v></pt>"
    shares = "<formatCode>0.0%</formatCode><pt idx='0'><v>0.256</v></pt>"
    chart = f"<c><date1904 val='{from_1904}'/><ser><cat>{days}</cat><val>{shares}</val></ser></c>"
    path = slide('<graphicFrame><chart r:id="c"/></graphicFrame>', c=("charts/chart1.xml", chart))
    (segment,) = cut(path)
    assert segment.text == f"{day} 25.6%"


def test_a_diagram_is_read_as_its_points(slide: Any, cut: Any) -> None:
    first, second = (f"<pt><t><p><t>{w}</t></p></t></pt>" for w in ("Pilot boards", "Cast off"))
    data = f"<d><pt/>{first}{second}</d>"
    path = slide('<graphicFrame><relIds r:dm="d"/></graphicFrame>', d=("diagrams/data1.xml", data))
    (segment,) = cut(path)
    assert segment.text == "Pilot boards\nCast off"


def test_an_image_that_cannot_be_decoded_leaves_the_words_and_is_logged(
    slide: Any, cut: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "omni_core.media")
    shapes = '<sp><p><t>Harbour plan</t></p></sp><pic><blip r:embed="i"/></pic>'
    path = slide(shapes, i=("media/i.emf", b"\1\0\0\0 no image"))
    (segment,) = cut(path)
    assert segment.text == "Harbour plan"
    assert "ppt/media/i.emf is not shown: UnidentifiedImageError" in caplog.text


def _sp(words: str, kind: str = "") -> str:
    holder = f'<nvPr><ph type="{kind}"/></nvPr>' if kind else ""
    return f"<sp>{holder}<txBody><p><r><t>{words}</t></r></p></txBody></sp>"


def test_shapes_of_groups_and_alternatives_and_rows_of_tables_are_read_once(
    slide: Any, cut: Any
) -> None:
    rows = "".join(
        f"<tr>{''.join(f'<tc><txBody><p><r><t>{w}</t></r></p></txBody></tc>' for w in row)}</tr>"
        for row in (("Boat", "Crew", "Tons"), ("Marta", "", "41"))
    )
    path = slide(
        f"<grpSp><grpSp>{_sp('In a group')}</grpSp></grpSp>"
        f"<AlternateContent><Choice>{_sp('Formula')}</Choice>"
        f"<Fallback>{_sp('Formula')}</Fallback></AlternateContent>"
        f"<graphicFrame><tbl>{rows}</tbl></graphicFrame>"
        f"{_sp('The title', 'title')}{_sp('7', 'sldNum')}"
    )
    (segment,) = cut(path)
    assert segment.text.split("\n") == [
        "The title", "In a group", "Formula", "Boat | Crew | Tons", "Marta |  | 41",
    ]  # fmt: skip
    assert segment.extra == {"heading": "The title"}


def test_comments_of_both_formats_are_read_with_their_replies(slide: Any, cut: Any) -> None:
    old = '<l><cm authorId="0"><text>Check this</text></cm></l>'
    body = "<txBody><p><r><t>{}</t></r></p></txBody>"
    new = (
        f'<l><cm authorId="A">{body.format("Which year?")}<replyLst><reply authorId="B">'
        f"{body.format('1956')}</reply></replyLst></cm></l>"
    )
    for comments, expected in (
        (old, ["Comment: Check this"]),
        (new, ["Comment: Which year?", "Comment: 1956"]),
    ):
        (segment,) = cut(slide(_sp("Catch"), comments=("comments/c.xml", comments)))
        assert segment.text.split("\n") == ["Catch", *expected]


def test_what_layout_and_master_say_is_read_and_their_placeholders_are_not(
    zipped: Any, cut: Any
) -> None:
    def links(**targets: str) -> str:
        each = (f'<Relationship Id="{k}" Type="x/{k}" Target="{t}"/>' for k, t in targets.items())
        return f"<Relationships>{''.join(each)}</Relationships>"

    order = "".join(f'<sldId r:id="s{n}"/>' for n in (1, 2))
    slides = "".join(f'<Relationship Id="s{n}" Target="slides/{n}.xml"/>' for n in (1, 2))
    path = zipped("a.pptx", {
        "ppt/presentation.xml": f"<p {R}>{order}</p>",
        "ppt/_rels/presentation.xml.rels": f"<Relationships>{slides}</Relationships>",
        "ppt/slides/1.xml": f"<sld>{_sp('One')}{_sp('Office of Ports', 'ftr')}</sld>",
        "ppt/slides/2.xml": f'<sld show="0">{_sp("Two")}{_sp("Office of Ports", "ftr")}</sld>',
        "ppt/slides/_rels/1.xml.rels": links(slideLayout="../layouts/l.xml"),
        "ppt/slides/_rels/2.xml.rels": links(slideLayout="../layouts/l.xml"),
        "ppt/layouts/l.xml": f"<x>{_sp('Draft')}{_sp('Click to add text', 'body')}</x>",
        "ppt/layouts/_rels/l.xml.rels": links(slideMaster="../m.xml"),
        "ppt/m.xml": f"<x>{_sp('Not for release')}</x>",
    })  # fmt: skip
    assert [(s.text.split("\n"), s.origin) for s in cut(path)] == [
        (["One", "Office of Ports", "Draft", "Not for release"], "slide text"),
        (["Two"], "text of a hidden slide"),
    ]


def test_films_and_sounds_within_a_show_are_named(slide: Any, svc: Any) -> None:
    sound = ("media/horn%20one.wav", b"x")
    path = slide(_sp("Launch"), video=("media/launch.mp4", b"x"), audio=sound, media=sound)
    source = Source("0" * 64, str(path), "a", Modality.DOCUMENT, "", 1, None, 1)
    found = [
        p for p in svc.decompose(str(path), source, CutOptions()) if isinstance(p, FileWarning)
    ]
    assert [w.message for w in found] == [
        "embedded files are not read: slide 1: launch.mp4, slide 1: horn one.wav; save and ingest "
        "them by themselves"
    ]
