"""What a text and a template cost in tokens, counted with the model's own tokenizer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any


def counter(model: Any) -> Callable[[str], int]:
    """Tokens of a text, safe to call from any thread."""
    tokenizer = getattr(model[0], "tokenizer", None)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return lambda text: len(text) // 3 + 1
    own = copy.deepcopy(backend)  # the model's may be told to truncate meanwhile
    own.no_truncation()
    own.no_padding()
    return lambda text: len(own.encode(text, add_special_tokens=False).ids)


def overhead(model: Any, prompt: str, *, pair: bool = False) -> int:
    """Tokens of the template and the prompt around a content."""
    one = {"text": "a"}
    turn = [{"type": "text", "text": "a"}]
    sample: Any = one
    if pair:
        sample = [{"role": "query", "content": turn}, {"role": "document", "content": turn}]
    features = model[0].preprocess([sample], prompt=prompt or None)
    ids = features.get("input_ids")
    return 8 if ids is None else max(0, int(ids.shape[-1]) - (2 if pair else 1))
