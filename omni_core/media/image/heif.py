"""HEIC and HEIF pictures of phones and cameras, decoded by FFmpeg.

FFmpeg decodes HEVC but does not join the tiles of which phones make a picture, nor turn it; that is
done here. No HEIF library is needed: the wheels of pillow-heif hold x265 (GPL), and those of
pi-heif, without it, are no longer made.
"""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO

import av
import numpy as np
from PIL import Image

from omni_core.errors import TooLargeError, UnreadableError
from omni_core.media.av import hdr
from omni_core.media.image.heif_boxes import Item, Items
from omni_core.types import Pixels

_CODECS = {"hvc1": ("hevc", "hvcC"), "av01": ("libdav1d", "av1C"), "avc1": ("h264", "avcC")}
_IDENTITY, _FULL = 0, 2
MAX_TILES = 4_096
MAX_DEPTH = 8
"""Pictures derived from pictures."""


class HeifPicture:
    """One of the pictures in an open file: turned as it is shown, decoded by `load`.

    size: (width, height) as shown. drawn: the share of its tiles that could be decoded.
    """

    def __init__(self, items: Items, item: Item, max_pixels: int) -> None:
        self._items, self._item, self._max_pixels = items, item, max_pixels
        self.exif, self.xmp = items.metadata(item)
        self.icc = _icc(item)
        self.size = self._shown_size()
        self._tiles = self._decoded = 0

    @property
    def drawn(self) -> float:
        """The share of the tiles that could be decoded; 1 before `load`."""
        return self._decoded / self._tiles if self._tiles else 1.0

    def load(self) -> Image.Image:
        """RGB or RGBA. Raises where nothing of it can be decoded."""
        self._tiles = self._decoded = 0
        picture = Image.fromarray(self._pixels(self._item))
        alpha = self._items.alpha_of(self._item)
        if alpha is not None:
            mask = Image.fromarray(self._pixels(alpha)).convert("L").resize(picture.size)
            picture.putalpha(mask)
        return _turned(picture, self._item)

    def _shown_size(self) -> tuple[int, int]:
        width, height = self._item.size()
        self._check(width, height)
        for name, box in self._item.properties:
            if name == "irot" and box[0] & 1:
                width, height = height, width
            elif name == "clap":
                width, height = _clap(box, width, height)[2:]
        return width, height

    def _check(self, width: int, height: int) -> None:
        if width * height > self._max_pixels:
            raise TooLargeError(
                f"{width} x {height} pixels are over the limit of {self._max_pixels:,}; make a "
                "smaller copy or raise max_pixels"
            )

    def _pixels(self, item: Item, depth: int = 0) -> Pixels:
        self._check(*item.size())
        if depth > MAX_DEPTH:
            raise ValueError("a picture that is made of itself")
        parts = [self._items.by_number[n] for n in item.refs.get("dimg", ())]
        if item.kind == "grid":
            return self._grid(item, parts)
        if item.kind == "iovl":
            return self._overlay(item, parts, depth)
        if item.kind in ("iden", "tmap") and parts:  # of a tone map, the picture it starts from
            return np.asarray(self._part(parts[0], depth))
        if item.kind == "jpeg":
            with Image.open(io.BytesIO(self._items.data(item)), formats=["JPEG"]) as image:
                self._check(*image.size)
                return np.asarray(image.convert("RGB"))
        return self._coded([item])[0]

    def _part(self, item: Item, depth: int) -> Image.Image:
        return _turned(Image.fromarray(self._pixels(item, depth + 1)), item)

    def _overlay(self, item: Item, layers: list[Item], depth: int) -> Pixels:
        """Pictures laid over one another, on a colour."""
        data = self._items.data(item)
        ground = tuple(v >> 8 for v in struct.unpack_from(">HHH", data, 2))
        kind, at = (">ii", 18) if data[1] & 1 else (">hh", 14)
        size = struct.unpack_from(kind.upper(), data, 10)
        self._check(*size)
        canvas = Image.new("RGB", size, ground)
        for n, layer in enumerate(layers):
            place = struct.unpack_from(kind, data, at + n * (at - 10))
            canvas.paste(self._part(layer, depth), place)
        return np.asarray(canvas)

    def _grid(self, item: Item, tiles: list[Item]) -> Pixels:
        data = self._items.data(item)
        rows, columns = data[2] + 1, data[3] + 1
        width, height = struct.unpack_from(">II" if data[1] & 1 else ">HH", data, 4)
        self._check(width, height)
        if not 0 < len(tiles) <= MAX_TILES or len(tiles) < rows * columns:
            raise ValueError("a grid of pictures without its tiles")
        decoded = self._coded(tiles[: rows * columns])
        whole = np.full((height, width, 3), 128, np.uint8)
        high, wide = next(iter(decoded.values())).shape[:2]
        for n, pixels in decoded.items():
            y, x = n // columns * high, n % columns * wide
            room = whole[y : y + high, x : x + wide]
            room[:] = pixels[: room.shape[0], : room.shape[1]]
        return whole

    def _coded(self, items: list[Item]) -> dict[int, Pixels]:
        """Number in `items` -> its pixels, for those that can be decoded. Raises if none can."""
        name, box = _CODECS.get(items[0].kind, ("", ""))
        if not name:
            raise UnreadableError(
                f"this HEIF picture is coded as {items[0].kind!r}, which is not read; save it as "
                "JPEG or PNG and ingest that",
                code="UNSUPPORTED_TYPE",
            )
        extradata = items[0].prop(box)
        if extradata is None:
            raise ValueError("no settings for its decoder")
        self._tiles += len(items)
        decoded: dict[int, Pixels] = {}
        failed: Exception | None = None
        decoder = _decoder(name, extradata)
        for n, item in enumerate(items):
            if item.prop(box) not in (extradata, None):
                extradata = item.prop(box) or b""
                decoder = _decoder(name, extradata)
            try:
                decoded[n] = _decode(decoder, self._items.data(item), item)
            except av.FFmpegError as e:
                failed = e
                decoder = _decoder(name, extradata)
        self._decoded += len(decoded)
        if not decoded:
            raise failed or ValueError("nothing of the picture can be decoded")
        return decoded


def pictures(file: BinaryIO, max_pixels: int) -> list[HeifPicture]:
    """The pictures in the file, the primary one first.

    Raises ValueError or struct.error for a damaged file, TooLargeError over `max_pixels`.
    """
    items = Items(file)
    found = items.pictures()
    if not found:
        raise ValueError("a HEIF file without pictures")
    return [HeifPicture(items, item, max_pixels) for item in found]


def _decoder(name: str, extradata: bytes) -> Any:
    decoder = av.CodecContext.create(name, "r")
    decoder.thread_count = 1
    decoder.extradata = extradata if name != "libdav1d" else extradata[4:] or None
    return decoder


def _decode(decoder: Any, data: bytes, item: Item) -> Pixels:
    """Raises av.FFmpegError for data that gives no whole picture."""
    if not data:
        raise av.error.InvalidDataError(0, "no data")
    frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    decoder.flush_buffers()
    if not frames or frames[0].is_corrupt:
        raise av.error.InvalidDataError(0, "no picture")
    return _rgb(frames[0], item)


def _rgb(frame: Any, item: Item) -> Pixels:
    """By the matrix and range that the file states over those that the codec does."""
    for name, box in item.properties:
        if name == "colr" and box[:4] == b"nclx" and len(box) >= 11:
            _, curve, matrix = struct.unpack_from(">HHH", box, 4)
            if curve in (hdr.PQ, hdr.HLG):
                frame.color_trc = curve
            if matrix not in (2, _IDENTITY) and not frame.format.is_rgb:
                frame.colorspace = matrix
            frame.color_range = _FULL if box[10] & 0x80 else hdr.LIMITED
    if hdr.is_hdr(frame):
        return hdr.to_rgb(frame, frame.width, frame.height)
    rgb: Pixels = frame.reformat(format="rgb24", threads=1).to_ndarray()
    return rgb


def _turned(picture: Image.Image, item: Item) -> Image.Image:
    """With the crop, turns and mirrors of the item's properties, in their order."""
    for name, box in item.properties:
        if name == "clap":
            left, top, width, height = _clap(box, *picture.size)
            picture = picture.crop((left, top, left + width, top + height))
        elif name == "irot" and box[0] & 3:
            turns = (
                Image.Transpose.ROTATE_90,
                Image.Transpose.ROTATE_180,
                Image.Transpose.ROTATE_270,
            )
            picture = picture.transpose(turns[(box[0] & 3) - 1])
        elif name == "imir":
            sides = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)
            picture = picture.transpose(sides[box[0] & 1])
    return picture


def _clap(box: bytes, width: int, height: int) -> tuple[int, int, int, int]:
    """(left, top, width, height) of the clean aperture within a picture of this size."""
    wn, wd, hn, hd, xn, xd, yn, yd = struct.unpack(">IIIIiIiI", box[:32])
    w, h = min(width, round(wn / wd)), min(height, round(hn / hd))
    left, top = round((width - w) / 2 + xn / xd), round((height - h) / 2 + yn / yd)
    return max(0, min(left, width - w)), max(0, min(top, height - h)), w, h


def _icc(item: Item) -> bytes:
    for name, box in item.properties:
        if name == "colr" and box[:4] in (b"prof", b"rICC"):
            return box[4:]
    return b""
