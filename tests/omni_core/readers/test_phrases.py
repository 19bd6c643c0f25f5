from __future__ import annotations

import pytest

from omni_core.readers.phrases import (
    LanguageTracker,
    align_to_speech,
    is_hallucination,
    join,
    passages,
    speech_windows,
    with_margins,
)
from omni_core.readers.whisper import Phrase


def test_a_long_pause_always_ends_a_window() -> None:
    assert speech_windows([(0.0, 3.0), (3.3, 5.0), (8.0, 9.0)], 24) == [(0.0, 5.0), (8.0, 9.0)]


def test_speech_without_end_is_cut_at_the_longest_pause_of_the_second_half() -> None:
    stretches = [(0.0, 5.0), (5.6, 14.0), (14.3, 18.0), (18.6, 22.0), (22.2, 30.0)]
    assert speech_windows(stretches, 24) == [(0.0, 18.0), (18.6, 30.0)]


@pytest.mark.parametrize("longest", [10.0, 24.0])
def test_no_window_is_longer_than_the_model_hears_and_none_is_lost(longest: float) -> None:
    stretches = [(i * 2.0, i * 2.0 + 1.7 + 0.02 * (i % 7)) for i in range(60)]
    found = speech_windows(stretches, longest)
    assert max(end - start for start, end in found) <= longest
    assert found[0][0] == stretches[0][0] and found[-1][1] == stretches[-1][1]
    assert all(any(a <= s[0] and s[1] <= b for a, b in found) for s in stretches)


def test_windows_keep_the_breath_around_them_but_no_word_of_their_neighbours() -> None:
    spans = [(0.1, 5.0), (5.2, 9.0), (12.0, 14.9)]
    assert with_margins(spans, 15.0) == [
        (0.0, pytest.approx(5.1)),
        (pytest.approx(5.1), 9.4),
        (11.6, 15.0),
    ]


def test_times_move_to_where_the_voice_is() -> None:
    [phrase] = align_to_speech([Phrase(0.0, 6.0, "words")], [(0.5, 2.0), (2.4, 5.1)])
    assert (phrase.start, phrase.end) == (0.5, 5.1)


def test_a_moment_holds_whole_sentences() -> None:
    said = [
        Phrase(0, 5, " It rains."),
        Phrase(5, 9, " We stay."),
        Phrase(9, 14, " Then it"),
        Phrase(14, 19, " stops at last."),
        Phrase(19, 22, " And"),
    ]
    done, rest = passages(said, final=False)
    assert [(m.start, m.end, m.text) for m in done] == [
        (0, 9, "It rains. We stay."),
        (9, 19, "Then it stops at last."),
    ]
    assert [p.text for p in rest] == [" And"]
    done, rest = passages(said, final=True)
    assert done[-1].text == "And" and rest == []


def test_a_pause_ends_a_moment_even_within_a_sentence() -> None:
    done, rest = passages([Phrase(0, 3, " One"), Phrase(6, 8, " two.")], final=False)
    assert [m.text for m in done] == ["One"]
    assert [p.text for p in rest] == [" two."]


def test_a_short_pause_ends_a_window_once_something_was_said() -> None:
    assert speech_windows([(0.0, 3.0), (3.8, 9.0)], 24) == [(0.0, 9.0)]
    turns = [(0.0, 5.0), (5.9, 8.0), (8.2, 12.0), (12.8, 20.0)]
    assert speech_windows(turns, 24) == [(0.0, 5.0), (5.9, 12.0), (12.8, 20.0)]


def test_a_long_clear_window_is_in_its_own_language_and_a_doubtful_one_in_the_old() -> None:
    language = LanguageTracker()
    assert language.update({"en": 0.97, "es": 0.01}, 13.0) == "en"
    assert language.update({"es": 0.9, "en": 0.05}, 8.0) == "es"
    assert language.update({"en": 0.95, "es": 0.02}, 13.0) == "en"
    assert language.update({"es": 0.6, "en": 0.3}, 8.0) == "en"
    assert language.update({"es": 0.9, "en": 0.05}, 1.5) == "en"


def test_a_moment_is_of_one_language() -> None:
    said = [Phrase(0, 3, " Good day.", "en"), Phrase(3, 6, " Guten Tag.", "de")]
    done, _ = passages(said, final=True)
    assert [(m.text, m.language) for m in done] == [("Good day.", "en"), ("Guten Tag.", "de")]


def test_a_speaker_who_never_stops_is_cut_after_twenty_seconds() -> None:
    said = [Phrase(i, i + 1, f" word{i}") for i in range(50)]
    done, rest = passages(said, final=False)
    assert [(m.start, m.end) for m in done] == [(0, 20), (20, 40)]
    assert len(rest) == 10


def test_the_language_of_a_source_is_steady_but_not_for_ever() -> None:
    language = LanguageTracker()
    assert language.code == "en"
    assert language.update({"fr": 0.95, "en": 0.02}, 20) == "fr"
    assert language.update({"la": 0.5, "fr": 0.3}, 1.5) == "fr"
    assert language.update({"en": 0.7, "fr": 0.2}, 3) == "fr"
    language.update({"en": 0.98, "fr": 0.001}, 20)
    assert language.update({"en": 0.98, "fr": 0.001}, 20) == "en"


def test_a_clip_of_a_second_is_not_latin() -> None:
    assert LanguageTracker().update({"la": 0.5, "es": 0.4}, 1.0) == "es"


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("Thank you for watching!", False),
        ("Thank you.", False),
        ("¡Subtítulos realizados por la comunidad de Amara.org!", False),
        ("no no no no no no", True),
        ("NBS, NBS, NBS, NBS, NBS, N", True),
        ("go to the house go to the house go to the house go to the house", True),
        ("...", True),
        ("word " * 80, True),
    ],
)
def test_what_nobody_said_is_recognised(text: str, sure: tuple[float, float, float]) -> None:
    assert is_hallucination(text, -0.2 if sure else -0.8, 0.01 if sure else 0.5, 4.0)


@pytest.mark.parametrize(
    "text", ["Thank you.", "He was not an ill-disposed young man.", "Da da dum, he sang, da da."]
)
def test_what_was_said_clearly_is_kept(text: str) -> None:
    assert not is_hallucination(text, -0.2, 0.01, 3.0)


def test_joined_phrases_keep_where_each_begins() -> None:
    said = [Phrase(1, 2, " It  rains."), Phrase(2.5, 4, " We stay."), Phrase(4, 5, "Dry. ")]
    passage = join(said)
    assert passage.text == "It rains. We stay.Dry."
    assert [(passage.text[at:], second) for at, second in passage.beats] == [
        ("We stay.Dry.", 2.5), ("Dry.", 4),
    ]  # fmt: skip
    assert join(said[:1]).beats == ()
