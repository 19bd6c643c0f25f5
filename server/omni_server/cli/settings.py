"""Command line options as settings."""

from __future__ import annotations

import argparse
from typing import Any

from omni_core.settings import Settings, load

SAME_NAME = ("store", "encoder", "device", "host", "port", "token")


def settings_of(args: argparse.Namespace, **more: Any) -> Settings:
    """The settings of this call; `more` wins. Raises BadRequestError for a bad file or key."""
    given = {name: getattr(args, name, None) for name in SAME_NAME}
    if getattr(args, "qdrant", None):
        given |= {"index": "server", "qdrant_url": args.qdrant}
    given["qdrant_api_key"] = getattr(args, "api_key", None)
    if getattr(args, "root", None):
        given["roots"] = tuple(args.root)
    if getattr(args, "allowed_host", None):
        given["allowed_hosts"] = tuple(args.allowed_host)
    return load({**given, **more}, config=getattr(args, "config", None))
