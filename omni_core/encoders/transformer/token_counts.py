"""Token counts of texts and chat templates, by the model's own tokenizer.

Models are those of sentence-transformers: `Any`, so that no torch is imported here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any


def token_counter(model: Any) -> Callable[[str], int]:
    """A thread-safe function that counts the tokens of a text, without special tokens.

    It estimates one token for three characters where the model has no fast tokenizer.
    """
    first = model[0]
    if not (hasattr(first, "tokenizer") and hasattr(first.tokenizer, "backend_tokenizer")):
        return lambda text: len(text) // 3 + 1
    # a copy, since calls of the model change the truncation of its own
    own = copy.deepcopy(first.tokenizer.backend_tokenizer)
    own.no_truncation()
    own.no_padding()
    return lambda text: len(own.encode(text, add_special_tokens=False).ids)


def template_tokens(model: Any, prompt: str, *, pair: bool = False, bare: bool = False) -> int:
    """Tokens of the chat template and the prompt, without the content (`pair`: contents; `bare`:
    for a model with `ModelSpec.input_form` "bare")."""
    if bare:  # its module has no template that could be asked for: an estimate
        return 8 + len(prompt) // 3
    turn = [{"type": "text", "text": "a"}]
    sample: Any = {"text": "a"}
    if pair:
        sample = [{"role": "query", "content": turn}, {"role": "document", "content": turn}]
    features = model[0].preprocess([sample], prompt=prompt or None)
    ids = features.get("input_ids")
    return 8 if ids is None else max(0, int(ids.shape[-1]) - (2 if pair else 1))
