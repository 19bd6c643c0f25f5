"""What is left to move when the library of a server moved and those of its tenants did not."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from omni_core.engine.moving.leaving import may_have_library
from omni_core.errors import StoreError
from omni_core.settings import Settings
from omni_server.tenants import FOLDER, settings_of_folder

URL = "URL"
"""Stands for the address of a database, which has a password."""


def is_of_tenant(target: Settings) -> bool:
    """Whether it is the library of a tenant: the settings of its server say where it is."""
    store = target.store_path
    return store.parent.name == FOLDER and target.qdrant_collection.endswith(f"~{store.name}")


def with_libraries(settings: Settings) -> list[str]:
    """The folders of the tenants with a library in the store. Raises StoreError where they cannot
    be listed."""
    folder = settings.store_path / FOLDER
    try:
        if not folder.is_dir():
            return []
        tenants = sorted(p.name for p in folder.iterdir() if p.is_dir())
        return [t for t in tenants if may_have_library(settings_of_folder(settings, t))]
    except OSError as e:
        raise StoreError(
            f"{folder} cannot be read ({e.strerror}): the libraries of tenants there move by "
            "commands of their own, which migrate names; run it as the user of the server. "
            "Nothing was moved"
        ) from None


def commands(
    settings: Settings, target: Settings, tenants: Sequence[str], file: Path, encoder: str
) -> list[str]:
    """One command line for each of these tenants.

    A tenant's library is where that of the server is, in a collection and a schema of its own:
    after the server's has moved, the server looks for them there. `file`, which names the new place
    already, has the other settings; `encoder` is the one that was given, "" for none.
    """
    options = ["--config", str(file), *(["--encoder", encoder] if encoder else [])]
    return [_command(settings, target, tenant, options) for tenant in tenants]


def _command(settings: Settings, target: Settings, tenant: str, options: list[str]) -> str:
    """It says where the library is by variables and options, which overrule the file."""
    here, there = settings_of_folder(settings, tenant), settings_of_folder(target, tenant)
    set_first: dict[str, str] = {}
    words = ["omni-mcp", "migrate", "--store", here.store, *options]
    if settings.index == "server":
        set_first["OMNI_QDRANT_COLLECTION"] = here.qdrant_collection
        words += ["--qdrant", settings.qdrant_url]
    else:
        set_first["OMNI_INDEX"] = settings.index
    if settings.catalog or target.catalog:
        set_first["OMNI_CATALOG_SCHEMA"] = here.catalog_schema
    if settings.catalog:
        words += ["--catalog", URL]
    elif target.catalog:
        set_first["OMNI_CATALOG"] = ""  # by now it may name the new one
    if target.index == "server":
        words += ["--to", target.qdrant_url, "--to-collection", there.qdrant_collection]
    elif target.index != settings.index:
        words += ["--to", "embedded"]
    if target.catalog != settings.catalog:
        words += ["--to-catalog", URL if target.catalog else "store"]
    return " ".join([*(f"{k}={shlex.quote(v)}" for k, v in set_first.items()), shlex.join(words)])
