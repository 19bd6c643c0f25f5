"""Subtitles and voices together, and names that people gave."""

from __future__ import annotations

import numpy as np

from omni_core.catalog.spoken import FoundName
from omni_core.engine.speakers.said import Subtitles, carried, heard
from omni_core.engine.speakers.voice_file import recognised
from omni_core.text.speaker_names import Said
from omni_core.types import Channel, Modality, Segment, Span, Turn, Voices


def vectors(count: int) -> tuple[np.ndarray, ...]:
    return tuple(np.eye(8, dtype=np.float32)[:count])


def test_voices_alone_are_turns_without_names() -> None:
    turns = (Turn(0, 5, 0), Turn(5, 9, 1))
    found = heard(Voices(turns, vectors(2)), [])
    assert found.turns == turns
    assert not found.names
    assert list(found.vectors) == [0, 1]


def test_subtitles_come_first_and_name_the_voice_that_speaks_there() -> None:
    voices = Voices((Turn(0, 10, 0), Turn(10, 20, 1), Turn(20, 25, 0)), vectors(2))
    found = heard(voices, [Said(1, 4, "Ann"), Said(12, 18, "Bob")])
    assert found.turns == (Turn(0, 10, 0), Turn(10, 20, 1), Turn(20, 25, 0))
    assert found.names == {0: FoundName("Ann", "subtitles"), 1: FoundName("Bob", "subtitles")}


def test_a_voice_that_two_names_share_is_of_neither() -> None:
    voices = Voices((Turn(0, 20, 0),), vectors(1))
    found = heard(voices, [Said(0, 5, "Ann"), Said(10, 15, "Bob")])
    assert [(t.start, t.end, t.speaker) for t in found.turns] == [
        (0, 5, 0), (5, 10, 1), (10, 15, 2), (15, 20, 1),
    ]  # fmt: skip
    assert {n: f.name for n, f in found.names.items()} == {0: "Ann", 2: "Bob"}


def test_one_name_in_all_subtitles_may_be_none() -> None:
    def cue(text: str, at: float) -> Segment:
        span = Span("second", at, at + 4)
        return Segment("src_a", Modality.AUDIO, Channel.SPEECH, span, None, text, "sidecar a.srt")

    subtitles = Subtitles()
    subtitles.saw(cue("Note: this is a draft.", 0))
    assert subtitles.named == []
    subtitles.saw(cue("Ann: we walked.", 4))
    assert [s.name for s in subtitles.named] == ["Note", "Ann"]
    subtitles.saw(cue("Ann: we walked.", 4))  # the decoder began again
    assert len(subtitles.named) == 2


def test_subtitles_of_a_further_language_name_nobody() -> None:
    span = Span("second", 1, 5)
    subtitles = Subtitles()
    for part, words in enumerate(("Doctor: we walked. Doctor: on.", "Arzt: weiter. Arzt: los.")):
        subtitles.saw(
            Segment(
                "src_a", Modality.VIDEO, Channel.SPEECH, span, None, words, "subtitle track",
                part, {"beats": [[words.index(".") + 2, 3.0]]},
            )
        )  # fmt: skip
    assert [s.name for s in subtitles.named] == ["Doctor", "Doctor"]


def test_given_names_follow_the_speaker_when_a_source_is_read_again() -> None:
    before = [Turn(0, 10, 0), Turn(10, 20, 1), Turn(20, 30, 0)]
    now = [Turn(0, 4, 0), Turn(4.5, 10, 1), Turn(10, 20, 2), Turn(20, 30, 1)]
    assert carried(before, {0: "Ann", 1: "Bob"}, now) == {1: "Ann", 2: "Bob"}
    assert carried(before, {0: "Ann"}, [Turn(40, 50, 0)]) == {}


def test_a_voice_is_recognised_only_where_it_is_near_and_no_other_is() -> None:
    def at(cosine: float, axis: int) -> np.ndarray:
        v = np.zeros(8, np.float32)
        v[0], v[axis] = cosine, (1 - cosine**2) ** 0.5
        return v

    ann, bob = at(1.0, 1), at(0.9, 2)
    voices = {("a", 0): ann, ("b", 0): bob, ("c", 0): at(0.97, 3), ("c", 1): at(0.8, 4)}
    assert recognised(voices, {("a", 0): "Ann"}) == {("b", 0): "Ann", ("c", 0): "Ann"}
    both = recognised(voices, {("a", 0): "Ann", ("b", 0): "Bob"})
    assert both == {("c", 0): "Ann"}
    assert recognised(voices, {}) == {}
