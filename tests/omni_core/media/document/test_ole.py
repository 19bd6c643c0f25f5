"""Outlook messages and old workbooks are read; other OLE files and zips are named."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import OmniError, UnreadableError
from omni_core.media.document.biff import Records
from omni_core.media.text.compressed_rtf import decompress
from omni_core.types import CutOptions, FileWarning, Segment, Source

Ole = Callable[[str, dict[str, bytes]], Path]
SENT = datetime(2019, 2, 3, 4, 5, 6, tzinfo=UTC)


def _everything(svc: Any, path: Path) -> list[Segment | FileWarning]:
    info = svc.probe(str(path))
    source = Source("ab" * 32, str(path), info.title, info.modality, info.mime, 1)
    return list(svc.decompose(str(path), source, CutOptions()))


def _texts(svc: Any, path: Path) -> list[str]:
    return [i.text for i in _everything(svc, path) if isinstance(i, Segment)]


def _warnings(svc: Any, path: Path) -> list[str]:
    return [i.message for i in _everything(svc, path) if isinstance(i, FileWarning)]


# ---- Outlook messages


def _properties(head: int, **values: int) -> dict[str, bytes]:
    """A stream of numbers and times by their tags: `t0C150003=1`."""
    packed = b"".join(struct.pack("<IIQ", int(k[1:], 16), 6, v) for k, v in values.items())
    return {"__properties_version1.0": bytes(head) + packed}


def _ticks(when: datetime) -> int:
    return int((when - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000


def _strings(**values: str) -> dict[str, bytes]:
    return {f"__substg1.0_{k[1:]}001F": v.encode("utf-16-le") for k, v in values.items()}


def _under(folder: str, streams: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in streams.items()}


def _message(head: int = 32, **strings: str) -> dict[str, bytes]:
    return {
        **_properties(head, t00390040=_ticks(SENT)),
        **_strings(
            t0037="Kühlwagen", t0042="Åse Dahl", t5D02="ase@example.org",
            t1000="Er kommt am\r\nFreitag.",
        ),
        **_strings(**strings),
    }  # fmt: skip


RECIPIENTS = {
    **_under(
        "__recip_version1.0_#00000000",
        {**_properties(8, t0C150003=1), **_strings(t3001="Bo", t39FE="bo@example.org")},
    ),
    **_under(
        "__recip_version1.0_#00000001", {**_properties(8, t0C150003=2), **_strings(t3001="Cy")}
    ),
}


def test_a_message_is_read_as_mail_is(ole: Ole, svc: Any, cut: Any) -> None:
    path = ole("a.msg", {**_message(), **RECIPIENTS})
    info = svc.probe(str(path))
    assert (info.title, info.mime) == ("Kühlwagen", "application/vnd.ms-outlook")
    assert (info.recorded_at, info.recorded_at_from) == (SENT, "container")
    (segment,) = cut(path)
    assert segment.text.split("\n") == [
        "Subject: Kühlwagen", "From: Åse Dahl <ase@example.org>", "To: Bo <bo@example.org>",
        "Cc: Cy", "Date: Sun, 03 Feb 2019 04:05:06 +0000", "", "Er kommt am", "Freitag.",
    ]  # fmt: skip
    assert segment.extra["heading"] == "Kühlwagen"


def test_attachments_are_read_or_named(ole: Ole, svc: Any) -> None:
    def attached(n: int, name: str, data: bytes) -> dict[str, bytes]:
        streams = {**_strings(t3707=name), "__substg1.0_37010102": data}
        return _under(f"__attach_version1.0_#0000000{n}", streams)

    inner = _message(24, t0037="Forwarded", t1000="Inside")
    path = ole("a.msg", {
        **_message(), **attached(0, "notes.txt", "grün".encode()),
        **attached(1, "plan.pdf", b"%PDF"),
        **_under("__attach_version1.0_#00000002/__substg1.0_3701000D", inner),
    })  # fmt: skip
    (text,) = _texts(svc, path)
    assert "Attachment notes.txt:\ngrün" in text
    assert "Subject: Forwarded" in text
    assert text.endswith("Inside")
    assert _warnings(svc, path) == [
        "attachments not read: plan.pdf (application/pdf); save and ingest them by themselves"
    ]


def test_a_signed_message_lies_whole_in_an_attachment(ole: Ole, svc: Any) -> None:
    signed = (
        b'Content-Type: multipart/signed; boundary="s"\r\n\r\n--s\r\n'
        b"Content-Type: text/plain\r\n\r\nThe sluice opens at nine.\r\n--s\r\n"
        b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nMIIB\r\n--s--\r\n"
    )
    for kind, data, said in (
        ("multipart/signed", signed, []),
        ("application/pkcs7-mime", b"\x30\x80", ["the message is encrypted"]),
    ):
        attached = {**_strings(t3707="smime.p7m", t370E=kind), "__substg1.0_37010102": data}
        streams = {**_message(t1000=""), **_under("__attach_version1.0_#00000000", attached)}
        path = ole("a.msg", streams)
        assert [warning[:24] for warning in _warnings(svc, path)] == said
        assert ("The sluice opens at nine." in _texts(svc, path)[0]) is (not said)


PACKED = bytes.fromhex(
    "2e000000370000004c5a4675f566b8ad03000a007263706731323542320af320"
    "68656c0900206a7705b06c0eab7d0a801060"
)
"""The text of the test that reads it, as the package compressed-rtf packs it."""


@pytest.mark.parametrize(
    ("streams", "body"),
    [
        ({"__substg1.0_10130102": "<p>Grüße <b>aus</b> Bergen</p>".encode()}, "Grüße aus Bergen"),
        ({"__substg1.0_1013001F": "<p>Grüße</p>".encode("utf-16-le")}, "Grüße"),
        ({"__substg1.0_10090102": bytes(8) + b"MELA" + bytes(4)}, "Freitag."),
    ],
)
def test_a_body_may_be_html(streams: dict[str, bytes], body: str, ole: Ole, svc: Any) -> None:
    message = _message() if body == "Freitag." else _message(t1000=" ")
    (text,) = _texts(svc, ole("a.msg", {**message, **streams}))
    assert text.endswith(body)


def test_a_body_may_be_compressed_rtf(ole: Ole, svc: Any) -> None:
    rtf = rb"{\rtf1\ansi caf\'e9 {\*\htmltag64 <p>}in Bergen\par}"
    packed = struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf
    (text,) = _texts(svc, ole("a.msg", {**_message(t1000=""), "__substg1.0_10090102": packed}))
    assert text.endswith("café in Bergen")


def test_compressed_rtf_refers_to_what_it_has_said() -> None:
    text = b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world hello world}\r\n"
    assert decompress(PACKED) == text
    for end in range(len(PACKED)):
        decompress(PACKED[:end])


def test_narrow_strings_are_in_the_code_page_of_the_message(ole: Ole, svc: Any) -> None:
    path = ole("a.msg", {
        **_properties(32, t3FFD0003=1251), "__substg1.0_0037001E": "Погода".encode("cp1251"),
        "__substg1.0_1000001E": "в Москве".encode("cp1251"),
    })  # fmt: skip
    assert svc.probe(str(path)).title == "Погода"
    assert _texts(svc, path) == ["Subject: Погода\n\nв Москве"]


def test_what_a_message_lacks_comes_from_its_internet_headers(ole: Ole, svc: Any) -> None:
    headers = "From: Bo <bo@example.org>\r\nDate: Sun, 03 Feb 2019 04:05:06 +0000\r\n\r\n"
    path = ole("a.msg", {**_properties(32), **_strings(t0037="Hi", t007D=headers, t1000="x")})
    assert svc.probe(str(path)).recorded_at == SENT
    assert "From: Bo <bo@example.org>" in _texts(svc, path)[0]


# ---- old workbooks


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _string(text: str, size: str = "<H") -> bytes:
    return struct.pack(size, len(text)) + b"\1" + text.encode("utf-16-le")


def _workbook(*rows: tuple[object, ...], from_1904: bool = False, further: bytes = b"") -> bytes:
    """One sheet named `Fang`; a cell is a text, a bool, or (number, number format)."""
    formats: list[str] = []
    cells = b""
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            at = struct.pack("<HH", r, c)
            if isinstance(cell, str):
                cells += _record(0x204, at + bytes(2) + _string(cell))
            elif isinstance(cell, bool):
                cells += _record(0x205, at + bytes(2) + bytes((cell, 0)))
            elif isinstance(cell, tuple):
                number, code = cell
                formats.append(code)
                cells += _record(0x203, at + struct.pack("<Hd", len(formats), number))
    begin = struct.pack("<HHHHII", 0x600, 5, 0, 1997, 0, 0x600)
    font = struct.pack("<HHHHHBBBB", 200, 0, 8, 400, 0, 0, 0, 0, 0) + _string("Arial", "<B")
    head = _record(0x809, begin) + _record(0x22, struct.pack("<H", from_1904))
    head += _record(0x31, font) * 4
    for n, code in enumerate(formats):
        head += _record(0x41E, struct.pack("<H", 164 + n) + _string(code))
    for key in (0, *range(164, 164 + len(formats))):
        head += _record(0xE0, struct.pack("<HH16x", 0, key))
    name = bytes(2) + _string("Fang", "<B")
    start = len(head) + 4 + 4 + len(name) + 4
    head += _record(0x85, struct.pack("<I", start) + name) + _record(0x0A, b"")
    sheet = struct.pack("<HHHHII", 0x600, 0x10, 0, 1997, 0, 0x600)
    return head + _record(0x809, sheet) + cells + further + _record(0x0A, b"")


def test_a_workbook_is_read_as_xlsx_is(ole: Ole, svc: Any) -> None:
    path = ole("a.xls", {"Workbook": _workbook(
        ("Havn", "Dag", "Andel", "Pris", "Åpen"),
        ("Bergen", (43637.5, "dd.mm.yyyy hh:mm"), (0.25, "0.0%"), (1234.5, '#,##0.00 "kr"'), True),
    )})  # fmt: skip
    info = svc.probe(str(path))
    assert (info.mime, info.pages) == ("application/vnd.ms-excel", 1)
    (segment,) = _everything(svc, path)
    assert isinstance(segment, Segment)
    assert segment.text.split("\n")[1] == (
        "Havn: Bergen; Dag: 2019-06-21 12:00; Andel: 25.0%; Pris: 1234.50 kr; Åpen: true"
    )
    assert (segment.origin, segment.extra) == ("sheet Fang", {"heading": "Fang", "rows": "1-2"})


def _summary(count: int = 2) -> bytes:
    title = struct.pack("<II", 30, 5) + b"Fang\0\0\0\0"
    made = struct.pack("<IQ", 64, _ticks(SENT))
    places = struct.pack("<IIII", 2, 24, 12, 24 + len(title))
    return bytes(44) + struct.pack("<III", 48, 0, count) + places + title + made


def test_title_and_date_come_from_the_summary(ole: Ole, svc: Any) -> None:
    for count, title in ((2, "Fang"), (0xFFFFFFFF, "Fang"), (0, "a")):
        streams = {"Workbook": _workbook(("x",)), "\5SummaryInformation": _summary(count)}
        info = svc.probe(str(ole("a.xls", streams)))
        assert info.title == title
        assert info.recorded_at_from == ("container" if count else "file time")
        assert not count or info.recorded_at == SENT


def test_a_pdf_within_an_old_file_is_not_the_file(ole: Ole, svc: Any) -> None:
    path = ole("a.doc", {"WordDocument": b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + bytes(5000)})
    with pytest.raises(UnreadableError, match="a Word document"):
        svc.probe(str(path))


def test_a_workbook_may_count_from_1904(ole: Ole, svc: Any) -> None:
    data = _workbook(("Dag",), ((42175.0, "yyyy-mm-dd"),), from_1904=True)
    assert _texts(svc, ole("a.xls", {"Workbook": data})) == ["Dag\nDag: 2019-06-21"]


def test_what_floats_above_a_workbook_gives_a_warning(ole: Ole, svc: Any) -> None:
    objects = b"".join(
        _record(0x5D, struct.pack("<HHH16x", 0x15, 18, kind)) for kind in (5, 8, 8, 25)
    )
    path = ole("a.xls", {"Workbook": _workbook(("words",), further=objects)})
    assert _warnings(svc, path) == [
        "not read: 1 chart, 2 pictures; save the workbook as XLSX to have them read"
    ]


def _object(kind: int, *pieces: str, wide: bool = True) -> bytes:
    """An object that floats above a sheet, and its words in so many records."""
    words = "".join(pieces)
    said = _record(0x5D, struct.pack("<HHH16x", 0x15, 18, kind))
    said += _record(0x1B6, struct.pack("<10xHH4x", len(words), 16))
    for piece in pieces:
        said += _record(0x3C, bytes([wide]) + piece.encode("utf-16-le" if wide else "latin-1"))
    return said + _record(0x3C, bytes(16))


def test_what_stands_beside_the_cells_of_a_workbook_is_read(ole: Ole, svc: Any) -> None:
    chart = _record(0x809, struct.pack("<HHHHII", 0x600, 0x20, 0, 1997, 0, 0x600))
    chart += _record(0x14, _string("&CUnder a chart")) + _record(0x0A, b"")
    further = (
        _record(0x14, _string('&L&"Arial,Bold"Havn og fangst&RSide &P')) + _record(0x15, b"")
        + _object(6, "The quay is ", "closed\non Monday") + chart
        + _object(2, "Kai café", wide=False) + _object(25, "a comment, which is read elsewhere")
    )  # fmt: skip
    path = ole("a.xls", {"Workbook": _workbook(("words",), further=further)})
    assert _texts(svc, path) == [
        "words",
        "Havn og fangst Side\nThe quay is closed on Monday\nKai café",
    ]
    assert _warnings(svc, path) == [
        "not read: 1 shape; save the workbook as XLSX to have them read"
    ]


def test_records_that_break_off_cost_themselves() -> None:
    parts = [(0x14, _string("Havn")), (0x5D, struct.pack("<HHH16x", 0x15, 18, 6)),
             (0x1B6, struct.pack("<10xHH4x", 18, 16)), (0x3C, b"\0The quay is closed")]  # fmt: skip
    found = set()
    for end in range(20):
        further = b"".join(_record(kind, content[:end]) for kind, content in parts)
        found |= set(Records(_workbook(("words",), further=further)).words[0])
    assert found == {"The quay is closed"}


def test_words_beside_the_cells_are_those_of_their_sheet_behind_a_sheet_that_is_a_chart(
    ole: Ole, svc: Any
) -> None:
    data = _workbook(("words",), further=_record(0x14, _string("&CHavn")))
    at = data.index(b"\x85\0", data.index("Arial".encode("utf-16-le")))
    (start,) = struct.unpack_from("<I", data, at + 4)
    name = bytes((0, 2)) + _string("Kart", "<B")
    moved = 8 + len(name)
    data = (
        data[:at] + _record(0x85, struct.pack("<I", len(data) + moved) + name)
        + data[at : at + 4] + struct.pack("<I", start + moved) + data[at + 8 :]
        + _record(0x809, struct.pack("<HHHHII", 0x600, 0x20, 0, 1997, 0, 0x600))
        + _record(0x14, _string("&CUnder a chart")) + _record(0x0A, b"")
    )  # fmt: skip
    path = ole("a.xls", {"Workbook": data})
    assert _texts(svc, path) == ["words", "Havn"]
    assert _warnings(svc, path) == [
        "not read: 1 chart; save the workbook as XLSX to have them read"
    ]


def test_an_object_with_two_texts_and_one_whose_text_is_missing_are_no_damage() -> None:
    said = b"\0The quay is closed"
    text = struct.pack("<10xHH4x", len(said) - 1, 16)
    box = _record(0x5D, struct.pack("<HHH16x", 0x15, 18, 6)) + _record(0x1B6, text)
    lost = box + _record(0x203, b"") + _record(0x3C, b"\0of some other thing")
    twice = box + _record(0x3C, said) + _record(0x1B6, text) + _record(0x3C, said)
    found = Records(_workbook(("words",), further=lost + twice))
    assert dict(found.words) == {0: ["The quay is closed"] * 2} and found.objects == {}


# ---- what is refused


@pytest.mark.parametrize(
    ("name", "stream", "says"),
    [
        ("a.doc", "WordDocument", "'a.doc' is a Word document from before 2007 (DOC); save it as"),
        ("a.txt", "WordDocument", "'a.txt' is a Word document"),
        ("a.ppt", "PowerPoint Document", "a PowerPoint presentation from before 2007 (PPT)"),
        ("a.vsd", "VisioDocument", "a Visio drawing"),
        ("a.pub", "Quill/QuillSub/CONTENTS", "a Publisher file"),
        ("a.mpp", "Props12", "a Microsoft Project plan"),
        ("a.wps", "MatOST", "a Microsoft Works document"),
        ("a.hwp", "\5HwpSummaryInformation", "a Hangul document"),
        ("a.bin", "something", "a file of an old program (OLE)"),
    ],
)
def test_an_old_file_is_named_by_its_streams(
    name: str, stream: str, says: str, ole: Ole, svc: Any
) -> None:
    with pytest.raises(UnreadableError) as e:
        svc.probe(str(ole(name, {stream: bytes(100)})))
    assert says in str(e.value)
    assert e.value.code == "UNSUPPORTED_TYPE"


@pytest.mark.parametrize(
    ("name", "streams"),
    [
        ("a.xlsx", {"EncryptedPackage": b"x", "EncryptionInfo": b"x"}),
        ("a.doc", {"WordDocument": b"\xec\xa5" + bytes(9) + b"\1" + bytes(50)}),
        ("a.ppt", {"PowerPoint Document": b"x", "EncryptedSummary": b"x"}),
        ("a.xls", {"Workbook": _record(0x809, bytes(16)) + _record(0x2F, bytes(54))}),
    ],
)
def test_a_file_with_a_password_says_so(
    name: str, streams: dict[str, bytes], ole: Ole, svc: Any
) -> None:
    with pytest.raises(UnreadableError, match="save a copy without password") as e:
        svc.probe(str(ole(name, streams)))
    assert e.value.code == "ENCRYPTED"


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (["xl/workbook.bin", "xl/styles.xml"], r"a binary workbook \(XLSB\); save it as XLSX"),
        (["Index/Slide-1.iwa", "Index/Document.iwa"], "a Keynote presentation; export it as PPTX"),
        (["Index/Document.iwa"], "a Pages or Numbers document; export it as DOCX"),
        (["META-INF/MANIFEST.MF", "a/B.class"], "a Java archive"),
        (["AndroidManifest.xml", "META-INF/MANIFEST.MF"], "an Android app"),
        (["b.csv", "a.txt", "sub/"], "a ZIP archive of a.txt, b.csv; unpack it"),
        ([f"{n}.txt" for n in range(9)], "of 0.txt, 1.txt, 2.txt and 6 more; unpack it"),
        ([], "cannot be decoded"),
    ],
)
def test_a_zip_is_named_by_its_parts(
    parts: list[str], says: str, zipped: Callable[..., Path], svc: Any
) -> None:
    path = zipped("a.docx", dict.fromkeys(parts, "x"))
    with pytest.raises(OmniError, match=says) if parts else pytest.raises(OmniError):
        svc.probe(str(path))


def test_any_damage_ends_in_words_or_an_error_of_the_tree(ole: Ole, svc: Any) -> None:
    files = [
        ole("a.msg", {**_message(), **RECIPIENTS}),
        ole("a.xls", {"Workbook": _workbook(("a", (1.5, "0.0 kg"), True))}),
    ]
    for path in files:
        whole = path.read_bytes()
        for at in range(8, len(whole), 131):
            for data in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]):
                path.write_bytes(data)
                try:
                    _everything(svc, path)
                except OmniError:
                    continue
