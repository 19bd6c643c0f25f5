from __future__ import annotations

import pytest

from omni_core import cursors
from omni_core.errors import BadRequestError


@pytest.mark.parametrize("position", ["12", "2026-11-17T10:00:00+00:00 ab12", "日本"])
def test_a_cursor_leads_back_to_its_own_request_only(position: str) -> None:
    cursor = cursors.encode(position, "query a")
    assert cursor.isalnum() and cursor == cursor.lower()
    assert cursors.decode(cursor, "query a") == position
    with pytest.raises(BadRequestError, match="not of this request") as refused:
        cursors.decode(cursor, "query b")
    assert refused.value.code == "BAD_CURSOR"


def test_the_first_page_has_no_cursor() -> None:
    assert cursors.decode("", "any") == ""
    assert cursors.decode_offset("", "any") == 0
    assert cursors.decode_offset(cursors.encode("40", "any"), "any") == 40


CURSOR = cursors.encode("12", "query a")


@pytest.mark.parametrize(
    "wrong",
    ["zzz", "a" * 99, "é", "12", "==", "☃", "bm90IGEgZGF0ZXxh", CURSOR[:-1], CURSOR + "a",
     CURSOR[:-1] + ("a" if CURSOR[-1] != "a" else "b"), cursors.encode("", "query a")],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(wrong: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        cursors.decode_offset(wrong, "query a")
    assert refused.value.code == "BAD_CURSOR"
