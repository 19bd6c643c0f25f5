"""The row of this encoder in the table of models."""

from __future__ import annotations

from dataclasses import replace

from omni_core.encoders.gemma import files
from omni_core.encoders.gemma.encoder import GemmaEncoder
from omni_core.encoders.transformer.catalogue import known_models
from omni_core.encoders.transformer.fit import Fit
from omni_core.settings import Settings

MEMORY_GB = 2.0
"""Of all three graphs at work, as `bench/gemma.py` measures it."""


def fit(settings: Settings) -> Fit:
    """Whether the encoder can run here: its files decide, any machine has a CPU."""
    info = GemmaEncoder.describe(replace(settings, encoder_dim=0))
    spec = replace(
        known_models()[files.NAME],
        name=info.name,
        id=files.HUB_ID,
        revision=info.revision,
        licence=info.licence,
        warning="",
        memory_gb=MEMORY_GB,
    )
    if files.find(settings) is None:
        return Fit(spec, False, "nowhere", f"its files are not here: {files.SETUP}")
    return Fit(spec, True, "cpu")
