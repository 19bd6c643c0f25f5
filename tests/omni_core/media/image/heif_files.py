"""HEIC files made box by box, as phones write them: tiles, turns, EXIF, a thumbnail."""

from __future__ import annotations

import struct
from typing import Any

import av
import numpy as np
from PIL import Image

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def heic(
    picture: Pixels, tile: int, *, turn: int | None = None, mirror: int | None = None,
    exif: bytes = b"", xmp: bytes = b"", others: tuple[Pixels, ...] = (),
) -> bytes:  # fmt: skip
    """A HEIC of square tiles; `turn` in quarters counter-clockwise, `mirror` 0 or 1 (imir).

    others: further pictures, of one tile each.
    """
    height, width = picture.shape[:2]
    rows, columns = -(-height // tile), -(-width // tile)
    padded = np.zeros((rows * tile, columns * tile, 3), np.uint8)
    padded[:height, :width] = picture
    blocks = [
        padded[y * tile : (y + 1) * tile, x * tile : (x + 1) * tile]
        for y in range(rows)
        for x in range(columns)
    ]
    config, coded = _coded([*blocks, *others])
    grid = len(coded) + 1
    items = [(n + 1, b"hvc1", data) for n, data in enumerate(coded)]
    layout = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    items.insert(0, (grid, b"grid", layout))  # phones keep it apart from the coded pictures
    if exif:
        items.append((grid + 1, b"Exif", struct.pack(">I", 0) + exif))
    if xmp:
        items.append((grid + 2, b"mime", xmp))
    properties = [
        _box(b"hvcC", config), _full(b"ispe", struct.pack(">II", tile, tile)),
        _full(b"ispe", struct.pack(">II", width, height)),
    ]  # fmt: skip
    own = [3]
    if turn is not None:
        properties.append(_box(b"irot", bytes([turn])))
        own.append(len(properties))
    if mirror is not None:
        properties.append(_box(b"imir", bytes([mirror])))
        own.append(len(properties))
    owned = {n + 1: [1, 2] for n in range(len(coded))} | {grid: own}
    refs = _box(
        b"dimg", struct.pack(f">HH{len(blocks)}H", grid, len(blocks), *range(1, len(blocks) + 1))
    )
    refs += b"".join(
        _box(b"cdsc", struct.pack(">HHH", n, 1, grid))
        for n, kind, _ in items
        if kind in (b"Exif", b"mime")
    )
    names = b"".join(_named(n, kind, hidden=n <= len(blocks)) for n, kind, _ in items)
    head = _box(b"ftyp", b"heic\0\0\0\0mif1heic")
    start = len(head) + len(_meta(items, grid, names, refs, properties, owned, 0)) + 8
    meta = _meta(items, grid, names, refs, properties, owned, start)
    return head + meta + _box(b"mdat", b"".join(data for _, _, data in items))


def _meta(
    items: list[tuple[int, bytes, bytes]], primary: int, names: bytes, refs: bytes,
    properties: list[bytes], owned: dict[int, list[int]], start: int,
) -> bytes:  # fmt: skip
    places, at = b"", start
    for number, _, data in items:
        places += struct.pack(">HHHII", number, 0, 1, at, len(data))
        at += len(data)
    association = b"".join(
        struct.pack(">HB", n, len(which)) + bytes(which) for n, which in sorted(owned.items())
    )
    return _full(
        b"meta",
        _full(b"hdlr", b"\0\0\0\0pict" + b"\0" * 13)
        + _full(b"pitm", struct.pack(">H", primary))
        + _full(b"iloc", struct.pack(">BBH", 0x44, 0, len(items)) + places)
        + _full(b"iinf", struct.pack(">H", len(items)) + names)
        + _full(b"iref", refs)
        + _box(b"iprp", _box(b"ipco", b"".join(properties))
               + _full(b"ipma", struct.pack(">I", len(owned)) + association)),
    )  # fmt: skip


def _named(number: int, kind: bytes, *, hidden: bool) -> bytes:
    body = struct.pack(">HH", number, 0) + kind + b"\0"
    if kind == b"mime":
        body += b"application/rdf+xml\0"
    return _box(b"infe", bytes([2, 0, 0, int(hidden)]) + body)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def _full(kind: bytes, body: bytes) -> bytes:
    return _box(kind, b"\0\0\0\0" + body)


def _coded(blocks: list[Pixels]) -> tuple[bytes, list[bytes]]:
    """(hvcC, one coded picture for each block)."""
    sets: list[bytes] = []
    coded = []
    for block in blocks:
        encoder: Any = av.CodecContext.create("libx265", "w")
        encoder.width, encoder.height = block.shape[1], block.shape[0]
        encoder.pix_fmt, encoder.framerate = "yuv420p", 1
        encoder.options = {"x265-params": "log-level=none:keyint=1:crf=12:info=0", "preset": "fast"}
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(block), format="rgb24")
        stream = b"".join(bytes(p) for p in [*encoder.encode(frame), *encoder.encode(None)])
        units = [u for u in stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if u]
        sets = [u for u in units if (u[0] >> 1) & 63 in (32, 33, 34)]
        pictures = [u for u in units if (u[0] >> 1) & 63 < 32]
        coded.append(b"".join(struct.pack(">I", len(u)) + u for u in pictures))
    arrays = b"".join(
        bytes([0x80 | (u[0] >> 1) & 63]) + struct.pack(">HH", 1, len(u)) + u for u in sets
    )
    return bytes([1, *[0] * 20, 0x03, len(sets)]) + arrays, coded


def corners(width: int = 192, height: int = 128) -> Pixels:
    """Red at the top left, green at the top right, blue at the bottom left, white at the last."""
    image = Image.new("RGB", (width, height), "white")
    x, y = width // 2, height // 2
    image.paste((220, 20, 20), (0, 0, x, y))
    image.paste((20, 200, 20), (x, 0, width, y))
    image.paste((20, 20, 220), (0, y, x, height))
    return np.asarray(image)
