"""Search: what is too far from the question to show, and how sure the rest is, in three words.

A cosine means something only for one model and one channel: 0.35 is a good picture and a poor
sentence for one model, noise for another. So thresholds are data, measured per model; a model
that nobody measured is judged by how far a candidate stands out from the others of its channel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from omni_core.retrieval.fusion import Scored, with_match
from omni_core.types import Channel, EncoderInfo, Match


@dataclass(frozen=True, slots=True)
class Threshold:
    """Cosines from which on a candidate is shown at all, is fair, is strong."""

    show: float
    fair: float
    strong: float


@dataclass(frozen=True, slots=True)
class CalibratedThresholds:
    """The bars, and the number of segments among which they were found."""

    of: Mapping[Channel, Threshold]
    segments: int


_Bars = Mapping[Channel, Threshold]

QUESTION: Mapping[str, _Bars] = {
    "embedded": {
        Channel.VISUAL: Threshold(0.15, 0.40, 0.57),
        # guesses (66 questions): right 1 time in 9 from 0.40 on, however near; 1 in 70 below
        Channel.SOUND: Threshold(0.40, 0.90, 0.95),
        Channel.SPEECH: Threshold(0.24, 0.37, 0.55),
        Channel.SCREEN_TEXT: Threshold(0.24, 0.37, 0.55),
        Channel.TEXT: Threshold(0.24, 0.37, 0.55),
    },
    "hashing": dict.fromkeys(Channel, Threshold(0.10, 0.30, 0.50)),
}
"""By `EncoderInfo.name`: words asked, evidence answering.

embedded: over 36 questions with an answer and 40 without one in a library of 42 files, of the
first three moments 9 in 10 called strong were right, 1 in 3 called fair, 1 in 15 called weak;
the floor lost one answer in 36, and left a third of the questions without an answer empty. Words
answer words far more cleanly (right ones from 0.33, nine tenths of the wrong below 0.25) than
pictures, whose right and wrong answers overlap from 0.20 to 0.45. The floor of pictures was
lowered to 0.15 since: a right one lay at 0.16, and "weak" says what it is.
"""

LIKE: Mapping[str, _Bars] = {
    "embedded": {
        Channel.VISUAL: Threshold(0.45, 0.70, 0.87),
        Channel.SOUND: Threshold(0.45, 0.70, 0.87),
        Channel.SPEECH: Threshold(0.30, 0.45, 0.65),
        Channel.SCREEN_TEXT: Threshold(0.30, 0.45, 0.65),
        Channel.TEXT: Threshold(0.30, 0.45, 0.65),
    },
    "hashing": dict.fromkeys(Channel, Threshold(0.10, 0.30, 0.50)),
}
"""The same where evidence is the question and like meets like: two unrelated pictures are 0.37
apart in the median, 0.59 in the nearest tenth, 0.85 in the nearest hundredth (embedded)."""

_WORDS = frozenset({Channel.SPEECH, Channel.SCREEN_TEXT, Channel.TEXT})

STRAY_QUESTIONS = (
    "airspeed of an unladen swallow",
    "quarterly payroll tax deductions",
    "who won the football world cup in 1998",
    "how to bake sourdough bread",
    "penguins swimming under the ice",
    "the theory of general relativity",
    "a wedding ceremony in a church",
    "a snow covered mountain with skiers",
    "an electric guitar solo",
    "treatment of type 2 diabetes",
    "a chess opening",
    "invoice number 88213",
    "a baby laughing",
    "a traffic jam on a motorway",
    "the French revolution",
    "a bowl of fruit on a table",
    "a basketball player scoring",
    "contract termination clause",
    "an elephant drinking water",
    "gradient descent learning rate",
    "a piano lesson for beginners",
    "a train arriving at the station",
    "a beach with palm trees",
    "how to change a tyre",
)
"""Questions that few libraries answer: what they find tells what a model gives for nothing."""
ENOUGH = 20
"""Values below which quantiles and medians say nothing."""
OUTLIER = 5.0
"""Robust standard deviations above the median of a channel's candidates that make a match fair
for a model of which nothing is known (2 in 5 of the first three were right)."""

LEXICAL_STRONG, LEXICAL_FAIR = 0.8, 0.4
"""Strength of words (`Scored.lexical`) that makes a match strong or fair by itself."""


def bars_of(noise: Mapping[Channel, Sequence[float]]) -> dict[Channel, Threshold]:
    """Bars for an unmeasured model from what the stray questions found in this very library.

    `noise` holds for each channel the best cosine of each stray question. With m their median
    and w the way from it to the top tenth, the bars lie at m + w/2, m + 2w and m + 3.5w.
    """
    found = {}
    for channel, values in noise.items():
        if len(values) >= ENOUGH:
            half, most = np.quantile(np.asarray(values), [0.5, 0.9])
            wide = most - half
            found[channel] = Threshold(
                float(half + wide / 2), float(half + 2 * wide), float(half + 3.5 * wide)
            )
    return found


def judge(
    scored: Sequence[Scored],
    info: EncoderInfo,
    *,
    example: Collection[Channel] = (),
    bars: _Bars | None = None,
) -> tuple[list[Scored], list[Scored]]:
    """Those good enough to show, each with its word, and those rejected; order kept.

    `example` names the channels of the evidence that was the question, if evidence it was.
    `bars` (`bars_of`) serve a model that the tables do not know; without them nothing of such a
    model is rejected, and only words make it strong.
    """
    asked = QUESTION.get(info.name, bars or {})
    like = LIKE.get(info.name, {})
    alike = set(example) | (_WORDS if _WORDS & set(example) else set())
    guesses = _outliers(scored)
    kept: list[Scored] = []
    rejected: list[Scored] = []
    for s in scored:
        channel = Channel(str(s.hit.payload["channel"]))
        bar = like.get(channel) if channel in alike else asked.get(channel)
        word = _word(s.cosine, bar, s.lexical) if bar else _guess(s, guesses)
        (rejected if word is None else kept).append(with_match(s, word or "weak"))
    return kept, rejected


def _word(value: float | None, bar: Threshold, lexical: float) -> Match | None:
    if (value is not None and value >= bar.strong) or lexical >= LEXICAL_STRONG:
        return "strong"
    if (value is not None and value >= bar.fair) or lexical >= LEXICAL_FAIR:
        return "fair"
    return "weak" if lexical > 0 or (value is not None and value >= bar.show) else None


def _guess(s: Scored, outliers: Collection[str]) -> Match:
    if s.lexical >= LEXICAL_STRONG:
        return "strong"
    return "fair" if s.lexical >= LEXICAL_FAIR or s.hit.id in outliers else "weak"


def _outliers(scored: Sequence[Scored]) -> set[str]:
    """Candidates that stand out from the others of their channel."""
    groups: dict[str, list[Scored]] = defaultdict(list)
    for s in scored:
        if s.cosine is not None:
            groups[str(s.hit.payload["channel"])].append(s)
    found: set[str] = set()
    for group in groups.values():
        if len(group) >= ENOUGH:
            values = np.array([s.cosine for s in group], dtype=np.float64)
            middle = np.median(values)
            # 1.4826 x the median distance from the median: the deviation of a normal sample.
            width = max(1.4826 * float(np.median(abs(values - middle))), 1e-9)
            far = (values - middle) / width >= OUTLIER
            found |= {s.hit.id for s, out in zip(group, far, strict=True) if out}
    return found
