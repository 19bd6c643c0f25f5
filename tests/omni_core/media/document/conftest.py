"""Office files made part by part."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
Parts = dict[str, str | bytes]


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[[str, Parts], Path]:
    """Write a zip of these parts under a name."""

    def write(name: str, parts: Parts) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
            for part, data in parts.items():
                z.writestr(part, data)
        return path

    return write


@pytest.fixture
def docx(zipped: Callable[[str, Parts], Path]) -> Callable[..., Path]:
    """A DOCX with this body; keyword arguments are further parts: `footnotes="<w:footnote ..."`.

    A further part is linked to the document by its own name.
    """

    def write(body: str, **parts: str) -> Path:
        spaces = f'xmlns:w="{W}" xmlns:mc="{MC}" xmlns:r="{R}"'
        links = "".join(f'<Relationship Id="{n}" Target="{n}.xml"/>' for n in parts)
        return zipped("a.docx", {
            "word/document.xml": f"<w:document {spaces}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
            **{f"word/{n}.xml": f"<w:part {spaces}>{xml}</w:part>" for n, xml in parts.items()},
        })  # fmt: skip

    return write


@pytest.fixture
def ole(tmp_path: Path) -> Callable[[str, dict[str, bytes]], Path]:
    """Write an OLE file of these streams, whose names may have folders: `a/b`."""

    def write(name: str, streams: dict[str, bytes]) -> Path:
        path = tmp_path / name
        path.write_bytes(_ole(streams))
        return path

    return write


_END, _FREE = 0xFFFFFFFE, 0xFFFFFFFF


class _Sectors:
    """Numbered pieces of one size, and the chain that each belongs to."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.data = b""
        self.table: list[int] = []

    def add(self, data: bytes) -> int:
        """The number of the first sector of some data."""
        count = -(-len(data) // self._size)
        first = len(self.table)
        self.data += data.ljust(count * self._size, b"\0")
        self.table += [*range(first + 1, first + count), _END] if count else []
        return first if count else _END


def _ole(streams: dict[str, bytes]) -> bytes:
    """A compound file (MS-CFB, version 3), of at most 60 kB."""
    big, small = _Sectors(512), _Sectors(64)
    names = [""]
    for stream in streams:
        parts = stream.split("/")
        for n in range(1, len(parts) + 1):
            if "/".join(parts[:n]) not in names:
                names.append("/".join(parts[:n]))
    starts = {s: (big if len(d) >= 4096 else small).add(d) for s, d in streams.items()}
    mini = big.add(small.data)
    mini_table = big.add(_numbers(small.table))
    entries = b""
    for n, name in enumerate(names):
        kind = 5 if not n else 2 if name in streams else 1
        folder = name.rpartition("/")[0]
        later = [i for i in range(n + 1, len(names)) if names[i].rpartition("/")[0] == folder]
        inside = [i for i, other in enumerate(names) if i and other.rpartition("/")[0] == name]
        text = (name.rpartition("/")[2] or "Root Entry").encode("utf-16-le") + b"\0\0"
        start, size = (mini, len(small.data)) if not n else (0, 0)
        if name in streams:
            start, size = starts[name], len(streams[name])
        entries += struct.pack(
            "<64sHBBIII36xIQ", text, len(text), kind, 1, _FREE,
            later[0] if n and later else _FREE, inside[0] if kind != 2 and inside else _FREE,
            start, size,
        )  # fmt: skip
    directory = big.add(entries)
    own = len(big.table)
    big.table.append(0xFFFFFFFD)
    table = _numbers(big.table).ljust(512, b"\xff")
    head = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII", bytes.fromhex("d0cf11e0a1b11ae1"), 62, 3, 0xFFFE, 9, 6,
        0, 1, directory, 0, 4096, mini_table, -(-len(small.table) // 128), _END, 0, own,
    )  # fmt: skip
    return head.ljust(512, b"\xff") + big.data + table


def _numbers(table: list[int]) -> bytes:
    return struct.pack(f"<{len(table)}I", *table)
