"""Copies of the processor, one for each preparing thread."""

from __future__ import annotations

import copy
from typing import Any

from omni_core.encoders.transformer.patches.registry import PatchSetting, usable


def processor_copies(first: Any, count: int, setting: PatchSetting) -> list[Any]:
    """`count` copies of the input module, with separate processors and shared weights.

    A fast tokenizer has mutable padding state: using one from two threads raises "Already
    borrowed". Empty when copies cannot be made; then one thread at a time may use `first`.
    """
    if not usable("processor-copies", first, setting):
        return []
    return [_copy(first) for _ in range(count)]


def _copy(first: Any) -> Any:
    module = copy.copy(first)
    module.processor = copy.deepcopy(first.processor)
    module.input_formatter = copy.copy(first.input_formatter)
    module.input_formatter.processor = module.processor
    module._chat_template_suffix_cache = {}
    return module
