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
OF_OTHERS: Mapping[str, tuple[str, frozenset[str], str]] = {
    "qdrant_url": (
        "index",
        frozenset({"edge", "memory"}),
        "set OMNI_INDEX=server, or give --qdrant URL, to use that server",
    ),
    "ray_actors": ("ray", frozenset({""}), "set OMNI_RAY, or give --ray ADDRESS, to use a cluster"),
    "ray_gpus": ("ray", frozenset({""}), "set OMNI_RAY, or give --ray ADDRESS, to use a cluster"),
}
"""Settings that nothing reads while another one has one of these values, and what to do."""


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


def warn_of_unused(places: Mapping[str, str], values: Mapping[str, object]) -> None:
    """Warn, once a process, of each setting that was set and is not used. `places`: where each
    that was set stands, by name; `values`: of all that `OF_OTHERS` names."""
    for name, (other, without, advice) in OF_OTHERS.items():
        if name in places and values[other] in without:
            _warn_unused(places[name], name, f"{other} is {values[other]!r}", advice)


@cache
def _warn_unused(place: str, name: str, why: str, advice: str) -> None:
    log.warning("%s: %s is not used, since %s; %s", place, name, why, advice)
