"""From a model's output to vectors: pooled ones, token vectors, and their average over parts.

Torch tensors and modules are `Any`: the module must be importable without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from omni_core.types import EncoderInfo, Vector


def pooled_vectors(features: Any, dim: int) -> Any:
    """(inputs, dim): the pooled vectors, truncated to `dim` and L2-normalised."""
    import torch

    vectors = features["sentence_embedding"][:, :dim].float()
    return torch.nn.functional.normalize(vectors, dim=-1)


def token_vectors(features: Any) -> list[Any]:
    """For each input (tokens, dim): the unit vectors of its tokens without padding."""
    import torch

    mask = features["attention_mask"].bool()
    rows = zip(features["token_embeddings"], mask, strict=True)
    return [torch.nn.functional.normalize(row[keep].float(), dim=-1) for row, keep in rows]


def token_pooling(factor: int) -> Callable[[Vector], Vector] | None:
    """A function that merges token vectors (Ward clustering) to one in `factor`, L2-normalised.

    None for a factor of 1.
    """
    if factor <= 1:
        return None
    import torch
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

    pooling = HierarchicalTokenPooling(pool_factor=factor)

    def pool(tokens: Vector) -> Vector:
        pooled = pooling.pool_one(torch.from_numpy(tokens))
        return np.asarray(torch.nn.functional.normalize(pooled, dim=-1).numpy(), np.float32)

    return pool


def join_chunks(chunks: Sequence[tuple[float, Vector]], info: EncoderInfo) -> Vector:
    """The vector of a content from (weight, vector) of its parts.

    The weighted mean, L2-normalised; for a multi-vector model all token vectors.
    """
    if len(chunks) == 1:
        return chunks[0][1]
    if info.multi_vector:
        return np.concatenate([v for _, v in chunks])
    total = sum((w * v for w, v in chunks), np.zeros(info.dim, np.float32))
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), dtype=np.float32)
