"""PPTX: the words of charts and diagrams; images that cannot be decoded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


@pytest.fixture
def slide(zipped: Callable[..., Path]) -> Callable[..., Path]:
    """A show of one slide with these shapes; keyword arguments: (target, data) by their id."""

    def write(shapes: str, **linked: tuple[str, str | bytes]) -> Path:
        links = "".join(f'<Relationship Id="{k}" Target="../{t}"/>' for k, (t, _) in linked.items())
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
