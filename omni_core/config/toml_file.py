"""A TOML file whose top-level keys know their line."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omni_core.errors import BadRequestError


@dataclass(frozen=True, slots=True)
class TomlFile:
    """What a TOML file holds, and where."""

    path: Path
    text: str
    values: dict[str, Any]
    """Top-level keys and tables, in the order of the file."""

    def where(self, key: str) -> str:
        """The file and the line at which `key`, or its table, first stands."""
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

    The TOML parser gives no positions, so it is asked for one statement at a time: a run of whole
    lines parses exactly when the statement that begins it is complete (a multi-line string or
    array that is cut is an error). Raises KeyError when `text`, which must be TOML, has no `key`.
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
