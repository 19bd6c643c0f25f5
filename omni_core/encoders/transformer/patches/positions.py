"""Rotary position ids computed on the host while a batch is prepared."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from omni_core.encoders.transformer.patches.registry import PatchSetting, usable


def host_positions(first: Any, setting: PatchSetting) -> Callable[[Any], None] | None:
    """A function that adds position ids to the features of a batch; None where not applicable.

    Qwen's three-axis positions are computed by loops over the tokens of each input: on the device
    every step synchronises, on the host it overlaps with another batch. `first` is the
    input module, `setting` that of `Settings.model_patches`.
    """
    if not usable("host-positions", first, setting):
        return None
    if not hasattr(first.model, "compute_3d_position_ids"):
        return None
    import torch

    compute = first.model.compute_3d_position_ids
    names = inspect.signature(compute).parameters

    def add(features: Any) -> None:
        known = {name: features.get(name) for name in names}
        if "audio_feature_lengths" in names and "feature_attention_mask" in features:
            known["audio_feature_lengths"] = features["feature_attention_mask"].sum(1)
        with torch.no_grad():
            positions = compute(**known)
        if positions is not None:
            features["position_ids"] = positions

    return add
