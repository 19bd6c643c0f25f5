from __future__ import annotations

import pytest

from omni_core.text.numbers import joined


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("(555) 123-4567", ["5551234567", "1234567"]),
        ("+1 555 123 4567", ["15551234567", "1234567"]),
        ("555.123.4567", ["5551234567", "1234567"]),
        ("1 042", ["1042"]),
        ("1.042.000", ["1042000"]),
        ("AB 12 34", ["ab1234"]),
        ("E-1042 and E 1043", ["e1042", "e1043"]),
        ("4111 1111 1111 1111", ["4111111111111111", "1111111"]),
        ("5551234567", ["1234567"]),
    ],
)
def test_a_grouped_number_is_one_number(text: str, numbers: list[str]) -> None:
    assert joined(text) == numbers


@pytest.mark.parametrize(
    "text",
    ["", "page 10", "1998", "12 13", "v2.10.3", "3.14", "a 5 b 6", " ".join(map(str, range(99)))],
)
def test_plain_numbers_and_rows_of_a_table_are_left_alone(text: str) -> None:
    assert joined(text) == []


@pytest.mark.timeout(30)
def test_a_long_row_of_digits_is_read_in_time_that_grows_with_it() -> None:
    assert joined("0" * 100_000 + "a") == []
    assert joined("00 " * 30_000 + "a") == []
    assert joined("1 " * 50_000) == []
    assert joined("1-" * 50_000) == []
