"""Copyright, credit, keywords and places of a picture are searchable, however large its XMP is."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core.media.image import xmp
from omni_core.types import CutOptions, FileWarning, Segment, Source

PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
 xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:GImage="http://ns.google.com/photos/1.0/image/" {}>{}</rdf:Description></rdf:RDF>
</x:xmpmeta>"""
RIGHTS = """<dc:rights><rdf:Alt><rdf:li>All rights with Ann Ames</rdf:li></rdf:Alt></dc:rights>
<xmpRights:UsageTerms><rdf:Alt><rdf:li>No use in print</rdf:li></rdf:Alt></xmpRights:UsageTerms>
<photoshop:Credit>Quayside Agency</photoshop:Credit>
<photoshop:Source>Town archive</photoshop:Source>
<lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Norway|Bergen</rdf:li></rdf:Bag>
</lr:hierarchicalSubject><Iptc4xmpExt:LocationShown><rdf:Bag><rdf:li rdf:parseType="Resource">
<Iptc4xmpExt:City>Odda</Iptc4xmpExt:City><Iptc4xmpExt:CountryName>Norge</Iptc4xmpExt:CountryName>
</rdf:li></rdf:Bag></Iptc4xmpExt:LocationShown>"""


def items(svc: Any, path: Path) -> tuple[str, list[str]]:
    """The words of a picture, and its warnings."""
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "", info.modality, info.mime, 1)
    found = list(svc.decompose(str(path), source, CutOptions()))
    words = [i.text for i in found if isinstance(i, Segment) and i.channel == "text"]
    return "\n".join(words), [i.message for i in found if isinstance(i, FileWarning)]


def saved(path: Path, packet: str) -> Path:
    """A picture with this XMP; of TIFF, as Photoshop writes it."""
    where: dict[str, Any] = {"xmp": packet.encode()}
    if path.suffix == ".tif":
        where = {"tiffinfo": {700: packet.encode()}}
    Image.new("RGB", (64, 48), (90, 120, 60)).save(path, **where)
    return path


def test_rights_credit_and_places_in_xmp_are_read(tmp_path: Path, svc: Any) -> None:
    words, warned = items(svc, saved(tmp_path / "a.jpg", PACKET.format("", RIGHTS)))
    assert words.splitlines() == [
        "keywords: Places, Norway, Bergen",
        "place: Odda, Norge",
        "credit: Quayside Agency",
        "source: Town archive",
        "copyright: All rights with Ann Ames, No use in print",
    ]
    assert not warned


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_the_copyright_in_exif_is_read(suffix: str, tmp_path: Path, svc: Any) -> None:
    exif = Image.Exif()
    exif[0x8298] = "(c) 2024 Ann Ames"
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (64, 48)).save(path, exif=exif)
    assert items(svc, path) == ("copyright: (c) 2024 Ann Ames", [])


def test_the_copyright_in_iptc_is_read(tmp_path: Path, svc: Any) -> None:
    fields = ((110, b"Quayside"), (115, b"Town archive"), (116, b"Ann Ames 2024"))
    iim = b"".join(struct.pack(">BBBH", 28, 2, n, len(v)) + v for n, v in fields)
    body = b"Photoshop 3.0\0" + b"8BIM\4\4\0\0" + struct.pack(">I", len(iim)) + iim + b"\0"
    path = tmp_path / "a.jpg"
    Image.new("RGB", (64, 48)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + data[2:])
    words, _ = items(svc, path)
    assert words == "credit: Quayside\nsource: Town archive\ncopyright: Ann Ames 2024"


def test_what_programs_wrote_for_themselves_hides_no_words(tmp_path: Path, svc: Any) -> None:
    ids = "".join(f"<rdf:li>xmp.did:{n:032x}</rdf:li>" for n in range(150_000))
    bulk = f"<photoshop:DocumentAncestors><rdf:Bag>{ids}</rdf:Bag></photoshop:DocumentAncestors>"
    depth = f'GImage:Data="{"QUJD" * 2_500_000}"'
    path = saved(tmp_path / "a.tif", PACKET.format(depth, bulk + RIGHTS))
    assert path.stat().st_size > 16 << 20
    words, warned = items(svc, path)
    assert "copyright: All rights with Ann Ames" in words
    assert not warned


def test_xmp_that_is_too_large_is_named(
    tmp_path: Path, svc: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xmp, "_MAX_BYTES", 1 << 20)
    long = f"<photoshop:Credit>{'many words ' * 200_000}</photoshop:Credit>"
    words, warned = items(svc, saved(tmp_path / "a.tif", PACKET.format("", long)))
    assert not words
    assert warned == ["what is written in the picture as XMP is not read: it has 2 MB"]


def test_xmp_in_several_segments_of_a_jpeg_is_joined(tmp_path: Path, svc: Any) -> None:
    path = saved(tmp_path / "a.jpg", PACKET.format("", "<photoshop:City>Oslo</photoshop:City>"))
    whole = PACKET.format("", RIGHTS).encode()
    cuts = [whole[:700], whole[700:]]
    pieces = b""
    for at, piece in ((700, cuts[1]), (0, cuts[0])):  # in any order
        head = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32
        body = head + struct.pack(">II", len(whole), at) + piece
        pieces += b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    data = path.read_bytes()
    path.write_bytes(data[:2] + pieces + data[2:])
    words, warned = items(svc, path)
    assert "place: Oslo, Odda, Norge" in words and "credit: Quayside Agency" in words
    assert not warned
