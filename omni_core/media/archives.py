"""Archives and compressed files, which are not read: known by their first bytes, so that the
refusal says what to do. ZIP files are told apart by `document.file_kinds`."""

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


def what(head: bytes) -> str:
    """What an archive is, by the first bytes of the file; "" for any other file."""
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "a TAR archive"
    return next((name for magic, name in _BY_MAGIC if head.startswith(magic)), "")
