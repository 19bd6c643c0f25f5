"""The kinds of value that settings have, as annotations that `values` checks and explains."""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal

from annotated_types import Interval, Predicate, doc

from omni_core.config.values import Split


def _is_folder(text: str) -> bool:
    """Whether it may name a folder: not blank, and no `~name` of a user that does not exist."""
    return bool(text.strip()) and not os.path.expanduser(text).startswith("~")


def _is_device(text: str) -> bool:
    """Whether it looks like a device; which there are is for the encoder to say."""
    return re.fullmatch(r"[a-z]+(:\d+)?", text) is not None


def _is_host(text: str) -> bool:
    """Whether it may stand in a Host header: no scheme, path, space or wildcard."""
    return re.fullmatch(r"[^\s/,@*]+", text) is not None


def _is_zone(text: str) -> bool:
    # Imported only for who sets a zone: child processes import this module and never check.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return not text or bool(ZoneInfo(text))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones
        return False


Name = Annotated[str, Predicate(str.strip), doc("text that is not empty")]
Folder = Annotated[str, Predicate(_is_folder), doc("a folder")]
Folders = Annotated[tuple[Folder, ...], doc('a list of folders, as in ["/media/films"]')]
Hosts = Annotated[
    tuple[Annotated[str, Predicate(_is_host)], ...],
    Split(","),
    doc('a list of host names, as in ["omni.example", "10.0.0.5:8000"]'),
]
Device = Annotated[str, Predicate(_is_device), doc("a device: auto, cpu, cuda, cuda:1, mps")]
Zone = Annotated[str, Predicate(_is_zone), doc("an IANA name such as Europe/Lisbon, or nothing")]
Count = Annotated[int, Interval(ge=1)]
CountOrZero = Annotated[int, Interval(ge=0)]
Port = Annotated[int, Interval(ge=1, le=65535)]
Seconds = Annotated[float, Interval(gt=0)]
When = Literal["auto", "always", "off"]
