"""Remarks and fields that stand in the page's list itself, as many programs write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_core.media.service import service
from omni_core.types import CutOptions, FileWarning, Modality, PdfEngine, Segment, Source

_MARKS = (
    b"<</Type/Annot/Subtype/Text/Rect[10 10 20 20]/T(Ada)/Contents(ask the harbour master)>>"
    b"<</Type/Annot/Subtype/Highlight/Rect[50 700 90 720]/QuadPoints[50 720 90 720 50 700 90 700]"
    b"/Contents(wrong word)>>"
    b"<</Type/Annot/Subtype/Text/Rect[10 10 20 20]/F 2/Contents(remark that is hidden)>>"
    b"<</Type/Annot/Subtype/Text/Rect[10 10 20 20]/F 32/Contents(remark that is not shown)>>"
    b"<</Type/Annot/Subtype/Stamp/Rect[50 300 150 320]/AP<</N 7 0 R>>>>"
    b"<</Type/Annot/Subtype/FileAttachment/Rect[30 10 40 20]"
    b"/FS<</Type/Filespec/F(annex.txt)/UF(annex.txt)/EF<</F 6 0 R>>>>>>"
)
_FIELDS = (
    b"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Grace Hopper)/Rect[50 600 200 620]>>"
    b"<</Type/Annot/Subtype/Widget/FT/Btn/T(member)/V/Yes/AS/Yes/Rect[50 500 60 510]"
    b"/AP<</N<</Yes 5 0 R/Off 5 0 R>>>>>>"
    b"<</Type/Annot/Subtype/Widget/FT/Btn/T(student)/V/Off/AS/Off/Rect[50 400 60 410]"
    b"/AP<</N<</Yes 5 0 R/Off 5 0 R>>>>>>"
)


def _stream(data: bytes, head: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (head, len(data), data)


@pytest.fixture
def page(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A page of words with remarks, a file and fields, none of them an object of its own."""
    form = getattr(request, "param", b"/AcroForm<</Fields[]>>")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R" + form + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 800]/Contents 4 0 R/Resources<</Font<</F"
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>/Annots[" + _MARKS + _FIELDS + b"]>>",
        _stream(b"BT /F 12 Tf 50 700 Td (Body words on the page) Tj ET"),
        _stream(b"", b"/Type/XObject/Subtype/Form/BBox[0 0 10 10]"),
        _stream(b"x", b"/Type/EmbeddedFile"),
        _stream(
            b"BT /F 10 Tf 2 5 Td (APPROVED BY ADA) Tj ET",
            b"/Type/XObject/Subtype/Form/BBox[0 0 100 20]/Resources<</Font<</F<</Type/Font"
            b"/Subtype/Type1/BaseFont/Helvetica>>>>>>",
        ),
    ]
    data = b"%PDF-1.7\n"
    for number, content in enumerate(objects, 1):
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    path = tmp_path / "a.pdf"
    path.write_bytes(data + b"trailer<</Root 1 0 R/Size 8>>\n%%EOF\n")
    return path


@pytest.mark.parametrize("engine", ["pymupdf", "pypdfium2"])
def test_remarks_and_fields_that_are_no_objects_of_their_own_are_read(
    engine: str, page: Path
) -> None:
    svc = service(pdf=engine)
    info = svc.probe(str(page))
    source = Source("0" * 64, str(page), "a", info.modality, info.mime, 1, None, info.pages)
    items = list(svc.decompose(str(page), source, CutOptions()))
    text = "\n".join(i.text for i in items if isinstance(i, Segment))
    for words in ("Note (Ada): ask the harbour master", "wrong word", "Grace Hopper"):
        assert text.count(words) == 1
    assert "hidden" not in text and "not shown" not in text
    assert "Ticked: member" in text
    assert "student" not in text
    warned = " ".join([*info.warnings, *(i.message for i in items if isinstance(i, FileWarning))])
    assert "annex.txt" in warned


@pytest.mark.parametrize("engine", ["pymupdf", "pypdfium2"])
@pytest.mark.parametrize("page", [b"", b"/AcroForm<</Fields[]>>"], indirect=True)
def test_the_words_of_a_stamp_are_read_in_files_with_a_form_and_without(
    engine: PdfEngine, page: Path
) -> None:
    source = Source("0" * 64, str(page), "a", Modality.DOCUMENT, "application/pdf", 1, None, 1)
    items = service(pdf=engine).decompose(str(page), source, CutOptions())
    text = "\n".join(i.text for i in items if isinstance(i, Segment))
    assert text.count("APPROVED BY ADA") == 1
