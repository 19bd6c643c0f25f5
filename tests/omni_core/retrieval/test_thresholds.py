from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from omni_core.retrieval import thresholds
from omni_core.retrieval.fusion import Candidate
from omni_core.retrieval.null_queries import NULL_QUERIES, null_queries
from omni_core.types import Channel, EncoderInfo

Make = Callable[..., Candidate]
EMBEDDED = EncoderInfo("embedded", "1", 384, frozenset(Channel))
UNKNOWN = replace(EMBEDDED, name="someone/else")


@pytest.mark.parametrize("name", sorted(thresholds.TEXT_QUERY))
@pytest.mark.parametrize("channel", Channel)
def test_every_measured_model_has_rising_found_thresholds_for_every_channel(
    name: str, channel: Channel
) -> None:
    for table in (thresholds.TEXT_QUERY, thresholds.EXAMPLE_QUERY):
        bar = table[name][channel]
        assert bar.show < bar.fair < bar.strong


def test_words_come_from_the_found_thresholds_of_the_channel(candidate: Make) -> None:
    bar = thresholds.TEXT_QUERY["embedded"][Channel.SPEECH]
    kept, rejected = thresholds.grade(
        [
            candidate("a", bar.strong),
            candidate("b", bar.strong - bar.within),
            candidate("c", bar.show),
            candidate("d", bar.show - 0.01),
        ],
        EMBEDDED,
    )
    assert [(s.id, s.match) for s in kept] == [("a", "strong"), ("b", "fair"), ("c", "weak")]
    assert [(s.id, s.match) for s in rejected] == [("d", "weak")]


def test_like_has_to_be_nearer_to_like_than_to_words(candidate: Make) -> None:
    seen = candidate("a", 0.68, channel="visual")
    said = candidate("b", 0.6, channel="speech")
    assert [s.match for s in thresholds.grade([seen, said], EMBEDDED)[0]] == ["strong", "strong"]
    by_picture, _ = thresholds.grade([seen, said], EMBEDDED, example_channels=[Channel.VISUAL])
    assert [s.match for s in by_picture] == ["weak", "strong"]
    by_page, _ = thresholds.grade([seen, said], EMBEDDED, example_channels=[Channel.TEXT])
    assert [s.match for s in by_page] == ["strong", "fair"]


def test_a_strong_lexical_match_raises_the_grade_at_any_cosine(candidate: Make) -> None:
    found, rejected = thresholds.grade(
        [
            candidate("quote", 0.01, lexical=1.0),
            candidate("half", 0.01, lexical=0.5),
            candidate("touch", 0.01, lexical=0.1),
            candidate("none", 0.01),
            candidate("words only", 0.0, lexical=0.9)._replace(cosine=None),
            candidate("nothing", 0.0)._replace(cosine=None),
        ],
        EMBEDDED,
    )
    assert [s.match for s in found] == ["strong", "fair", "weak", "strong"]
    assert [s.id for s in rejected] == ["none", "nothing"]


def test_for_an_unmeasured_model_outliers_of_a_channel_are_fair(candidate: Make) -> None:
    noise = [candidate(f"n{i}", 0.40 + 0.001 * (i % 20)) for i in range(60)]
    found, rejected = thresholds.grade(
        [candidate("a", 0.80), candidate("b", 0.42), *noise], UNKNOWN
    )
    words = {s.id: s.match for s in found}
    assert not rejected
    assert words["a"] == "fair"
    assert set(list(words.values())[1:]) == {"weak"}


def test_with_too_few_to_compare_an_unmeasured_model_claims_nothing(candidate: Make) -> None:
    found, _ = thresholds.grade([candidate("a", 0.9), candidate("b", 0.1, lexical=1.0)], UNKNOWN)
    assert [s.match for s in found] == ["weak", "strong"]


def test_equal_scores_do_not_divide_by_nothing(candidate: Make) -> None:
    found, _ = thresholds.grade([candidate(f"n{i}", 0.5) for i in range(30)], UNKNOWN)
    assert {s.match for s in found} == {"weak"}


def test_an_unmeasured_model_takes_its_found_thresholds_from_questions_that_nothing_answers(
    candidate: Make,
) -> None:
    noise = {Channel.SPEECH: [0.30 + 0.01 * i for i in range(21)], Channel.VISUAL: [0.1]}
    found_thresholds = thresholds.calibrate(noise)
    assert set(found_thresholds) == {Channel.SPEECH}
    bar = found_thresholds[Channel.SPEECH]
    assert (bar.show, bar.fair, bar.strong) == pytest.approx((0.44, 0.56, 0.68))
    found, rejected = thresholds.grade(
        [candidate("a", 0.7), candidate("b", 0.6), candidate("c", 0.45), candidate("d", 0.43)],
        UNKNOWN,
        calibrated=found_thresholds,
    )
    assert [s.match for s in found] == ["strong", "fair", "weak"]
    assert [s.id for s in rejected] == ["d"]


def test_measured_models_keep_their_own_found_thresholds(candidate: Make) -> None:
    high = {Channel.SPEECH: thresholds.Threshold(0.9, 0.95, 0.99)}
    assert (
        thresholds.grade([candidate("a", 0.6)], EMBEDDED, calibrated=high)[0][0].match == "strong"
    )


def test_null_queries_are_asked_in_the_languages_that_the_model_reads() -> None:
    assert len(set(null_queries(["en"]))) >= thresholds.MIN_SAMPLE
    everything = null_queries()
    assert len(set(everything)) == sum(len(q) for q in NULL_QUERIES.values()) == 72
    assert set(NULL_QUERIES) == {"en", "es", "de", "zh", "ru"}
    assert null_queries(("de", "en", "fr")) == [*NULL_QUERIES["en"], *NULL_QUERIES["de"]]
    assert null_queries(("fi",)) == list(NULL_QUERIES["en"])


def test_what_is_far_behind_the_best_is_one_grade_lower(candidate: Make) -> None:
    bar = thresholds.TEXT_QUERY["embedded"][Channel.SPEECH]
    best = candidate("best", bar.strong + 2 * bar.within)
    behind = [
        candidate("strong", bar.strong),
        candidate("fair", bar.fair),
        candidate("named", bar.fair, lexical=1.0),
    ]
    alone, _ = thresholds.grade(behind, EMBEDDED)
    assert [s.match for s in alone] == ["strong", "weak", "strong"]
    kept, _ = thresholds.grade([best, *behind], EMBEDDED)
    assert [s.match for s in kept] == ["strong", "fair", "weak", "strong"]


def test_a_question_that_the_model_does_not_read_is_answered_by_its_words_alone(
    candidate: Make,
) -> None:
    found = [candidate("a", 0.9), candidate("b", 0.9, lexical=0.5), candidate("c", 0.1, lexical=1)]
    for info in (EMBEDDED, UNKNOWN):
        kept, _ = thresholds.grade(found, info, understood=False)
        assert [s.match for s in kept] == ["weak", "fair", "strong"]
