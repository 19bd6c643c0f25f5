"""Globs: what fits, and that none takes long."""

from __future__ import annotations

import itertools

import pytest

from omni_core.errors import BadRequestError
from omni_server.globs import Glob


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.mp4", "a.mp4", True),
        ("*.mp4", "x/a.mp4", False),
        ("**/*.mp4", "a.mp4", True),
        ("**/*.mp4", "x/y/a.mp4", True),
        ("**", "x/y/a.mp4", True),
        ("a/**", "a", False),
        ("a/**", "a/b/c", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/x/y/c", False),
        ("**/a/**/b/*", "x/a/a/y/b/c", True),
        ("**/a/**/b/*", "x/a/a/y/b", False),
        ("**/**/**/x", "x", True),
        ("talk[12].m?", "talk2.md", True),
        ("talk[12].m?", "talk3.md", False),
        ("?", "é", True),
    ],
)
def test_a_path_fits(pattern: str, path: str, fits: bool) -> None:
    assert Glob(pattern).matches(tuple(path.split("/"))) is fits


def test_it_agrees_with_the_plain_definition_on_all_short_paths_and_patterns() -> None:
    def plain(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
        if not pattern:
            return not parts
        if pattern[0] == "**":
            if len(pattern) == 1:
                return bool(parts)
            return any(plain(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
        fits = bool(parts) and pattern[0] in ("*", parts[0])
        return fits and plain(parts[1:], pattern[1:])

    paths = [p for n in range(5) for p in itertools.product("ab", repeat=n)]
    patterns = [p for n in range(1, 5) for p in itertools.product(("a", "b", "*", "**"), repeat=n)]
    for pattern in patterns:
        glob = Glob("/".join(pattern))
        for path in paths:
            assert glob.matches(path) == plain(path, pattern), (pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**/" * 1000 + "x", ("a",) * 50 + ("y",)),
        ("**/a/" * 500 + "x", ("a",) * 200),
        ("*a" * 255 + "b", ("a" * 255,)),
        ("*[ab]?" * 80 + "c", ("a" * 255,)),
        (("[x" * 256 + "/") * 7, ("a",)),
    ],
)
def test_no_glob_takes_more_than_a_moment(
    pattern: str, path: tuple[str, ...]
) -> None:  # the plain definition would not end before the sun does
    assert not Glob(pattern).matches(path)


def test_a_part_longer_than_any_name_is_refused() -> None:
    with pytest.raises(BadRequestError, match="a part of the glob has 513 characters"):
        Glob("a/" + "[" * 513)
