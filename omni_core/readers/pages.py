"""Document pages by the number of words in their text layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from omni_core.types import TITLE_ORIGIN, Modality, Segment, TextContent


def pages_with_words(segments: Sequence[Segment], least: int) -> set[float]:
    """The numbers of the pages whose text layer holds at least `least` words."""
    words: dict[float, int] = defaultdict(int)
    for s in segments:
        if (
            isinstance(s.content, TextContent)
            and s.origin != TITLE_ORIGIN
            and s.modality is Modality.DOCUMENT
        ):
            words[s.span.start] += len(s.text.split())
    return {page for page, count in words.items() if count >= least}
