"""XMP: what programs and people wrote into a picture as RDF (ISO 16684-1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from PIL import Image

from omni_core.text.charset import decode

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_NAMESPACES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "core",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "ext",
    "http://www.metadataworkinggroup.com/schemas/regions/": "regions",
    "http://ns.microsoft.com/photo/1.2/t/Region#": "people",
    "http://ns.adobe.com/xap/1.0/rights/": "rights",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://www.digikam.org/ns/1.0/": "digikam",
}
_DROPPED = re.compile(r"<\?xpacket[^<>]*>|<!DOCTYPE[^<>\[]*+(?:\[[^\]<>]*+\])?+[^<>]*>")
_BULK = (
    b"photoshop:DocumentAncestors", b"photoshop:TextLayers", b"xmpMM:History", b"xmpMM:Ingredients",
    b"xmpMM:Pantry", b"xmpMM:Manifest", b"xmp:Thumbnails",
)  # fmt: skip
"""Elements that programs write for themselves, up to hundreds of megabytes: the ancestors of a
document, its history, small pictures."""
_BYTES = re.compile(rb"\s[\w-]+:\w+=\"[A-Za-z0-9+/=\s]{4096,}\"")
"""Attributes that hold pictures, as depth maps."""
_MAX_BYTES = 16 << 20
_LARGE = 64 << 10
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_MAX_DEPTH = 60
_PSD_XMP = 1060

Xmp = dict[str, list[str]]
"""Texts by property, `dc:title` for one, in the order in which they stand."""


def xmp_of(image: Image.Image) -> Xmp:
    """The properties of an open image; none where there are none, or they are damaged."""
    found = read(_packet(image))
    for name, values in read(_extended(image)).items():
        found[name] = [*dict.fromkeys([*found.get(name, ()), *values])]
    return found


def unread(image: Image.Image) -> str:
    """A line on XMP that is too large to be read; "" for any other."""
    size = max(len(_kept(_packet(image))), len(_kept(_extended(image))))
    if size <= _MAX_BYTES:
        return ""
    return f"what is written in the picture as XMP is not read: it has {size >> 20} MB"


def _packet(image: Image.Image) -> bytes:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if not packet and image.format == "PSD":
        found = [data for number, _, data in getattr(image, "resources", ()) if number == _PSD_XMP]
        packet = found[0] if found else b""
    return packet if isinstance(packet, bytes) else str(packet).encode()


def _extended(image: Image.Image) -> bytes:
    """What of a JPEG's XMP did not fit into one segment, joined in its order."""
    pieces = sorted(
        (int.from_bytes(data[71:75], "big"), data[75:])
        for name, data in getattr(image, "applist", ())
        if name == "APP1" and data.startswith(_EXTENSION)
    )
    return b"".join(data for _, data in pieces)


def _kept(packet: bytes) -> bytes:
    """A large packet without what programs write for themselves."""
    if len(packet) <= _LARGE:
        return packet
    for name in _BULK:
        packet = _without(packet, b"<" + name, b"</" + name + b">")
    return _BYTES.sub(b"", packet)


def _without(data: bytes, start: bytes, end: bytes) -> bytes:
    kept: list[bytes] = []
    at = 0
    while (begin := data.find(start, at)) >= 0 and (stop := data.find(end, begin)) >= 0:
        kept.append(data[at:begin])
        at = stop + len(end)
    return b"".join([*kept, data[at:]])


def read(packet: bytes) -> Xmp:
    """The properties of a packet. Names with an address that is not known are left out."""
    packet = _kept(packet)
    if not packet or len(packet) > _MAX_BYTES:
        return {}
    text = _DROPPED.sub("", decode(packet.strip(b"\0 "), markup=True)).strip()
    if "<!ENTITY" in text:
        return {}
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities are refused above
    except (ET.ParseError, ValueError):
        return {}
    found: dict[str, dict[str, None]] = {}
    for name, value in _properties(root, "", 0):
        if value:
            found.setdefault(name, {})[value] = None
    return {name: [*values] for name, values in found.items()}


def _properties(element: ET.Element, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """(property, text): of attributes and elements; items of a list stand under its name."""
    if depth > _MAX_DEPTH:
        return
    own = _known(element.tag)
    name = own or ("" if not element.tag.startswith(_RDF) else name)
    for attribute, value in element.attrib.items():
        if known := _known(attribute):
            yield known, value.strip()
    if name and element.text and element.text.strip():
        yield name, element.text.strip()
    for child in element:
        yield from _properties(child, name, depth + 1)


def _known(tag: str) -> str:
    address, _, local = tag.removeprefix("{").partition("}")
    prefix = _NAMESPACES.get(address)
    return f"{prefix}:{local}" if prefix and local else ""
