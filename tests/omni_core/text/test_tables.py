"""Tables from the places of lines; prose, lists and contents are none."""

from __future__ import annotations

from omni_core.text.places import Place
from omni_core.text.tables import Cell, is_caption, tables

HEIGHT, LEADING = 10.0, 14.0


def cell(text: str, left: float, line: float) -> Cell:
    top = 100 + LEADING * line
    box = (left, top, left + 5.0 * len(text), top + HEIGHT)
    return Cell(text, box, (Place(0, len(text), box),))


def grid(*rows: tuple[str, ...], step: float = 120, first: float = 0) -> list[Cell]:
    return [
        cell(word, 50 + step * x, first + y)
        for y, row in enumerate(rows) for x, word in enumerate(row) if word
    ]  # fmt: skip


SURVEY = grid(("Station", "Depth (m)", "Sediment"), ("1", "1.4", "sand"), ("4", "3.2", "clay"))


def test_rows_keep_the_words_of_their_header() -> None:
    [table] = tables(SURVEY)
    assert [row.text for row in table.rows] == [
        "Station: 1; Depth (m): 1.4; Sediment: sand", "Station: 4; Depth (m): 3.2; Sediment: clay",
    ]  # fmt: skip


def test_a_row_is_where_its_own_cells_are_and_not_its_header() -> None:
    row = tables(SURVEY)[0].rows[1]
    assert [row.text[p.start : p.end] for p in row.places] == ["4", "3.2", "clay"]
    assert {p.rect[1] for p in row.places} == {100 + 2 * LEADING}


def test_a_caption_above_or_below_is_the_tables() -> None:
    for line in (-1.6, 3.6):
        [table] = tables(
            sorted([*SURVEY, cell("Table 2: Soundings", 60, line)], key=lambda c: c.box[1])
        )
        assert table.caption == "Table 2: Soundings"


def test_captions_are_told_from_sentences() -> None:
    assert is_caption("Tabla 3. Datos") and is_caption("表 1 测量")
    assert not is_caption("Tables are set") and not is_caption("Table of contents")


def test_a_wrapped_cell_is_one_and_so_is_a_header_of_two_lines() -> None:
    wrapped = [
        *grid(("Name", "Rate", "Use"), ("approx", "12", "caching proxy for"), ("", "", "archives"),
              ("squid", "7", "proxy"), ("xz", "3", "packing")),
    ]  # fmt: skip
    tight = [
        c._replace(box=(c.box[0], 100 + (c.box[1] - 100) * 0.9, c.box[2], c.box[3]))
        for c in wrapped
    ]
    assert (
        tables(tight)[0].rows[0].text == "Name: approx; Rate: 12; Use: caching proxy for archives"
    )
    two = grid(
        ("Inhibitor", "Rate", "Loss"), ("(g)", "(mm)", "(%)"), ("2", "1.5", "4"), ("4", "0.9", "3")
    )
    assert tables(two)[0].rows[0].text == "Inhibitor (g): 2; Rate (mm): 1.5; Loss (%): 4"


def test_a_table_without_a_header_has_bare_rows() -> None:
    found = tables(grid(("0x10", "12", "3"), ("0x20", "13", "4"), ("0x30", "14", "5")))
    assert found[0].rows[0].text == "0x10; 12; 3"


def test_columns_of_prose_are_no_table() -> None:
    prose = "the keeper of the light wrote down what ships went by"
    columns = [cell(prose, x, line) for line in range(20) for x in (50, 350)]
    assert tables(columns) == []


def test_lists_and_contents_are_no_tables() -> None:
    bullets = grid(*(("•", f"a point of {n} to make") for n in range(6)), step=15)
    numbered = grid(*((f"{n}.", f"Turn the valve {n}") for n in range(1, 7)), step=25)
    contents = grid(*((f"Chapter {n}", str(10 * n)) for n in range(1, 7)), step=300)
    assert [tables(cells) for cells in (bullets, numbered, contents)] == [[], [], []]


def test_a_page_without_rows_has_no_tables() -> None:
    assert tables([cell(f"line {n} of a letter", 50, n) for n in range(30)]) == []
    assert tables([]) == []
