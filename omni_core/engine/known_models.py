"""The catalogue of models: list them, check one.

Re-exported for the server package, which may import from the engine only.
"""

from __future__ import annotations

from pathlib import Path

from omni_core.encoders.gemma import check as gemma_check
from omni_core.encoders.gemma import files as gemma_files
from omni_core.encoders.gemma import fit as gemma_fit
from omni_core.encoders.transformer import check as transformer_check
from omni_core.encoders.transformer import fit as transformer_fit
from omni_core.encoders.transformer.check import CheckReport
from omni_core.encoders.transformer.fit import Fit as Fit
from omni_core.errors import BadRequestError
from omni_core.settings import Settings


def list_models(settings: Settings) -> list[Fit]:
    """Every model of models.toml, and EmbeddingGemma 2 on ONNX Runtime beside its row; each with
    whether it fits this machine."""
    rows: list[Fit] = []
    for row in transformer_fit.list_models():
        rows.append(row)
        if row.spec.name == gemma_files.NAME:
            rows.append(gemma_fit.fit(settings))
    return rows


def own_weights(settings: Settings) -> Path | None:
    """The folder with the verified weights of the encoder, where these settings choose one whose
    files `omni-mcp setup` brings; None where they choose another.

    Raises UnavailableError naming what is missing and the command that brings it.
    """
    if settings.encoder_url or not gemma_files.serves(settings.encoder, settings):
        return None
    return gemma_files.verified(settings)


def check(name: str, settings: Settings, media: str = "") -> CheckReport:
    """Load `name`, probe it, and compare with its card, as an encoder of that name would run here.

    `media` is a folder with the example files of the card, for EmbeddingGemma 2 on ONNX Runtime.
    Raises UnavailableError when it cannot be loaded or the probe refuses it.
    """
    if gemma_files.serves(name, settings):
        return gemma_check.check(settings, media)
    if media:
        raise BadRequestError(
            f"--media is for {gemma_files.NAME}-onnx; the files of {name} come with its repository"
        )
    return transformer_check.check(name, settings)
