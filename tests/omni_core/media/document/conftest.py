"""Office files made part by part."""

from __future__ import annotations

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
