"""Search: what is too far from the question to show, and how sure the rest is, in three words.

A cosine means something only for one model and one channel: 0.35 is a good picture and a poor
sentence for one model, noise for another. So thresholds are data, measured per model; a model
that nobody measured is judged by how far a candidate stands out from the others of its channel.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from omni_core.retrieval.fuse import Scored, with_match
from omni_core.types import Channel, EncoderInfo, Match


@dataclass(frozen=True, slots=True)
class Bar:
    """Cosines from which on a candidate is shown at all, is fair, is strong."""

    show: float
    fair: float
    strong: float


_Bars = Mapping[Channel, Bar]

QUESTION: Mapping[str, _Bars] = {
    "embedded": {
        Channel.VISUAL: Bar(0.20, 0.40, 0.57),
        Channel.SOUND: Bar(0.24, 0.40, 0.57),
        Channel.SPEECH: Bar(0.24, 0.37, 0.55),
        Channel.SCREEN_TEXT: Bar(0.24, 0.37, 0.55),
        Channel.TEXT: Bar(0.24, 0.37, 0.55),
    },
    "hashing": dict.fromkeys(Channel, Bar(0.10, 0.30, 0.50)),
}
"""By `EncoderInfo.name`: words asked, evidence answering.

embedded: over 36 questions with an answer and 40 without one in a library of 42 files, of the
first three moments 9 in 10 called strong were right, 1 in 3 called fair, 1 in 15 called weak;
the floor lost one answer in 36, and left a third of the questions without an answer empty. Words
answer words far more cleanly (right ones from 0.33, nine tenths of the wrong below 0.25) than
pictures, whose right and wrong answers overlap from 0.20 to 0.45.
"""

LIKE: Mapping[str, _Bars] = {
    "embedded": {
        Channel.VISUAL: Bar(0.45, 0.70, 0.87),
        Channel.SOUND: Bar(0.45, 0.70, 0.87),
        Channel.SPEECH: Bar(0.30, 0.45, 0.65),
        Channel.SCREEN_TEXT: Bar(0.30, 0.45, 0.65),
        Channel.TEXT: Bar(0.30, 0.45, 0.65),
    },
    "hashing": dict.fromkeys(Channel, Bar(0.10, 0.30, 0.50)),
}
"""The same where evidence is the question and like meets like: two unrelated pictures are 0.37
apart in the median, 0.59 in the nearest tenth, 0.85 in the nearest hundredth (embedded)."""

_WORDS = frozenset({Channel.SPEECH, Channel.SCREEN_TEXT, Channel.TEXT})

OUTLIER = Bar(float("-inf"), 2.5, 4.0)
"""For unmeasured models, in robust standard deviations above the median of the channel's
candidates. Nothing is rejected: a wrong floor hides evidence, a missing one only says "weak"."""
ENOUGH = 20
"""Candidates of a channel below which a median says nothing."""

LEXICAL_STRONG, LEXICAL_FAIR = 0.8, 0.4
"""Strength of words (`Scored.lexical`) that makes a match strong or fair by itself."""


def judge(
    scored: Sequence[Scored], info: EncoderInfo, *, example: Collection[Channel] = ()
) -> tuple[list[Scored], list[Scored]]:
    """Those good enough to show, each with its word, and those rejected; order kept.

    `example` names the channels of the evidence that was the question, if evidence it was.
    """
    asked, like = QUESTION.get(info.name), LIKE.get(info.name)
    if asked is None or like is None:
        return _by_outliers(scored)
    alike = set(example) | (_WORDS if _WORDS & set(example) else set())
    kept: list[Scored] = []
    rejected: list[Scored] = []
    for s in scored:
        channel = Channel(str(s.hit.payload["channel"]))
        word = _word(s.cosine, (like if channel in alike else asked)[channel], s.lexical)
        (rejected if word is None else kept).append(with_match(s, word or "weak"))
    return kept, rejected


def _word(value: float | None, bar: Bar, lexical: float) -> Match | None:
    if (value is not None and value >= bar.strong) or lexical >= LEXICAL_STRONG:
        return "strong"
    if (value is not None and value >= bar.fair) or lexical >= LEXICAL_FAIR:
        return "fair"
    return "weak" if lexical > 0 or (value is not None and value >= bar.show) else None


def _by_outliers(scored: Sequence[Scored]) -> tuple[list[Scored], list[Scored]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for s in scored:
        if s.cosine is not None:
            groups[str(s.hit.payload["channel"])].append(s.cosine)
    middle = {c: statistics.median(v) for c, v in groups.items() if len(v) >= ENOUGH}
    # 1.4826 x the median distance from the median is the standard deviation of a normal sample.
    width = {
        c: 1.4826 * statistics.median(abs(x - m) for x in groups[c]) or 1e-9
        for c, m in middle.items()
    }
    kept = []
    for s in scored:
        channel = str(s.hit.payload["channel"])
        z = 0.0
        if s.cosine is not None and channel in middle:
            z = (s.cosine - middle[channel]) / width[channel]
        kept.append(with_match(s, _word(z, OUTLIER, s.lexical) or "weak"))
    return kept, []
