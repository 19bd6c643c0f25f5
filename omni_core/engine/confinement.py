"""What the children of an engine may do, and what the model worker is told of the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from omni_core.models.confinement import in_words as in_words
from omni_core.models.confinement import of_models as of_models
from omni_core.sandbox.rules import Rules, of_index
from omni_core.settings import Settings
from omni_core.worker import Worker


async def in_force(settings: Settings) -> Mapping[str, str]:
    """What confines each kind of child on this machine, in words: one of each is started with its
    rules, and says what it could enter."""
    kinds: dict[str, Callable[[], Rules]] = {
        "decoders": lambda: Rules(settings.sandbox),
        "models": lambda: of_models(settings),
        "index": lambda: of_index(settings.sandbox, str(settings.store_path)),
    }
    found = {}
    for kind, rules in kinds.items():
        child = Worker(kind, "builtins:object", rules=rules)
        try:
            found[kind] = await child.confined()
        finally:
            await asyncio.to_thread(child.close, 5.0)
    return found


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
