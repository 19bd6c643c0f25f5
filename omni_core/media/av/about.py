"""What a file says of itself, before what is cut from it: tags, chapters, external transcript."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from omni_core.media.av import chapters, tags
from omni_core.media.av.more_tags import more_tags
from omni_core.media.av.part_file import Part
from omni_core.media.av.sidecar import Transcript
from omni_core.types import CutOptions, FileLength, FileWarning, Segment, Source, Span

Item = Segment | FileWarning | FileLength


def with_words_about(
    path: str,
    c: Any,
    source: Source,
    options: CutOptions,
    external: Transcript | None,
    cut: Iterable[Item],
    part: Part | None,
    told: set[str],
) -> Iterator[Item]:
    """Tags, chapters and an external transcript, then what is cut from the open container.

    Of a file without an external transcript nothing comes until something of it was decoded: one
    of which nothing can be read has failed, whatever its tags say.

    part: that of the file which the container holds, the first of several. told: where its words
    are kept for those that follow.
    """
    seconds = part.seconds if part is not None else source.duration_s
    about: Iterator[Item] = chain(
        _untold(tags.segments(tags.tags_of(c), source, options, more=more_tags(path, c)), told),
        tags.lyrics_of(path, source, options),
        chapters.segments(chapters.chapters(c, seconds, path if part is None else ""), source),
    )
    if external is not None and external.windows:
        yield from about
        for one in (external, *external.further):
            for w in one.windows:
                yield w.until(source.duration_s).segment(source, one.origin)
            yield from map(FileWarning, one.warnings)
    elif external is not None:
        about = chain(about, map(FileWarning, external.warnings))
    yield from _before(about, cut)


def with_words_about_part(
    c: Any,
    source: Source,
    options: CutOptions,
    cut: Iterable[Item],
    part: Part,
    told: set[str],
) -> Iterator[Item]:
    """Tags and chapters of a part that others precede, at its seconds, then what is cut from it;
    tags that say what those of a part before said (`told`) are left out."""
    span = Span("second", round(part.start, 3), round(part.start + part.seconds, 3))
    found = [
        replace(one, start=round(one.start + part.start, 3), end=round(one.end + part.start, 3))
        for one in chapters.chapters(c, part.seconds)
    ]
    about = chain(
        _untold(tags.segments(tags.tags_of(c), source, options, span), told),
        chapters.segments(found, source),
    )
    yield from _before(about, cut)


def _before(about: Iterator[Item], cut: Iterable[Item]) -> Iterator[Item]:
    for item in cut:
        yield from about
        yield item
    yield from about


def _untold(words: Iterable[Item], told: set[str]) -> Iterator[Item]:
    """The words that are not told yet, which are told from then on."""
    before = frozenset(told)
    for item in words:
        if isinstance(item, Segment):
            if item.text in before:
                continue
            told.add(item.text)
        yield item
