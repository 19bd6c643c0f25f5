"""Words of a page's text layer with their places on its image."""

from __future__ import annotations

from omni_core.media.document.engines.base import Page
from omni_core.media.document.right_to_left import has_right_to_left, ordered_words
from omni_core.types import PlacedWord

MAX_WORDS = 4_000
"""Words of one page whose places are given."""


def placed_words(page: Page) -> list[PlacedWord]:
    """Words of the text layer as the page is seen, turned and cropped as its image is."""
    words = page.words()
    if any(has_right_to_left(word.text) for word in words):
        words = ordered_words(page)
    found = []
    for word in words[:MAX_WORDS]:
        sides = (
            word.box[0] / page.width, word.box[1] / page.height,
            word.box[2] / page.width, word.box[3] / page.height,
        )  # fmt: skip
        left, top, right, bottom = (round(min(1.0, max(0.0, side)), 4) for side in sides)
        if left < right and top < bottom:
            found.append(PlacedWord(word.text, left, top, right, bottom))
    return found
