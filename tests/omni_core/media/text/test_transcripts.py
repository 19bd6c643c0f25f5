"""Transcripts in JSON, as recognisers of speech write them, have their times and speakers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.subtitle_formats import read_subtitles
from omni_core.media.text.subtitle_transcripts import may_be_transcript, read_transcript
from omni_core.types import CutOptions, Segment, Source

A, B = "The ferry leaves.", "Bring the kettle."


def words(*names: str, **more: Any) -> list[dict[str, Any]]:
    """Words of half a second each from second 1 on, under these names for word, begin and end."""
    word, start, end = names
    return [{word: w, start: 1 + n / 2, end: 1.5 + n / 2, **more} for n, w in enumerate(A.split())]


WHISPER = {
    "text": f" {A} {B}" + " and so on" * 900, "language": "en",
    "segments": [
        {"id": 0, "seek": 0, "start": 1.0, "end": 3.0, "text": f" {A}", "tokens": [1, 2]},
        {"id": 1, "seek": 0, "start": 5.5, "end": 9.0, "text": f" {B}", "tokens": [3]},
    ],
}  # fmt: skip
FILES: dict[str, Any] = {
    "whisper": WHISPER,
    "whisper.cpp": {"systeminfo": "x", "transcription": [
        {"timestamps": {"from": "00:00:01,000"}, "offsets": {"from": 1000, "to": 3000}, "text": A},
        {"timestamps": {"from": "x"}, "offsets": {"from": 5500, "to": 9000}, "text": B}]},
    "podcast": {"version": "1.0.0", "segments": [
        {"startTime": 1.0, "endTime": 3.0, "body": A},
        {"startTime": 5.5, "endTime": 9, "body": B}]},
    "milliseconds": {"id": "x", "utterances": [
        {"start": 1000, "end": 3000, "text": A}, {"start": 5500, "end": 9000, "text": B}]},
    "youtube": [{"text": A, "start": 1.0, "duration": 2},
                {"text": B, "start": 5.5, "duration": 3.5}],
    "azure": {"recognizedPhrases": [
        {"offset": "PT1S", "duration": "PT2S", "nBest": [{"display": A}]},
        {"offset": "PT5.5S", "duration": "PT3.5S", "nBest": [{"display": B}]}]},
    "google": {"results": [
        {"alternatives": [{"transcript": text, "words": [
            {"startTime": f"{start}s", "endTime": f"{end}s", "word": "x"}]}]}
        for text, start, end in ((A, 1, 3), (B, 5.5, 9))]},
    "clocks": {"segments": [{"start": "00:00:01.000", "end": "00:00:03.000", "text": A},
                            {"start": "00:00:05.500", "end": "00:00:09.000", "text": B}]},
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_each_sentence_has_its_time(kind: str) -> None:
    text = json.dumps(FILES[kind], indent=1)
    found = read_transcript(text)
    assert may_be_transcript(text[:4096]) and found is not None
    cues = [(c.start, c.end, c.text) for c in found.reading.in_order()]
    assert cues == [(1.0, 3.0, A), (5.5, 9.0, B)]


@pytest.mark.parametrize(
    "top",
    [
        {"result": words("word", "start", "end", conf=1.0), "text": A.lower()},
        {"results": {"channels": [{"alternatives": [
            {"transcript": A, "words": words("punctuated_word", "start", "end")}]}]}},
        {"results": {"items": [
            {"start_time": "1.0", "end_time": "1.5", "type": "pronunciation",
             "alternatives": [{"content": "The ferry"}]},
            {"start_time": "1.5", "end_time": "2.5", "type": "pronunciation",
             "alternatives": [{"content": "leaves"}]},
            {"type": "punctuation", "alternatives": [{"content": "."}]}]}},
        {"monologues": [{"speaker": 0, "elements": words("value", "ts", "end_ts", type="text")}]},
    ],
)  # fmt: skip
def test_single_words_are_joined(top: Any) -> None:
    found = read_transcript(json.dumps(top))
    assert found is not None
    (cue,) = found.reading.in_order()
    assert (cue.start, cue.end, cue.text.removeprefix("speaker 0: ")) == (1.0, 2.5, A)


def test_speakers_are_named(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "talk.json"
    said = ("Ann", A), (1, B)
    rows = [{"start": n, "end": n + 1, "text": t, "speaker": w} for n, (w, t) in enumerate(said)]
    path.write_text(json.dumps({"segments": rows}))
    (found,) = [s for s in cut(path) if s.channel == "speech"]
    assert found.text == f"Ann: {A} speaker 1: {B}"


def test_what_a_transcript_says_beside_its_words_is_read(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "talk.json"
    path.write_text(json.dumps({**WHISPER, "summary": "How to cross the sound."}))
    found = [(s.channel, s.text) for s in cut(path)]
    assert ("speech", f"{A} {B}") in found
    assert any("How to cross the sound." in text for channel, text in found if channel == "text")


def test_single_words_beside_a_transcript_are_read_and_its_codes_are_not() -> None:
    top = {
        **WHISPER, "title": "Quasarix", "speakers": [{"name": "Birgitta", "id": "b7"}],
        "place": "Kett", "created_id": "a1", "sha256": "0a" * 32,
        "models": ["30089e05-99d1-4376-b32e-c263170674af"], "year": "1999", "duration": "9.5",
    }  # fmt: skip
    found = read_transcript(json.dumps(top))
    assert found is not None and found.aside.split("\n")[-4:] == [
        "Quasarix", "Birgitta", "Kett", "1999"
    ]  # fmt: skip
    assert "and so on" in found.aside and A not in found.aside.split("\n")


@pytest.mark.parametrize("kind", ["milliseconds", "youtube", "azure", "clocks"])
def test_pieces_and_measures_of_a_transcript_are_not_read_beside_it(kind: str) -> None:
    found = read_transcript(json.dumps(FILES[kind]))
    assert found is not None and found.aside == ""


def test_speakers_and_pieces_of_words_are_not_read_twice() -> None:
    row = {
        "start": 1.0, "end": 3.0, "text": A, "speaker": "Ann", "words": [
            {"word": "ferry", "start": 1.0, "speaker": "Ann"}, {"word": "lea", "start": 2.0}],
        "tokens": [{"text": "[_BEG_]"}, {"text": " ves"}, {"text": "[_TT_50]"}],
    }  # fmt: skip
    found = read_transcript(json.dumps({"segments": [row], "title": "Lea"}))
    assert found is not None and found.aside == "Lea"


def test_the_whole_text_of_a_transcript_is_not_read_beside_its_sentences() -> None:
    said = [f"The ferry leaves quay {n}." for n in range(50)]
    rows = [{"start": float(n), "end": n + 1.0, "text": text} for n, text in enumerate(said)]
    found = read_transcript(json.dumps({"text": " ".join(said), "segments": rows}))
    assert found is not None and found.aside == ""


def test_many_texts_beside_a_transcript_are_all_read() -> None:
    notes = [f"note {n} of the harbour" for n in range(5_000)]
    found = read_transcript(json.dumps({**WHISPER, "notes": notes}))
    assert found is not None and found.aside.split("\n")[-5_000:] == notes


@pytest.mark.parametrize(
    "rows",
    [
        {"utterances": [{"start": 1, "text": A}, {"start": 5, "text": B}]},
        {"segments": [{"start": 1, "text": A, "speaker": 1},
                      {"start": 5, "text": B, "speaker": 2}]},
        [{"start": 1.0, "text": A}, {"start": 5.5, "text": B}],
        [{"start": "00:00:01", "text": A}, {"start": "01:05.5", "text": B}],
    ],
)  # fmt: skip
def test_rows_without_ends_are_a_transcript_by_another_sign(rows: Any) -> None:
    found = read_transcript(json.dumps(rows))
    assert found is not None and len(found.reading.cues) == 2


@pytest.mark.parametrize(
    "top",
    [
        {"author": "North", "year": 1999, "items": [
            {"id": 1, "start": 1999, "text": "Founded in Berlin"},
            {"id": 2, "start": 2005, "text": "Moved to Rome"}, {"id": 3, "start": 2010,
                                                                "text": "Sold"}]},
        [{"start": "1999", "text": "North", "type": "event"}],
        {"sentences": [{"start": 1, "text": "La casa", "translation": "North", "lemma": "domus"}]},
        {"paragraphs": [
            {"start": 0, "end": 120, "text": "Hello world", "label": "North", "annotator": "Ann"},
            {"start": 121, "end": 400, "text": "And more", "label": "END", "annotator": "Ann"}]},
        [{"start": "09:00", "end": "10:30", "text": "North"}],
        {"segments": [{"id": 1, "name": "North", "start": "A", "end": "B", "text": "bus line"}]},
        {"text": A, "sentences": [{"text": A, "start": 0, "end": len(A)}]},
        {"results": [{"text": "Meeting", "start": 9, "end": 10, "room": "North"}]},
        [{"text": "Milk", "start": 1, "shop": "North"}],
        {"text": "a", "segments": []},
        [{"start": 1_700_000_000, "end": 1_700_000_600, "text": "North"}],
        [{"start": 1, "end": 12, "text": "North"}, {"start": 13, "end": 40, "text": "main"},
         {"start": 41, "end": 44, "text": "end"}],
        [{"start": 1900, "end": 1950, "text": "North, the first machines"},
         {"start": 1950, "end": 2000, "text": "Transistors and, later, chips"}],
        [{"start": 1000, "end": 1400, "text": "North: castles of stone, " * 3},
         {"start": 1400, "end": 1700, "text": "Gunpowder and stars of earth " * 3}],
        [{"start": 0, "end": 17, "text": "Children of North"},
         {"start": 18, "end": 64, "text": "Adults"}, {"start": 65, "end": 120, "text": "Others"}],
        {"segments": [{"id": 1, "start": 10, "end": 20, "text": "Zone North"},
                      {"id": 2, "start": 20, "end": 45, "text": "Zone B"}]},
        {"paragraphs": [{"start": 1, "end": 12, "text": "North"},
                        {"start": 13, "end": 40, "text": "The long way"}]},
    ],
)  # fmt: skip
def test_other_json_is_read_as_such(top: Any, tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(top))
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "", info.modality, info.mime, 1)
    found = [x for x in svc.decompose(str(path), source, CutOptions()) if isinstance(x, Segment)]
    assert info.duration_s is None
    assert {s.channel for s in found} == {"text"}
    assert all(word in found[0].text for word in ("North",) if "North" in json.dumps(top))


@pytest.mark.parametrize(
    ("rows", "unit"),
    [([(0, 1499), (1500, 2999), (3000, 4999)], 1000), ([(0, 4), (4, 9), (9, 12)], 1),
     ([(0, 9), (10, 12)], 1), ([(5, 7), (9, 10)], 1), ([(1000, 2200), (4000, 5500)], 1000)],
)  # fmt: skip
def test_whole_numbers_that_go_on_are_times(rows: list[tuple[int, int]], unit: int) -> None:
    found = _cues([{"start": a, "end": b, "text": "words, said"} for a, b in rows])
    assert [cue[:2] for cue in found] == [(a / unit, b / unit) for a, b in rows]


def _cues(top: Any) -> list[tuple[float, float, str]]:
    text = json.dumps(top)
    found = read_transcript(text) if may_be_transcript(text[:4096]) else None
    assert found is not None
    return [(c.start, c.end, c.text) for c in found.reading.in_order()]


@pytest.mark.parametrize(
    "top",
    [
        [{"time": "00:01", "speaker": "Ann", "text": A}, {"time": "1:12", "text": B}],
        {"title": "x", "transcript": [{"start": "0:01", "text": A}, {"start": "01:12", "text": B}]},
        [{"timestamp": "[0:01]", "text": A}, {"timestamp": "[0:01:12]", "text": B}],
    ],
)
def test_minutes_and_seconds_that_people_typed_are_times(top: Any) -> None:
    starts = [start for start, _, text in _cues(top) if A in text or B in text]
    assert starts == [1.0, 72.0]


@pytest.mark.parametrize(
    "top",
    [
        [{"time": "09:00", "text": A}, {"time": "17:30", "text": B}],
        [{"time": "00:30", "text": A}, {"time": "01:00", "text": B}],
        [{"time": "00:01", "text": A, "room": "Hall"}, {"time": "00:07", "text": B, "room": "Bar"}],
        [{"time": "00:09", "text": A}, {"time": "00:02", "text": B}],
        {"events": [{"start": "09:00", "end": "10:30", "title": A}]},
        [
            {"start": "00:00", "end": "07:59", "text": A},
            {"start": "08:00", "end": "23:59", "text": B},
        ],
    ],
)
def test_times_of_day_are_no_transcript(top: Any) -> None:
    assert read_transcript(json.dumps(top)) is None


def test_words_of_a_segment_have_its_speaker_by_name() -> None:
    """As Premiere exports them."""
    said = words("text", "start", "end", eos=False, tags=[], type="word", confidence=1)
    top = {
        "language": "en-us",
        "segments": [{"start": 1, "duration": 2, "speaker": "a-1", "language": "x", "words": said}],
        "speakers": [{"id": "a-1", "name": "Captain"}],
    }
    assert _cues(top) == [(1.0, 2.5, f"Captain: {A}")]


def test_a_list_named_transcript_has_its_speakers() -> None:
    row = {"speaker": "Ann", "start_time": 0.1, "end_time": 0.9, "text": A, "words": []}
    assert _cues({"name": "Talk", "transcript": [row]}) == [(0.1, 0.9, f"Ann: {A}")]


def test_rows_of_other_names_and_lines_have_their_times() -> None:
    chunks = [{"timestamp": [1.5, 3.0], "text": A}, {"timestamp": [5.5, None], "text": B}]
    assert _cues({"text": f"{A} {B}", "chunks": chunks})[0] == (1.5, 3.0, A)
    rows = [{"start": 1.5, "end": 3.0, "text": A}, {"start": 5.5, "end": 9.0, "text": B}]
    for found in (
        read_transcript(json.dumps({"captions": rows})),
        read_transcript("\n".join(map(json.dumps, rows))),
    ):
        assert found is not None
        assert [(c.start, c.end) for c in found.reading.in_order()] == [(1.5, 3.0), (5.5, 9.0)]
    log = "\n".join(json.dumps({"ts": n + 0.5, "text": A}) for n in range(3))
    assert read_transcript(log) is None


def test_what_faster_whisper_prints_has_its_times() -> None:
    text = f"[0.00s -> 2.50s]  {A}\n[62.50s -> 3665.25s]  {B}\n"
    cues = [(c.start, c.end, c.text) for c in read_subtitles(text, ".txt").cues]
    assert cues == [(0.0, 2.5, A), (62.5, 3665.25, B)]


@pytest.mark.parametrize(("first", "is_read"), [(0, True), (1, False)])
def test_whole_seconds_that_begin_at_0_are_times_and_numbers_from_1_are_none(
    first: int, is_read: bool
) -> None:
    rows = [{"start": first + 5 * n, "end": first + 5 * n + 4, "text": A} for n in range(9)]
    assert (read_transcript(json.dumps(rows)) is not None) is is_read


def test_words_have_the_speaker_of_their_turn() -> None:
    said = words("text", "data_start", "data_end", type="text")
    turn = [(1.0, 2.5, f"Ann: {A}")]
    assert _cues([{"speaker": "Ann", "words": said}]) == turn
    assert _cues({"monologues": [{"speaker": "Ann", "elements": said}]}) == turn


def test_words_of_google_whose_first_one_begins_at_0_are_timed() -> None:
    """Zero is left out there."""
    said = [{"endOffset": "0.9s", "word": "The"},
            {"startOffset": "1s", "endOffset": "1.4s", "word": "ferry"},
            {"startOffset": "1.4s", "endOffset": "1.9s", "word": "leaves."}]  # fmt: skip
    top = {"results": [{"alternatives": [{"transcript": A, "confidence": 0.9, "words": said}],
                        "resultEndOffset": "2s", "languageCode": "en-us"}]}  # fmt: skip
    assert _cues(top) == [(0.0, 1.9, A)]


def test_kinds_and_codes_beside_a_transcript_are_no_words() -> None:
    top = {
        "segments": [{"type": "transcript.text.segment", "start": 0.0, "end": 1.5, "text": A,
                      "speaker": "A"}],
        "usage": {"type": "tokens"}, "languages": ["en"],
    }  # fmt: skip
    found = read_transcript(json.dumps(top))
    assert found is not None and found.aside == ""


def test_azures_fast_transcription_has_its_times() -> None:
    def phrase(start: int, length: int, text: str, speaker: int) -> dict[str, Any]:
        return {"speaker": speaker, "offsetMilliseconds": start, "durationMilliseconds": length,
                "text": text, "words": [{"text": "x", "offsetMilliseconds": start}],
                "locale": "en-US", "confidence": 0.9}  # fmt: skip

    phrases = [phrase(100, 1800, A, 1), phrase(2500, 900, B, 2)]
    top = {"durationMilliseconds": 9, "combinedPhrases": [{"text": f"{A} {B}"}], "phrases": phrases}
    assert _cues(top) == [(0.1, 1.9, f"speaker 1: {A}"), (2.5, 3.4, f"speaker 2: {B}")]


def test_marks_of_speechmatics_stand_at_their_words_which_have_speakers() -> None:
    said = [
        {"type": kind, "start_time": 1 + n / 2, "end_time": 1.5 + n / 2,
         "alternatives": [{"content": text, "confidence": 1.0, "speaker": "S1"}]}
        for n, (kind, text) in enumerate([("word", "The"), ("word", "ferry"), ("word", "leaves"),
                                          ("punctuation", ".")])
    ]  # fmt: skip
    assert _cues({"format": "2.9", "results": said}) == [(1.0, 2.5, f"S1: {A}")]
    found = read_transcript(json.dumps({"format": "2.9", "task": "x", "results": said}))
    assert found is not None and found.aside == ""


@pytest.mark.parametrize(
    "top",
    [
        [
            {"start": 1, "end": 4, "text": "今天我们去看海"},
            {"start": 4, "end": 8, "text": "他说天气很好"},
        ],
        [
            {"start": 5, "end": 9, "text": "Breathe in."},
            {"start": 10, "end": 15, "text": "And rest."},
        ],
        {
            "captions": [
                {"start": 900, "end": 904, "text": A},
                {"start": 904, "end": 909, "text": B},
            ]
        },
    ],
)
def test_whole_seconds_may_be_slow_or_late(top: Any) -> None:
    rows = top["captions"] if isinstance(top, dict) else top
    assert _cues(top) == [(row["start"], row["end"], row["text"]) for row in rows]
