"""The film in a photo is named, where there is one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Pieces = Callable[..., tuple[list[Any], list[str]]]
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" {}/></rdf:RDF></x:xmpmeta>"""
FILM = b"\0\0\0\x18ftypisom" + bytes(500)
SAMSUNG = b"SEFH" + bytes(20) + b"SEFT"


@pytest.mark.parametrize(
    ("said", "end"),
    [('GCamera:MotionPhoto="1"', FILM), ('GCamera:MicroVideo="1"', FILM),
     ("", b"MotionPhoto_Data" + FILM + SAMSUNG)],
)  # fmt: skip
def test_the_film_of_a_motion_photo_is_named(
    said: str, end: bytes, tmp_path: Path, pieces: Pieces
) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (64, 48)).save(path, xmp=XMP.format(said).encode())
    path.write_bytes(path.read_bytes() + end)
    segments, warnings = pieces(path)
    assert [s.channel for s in segments] == ["visual"]
    assert [w[:34] for w in warnings] == ["the film of this motion photo is n"]


@pytest.mark.parametrize(
    ("said", "end"),
    [('GCamera:MotionPhoto="1"', b""), ('GCamera:MotionPhoto="0"', FILM),
     ("", b"Image_UTC_Data" + SAMSUNG), ("", b"")],
)  # fmt: skip
def test_a_photo_without_a_film_has_no_warning(
    said: str, end: bytes, tmp_path: Path, pieces: Pieces
) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (64, 48)).save(path, xmp=XMP.format(said).encode())
    path.write_bytes(path.read_bytes() + end)
    assert pieces(path)[1] == []
