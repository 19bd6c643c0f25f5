"""The second stage: judge question and candidate together, or token against token.

A cross-encoder reads both in one pass and says yes or no. Late interaction (MaxSim) embeds the
candidates' tokens afresh and sums, for each token of the question, its best match.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from omni_core.encoders.transformer.inputs import Inputs, Item
from omni_core.encoders.transformer.runner import Runner, Stats
from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.encoders.transformer.token_counts import counter, overhead
from omni_core.protocols import Encoder, Reranker
from omni_core.types import Content, TextContent, Vector


def maxsim(question: Vector, candidate: Vector) -> float:
    """Sum over the question's tokens of the best cosine with any token of the candidate."""
    return float((np.atleast_2d(question) @ np.atleast_2d(candidate).T).max(axis=1).sum())


class CrossReranker(Reranker):
    """`Reranker` over a CrossEncoder: a probability, 0 to 1."""

    def __init__(self, model: Any, chosen: ModelSpec, device: str, *, budget: int = 0) -> None:
        """`budget` tokens a batch; 0 lets the device decide."""
        self.name = chosen.name
        self._prompt = model.prompts.get(model.default_prompt_name or "", "") or chosen.query_prompt
        self._activate = model.activation_fn
        self._runner = Runner(model, chosen, device, self._read, budget=budget)
        self._inputs = Inputs(chosen, counter(model), overhead(model, self._prompt, pair=True))

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """See `Reranker`. A long text counts with its first window, a long film thinned."""
        asked = next(self._inputs.items(0, question), None)
        scores: list[float | None] = [None] * len(candidates)
        if asked is None:
            return scores
        pairs: list[Item] = []
        for n, candidate in enumerate(candidates):
            content = TextContent(candidate) if isinstance(candidate, str) else candidate
            found = next(self._inputs.items(n, content), None)
            if found is not None:
                pairs.append(_pair(asked, found))
        made = self._runner.question_batches(pairs, self._prompt, "")
        for pair, value in zip(pairs, made, strict=True):
            scores[pair.content] = float(value)
        return scores

    @property
    def stats(self) -> Stats:
        """What it cost so far."""
        return self._runner.stats

    def _read(self, features: Any) -> Any:
        scores = self._activate(features["scores"].float())
        return scores.squeeze(-1) if scores.ndim > 1 else scores


class LateReranker(Reranker):
    """`Reranker` by MaxSim over token vectors, divided by the question's tokens: -1 to 1."""

    def __init__(self, encoder: Encoder) -> None:
        """`encoder`: of token vectors or (then it is a cosine) of single ones."""
        self.name = encoder.info.name
        self._encoder = encoder

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """See `Reranker`."""
        asked = self._encoder.encode_questions([question])[0]
        if asked is None:
            return [None] * len(candidates)
        contents = [TextContent(c) if isinstance(c, str) else c for c in candidates]
        tokens = len(np.atleast_2d(asked))
        found = self._encoder.encode_urgent(contents)
        return [None if v is None else maxsim(asked, v) / tokens for v in found]


def _pair(asked: Item, found: Item) -> Item:
    films: tuple[dict[str, Any], ...] = ()
    turns = []
    for role, item in (("query", asked), ("document", found)):
        content = []
        for part, value in item.value.items():
            if part == "video":
                films += (value["video_metadata"],)
            # a pair's arrays must be bare: only single inputs are unwrapped by the library
            bare = value["array"] if part in ("video", "audio") else value
            content.append({"type": part, part: bare})
        turns.append({"role": role, "content": content})
    return Item(
        found.content,
        turns,
        asked.tokens + found.tokens,
        found.fps or asked.fps,
        max(asked.samples, found.samples),
        films=films,
    )
