"""Archives and compressed files, which are not read: known by their first bytes, so that the
refusal says what to do. ZIP files are told apart by `document.file_kinds`, archives of pictures
read by `document.picture_archive`."""

from __future__ import annotations

_TAR_AT = 257
_BY_MAGIC = (
    (b"\x1f\x8b", "a compressed file (gzip)"),
    (b"BZh", "a compressed file (bzip2)"),
    (b"\xfd7zXZ\0", "a compressed file (xz)"),
    (b"\x28\xb5\x2f\xfd", "a compressed file (Zstandard)"),
    (b"\x04\x22\x4d\x18", "a compressed file (LZ4)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"MSCF\0\0\0\0", "a cabinet archive (CAB)"),
    (b"!<arch>\n", "an archive of a package or library (AR)"),
    (b"xar!", "an installer package (XAR)"),
)  # fmt: skip


_COMICS = {".cbr", ".cb7", ".cba", ".cbz", ".cbt"}


def is_tar(head: bytes) -> bool:
    """Whether the first bytes are those of a TAR."""
    return head[_TAR_AT : _TAR_AT + 5] == b"ustar"


def refusal(name: str, head: bytes, suffix: str) -> str:
    """What an archive is, by the first bytes of the file, and what to do; "" for any other file."""
    if is_tar(head):
        kind = "a TAR archive"
    else:
        kind = next((kind for magic, kind in _BY_MAGIC if head.startswith(magic)), "")
    if not kind:
        return ""
    if suffix in _COMICS:
        return f"{name!r} is a comic in {kind}; save it as CBZ, which is ZIP"
    return f"{name!r} is {kind}; unpack it and ingest what is inside"
