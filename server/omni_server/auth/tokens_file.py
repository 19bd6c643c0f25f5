"""Static tokens: a TOML file with the sha256 of each token, its name, scopes and tenant.

[[token]]
name = "alice"
sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
scopes = ["read", "ingest"]
tenant = "acme"        # optional: a library of its own
collections = ["hr", "public:read"]   # optional: all that it sees of the library
expires = 2027-06-30   # optional: the first day on which it is refused

The tokens are random (256 bits), so a plain hash does not give them away; `omni-mcp token new`
makes them. A change of the file counts within seconds, without a restart.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from omni_core.collection_rights import CollectionRights
from omni_core.errors import BadRequestError
from omni_server.auth.principal import SCOPES, Principal, scopes_of
from omni_server.text import one_line

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""How often, at most, the file is looked at for changes, seconds."""
KEYS = ("name", "sha256", "scopes", "tenant", "collections", "expires")


@dataclass(frozen=True, slots=True)
class StaticToken:
    """An entry of the file."""

    principal: Principal
    sha256: str
    expires: date | None = None

    def expired(self, today: date) -> bool:
        """Whether it is refused on this day (UTC)."""
        return self.expires is not None and today >= self.expires


def digest(token: str) -> str:
    """What the file holds of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def parse(text: str, where: str) -> dict[str, StaticToken]:
    """The entries by sha256. Raises BadRequestError, naming the file and the entry."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as e:
        raise BadRequestError(f"the tokens file {where} is not TOML: {e}") from None
    rows = data.pop("token", [])
    if data or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadRequestError(f"the tokens file {where} holds only [[token]] entries")
    found: dict[str, StaticToken] = {}
    names: set[str] = set()
    for number, row in enumerate(rows, 1):
        try:
            entry = entry_of(row)
            if entry.sha256 in found or entry.principal.name in names:
                raise ValueError("its name or sha256 is that of an entry above")
        except ValueError as e:
            raise BadRequestError(f"the tokens file {where}, entry {number}: {e}") from None
        found[entry.sha256] = entry
        names.add(entry.principal.name)
    return found


def entry_of(row: Mapping[str, Any]) -> StaticToken:
    """What one entry says. Raises ValueError."""
    unknown = sorted(set(row) - set(KEYS))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no key; there are {', '.join(KEYS)}")
    name, sha256, tenant = (row.get(key, "") for key in ("name", "sha256", "tenant"))
    if not isinstance(name, str) or not name.strip() or one_line(name, 100) != name:
        raise ValueError("name is one line of text, at most 100 characters")
    if not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError("sha256 is 64 hexadecimal digits; `omni-mcp token new` writes them")
    if not isinstance(tenant, str) or one_line(tenant, 100) != tenant:
        raise ValueError("tenant is one line of text, at most 100 characters")
    names = row.get("scopes")
    if not isinstance(names, list) or not names or any(n not in SCOPES for n in names):
        raise ValueError(f"scopes is a list of {', '.join(SCOPES)}")
    expires = row.get("expires")
    if isinstance(expires, datetime) or not isinstance(expires, date | None):
        raise ValueError("expires is a day, as in 2027-06-30")
    collections = _collections(row["collections"]) if "collections" in row else ()
    principal = Principal(name, scopes_of(names), tenant, collections=collections)
    return StaticToken(principal, sha256, expires)


def _collections(given: Any) -> tuple[str, ...]:
    """What is written, as rights. Raises ValueError: a list that cannot be read gives none."""
    if not isinstance(given, list) or not all(
        isinstance(name, str) and name.strip() and one_line(name, 100) == name for name in given
    ):
        raise ValueError('collections is a list of names, as in ["hr", "public:read"]')
    try:
        return CollectionRights.of(given).written
    except BadRequestError as e:
        raise ValueError(str(e)) from None


def read(path: Path) -> dict[str, StaticToken]:
    """The entries of the file by sha256. Raises BadRequestError."""
    try:
        return parse(path.read_text(encoding="utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as e:
        raise BadRequestError(f"cannot read the tokens file {path}: {e}") from None


class StaticTokens:
    """The tokens of a file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        """Raises BadRequestError when the file cannot be used."""
        self._path = path
        self._seen = _mark(path)  # before it is read: a change meanwhile is seen at the next look
        self._tokens = read(path)
        self._looked_at = time.monotonic()

    async def principal(self, token: str) -> Principal | None:
        """Whose token it is; None for an unknown or an expired one."""
        if time.monotonic() - self._looked_at >= LOOK_S:
            self._looked_at = time.monotonic()
            await asyncio.to_thread(self._refresh)
        # Found by a hash: how long this takes says nothing about the tokens themselves.
        found = self._tokens.get(digest(token))
        if found is None or found.expired(datetime.now(UTC).date()):
            return None
        return found.principal

    def _refresh(self) -> None:
        """Read the file again if it changed. One that is gone holds no tokens; while it is broken
        the former ones count, and the log says so."""
        mark = _mark(self._path)
        if mark == self._seen:
            return
        self._seen = mark
        if mark is None:
            log.error("the tokens file %s is gone: its tokens are refused", self._path)
            self._tokens = {}
            return
        try:
            self._tokens = read(self._path)
        except BadRequestError as e:
            log.error("%s; the tokens read before still count", e)


def _mark(path: Path) -> tuple[int, int, int] | None:
    """What changes with the file; None when there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
