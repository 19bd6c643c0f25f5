"""Words of a page's text layer with their places on its image."""

from __future__ import annotations

from typing import Any

import pymupdf

from omni_core.types import PlacedWord

MAX_WORDS = 4_000
"""Words of one page whose places are given."""


def placed_words(page: Any) -> list[PlacedWord]:
    """Words of the text layer as the page is seen, turned and cropped as its image is."""
    area, found = page.rect, []
    width, height = max(area.width, 1.0), max(area.height, 1.0)
    for x0, y0, x1, y1, text, *_ in page.get_text("words")[:MAX_WORDS]:
        rect = pymupdf.Rect(x0, y0, x1, y1) * page.rotation_matrix
        sides = (
            (rect.x0 - area.x0) / width, (rect.y0 - area.y0) / height,
            (rect.x1 - area.x0) / width, (rect.y1 - area.y0) / height,
        )  # fmt: skip
        left, top, right, bottom = (round(min(1.0, max(0.0, side)), 4) for side in sides)
        if left < right and top < bottom:
            found.append(PlacedWord(text, left, top, right, bottom))
    return found
