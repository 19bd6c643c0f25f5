"""Web archives of Safari: the page and its frames are read, its pictures named."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import UnreadableError
from omni_core.media.text.web_archive import is_web_archive
from omni_core.types import CutOptions, FileWarning, Segment, Source


def resource(kind: str, data: bytes, name: str = "") -> dict[str, Any]:
    named = {"WebResourceTextEncodingName": name} if name else {}
    return {
        "WebResourceMIMEType": kind,
        "WebResourceData": data,
        "WebResourceURL": "https://example.org/quay.png?x=1",
        **named,
    }


PAGE = "<title>Größe</title><p>Die Schleuse öffnet um neun.</p>".encode("latin-1")
FRAME = {"WebMainResource": resource("text/html", b"<p>The weir opens at ten.</p>", "UTF-8")}
ARCHIVE = {
    "WebMainResource": resource("text/html", PAGE, "ISO-8859-1"),
    "WebSubresources": [resource("image/png", b"x" * 90), resource("text/css", b"p {color: red}")],
    "WebSubframeArchives": [FRAME],
}


@pytest.mark.parametrize("form", [plistlib.FMT_BINARY, plistlib.FMT_XML])
def test_a_page_is_read_with_its_frames_and_its_pictures_are_named(
    form: plistlib.PlistFormat, tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / "a.webarchive"
    path.write_bytes(plistlib.dumps(ARCHIVE, fmt=form))
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), info.title, info.modality, info.mime, 1)
    items = list(svc.decompose(str(path), source, CutOptions()))
    said = "\n".join(item.text for item in items if isinstance(item, Segment))
    assert info.title == "Größe"
    assert "Die Schleuse öffnet um neun." in said and "The weir opens at ten." in said
    assert "color" not in said
    (warning,) = [item.message for item in items if isinstance(item, FileWarning)]
    assert warning.startswith("attachments not read: quay.png (image/png)")


def test_a_damaged_archive_is_refused_as_such_and_other_lists_are_none(
    tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / "a.webarchive"
    path.write_bytes(plistlib.dumps(ARCHIVE, fmt=plistlib.FMT_BINARY)[:-40])
    with pytest.raises(UnreadableError) as refused:
        svc.probe(str(path))
    assert refused.value.code == "CORRUPT_MEDIA"
    settings = plistlib.dumps({"note": "The weir opens at ten."})
    assert not is_web_archive(settings) and is_web_archive(path.read_bytes())
