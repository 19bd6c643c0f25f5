from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.moments import Moment
from omni_core.retrieval.ordering import episodes
from omni_core.types import Channel

Make = Callable[..., Candidate]


def ids(found: episodes.Clear) -> list[str]:
    return [c.id for c in found.candidates]


def test_neighbours_are_one_episode_for_as_long_as_they_go_on(candidate: Make) -> None:
    found = episodes.episodes(
        [candidate(str(n), 0.5, start=n * 10, end=n * 10 + 9) for n in (0, 1, 2, 5)]
    )
    assert [(m.span.start, m.span.end) for m in found] == [(0, 29), (50, 59)]


def test_pages_are_episodes_of_their_own(candidate: Make) -> None:
    pages = [candidate(str(n), 0.5, axis="page", start=n, end=n + 1) for n in (3, 4)]
    assert [m.span.start for m in episodes.episodes(pages)] == [3, 4]


def test_only_the_best_group_of_a_channel_is_clear(candidate: Make) -> None:
    shots = [
        candidate(id_, score, channel="visual", start=at, end=at + 4)
        for id_, score, at in (("a", 0.62, 0), ("b", 0.60, 20), ("c", 0.48, 40))
    ]
    found = episodes.clear(shots)
    assert ids(found) == ["a", "b"] and found.sure
    assert [c.id for c in found.doubtful] == ["c"]


def test_texts_that_hold_the_words_leave_out_those_that_do_not(candidate: Make) -> None:
    spoken = [candidate(n, 0.5, start=i * 20, end=i * 20 + 4) for i, n in enumerate("abc")]
    assert ids(episodes.clear(spoken, literal={"a", "c"})) == ["a", "c"]


def test_the_channels_that_the_question_asks_for_go_first(candidate: Make) -> None:
    both = [candidate("said", 0.7), candidate("seen", 0.5, channel="visual")]
    assert ids(episodes.clear(both, channels={Channel.VISUAL})) == ["seen"]
    assert ids(episodes.clear(both[:1], channels={Channel.VISUAL})) == ["said"]


def test_weak_matches_are_never_sure_but_may_stand_out(candidate: Make) -> None:
    def weak(*scores: float) -> episodes.Clear:
        return episodes.clear(
            [
                candidate(str(n), s, channel="visual", start=n * 20, end=n * 20 + 4, match="weak")
                for n, s in enumerate(scores)
            ]
        )

    far = weak(0.35, 0.34, 0.20, 0.19)
    assert (ids(far), far.sure, far.stands_out) == (["0", "1"], False, True)
    assert not weak(0.25, 0.22, 0.19, 0.16, 0.13, 0.10).stands_out


def test_a_cosine_far_above_all_others_is_clear_whatever_its_grade(candidate: Make) -> None:
    many = [candidate(f"x{n}", 0.10 + n % 5 * 0.01, match="weak", start=n * 20) for n in range(30)]
    odd = candidate("odd", 0.34, match="weak", start=900, end=904)
    outliers = episodes.outliers_of([*many, odd])
    assert outliers == {"odd"}
    assert ids(episodes.clear([*many, odd], outliers=outliers)) == ["odd"]
    assert episodes.outliers_of([odd]) == frozenset()


def test_a_title_is_no_episode(candidate: Make) -> None:
    assert ids(episodes.clear([candidate("t", 0.9, origin="title")])) == []


def test_episodes_go_by_time_across_dated_sources_else_source_by_source(candidate: Make) -> None:
    def moment(id_: str, source: str, start: float, score: float, day: str) -> Moment:
        made: dict[str, Any] = {"source_id": source, "start": start, "end": start + 2}
        c = candidate(id_, score, recorded_at=f"2026-03-{day}T10:00:00Z", **made)
        return Moment(c.stored.span, (c,))

    found = [
        moment("a", "src_a", 10, 0.5, "02"),
        moment("b", "src_a", 50, 0.6, "02"),
        moment("c", "src_b", 5, 0.9, "01"),
    ]
    dated = {"src_a": True, "src_b": True}
    assert [m.best.id for m in episodes.in_time(found, dated, latest_first=True)] == ["b", "a", "c"]
    assert [m.best.id for m in episodes.in_time(found, dated, latest_first=False)] == [
        "c", "a", "b",
    ]  # fmt: skip
    guessed = {"src_a": True, "src_b": False}
    assert [m.best.id for m in episodes.in_time(found, guessed, latest_first=True)] == [
        "c", "b", "a",
    ]  # fmt: skip
