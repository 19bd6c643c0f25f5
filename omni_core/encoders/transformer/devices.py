"""Which device a model runs on, in which precision, and whether it fits.

Torch modules are `Any`: this file must be importable without torch.
"""

from __future__ import annotations

from typing import Any

from omni_core.encoders.transformer import hub
from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.errors import UnavailableError


def import_torch() -> Any:
    """Torch, after checking the other packages that sentence-transformers models need.

    Raises UnavailableError naming the extra when a wheel is missing.
    """
    try:
        # torch first: transformers imported before torch never finds it in this process.
        import torch  # isort: skip
        import sentence_transformers  # noqa: F401
        import torchvision  # noqa: F401 - every video processor of transformers needs it
        import transformers  # noqa: F401
    except ImportError as e:
        raise hub.missing_extra(e.name or "torch") from e
    return torch


def pick_device(wanted: str) -> str:
    """The device of `Settings.device`; raises UnavailableError when it does not exist."""
    torch = import_torch()
    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = wanted.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise UnavailableError(
            f"this machine has no {wanted}: set device to auto or cpu, or install a torch wheel "
            "that knows the GPU"
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UnavailableError("this machine has no mps device: set device to auto or cpu")
    if kind not in ("cpu", "cuda", "mps"):
        raise UnavailableError(
            f"no device is called {wanted!r}: use auto, cpu, cuda, cuda:1 or mps"
        )
    return wanted


def precision(spec: ModelSpec, device: str) -> Any:
    """The torch dtype: bfloat16 on a GPU that has it; float16 only where the model does not
    overflow in it; else float32."""
    torch = import_torch()
    if device == "cpu" or spec.dtype == "float32":
        return torch.float32
    if device.startswith("cuda") and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float16 if spec.float16 else torch.float32


def require_memory(spec: ModelSpec, device: str) -> None:
    """Raises UnavailableError when a GPU has less free memory than the model needs."""
    if not device.startswith("cuda") or not spec.memory_gb:
        return
    free, total = import_torch().cuda.mem_get_info(device)
    if free < spec.memory_gb * 1e9:
        raise UnavailableError(
            f"{spec.name} needs {spec.memory_gb:.0f} GB of GPU memory and {free / 1e9:.0f} of "
            f"{total / 1e9:.0f} are free: choose a smaller model (`omni-mcp models`), stop other "
            "programs, or set device=cpu"
        )
