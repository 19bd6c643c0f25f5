"""Pages whose picture kills or hangs the decoder: the picture is given up, not the document, and
only when the second engine cannot draw it either.

A page's words come before its picture, so when a decoder dies, the first page without a picture is
the one that it died of.
"""

from __future__ import annotations

from collections.abc import Collection

from omni_core.types import Channel, Modality, Segment, Source

MAX_DEATHS = 3
"""Decoders that one document may cost before all of its further pages are treated as the last."""


class PageDrawing:
    """What one ingest knows of the pictures of a document's pages."""

    def __init__(self, source: Source) -> None:
        self._pages = (source.pages or 0) if source.modality is Modality.DOCUMENT else 0
        self._drawn: dict[int, str] = {}
        """Ids of the pictures that came, by page."""
        self._given_up: list[int] = []
        self._hung: list[int] = []
        self._deaths = 0
        self._reached = 0
        """The last page of which anything came."""

    def saw(self, segment: Segment) -> None:
        """Note a segment that came from the decoder."""
        if not self._pages or segment.span.axis != "page":
            return
        page = int(segment.span.start)
        self._reached = max(self._reached, page)
        if segment.channel is Channel.VISUAL and not segment.part:
            self._drawn[page] = segment.id

    def after_death(self) -> str | None:
        """The warning for the picture that is given up; "" when the second engine is to draw it
        first; None when it was not a picture that the decoder died of, and trying again is of no
        use."""
        pages = range(1, self._pages + 1)
        page = next((p for p in pages if p not in self._drawn and p not in self._given_up), 0)
        if not page or (self._given_up and self._reached <= self._given_up[-1]):
            return None
        self._deaths += 1
        many = self._deaths >= MAX_DEATHS
        affected = [p for p in pages if p >= page] if many else [page]
        if page not in self._hung:
            self._hung += affected
            return ""
        self._given_up += affected
        if many:
            return f"the pictures of page {page} and later cannot be drawn; their words are in"
        return f"the picture of page {page} cannot be drawn in time; its words are in"

    def hung(self) -> tuple[int, ...]:
        """The pages that the second engine draws."""
        return tuple(self._hung)

    def undrawn(self, done: Collection[str]) -> tuple[int, ...]:
        """The pages not to draw: given up, or stored (`done`) already."""
        stored = [page for page, id in self._drawn.items() if id in done]
        return tuple(sorted({*self._given_up, *stored}))
