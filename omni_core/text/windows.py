"""Long text as overlapping windows of words, each with its span and heading."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from omni_core.types import CutOptions

_WORD = re.compile(r"\S+")
_CLUSTER = 12
"""Characters of unspaced Chinese, Japanese or Thai that count as one word."""


@dataclass(frozen=True, slots=True)
class TextWindow:
    """Characters [start, end) of a text, with the heading that precedes them."""

    start: int
    end: int
    text: str
    heading: str = ""


def text_windows(
    text: str, options: CutOptions, headings: Sequence[tuple[int, str]] = ()
) -> Iterator[TextWindow]:
    """Windows of `text_window_words` words, `text_window_stride` apart, the last one full.

    headings: (first character, text), in order.
    """
    starts, ends = array("q"), array("q")  # 64 MB of text hold ten million words
    for start, end in word_spans(text):
        starts.append(start)
        ends.append(end)
    count = len(starts)
    size, stride = options.text_window_words, max(1, options.text_window_stride)
    at = passed = 0
    heading = ""
    while at < count:
        if at and count - at <= size - stride:
            return  # the previous window covers the rest
        last = min(at + size, count)
        if count - last < (size - stride) // 2:
            last = count  # a short rest joins this window
        start, end = starts[at], ends[last - 1]
        while passed < len(headings) and headings[passed][0] <= start:
            heading = headings[passed][1]
            passed += 1
        yield TextWindow(start, end, text[start:end].strip(), heading)
        if last == count:
            return
        at += stride


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of words; unspaced text is cut every `_CLUSTER` characters, to bound the windows."""
    for m in _WORD.finditer(text):
        start, end = m.span()
        if end - start <= 4 * _CLUSTER:
            yield start, end
        else:
            for i in range(start, end, _CLUSTER):
                yield i, min(i + _CLUSTER, end)
