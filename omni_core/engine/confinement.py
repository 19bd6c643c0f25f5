"""What the model worker may do: as little as the models that the settings choose need.

The models of the default install read files that are checked by their hash, and call nobody: their
process has no network, starts no programs and writes into the caches alone. A model of a hub, a
remote one and those of a plug-in are code that the operator chose: they keep the network, programs
(compilers of kernels) and the file system, but neither secrets nor a way into other processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from omni_core import plugins
from omni_core.encoders.gemma import files as gemma
from omni_core.sandbox.rules import CAN_WRITE_ANYWHERE, Rules, of_index
from omni_core.settings import Settings
from omni_core.weights import cache
from omni_core.worker import Worker

OWN_ENCODERS = ("embedded", "hashing")
OWN_RERANKERS = ("", "minilm-l12")


def of_models(settings: Settings) -> Rules:
    """The rules for the model worker of these settings."""
    foreign = not _own(settings)
    places = cache.resolved(settings)
    writes = (places.cache_dir, str(cache.of_store(settings.store_path)), settings.weights_dir)
    return Rules(
        settings.sandbox,
        network=foreign,
        programs=foreign,
        reads=None,
        writes=None if foreign else tuple(filter(None, writes)),
        devices=True,
        variables=settings.child_env,
        keeps=CAN_WRITE_ANYWHERE,
    )


async def in_force(settings: Settings) -> Mapping[str, str]:
    """What confines each kind of child on this machine, in words: one of each is started with its
    rules, and says what it could enter."""
    kinds: dict[str, Callable[[], Rules]] = {
        "decoders": lambda: Rules(settings.sandbox),
        "models": lambda: of_models(settings),
        "index": lambda: of_index(settings.sandbox),
    }
    found = {}
    for kind, rules in kinds.items():
        child = Worker(kind, "builtins:object", rules=rules)
        try:
            found[kind] = await child.confined()
        finally:
            await asyncio.to_thread(child.close, 5.0)
    return found


def _own(settings: Settings) -> bool:
    encoder = settings.encoder in OWN_ENCODERS or gemma.serves(settings.encoder, settings)
    return (
        encoder
        and not settings.encoder_url
        and settings.reranker in OWN_RERANKERS
        and not plugins.third_party(plugins.READERS)
    )


def without_secrets(settings: Settings) -> Settings:
    """The settings as the model worker gets them: with the token of its remote encoder alone."""
    return replace(
        settings,
        token="",
        qdrant_url="",
        qdrant_api_key="",
        catalog="",
        encoder_token=settings.encoder_token if settings.encoder_url else "",
    )
