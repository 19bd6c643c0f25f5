from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from omni_core.retrieval import moments
from omni_core.retrieval.duplicates import fold_duplicates
from omni_core.retrieval.fusion import Candidate
from omni_core.types import Channel, Span

Make = Callable[..., Candidate]


def test_neighbours_that_match_as_well_become_one_moment(candidate: Make) -> None:
    found = moments.merge_neighbours(
        [
            candidate("b", 0.60, start=5, end=9),
            candidate("a", 0.62, start=0, end=4.5),
            candidate("c", 0.61, start=40, end=44),
        ]
    )
    assert [(m.span.start, m.span.end) for m in found] == [(0, 9), (40, 44)]
    assert found[0].best.id == "a"
    assert {h.id for h in found[0].members} == {"a", "b"}


def test_what_is_cited_stays_tight_when_the_neighbour_is_weaker(candidate: Make) -> None:
    (found,) = moments.merge_neighbours(
        [candidate("a", 0.8, start=10, end=14), candidate("b", 0.3, start=14, end=18)]
    )
    assert found.span == Span("second", 10, 14)
    assert len(found.members) == 2


def test_a_long_segment_around_a_short_one_gives_a_reason_not_a_longer_span(
    candidate: Make,
) -> None:
    (found,) = moments.merge_neighbours(
        [
            candidate("words", 0.8, start=10, end=14),
            candidate("shot", 0.79, start=5, end=20, channel="visual"),
        ]
    )
    assert found.span == Span("second", 10, 14)
    assert found.channels == (Channel.SPEECH, Channel.VISUAL)


def test_a_chain_of_equally_good_neighbours_does_not_merge_the_whole_video(candidate: Make) -> None:
    found = moments.merge_neighbours(
        [candidate(f"{i:03d}", 0.6, start=4 * i, end=4 * i + 4) for i in range(100)]
    )
    assert all(m.span.end - m.span.start <= moments.MergeRules().longest_s for m in found)
    assert sum(len(m.members) for m in found) == 100
    assert len(found) >= 8


def test_a_segment_longer_than_the_limit_stays_whole(candidate: Make) -> None:
    (found,) = moments.merge_neighbours([candidate("a", 0.6, start=0, end=600)])
    assert found.span == Span("second", 0, 600)


def test_pages_are_apart_and_windows_of_one_page_are_together(candidate: Make) -> None:
    page: dict[str, Any] = {"modality": "document", "axis": "page", "channel": "text"}
    found = moments.merge_neighbours(
        [
            candidate("a", 0.7, start=3, end=4, part=0, **page),
            candidate("b", 0.7, start=3, end=4, part=1, **page),
            candidate("c", 0.69, start=4, end=5, **page),
            candidate("d", 0.2, start=3, end=4, **(page | {"channel": "visual"})),
        ]
    )
    assert [(m.span, len(m.members)) for m in found] == [
        (Span("page", 3, 4), 3),
        (Span("page", 4, 5), 1),
    ]


def test_sources_never_mix_and_the_best_comes_first(candidate: Make) -> None:
    found = moments.merge_neighbours(
        [candidate("a", 0.5), candidate("b", 0.7, source_id="src_b"), candidate("c", 0.6, start=1)]
    )
    assert [m.source_id for m in found] == ["src_b", "src_a"]
    assert found[1].score == 0.6


def test_an_image_is_one_moment_with_all_its_channels(candidate: Make) -> None:
    still: dict[str, Any] = {"modality": "image", "start": 0.0, "end": 0.0}
    (found,) = moments.merge_neighbours(
        [
            candidate("a", 0.5, channel="visual", **still),
            candidate("b", 0.6, channel="screen_text", match="strong", **still),
        ]
    )
    assert found.span == Span("second", 0, 0)
    assert found.channels == (Channel.SCREEN_TEXT, Channel.VISUAL)
    assert found.match == "strong"


def test_plain_text_windows_that_overlap_merge_by_characters(candidate: Make) -> None:
    text: dict[str, Any] = {"modality": "document", "axis": "char", "channel": "text"}
    found = moments.merge_neighbours(
        [
            candidate("a", 0.7, start=0, end=900, **text),
            candidate("b", 0.7, start=700, end=1600, **text),
            candidate("c", 0.7, start=2000, end=2900, **text),
        ]
    )
    assert [m.span for m in found] == [Span("char", 0, 1600), Span("char", 2000, 2900)]


LONG = "the quick brown fox jumps over the lazy dog"


def test_the_same_words_elsewhere_are_folded_into_the_best(candidate: Make) -> None:
    found = moments.merge_neighbours(
        [
            candidate("a", 0.9, text=LONG, start=10, end=14),
            candidate("b", 0.8, text=LONG.upper() + "!", source_id="src_b"),
            candidate("c", 0.7, text=LONG + " twice", source_id="src_c"),
            candidate("d", 0.6, text="yes", source_id="src_d"),
            candidate("e", 0.5, text="yes", source_id="src_e"),
            candidate("f", 0.4, text=LONG, start=100, end=104),
        ]
    )
    kept = fold_duplicates(found)
    assert [m.best.id for m in kept] == ["a", "c", "d", "e", "f"]
    assert kept[0].also_at == (("src_b", Span("second", 0, 5)),)


def test_sources_of_the_same_name_are_not_folded_into_one(candidate: Make) -> None:
    named: dict[str, Any] = {"channel": "text", "text": LONG, "origin": "title"}
    found = moments.merge_neighbours(
        [candidate("a", 0.9, **named), candidate("b", 0.8, source_id="src_b", **named)]
    )
    same = np.array([1, 0, 0], np.float32)
    kept = fold_duplicates(found, {"a": same, "b": same})
    assert [m.best.id for m in kept] == ["a", "b"]


def test_nearly_equal_images_are_folded_by_their_vectors(candidate: Make) -> None:
    seen: dict[str, Any] = {"channel": "visual", "modality": "image"}
    found = moments.merge_neighbours(
        [
            candidate(i, s, source_id=f"src_{i}", **seen)
            for i, s in (("a", 0.9), ("b", 0.8), ("c", 0.7))
        ]
    )
    one = np.array([1, 0, 0], np.float32)
    near = np.array([0.995, 0.0999, 0], np.float32)
    vectors = {"a": one, "b": near, "c": np.array([0, 1, 0], np.float32)}
    kept = fold_duplicates(found, vectors)
    assert [m.best.id for m in kept] == ["a", "c"]
    assert [s for s, _ in kept[0].also_at] == ["src_b"]
    assert [m.best.id for m in fold_duplicates(found)] == ["a", "b", "c"]


def test_by_date_the_newest_comes_first_and_the_undated_last(candidate: Make) -> None:
    day = {"recorded_at": "2026-11-17T10:00:00Z"}
    found = moments.merge_neighbours(
        [
            candidate("old", 0.9, source_id="src_b", recorded_at="2024-01-01T00:00:00+00:00"),
            candidate("early", 0.5, start=0, end=5, **day),
            candidate("late", 0.4, start=3600, end=3605, **day),
            candidate("undated", 0.8, source_id="src_c"),
        ]
    )
    newest = [m.best.id for m in moments.order(found, "newest")]
    assert newest == ["late", "early", "old", "undated"]
    assert [m.best.id for m in moments.order(found, "oldest")] == [
        "old",
        "early",
        "late",
        "undated",
    ]
    assert moments.order(found, "relevance") == found


def test_by_date_a_weak_match_does_not_come_before_a_sure_one(candidate: Make) -> None:
    found = moments.merge_neighbours(
        [
            candidate("sure", 0.5, recorded_at="2024-01-01T00:00:00Z"),
            candidate(
                "new", 0.4, source_id="src_b", match="weak", recorded_at="2026-01-01T00:00:00Z"
            ),
        ]
    )
    assert [m.best.id for m in moments.order(found, "newest")] == ["sure", "new"]


def test_one_lecture_does_not_fill_the_page_and_pages_join_up(candidate: Make) -> None:
    found = moments.merge_neighbours(
        [candidate(f"a{i}", 0.9 - i / 100, start=100 * i, end=100 * i + 5) for i in range(6)]
        + [candidate(f"b{i}", 0.5 - i / 100, source_id=f"src_{i}") for i in range(6)]
    )
    shown: list[str] = []
    offset, more = 0, True
    while more:
        page, more = moments.page(found, offset, 3, 2)
        offset += len(page)
        shown += [m.best.id for m in page]
    assert shown == ["a0", "a1", "b0", "b1", "b2", "b3", "b4", "b5"]
