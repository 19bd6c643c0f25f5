"""The types of settings: annotations that `values` checks values against."""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal

from omni_core.config.values import Bounds, ListOf, Rule

REFUSED_NONE = r'[^\x00-\x1f<>:"/\\|?*]+'
"""The characters that Qdrant takes in the name of a collection."""
MOST_BYTES = 198
"""Of 255 bytes, the longest name of a folder, in which Qdrant keeps a collection; 57 are for the
model's name."""

SCHEMA_BYTES = 63
"""The longest name in PostgreSQL, which cuts longer ones without a word: two would be one."""


def _is_folder(text: str) -> bool:
    """Whether it can be a folder: not blank, and no `~name` of an unknown user."""
    return bool(text.strip()) and not os.path.expanduser(text).startswith("~")


def _is_device(text: str) -> bool:
    """Whether it has the form of a device; the encoder checks whether it exists."""
    return re.fullmatch(r"[a-z]+(:\d+)?", text) is not None


def _is_host(text: str) -> bool:
    """Whether it can be a Host header: no scheme, path, space or wildcard."""
    return re.fullmatch(r"[^\s/,@*]+", text) is not None


def _is_variable(text: str) -> bool:
    """Whether it can be the name of an environment variable."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) is not None


def _is_collection(text: str) -> bool:
    """Whether Qdrant takes it as a name, with that of a model behind it."""
    fits = len(text.encode(errors="surrogatepass")) <= MOST_BYTES
    return fits and bool(text.strip(" .")) and re.fullmatch(REFUSED_NONE, text) is not None


def _is_schema(text: str) -> bool:
    """Whether PostgreSQL takes it whole, and keeps nothing of its own there."""
    fits = bool(text.strip()) and len(text.encode(errors="surrogatepass")) <= SCHEMA_BYTES
    return fits and not text.startswith("pg_") and text != "information_schema"


def _is_key(text: str) -> bool:
    """Whether it can travel in a header of HTTP as it is: nothing would change or refuse it."""
    return all("!" <= c <= "~" for c in text)


def _is_zone(text: str) -> bool:
    # Imported lazily: child processes import this module and never check.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return not text or bool(ZoneInfo(text))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of the zone database
        return False


Name = Annotated[str, Rule(str.strip, "text that is not empty")]
Collection = Annotated[
    str,
    Rule(_is_collection, f"a name without / ? * : and quotes, of at most {MOST_BYTES} bytes"),
]
Schema = Annotated[
    str,
    Rule(_is_schema, f"a name of at most {SCHEMA_BYTES} bytes that is not PostgreSQL's own"),
]
Folder = Annotated[str, Rule(_is_folder, "a folder")]
Folders = Annotated[tuple[Folder, ...], ListOf('a list of folders, as in ["/media/films"]')]
Host = Annotated[str, Rule(_is_host, "a host name")]
Hosts = Annotated[
    tuple[Host, ...],
    ListOf('a list of host names, as in ["omni.example", "10.0.0.5:8000"]', separator=","),
]
Variable = Annotated[str, Rule(_is_variable, "the name of an environment variable")]
Variables = Annotated[
    tuple[Variable, ...],
    ListOf('a list of names of environment variables, as in ["MY_KEY"]', separator=","),
]
Device = Annotated[str, Rule(_is_device, "a device: auto, cpu, cuda, cuda:1, mps")]
Key = Annotated[str, Rule(_is_key, "letters, digits and signs of ASCII, without spaces")]
Zone = Annotated[str, Rule(_is_zone, "an IANA name such as Europe/Lisbon, or nothing")]
Count = Annotated[int, Bounds(1)]
CountOrZero = Annotated[int, Bounds(0)]
Port = Annotated[int, Bounds(1, 65535)]
Seconds = Annotated[float, Bounds(0, open=True)]
AutoMode = Literal["auto", "always", "off"]
