from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from omni_core.retrieval import thresholds
from omni_core.retrieval.fusion import Scored
from omni_core.types import Channel, EncoderInfo

Make = Callable[..., Scored]
EMBEDDED = EncoderInfo("embedded", "1", 384, frozenset(Channel))
UNKNOWN = replace(EMBEDDED, name="someone/else")


@pytest.mark.parametrize("name", sorted(thresholds.QUESTION))
@pytest.mark.parametrize("channel", Channel)
def test_every_measured_model_has_rising_bars_for_every_channel(
    name: str, channel: Channel
) -> None:
    for table in (thresholds.QUESTION, thresholds.LIKE):
        bar = table[name][channel]
        assert bar.show < bar.fair < bar.strong


def test_words_come_from_the_bars_of_the_channel(scored: Make) -> None:
    bar = thresholds.QUESTION["embedded"][Channel.SPEECH]
    kept, rejected = thresholds.judge(
        [
            scored("a", bar.strong),
            scored("b", bar.fair),
            scored("c", bar.show),
            scored("d", bar.show - 0.01),
        ],
        EMBEDDED,
    )
    assert [(s.hit.id, s.match) for s in kept] == [("a", "strong"), ("b", "fair"), ("c", "weak")]
    assert [(s.hit.id, s.match) for s in rejected] == [("d", "weak")]


def test_like_has_to_be_nearer_to_like_than_to_words(scored: Make) -> None:
    seen = scored("a", 0.6, channel="visual")
    said = scored("b", 0.6, channel="speech")
    assert [s.match for s in thresholds.judge([seen, said], EMBEDDED)[0]] == ["strong", "strong"]
    by_picture, _ = thresholds.judge([seen, said], EMBEDDED, example=[Channel.VISUAL])
    assert [s.match for s in by_picture] == ["weak", "strong"]
    by_page, _ = thresholds.judge([seen, said], EMBEDDED, example=[Channel.TEXT])
    assert [s.match for s in by_page] == ["strong", "fair"]


def test_words_that_surely_stand_there_lift_any_cosine(scored: Make) -> None:
    found, rejected = thresholds.judge(
        [
            scored("quote", 0.01, lexical=1.0),
            scored("half", 0.01, lexical=0.5),
            scored("touch", 0.01, lexical=0.1),
            scored("none", 0.01),
            replace(scored("words only", 0.0, lexical=0.9), cosine=None),
            replace(scored("nothing", 0.0), cosine=None),
        ],
        EMBEDDED,
    )
    assert [s.match for s in found] == ["strong", "fair", "weak", "strong"]
    assert [s.hit.id for s in rejected] == ["none", "nothing"]


def test_an_unmeasured_model_is_judged_by_what_stands_out_in_its_channel(scored: Make) -> None:
    noise = [scored(f"n{i}", 0.40 + 0.001 * (i % 20)) for i in range(60)]
    found, rejected = thresholds.judge([scored("a", 0.80), scored("b", 0.42), *noise], UNKNOWN)
    words = {s.hit.id: s.match for s in found}
    assert not rejected
    assert words["a"] == "fair"
    assert set(list(words.values())[1:]) == {"weak"}


def test_with_too_few_to_compare_an_unmeasured_model_claims_nothing(scored: Make) -> None:
    found, _ = thresholds.judge([scored("a", 0.9), scored("b", 0.1, lexical=1.0)], UNKNOWN)
    assert [s.match for s in found] == ["weak", "strong"]


def test_equal_scores_do_not_divide_by_nothing(scored: Make) -> None:
    found, _ = thresholds.judge([scored(f"n{i}", 0.5) for i in range(30)], UNKNOWN)
    assert {s.match for s in found} == {"weak"}


def test_an_unmeasured_model_takes_its_bars_from_questions_that_nothing_answers(
    scored: Make,
) -> None:
    noise = {Channel.SPEECH: [0.30 + 0.01 * i for i in range(21)], Channel.VISUAL: [0.1]}
    bars = thresholds.bars_of(noise)
    assert set(bars) == {Channel.SPEECH}
    bar = bars[Channel.SPEECH]
    assert (bar.show, bar.fair, bar.strong) == pytest.approx((0.44, 0.56, 0.68))
    found, rejected = thresholds.judge(
        [scored("a", 0.7), scored("b", 0.6), scored("c", 0.45), scored("d", 0.43)],
        UNKNOWN,
        bars=bars,
    )
    assert [s.match for s in found] == ["strong", "fair", "weak"]
    assert [s.hit.id for s in rejected] == ["d"]


def test_measured_models_keep_their_own_bars(scored: Make) -> None:
    high = {Channel.SPEECH: thresholds.Threshold(0.9, 0.95, 0.99)}
    assert thresholds.judge([scored("a", 0.6)], EMBEDDED, bars=high)[0][0].match == "strong"
    assert len(set(thresholds.STRAY_QUESTIONS)) >= thresholds.ENOUGH
