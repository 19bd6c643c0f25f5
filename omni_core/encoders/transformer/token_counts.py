"""What a text and a template cost in tokens, counted with the model's own tokenizer.

Models are those of sentence-transformers: `Any`, so that no torch is imported here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any


def token_counter(model: Any) -> Callable[[str], int]:
    """Counts the tokens of a text, without special ones; safe to call from any thread.

    An estimate of a token for three characters where the model has no fast tokenizer.
    """
    first = model[0]
    if not (hasattr(first, "tokenizer") and hasattr(first.tokenizer, "backend_tokenizer")):
        return lambda text: len(text) // 3 + 1
    # a copy: the model's own may be told to truncate meanwhile
    own = copy.deepcopy(first.tokenizer.backend_tokenizer)
    own.no_truncation()
    own.no_padding()
    return lambda text: len(own.encode(text, add_special_tokens=False).ids)


def template_tokens(model: Any, prompt: str, *, pair: bool = False) -> int:
    """Tokens of the template and the prompt around a content (`pair`: around two)."""
    turn = [{"type": "text", "text": "a"}]
    sample: Any = {"text": "a"}
    if pair:
        sample = [{"role": "query", "content": turn}, {"role": "document", "content": turn}]
    features = model[0].preprocess([sample], prompt=prompt or None)
    ids = features.get("input_ids")
    return 8 if ids is None else max(0, int(ids.shape[-1]) - (2 if pair else 1))
