"""Removes the language head of a model of which only the last hidden state is used."""

from __future__ import annotations

import gc
import inspect
from typing import Any


def drop_language_head(first: Any) -> int:
    """Replace the model by its base model; 1 when it had an unused language head, else 0.

    An any-to-any repository takes its embedding from the last hidden state, but its class computes
    the vocabulary's logits for every token (600 KB each) and keeps every layer's states. The base
    model's last hidden state is the same tensor. `first` is the input module of the model.
    """
    outputs = [params["method_output_name"] for params in first.modality_config.values()]
    if not outputs or any(list(o) != ["hidden_states", -1] for o in outputs):
        return 0
    base = first.model.base_model
    if base is first.model or not has_language_head(first):
        return 0
    for params in first.modality_config.values():
        params["method_output_name"] = "last_hidden_state"
    first.model = base
    declared = set(inspect.signature(base.forward).parameters)
    first._declared_forward_params = declared
    if first.model_forward_params is not None:
        first.model_forward_params = declared | {"return_dict"}
    gc.collect()
    return 1


def has_language_head(first: Any) -> bool:
    """Whether the model behind this input module computes logits of a vocabulary."""
    return hasattr(first, "model") and hasattr(first.model, "lm_head")
