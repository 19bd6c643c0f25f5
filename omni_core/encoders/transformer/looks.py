"""Whether a model looks at what it is given, and whether words find the right one of two.

A model that does not look is refused; one that ranks wrongly is only told of, since weak models
and random weights do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from omni_core.encoders.transformer.probe_samples import Pair, pairs
from omni_core.types import Channel, Content, EncoderInfo, TextContent, Vector

BLIND = 0.999
"""Cosine of two contents at which the model is taken not to look at what differs."""
NEAR = 0.9
"""Cosine, at least, after a change that nobody sees: less is a hash of the content."""
MIN_DIFFERENCE = 1e-6
"""Of a reranker's scores of two contents, at least."""
_MUST_LOOK = ("text", "image", "audio", "video")
"""A page or the sound of a video that does not count is only told: small models read no print."""
_CLAIMS = {"image": Channel.VISUAL, "audio": Channel.SOUND}
"""The channel by which an encoder says that it takes a kind."""


class Looking(Protocol):
    """The part of an encoder that is looked at here."""

    info: EncoderInfo

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """Vectors of evidence."""
        ...

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """Vectors of questions."""
        ...


@dataclass(frozen=True, slots=True)
class Ranking:
    """A question against the two contents of a pair."""

    question: str
    right: float
    """Score of the content that it is about."""
    wrong: float
    """Score of the other."""

    @property
    def ok(self) -> bool:
        """Whether the right content scores higher."""
        return self.right > self.wrong

    def line(self) -> str:
        """The result as text."""
        verdict = "finds it" if self.ok else "finds the OTHER one"
        return f'"{self.question}" {verdict} ({self.right:.3f} against {self.wrong:.3f})'


@dataclass(frozen=True, slots=True)
class Looks:
    """What a model looks at."""

    moves: dict[str, float]
    """For each kind the cosine of two contents that differ in nothing else (1: not looked at); of a
    reranker the difference of their scores (0: not looked at)."""
    rankings: tuple[Ranking, ...] = ()
    not_taken: tuple[str, ...] = ()
    """Kinds for which the model has no input."""
    wrong: str = ""
    """Why it must be refused; empty for a good model."""
    warnings: tuple[str, ...] = ()
    """What a person should know, which is no reason to refuse."""
    by_scores: bool = False
    """Whether it is a reranker that was looked at."""

    def lines(self) -> list[str]:
        """The result as text, a line each."""
        told = "its scores of two differ by" if self.by_scores else "two have cosine"
        lines = [f"looks at {kind}: {told} {move:.4f}" for kind, move in self.moves.items()]
        lines += [f"takes no {kind}" for kind in self.not_taken]
        lines += [ranking.line() for ranking in self.rankings]
        shown = {ranking.line() for ranking in self.rankings}
        lines += [f"warning: {line}" for line in self.warnings if line not in shown]
        if wrong := sum(not ranking.ok for ranking in self.rankings):
            lines.append(
                f"warning: {wrong} of {len(self.rankings)} questions find the other one of two: it "
                "is weak, or not used as its authors intend"
            )
        return lines


def look(encoder: Looking) -> Looks:
    """Show the model all pairs, ask its questions, and judge."""
    shown, not_taken = _taken(pairs(encoder.info.cut.video_fps), encoder.info)
    vectors = _vectors(encoder, shown)
    moves: dict[str, float] = {}
    unseen, hashed, asked, missing = [], [], [], []
    for pair in shown:
        first, second, copy = vectors[pair.kind]
        if first is None or second is None:
            not_taken.append(pair.kind)
            if pair.kind in _CLAIMS and _CLAIMS[pair.kind] in encoder.info.channels:
                missing.append(pair.kind)
            continue
        moves[pair.kind] = similarity(first, second)
        if moves[pair.kind] >= BLIND:
            unseen.append(pair)
        elif copy is not None and similarity(first, copy) < NEAR:
            hashed.append(pair)
        if pair.questions:
            asked.append((pair.questions, (first, second)))
    if "image" in missing and "video" in moves:  # frames alone are a picture too
        missing.remove("image")
    rankings = _rankings(encoder, asked)
    blind = [p for p in unseen if p.kind in _MUST_LOOK]
    return Looks(
        moves,
        rankings,
        tuple(not_taken),
        _refusal(blind, hashed, missing),
        (
            *(f"it gives the same vector whatever {p.part}" for p in unseen if p not in blind),
            *(r.line() for r in rankings if not r.ok),
        ),
    )


def look_by_scores(score: Callable[[Content, list[Content]], Sequence[float | None]]) -> Looks:
    """The same of a reranker, whose scores of a question with each content of a pair must
    differ."""
    moves: dict[str, float] = {}
    rankings, not_taken, blind = [], [], []
    for pair in pairs(fps=1.0):
        if not pair.questions:
            continue
        scores = [score(TextContent(q), list(pair.contents)) for q in pair.questions]
        if any(s is None for found in scores for s in found):
            not_taken.append(pair.kind)
            continue
        rows = np.array(scores, float)
        moves[pair.kind] = float(np.abs(rows[:, 0] - rows[:, 1]).max())
        if pair.kind in _MUST_LOOK and moves[pair.kind] < MIN_DIFFERENCE:
            blind.append(pair)
        rankings += [
            Ranking(q, float(rows[i, i]), float(rows[i, 1 - i]))
            for i, q in enumerate(pair.questions)
        ]
    return Looks(
        moves,
        tuple(rankings),
        tuple(not_taken),
        _refusal(blind, by_scores=True),
        tuple(r.line() for r in rankings if not r.ok),
        by_scores=True,
    )


def similarity(a: Vector, b: Vector) -> float:
    """Cosine of unit vectors; of token vectors the mean best cosine (MaxSim), the smaller of both
    directions, since pooled tokens have no fixed order."""
    if a.ndim == 1:
        return float(a @ b)
    cosines = a @ b.T
    return float(min(cosines.max(axis=1).mean(), cosines.max(axis=0).mean()))


def _taken(shown: Sequence[Pair], info: EncoderInfo) -> tuple[list[Pair], list[str]]:
    """The pairs for which the model has an input of its own, and the kinds of the others."""
    without = set()
    if info.cut.video_max_frames <= 1:  # the middle frame stands for a video
        without |= {"video", "sound of a video"}
    if not info.cut.video_audio:
        without.add("sound of a video")
    return (
        [p for p in shown if p.kind not in without],
        [p.kind for p in shown if p.kind in without],
    )


def _vectors(
    encoder: Looking, shown: Sequence[Pair]
) -> dict[str, tuple[Vector | None, Vector | None, Vector | None]]:
    """The vectors of each pair and of the copy of its first content."""
    flat: list[Content] = []
    for pair in shown:
        flat += [*pair.contents, pair.copy or pair.contents[0]]
    found = iter(encoder.encode(flat))
    return {
        pair.kind: (first, second, copy if pair.copy is not None else None)
        for pair, first, second, copy in zip(shown, found, found, found, strict=True)
    }


def _rankings(
    encoder: Looking, asked: Sequence[tuple[tuple[str, ...], tuple[Vector, Vector]]]
) -> tuple[Ranking, ...]:
    questions = [TextContent(q) for of_pair, _ in asked for q in of_pair]
    found = iter(encoder.encode_questions(questions) if questions else [])
    rankings = []
    for of_pair, contents in asked:
        for place, question in enumerate(of_pair):
            vector = next(found)
            if vector is not None:
                scores = [_score(vector, c) for c in contents]
                rankings.append(Ranking(question, scores[place], scores[1 - place]))
    return tuple(rankings)


def _score(question: Vector, content: Vector) -> float:
    """Cosine, or the mean over the question's tokens of the best cosine (MaxSim)."""
    return float((np.atleast_2d(question) @ np.atleast_2d(content).T).max(axis=1).mean())


def _refusal(
    blind: Sequence[Pair],
    hashed: Sequence[Pair] = (),
    missing: Sequence[str] = (),
    *,
    by_scores: bool = False,
) -> str:
    reasons = []
    if blind:
        parts = _listed([p.part for p in blind])
        same = "score" if by_scores else "vector"
        reasons.append(f"it does not look at {parts}: others give the same {same}")
    if hashed:
        reasons.append(
            f"a change that nobody notices in {_listed([p.part for p in hashed])} gives an "
            "unrelated vector, as a hash does"
        )
    if missing:
        reasons.append(f"it says that it takes {_listed(missing)} and gives no vector")
    return "; ".join(reasons)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
