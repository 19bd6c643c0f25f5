"""Which models of the table fit this machine."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass

from omni_core.encoders.transformer.catalogue import known_models
from omni_core.encoders.transformer.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a model can run here, and what to do if it cannot."""

    spec: ModelSpec
    runs: bool
    on: str
    """cuda (80 GB), mps, cpu, or nowhere."""
    why: str = ""


def list_models() -> list[Fit]:
    """Every model of models.toml, and whether it fits this machine's best device."""
    device, gb = device_memory()
    ram_gb = _ram_gb()
    return [_fit(spec, device, gb, ram_gb) for spec in known_models().values()]


def device_memory() -> tuple[str, float]:
    """The best device of this machine and its memory in GB; ("", 0) without torch."""
    if importlib.util.find_spec("torch") is None:
        return "", 0.0
    import torch

    if torch.cuda.is_available():
        sizes = [
            torch.cuda.get_device_properties(i).total_memory
            for i in range(torch.cuda.device_count())
        ]
        return "cuda", max(sizes) / 1e9
    if torch.backends.mps.is_available():
        return "mps", _ram_gb()
    return "cpu", _ram_gb()


def _fit(spec: ModelSpec, device: str, gb: float, ram_gb: float) -> Fit:
    if spec.unsupported:
        return Fit(spec, False, "nowhere", spec.unsupported)
    if not device:
        return Fit(spec, False, "nowhere", 'torch is missing: pip install "omni-mcp[omni]"')
    if device != "cpu" and spec.memory_gb <= gb:
        return Fit(spec, True, f"{device} ({gb:.0f} GB)")
    if spec.params_b * 4 + 2 <= ram_gb:
        small = f"; its {device} has {gb:.0f} GB" if device != "cpu" else ""
        return Fit(spec, True, "cpu", f"slow: wants a GPU of {spec.memory_gb:.0f} GB{small}")
    return Fit(
        spec, False, "nowhere", f"needs a GPU of {spec.memory_gb:.0f} GB: use one, or encoder_url"
    )


def _ram_gb() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (ValueError, OSError, AttributeError):
        return 0.0
