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
}
_DROPPED = re.compile(r"<\?xpacket.*?\?>|<!DOCTYPE[^>\[]*(?:\[.*?\])?[^>]*>", re.S)
_MAX_BYTES = 4 << 20
_MAX_DEPTH = 60
_PSD_XMP = 1060

Xmp = dict[str, list[str]]
"""Texts by property, `dc:title` for one, in the order in which they stand."""


def xmp_of(image: Image.Image) -> Xmp:
    """The properties of an open image; none where there are none, or they are damaged."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if not packet and image.format == "PSD":
        found = [data for number, _, data in getattr(image, "resources", ()) if number == _PSD_XMP]
        packet = found[0] if found else b""
    return read(packet if isinstance(packet, bytes) else str(packet).encode())


def read(packet: bytes) -> Xmp:
    """The properties of a packet. Names with an address that is not known are left out."""
    if not packet or len(packet) > _MAX_BYTES:
        return {}
    text = _DROPPED.sub("", decode(packet.strip(b"\0 "), markup=True)).strip()
    if "<!ENTITY" in text:
        return {}
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities are refused above
    except (ET.ParseError, ValueError):
        return {}
    found: Xmp = {}
    for name, value in _properties(root, "", 0):
        if value and value not in found.setdefault(name, []):
            found[name].append(value)
    return found


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
