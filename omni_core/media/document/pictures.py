"""The pictures of an office file: which are evidence, decoded one at a time, and the words of
those that are drawings."""

from __future__ import annotations

import gzip
import io
import logging
from typing import NamedTuple
from xml.etree import ElementTree as ET

from PIL import Image

from omni_core.media.document import metafile
from omni_core.media.document.drawing_ml import Picture
from omni_core.media.document.unread import MISSING, UNDECODED, UNDRAWN
from omni_core.media.document.zipped_xml import MAX_PART_BYTES, Package, local
from omni_core.media.geometry import box
from omni_core.media.image.opening import FORMATS
from omni_core.media.rgb import to_rgb

log = logging.getLogger(__name__)

MIN_SHORT, MIN_LONG = 32, 96
"""Pixels of a picture's edges from which it is evidence; smaller ones are icons and bullets."""
_BEFORE_MARKUP = b"\xef\xbb\xbf \r\n\t"
_TURNS = {
    90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90,
}  # fmt: skip


class _Seen(NamedTuple):
    """What the head of a part tells: its size in pixels (0, 0 where it cannot be drawn), and of a
    drawing its words, and whether there is more to it than they and a bitmap."""

    width: int = 0
    height: int = 0
    words: str = ""
    undrawn: bool = False


class Pictures:
    """The pictures of one package. Nothing is kept of them but their sizes and words."""

    def __init__(self, p: Package, max_pixels: int) -> None:
        self._package = p
        self._max_pixels = max_pixels
        self._seen: dict[str, _Seen] = {}
        self._told: set[tuple[str, str]] = set()

    def of(self, p: Package) -> Pictures:
        """Those of a package within this one."""
        return Pictures(p, self._max_pixels)

    def key(self, picture: Picture) -> object:
        """Equal for two pictures that look the same; None for one that is not in the file."""
        if picture.part not in self._package.names:
            self._package.unread.add(MISSING, picture.part)
            return None
        return (self._package.fingerprint(picture.part), picture.crop, picture.turn)

    def words(self, picture: Picture) -> str:
        """The words of a drawing (EMF, WMF, SVG), in one line; "" of photographs."""
        return self._look(picture.part).words

    def has(self, picture: Picture) -> bool:
        """Whether a picture can be drawn and is large enough to be evidence. A drawing that is not
        drawn is noted, unless it only stands for an embedded file, which is."""
        if self._look(picture.part).undrawn and not picture.preview:
            self._noted(UNDRAWN, picture.part)
        width, height = self.size(picture)
        return min(width, height) >= MIN_SHORT and max(width, height) >= MIN_LONG

    def size(self, picture: Picture) -> tuple[int, int]:
        """Width and height of what is shown, in pixels; (0, 0) where it cannot be drawn."""
        seen = self._look(picture.part)
        if not seen.width:
            return 0, 0
        left, top, right, bottom = _shown(picture, seen.width, seen.height)
        size = (right - left, bottom - top)
        return size[::-1] if picture.turn in (90, 270) else size

    def image(self, picture: Picture, edge: int) -> Image.Image | None:
        """What is shown of a picture as RGB, upright, its long edge at least `edge` where it has
        so many pixels; None, and noted, for a damaged one."""
        try:
            image = self._opened(picture.part)
            if picture.crop is None:
                image.draft("RGB", (edge, edge))
            else:
                image = image.crop(_shown(picture, *image.size))
            if picture.turn in _TURNS:
                image = image.transpose(_TURNS[picture.turn])
            return to_rgb(image)
        except MemoryError:
            raise
        except Exception as e:  # Pillow raises exceptions of any kind on damaged files
            self._note(UNDECODED, picture.part, e)
            return None

    def note(self, kind: str, place: str) -> None:
        """Note pictures that are not seen."""
        self._package.unread.add(kind, place)

    def _look(self, part: str) -> _Seen:
        if part not in self._seen:
            self._seen[part] = self._looked(part)
        return self._seen[part]

    def _looked(self, part: str) -> _Seen:
        if part not in self._package.names:
            return _Seen()
        try:
            with self._package.open(part) as f:
                head = f.read(64)
            if _is_drawing(head):
                return self._drawing(part)
            with self._package.open(part) as f, Image.open(f, formats=_known()) as image:
                self._check(image)
                return _Seen(*image.size)
        except Exception as e:  # as above
            self._note(UNDECODED, part, e)
            return _Seen()

    def _drawing(self, part: str) -> _Seen:
        data = self._data(part)
        if not data[:64].lstrip(_BEFORE_MARKUP).startswith(b"<"):
            drawing = metafile.read(data)
            bitmap = drawing.largest
            size = (0, 0) if bitmap is None else bitmap.size
            words = " ".join(drawing.words)
            return _Seen(*size, words, undrawn=bitmap is None or bool(words))
        root = self._package.xml(part)
        texts = [e for e in (root.iter() if root is not None else ()) if local(e) == "text"]
        words = " ".join(" ".join(" ".join(_text(e)).split()) for e in texts)
        return _Seen(words=words, undrawn=True)

    def _opened(self, part: str) -> Image.Image:
        data = self._data(part)
        if _is_drawing(data[:64]):
            bitmap = metafile.read(data).largest
            if bitmap is None:
                raise ValueError("nothing to show in a drawing")
            return bitmap
        image = Image.open(io.BytesIO(data), formats=_known())
        self._check(image)
        return image

    def _check(self, image: Image.Image) -> None:
        if image.width * image.height > self._max_pixels:
            raise ValueError(f"{image.width} x {image.height} pixels are over the limit")

    def _data(self, part: str) -> bytes:
        """The bytes of a part, unpacked where it is packed (EMZ, WMZ, SVGZ)."""
        with self._package.open(part) as f:
            data = f.read(MAX_PART_BYTES + 1)
        if data[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(MAX_PART_BYTES + 1)
        if len(data) > MAX_PART_BYTES:
            raise ValueError(f"more than {MAX_PART_BYTES >> 20} MB")
        return data

    def _note(self, kind: str, part: str, error: Exception) -> None:
        log.debug("%s is not shown: %s: %s", part, type(error).__name__, error)
        self._noted(kind, part)

    def _noted(self, kind: str, part: str) -> None:
        """Note a part as unread, once."""
        if (kind, part) not in self._told:
            self._told.add((kind, part))
            self._package.unread.add(kind, part.rpartition("/")[2])


def _known() -> list[str]:
    Image.init()
    return [f for f in FORMATS if f in Image.OPEN]


def _shown(picture: Picture, width: int, height: int) -> tuple[int, int, int, int]:
    return (0, 0, width, height) if picture.crop is None else box(picture.crop, width, height)


def _is_drawing(head: bytes) -> bool:
    """Whether a part is EMF, WMF, SVG, or one of these in gzip."""
    return (
        (head[:4] == b"\x01\0\0\0" and head[40:44] == b" EMF")
        or head[:4] in (b"\xd7\xcd\xc6\x9a", b"\x01\0\x09\0", b"\x02\0\x09\0")
        or head[:2] == b"\x1f\x8b"
        or head.lstrip(_BEFORE_MARKUP)[:4] in (b"<svg", b"<?xm")
    )  # fmt: skip


def _text(e: ET.Element) -> list[str]:
    return [t for t in e.itertext() if t]
