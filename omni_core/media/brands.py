"""The brands by which an ISO base media file (`ftyp`) says that it is a picture, not a film."""

from __future__ import annotations

AVIF = frozenset({b"avif", b"avis"})
HEIF = frozenset(
    {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"mif2",
     b"msf1", b"miaf"}
)  # fmt: skip
CANON_RAW = b"crx "


def is_picture(head: bytes) -> bool:
    """Whether a file's first bytes name one of them as its major brand."""
    brand = head[8:12]
    return head[4:8] == b"ftyp" and (brand in AVIF or brand in HEIF or brand == CANON_RAW)


def is_heif(head: bytes) -> bool:
    """Whether it is HEIF of another codec than AV1, which Pillow reads itself."""
    if head[4:8] != b"ftyp" or head[8:12] not in HEIF:
        return False
    size = int.from_bytes(head[:4], "big")
    return not any(head[at : at + 4] in AVIF for at in range(16, min(size, len(head)), 4))
