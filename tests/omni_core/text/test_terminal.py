"""Texts of terminals and printers are read as they were shown."""

from __future__ import annotations

import pytest

from omni_core.text.charset import decode


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"N\bNA\bAM\bME\bE\n  _\bf_\bi_\bl_\be names, o\b_n\b_", "NAME\n  file names, on"),
        (b"N\bN\bN\bN", "N"),
        (b"\x1b[1mbash$\x1b[0m l\bls -la\n", "bash$ ls -la\n"),
        (b"\x1b[1m$\x1b[0m sudo\b\b\b\bls\n\b\n", "$ ls\n\n"),
        (b"\x1b(B\x1b[mheron\x1b[?2004l\x1b=", "heron"),
        (b"ca\bble", "cable"),
        ("Tschüü\bü\n".encode(), "Tschüü\n"),
    ],
)
def test_a_text_is_read_as_it_was_shown(data: bytes, text: str) -> None:
    assert decode(data) == text


def test_many_backspaces_take_little_time() -> None:
    assert decode(b"\x1b[m" + b"a\b" * 100_000 + b"\b" * 100_000 + b"end") == "end"
