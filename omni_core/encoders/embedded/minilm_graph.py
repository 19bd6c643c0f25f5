"""all-MiniLM-L6-v2 as an ONNX graph with float32 weights, built when `weights_dir` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from omni_core.weights import onnx_sessions
from omni_core.weights.checkpoints import Weights

if TYPE_CHECKING:
    import onnx

BUILDER = "1"
"""Part of the cached graph's name: increase it when `build` changes."""


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
    positions = g.op("Slice", table, g.integers(0), length, g.integers(0))
    words = g.op("Gather", g.constant("words", w[e + "word_embeddings.weight"]), "input_ids")
    segment = g.constant("kind", w[e + "token_type_embeddings.weight"][0])
    x = norm(g.op("Add", g.op("Add", words, positions), segment), e + "LayerNorm")
    mask = g.op("Unsqueeze", g.op("Cast", "attention_mask", to=1), g.integers(1, 2))
    masked = g.op("Mul", g.op("Sub", g.constant("one", 1.0), mask), g.constant("far", -1e9))
    scale = g.constant("scale", per_head**-0.5)
    for i in range(layers):
        p = f"encoder.layer.{i}."
        query = heads_of(x, p + "attention.self.query", [0, 2, 1, 3])
        key = heads_of(x, p + "attention.self.key", [0, 2, 3, 1])
        value = heads_of(x, p + "attention.self.value", [0, 2, 1, 3])
        scores = g.op("Add", g.op("Mul", g.op("MatMul", query, key), scale), masked)
        attended = g.op("MatMul", g.op("Softmax", scores, axis=-1), value)
        joined = g.op(
            "Reshape", g.op("Transpose", attended, perm=[0, 2, 1, 3]), g.integers(0, 0, size)
        )
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
