"""One damaged or missing part of an office file costs that part, and it is said which."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import UnreadableError
from omni_core.types import CutOptions, FileWarning, Segment, Source

R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
Read = Callable[[Path], tuple[str, list[str]]]


@pytest.fixture
def read(svc: Any) -> Read:
    """All words of a file, and its warnings."""

    def run(path: Path) -> tuple[str, list[str]]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, None, info.pages)
        pieces = [*svc.decompose(str(path), source, CutOptions())]
        words = " ".join(p.text for p in pieces if isinstance(p, Segment))
        return words, [p.message for p in pieces if isinstance(p, FileWarning)]

    return run


def _links(*targets: str) -> str:
    each = (
        f'<Relationship Id="r{n}" Type="x/{kind}" Target="{target}"/>'
        for n, (kind, _, target) in enumerate(t.partition("=") for t in targets)
    )
    return f"<Relationships>{''.join(each)}</Relationships>"


def _slide(words: str) -> str:
    return f"<sld><sp><txBody><p><r><t>{words}</t></r></p></txBody></sp></sld>"


def test_a_character_that_xml_forbids_costs_itself(docx: Callable[..., Path], read: Read) -> None:
    words = "".join(
        f"<w:p><w:r><w:t>Line {n}</w:t></w:r></w:p>"
        for n in ("one&#x1;", "two\x0b", "three&#31;", "four&#10;&amp;")
    )
    far = f"<w:p><w:t>{'x&#1;' * 40_000}</w:t></w:p><w:p><w:t>End</w:t></w:p>"  # of two chunks
    text, warnings = read(docx(words + far))
    assert text.startswith("Line one\nLine two\nLine three\nLine four &\nxxxx")
    assert text.endswith("xxxx\nEnd")
    assert "#" not in text
    assert warnings == []


def test_a_document_that_lies_outside_is_named(zipped: Any, read: Read) -> None:
    link = '<Relationship Id="s" Type="x/subDocument" Target="sub.docx" TargetMode="External"/>'
    path = zipped("a.docx", {
        **DOCUMENT, "word/_rels/document.xml.rels": f"<Relationships>{link}</Relationships>",
    })  # fmt: skip
    assert any("outside the file are not read: sub.docx" in line for line in read(path)[1])


SHOW = {
    "ppt/presentation.xml": f'<p xmlns:r="{R}"><sldId r:id="r0"/><sldId r:id="r1"/></p>',
    "ppt/_rels/presentation.xml.rels": _links("slide=slides/slide1.xml", "slide=slides/slide2.xml"),
    "ppt/slides/slide1.xml": _slide("First words"),
    "ppt/slides/slide2.xml": _slide("Second words"),
    "ppt/slides/_rels/slide1.xml.rels": _links("notesSlide=../notesSlides/n.xml"),
    "ppt/notesSlides/n.xml": _slide("Spoken words"),
}
DOCUMENT = {
    "word/document.xml": '<w:document xmlns:w="w"><w:p><w:r><w:t>Body</w:t></w:r>'
    '<w:r><w:commentReference w:id="1"/></w:r></w:p>'
    + "".join(f"<w:p><w:r><w:t>Line {n}</w:t></w:r></w:p>" for n in range(4000))
    + "</w:document>",
    "word/_rels/document.xml.rels": _links("comments=comments.xml"),
    "word/comments.xml": '<c xmlns:w="w"><w:comment w:id="1"><w:p><w:t>Remark</w:t></w:p>'
    "</w:comment></c>",
}  # fmt: skip


def test_a_slide_that_is_missing_costs_itself_and_the_others_keep_their_numbers(
    zipped: Any, read: Read, cut: Any
) -> None:
    parts = {k: v for k, v in SHOW.items() if k != "ppt/slides/slide1.xml"}
    path = zipped("a.pptx", parts)
    words, warnings = read(path)
    assert words == "Second words"
    assert warnings == ["parts that the file refers to are not in it: slide 1"]
    assert [s.span.start for s in cut(path)] == [2]


@pytest.mark.parametrize("lost", ["ppt/presentation.xml", "ppt/_rels/presentation.xml.rels"])
def test_slides_without_their_list_are_read_in_the_order_of_their_names(
    lost: str, zipped: Any, read: Read
) -> None:
    words, _ = read(zipped("a.pptx", SHOW | {lost: "<broken"}))
    assert words == "First words\nNotes: Spoken words Second words"


@pytest.mark.parametrize(
    ("data", "warning"),
    [
        ("<w:broken", "damaged, read only in part: word/comments.xml"),
        (None, "parts that the file refers to are not in it: word/comments.xml"),
    ],
)
def test_a_part_beside_the_text_costs_only_itself(
    data: str | None, warning: str, zipped: Any, read: Read
) -> None:
    parts = {k: v for k, v in {**DOCUMENT, "word/comments.xml": data}.items() if v is not None}
    words, warnings = read(zipped("a.docx", parts))
    assert words.startswith("Body\nLine 0")
    assert words.endswith("Line 3999")
    assert "Remark" not in words
    assert warnings == [warning]


def test_text_before_a_fault_in_the_markup_is_read(zipped: Any, read: Read) -> None:
    whole = DOCUMENT["word/document.xml"]
    cut = whole[: whole.index("Line 2000")] + "</w:nonsense>" + whole[whole.index("Line 2001") :]
    words, warnings = read(zipped("a.docx", DOCUMENT | {"word/document.xml": cut}))
    assert words.startswith("Body\nComment: Remark\nLine 0")
    assert "Line 1999" in words
    assert warnings == ["damaged, read only in part: word/document.xml"]


def test_text_before_flipped_bits_of_the_packed_file_is_read(zipped: Any, read: Read) -> None:
    path = zipped("a.docx", DOCUMENT)
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("word/document.xml")
    data = bytearray(path.read_bytes())
    middle = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
    data[middle : middle + 40] = bytes(b ^ 0x55 for b in data[middle : middle + 40])
    path.write_bytes(data)
    words, warnings = read(path)
    assert words.startswith("Body")
    assert "Line 500" in words
    assert warnings == ["damaged, read only in part: word/document.xml"]


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(
    share: float, zipped: Any, read: Read
) -> None:
    path = zipped("a.docx", DOCUMENT)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    words, warnings = read(path)
    assert words.startswith("Body\nLine 0")
    assert warnings[0] == "cut short or damaged, read only as far as it goes: a.docx"


def test_a_document_of_which_nothing_is_left_is_refused_as_damaged(zipped: Any, svc: Any) -> None:
    path = zipped("a.docx", DOCUMENT | {"word/document.xml": "\0"})
    with pytest.raises(UnreadableError) as e:
        svc.probe(str(path))
    assert e.value.code == "CORRUPT_MEDIA"


def test_names_of_parts_differ_in_more_than_case_and_separators(zipped: Any, read: Read) -> None:
    parts = {
        k.replace("/", "\\").replace("Slides\\n.xml", "Slides\\N.XML"): v for k, v in SHOW.items()
    }
    words, warnings = read(zipped("a.pptx", parts))
    assert words == "First words\nNotes: Spoken words Second words"
    assert warnings == []


def test_an_empty_show_is_no_damage(zipped: Any, svc: Any) -> None:
    path = zipped("a.pptx", {"ppt/presentation.xml": "<p/>"})
    assert svc.probe(str(path)).pages == 0


def test_a_lost_list_of_a_parts_belongings_is_said(zipped: Any, read: Read) -> None:
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f'<w:document xmlns:w="{w}" xmlns:r="{R}"><w:p><w:r><w:t>Body</w:t></w:r></w:p>{{}}'
    with_header = body.format(
        '<w:sectPr><w:headerReference w:type="default" r:id="r7"/></w:sectPr>'
    )
    words, warnings = read(zipped("a.docx", {"word/document.xml": with_header + "</w:document>"}))
    assert words == "Body"
    assert len(warnings) == 1 and warnings[0].endswith("may be missing: word/document.xml")
    words, warnings = read(zipped("b.docx", {"word/document.xml": body.format("</w:document>")}))
    assert (words, warnings) == ("Body", [])


def test_notes_are_found_by_their_own_list_where_that_of_the_slide_is_lost(
    zipped: Any, read: Read
) -> None:
    parts = {name: xml for name, xml in SHOW.items() if name != "ppt/slides/_rels/slide1.xml.rels"}
    parts["ppt/notesSlides/_rels/n.xml.rels"] = _links("slide=../slides/slide1.xml")
    assert read(zipped("a.pptx", parts)) == read(zipped("b.pptx", SHOW))


def test_sheets_keep_their_names_where_the_list_of_their_parts_is_lost(
    zipped: Any, svc: Any, read: Read
) -> None:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheets = '<sheet name="Otters" r:id="r1"/><sheet name="Herons" state="hidden" r:id="r2"/>'
    row = '<c r="A1" t="inlineStr"><is><t>{}</t></is></c>'
    part = f'<worksheet xmlns="{main}"><sheetData><row r="1">{row}</row></sheetData></worksheet>'
    path = zipped("a.xlsx", {
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{R}"><sheets>{sheets}</sheets>'
        "</workbook>",
        "xl/worksheets/sheet1.xml": part.format("seen"),
        "xl/worksheets/sheet2.xml": part.format("unseen"),
    })  # fmt: skip
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, None, info.pages)
    found = [p for p in svc.decompose(str(path), source, CutOptions()) if isinstance(p, Segment)]
    assert [(p.origin, p.text) for p in found] == [
        ("sheet Otters", "seen"), ("hidden sheet Herons", "unseen"),
    ]  # fmt: skip
    assert read(path)[1][0].endswith("may be missing: xl/workbook.xml")


_FAULTS = {
    "a bare and": (b"R&D at A&B; x & y", "R&D at A&B; x & y"),
    "entities of HTML": (b"caf&eacute;&nbsp;bar &LT;b", "café bar <b"),
    "beside text as it is": (b"<![CDATA[a & <b]]> R&D", "a & <b R&D"),
    "an unknown entity": (b"&foo; and &#38;", "&foo; and &"),
    "halves of a character": (b"&#xD83D;&#xDE00; &#55357;&#56832; &#xD800;!", "😀 😀 !"),
    "no character": (b"a&#xFFFE;b\xef\xbf\xbfc", "abc"),
    "a byte of Windows-1252": (b"it\x92s 5 \x80, caf\xc3\xa9", "it’s 5 €, café"),
}


@pytest.mark.parametrize("fault", _FAULTS)
@pytest.mark.parametrize("before", [0, 65_536])
def test_a_small_fault_in_the_xml_costs_itself(
    zipped: Any, read: Read, fault: str, before: int
) -> None:
    written, shown = _FAULTS[fault]
    body = b"<w:p><w:t>%s</w:t></w:p><w:p><w:t>%s</w:t></w:p><w:p><w:t>End</w:t></w:p>"
    parts = {"word/document.xml": _document(body % (b"x" * before, written)),
             "word/_rels/document.xml.rels": "<Relationships/>"}  # fmt: skip
    text, warnings = read(zipped("a.docx", parts))
    assert text.replace("\xa0", " ").endswith(f"{shown}\nEnd")
    assert warnings == []


_ENCODINGS = {
    "declared": (b'<?xml version="1.0" encoding="windows-1251"?>', "cp1251"),
    "two bytes": (b'<?xml version="1.0" encoding="GBK"?>', "gbk"),
    "not as declared": (b'<?xml version="1.0" encoding="ISO-8859-1"?>', "utf-8"),
    "declared as wide": (b'<?xml version="1.0" encoding="UTF-16"?>', "utf-8"),
    "unknown": (b'<?xml version="1.0" encoding="ansi_x"?>', "utf-8"),
    "after a line": (b'\n <?xml version="1.1" encoding="UTF-8"?>', "utf-8"),
    "wide": (b"", "utf-16"),
}


@pytest.mark.parametrize("kind", _ENCODINGS)
def test_a_part_is_read_in_the_encoding_it_is_in(zipped: Any, read: Read, kind: str) -> None:
    declaration, encoding = _ENCODINGS[kind]
    words = "Договор подписан " * 3
    xml = _document(
        f"<w:p><w:t>{words}</w:t></w:p><w:p><w:t>{'x' * 70_000} End</w:t></w:p>".encode()
    )
    parts = {"word/document.xml": declaration + xml.decode().encode(encoding),
             "word/_rels/document.xml.rels": "<Relationships/>"}  # fmt: skip
    text, warnings = read(zipped("a.docx", parts))
    assert text.startswith("Договор подписан Договор")
    assert text.endswith(" End")
    assert warnings == []


def _document(body: bytes) -> bytes:
    space = b'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    return b"<w:document %s><w:body>%s</w:body></w:document>" % (space, body)
