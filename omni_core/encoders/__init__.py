"""Encoders: evidence and questions to vectors of one space.

`Settings.encoder` names a registered encoder (`embedded`, `hashing`, one of a plug-in), or else a
model that sentence-transformers runs: one of models.toml, a local folder, a hub id. EmbeddingGemma
2 runs on ONNX Runtime where its graphs are here or sentence-transformers is not. With
`Settings.encoder_url` the model runs on another machine.
"""

from __future__ import annotations

from omni_core import plugins
from omni_core.encoders.embedded import cross_encoder
from omni_core.encoders.gemma import files as gemma_files
from omni_core.protocols import Encoder, Reranker
from omni_core.settings import Settings
from omni_core.types import EncoderInfo, RerankerInfo


def describe(settings: Settings) -> EncoderInfo:
    """What the encoder of these settings embeds; loads no weights and no heavy package."""
    return _encoder_class(settings).describe(settings)


def load(settings: Settings) -> Encoder:
    """The encoder, ready; slow, for the model worker only.

    Raises UnavailableError naming what to install when weights or packages are missing.
    """
    return _encoder_class(settings).load(settings)


def describe_reranker(settings: Settings) -> RerankerInfo:
    """What the second stage that `Settings.reranker` names scores; loads nothing."""
    if settings.reranker == cross_encoder.INFO.name:
        return cross_encoder.INFO
    return _local_class(settings.reranker).describe_reranker(settings)


def load_reranker(settings: Settings) -> Reranker:
    """The second stage that `Settings.reranker` names; slow, for the model worker only.

    With `Settings.encoder_url` it runs where the encoder runs, but for the small one of
    `cross_encoder`, which runs here.
    """
    if settings.reranker == cross_encoder.INFO.name:
        return cross_encoder.CrossEncoder(settings)
    if settings.encoder_url:
        return _remote_class(settings).load_reranker(settings)
    return _local_class(settings.reranker).load_reranker(settings)


def _encoder_class(settings: Settings) -> type[Encoder]:
    if settings.encoder_url:
        return _remote_class(settings)
    if gemma_files.serves(settings.encoder, settings):
        from omni_core.encoders.gemma.encoder import GemmaEncoder

        return GemmaEncoder
    return _local_class(settings.encoder)


def _remote_class(settings: Settings) -> type[Encoder]:
    if "vllm+" in settings.encoder_url:
        from omni_core.encoders.remote.vllm import VllmEncoder

        return VllmEncoder
    from omni_core.encoders.remote.encoder import RemoteEncoder

    return RemoteEncoder


def _local_class(name: str) -> type[Encoder]:
    if name in plugins.names(plugins.ENCODERS):
        return plugins.load(plugins.ENCODERS, name)
    from omni_core.encoders.transformer.encoder import TransformerEncoder

    return TransformerEncoder
