"""Formats that we parse ourselves, each parser by itself: subtitles, mail, records, pictures."""

# ruff: noqa: E501 - seeds are lines of their formats

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from types import MappingProxyType

from PIL import Image

from bench.fuzz.table import Target, of_text
from omni_core.media.av import chapters, mpeg_audio, parts, tag_text
from omni_core.media.document import biff, metafile, number_format, ole_summary
from omni_core.media.image import heif_boxes, iptc, mending, tags, xmp
from omni_core.media.text import (
    compressed_rtf,
    data_xml,
    mail,
    mail_rtf,
    mail_tnef,
    markdown,
    markup,
    structured,
    subtitle_formats,
)

SUBTITLES: dict[str, bytes] = {
    ".srt": b"1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i>\n\n2\n00:00:03,000 --> 00:00:04,000\n-A\n",
    ".vtt": b"WEBVTT - Title\n\nNOTE x\n\na\n00:01.000 --> 00:02.000 line:0\n<v Ann>Hello</v>\n",
    ".ass": b"[Script Info]\nTitle: T\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, "
    b"MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:01.00,0:00:02.00,D,Ann,0,0,0,,{\\p1}m 0 0{\\p0}Hi\n",
    ".sub": b"{1}{1}25\n{25}{50}Hello|there\n{60}{90}{y:i}x\n",
    ".sbv": b"0:00:01.000,0:00:02.000\nHello\n\n0:00:03.000,0:00:04.000\nx\n",
    ".lrc": b"[ti:T]\n[offset:+100]\n[00:01.00]One <00:01.50>two\n[00:02.00][00:03.00]x\n",
    ".ttml": b'<tt xmlns="http://www.w3.org/ns/ttml" xmlns:t="http://www.w3.org/ns/ttml#parameter" '
    b't:frameRate="25"><body><div><p begin="00:00:01:05" end="2s">Hi<br/>a</p></div></body></tt>',
    ".smi": b"<SAMI><BODY><SYNC Start=1000><P Class=EN>Hi<SYNC Start=2000><P>&nbsp;</BODY></SAMI>",
    ".scc": b"Scenarist_SCC V1.0\n\n00:00:01:00\t9420 9420 94f2 c845 4c4c 4f20 942f 942f\n",
    ".xml": b'<?xml version="1.0"?><timedtext format="3"><body><p t="1000" d="500">Hi</p></body></timedtext>',
    ".json": b'{"wireMagic": "pb3", "events": [{"tStartMs": 1000, "dDurationMs": 500, "segs": '
    b'[{"utf8": "Hi", "tOffsetMs": 3}]}]}',
    ".txt": b"[INFORMATION]\n[TITLE]T\n[END INFORMATION]\n[SUBTITLE]\n00:00:01.00,00:00:02.00\nHi[br]a\n",
    ".sv1": b"[TITLE]\nT\n[BEGIN]\n[00:00:01]\nHi\n[00:00:02]\n\n[END]\n",
}
MAIL = (
    b"From: =?utf-8?q?=C3=84nn?= <a@b.c>\nTo: x@y\nSubject: =?utf-8?b?w4Q=?=\nDate: Tue, 5 Mar 2024 "
    b'10:00:00 -0500\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="q"\n\n--q\n'
    b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n=C3=84"
    b'\n--q\nContent-Type: text/html\n\n<p>x</p>\n--q\nContent-Disposition: attachment; filename="a.txt"'
    b"\nContent-Transfer-Encoding: base64\n\nYWJj\n--q--\n"
)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax'
    b'-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com'
    b'/xap/1.0/" xmp:CreateDate="2024-03-05T10:00:00"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">T'
    b"</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"
)
IPTC = (
    b"\x1c\x01\x5a\x00\x03\x1b%G" + b"\x1c\x02\x05\x00\x05Title" + b"\x1c\x02\x37\x00\x0820240305"
)
RESOURCES = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC
SUMMARY = (
    bytes(44) + struct.pack("<IIIII", 48, 60, 1, 2, 16) + struct.pack("<II", 30, 6) + b"Title\0"
)
RTF = b"{\\rtf1\\ansi some text, some text}"
PAGE_IN_RTF = b"{\\rtf1\\fromhtml1{\\*\\htmltag64 <p>}\\htmlrtf x\\htmlrtf0 caf\\'e9\\u8364?}"
WRAPPED = b"\x78\x9f\x3e\x22\1\0" + b"".join(
    struct.pack("<BII", level, tag, len(value)) + value + b"\0\0"
    for level, tag, value in (
        (1, 0x69003, struct.pack("<IHHII", 1, 0x1E, 0x1000, 1, 6) + b"words\0\0\0"),
        (2, 0x69002, bytes(14)), (2, 0x18010, b"a.txt\0"), (2, 0x6800F, b"more words"),
    )
)  # fmt: skip
PACKED = struct.pack("<IIII", len(RTF) + 12, len(RTF), 0x414C454D, 0) + RTF
EMF = struct.pack("<II", 1, 88) + bytes(80) + struct.pack("<II", 84, 76) + bytes(68)
WMF = struct.pack("<IHHHHHHIHHHHIHIH", 0x9AC6CDD7, 0, 0, 0, 9, 9, 96, 0, 0, 1, 9, 768, 40, 0, 5, 0)
BIFF = struct.pack("<HHHH", 0x809, 4, 0x600, 5) + struct.pack("<HH", 0x85, 8) + b"\0\0\0\0\0\0\1S"


def _saved(kind: str) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x9003], exif[0x010E], exif[0x0112] = "2024:03:05 10:00:00", "words", 6
    Image.new("RGB", (4, 3), "red").save(out, kind, exif=exif)
    return out.getvalue()


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0132], exif[0x010E], exif[0x9286] = "2024:03:05 10:00:00", "words", b"ASCII\0\0\0x"
    return exif.tobytes()


def _read_exif(data: bytes) -> None:
    exif = Image.Exif()
    try:
        exif.load(data)
    except Exception:
        return  # Pillow's own parser: `exif_of` says that the tags are damaged
    tags.tags_of(exif)


def _subtitles(suffix: str) -> Callable[[bytes], object]:
    def read(data: bytes) -> None:
        subtitle_formats.claims(data[:4096], suffix)
        for cue in subtitle_formats.read_bytes_of(data, suffix).cues:
            if not cue.end >= cue.start:
                raise AssertionError(f"a cue that ends before it begins: {cue}")

    return read


def _stl() -> bytes:
    head = b"850STL25.01" + b" " * 229 + b"00001" * 3 + bytes(1024)
    cue = b"\0\1\0\xff\0" + bytes((0, 0, 1, 0, 0, 0, 2, 0)) + b"\x14\2\0Hi" + b"\x8f" * 120
    return head[:1024] + cue[:128]


def _markup(text: str) -> None:
    markup.simplify(text)
    markdown.outline(text)
    structured.readable(text)
    if data_xml.is_data(text):
        list(data_xml.attribute_lines(text, ""))


def _heif(data: bytes) -> None:
    items = heif_boxes.Items(io.BytesIO(data))
    for picture in items.pictures():
        items.metadata(picture)
        items.alpha_of(picture)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def _heif_file() -> bytes:
    infe = _box(b"infe", b"\2\0\0\0\0\1\0\0hvc1\0")
    meta = b"\0\0\0\0" + _box(b"pitm", b"\0\0\0\0\0\1") + _box(b"iinf", b"\0\0\0\0\0\1" + infe)
    meta += _box(b"iloc", b"\0\0\0\0\x44\0\0\1\0\1\0\0\0\1\0\0\0\0\0\0\0\4")
    meta += _box(
        b"iprp",
        _box(b"ipco", _box(b"ispe", bytes(12))) + _box(b"ipma", bytes(4) + b"\0\0\0\1\0\1\1\1"),
    )
    return _box(b"ftyp", b"heic\0\0\0\0mif1") + _box(b"meta", meta)


def targets() -> list[Target]:
    """The targets of this table."""
    formats: list[tuple[str, Callable[[bytes], object], tuple[bytes, ...]]] = [
        *((f"subtitles {suffix}", _subtitles(suffix), (seed,)) for suffix, seed in SUBTITLES.items()),
        ("subtitles .stl", _subtitles(".stl"), (_stl(),)),
        ("mail", lambda data: mail.read_mail(data), (MAIL,)),
        ("markup", of_text(_markup), (
            b"<html><head><title>T</title></head><body><h1>H</h1><p>w<b>x</b>&amp;</p></body></html>",
            b"# T\n\n| a | b |\n|---|---|\n| 1 | `x` |\n\n```\ncode\n```\n<!-- c -->\n[l](u)\n",
            b'<?xml version="1.0"?><a b="c"><d e="f">g</d></a>', b'{"a": [{"b": "c"}, 1]}')),
        ("picture exif", _read_exif, (_exif(),)),
        ("picture xmp", lambda data: xmp.read(data), (XMP,)),
        ("picture iptc", lambda data: iptc._fields(iptc._from_resources(data)), (RESOURCES,)),
        ("picture png mended", lambda data: mending.png(data), (_saved("PNG"),)),
        ("picture gif mended", lambda data: mending.gif(data), (_saved("GIF"),)),
        ("picture webp mended", lambda data: mending.webp(data, b""), (_saved("WEBP"),)),
        ("sound head", lambda data: mpeg_audio.is_mpeg_audio(data, ".mp3"),
         (b"\xff\xfb\x90\x64" + bytes(413) + b"\xff\xfb\x90\x64" + bytes(413),)),
        ("film stream head", lambda data: parts.is_transport_stream(data),
         ((b"\x47\x40\0\x10" + bytes(184)) * 4,)),
        ("film tags", of_text(lambda t: tag_text.decoded(MappingProxyType({"title": t}), "mp3")),
         ("Ärger".encode(), "Ã„rger".encode(), "Òåñò".encode())),
        ("film chapter titles", of_text(chapters.is_generic), (b"Chapter 01", b"Kapitel 3")),
        ("number format", of_text(number_format.number_format), (
            b'#,##0.00;[Red]-#,##0.00', b'yyyy-mm-dd hh:mm:ss', b'[$-409]d/m/yy;@', b'0.0E+00 "x"_)')),
        ("outlook's wrapper", lambda data: mail_tnef.unwrapped(data), (WRAPPED,)),
        ("rtf of mail", lambda data: mail_rtf.body_of(data), (RTF, PAGE_IN_RTF)),
        ("rtf compressed", lambda data: compressed_rtf.decompress(data), (PACKED,)),
        ("ole summary", lambda data: ole_summary.summary(data), (SUMMARY,)),
        ("metafile", lambda data: metafile.read(data), (EMF, WMF)),
        ("workbook records", lambda data: biff.Records(data), (BIFF,)),
    ]  # fmt: skip
    return [
        *(Target(name, call, seeds) for name, call, seeds in formats),
        # any error of it makes Pillow's own reader try
        Target("picture heif", _heif, (_heif_file(),), (Exception,)),
    ]
