"""Transcripts in JSON, as recognisers of speech write them.

Whisper and what is built on it (whisper.cpp, WhisperX), Podcasting 2.0, the cloud services
(Amazon, Google, Azure, AssemblyAI, Deepgram, Speechmatics, Rev) and youtube-transcript-api name the
same few things differently: rows of a begin, an end and words. Rows of single words are joined.
"""

from __future__ import annotations

import itertools
import json
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import LINE_S, Reading
from omni_core.media.text.transcript_aside import beside
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
from omni_core.media.text.transcripts_by_hand import by_hand

_CANDIDATE = re.compile(
    r"\s*(?:\{\s*\"text\"\s*:\s*\"|[{\[](?=.{0,4000}?\"(?:(?:segments|transcript|transcription|utterances"
    r"|results|monologues|sentences|recognizedPhrases|words|start|start_time|startTime)\"\s*:"
    r"|time(?:stamp)?\"\s*:\s*(?:\"[\[(]?\d{1,3}:\d\d[\":\])]|\[\s*\d))))", re.S,
)  # fmt: skip
_ROWS = (
    "segments", "transcription", "utterances", "audio_segments", "sentences", "recognizedPhrases",
    "paragraphs", "monologues", "transcript", "chunks", "captions", "cues", "subtitles",
)  # fmt: skip
"""Lists of what is said, in order of preference."""
_WORDS = ("items", "words", "results", "result", "elements")
"""Lists of words."""
_SPOKEN = ("transcription", "utterances", "audio_segments", "recognizedPhrases", "monologues")
"""Lists that only transcripts have."""
_PLAIN = {*TEXT, *START, *END, *LENGTH, *SPEAKER, "id", "index", "confidence", "language",
          "conf", "score", "probability", "logprob", "type", "alternatives", "channel", "is_eos",
          "attaches_to", "speaker_confidence", "volume", "eos", "tags"}  # fmt: skip
_KNOWN = _PLAIN | {
    "offset", "timestamp", "locale", "language_code", "languageCode", "speakerId", "speakerLabel",
    "lexical", "itn", "maskedITN", "raw_text", "recognitionStatus", "resultEndTime",
}  # fmt: skip
"""What the services write as strings into rows."""
_SIGNS = {*SPEAKER, "confidence", "conf", "alternatives"}
"""What rows of a transcript may have beside words and times."""
MAX_PARSED = 16 << 20
"""Characters that are parsed; a transcript of ten hours has a quarter of that."""
MILLISECONDS = 100
"""Whole numbers of which the middle length is more than this are milliseconds."""
SINCE_1970 = 1e9
"""A begin that is a date, not a place in a recording, which has less milliseconds even."""
MIN_COUNTED = 3
"""Rows from which `1 to 12, 13 to 40, 41 to 44` are no times."""
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
    top = _parsed(text)
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
        rows = [row for key, values in lists if key == name for row in _rows(values, name)]
        if rows and not _are_places(rows):
            return _in_seconds(rows)
    for key, values in lists:
        if not key and _is_plain(values):  # of youtube-transcript-api
            rows = _rows(values)
            if rows and not _are_places(rows):
                return _in_seconds(rows)
    turns = [row for key, values in lists if key == "results" for row in _of_results(values)]
    words = turns or [
        row
        for name in _WORDS
        for key, found in lists
        if key == name and _is_plain(found)
        for row in _rows(found)
    ]
    if not words or _are_places(words):
        return []
    return _in_seconds(turns) if turns else list(_joined(_in_seconds(words)))


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
    start, end = value_of(one, START), value_of(one, END)
    if isinstance(one.get("offsets"), dict):  # whisper.cpp
        start, end = (time_of(one["offsets"].get(k), thousandths=True) for k in ("from", "to"))
    elif isinstance(pair := one.get("timestamp"), list) and len(pair) == 2:  # transformers
        start, end = pair
    elif "offset" in one and start is None:
        start = one["offset"]
    first, last = time_of(start), time_of(end)
    if first is None:
        if before is not None and one.get("type") in ("punct", "punctuation"):
            before.text += text.strip()
        return None
    length = time_of(value_of(one, LENGTH)) if last is None else None
    return Row(first, last if length is None else first + length, text, speaker_of(one))


def _of_results(values: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Google: a transcript for each turn, whose words have the times."""
    for one in values:
        best = one.get("alternatives")
        if not isinstance(best, list) or not best or not isinstance(best[0], dict):
            continue
        words = best[0].get("words")
        if isinstance(best[0].get("transcript"), str) and isinstance(words, list):
            timed = _rows([w for w in words if isinstance(w, dict)])
            if timed:
                yield Row(timed[0].start, timed[-1].end, best[0]["transcript"], timed[0].speaker)


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


def _are_places(rows: Sequence[Row]) -> bool:
    """Whether the numbers count characters, as those of annotated text do, or lines or pages, each
    of which begins after the last one before, or seconds since 1970, or run back."""
    exact = sum(row.end is not None and row.end - row.start == len(row.text) for row in rows)
    back = sum(a.start > b.start for a, b in itertools.pairwise(rows))
    exact_or_back = 2 * max(exact, back) > len(rows)
    return exact_or_back or rows[0].start >= SINCE_1970 or _are_counted(rows)


def _are_counted(rows: Sequence[Row]) -> bool:
    """Whether each row begins with the whole number after the last one of the row before, and the
    first with 1 or more: a recording begins at 0, lines and pages at 1. No milliseconds, which
    programs write so as well."""
    return (
        len(rows) >= MIN_COUNTED
        and rows[0].start >= 1
        and all(
            a.end is not None
            and a.start == int(a.start)
            and b.start == a.end + 1
            and a.end - a.start <= MILLISECONDS
            for a, b in itertools.pairwise(rows)
        )
    )


def _in_seconds(rows: list[Row]) -> list[Row]:
    lengths = [row.end - row.start for row in rows if row.end is not None]
    whole = all(row.start == int(row.start) for row in rows)
    if whole and lengths and statistics.median(lengths) > MILLISECONDS:
        for row in rows:
            row.start /= 1000
            row.end = row.end / 1000 if row.end is not None else None
    return rows
