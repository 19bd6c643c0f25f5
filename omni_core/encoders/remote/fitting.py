"""Whether the vectors that came from elsewhere are those of the model that a worker described."""

from __future__ import annotations

from collections.abc import Sequence

from omni_core.errors import BadRequestError
from omni_core.points import is_usable
from omni_core.types import EncoderInfo, Vector


def fit(vectors: Sequence[Vector | None], info: EncoderInfo, contents: int) -> None:
    """Raise BadRequestError unless there is a usable vector, or None, for each content."""
    if len(vectors) != contents:
        raise BadRequestError(f"the answer has {len(vectors)} vectors for {contents} contents")
    for vector in vectors:
        if vector is None:
            continue
        if vector.ndim != 1 + info.multi_vector or vector.shape[-1] != info.dim:
            raise BadRequestError(
                f"the answer has a vector of shape {vector.shape}, those of {info.name} have "
                f"{info.dim} values"
            )
        if not is_usable(vector):
            raise BadRequestError("the answer has a vector that is not finite or has no length")
