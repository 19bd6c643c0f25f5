"""The encoder alone as mteb's `EncoderProtocol`."""

from __future__ import annotations

from typing import Any

import numpy as np
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ModelMeta, ScoringFunction
from mteb.types import PromptType
from numpy.typing import NDArray

from omni_core.errors import UnavailableError
from omni_core.mteb_tasks import columns
from omni_core.protocols import Encoder
from omni_core.types import EncoderInfo


def meta(info: EncoderInfo, name: str) -> ModelMeta:
    """What mteb calls the model: `omni-mcp/NAME`, its revision that of the weights."""
    facts: dict[str, Any] = {
        "name": f"omni-mcp/{name.replace('/', '__')}",
        "revision": info.revision or "1",
        "modalities": list(columns.MODALITIES),
        "embed_dim": info.dim,
        "similarity_fn_name": ScoringFunction.COSINE,
    }
    return ModelMeta.create_empty(overwrites=facts)


class OmniEncoder(AbsEncoder):  # type: ignore[misc] # mteb is not installed where types are checked
    """Vectors of one encoder; similarity is the cosine.

    A row of several parts (a page and its caption) gets the mean of their vectors. What the model
    cannot embed gets a zero vector, which is similar to nothing; a task of which it can embed
    nothing fails.
    """

    def __init__(self, encoder: Encoder) -> None:
        if encoder.info.multi_vector:
            raise UnavailableError(
                f"{encoder.info.name} gives many vectors for each input, mteb's encoder tasks take "
                "one; measure the whole server with --whole"
            )
        self._encoder = encoder
        self.mteb_model_meta = meta(encoder.info, encoder.info.name)

    def encode(
        self,
        inputs: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: PromptType | None = None,
        **kwargs: Any,
    ) -> NDArray[np.float32]:
        """(rows, dim) of a loader's batches, each a mapping of columns to lists."""
        question = prompt_type == PromptType.query
        found = [
            self._vector(dict(zip(batch, values, strict=True)), question)
            for batch in inputs
            for values in zip(*batch.values(), strict=True)
        ]
        if found and not any(vector.any() for vector in found):
            raise UnavailableError(
                f"{self._encoder.info.name} embeds no {' or '.join(_kinds(task_metadata))}"
            )
        return np.stack(found) if found else np.zeros((0, self._encoder.info.dim), np.float32)

    def _vector(self, row: columns.Row, question: bool) -> NDArray[np.float32]:
        parts = columns.contents(row)
        encode = self._encoder.encode_questions if question else self._encoder.encode
        vectors = [v for v in encode(parts) if v is not None] if parts else []
        if not vectors:
            return np.zeros(self._encoder.info.dim, np.float32)
        mean = np.mean(vectors, axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def _kinds(task_metadata: Any) -> list[str]:
    return [str(m) for m in task_metadata.modalities]
