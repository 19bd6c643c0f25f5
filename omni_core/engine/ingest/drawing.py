"""Pages whose picture kills or hangs the decoder: the picture is given up, not the document.

A page's words come before its picture, so when a decoder dies, the first page without a picture is
the one that it died of.
"""

from __future__ import annotations

from collections.abc import Collection

from omni_core.types import Channel, Modality, Segment, Source

MAX_DEATHS = 3
"""Decoders that one document may cost; after these, none of its pages is drawn."""


class PageDrawing:
    """What one ingest knows of the pictures of a document's pages."""

    def __init__(self, source: Source) -> None:
        self._pages = (source.pages or 0) if source.modality is Modality.DOCUMENT else 0
        self._drawn: dict[int, str] = {}
        """Ids of the pictures that came, by page."""
        self._given_up: list[int] = []
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

    def after_death(self) -> str:
        """The warning for the page that is given up; "" when it was not a picture that the decoder
        died of, and trying again is of no use."""
        pages = range(1, self._pages + 1)
        page = next((p for p in pages if p not in self._drawn and p not in self._given_up), 0)
        if not page or (self._given_up and self._reached <= self._given_up[-1]):
            return ""
        if len(self._given_up) + 1 >= MAX_DEATHS:
            self._given_up += [p for p in pages if p >= page]
            return f"the pictures of page {page} and later cannot be drawn; their words are in"
        self._given_up.append(page)
        return f"the picture of page {page} cannot be drawn in time; its words are in"

    def undrawn(self, done: Collection[str]) -> tuple[int, ...]:
        """The pages not to draw: given up, or stored (`done`) already."""
        stored = [page for page, id in self._drawn.items() if id in done]
        return tuple(sorted({*self._given_up, *stored}))
