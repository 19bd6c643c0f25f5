"""What one file may give has an end, whatever its medium: segments and seconds are counted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from omni_core.media.limiting import MOST_S, allowed_s, limited
from omni_core.types import (
    Channel,
    FileWarning,
    Limits,
    Modality,
    Segment,
    Source,
    Span,
    TextContent,
)


def source(**changes: object) -> Source:
    facts = {"modality": Modality.DOCUMENT, "mime": "text/plain", "size": 1 << 20} | changes
    return Source("0" * 64, "/a", "a", **facts)  # type: ignore[arg-type]


def endless() -> Iterator[Segment]:
    for n in count():
        span = Span("char", n, n + 1)
        yield Segment("src", Modality.DOCUMENT, Channel.TEXT, span, TextContent("a"), "a")


class Clock:
    """Each look at it is so many seconds later."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_segments_without_end_stop_at_the_limit_and_the_warning_names_the_setting() -> None:
    *found, last = limited(endless(), source(), Limits(max_segments=7), Clock(0))
    assert len(found) == 7 and isinstance(last, FileWarning)
    assert last.limit == "max_segments" and "raise max_segments" in last.message


def test_a_file_of_just_so_many_segments_is_whole() -> None:
    given = [s for s, _ in zip(endless(), range(7), strict=False)]
    found = list(limited(iter(given), source(), Limits(max_segments=7), Clock(0)))
    assert found == given


def test_decoding_that_takes_too_long_in_all_ends_although_no_segment_did() -> None:
    limits = Limits(max_decode_s=100.0)
    *found, last = limited(endless(), source(), limits, Clock(10.0))
    assert len(found) == 12  # 110 s for a MB: 10 s each
    assert isinstance(last, FileWarning) and last.limit == "max_decode_s"


def test_warnings_without_end_are_timed_too() -> None:
    given = (FileWarning(f"line {n}") for n in count())
    *_, last = limited(given, source(), Limits(max_decode_s=50.0), Clock(1.0))
    assert isinstance(last, FileWarning) and last.limit == "max_decode_s"


def test_time_is_in_proportion_to_the_file_and_a_small_one_cannot_claim_hours() -> None:
    limits = Limits(max_decode_s=100.0)
    film = source(modality=Modality.VIDEO, duration_s=3600.0, size=900 << 20)
    assert allowed_s(film, limits) == 100 + 3 * 3600
    assert allowed_s(source(pages=200, size=50 << 20), limits) == 100 + 5 * 200
    bomb = source(modality=Modality.VIDEO, duration_s=12 * 3600.0, size=200 << 10)
    assert allowed_s(bomb, limits) < 200
    endless_film = source(modality=Modality.VIDEO, duration_s=1e9, size=1 << 40)
    assert allowed_s(endless_film, limits) == 100 + MOST_S
