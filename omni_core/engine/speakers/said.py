"""Who speaks in a source: the voices that were told apart, and the names in its subtitles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from omni_core.catalog.spoken import FoundName
from omni_core.text.speaker_names import Said, said_by
from omni_core.types import PIECES, Channel, Segment, Turn, Vector, Voices

MIN_NAMED = 2
"""Fewest phrases with a name in a source whose subtitles name speakers; one may be `Note: ...`."""
SAME = 0.8
"""A voice is that of a name with which it shares this much of the time that is named."""
JOINED_S = 2.0
"""Phrases of one name that are no further apart are one turn."""


@dataclass
class Subtitles:
    """The phrases with a name in the subtitles of one source, as its decoder yields them."""

    _named: dict[str, list[Said]] = field(default_factory=dict)

    def saw(self, segment: Segment) -> None:
        """Note a segment of the decoder; others than subtitles are ignored, and those of further
        languages: a name may be another word in them."""
        if segment.channel is not Channel.SPEECH or segment.part % PIECES:
            return
        if segment.span.axis == "second":
            span, beats = segment.span, segment.extra.get("beats") or ()
            found = said_by(segment.text, [(int(a), float(s)) for a, s in beats],
                            span.start, span.end)  # fmt: skip
            self._named[segment.id] = [s for s in found if s.name]

    @property
    def named(self) -> list[Said]:
        """The phrases whose speaker has a name, in order of time; none where hardly any has."""
        found = [said for each in self._named.values() for said in each]
        return sorted(found, key=lambda s: s.start) if len(found) >= MIN_NAMED else []


@dataclass(frozen=True, slots=True)
class Heard:
    """Who speaks in a source, by number in order of appearance."""

    turns: tuple[Turn, ...]
    names: Mapping[int, FoundName]
    """From subtitles."""
    vectors: Mapping[int, Vector]
    """The voices of those that were heard."""


def heard(voices: Voices | None, named: Sequence[Said]) -> Heard:
    """The turns of both: subtitles come first, voices where these name nobody.

    A voice that speaks where one name stands, and hardly elsewhere, is of that name.
    """
    spoken = voices.turns if voices is not None else ()
    whose = _names_of_voices(spoken, named)
    stretches: list[tuple[float, float, str | int]] = [(s.start, s.end, s.name) for s in named]
    covered = [(s.start, s.end) for s in named]
    for turn in spoken:
        who: str | int = whose.get(turn.speaker, turn.speaker)
        stretches += [(a, b, who) for a, b in _without(turn.start, turn.end, covered)]
    joined: list[tuple[float, float, str | int]] = []
    for start, end, who in sorted(stretches, key=lambda s: s[:2]):
        last = joined[-1] if joined else None
        if last is not None and last[2] == who and start - last[1] <= JOINED_S:
            joined[-1] = (last[0], max(last[1], end), who)
        elif end > start:
            joined.append((start, end, who))
    numbers = {who: n for n, who in enumerate(dict.fromkeys(who for _, _, who in joined))}
    vectors = enumerate(voices.vectors if voices is not None else ())
    return Heard(
        tuple(Turn(round(a, 3), round(b, 3), numbers[who]) for a, b, who in joined),
        {n: FoundName(who, "subtitles") for who, n in numbers.items() if isinstance(who, str)},
        {numbers[w]: v for n, v in vectors if (w := whose.get(n, n)) in numbers},
    )


def _names_of_voices(spoken: Sequence[Turn], named: Sequence[Said]) -> dict[int, str]:
    shared: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for turn in spoken:
        for said in named:
            if said.start < turn.end and said.end > turn.start:
                seconds = min(said.end, turn.end) - max(said.start, turn.start)
                shared[turn.speaker][said.name] += seconds
    found = {}
    for speaker, names in shared.items():
        best = max(names, key=names.__getitem__)
        if names[best] >= SAME * sum(names.values()):
            found[speaker] = best
    return found


def _without(
    start: float, end: float, covered: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """What of [start, end) lies in none of these ranges, which are in order."""
    left = []
    for first, last in covered:
        if last <= start or first >= end:
            continue
        if first > start:
            left.append((start, first))
        start = max(start, last)
    return [*left, (start, end)] if start < end else left


def carried(
    before: Sequence[Turn], given: Mapping[int, str], now: Sequence[Turn]
) -> dict[int, str]:
    """The names that people gave, by the numbers of now: each goes to the speaker with most of
    the time of the one before, if that is more than half of it."""
    found: dict[int, str] = {}
    for number, name in given.items():
        own = [t for t in before if t.speaker == number]
        shared: dict[int, float] = defaultdict(float)
        for old in own:
            for new in now:
                if new.start < old.end and new.end > old.start:
                    shared[new.speaker] += min(new.end, old.end) - max(new.start, old.start)
        best = max(shared, key=shared.__getitem__, default=None)
        if best is not None and shared[best] > sum(t.end - t.start for t in own) / 2:
            found.setdefault(best, name)
    return found
