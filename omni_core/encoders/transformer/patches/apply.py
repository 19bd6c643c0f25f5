"""Selects and applies the patches for a loaded model and its device."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection
from typing import Any

from omni_core.encoders.transformer.patches import attention, base_model, kernels
from omni_core.encoders.transformer.patches.registry import PatchSetting, usable
from omni_core.encoders.transformer.spec import ModelSpec

FUSED = ("norms", "gated-layers", "patch-convolutions", "compiled-functions")


def apply(
    model: Any,
    spec: ModelSpec,
    device: str,
    setting: PatchSetting,
    only: Collection[str] | None = None,
) -> dict[str, int]:
    """Apply the patches that suit a loaded model (or just `only`); returns, for each, the number
    of modules or functions changed.

    `model` is a SentenceTransformer, MultiVectorEncoder or CrossEncoder on `device`, `setting`
    as in `Settings.model_patches`.
    """
    names = suited(spec, device) if only is None else tuple(only)
    names = tuple(name for name in names if usable(name, model[0], setting))
    changed: dict[str, int] = {}
    if "base-model" in names:
        changed["base-model"] = base_model.drop_language_head(model[0])
    if "packed-attention" in names:
        changed["packed-attention"] = attention.install(model, device)
    changed |= kernels.fuse_kernels(model, [name for name in names if name in FUSED])
    return changed


def suited(spec: ModelSpec, device: str) -> tuple[str, ...]:
    """The patches for this model on this device, of those that are applied after loading.

    Models with sliding windows, soft caps or remote code keep their library's attention.
    """
    names: list[str] = []
    if spec.kind != "cross" and spec.input_form == "wrapped":
        names.append("base-model")
    if device.startswith("cuda") and not spec.remote_code:
        if spec.architecture.startswith("qwen"):
            names.append("packed-attention")
        names += FUSED[:-1]
        if importlib.util.find_spec("triton") is not None:
            names.append("compiled-functions")
    return tuple(names)
