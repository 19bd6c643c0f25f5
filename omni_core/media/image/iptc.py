"""IPTC IIM: what agencies and archives write into pictures (IPTC-NAA Information Interchange
Model, record 2), as it lies in JPEG, TIFF, PSD, and in PNG of ImageMagick."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from PIL import Image

from omni_core.media.image.tags import exif_of
from omni_core.text.charset import decode

OBJECT_NAME, KEYWORDS, DATE, TIME = 5, 25, 55, 60
DIGITISED_DATE, DIGITISED_TIME = 62, 63
CREATOR, CITY, PLACE, STATE, COUNTRY = 80, 90, 92, 95, 101
HEADLINE, CAPTION = 105, 120
CREDIT, SOURCE, COPYRIGHT, INSTRUCTIONS = 110, 115, 116, 40
_IN_PHOTOSHOP = 0x0404
_TIFF_IPTC, _TIFF_PHOTOSHOP = 33723, 34377
_UTF8 = b"\x1b%G"
_MAX_FIELDS = 2_000

Iptc = Mapping[int, list[str]]
"""Texts by the number of the field."""


def iptc_of(image: Image.Image) -> Iptc:
    """The fields of an open image; none where there are none, or they are damaged."""
    raw = _block(image)
    try:
        return _fields(raw) if raw else {}
    except (IndexError, struct.error):
        return {}


def _block(image: Image.Image) -> bytes:
    resources = image.info.get("photoshop")
    if isinstance(resources, dict) and isinstance(resources.get(_IN_PHOTOSHOP), bytes):
        return bytes(resources[_IN_PHOTOSHOP])
    if image.format == "TIFF":
        tags = exif_of(image).main
        if isinstance(raw := tags.get(_TIFF_IPTC), bytes):
            return raw
        if isinstance(raw := tags.get(_TIFF_PHOTOSHOP), bytes):
            return _from_resources(raw)
    if image.format == "PSD":
        found = [
            data for number, _, data in getattr(image, "resources", ()) if number == _IN_PHOTOSHOP
        ]
        return bytes(found[0]) if found else b""
    profile = image.info.get("Raw profile type iptc")
    return _from_resources(_hex(str(profile))) if profile else b""


def _hex(profile: str) -> bytes:
    """ImageMagick: its name, the length, then hexadecimal digits."""
    try:
        return bytes.fromhex("".join(profile.split()[2:]))
    except ValueError:
        return b""


def _from_resources(data: bytes) -> bytes:
    """The block within Photoshop's image resources; `data` itself if it is one."""
    if not data.startswith(b"8BIM"):
        return data
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        number = struct.unpack_from(">H", data, at + 4)[0]
        name = data[at + 6] + 1
        start = at + 6 + name + (name & 1)
        if start + 4 > len(data):
            break
        size = struct.unpack_from(">I", data, start)[0]
        if number == _IN_PHOTOSHOP:
            return data[start + 4 : start + 4 + size]
        at = start + 4 + size + (size & 1)
    return b""


def _fields(data: bytes) -> Iptc:
    found: dict[int, list[bytes]] = {}
    utf8, at, count = False, data.find(b"\x1c"), 0
    while at >= 0 and at + 5 <= len(data) and data[at] == 0x1C and count < _MAX_FIELDS:
        record, number, size = struct.unpack_from(">BBH", data, at + 1)
        if size & 0x8000:  # extended: nothing of interest is over 32 KB
            break
        value = data[at + 5 : at + 5 + size]
        if (record, number) == (1, 90):
            utf8 = value.startswith(_UTF8)
        elif record == 2:
            found.setdefault(number, []).append(value)
        at, count = at + 5 + size, count + 1
    return {
        number: [v.decode("utf-8", "replace") if utf8 else decode(v) for v in values]
        for number, values in found.items()
    }
