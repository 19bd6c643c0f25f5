"""Transcripts with their speakers."""

from __future__ import annotations

from omni_core.engine.opening.speaking import Speaking, with_speakers
from omni_core.engine.results import Line
from omni_core.types import Channel, Speaker, Turn

SPEAKERS = (Speaker(0), Speaker(1, "Ann", "person"))


def line(text: str, start: float, end: float, *beats: tuple[int, float]) -> Line:
    return Line(text, Channel.SPEECH, "whisper-base", start, end, beats=beats)


def said(lines: tuple[Line, ...]) -> list[tuple[str, str, float, float]]:
    return [(x.speaker, x.text, x.start, x.end) for x in lines]


def test_a_passage_is_cut_where_the_speaker_changes() -> None:
    speaking = Speaking([Turn(0, 4, 0), Turn(4, 9, 1)], SPEAKERS)
    passage = line("Was it dry? It was. All of it.", 0, 9, (12, 4.0), (20, 6.0))
    first, second = with_speakers([passage], speaking)
    assert said((first, second)) == [
        ("speaker A", "Was it dry?", 0, 4.0),
        ("Ann", "It was. All of it.", 4.0, 9),
    ]
    assert second.beats == ((8, 6.0),)


def test_a_phrase_of_two_voices_is_nobodys() -> None:
    speaking = Speaking([Turn(0, 5, 0), Turn(5, 10, 1)], SPEAKERS)
    assert said(with_speakers([line("Yes. No.", 0, 10)], speaking)) == [("", "Yes. No.", 0, 10)]


def test_a_phrase_that_is_not_clear_joins_those_around_it() -> None:
    speaking = Speaking([Turn(0, 4, 1), Turn(8, 12, 1)], SPEAKERS)
    passage = line("One. Two. Three.", 0, 12, (5, 4.0), (10, 8.0))
    assert said(with_speakers([passage], speaking)) == [("Ann", "One. Two. Three.", 0, 12)]


def test_the_name_that_stands_in_the_words_is_not_repeated() -> None:
    speaking = Speaking([Turn(0, 9, 1)], SPEAKERS)
    (only,) = with_speakers([line("ANN: It was dry. Very.", 0, 9, (17, 5.0))], speaking)
    assert said((only,)) == [("Ann", "It was dry. Very.", 0, 9)]
    assert only.text[only.beats[0][0] :] == "Very."


def test_words_on_screen_and_words_where_nobody_speaks_stay_as_they_are() -> None:
    speaking = Speaking([Turn(0, 4, 0)], SPEAKERS)
    screen = Line("EXIT", Channel.SCREEN_TEXT, "ocr", 0, 4)
    later = line("Sung.", 20, 24)
    assert with_speakers([screen, later], speaking) == (screen, later)
    assert with_speakers([screen], Speaking((), ())) == (screen,)
