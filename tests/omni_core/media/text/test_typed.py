"""Transcripts as services show them and people copy them."""

from __future__ import annotations

import pytest

from omni_core.media.text.subtitle_formats import detect_format, read_subtitles

WORDS = {1.0: "The tide is low today.", 65.0: "Boats wait here.", 69.0: "Yes."}
TEXTS = {
    "clocks alone": "0:01\nThe tide is low today.\n1:05\nBoats wait here.\n1:09\nYes.\n",
    "clocks alone, read aloud": "0:01\n1 second\nThe tide is low today.\n1:05\n"
                                "1 minute, 5 seconds\nBoats wait here.\n1:09\n"
                                "1 minute, 9 seconds\nYes.\n",
    "clocks before the words": "0:01 The tide is low today.\n1:05 Boats wait here.\n1:09 Yes.\n",
    "clocks in brackets": "(0:01) The tide is low today.\n(1:05) Boats wait here.\n(1:09) Yes.\n",
    "begins and ends": "0:01 - 0:04\nThe tide is low today.\n\n1:05 - 1:07\nBoats wait here.\n\n"
                       "1:09 - 1:12\nYes.\n",
    "hours": "00:00:01 - The tide is low today.\n00:01:05 - Boats wait here.\n00:01:09 - Yes.\n",
}  # fmt: skip
TURNS: dict[str, str] = {
    "Otter": "Ann Lee  0:01  \nThe tide is low today.\n\nTom  1:05  \nBoats wait here.\n\n"
             "Ann Lee  1:09\nYes.\n",
    "Rev": "Ann Lee (00:01):\nThe tide is low today.\n\nTom (01:05):\nBoats wait here.\n\n"
           "Ann Lee (01:09):\nYes.\n",
    "Sonix": "Ann Lee: [00:00:01]\nThe tide is low today.\nTom: [00:01:05]\nBoats wait here.\n"
             "Ann Lee: [00:01:09]\nYes.\n",
    "Zoom": "00:00:01\tAnn Lee:\tThe tide is low today.\n00:01:05\tTom:\tBoats wait here.\n"
            "00:01:09\tAnn Lee:\tYes.\n",
}  # fmt: skip
TURNS |= {
    "Trint": "Ann Lee [00:00:01] The tide is low today.\n\nTom [00:01:05] Boats wait here.\n\n"
             "Ann Lee [00:01:09] Yes.\n",
    "Temi": "Ann Lee: 00:01 The tide is low today.\n\nTom: 01:05 Boats wait here.\n\n"
            "Ann Lee: 01:09 Yes.\n",
    "Notta": "Ann Lee 00:01\nThe tide is low today.\n\nTom 01:05\nBoats wait here.\n\n"
             "Ann Lee 01:09\nYes.\n",
    "Tactiq": "00:01 Ann Lee: The tide is low today.\n01:05 Tom: Boats wait here.\n"
              "01:09 Ann Lee: Yes.\n",
}  # fmt: skip
OTHERS = {
    "timetable": "0:00 Night bus\n0:30 Night bus\n1:00 Last bus\n1:30 First train\n",
    "results": "Results of the race\n\n1:05 Ann\n1:07 Tom\n1:09 Bob\n",
    "album": "Sea songs  0:45\nThe long haul  1:50\nLeaving  2:30\n",
    "log": "10:05:12 started\n10:05:13 stopped\n10:05:15 started\n",
    "chat": "10:05:12 From Ann to Everyone:\n\thello\n10:06:40 From Tom to Ann:\n\tyes\n",
    "verses": "1:1 In the beginning\n1:10 And it was\n1:11 And there came\n1:12 And they\n",
    "recipe": "Pizza\n\n0:10 Mix\n0:20 Knead\n1:20 Bake\n1:45 Eat\n",
    "train": "Departures\n\nFrom Bristol 0:31\nplatform 4\nFrom Cardiff 0:47\nplatform 2\n"
             "From Lundy 1:12\nplatform 3\n",
    "prose": "We met at 0:45.\nThe boat came at 1:05\nand left.\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_words_have_the_times_of_their_clocks(name: str) -> None:
    found = read_subtitles(TEXTS[name], ".txt")

    assert (found.kind, found.warnings, found.aside) == ("typed", (), "")
    assert {cue.start: cue.text for cue in found.cues} == WORDS


@pytest.mark.parametrize("name", TURNS)
def test_turns_have_their_speakers_and_times(name: str) -> None:
    found = read_subtitles(TURNS[name], ".txt")

    assert [cue.start for cue in found.cues] == list(WORDS)
    assert [" ".join(cue.text.split()) for cue in found.cues] == [
        "Ann Lee: The tide is low today.", "Tom: Boats wait here.", "Ann Lee: Yes.",
    ]  # fmt: skip


def test_a_speaker_who_stands_behind_the_clock_is_said_with_the_words() -> None:
    text = "Call\n\n00:00:01 Ann\nThe tide.\n\n00:01:05 Tom\nBoats.\n\n00:01:09 Ann\nYes.\n"
    found = read_subtitles(text, ".txt")

    assert found.aside == "Call"
    assert [(c.start, c.text) for c in found.cues] == [
        (1.0, "Ann\nThe tide."), (65.0, "Tom\nBoats."), (69.0, "Ann\nYes."),
    ]  # fmt: skip


def test_a_stated_end_is_the_end() -> None:
    found = read_subtitles(TEXTS["begins and ends"], ".txt")

    assert [c.end for c in found.cues] == [4.0, 67.0, 72.0]


def test_paragraphs_with_their_end_behind_them_begin_where_the_last_one_ended() -> None:
    found = read_subtitles("I: Is the tide low? #00:00:03-5#\n\nB: Yes. #00:01:07-0#\n", ".txt")

    assert [(c.start, c.end, c.text) for c in found.cues] == [
        (0.0, 3.5, "I: Is the tide low?"), (3.5, 67.0, "B: Yes."),
    ]  # fmt: skip


def test_what_stands_above_the_first_clock_is_kept() -> None:
    found = read_subtitles(f"Harbour meeting\n12 January\n\n{TURNS['Otter']}", ".txt")

    assert found.aside == "Harbour meeting\n12 January"
    assert len(found.cues) == 3


def test_a_clock_that_runs_back_is_a_word() -> None:
    found = read_subtitles(f"{TEXTS['clocks alone']}0:30\nis when it began.\n", ".txt")

    assert found.cues[-1].text == "Yes.\n0:30\nis when it began."


def test_qttext_counts_parts_of_seconds_in_its_own_scale() -> None:
    text = (
        "{QTtext} {font:Geneva}\n{timeScale:600}\n[00:00:01.300]\nThe tide\n[00:00:03.000]\n\n"
        "[00:01:05.000]\nBoats\n[00:01:07.000]\n"
    )
    found = read_subtitles(text, ".txt")

    assert [(c.start, c.end, c.text) for c in found.cues] == [
        (1.5, 3.0, "The tide"), (65.0, 67.0, "Boats"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_texts_with_clocks_are_texts(name: str) -> None:
    assert detect_format(OTHERS[name], ".txt") is None


@pytest.mark.parametrize(
    "text",
    [
        "1:10 And the dry land\n1:11 And the grass\n1:12 And the herb\n1:13 And the evening\n",
        "00:01 <ann> hello\n00:02 <bob> hi\n00:07 <ann> how are you\n00:13 <bob> well\n",
    ],
    ids=["verses", "chat after midnight"],
)
def test_verses_and_chats_are_no_recordings(text: str) -> None:
    assert detect_format(text, ".txt") is None
