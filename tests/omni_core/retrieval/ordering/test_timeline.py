from __future__ import annotations

from typing import Any

import pytest

from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.retrieval.ordering import timeline
from omni_core.retrieval.ordering.timeline import Window
from omni_core.types import Channel, Span


def point(id_: str, start: float, end: float, channel: str = "visual", **fields: Any) -> Point:
    base: dict[str, Any] = {
        "source_id": "src_a", "modality": "video", "channel": channel, "axis": "second",
        "start": start, "end": end, "text": "", "origin": "", "part": 0,
    }  # fmt: skip
    return Point(id_, None, None, StoredSegment(base | fields))


SHOTS = [point("s1", 0, 5), point("s2", 5, 10), point("s3", 10, 15)]
SAID = [point("w1", 1, 3, "speech", text="one"), point("w2", 6, 8, "speech", text="two")]


def parts(points: list[Point], *channels: Channel, unit: str = "") -> list[str]:
    return [m.best.id for m in timeline.parts(points, channels, unit, "fair")]


def window(start: float, end: float, side: Any = "after", **more: Any) -> Window:
    return Window("src_a", Span("second", start, end), side, "strong", **more)


def test_the_parts_of_a_film_are_its_shots_and_what_is_said() -> None:
    assert parts([*SAID, *SHOTS]) == ["s1", "w1", "s2", "w2", "s3"]
    assert parts([*SAID, *SHOTS], Channel.VISUAL) == ["s1", "s2", "s3"]
    assert parts([*SAID, *SHOTS], Channel.SPEECH) == ["w1", "w2"]
    assert parts(SHOTS, Channel.SPEECH) == ["s1", "s2", "s3"]


def test_a_shot_comes_with_what_is_said_in_it() -> None:
    shot = timeline.parts([*SAID, *SHOTS], (Channel.VISUAL,), "", "fair")[1]
    assert [m.id for m in shot.members] == ["s2", "w2"]


def test_pages_chapters_and_sections_are_parts_where_they_are_asked_for() -> None:
    pages = [
        point(f"p{n}", n, n + 1, channel, axis="page", modality="document")
        for n in (1, 2)
        for channel in ("text", "visual")
    ]
    assert len(timeline.parts(pages, (), "page", "fair")) == 2
    chapters = [point("c1", 0, 10, "text", origin="chapter title", text="Start"), *SHOTS]
    assert parts(chapters, unit="chapter") == ["c1"]
    assert "c1" not in parts(chapters)
    sections = [
        point(str(n), n, n + 1, "text", axis="char", text="x", extra={"heading": h})
        for n, h in enumerate(("A", "A", "B"))
    ]
    assert parts(sections, unit="section") == ["0", "2"]


@pytest.mark.parametrize(("side", "order"), [("after", ["s2", "s3"]), ("before", ["s1"])])
def test_the_nearest_part_comes_first_and_others_are_left_out(side: Any, order: list[str]) -> None:
    moments = timeline.parts(SHOTS, (), "", "fair")
    at = window(0, 5, side) if side == "after" else window(5, 10, side)
    assert [p.moment.best.id for p in timeline.next_parts(at, moments, 5)] == order


def test_between_ends_where_the_second_reference_begins() -> None:
    moments = timeline.parts(SHOTS, (), "", "fair")
    between = window(0, 5, until=Span("second", 10, 15))
    assert [p.moment.best.id for p in timeline.next_parts(between, moments, 5)] == ["s2"]


def test_a_good_match_beats_a_near_one_unless_what_comes_right_after_is_asked_for() -> None:
    shots = [point("near", 6, 8), point("far", 60, 62)]
    near = timeline.parts(shots, (), "", "weak")[0]
    far = timeline.parts(shots, (), "", "strong")[1]
    loose = timeline.matching(window(0, 5), [near, far], close=False)
    close = timeline.matching(window(0, 5), [near, far], close=True)
    assert [p.moment.best.id for p in loose] == ["far", "near"]
    assert [p.moment.best.id for p in close] == ["near", "far"]


def test_a_slide_that_was_cut_in_two_is_one_reference() -> None:
    at = Span("second", 1, 2)
    one = [point("t", 0, 10, "screen_text", text="corals bleach")]
    two = [
        point("t1", 0, 5, "screen_text", text="corals bleach"),
        point("t2", 5, 10, "screen_text", text="volcanoes erupt"),
    ]
    assert timeline.extent(at, [*SHOTS, *one]) == Span("second", 0, 10)
    assert timeline.extent(at, [*SHOTS, *two]) == Span("second", 0, 5)
    assert timeline.extent(at, SHOTS) == Span("second", 0, 5)
    assert timeline.extent(Span("second", 20, 21), SHOTS) == Span("second", 20, 21)


def test_the_same_place_is_shown_once() -> None:
    moments = timeline.parts(SHOTS, (), "", "fair")
    twice = [*timeline.next_parts(window(0, 1), moments, 3)] * 2
    assert [m.best.id for m in timeline.together(twice)] == ["s1", "s2", "s3"]
