"""Titles as searchable text: a title often describes the content."""

from __future__ import annotations

import re

from omni_core.types import (
    TITLE_ORIGIN,
    Channel,
    Modality,
    Segment,
    Source,
    Span,
    TextContent,
)

TITLE_PART = 1_000_000
"""`Segment.part` of the title's segment, distinct from any window of text."""

_UNINFORMATIVE = frozenset(
    re.findall(
        r"\w+",
        """
        img dsc dscn pxl mvi vid mov video film movie clip audio sound rec recording voice memo
        track scan image photo picture pic screenshot screen shot document doc file untitled
        unnamed new copy final draft test sample example part page zoom meeting whatsapp signal
        capture export jpg jpeg png pdf the and for with from
        """,
    )
)
"""Words of default file names, of cameras, phones and programs."""


def informative_words(title: str) -> str:
    """The words of a title (3 letters or more); "" for default names (`IMG_2041`, `scan 3`)."""
    words = re.findall(r"[^\W\d_]{3,}", title)
    return " ".join(words) if any(w.lower() not in _UNINFORMATIVE for w in words) else ""


def title_segment(source: Source, span: Span | None = None) -> Segment | None:
    """A segment of the source's title at `span`, the span of its first segment; None for a default
    name, which says nothing of what is in the file.

    Without a span it stands for the whole of a source in which nothing was found, whatever its
    name. Numbers are found by BM25; a vector would find other numbers too.
    """
    words = informative_words(source.title) or ("" if span else source.title)
    if not words:
        return None
    return Segment(
        source.id, source.modality, Channel.TEXT, span or whole(source), TextContent(words),
        source.title, TITLE_ORIGIN, part=TITLE_PART,
    )  # fmt: skip


def whole(source: Source) -> Span:
    """The span of a whole source: its seconds, its first page; nothing of a text."""
    if source.modality in (Modality.VIDEO, Modality.AUDIO, Modality.IMAGE):
        return Span("second", 0.0, source.duration_s or 0.0)
    return Span("page", 1, 2) if source.pages else Span("char", 0, 0)
