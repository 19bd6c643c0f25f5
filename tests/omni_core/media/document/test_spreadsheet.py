"""XLSX: values as people see them, row by row."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from omni_core.errors import UnreadableError
from omni_core.media.document import spreadsheet, zipped_xml
from omni_core.media.document.number_format import number_format
from omni_core.types import Span

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@pytest.fixture
def one_sheet(zipped: Callable[..., Path]) -> Callable[..., Path]:
    """A workbook of one sheet with these rows, as XML; `strings` are the shared ones."""

    def write(rows: str, strings: str = "", space: str = SPREADSHEET) -> Path:
        link = '<Relationship Id="r1" Target="worksheets/sheet1.xml"/>'
        head = f'xmlns="{space}" xmlns:r="{LINKS}"'
        return zipped("a.xlsx", {
            "xl/workbook.xml": f'<workbook {head}><sheet name="One" r:id="r1"/></workbook>',
            "xl/_rels/workbook.xml.rels": f"<Relationships>{link}</Relationships>",
            "xl/worksheets/sheet1.xml": f"<worksheet {head}>{rows}</worksheet>",
            "xl/sharedStrings.xml": f"<sst {head}>{strings}</sst>",
        })  # fmt: skip

    return write


def test_a_workbook_as_programs_write_it_reads_as_people_see_it(
    tmp_path: Path, cut: Any, svc: Any
) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        day, clock = book.add_format({"num_format": 14}), book.add_format({"num_format": 20})
        both = book.add_format({"num_format": "dd/mm/yy hh:mm"})
        share, price = (book.add_format({"num_format": f}) for f in ("0.0%", '#,##0.00 "€"'))
        sheet = book.add_worksheet("Ledger")
        sheet.write_row(0, 0, ["what", "day", "at", "both", "share", "price", "sum", "paid", "bad"])
        sheet.write_string(1, 0, "lamp")
        sheet.write_datetime(1, 1, date(2019, 6, 21), day)
        sheet.write_datetime(1, 2, time(13, 45), clock)
        sheet.write_datetime(1, 3, datetime(2019, 6, 21, 8, 5), both)
        sheet.write_number(1, 4, 0.255, share)
        sheet.write_number(1, 5, 1234.5, price)
        sheet.write_formula(1, 6, "=0.1+0.2", None, 0.30000000000000004)
        sheet.write_boolean(1, 7, True)
        sheet.write_formula(1, 8, "=1/0", None, "#DIV/0!")
        sheet.merge_range(2, 0, 2, 3, "all of it")
        hidden = book.add_worksheet("Hidden")
        hidden.write_string(0, 0, "kept")
        hidden.hide()
    assert svc.probe(str(path)).pages == 2
    first, second = cut(path)
    header, row, merged = first.text.split("\n")
    assert header == "what, day, at, both, share, price, sum, paid, bad"
    assert row == (
        "what: lamp; day: 2019-06-21; at: 13:45; both: 2019-06-21 08:05; share: 25.5%; "
        "price: 1234.50 €; sum: 0.3; paid: true; bad: #DIV/0!"
    )
    assert merged == "what: all of it"
    assert (second.text, second.span) == ("kept", Span("page", 2, 3))


@pytest.mark.parametrize("from_1904", [False, True])
def test_dates_are_right_from_1900_and_from_1904(from_1904: bool, tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path), {"date_1904": from_1904}) as book:
        day = book.add_format({"num_format": "d mmm yyyy"})
        book.add_worksheet().write_datetime(0, 0, date(2019, 6, 21), day)
    (segment,) = cut(path)
    assert segment.text == "2019-06-21"


def test_the_reading_of_a_japanese_word_is_no_part_of_it(one_sheet: Any, cut: Any) -> None:
    word = '<r><t>東京</t></r><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><r><t>都</t></r>'
    path = one_sheet(
        f'<row><c t="s"><v>0</v></c><c t="inlineStr"><is>{word}</is></c></row>', f"<si>{word}</si>"
    )
    (segment,) = cut(path)
    assert segment.text == "東京都; 東京都"


def test_a_cell_without_its_place_follows_the_one_before(one_sheet: Any, cut: Any) -> None:
    def row(*cells: str) -> str:
        return f"<row>{''.join(cells)}</row>"

    def text(words: str, place: str = "") -> str:
        return f'<c t="inlineStr"{place}><is><t>{words}</t></is></c>'

    path = one_sheet(
        row(*map(text, ("Name", "Born", "City", "Note")))
        + row(text("Ada"), "<c/>", text("Oslo"))
        + row(text("Bo"), text("Bergen", ' r="C3"'), text("ill"))
    )
    (segment,) = cut(path)
    assert segment.text.split("\n")[1:] == [
        "Name: Ada; City: Oslo", "Name: Bo; City: Bergen; Note: ill",
    ]  # fmt: skip


def test_characters_written_as_their_numbers_are_read(one_sheet: Any, cut: Any) -> None:
    path = one_sheet(
        '<row><c t="s"><v>0</v></c>'
        '<c t="inlineStr"><is><t>_x0041_BC_xD83D__xDE00_</t></is></c>'
        '<c t="str"><v>a_x0001_b</v></c></row>'
        "<headerFooter><oddHeader>&amp;Lleft_x000D_right</oddHeader></headerFooter>",
        "<si><t>first line_x000D_second _x005F_x0041_ my_xml_file</t></si>",
    )
    cells, header = cut(path)
    assert cells.text == "first line second _x0041_ my_xml_file, ABC\N{GRINNING FACE}, ab"
    assert header.text == "left right"


def test_a_workbook_saved_as_strict_is_read(one_sheet: Any, cut: Any) -> None:
    (segment,) = cut(one_sheet("<row><c><v>41</v></c></row>", space=STRICT))
    assert segment.text == "41"


def test_wrong_numbers_of_strings_styles_and_rows_cost_only_their_cell(
    one_sheet: Any, cut: Any
) -> None:
    path = one_sheet(
        f'<row r="7"><c r="A7" t="s"><v>99</v></c><c r="B7" s="{"9" * 5000}"><v>5</v></c></row>'
        '<row r="2000000000"><c r="XFD2000000000"><v>6</v></c><c r="C9"><v>7</v></c></row>'
    )
    (segment,) = cut(path)
    assert "5" in segment.text.split("\n")[0]
    assert segment.text.split("\n")[1].endswith("7")
    assert segment.extra["rows"] == "7-8"


def test_a_binary_workbook_says_what_to_do(zipped: Any, svc: Any) -> None:
    path = zipped("a.xlsb", {"xl/workbook.bin": b"\0", "xl/theme/theme1.xml": "<a/>"})
    with pytest.raises(UnreadableError, match="save it as XLSX") as e:
        svc.probe(str(path))
    assert e.value.code == "UNSUPPORTED_TYPE"


def test_memory_does_not_grow_with_the_rows(one_sheet: Any) -> None:
    def peak(rows: int) -> int:
        path = one_sheet("<row><c><v>12</v></c><c><v>34</v></c></row>" * rows)
        with zipped_xml.package(str(path)) as p:
            tracemalloc.start()
            assert sum(1 for _ in spreadsheet.Workbook(p).rows(1)) == rows
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return most

    peak(20)  # loads what is loaded once
    assert peak(40_000) < 1.5 * peak(5_000)


@pytest.mark.parametrize(
    ("code", "raw", "shown"),
    [
        ("General", "1234.5", "1234.5"),
        ("General", "0.30000000000000004", "0.3"),
        ("General", "12345678901234567890", "12345678901234567890"),
        ("#,##0.00", "1234.567", "1234.567"),
        ("@", "5", "5"),
        ("0%", "0.25", "25%"),
        ("0.0 %", "-0.0375", "-3.8 %"),
        ('"$"#,##0.00_);[Red]("$"#,##0.00)', "-5", "-$5.00"),
        ("[$€-407] #,##0", "1999.6", "€ 2000"),
        ('_-* #,##0.00\\ "zł"_-;-* #,##0.00\\ "zł"_-', "7.5", "7.50 zł"),
        ('0.0,,"M"', "12400000", "12.4M"),
        ('0 "km"', "5", "5 km"),
        ("00000", "501", "00501"),
        ("000-00-0000", "123456789", "123-45-6789"),
        ("(000) 000-0000", "5551234567", "(555) 123-4567"),
        ('0" h "00" m"', "5", "0 h 05 m"),
        ("000-00-0000", "-5", "-5"),
        ("[<=9999999]###-####;(###) ###-####", "5551234567", "5551234567"),
        ("0.00E+00", "1234.5", "1234.5"),
        ('"INV-"00000', "42", "INV-00042"),
        ('"No. "000.00', "-7.5", "-No. 007.50"),
        ('00" km"', "5", "05 km"),
        ('#,##0 "kg"', "5", "5 kg"),
        ("0.0x", "8.46", "8.5x"),
        ('"€"0.00/"kg"', "8.46", "€8.46/kg"),
        ("0.0\\x", "-2", "-2.0x"),
        ('#,##0.00 "kg"', "0.5", "0.50 kg"),
        ("# ?/?", "0.5", "1/2"),
        ("#\\ ?/?", "-1.5", "-1 1/2"),
        ('# ??/?? "in"', "3.14159", "3 14/99 in"),
        ("# ?/8", "2.5", "2 4/8"),
        ("?/?", "1.5", "3/2"),
        ("# ?/?", "2", "2"),
        ('0 "m/s"', "2.4", "2 m/s"),
        ("yyyy-mm-dd", "43637", "2019-06-21"),
        ("mmm yy", "43637.5", "2019-06-21"),
        ("[$-409]d/m/yy h:mm AM/PM;@", "43637.5729166667", "2019-06-21 13:45"),
        ("h:mm", "0.572916666666667", "13:45"),
        ("mm:ss", "0.00106481481481481", "00:01:32"),
        ("mm:ss.0", "0.0009652777777777778", "00:01:23.4"),
        ("hh:mm:ss.000", "0.0001", "00:00:08.640"),
        ("hh:mm:ss.000", "0.5", "12:00"),
        ("[h]:mm:ss.00", "1.00001", "24:00:00.86"),
        ("d.m.yyyy h:mm:ss.0", "43637.00001", "2019-06-21 00:00:00.9"),
        ("[h]:mm", "1.5625", "37:30"),
        ("[h]:mm", "-0.0625", "-1:30"),
        ("d.m.yyyy", "1", "1900-01-01"),
        ("d.m.yyyy", "61", "1900-03-01"),
        ("d.m.yyyy", "-3", "-3"),
        ("d.m.yyyy", "1e300", "1e300"),
        ("d.m.yyyy", "soon", "soon"),
    ],
)
def test_a_number_is_shown_by_its_format(code: str, raw: str, shown: str) -> None:
    assert number_format(code).show(raw) == shown
