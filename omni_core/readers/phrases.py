"""Speech segmentation: where to cut audio for the model, and how to join its phrases.

Pure functions over times and text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from omni_core.readers.whisper import Phrase

SILENCE_S = 1.2
"""A pause that ends a model window, and a passage of speech."""
SHORT_PAUSE_S, TURN_S = 0.7, 4.0
"""A shorter pause that ends a model window once this much was said: another language may follow,
and Whisper writes a window in one."""
MARGIN_S = 0.4
"""Context around detected speech that the model gets, on either side."""
MIN_PASSAGE_S = 8.0
MAX_PASSAGE_S = 20.0
"""A passage of speech lasts this long, as far as pauses and sentence ends allow."""
SENTENCE_ENDS = tuple(".!?…。！？؟।")

TimeSpan = tuple[float, float]
"""Start and end, in seconds."""


def speech_windows(speech: Sequence[TimeSpan], longest_s: float) -> list[TimeSpan]:
    """Group detected speech into model windows of at most `longest_s` seconds, cut at pauses.

    Every pause of `SILENCE_S` is a cut, after `TURN_S` every one of `SHORT_PAUSE_S`. Longer speech
    is cut at the longest pause in the second half of a window.
    """
    found: list[TimeSpan] = []
    current: list[TimeSpan] = []
    for stretch in speech:
        said = current[-1][1] - current[0][0] if current else 0.0
        pause = SHORT_PAUSE_S if said >= TURN_S else SILENCE_S
        if current and stretch[0] - current[-1][1] >= pause:
            found.append((current[0][0], current[-1][1]))
            current = []
        current.append(stretch)
        while current[-1][1] - current[0][0] > longest_s and len(current) > 1:
            middle = current[0][0] + longest_s / 2
            cuts = [i for i in range(1, len(current)) if current[i - 1][1] >= middle]
            at = max(
                [i for i in cuts if current[i - 1][1] - current[0][0] <= longest_s]
                or [len(current) - 1],
                key=lambda i: current[i][0] - current[i - 1][1],
            )
            found.append((current[0][0], current[at - 1][1]))
            current = current[at:]
    if current:
        found.append((current[0][0], current[-1][1]))
    return found


def with_margins(spans: Sequence[TimeSpan], seconds: float) -> list[TimeSpan]:
    """Each span extended by up to `MARGIN_S` on either side, by half of a shorter pause.

    A word whose onset is cut off is lost: 7.7 % of characters wrong without margins,
    5.0 % with 0.2 s or more of them (150 prompts in five languages).
    """
    found = []
    for i, (start, end) in enumerate(spans):
        before = (spans[i - 1][1] + start) / 2 if i else 0.0
        after = (end + spans[i + 1][0]) / 2 if i + 1 < len(spans) else seconds
        found.append((max(start - MARGIN_S, before), min(end + MARGIN_S, after)))
    return found


def align_to_speech(phrases: Sequence[Phrase], speech: Sequence[TimeSpan]) -> list[Phrase]:
    """Phrases trimmed to the detected speech, since Whisper's timestamps are up to 0.3 s late."""
    found = []
    for p in phrases:
        inside = [s for s in speech if s[0] < p.end and s[1] > p.start]
        start = max(p.start, min(inside[0][0], p.end)) if inside else p.start
        end = min(p.end, max(inside[-1][1], start)) if inside else p.end
        found.append(replace(p, start=start, end=end))
    return found


def passages(phrases: Sequence[Phrase], *, final: bool) -> tuple[list[Phrase], list[Phrase]]:
    """(passages, remaining phrases): phrases joined to whole sentences of 8 to 20 s.

    A pause of `SILENCE_S`, a change of language or, after `MIN_PASSAGE_S`, the end of a sentence
    ends a passage. With `final` nothing remains.
    """
    done: list[Phrase] = []
    current: list[Phrase] = []
    for p in phrases:
        if current and (_is_break(current[-1], p) or p.end - current[0].start > MAX_PASSAGE_S):
            head, current = _close(current, p)
            done += head
        current.append(p)
        length = current[-1].end - current[0].start
        if length >= MIN_PASSAGE_S and p.text.rstrip().endswith(SENTENCE_ENDS):
            done.append(join(current))
            current = []
    if final and current:
        done.append(join(current))
        current = []
    return done, current


def _is_break(before: Phrase, after: Phrase) -> bool:
    return after.start - before.end >= SILENCE_S or before.language != after.language


def _close(current: list[Phrase], following: Phrase) -> tuple[list[Phrase], list[Phrase]]:
    """End a passage at its last end of a sentence; at a break, at its last phrase."""
    if not _is_break(current[-1], following):
        ends = [i for i, p in enumerate(current) if p.text.rstrip().endswith(SENTENCE_ENDS)]
        if ends and ends[-1] + 1 < len(current):
            cut = ends[-1] + 1
            return [join(current[:cut])], current[cut:]
    return [join(current)], []


def join(phrases: Sequence[Phrase]) -> Phrase:
    """One phrase from the first start to the last end."""
    text, beats = "", []
    for p in phrases:
        said = re.sub(r"\s+", " ", p.text)
        joined = (text + said).replace("  ", " ").lstrip()
        if text:
            beats.append((len(joined) - len(said.lstrip()), round(p.start, 2)))
        text = joined
    text = text.rstrip()
    return Phrase(phrases[0].start, phrases[-1].end, text, phrases[0].language, tuple(beats))


_COMMON = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr
bg lt sk te fa lv bn sr sl et mk kn eu is hy ne mn bs kk sq sw gl mr pa km ka az
"""
COMMON = frozenset(_COMMON.split())
"""Languages preferred in detection; Whisper takes one-second clips for Latin, Hawaiian or Welsh."""


CLEAR_S, CLEAR_P, OTHER_P = 4.0, 0.75, 0.1
"""A window of this length is in another language than those before when the model gives that one
the first probability at least, and the old one the second at most."""


class LanguageTracker:
    """The language of one source's windows: of a long, clear window its own, else by a decaying
    sum of all windows' log probabilities."""

    def __init__(self, scores: Mapping[str, float] | None = None) -> None:
        self._scores = dict(scores or {})

    @property
    def scores(self) -> dict[str, float]:
        """The sum so far, from which another tracker can go on."""
        return dict(self._scores)

    def update(self, probabilities: Mapping[str, float], seconds: float) -> str:
        """Add the probabilities of one window, weighted by its length; returns its language."""
        weight = min(1.0, seconds / 10)
        known = self._scores.keys() | probabilities.keys()
        self._scores = {
            code: 0.5 * self._scores.get(code, 0.0)
            + weight * math.log(max(1e-3, probabilities.get(code, 0.0)))
            + (0.0 if code in COMMON else -1.0)
            for code in known
        }
        best = max(probabilities, key=probabilities.__getitem__, default="")
        is_clear = probabilities.get(best, 0.0) >= CLEAR_P
        is_clear &= best == self.code or probabilities.get(self.code, 0.0) <= OTHER_P
        return best if seconds >= CLEAR_S and is_clear and best in COMMON else self.code

    @property
    def code(self) -> str:
        """Two-letter code; `en` before the first window."""
        return max(self._scores, key=self._scores.__getitem__) if self._scores else "en"


_HALLUCINATIONS = """
thank you
thanks
thank you very much
thanks for watching
thank you for watching
thank you so much for watching
please subscribe
like and subscribe
you
bye
bye bye
music
applause
see you next time
see you in the next video
subtitles by the amara org community
sous-titres réalisés par la communauté d'amara org
untertitel der amara org-community
untertitelung des zdf 2020
untertitel im auftrag des zdf für funk 2017
subtítulos realizados por la comunidad de amara org
sottotitoli creati dalla comunità amara org
продолжение следует
ご視聴ありがとうございました
字幕by索兰娅
请不吝点赞 订阅 转发 打赏支持明镜与点点栏目
시청해주셔서 감사합니다
"""
HALLUCINATIONS = frozenset(_HALLUCINATIONS.strip().splitlines())
"""Phrases that Whisper emits for music or noise, learned from subtitles over silence."""


def is_hallucination(text: str, logprob: float, no_speech: float, seconds: float) -> bool:
    """Whether a transcription is likely a hallucination.

    A phrase of `HALLUCINATIONS` is accepted only with high confidence (mean log probability at
    least -0.5, no-speech probability at most 0.3); four repetitions in a row, or more than 40
    characters a second, never.
    """
    words = re.sub(r"[^\w\s'-]+", " ", text.lower()).split()
    if not words:
        return True
    plain = " ".join(words)
    if plain in HALLUCINATIONS and (logprob < -0.5 or no_speech > 0.3):
        return True
    if any(_four_times(words, size) for size in range(1, len(words) // 4 + 1)):
        return True
    return len(plain) > 40 * max(seconds, 0.5)


def _four_times(words: Sequence[str], size: int) -> bool:
    """Whether `size` words are followed by themselves three times."""
    run = 0
    for i in range(size, len(words)):
        run = run + 1 if words[i] == words[i - size] else 0
        if run >= 3 * size:
            return True
    return False
