"""Rerankers: a cross-encoder, or late interaction.

A cross-encoder scores question and candidate in one pass. Late interaction (MaxSim) embeds the
candidates' tokens and sums, for each token of the question, its best cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from omni_core.encoders.transformer.frames import resized_video
from omni_core.encoders.transformer.inputs import Inputs, Item
from omni_core.encoders.transformer.patches.registry import PatchSetting
from omni_core.encoders.transformer.runner import Runner
from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.encoders.transformer.stats import BatchStats
from omni_core.encoders.transformer.token_counts import template_tokens, token_counter
from omni_core.protocols import Encoder, Reranker
from omni_core.types import Content, TextContent, Vector


def maxsim(question: Vector, candidate: Vector) -> float:
    """Sum over the question's tokens of the best cosine with any token of the candidate."""
    return float((np.atleast_2d(question) @ np.atleast_2d(candidate).T).max(axis=1).sum())


class CrossReranker(Reranker):
    """`Reranker` over a CrossEncoder; scores are the model's activation, usually 0 to 1."""

    def __init__(
        self,
        model: Any,
        spec: ModelSpec,
        device: str,
        *,
        budget: int = 0,
        patches: PatchSetting = "auto",
    ) -> None:
        """`model` is a CrossEncoder, untyped here; `budget` tokens a batch (0: by device);
        `patches` as in `Settings.model_patches`.
        """
        self.name = spec.name
        self._spec = spec
        self._prompt = model.prompts.get(model.default_prompt_name or "", "") or spec.query_prompt
        self._activate = model.activation_fn
        self._runner = Runner(model, spec, device, self._read, budget=budget, patches=patches)
        self._inputs = Inputs(
            spec, token_counter(model), template_tokens(model, self._prompt, pair=True)
        )

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """See `Reranker`. Of a long text the first part is scored, of a long video fewer frames."""
        query = next(self._inputs.items(0, question), None)
        scores: list[float | None] = [None] * len(candidates)
        if query is None:
            return scores
        pairs: list[Item] = []
        for n, candidate in enumerate(candidates):
            content = TextContent(candidate) if isinstance(candidate, str) else candidate
            document = next(self._inputs.items(n, content), None)
            if document is not None:
                pairs.append(_pair(query, document, self._spec))
        values = self._runner.question_batches(pairs, self._prompt, "")
        for pair, value in zip(pairs, values, strict=True):
            scores[pair.content] = float(value)
        return scores

    @property
    def stats(self) -> BatchStats:
        """Batches, padding and time so far."""
        return self._runner.stats

    def _read(self, features: Any) -> Any:
        scores = self._activate(features["scores"].float())
        return scores.squeeze(-1) if scores.ndim > 1 else scores


class LateReranker(Reranker):
    """`Reranker` by MaxSim, divided by the number of the question's tokens: -1 to 1."""

    def __init__(self, encoder: Encoder) -> None:
        """`encoder`: multi-vector, or dense, which makes the score a cosine."""
        self.name = encoder.info.name
        self._encoder = encoder

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """See `Reranker`."""
        query = self._encoder.encode_questions([question])[0]
        if query is None:
            return [None] * len(candidates)
        contents = [TextContent(c) if isinstance(c, str) else c for c in candidates]
        tokens = len(np.atleast_2d(query))
        vectors = self._encoder.encode_urgent(contents)
        return [None if v is None else maxsim(query, v) / tokens for v in vectors]


def _pair(query: Item, document: Item, spec: ModelSpec) -> Item:
    metadata: tuple[dict[str, Any], ...] = ()
    turns = []
    for role, item in (("query", query), ("document", document)):
        content = []
        for kind, value in item.value.items():
            if kind == "video":
                value = resized_video(value, spec)
                metadata += (value["video_metadata"],)
            # plain arrays: in pairs the library does not unwrap dictionaries
            bare = value["array"] if kind in ("video", "audio") else value
            content.append({"type": kind, kind: bare})
        turns.append({"role": role, "content": content})
    return Item(
        document.content,
        turns,
        query.tokens + document.tokens,
        document.fps or query.fps,
        max(query.samples, document.samples),
        video_metadata=metadata,
    )
