"""Films that phones hide in a photo (Motion Photo of Google and Samsung): named, not read."""

from __future__ import annotations

import mmap
import re

from PIL import Image

_SAID = re.compile(
    rb"(?:MotionPhoto|MicroVideo)(?:=[\"']|>)\s*1|Semantic(?:=[\"']|>)\s*MotionPhoto"
)
_SAMSUNG, _TRAILER = b"MotionPhoto_Data", b"SEFT"
_BEGIN = b"ftyp"
LINE = (
    "the film of this motion photo is not read, only its picture; export it as a video and ingest "
    "that"
)


def hidden_film(image: Image.Image, path: str) -> str:
    """A line on the film in a photo that says it holds one, and does; "" for any other."""
    packet = image.info.get("xmp") or b""
    said = isinstance(packet, bytes) and _SAID.search(packet) is not None
    with open(path, "rb") as f:
        f.seek(max(0, f.seek(0, 2) - len(_TRAILER)))
        if not said and f.read() != _TRAILER:
            return ""
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
            film = data.rfind(_SAMSUNG) if not said else data.rfind(_BEGIN) - len(_BEGIN)
        return LINE if film > 0 else ""
