"""Delimited text: the delimiter is found, no cell is lost for its length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("Artikel;Preis\nSchraube;0,35\nWinkel;2,90\n", "Artikel: Schraube; Preis: 0,35"),
        ("sep=;\nArtikel;Preis\nSchraube;0,35\n", "Artikel: Schraube; Preis: 0,35"),
        ('name|words\nAda|"a, b, c, d"\n', "name: Ada; words: a, b, c, d"),
        ("Report, of May, by me\n\na;b\n1;2\n3;4\n5;6\n7;8\n", "a: 3; b: 4"),
        ("a,b\n1,2\n", "a: 1; b: 2"),
    ],
)
def test_the_delimiter_is_the_one_that_the_lines_share(
    text: str, row: str, tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    (segment,) = cut(path)
    assert row in segment.text.split("\n")
    assert "sep=" not in segment.text


@pytest.mark.parametrize("length", [600, 140_000])
def test_a_long_cell_costs_neither_its_end_nor_the_next_row(
    length: int, tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"id,note\n1,{'lorem ' * (length // 6)}NEEDLE\n2,after\n")
    segments = cut(path)
    assert len({s.id for s in segments}) == len(segments)
    text = "\n".join(s.text for s in segments)
    assert "NEEDLE" in text
    assert text.count("lorem") == length // 6
    assert "id: 2; note: after" in text


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("t.xls", "Havn\tFangst\nBergen\t312\n", "Havn: Bergen; Fangst: 312"),
        ("t.xlsx", "sep=;\nHavn;Fangst\nBergen;312\n", "Havn: Bergen; Fangst: 312"),
        ("t.xls", "<table><tr><th>Havn<th>Fangst<tr><td>Bergen<td>312</table>", "Bergen | 312"),
        ("t.doc", '<meta charset="utf-8"><p>Havn<p>Bergen', "Bergen"),
        ("t.xls", "Only words, no table.\n", "Only words, no table."),
    ],
)
def test_text_under_the_name_of_an_office_file_is_read_as_what_it_is(
    name: str, content: str, line: str, tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / name
    path.write_text(content)
    (segment,) = cut(path)
    assert line in segment.text.split("\n")


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\f", "\v"])
def test_a_row_ends_at_a_line_end_only(separator: str, tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"id,note,city\n1,first{separator}second,Oslo\n2,plain,Bergen\n", "utf-8")
    (segment,) = cut(path)
    assert "city: Oslo" in segment.text and "id: 2; note: plain; city: Bergen" in segment.text
    assert "firstsecond" not in segment.text


def test_quoted_cells_may_follow_a_space(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id, name, note\n1, "Smith, John", heron\n2, "Doe, ""JD"" Jane", otter\n')
    said = cut(path)[0].text
    assert "id: 1; name: Smith, John; note: heron" in said
    assert 'id: 2; name: Doe, "JD" Jane; note: otter' in said
    path.write_text('size, note\n5", heron\n12, a "quoted" word\n3, "open\n4, crow\n')
    assert 'size: 5"; note: heron' in cut(path)[0].text and "note: crow" in cut(path)[0].text


def test_quotes_that_backslashes_escape_end_no_cell(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,text\n1,"He said \\"heron\\", twice, \\"loud\\""\n2,"end"\n')
    (found,) = cut(path)
    assert found.text.split("\n")[1:] == [
        'id: 1; text: He said "heron", twice, "loud"',
        "id: 2; text: end",
    ]
    path.write_text('id,path,note\n1,"C:\\dir\\","a"\n2,"D:\\","b"\n')
    (found,) = cut(path)
    assert found.text.split("\n")[1:] == [
        "id: 1; path: C:\\dir\\; note: a",
        "id: 2; path: D:\\; note: b",
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"C:\\\\dir\\\\"', "C:\\\\dir\\\\"),  # a database doubles backslashes
        ('"C:\\dir\\"', "C:\\dir\\"),  # another program does not
        ('"C:\\dir\\" ', "C:\\dir\\"),
    ],
)
@pytest.mark.parametrize("said", ['"so \\"loud\\" as"', '"so quiet"'])
def test_a_folder_ends_its_cell_beside_escaped_quotes(
    written: str, read: str, said: str, tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,text,path,note\n1,{said},{written},a\n2,b,{written},c\n3,d,e,f\n")
    (found,) = cut(path)
    told = said.strip('"').replace('\\"', '"')
    assert found.text.split("\n")[1:] == [
        f"id: 1; text: {told}; path: {read}; note: a",
        f"id: 2; text: b; path: {read}; note: c",
        "id: 3; text: d; path: e; note: f",
    ]


def test_backslashes_outside_of_quotes_stay(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('id\ttext\n1\tHe said \\"hi there\n2\tend\n')
    (found,) = cut(path)
    assert 'text: He said \\"hi there' in found.text


def test_a_number_that_is_kept_from_spreadsheets_is_read_as_it_stands(
    tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,zip,sum\n"=""00123""",="01067","=A1+""x"""\n="","=""a"" & ""b""",=\n')
    (found,) = cut(path)
    assert found.text.split("\n")[1:] == [
        'id: 00123; zip: 01067; sum: =A1+"x"', 'id: =""; zip: ="a" & "b"; sum: =',
    ]  # fmt: skip
