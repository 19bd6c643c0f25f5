"""Long descriptions are searchable to their end, and those of pages at their pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from omni_core.media.image.description import MAX_CHARACTERS
from omni_core.types import Channel, Segment, Span

Pieces = Callable[[Path], tuple[list[Segment], list[str]]]


def _texts(segments: list[Segment]) -> list[Segment]:
    return [s for s in segments if s.channel is Channel.TEXT]


def _png(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for name, text in texts.items():
        info.add_itxt(name, text, zip=True)
    Image.new("RGB", (64, 48), (90, 120, 60)).save(path, pnginfo=info)
    return path


def _letter(words: int) -> str:
    return " ".join(f"gull{n}" for n in range(words))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif"])
def test_a_long_description_is_searchable_to_its_last_word(
    name: str, tmp_path: Path, pieces: Pieces
) -> None:
    path, letter = tmp_path / name, _letter(2_000)
    if name == "a.png":
        _png(path, Description=letter)
    else:
        Image.new("RGB", (64, 48)).save(path, comment=letter)
    segments, warnings = pieces(path)
    texts = _texts(segments)
    assert warnings == []
    assert {word for s in texts for word in s.text.split()} == set(letter.split())
    assert [s.part for s in texts] == [*range(len(texts))]
    assert len({s.id for s in texts}) == len(texts) > 10
    assert {(s.origin, s.span) for s in texts} == {("image description", Span("second", 0, 0))}


def test_a_long_description_of_an_animation_is_searchable_to_its_last_word(
    tmp_path: Path, pieces: Pieces, slide: Any
) -> None:
    frames = [Image.fromarray(slide(word)) for word in ("One", "Two")]
    frames[0].save(
        tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=3000,
        comment=_letter(1_000),
    )  # fmt: skip
    assert _texts(pieces(tmp_path / "a.gif")[0])[-1].text.endswith("gull999")


def test_what_is_beyond_the_longest_description_is_said_to_be_left_out(
    tmp_path: Path, pieces: Pieces
) -> None:
    letter = _letter(MAX_CHARACTERS // 8)
    segments, (line,) = pieces(_png(tmp_path / "a.png", Description=letter))
    kept = {word for s in _texts(segments) for word in s.text.split()}
    assert 0.9 * MAX_CHARACTERS < len(" ".join(kept)) <= MAX_CHARACTERS
    assert line == (
        f"of the {len(letter):,} characters written in the picture the first "
        f"{MAX_CHARACTERS:,} can be searched"
    )


def test_a_long_text_that_ends_with_the_name_of_a_device_is_of_a_person(
    tmp_path: Path, pieces: Pieces
) -> None:
    letter = f"{_letter(100)} with my digital camera"
    (text,) = _texts(pieces(_png(tmp_path / "a.png", Description=letter))[0])
    assert text.text == letter


def test_the_author_source_and_copyright_of_a_png_are_read(tmp_path: Path, pieces: Pieces) -> None:
    path = _png(
        tmp_path / "a.png", Comment="Gannets", Author="Zoë Müller", Source="scan of a letter",
        Copyright="(c) Harbour Museum",
    )  # fmt: skip
    (text,) = _texts(pieces(path)[0])
    assert text.text.split("\n") == [
        "Gannets", "creator: Zoë Müller", "source: scan of a letter",
        "copyright: (c) Harbour Museum",
    ]  # fmt: skip


def _tiff(path: Path, *descriptions: str) -> Path:
    pages = []
    for n, description in enumerate(descriptions):
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[0x010E], tags[0x013B] = description, "A. Berg"
        page = Image.new("RGB", (60, 40), (40 * n, 90, 90))
        page.encoderinfo = {"tiffinfo": tags}
        pages.append(page)
    first = pages[0].encoderinfo["tiffinfo"]
    pages[0].save(path, save_all=True, append_images=pages[1:], tiffinfo=first)
    return path


def test_each_page_of_a_tiff_has_its_description_and_what_is_repeated_is_given_once(
    tmp_path: Path, pieces: Pieces
) -> None:
    path = _tiff(tmp_path / "a.tif", "The old tannery", "The pier", "The old tannery", "The ferry")
    texts = _texts(pieces(path)[0])
    assert [(s.text, s.span) for s in texts] == [
        ("The old tannery\ncreator: A. Berg", Span("page", 1, 2)),
        ("The pier", Span("page", 2, 3)),
        ("The ferry", Span("page", 4, 5)),
    ]
