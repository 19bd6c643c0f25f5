"""EXIF as plain dictionaries, whatever of it can be read."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

log = logging.getLogger(__name__)

_INNER, _GPS = 0x8769, 0x8825


@dataclass(frozen=True, slots=True)
class Tags:
    """EXIF tags by number: of the picture, of the exposure, of the place."""

    main: Mapping[int, Any] = field(default_factory=dict)
    inner: Mapping[int, Any] = field(default_factory=dict)
    gps: Mapping[int, Any] = field(default_factory=dict)


def exif_of(image: Image.Image, name: str = "") -> Tags:
    """The tags of an open image; none, and a line in the log, where they are damaged."""
    try:
        exif = image.getexif()
    except Exception as e:  # Pillow raises exceptions of any kind on damaged EXIF
        log.debug("%s: EXIF is not read: %s: %s", name, type(e).__name__, e)
        return Tags()
    return tags_of(exif, name)


def tags_of(exif: Image.Exif, name: str = "") -> Tags:
    """What can be read of it."""
    return Tags(
        _readable(exif, None, name), _readable(exif, _INNER, name), _readable(exif, _GPS, name)
    )


def _readable(exif: Image.Exif, ifd: int | None, name: str) -> dict[int, Any]:
    found: dict[int, Any] = {}
    try:
        source = exif if ifd is None else exif.get_ifd(ifd)
        for tag in list(source):
            found[int(tag)] = source[tag]
    except Exception as e:  # as above; what came before it counts
        log.debug("%s: EXIF is not read: %s: %s", name, type(e).__name__, e)
    return found
