"""References to environment variables in a client's entry: their notation and expansion."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN_NAME = "bearer_token_env_var"  # noqa: S105 - the name of a variable that holds one
"""The key of Codex whose value names the variable of the token."""


@dataclass(frozen=True, slots=True)
class Notation:
    """A notation: `write` is a format with `{name}`, `read` finds each reference in a text.

    `read` has the groups `name`, or `braced`, and may have `default`.
    """

    write: str = ""
    read: re.Pattern[str] | None = None

    def expand(self, text: str, env: Mapping[str, str], unset: set[str]) -> str:
        """`text` with references replaced; those that are not set go to `unset` and become ""."""

        def value(match: re.Match[str]) -> str:
            groups = match.groupdict()
            name = groups.get("name") or groups.get("braced") or ""
            if env.get(name):
                return env[name]
            if groups.get("default") is None:
                unset.add(name)
            return groups.get("default") or ""

        return self.read.sub(value, text) if self.read else text


BRACES = Notation("${{{name}}}", re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}"))
"""`${NAME}` and `${NAME:-default}`."""
EDITOR = Notation(
    "${{env:{name}}}",
    re.compile(r"\$\{(?:env:(?P<name>\w+)|(?P<braced>workspaceFolder|userHome))\}"),
)
"""`${env:NAME}`, and the folders that editors know."""
INPUT = re.compile(r"\$\{input:[^}]*\}")
"""What VS Code asks its user for when it starts a server."""
SHELL = Notation(
    "${{{name}}}",
    re.compile(r"\$(?:\{(?P<braced>\w+)(?::-(?P<default>[^}]*))?\}|(?P<name>[A-Za-z_]\w*))"),
)
"""`$NAME` and `${NAME}`."""
NONE = Notation()
"""No references in values."""


@dataclass(slots=True)
class Expanded:
    """An entry with its references replaced, and the variables that are not set."""

    entry: dict[str, Any]
    unset: set[str] = field(default_factory=set)


def expand(notation: Notation, entry: Mapping[str, Any], env: Mapping[str, str]) -> Expanded:
    """The entry as its client would use it; Codex's keys become `headers` and `env`."""
    result = Expanded({})
    result.entry = {k: _expand(notation, v, env, result.unset) for k, v in entry.items()}
    headers = dict(_pairs(entry.get("http_headers")))
    headers |= dict(_pairs(result.entry.get("headers")))
    for header, name in _named(entry):
        if env.get(name):
            headers[header] = ("Bearer " if header == "Authorization" else "") + env[name]
        else:
            result.unset.add(name)
    if headers:
        result.entry["headers"] = headers
    return result


def _expand(notation: Notation, value: Any, env: Mapping[str, str], unset: set[str]) -> Any:
    if isinstance(value, str):
        return notation.expand(value, env, unset)
    if isinstance(value, list):
        return [_expand(notation, v, env, unset) for v in value]
    if isinstance(value, Mapping):
        return {k: _expand(notation, v, env, unset) for k, v in value.items()}
    return value


def _named(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Header and variable, for the keys of Codex that name variables."""
    if isinstance(entry.get(TOKEN_NAME), str):
        yield "Authorization", entry[TOKEN_NAME]
    yield from _pairs(entry.get("env_http_headers"))


def _pairs(table: Any) -> Iterator[tuple[str, str]]:
    if isinstance(table, Mapping):
        yield from ((str(k), str(v)) for k, v in table.items())
