"""What is left to move when the library of a server moved and those of its tenants did not."""

from __future__ import annotations

import shlex

from omni_core.settings import Settings
from omni_server.tenants import FOLDER, schema_of

URL = "URL"
"""Stands for the address of a database, which has a password."""


def commands(settings: Settings, target: Settings) -> list[str]:
    """One command line for each tenant with a library in the store; none where there are none.

    A tenant's library is where that of the server is, in a collection and a schema of its own:
    after the server's has moved, the server looks for them there.
    """
    folder = settings.store_path / FOLDER
    if not folder.is_dir():
        return []
    return [_command(settings, target, p.name) for p in sorted(folder.iterdir()) if p.is_dir()]


def _command(settings: Settings, target: Settings, tenant: str) -> str:
    set_first: dict[str, str] = {}
    words = ["omni-mcp", "migrate", "--store", str(settings.store_path / FOLDER / tenant)]
    if settings.index == "server":
        set_first["OMNI_QDRANT_COLLECTION"] = f"{settings.qdrant_collection}~{tenant}"
        words += ["--qdrant", settings.qdrant_url]
    if settings.catalog or target.catalog:
        set_first["OMNI_CATALOG_SCHEMA"] = schema_of(settings, tenant)
    if settings.catalog:
        words += ["--catalog", URL]
    if target.index == "server":
        name = f"{target.qdrant_collection}~{tenant}"
        words += ["--to", target.qdrant_url, "--to-collection", name]
    elif target.index != settings.index:
        words += ["--to", "embedded"]
    if target.catalog != settings.catalog:
        words += ["--to-catalog", URL if target.catalog else "store"]
    return " ".join([*(f"{k}={shlex.quote(v)}" for k, v in set_first.items()), shlex.join(words)])
