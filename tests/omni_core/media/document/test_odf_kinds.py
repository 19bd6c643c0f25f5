"""OpenDocument files of the rarer kinds: formulas, images, master documents, databases."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core.errors import UnreadableError
from omni_core.types import Channel, CutOptions, FileWarning, Segment, Source

N = "urn:oasis:names:tc:opendocument:xmlns:"
SPACES = (
    f'xmlns:o="{N}office:1.0" xmlns:text="{N}text:1.0" xmlns:draw="{N}drawing:1.0" '
    f'xmlns:style="{N}style:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
)
MATH = 'xmlns:m="http://www.w3.org/1998/Math/MathML"'
SIGNS = "<m:mrow><m:mi>E</m:mi><m:mo>=</m:mo><m:mi>m</m:mi></m:mrow>"
DTD = '<!DOCTYPE m:math PUBLIC "-//OpenOffice.org//DTD Modified W3C MathML 1.01//EN" "math.dtd">'
Zipped = Callable[..., Path]


def _file(zipped: Zipped, kind: str, content: str, **parts: str | bytes) -> Path:
    further = {k.replace("__", "/").replace("_", "."): v for k, v in parts.items()}
    mime = f"application/vnd.oasis.opendocument.{kind}"
    return zipped("a.odf", {"mimetype": mime, "content.xml": content, **further})


def _body(kind: str, inside: str) -> str:
    return f"<o:c {SPACES}><o:body><o:{kind}>{inside}</o:{kind}></o:body></o:c>"


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 300), (200, 20, 20)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("", "E = m"),
        ('<m:annotation m:encoding="StarMath 5.0">E = m %pi</m:annotation>', "E = m\nE = m %pi"),
        ('<m:annotation m:encoding="StarMath 5.0">E = m</m:annotation>', "E = m"),
    ],
)
@pytest.mark.parametrize("dtd", ["", DTD])
def test_a_formula_alone_is_read_as_its_signs_and_as_it_was_typed(
    typed: str, lines: str, dtd: str, zipped: Zipped, cut: Any, svc: Any
) -> None:
    content = f"{dtd}<m:math {MATH}><m:semantics>{SIGNS}{typed}</m:semantics></m:math>"
    path = _file(zipped, "formula", content)
    assert svc.probe(str(path)).mime == "application/vnd.oasis.opendocument.formula"
    assert [s.text for s in cut(path)] == [lines]


def test_an_image_document_is_seen(zipped: Zipped, cut: Any) -> None:
    frame = '<draw:frame><draw:image xlink:href="Pictures/a.png"/></draw:frame>'
    (seen,) = cut(_file(zipped, "image", _body("image", frame), Pictures__a_png=_png()))
    assert seen.channel is Channel.VISUAL


def test_a_database_is_refused_by_its_name(zipped: Zipped, svc: Any) -> None:
    with pytest.raises(UnreadableError, match="database") as e:
        svc.probe(str(_file(zipped, "base", _body("database", ""))))
    assert e.value.code == "UNSUPPORTED_TYPE"


@pytest.mark.parametrize("kept", ["", "<text:p>Part one.</text:p>"])
def test_a_part_that_lies_in_another_file_is_named_unless_its_text_is_there(
    kept: str, zipped: Zipped, svc: Any
) -> None:
    linked = f'<text:section-source xlink:href="part1.odt"/>{kept}'
    body = f"<text:p>Master.</text:p><text:section>{linked}</text:section>"
    path = str(_file(zipped, "text-master", _body("text", body)))
    info = svc.probe(path)
    source = Source("ab" * 32, path, info.title, info.modality, info.mime, 1)
    found = list(svc.decompose(path, source, CutOptions()))
    words = [i.text for i in found if isinstance(i, Segment)]
    said = [i.message for i in found if isinstance(i, FileWarning)]
    assert words == ["Master.\nPart one." if kept else "Master."]
    outside = "films, sounds and files that lie outside the file are not read: part1.odt"
    assert said == ([] if kept else [outside])


@pytest.mark.parametrize("kind", ["footnote", "endnote"])
def test_a_picture_in_a_note_is_seen(kind: str, zipped: Zipped, cut: Any) -> None:
    frame = '<draw:frame><draw:image xlink:href="Pictures/a.png"/></draw:frame>'
    note = (
        f'<text:note text:note-class="{kind}"><text:note-body><text:p>By theodolite.{frame}'
        "</text:p></text:note-body></text:note>"
    )
    body = _body("text", f"<text:p>Tower.{note}</text:p>")
    text, seen = cut(_file(zipped, "text", body, Pictures__a_png=_png()))
    assert text.text == f"Tower.\n{kind.capitalize()}: By theodolite.\nPicture 1"
    assert seen.channel is Channel.VISUAL


def test_a_picture_in_a_header_is_seen_once_after_the_text(zipped: Zipped, cut: Any) -> None:
    frame = '<draw:frame><draw:image xlink:href="Pictures/a.png"/></draw:frame>'
    header = f"<style:header><text:p>Coast Office{frame}</text:p></style:header>"
    master = f"<style:master-page>{header}</style:master-page>"
    text, seen = cut(
        _file(
            zipped, "text", _body("text", "<text:p>Tower.</text:p>"), Pictures__a_png=_png(),
            styles_xml=f"<o:s {SPACES}>{master}{master}</o:s>",
        )
    )  # fmt: skip
    assert text.text == "Tower.\nCoast Office\nPicture 1"
    assert (seen.channel, seen.span.start, seen.span.end) == (Channel.VISUAL, 20, 29)
