"""A picture of an office file opens as it was seen, from its hit and from its page or passage."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core import Engine, IngestRequest, OpenRequest
from omni_core.engine.refs import Target, points_of
from omni_core.ids import segment_ref
from omni_core.points import Point
from omni_core.settings import Settings
from omni_core.types import Channel

R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
COLOURS = {"a": (200, 20, 20), "b": (20, 160, 20), "c": (20, 20, 200)}


@pytest.fixture
async def engine(opened: Callable[..., Any], settings: Settings) -> AsyncIterator[Engine]:
    async with opened(replace(settings, index="memory")) as engine:
        yield engine


def _written(path: Path, parts: dict[str, str], folder: str) -> Path:
    links = "".join(
        f'<Relationship Id="{n}" Type="x/image" Target="{folder}media/{n}.png"/>' for n in COLOURS
    )
    with zipfile.ZipFile(path, "w") as z:
        for name, xml in parts.items():
            z.writestr(name, xml.replace("LINKS", f"<Relationships>{links}</Relationships>"))
        root = next(iter(parts)).split("/")[0]
        for name, colour in COLOURS.items():
            out = io.BytesIO()
            Image.new("RGB", (400, 300), colour).save(out, "PNG")
            z.writestr(f"{root}/media/{name}.png", out.getvalue())
    return path


def _show(path: Path) -> Path:
    pictures = "".join(f'<pic><blip r:embed="{n}"/></pic>' for n in "abc")
    words = "<sp><txBody><p><r><t>Only words</t></r></p></txBody></sp>"
    order = "".join(f'<Relationship Id="s{n}" Target="slides/slide{n}.xml"/>' for n in (1, 2, 3))
    return _written(path, {
        "ppt/presentation.xml":
            f'<p xmlns:r="{R}"><sldId r:id="s1"/><sldId r:id="s2"/><sldId r:id="s3"/></p>',
        "ppt/_rels/presentation.xml.rels": f"<Relationships>{order}</Relationships>",
        "ppt/slides/slide1.xml": f'<sld xmlns:r="{R}">{pictures}</sld>',
        "ppt/slides/_rels/slide1.xml.rels": "LINKS",
        "ppt/slides/slide2.xml": f"<sld>{words}</sld>",
        "ppt/slides/slide3.xml": f'<sld xmlns:r="{R}"><pic><blip r:embed="b"/></pic></sld>',
        "ppt/slides/_rels/slide3.xml.rels": "LINKS",
    }, "../")  # fmt: skip


def _document(path: Path) -> Path:
    body = "".join(
        f"<w:p><w:r><w:t>{'Words of part ' + n} {'and more ' * 90}</w:t></w:r></w:p>"
        f'<w:p><w:r><blip r:embed="{n}"/></w:r></w:p>'
        for n in "abc"
    )
    return _written(path, {
        "word/document.xml": f'<w:document xmlns:w="w" xmlns:r="{R}">{body}</w:document>',
        "word/_rels/document.xml.rels": "LINKS",
    }, "")  # fmt: skip


async def _seen(engine: Engine, path: Path) -> list[Point]:
    """The stored pictures of a file, ingested, in order."""
    status = await engine.ingest(IngestRequest(str(path)))
    assert status.state == "ready"
    row = await asyncio.to_thread(engine._context.catalog.get, status.source_id)
    assert row is not None
    points = await points_of(engine._context, Target(row))
    return [p for p in points if p.stored.channel is Channel.VISUAL]


def _colour(jpeg: bytes) -> str:
    """The name of the picture whose colour is in the middle of an image."""
    image = Image.open(io.BytesIO(jpeg))
    pixel = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(pixel, tuple)
    return min(
        COLOURS, key=lambda n: sum(abs(x - y) for x, y in zip(COLOURS[n], pixel, strict=True))
    )


async def test_each_picture_of_a_slide_opens_as_itself_and_the_page_shows_them_all(
    engine: Engine, tmp_path: Path
) -> None:
    path = await asyncio.to_thread(_show, tmp_path / "show.pptx")
    first, *_ = points = await _seen(engine, path)
    assert [(p.stored.page, p.stored.part) for p in points] == [
        (1, 0),
        (1, 1),
        (1, 2),
        (1, 3),
        (3, 0),
    ]
    for point, name in zip(points[1:4], "abc", strict=True):
        (image,) = (await engine.open_ref(OpenRequest(segment_ref(point.id)))).pictures
        assert _colour(image.jpeg) == name
        assert image.caption == f"page 1, picture {point.stored.part}"
    source = first.stored.source_id
    for ref in (f"{source}#p1", segment_ref(first.id)):
        (page,) = (await engine.open_ref(OpenRequest(ref))).pictures
        assert page.caption == "page 1"
        assert page.width / page.height == pytest.approx(4 / 3, abs=0.05)
    (marked,) = (
        await engine.open_ref(OpenRequest(segment_ref(points[2].id), word_boxes=True))
    ).pictures
    assert marked.caption == "page 1"
    (small,) = (
        await engine.open_ref(OpenRequest(segment_ref(points[4].id), show=("thumbnail",)))
    ).pictures
    assert _colour(small.jpeg) == "b"


async def test_steps_go_through_slides_with_and_without_pictures(
    engine: Engine, tmp_path: Path
) -> None:
    path = await asyncio.to_thread(_show, tmp_path / "show.pptx")
    first, *_ = await _seen(engine, path)
    windows = []
    ref = segment_ref(first.id)
    for _ in range(2):
        opened = await engine.open_ref(OpenRequest(ref, step=1))
        windows.append(opened.window)
        ref = opened.ref
    assert windows == ["page 2 of 3", "page 3 of 3"]


async def test_a_picture_in_a_text_opens_with_the_text_around_it_and_the_text_with_its_pictures(
    engine: Engine, tmp_path: Path
) -> None:
    path = await asyncio.to_thread(_document, tmp_path / "report.docx")
    points = await _seen(engine, path)
    assert [p.stored.picture for p in points] == [1, 2, 3]
    for point, name in zip(points, "abc", strict=True):
        opened = await engine.open_ref(OpenRequest(segment_ref(point.id)))
        (image,) = opened.pictures
        assert _colour(image.jpeg) == name
        assert image.caption == f"picture {point.stored.picture}"
        assert f"Picture {point.stored.picture}" in " ".join(line.text for line in opened.lines)
        cited = await engine.open_ref(OpenRequest(opened.cite))
        assert [p.caption for p in cited.pictures] == [image.caption]
    source = points[0].stored.source_id
    start, end = points[0].stored.span.start, points[1].stored.span.end
    both = await engine.open_ref(OpenRequest(f"{source} chars {start:g}-{end:g}"))
    assert [p.caption for p in both.pictures] == ["picture 1", "picture 2"]
    whole = await engine.open_ref(OpenRequest(source))
    assert [p.caption for p in whole.pictures] == ["picture 1"]
    words = await engine.open_ref(OpenRequest(f"{source} chars 0-20"))
    assert (words.pictures, words.warnings) == ((), ())


async def test_the_pictures_of_a_file_that_is_gone_are_its_thumbnails(
    engine: Engine, tmp_path: Path
) -> None:
    path = await asyncio.to_thread(_document, tmp_path / "report.docx")
    points = await _seen(engine, path)
    await asyncio.to_thread(path.unlink)
    opened = await engine.open_ref(OpenRequest(segment_ref(points[1].id)))
    assert _colour(opened.pictures[0].jpeg) == "b"
