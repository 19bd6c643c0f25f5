"""Settings in environment variables: OMNI_ and the name of the field in capitals."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cache

from omni_core.config.values import Field, nearest, split

log = logging.getLogger(__name__)

PREFIX = "OMNI_"
CONFIG = "OMNI_CONFIG"
"""The variable that names the TOML file."""
NOT_SETTINGS = frozenset({CONFIG, "OMNI_LOG", "OMNI_LOG_FORMAT", "OMNI_DEBUG", "OMNI_URL"})
"""OMNI_ variables that are no settings."""


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def read(environ: Mapping[str, str], fields: Mapping[str, Field]) -> dict[str, object]:
    """The settings that are set, lists split as PATH is (`os.pathsep`), hosts by commas.

    A host may have a port, which `os.pathsep` would split off.
    """
    found: dict[str, object] = {}
    for name, field in fields.items():
        raw = environ.get(variable(name))
        if raw is not None:
            found[name] = split(raw, field.separator or os.pathsep) if field.is_list else raw
    return found


def warn_of_misspelt(environ: Mapping[str, str], fields: Mapping[str, Field]) -> None:
    """Warn, once a process, of each OMNI_ variable that is likely a misspelt setting.

    Other programs may use the same prefix, so none is refused.
    """
    known = {variable(name) for name in fields} | NOT_SETTINGS
    for name in sorted(n for n in environ if n.upper().startswith(PREFIX) and n not in known):
        if near := nearest(name, known):
            _warn(name, near)


@cache
def _warn(name: str, near: str) -> None:
    log.warning("environment variable %s is no setting, so ignored; did you mean %s?", name, near)
