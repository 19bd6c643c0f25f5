"""Transcripts in JSON, as recognisers of speech write them.

Whisper and what is built on it (whisper.cpp, WhisperX), Podcasting 2.0, the cloud services
(Amazon, Google, Azure, AssemblyAI, Deepgram, Speechmatics, Rev) and youtube-transcript-api name the
same few things differently: rows of a begin, an end and words. Rows of single words are joined.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import LINE_S, Reading
from omni_core.media.text.transcript_aside import beside
from omni_core.media.text.transcript_places import are_data, are_milliseconds, are_places
from omni_core.media.text.transcript_rows import (
    END,
    LENGTH,
    SPEAKER,
    START,
    TEXT,
    Row,
    lists_of,
    speaker_of,
    time_of,
    value_of,
    with_speakers,
)
from omni_core.media.text.transcript_services import set_right
from omni_core.media.text.transcripts_by_hand import by_hand

_CANDIDATE = re.compile(
    r"\s*(?:\{\s*\"text\"\s*:\s*\"|\{.{0,4000}?<span[^<>]{0,200}\bdata-timestamp=|[{\[](?=.{0,4000}?\"(?:(?:segments|transcript|transcription|utterances"
    r"|results|monologues|sentences|recognizedPhrases|phrases|words|start|start_time|startTime)\"\s*:"
    r"|time(?:stamp)?\"\s*:\s*(?:\"[\[(]?\d{1,3}:\d\d[\":\])]|\[\s*\d))))", re.S,
)  # fmt: skip
_ROWS = (
    "segments", "transcription", "utterances", "audio_segments", "sentences", "recognizedPhrases",
    "paragraphs", "monologues", "transcript", "chunks", "captions", "cues", "subtitles", "phrases",
)  # fmt: skip
"""Lists of what is said, in order of preference."""
_WORDS = ("items", "words", "results", "result", "elements")
"""Lists of words."""
_SPOKEN = ("transcription", "utterances", "audio_segments", "recognizedPhrases", "monologues")
"""Lists that only transcripts have."""
_OF_TIMES = (*_SPOKEN, "transcript", "captions", "cues", "subtitles")
"""Lists in which numbers are times, however slow or late."""
_PLAIN = {*TEXT, *START, *END, *LENGTH, *SPEAKER, "id", "index", "confidence", "language",
          "conf", "score", "probability", "logprob", "type", "alternatives", "channel", "is_eos",
          "attaches_to", "speaker_confidence", "volume", "eos", "tags"}  # fmt: skip
_KNOWN = _PLAIN | {
    "offset", "timestamp", "locale", "language_code", "languageCode", "speakerId", "speakerLabel",
    "lexical", "itn", "maskedITN", "raw_text", "recognitionStatus", "resultEndTime",
}  # fmt: skip
"""What the services write as strings into rows."""
_SIGNS = {*SPEAKER, "confidence", "conf", "alternatives", "avg_logprob", "no_speech_prob"}
"""What rows of a transcript may have beside words and times."""
MAX_PARSED = 16 << 20
"""Characters that are parsed; a transcript of ten hours has a quarter of that."""
SENTENCE_S, PAUSE_S = 15.0, 2.0
"""Longest cue that is joined of words, and the pause that ends one."""


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The cues of a transcript, and what it says beside them."""

    reading: Reading
    aside: str


def may_be_transcript(start: str) -> bool:
    """Whether the beginning of a text allows it to be one; whether it is, only the whole tells."""
    return start[:1] in ("{", "[") and _CANDIDATE.match(start) is not None


def read_transcript(text: str) -> Transcribed | None:
    """A transcript; None for any other text."""
    if len(text) > MAX_PARSED:
        return None
    top = set_right(_parsed(text))
    if top is None:
        return None
    with_speakers(top)
    rows, clocks = _said(top), frozenset[str]()
    if not rows:
        rows, clocks = by_hand(top)
    if not rows:
        return None
    reading = Reading()
    aside = "\n".join(beside(top, rows, clocks))
    for row, after in zip(rows, [*(r.start for r in rows[1:]), float("inf")], strict=True):
        end = row.end if row.end is not None else min(after, row.start + LINE_S)
        words = clean(row.text)
        reading.add(
            round(row.start, 3), round(end, 3),
            f"{row.speaker}: {words}" if row.speaker and words else words,
        )  # fmt: skip
    return Transcribed(reading, aside)


def _parsed(text: str) -> Any:
    """The value of a file, or those of its lines where each row has its end; None for others."""
    try:
        return json.loads(text)
    except RecursionError:
        return None
    except ValueError:  # perhaps a value on each line
        rows = []
    try:
        for line in filter(str.strip, text.split("\n")):
            row = json.loads(line)
            if not isinstance(row, dict) or value_of(row, END) is None:
                return None
            rows.append(row)
    except (ValueError, RecursionError):
        return None
    return rows


def _said(top: Any) -> list[Row]:
    """The rows of the list that says most plainly what was said."""
    lists = list(lists_of(top, "", 0))
    for name in _ROWS:
        named = [values for key, values in lists if key == name]
        rows = [row for values in named for row in _rows(values, name)]
        is_sure = name in _OF_TIMES or any(map(_have_signs, named))
        if rows and not are_places(rows) and (is_sure or not are_data(rows)):
            return _in_seconds(rows)
    for key, values in lists:
        if not key and _is_plain(values):  # of youtube-transcript-api
            rows = _rows(values)
            if rows and not are_places(rows) and (_have_signs(values) or not are_data(rows)):
                return _in_seconds(rows)
    turns = [row for key, values in lists if key == "results" for row in _of_results(values)]
    words = turns or [
        row
        for name in _WORDS
        for key, found in lists
        if key == name and _is_plain(found)
        for row in _rows(found)
    ]
    if not words or are_places(words):
        return []
    return _in_seconds(turns) if turns else list(_joined(_in_seconds(words)))


def _have_signs(values: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the objects has what only rows of a transcript have."""
    return any(one.keys() & _SIGNS for one in values)


def _is_plain(values: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the objects say nothing else."""
    return all(one.keys() <= _PLAIN for one in values)


def _rows(values: Sequence[Mapping[str, Any]], name: str = "") -> list[Row]:
    """Those that have words and a begin; none where the most have not, or where the list of this
    name is one of something else."""
    if _tell_more(values) or (name not in _SPOKEN and _are_numbered(values)):
        return []
    found: list[Row] = []
    spoken = 0
    for one in values:
        row = _row(one, found[-1] if found else None)
        spoken += row is not None or one.get("type") in ("punct", "punctuation", "spacing")
        if row is not None:
            found.append(row)
    return found if 2 * spoken > len(values) else []


def _tell_more(values: Sequence[Mapping[str, Any]]) -> bool:
    """Whether objects have texts under names that no service gives them."""
    return any(
        key not in _KNOWN and isinstance(value, str) and value.strip() != ""
        for one in values
        for key, value in one.items()
    )


def _are_numbered(values: Sequence[Mapping[str, Any]]) -> bool:
    """Whether whole numbers without ends are all that could be times, as years could."""
    return all(
        _is_whole(value_of(one, START))
        and value_of(one, (*END, *LENGTH)) is None
        and not one.keys() & _SIGNS
        for one in values
    )


def _is_whole(value: Any) -> bool:
    return value.strip().isdecimal() if isinstance(value, str) else isinstance(value, int)


def _row(one: Mapping[str, Any], before: Row | None) -> Row | None:
    text = value_of(one, TEXT)
    best = next((one[k] for k in ("alternatives", "nBest") if isinstance(one.get(k), list)), None)
    if text is None and best and isinstance(best[0], dict):
        text = value_of(best[0], TEXT)
    if not isinstance(text, str):
        return None
    if before is not None and one.get("type") in ("punct", "punctuation"):
        before.text += text.strip()
        return None
    start, end = value_of(one, START), value_of(one, END)
    if isinstance(one.get("offsets"), dict):  # whisper.cpp
        start, end = (time_of(one["offsets"].get(k), thousandths=True) for k in ("from", "to"))
    elif isinstance(pair := one.get("timestamp"), list) and len(pair) == 2:  # transformers
        start, end = pair
    elif "offset" in one and start is None:
        start = one["offset"]
    first, last = time_of(start), time_of(end)
    length = time_of(value_of(one, LENGTH)) if last is None else None
    if "offsetMilliseconds" in one and first is None:  # Azure's fast transcription
        first, length = (
            time_of(one.get(f"{name}Milliseconds"), thousandths=True)
            for name in ("offset", "duration")
        )
    if first is None:
        return None
    told = best[0] if best and isinstance(best[0], dict) else {}
    speaker = speaker_of(one) or speaker_of(told)
    return Row(first, last if length is None else first + length, text, speaker)


def _of_results(values: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Google: a transcript for each turn, whose words have the times."""
    for one in values:
        best = one.get("alternatives")
        if not isinstance(best, list) or not best or not isinstance(best[0], dict):
            continue
        words = best[0].get("words")
        if isinstance(best[0].get("transcript"), str) and isinstance(words, list):
            told = [w for w in words if isinstance(w, dict)]
            timed = _rows(told)
            if timed:
                at_0 = value_of(told[0], START) is None and value_of(told[0], END) is not None
                yield Row(
                    0.0 if at_0 else timed[0].start,
                    timed[-1].end,
                    best[0]["transcript"],
                    timed[0].speaker,
                )


def _joined(words: Sequence[Row]) -> Iterator[Row]:
    """Words as cues that end with a sentence, a pause or a change of speaker."""
    held: Row | None = None
    for word in words:
        if held is not None:
            ended = held.text[-1:] in ".!?…。！？" and held.text[-1:] != ""
            until = held.end if held.end is not None else word.start
            long = word.start - held.start > SENTENCE_S or word.start - until > PAUSE_S
            if not ended and not long and word.speaker == held.speaker:
                held.text, held.end = f"{held.text} {word.text.strip()}", word.end
                continue
            yield held
        held = Row(word.start, word.end, word.text.strip(), word.speaker)
    if held is not None:
        yield held


def _in_seconds(rows: list[Row]) -> list[Row]:
    if are_milliseconds(rows):
        for row in rows:
            row.start /= 1000
            row.end = row.end / 1000 if row.end is not None else None
    return rows
