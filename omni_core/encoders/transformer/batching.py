"""Batches of a forward pass: within a token budget, with little padding, one frame rate each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from omni_core.encoders.transformer.inputs import Item

MAX_PADDING = 0.08
"""Share of padding at which a batch is closed ..."""
SMALL_BATCH = 0.25
"""... unless it fills less than this share of the budget: a launch costs more than padding."""


def plan_batches(items: Sequence[Item], budget: int, max_items: int = 0) -> list[list[int]]:
    """Indices of `items`, batch by batch.

    A batch padded to its longest item holds at most `budget` tokens and `max_items` items (0: any);
    an item longer than the budget goes alone. The longest come first, so that running out of
    memory shows at once; only a batch of texts goes before them.
    """
    batches: list[list[int]] = []
    for group in _compatible(items):
        order = sorted(group, key=lambda i: -items[i].tokens)
        current: list[int] = []
        filled = 0
        for i in order:
            if current and _full(items, current, filled, i, budget, max_items):
                batches.append(current)
                current, filled = [], 0
            current.append(i)
            filled += items[i].tokens
        if current:
            batches.append(current)
    batches.sort(key=lambda b: -items[b[0]].tokens * len(b))
    texts = next((b for b in batches if all(is_text(items[i]) for i in b)), None)
    if texts is not None:  # quick to prepare: occupies the device while images are prepared
        batches.remove(texts)
        batches.insert(0, texts)
    return batches


def is_text(item: Item) -> bool:
    """Whether the item is text alone."""
    return isinstance(item.value, dict) and item.value.keys() == {"text"}


def _full(
    items: Sequence[Item], current: list[int], filled: int, new: int, budget: int, max_items: int
) -> bool:
    longest = items[current[0]].tokens
    padded = longest * (len(current) + 1)
    if padded > budget or (max_items and len(current) >= max_items):
        return True
    padding = 1 - (filled + items[new].tokens) / padded
    return padding > MAX_PADDING and longest * len(current) >= budget * SMALL_BATCH


def _compatible(items: Sequence[Item]) -> list[list[int]]:
    """Videos of different frame rates apart, everything else with the most common rate; and items
    apart that say so."""
    rates = Counter(item.fps for item in items if item.fps)
    common = rates.most_common(1)[0][0] if rates else 0.0
    groups: dict[tuple[float, str], list[int]] = {}
    for i, item in enumerate(items):
        groups.setdefault((item.fps or common, item.apart), []).append(i)
    return list(groups.values())
