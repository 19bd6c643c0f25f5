"""What a file says of itself, before what is cut from it: tags, chapters, external transcript."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from omni_core.media.av import chapters, tags
from omni_core.media.av.sidecar import Transcript
from omni_core.types import CutOptions, FileLength, FileWarning, Segment, Source

Item = Segment | FileWarning | FileLength


def with_words_about(
    path: str,
    c: Any,
    source: Source,
    options: CutOptions,
    external: Transcript | None,
    cut: Iterable[Item],
) -> Iterator[Item]:
    """Tags, chapters and an external transcript, then what is cut from the open container.

    Of a file without an external transcript nothing comes until something of it was decoded: one
    of which nothing can be read has failed, whatever its tags say.
    """
    about: Iterator[Item] = chain(
        tags.segments(tags.tags_of(c), source, options),
        tags.lyrics_of(path, source, options),
        chapters.segments(chapters.chapters(c, source.duration_s), source),
    )
    if external is not None and external.windows:
        yield from about
        for w in external.windows:
            yield w.until(source.duration_s).segment(source, external.origin)
        yield from map(FileWarning, external.warnings)
    elif external is not None:
        about = chain(about, map(FileWarning, external.warnings))
    for item in cut:
        yield from about
        yield item
    yield from about
