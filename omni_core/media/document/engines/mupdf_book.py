"""What the author of an EPUB says of its pictures, on the pages that MuPDF makes of chapters."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from omni_core.media.document import epub
from omni_core.media.document.engines.base import FAILURES

log = logging.getLogger(__name__)


def alternative_texts(doc: Any) -> dict[int, list[str]]:
    """The alternative texts of each page (from 1) that has any."""
    try:
        chapters = epub.checked(doc.name).said
        if not any(map(any, chapters)) or doc.chapter_count != len(chapters):
            return {}
        found, first = dict[int, list[str]](), 1
        for number, texts in enumerate(chapters):
            pages = range(first, first + doc.chapter_page_count(number))
            first = pages.stop
            if any(texts):
                found |= _on_pages(doc, pages, texts)
    except FAILURES as e:
        log.debug("what is said of pictures cannot be read: %s", e)
        return {}
    return found


def _on_pages(doc: Any, pages: Sequence[int], texts: Sequence[str]) -> dict[int, list[str]]:
    """The texts of a chapter's pictures, "" of those without, by the pages of these pictures."""
    found, at = defaultdict[int, list[str]](list), 0
    for number in pages:
        last = number == pages[-1]
        count = len(texts) if last else len(doc[number - 1].get_image_info())
        found[number] += filter(None, texts[at : at + count])
        at += count
    return found
