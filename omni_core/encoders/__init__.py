"""Embed: contents and questions to vectors of one space.

`Settings.encoder` names a module of this folder (`embedded`, `hashing`: a new encoder is one new
file with `describe` and `load`), or else a model that `omni` loads: a row of models.toml, a
local folder, a hub id. With `Settings.encoder_url` the model runs elsewhere, behind `remote`.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

from omni_core.settings import Settings
from omni_core.types import Encoder, EncoderInfo, Reranker


def describe(settings: Settings) -> EncoderInfo:
    """What the encoder of these settings embeds; loads no weights and no heavy wheel."""
    info: EncoderInfo = _module(settings).describe(settings)
    return info


def load(settings: Settings) -> Encoder:
    """The encoder, ready; slow, for the model worker only.

    Raises UnavailableError naming what to install when weights or wheels are missing.
    """
    encoder: Encoder = _module(settings).load(settings)
    return encoder


def load_reranker(settings: Settings) -> Reranker:
    """The second stage that `Settings.reranker` names; slow, for the model worker only.

    With `Settings.encoder_url` it runs where the encoder runs.
    """
    name = "remote" if settings.encoder_url else "_omni_rerank"
    if settings.reranker == "hashing":
        name = "hashing"
    module = importlib.import_module(f"{__name__}.{name}")
    reranker: Reranker = module.load_reranker(settings)
    return reranker


def _module(settings: Settings) -> ModuleType:
    if settings.encoder_url:
        name = "remote"
    elif re.fullmatch(r"[a-z][a-z0-9_]*", settings.encoder) and _file(settings.encoder).is_file():
        name = settings.encoder
    else:
        name = "omni"
    return importlib.import_module(f"{__name__}.{name}")


def _file(name: str) -> Path:
    return Path(__file__).with_name(f"{name}.py")
