"""A TOML file, with the line of each top-level key."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omni_core.errors import BadRequestError


@dataclass(frozen=True, slots=True)
class TomlFile:
    """The content of a TOML file."""

    path: Path
    text: str
    values: dict[str, Any]
    """Top-level keys and tables, in the order of the file."""

    def where(self, key: str) -> str:
        """`FILE, line N`, where `key` or its table is first set."""
        return f"{self.path}, line {line_of(self.text, key)}"


def read(path: Path) -> TomlFile:
    """Read UTF-8, with or without a byte order mark. Raises BadRequestError, naming the file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return TomlFile(path, text, tomllib.loads(text))
    except OSError as e:
        raise BadRequestError(f"cannot read the config file {path}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise BadRequestError(f"the config file {path} is not UTF-8 (byte {e.start})") from None
    except (ValueError, RecursionError) as e:  # also numbers and nesting beyond Python's limits
        raise BadRequestError(f"the config file {path} is not TOML: {e}") from None


def line_of(text: str, key: str) -> int:
    """The line, from 1, of the statement or table header that first sets the top-level `key`.

    The TOML parser gives no positions, so statements are parsed one by one: lines are added until
    they parse (an incomplete multi-line string or array is an error). Raises KeyError when `text`,
    which must be TOML, has no `key`.
    """
    start, pending, in_table = 1, "", False
    for number, line in enumerate(text.split("\n"), 1):
        pending += f"{line}\n"
        try:
            found = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue  # the statement goes on in the next line
        header = pending.lstrip().startswith("[")
        in_table = in_table or header
        if key in found and (header or not in_table):
            return start
        start, pending = number + 1, ""
    raise KeyError(key)
