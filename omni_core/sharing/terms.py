"""What two processes must agree on before one uses the engine of the other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from omni_core import encoders
from omni_core.settings import Settings
from omni_core.sharing.methods import BUILD

SERVED = (
    "encoder", "device", "encoder_dim", "token_pool", "encoder_url", "trust_remote_code",
    "reranker", "rerank_candidates", "rerank_ms", "threads", "speech", "screen_text", "sound_tags",
    "decoders", "ray", "max_file_mb", "max_pixels", "max_duration_s", "max_pages", "timezone",
)  # fmt: skip
"""Settings of an engine that its users may see a difference of; none of them is a secret."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One process's side of the agreement; a host sends its own to whoever connects."""

    build: str
    """Version and digest of the engine's methods and types."""
    fingerprint: str
    """Of the model."""
    index: str
    """Kind of index, and where it is if it is on a server."""
    settings: Mapping[str, str]
    pid: int
    clients: int = 0
    """Other processes that use the engine of this one."""


def terms_of(settings: Settings) -> Terms:
    """The terms of this process; imports the encoder's module.

    Raises BadRequestError when the settings name no known encoder.
    """
    index = settings.index
    if index == "server":
        index += f" {settings.qdrant_url} {settings.qdrant_collection}"
    return Terms(
        build=BUILD,
        fingerprint=encoders.describe(settings).fingerprint,
        index=index,
        settings={name: str(getattr(settings, name)) for name in SERVED},
        pid=os.getpid(),
    )


def disagreement(ours: Terms, theirs: Terms, store: Path) -> str:
    """Why this process cannot use the engine of the other, and what to do; "" when it can."""
    who = f"the omni-mcp with pid {theirs.pid} has {store} open"
    rest = "or use another folder with --store"
    if ours.build != theirs.build:
        return (
            f"{who} and is version {theirs.build}, this one is {ours.build}: restart the client "
            f"that runs it, {rest}"
        )
    if ours.fingerprint != theirs.fingerprint:
        return (
            f"{who} with the model {theirs.fingerprint}, here it is {ours.fingerprint}: give both "
            f"the same --encoder, restart the client that runs it, {rest}"
        )
    if ours.index != theirs.index:
        return (
            f"{who} with the index {theirs.index}, here it is {ours.index}: give both the same "
            f"index, restart the client that runs it, {rest}"
        )
    return ""


def differing(ours: Terms, theirs: Terms) -> str:
    """The settings of the other process that apply instead of ours, for a log line."""
    return ", ".join(
        f"{name}={theirs.settings.get(name)} (here {value})"
        for name, value in ours.settings.items()
        if theirs.settings.get(name) != value
    )
