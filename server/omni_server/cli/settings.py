"""Command line options as settings."""

from __future__ import annotations

import argparse
import logging
import os

from omni_core.config.environment import CONFIG, variable
from omni_core.settings import Settings, load, own_file

SAME_NAME = ("store", "catalog", "encoder", "device", "host", "port", "token")
ORIGINS = {name: f"option --{name}" for name in SAME_NAME} | {
    "roots": "option --root",
    "allowed_hosts": "option --allowed-host",
    "watch": "option --watch",
    "read_only": "option --read-only",
    "qdrant_url": "option --qdrant",
    "qdrant_api_key": "option --api-key",
}
"""The options of `serve`; others have some of them."""
OF_INGEST = {"ray": "option --ray"}


def settings_of(
    args: argparse.Namespace, *, origins: dict[str, str] | None = None, **more: object
) -> Settings:
    """The settings of this call; `more` has precedence, `origins` names its options in messages.

    Raises BadRequestError for a value that is refused, naming its file, variable or option.
    """
    if "OMNI_LOG" not in os.environ:  # a misspelt variable is worth a line without asking
        logging.getLogger("omni_core.config.environment").setLevel(logging.WARNING)
    given = {name: getattr(args, name, None) for name in SAME_NAME}
    if getattr(args, "qdrant", None) is not None:
        given |= {"index": "server", "qdrant_url": args.qdrant}
    given["qdrant_api_key"] = getattr(args, "api_key", None)
    given["ray"] = getattr(args, "ray", None)
    given["read_only"] = getattr(args, "read_only", None)
    given["roots"] = getattr(args, "root", None)
    watch = getattr(args, "watch", None)
    given["watch"] = ["roots"] if watch == [] else watch
    given["allowed_hosts"] = getattr(args, "allowed_host", None)
    config = getattr(args, "config", None)
    if "store" in more and not config and CONFIG not in os.environ:
        own = own_file(given["store"] or os.environ.get(variable("store"), ""))
        config = str(own) if os.path.isfile(own) else None  # for a library beside the user's own
    return load({**given, **more}, config=config, origins=ORIGINS | OF_INGEST | (origins or {}))
