"""What people wrote into a picture, and when they say that it was taken."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from omni_core.types import Channel, Modality

_XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:r="http://www.metadataworkinggroup.com/schemas/regions/" {attributes}>{elements}
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def _xmp(elements: str = "", attributes: str = "") -> bytes:
    return _XMP.replace("{attributes}", attributes).replace("{elements}", elements).encode()


def _alt(**texts: str) -> str:
    items = "".join(
        f'<rdf:li xml:lang="{k.replace("_", "-")}">{v}</rdf:li>' for k, v in texts.items()
    )
    return f"<rdf:Alt>{items}</rdf:Alt>"


def _bag(*texts: str) -> str:
    return f"<rdf:Bag>{''.join(f'<rdf:li>{text}</rdf:li>' for text in texts)}</rdf:Bag>"


def _picture() -> Image.Image:
    return Image.new("RGB", (64, 48), (90, 120, 60))


def _words(cut: Any, path: Path) -> str:
    return "\n".join(s.text for s in cut(path) if s.channel is Channel.TEXT)


def _iim(*fields: tuple[int, bytes], utf8: bool = True) -> bytes:
    data = b"\x1c\x01\x5a\0\x03\x1b%G" if utf8 else b""
    for number, value in fields:
        data += struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value
    return data


def _with_iptc(path: Path, data: bytes) -> Path:
    """A JPEG with Photoshop's resources, in which IPTC lies."""
    _picture().save(path)
    resources = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) & 1)
    body = b"Photoshop 3.0\0" + resources
    jpeg = path.read_bytes()
    path.write_bytes(jpeg[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + jpeg[2:])
    return path


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.avif"])
def test_xmp_is_read_in_every_format_that_holds_it(name: str, tmp_path: Path, cut: Any) -> None:
    elements = (
        f"<dc:title>{_alt(x_default='Harbour at dusk', de='Hafen in der Dämmerung')}</dc:title>"
        f"<dc:subject>{_bag('ferry', 'fog')}</dc:subject>"
        f"<ext:PersonInImage>{_bag('Sigrid Holm')}</ext:PersonInImage>"
        "<r:Regions rdf:parseType='Resource'><r:RegionList><rdf:Bag><rdf:li r:Name='Jørgen Dahl' "
        "r:Type='Face'/></rdf:Bag></r:RegionList></r:Regions>"
    )
    packet = _xmp(elements, 'photoshop:City="Bergen"')
    path = tmp_path / name
    if name == "a.png":
        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", packet.decode())
        _picture().save(path, pnginfo=texts)
    elif name == "a.tif":
        _picture().save(path, tiffinfo={700: packet})
    else:
        _picture().save(path, xmp=packet)
    assert _words(cut, path).split("\n") == [
        "Harbour at dusk", "Hafen in der Dämmerung", "keywords: ferry, fog",
        "people: Sigrid Holm, Jørgen Dahl", "place: Bergen",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "utf8"), [("utf-8", True), ("utf-8", False), ("cp1252", False)]
)
def test_iptc_is_read_whatever_its_encoding(
    encoding: str, utf8: bool, tmp_path: Path, cut: Any
) -> None:
    caption = "Die Königin eröffnet die Brücke über den Fluß für Fußgänger".encode(encoding)
    fields = ((105, b"Bridge opened"), (120, caption), (25, b"bridge"), (25, b"queen"),
              (90, b"Oslo"), (80, b"A. Berg"))  # fmt: skip
    words = _words(cut, _with_iptc(tmp_path / "a.jpg", _iim(*fields, utf8=utf8)))
    assert words.split("\n") == [
        "Bridge opened", "Die Königin eröffnet die Brücke über den Fluß für Fußgänger",
        "keywords: bridge, queen", "place: Oslo", "creator: A. Berg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "comment",
    [
        b"ASCII\0\0\0The old tannery",
        b"UNICODE\0" + "The old tannery".encode("utf-16-le"),
        b"UNICODE\0" + "The old tannery".encode("utf-16-be"),
        b"UNICODE\0The old tannery",
        b"ASCII\0\0\0" + "The old tannery".encode("utf-16-le"),
        b"ASCII\0\0\0The old tannery\0\0\0",
        b"\0" * 8 + b"The old tannery",
    ],
)
def test_a_comment_in_exif_is_read_in_its_character_set(
    comment: bytes, tmp_path: Path, cut: Any
) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    _picture().save(tmp_path / "a.jpg", exif=exif)
    assert _words(cut, tmp_path / "a.jpg") == "The old tannery"


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("text", ["ロケット発射", "河水很高，火箭在黎明发射", "로켓이 발사되었다"])
def test_a_comment_in_utf16_is_read_in_either_order_of_bytes(
    text: str, order: str, tmp_path: Path, cut: Any
) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode(f"utf-16-{order}")
    _picture().save(tmp_path / "a.jpg", exif=exif)
    assert _words(cut, tmp_path / "a.jpg") == text


def test_utf8_in_a_field_of_exif_is_no_mojibake(tmp_path: Path, cut: Any) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Café zur Brücke".encode()
    _picture().save(tmp_path / "a.jpg", exif=exif)
    assert _words(cut, tmp_path / "a.jpg") == "Café zur Brücke"


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("Comment", "A puffin with a scarf", "A puffin with a scarf"),
        ("Comment", "Created with GIMP", ""),
        ("Software", "Paint 3", ""),
        ("parameters", "a pier in fog\nNegative prompt: blur\nSteps: 20, Seed: 1", "a pier in fog"),
        ("workflow", '{"nodes": [{"id": 1, "type": "KSampler"}]}', ""),
        ("Description", '{"nodes": [1, 2]}', ""),
    ],
)  # fmt: skip
def test_texts_of_people_in_a_png_are_read_and_those_of_programs_are_not(
    key: str, text: str, expected: str, tmp_path: Path, cut: Any
) -> None:
    texts = PngInfo()
    texts.add_text(key, text)
    _picture().save(tmp_path / "a.png", pnginfo=texts)
    assert _words(cut, tmp_path / "a.png") == expected


@pytest.mark.parametrize("name", ["a.gif", "a.jpg"])
def test_a_comment_in_a_gif_or_jpeg_is_read(name: str, tmp_path: Path, cut: Any) -> None:
    _picture().save(tmp_path / name, comment="Grandfather on the pier")
    assert _words(cut, tmp_path / name) == "Grandfather on the pier"


def test_the_comment_of_an_animation_is_read(tmp_path: Path, cut: Any, slide: Any) -> None:
    frames = [Image.fromarray(slide(word)) for word in ("One", "Two")]
    frames[0].save(
        tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=3000,
        comment="How the lock opens",
    )  # fmt: skip
    (text,) = (s for s in cut(tmp_path / "a.gif") if s.channel is Channel.TEXT)
    assert (text.text, text.modality) == ("How the lock opens", Modality.VIDEO)


def _dated(path: Path, *, original: str = "", digitised: str = "", modified: str = "",
           xmp: bytes = b"", more: dict[int, str] | None = None) -> Path:  # fmt: skip
    exif = Image.Exif()
    inner = exif.get_ifd(0x8769)
    for tag, value in ((0x9003, original), (0x9004, digitised), *(more or {}).items()):
        if value:
            inner[tag] = value
    if modified:
        exif[0x0132] = modified
    _picture().save(path, exif=exif, xmp=xmp)
    return path


def _date(svc: Any, path: Path) -> tuple[datetime | None, str]:
    info = svc.probe(str(path))
    return info.recorded_at, info.recorded_at_from


def test_the_moment_of_exposure_stands_over_every_other_date(tmp_path: Path, svc: Any) -> None:
    created = _xmp("", 'xmp:CreateDate="2020-02-02T10:00:00Z"')
    path = tmp_path / "a.jpg"
    _dated(path, original="2019:01:01 10:00:00", digitised="2021:01:01 10:00:00",
           modified="2022:01:01 10:00:00", xmp=created, more={0x9011: "+00:00"})  # fmt: skip
    assert _date(svc, path) == (
        datetime(2019, 1, 1, 10, tzinfo=UTC),
        "exif",
    )
    _dated(path, digitised="2021:01:01 10:00:00", modified="2022:01:01 10:00:00", xmp=created)
    assert _date(svc, path) == (
        datetime(2020, 2, 2, 10, tzinfo=UTC),
        "xmp",
    )


@pytest.mark.parametrize(
    "wrong", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2019:13:40 99:00:00"]
)
def test_a_date_that_cannot_be_is_passed_over(wrong: str, tmp_path: Path, svc: Any) -> None:
    path = _dated(tmp_path / "a.jpg", original=wrong, digitised="2021:06:01 10:00:00")
    found = svc.probe(str(path))
    assert found.recorded_at.astimezone().strftime("%Y-%m-%d %H:%M") == "2021-06-01 10:00"


def test_parts_of_a_second_and_the_zone_of_the_camera_count(tmp_path: Path, svc: Any) -> None:
    path = _dated(tmp_path / "a.jpg", original="2019:01:01 10:00:00",
                  more={0x9291: "25", 0x9011: "-03:00"})  # fmt: skip
    expected = datetime(2019, 1, 1, 13, 0, 0, 250_000, tzinfo=UTC)
    assert svc.probe(str(path)).recorded_at == expected


def test_an_archive_dates_a_scan_by_what_it_shows(tmp_path: Path, svc: Any) -> None:
    path = _with_iptc(tmp_path / "a.jpg", _iim((55, b"19350612"), (60, b"120000+0000")))
    assert _date(svc, path) == (
        datetime(1935, 6, 12, 12, tzinfo=UTC),
        "iptc",
    )


def test_the_time_in_a_png_is_read(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.png"
    _picture().save(path)
    body = b"tIME" + struct.pack(">HBBBBB", 2018, 5, 4, 3, 2, 1)
    data = path.read_bytes()
    chunk = struct.pack(">I", 7) + body + struct.pack(">I", zlib.crc32(body))
    path.write_bytes(data[:-12] + chunk + data[-12:])
    assert _date(svc, path) == (
        datetime(2018, 5, 4, 3, 2, 1, tzinfo=UTC),
        "png",
    )


@pytest.mark.parametrize(
    "written",
    [
        "Wed, 31 Jan 2024 18:45:00 +0100",
        "31 Jan 2024 17:45:00 GMT",
        "Wed Jan 31 17:45:00 2024 +0000",
        "2024-01-31T18:45:00+01:00",
    ],
)
def test_a_png_may_write_its_time_as_mail_does_with_or_without_the_weekday(
    written: str, tmp_path: Path, svc: Any
) -> None:
    texts = PngInfo()
    texts.add_text("Creation Time", written)
    _picture().save(tmp_path / "a.png", pnginfo=texts)
    assert _date(svc, tmp_path / "a.png") == (datetime(2024, 1, 31, 17, 45, tzinfo=UTC), "png")


@pytest.mark.parametrize("written", ["12 of the best", "3 Mar", "31 Feb 2024 10:00:00 GMT"])
def test_a_time_of_a_png_that_is_none_gives_no_date(written: str, tmp_path: Path, svc: Any) -> None:
    texts = PngInfo()
    texts.add_text("Creation Time", written)
    _picture().save(tmp_path / "a.png", pnginfo=texts)
    assert svc.probe(str(tmp_path / "a.png")).recorded_at_from == "file time"


@pytest.mark.parametrize(
    "packet",
    [
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF", b"\xff\xfe\0\0", b"<a>" * 5000,
        b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>',
    ],
)  # fmt: skip
def test_damaged_xmp_costs_no_picture(packet: bytes, tmp_path: Path, cut: Any) -> None:
    _picture().save(tmp_path / "a.jpg", xmp=packet)
    assert len(cut(tmp_path / "a.jpg")) == 1
