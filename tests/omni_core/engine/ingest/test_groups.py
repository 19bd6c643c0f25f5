"""Batches and groups depend on the decoder's segments alone: every run makes the same ones."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterable, Iterator

import numpy as np
import pytest

from omni_core.engine.ingest.groups import CHECKPOINT, FIRST_BATCHES, Batch, Groups
from omni_core.types import (
    AudioContent,
    Channel,
    ImageContent,
    Modality,
    Segment,
    Source,
    Span,
    TextContent,
)

PIXELS = np.zeros((4, 4, 3), np.uint8)
SIZE = 8


def source(modality: Modality = Modality.VIDEO, title: str = "Volcano trip") -> Source:
    return Source("0" * 64, "/a", title, modality, "video/mp4", 1)


def shot(n: int, seconds: float = 1.0) -> Segment:
    span = Span("second", n * seconds, (n + 1) * seconds)
    return Segment("src", Modality.VIDEO, Channel.VISUAL, span, ImageContent(PIXELS))


def window(n: int) -> Segment:
    span = Span("second", n * 10, n * 10 + 10)
    content = AudioContent(np.zeros(160, np.float32))
    return Segment("src", Modality.VIDEO, Channel.SOUND, span, content)


def said(n: int) -> Segment:
    span = Span("second", n, n + 1)
    return Segment("src", Modality.VIDEO, Channel.SPEECH, span, TextContent("hello"), "hello")


def page(n: int) -> Iterator[Segment]:
    span = Span("page", n, n + 1)
    for part in range(3):
        words = f"part {part} of page {n}"
        yield Segment(
            "src", Modality.DOCUMENT, Channel.TEXT, span, TextContent(words), words, part=part
        )
    yield Segment("src", Modality.DOCUMENT, Channel.VISUAL, span, ImageContent(PIXELS))


def cut(
    segments: Iterable[Segment],
    done: Collection[str] = (),
    number: int = 0,
    of: Source | None = None,
) -> list[Batch]:
    groups = Groups(of or source(), size=SIZE, done=done, number=number)
    found = [groups.take(segment) for segment in segments]
    return [batch for batch in (*found, groups.end()) if batch is not None]


def facts(batches: Iterable[Batch]) -> list[tuple[object, ...]]:
    return [(b.group, [s.id for s in b.segments], b.reading, b.at, b.ends_group) for b in batches]


FILMS = {
    "shots": [shot(n) for n in range(150)],
    "long shots": [shot(n, 9.0) for n in range(60)],
    "sound": [s for n in range(40) for s in (shot(2 * n, 5.0), shot(2 * n + 1, 5.0), window(n))],
    "subtitles": [*(said(n) for n in range(20)), *(shot(n) for n in range(70)), window(3)],
    "pages": [s for n in range(1, 40) for s in page(n)],
}


@pytest.mark.parametrize("film", FILMS.values(), ids=FILMS.keys())
def test_a_run_that_goes_on_makes_the_batches_that_were_left(film: list[Segment]) -> None:
    whole = cut(film)
    assert whole[-1].group >= 2
    assert {s.id for s in film} <= {s.id for b in whole for s in b.segments}
    for number in range(1, whole[-1].group + 1):
        done = {s.id for b in whole if b.group < number for s in b.segments}
        rest = cut(film, done, number)
        assert facts(rest) == facts(b for b in whole if b.group >= number)


@pytest.mark.parametrize("film", FILMS.values(), ids=FILMS.keys())
def test_a_group_ends_once_and_numbers_have_no_gaps(film: list[Segment]) -> None:
    whole = cut(film)
    numbers = sorted({b.group for b in whole})
    assert numbers == list(range(len(numbers)))
    for number in numbers[:-1]:
        ends = [b.ends_group for b in whole if b.group == number]
        assert ends == [*[False] * (len(ends) - 1), True]
        held = sum(len(b.segments) for b in whole if b.group == number)
        assert held < CHECKPOINT + SIZE


def test_the_first_batches_are_small_and_begin_with_the_title() -> None:
    sizes = [len(b.segments) for b in cut(FILMS["shots"])]
    assert sizes[:5] == [FIRST_BATCHES[0] + 1, *FIRST_BATCHES[1:], SIZE, SIZE]
    first, *rest = cut(FILMS["shots"])
    assert first.segments[0].is_title and first.segments[0].text == "Volcano trip"
    assert not any(s.is_title for b in rest for s in b.segments)
    assert not cut(FILMS["shots"], of=source(title="IMG_2041"))[0].segments[0].is_title


def test_the_words_of_a_page_are_in_one_batch_with_its_picture() -> None:
    document = source(Modality.DOCUMENT)
    for batch in cut(FILMS["pages"], of=document):
        pages = [s.span for s in batch.segments if not s.is_title]
        assert all(pages.count(span) == 4 for span in pages)


def test_sound_that_is_read_for_words_ends_its_group_and_with_subtitles_it_does_not() -> None:
    heard = [b for b in cut(FILMS["sound"]) if b.segments[-1].channel is Channel.SOUND]
    assert len(heard) == 40 and all(b.ends_group for b in heard)
    *_, last = cut(FILMS["subtitles"])
    assert last.segments[-1].channel is Channel.SOUND and not last.ends_group
    assert last.reading.skip


def test_a_batch_goes_to_another_process_as_it_is() -> None:
    for batch in cut(FILMS["sound"])[:6]:
        assert facts([pickle.loads(pickle.dumps(batch, 5))]) == facts([batch])  # noqa: S301
