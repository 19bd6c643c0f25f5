"""What reaches a model from media: cut to size, behind a fence."""

from __future__ import annotations

import pytest

from omni_server.text import Fence, excerpt, one_line, tokens


def test_one_line_has_no_line_breaks_and_an_end() -> None:
    assert one_line("a\nb\u2028c\td") == "a b c d"
    assert one_line("\x1b[31mred\x1b[0m \u202etext") == "red text"
    assert len(one_line("word " * 100, 40)) <= 40


@pytest.mark.parametrize("text", ["word " * 500, "字" * 500, "x" * 5000, "Ω" * 300, "🎬 " * 200])
def test_an_excerpt_stays_within_its_budget_in_any_script(text: str) -> None:
    assert tokens(excerpt(text)) <= 58
    assert excerpt(text).endswith(" …")


def test_a_short_text_is_its_own_excerpt() -> None:
    assert excerpt("the launch is postponed") == "the launch is postponed"


def test_fences_differ_each_time() -> None:
    assert len({Fence().start for _ in range(50)}) == 50
