"""What reaches a model from media: cut to size, behind a fence."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_server.text import Fence, excerpt, one_line, tokens, without_paths


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


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("cannot make the folder /home/ann/.omni: full", "cannot make the folder '.omni': full"),
        ("[Errno 2] no file: '/home/an n/secret plan.md'", "[Errno 2] no file: 'secret plan.md'"),
        ("outside the allowed folders (/srv/my media): no", None),
        ("no file /srv/my media/a/b.md", "no file 'a/b.md'"),
        ("the lock of /var/the store/lock is held", "the lock of 'lock' is held"),
        ("POST /upload again, or https://a.example/b/c; and/or 12/11/2026, ~/x/y", None),
        (r"C:\Users\ann\x.md is gone", "'x.md' is gone"),
        ("/srv/my media2/b is another", "'my' media2/b is another"),
    ],
)
def test_a_message_has_no_path_outside_the_roots(said: str, shown: str | None) -> None:
    found = without_paths(said, [Path("/srv/my media")], known=[Path("/var/the store")])
    assert found == (said if shown is None else shown)
