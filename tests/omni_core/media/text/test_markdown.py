"""Headings of Markdown stand outside code; front matter gives title and date."""

from __future__ import annotations

from datetime import datetime

import pytest

from omni_core.media.text.markdown import outline


def headings(text: str) -> list[str]:
    found = outline(text).headings
    assert all(text[at:].lstrip(" #").startswith(name) for at, name in found)
    return [name for _, name in found]


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_lines_in_fenced_code_are_no_headings(fence: str) -> None:
    text = (
        f"{fence}bash\n# wipe the lock\n```inner\n{fence}\n\n# Starting the pumps #\n## Stopping\n"
    )
    assert headings(text) == ["Starting the pumps", "Stopping"]


def test_a_fence_that_is_never_closed_lasts_to_the_end() -> None:
    assert headings("# One\n```\n# two\n# three") == ["One"]


def test_underlined_headings_count_and_rules_do_not() -> None:
    text = "Valve tables\n------------\n\nwords\n\n---\n\n- item\n---\n\nTitle\n===\n"
    assert headings(text) == ["Valve tables", "Title"]


@pytest.mark.parametrize(
    "front",
    ['---\ntitle: "Pump manual"\ndate: 2023-11-05\n# remark\n---\n',
     "+++\ntitle = 'Pump manual'\ndate = 2023-11-05T08:00:00Z\n+++\n",
     "---\ndate: 2023-11-05\ntitle: Pump manual\n...\n"],
)  # fmt: skip
def test_front_matter_gives_title_and_date(front: str) -> None:
    found = outline(front + "\n# Starting\n")
    assert found.title == "Pump manual"
    assert found.date is not None
    assert found.date.date() == datetime(2023, 11, 5).date()
    assert headings(front + "\n# Starting\n") == ["Starting"]


def test_a_rule_at_the_start_is_no_front_matter() -> None:
    found = outline("---\n\ntitle: of nothing\n\n# Words\n")
    assert (found.title, found.date) == ("", None)
    assert [name for _, name in found.headings] == ["Words"]
