"""Rows of tables as windows of readable lines: nothing is left out, no window is too long."""

from __future__ import annotations

from omni_core.media.text.rows import MAX_COLUMNS, row_windows


def _rows(*rows: list[str]) -> list[tuple[int, int, list[str]]]:
    return [(n, n, cells) for n, cells in enumerate(rows, 1)]


def test_short_rows_share_a_window_and_long_ones_do_not() -> None:
    rows = _rows(["name", "note"], ["Ada", "one two"], ["Bob", "three " * 9], ["Cy", "four"])
    windows = list(row_windows(rows, 8))
    assert [(w.start, w.end) for w in windows] == [(1, 2), (3, 3), (3, 3), (4, 4)]
    assert windows[0].text == "name, note\nname: Ada; note: one two"
    assert windows[3].text == "name: Cy; note: four"


def test_every_column_of_a_wide_table_is_in_a_window_with_its_name() -> None:
    names, values = [f"col{n}" for n in range(300)], [f"val{n}" for n in range(300)]
    windows = list(row_windows(_rows(names, values), 60))
    assert max(len(w.text.split()) for w in windows) <= 60
    text = "; ".join(w.text for w in windows[-10:])
    assert all(f"col{n}: val{n}" in text for n in range(300))
    assert ", ".join(names) == ", ".join(w.text for w in windows[:5])


def test_every_word_of_a_long_cell_is_in_a_window() -> None:
    words = [f"w{n}" for n in range(1000)]
    windows = list(row_windows(_rows(["id", "story"], ["7", " ".join(words)]), 100))
    assert max(len(w.text.split()) for w in windows) <= 100
    assert [w for window in windows for w in window.text.split() if w[0] == "w"] == words


def test_a_table_without_names_shows_its_values() -> None:
    (window,) = row_windows(_rows(["1", "2"], ["3", ""], ["", ""]), 60)
    assert window.text == "1; 2\n3"


def test_lines_above_the_header_are_kept_and_are_no_header() -> None:
    rows = _rows(
        ["Station report"], ["Generated", "2024-05-01"], [], ["Date", "Station", "Rain mm", "Wind"],
        ["2024-04-03", "Trondal", "44.1", "3"], ["2024-04-04", "Trondal", "0", "4"],
    )  # fmt: skip
    (window,) = row_windows(rows, 200)
    assert window.text.split("\n")[:4] == [
        "Station report", "Generated 2024-05-01", "Date, Station, Rain mm, Wind",
        "Date: 2024-04-03; Station: Trondal; Rain mm: 44.1; Wind: 3",
    ]  # fmt: skip


def test_an_empty_line_divides_what_is_said_of_a_table_from_its_header() -> None:
    rows = _rows(
        ["Account", "DE12 3456"], ["Time", "March"], [], ["Day", "Payee", "Sum"],
        ["2 March", "Water works", "-88.10"], ["5 March", "Tax office", "-412.00"],
    )  # fmt: skip
    (window,) = row_windows(rows, 200)
    assert window.text.split("\n")[:4] == [
        "Account DE12 3456", "Time March", "Day, Payee, Sum",
        "Day: 2 March; Payee: Water works; Sum: -88.10",
    ]  # fmt: skip
    sheet = [(1, 1, ["Offer", "4711"]), (2, 2, ["To", "Ann"]), (4, 4, ["No", "Item", "Price"]),
             (5, 5, ["1", "Tile", "2.5"]), (6, 6, ["2", "Lath", "4"])]  # fmt: skip
    (window,) = row_windows(sheet, 200)
    assert window.text.split("\n")[1:4] == ["To Ann", "No, Item, Price",
                                            "No: 1; Item: Tile; Price: 2.5"]  # fmt: skip
    same = _rows(["Report", "2026"], [], ["Name", "Place"], ["Beck", "Ulm"], ["Roth", "Calw"])
    (window,) = row_windows(same, 200)
    assert window.text.split("\n")[:3] == ["Report 2026", "Name, Place", "Name: Beck; Place: Ulm"]
    two = _rows(["Day", "Payee"], ["2 March", "Baker"], [], ["5 March", "Mill", "-4.00"])
    (window,) = row_windows(two, 200)
    assert window.text.split("\n")[1] == "Day: 2 March; Payee: Baker"


def test_an_empty_line_below_a_header_or_between_rows_divides_nothing() -> None:
    below = _rows(["", "Morning", "Evening"], [], ["Mon", "gym", "read"], ["Tue", "run", "cook"])
    (window,) = row_windows(below, 200)
    assert window.text.split("\n")[1:] == [
        "Mon; Morning: gym; Evening: read", "Tue; Morning: run; Evening: cook",
    ]  # fmt: skip
    more = _rows(["Name", "City"], ["Ada", "London"], [], ["Bob", "Rome", "old"],
                 ["Cy", "Oslo", "new"], ["Di", "Bern", "new"])  # fmt: skip
    (window,) = row_windows(more, 200)
    assert window.text.split("\n")[1:4] == [
        "Name: Ada; City: London", "Name: Bob; City: Rome; old", "Name: Cy; City: Oslo; new",
    ]  # fmt: skip
    unnamed = _rows(["Ada", "1815", "x"], [], ["Bob", "never", "y"], ["Cy", "1900", "z"],
                    ["Di", "1901", "z"])  # fmt: skip
    (window,) = row_windows(unnamed, 200)
    assert window.text.split("\n")[-1] == "Di; 1901; z"


def test_no_cell_beyond_the_named_columns_is_lost() -> None:
    names = [f"c{n}" for n in range(MAX_COLUMNS + 3)]
    windows = list(row_windows(_rows(names), 5000))
    assert " ".join(w.text for w in windows).replace(",", "").split() == names


def test_what_stands_above_a_short_table_names_none_of_its_columns() -> None:
    """Though it is longer than the table."""
    above = [
        ["Account", "DE12 3456"],
        ["From", "1 March"],
        ["To", "31 March"],
        ["Sum", "12.50"],
        [],
    ]
    table = [["Day", "Payee", "Kind", "Sum"], ["2 March", "Water works", "debit", "-88.10"]]
    (window,) = row_windows(_rows(*above, *table), 200)
    assert window.text.split("\n") == [
        "Account DE12 3456", "From 1 March", "To 31 March", "Sum 12.50", "Day, Payee, Kind, Sum",
        "Day: 2 March; Payee: Water works; Kind: debit; Sum: -88.10",
    ]  # fmt: skip
