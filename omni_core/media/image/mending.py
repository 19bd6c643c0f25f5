"""PNG, WebP, GIF, AVIF and JPEG 2000 files that Pillow does not open or decode, without the parts
that it stumbles over, or with what they lack made up."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from omni_core.media.image import heif_boxes
from omni_core.media.image.durations import gif_blocks, gif_table

PNG = b"\x89PNG\r\n\x1a\n"
_PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_KEPT = (b"gAMA", b"sRGB", b"pHYs", b"eXIf", b"tEXt", b"iTXt")
_ANIMATED = (b"acTL", b"fcTL", b"fdAT")
ANIMATION = "animation"
"""Stands for these three among the chunks left out."""
_MAX_KEPT = 1 << 20
"""Bytes of a chunk that is no part of the picture; Pillow refuses files with longer texts."""
_MAX_PADDED = 64 << 20
PADDINGS = (b"\0", b"\x55")
"""With either, the decoders of WebP and AVIF go on past the end; what both draw alike was in the
file."""
_LOSSLESS_PADDED = 4
"""Times its length to which a lossless WebP is padded: its decoder refuses to read past the end,
and pixels made of padding may take more bits than those of the picture."""
_CODESTREAM, _TILE_PART = b"\xff\x4f\xff\x51", b"\xff\x90\x00\x0a"
_UNKNOWN_TILE_PART, _END = 1 << 16, b"\xff\xd9"


def png(data: bytes) -> tuple[bytes, list[str]]:
    """(a still PNG of the same picture with true checksums, the names of chunks left out)."""
    out, dropped = [PNG], []
    for name, body, whole in _png_chunks(data):
        small = whole and len(body) <= _MAX_KEPT
        if name in _PICTURE or (name in _KEPT and small and not _compressed_text(name, body)):
            out += [struct.pack(">I", len(body)), name, body]
            out.append(struct.pack(">I", zlib.crc32(body, zlib.crc32(name))))
        elif name != b"IEND":
            dropped.append(ANIMATION if name in _ANIMATED else name.decode("ascii", "replace"))
    out += [b"\0\0\0\0IEND", struct.pack(">I", zlib.crc32(b"IEND"))]
    return b"".join(out), list(dict.fromkeys(dropped))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """(name, content, whether it is complete and its checksum right)."""
    at = len(PNG)
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if not name.isalpha():
            return
        body, check = data[at + 8 : at + 8 + size], data[at + 8 + size : at + 12 + size]
        right = (
            len(check) == 4 and zlib.crc32(body, zlib.crc32(name)) == struct.unpack(">I", check)[0]
        )
        yield name, body, right
        at += 12 + size


def _compressed_text(name: bytes, body: bytes) -> bool:
    """Whether a text is compressed, and so may be a bomb."""
    after = body.find(b"\0") + 1
    return name == b"iTXt" and body[after : after + 1] != b"\0"


def gif(data: bytes) -> bytes:
    """A GIF that ends after its last whole frame; `data` itself if it has none."""
    end = 0
    try:
        at = 13 + gif_table(data[10])
        while data[at] in (0x21, 0x2C):
            picture = data[at] == 0x2C
            start = at + 11 + gif_table(data[at + 9]) if picture else at + 2
            at = gif_blocks(data, start)
            end = at if picture else end
    except IndexError:  # where it breaks off
        pass
    return data[:end] + b";" if end else data


def webp(data: bytes, padding: bytes) -> bytes:
    """A WebP whose last chunk is padded to its length or, in an animation that has whole frames,
    left out."""
    kept: list[tuple[bytes, bytes]] = []
    for name, body, size in _webp_chunks(data):
        if len(body) < size:
            whole = any(n == b"ANMF" for n, _ in kept)
            if name not in (b"VP8 ", b"VP8L", b"ANMF") or whole or size > _MAX_PADDED:
                break
            size *= _LOSSLESS_PADDED if name == b"VP8L" else 1
            body = body + padding * (size - len(body))
        kept.append((name, body))
    content = b"".join(
        struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) & 1) for name, body in kept
    )
    return b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : at + 8 + size], size
        at += 8 + size + (size & 1)


def avif(data: bytes, padding: bytes) -> bytes:
    """An AVIF padded to where its list of parts says that the last one ends; `data` itself where
    nothing is missing or the list is lost."""
    try:
        items = heif_boxes.Items(io.BytesIO(data)).by_number.values()
    except (ValueError, LookupError, struct.error):
        return data
    ends = [at + size for item in items if not item.inside for at, size in item.places]
    lacking = max(ends, default=0) - len(data)
    return data + padding * lacking if 0 < lacking <= _MAX_PADDED else data


def jpeg2000(data: bytes) -> bytes:
    """A JPEG 2000 file whose last tile-part is as long as it says (ISO/IEC 15444-1, A.4.2)."""
    begin = data.find(_CODESTREAM)
    last = data.rfind(_TILE_PART)
    if begin < 0 or last < begin or last + 10 > len(data):
        return data
    size = int.from_bytes(data[last + 6 : last + 10], "big") or _UNKNOWN_TILE_PART
    lacking = last + size - len(data)
    return data + bytes(lacking) + _END if 0 < lacking <= _MAX_PADDED else data
