"""Writes the tokens file: new entries and revoked ones; everything else in it stays as it is."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import tomlkit
from tomlkit.items import AoT

from omni_core.errors import BadRequestError, NotFoundError
from omni_core.files import write_atomically
from omni_server.auth.tokens_file import StaticToken, digest, entry_of, parse

PREFIX = "omni_"
"""Marks a token of this program, for people and for scanners that look for leaked secrets."""


def new_token() -> str:
    """A token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def add(
    path: Path,
    token: str,
    *,
    name: str,
    scopes: Sequence[str],
    tenant: str = "",
    collections: Sequence[str] = (),
    expires: date | None = None,
) -> StaticToken:
    """Append an entry for `token`. Raises BadRequestError for a name that exists or a bad value."""
    row = tomlkit.table()
    row.add("name", name)
    row.add("sha256", digest(token))
    row.add("scopes", list(scopes))
    if tenant:
        row.add("tenant", tenant)
    if collections:
        row.add("collections", list(collections))
    if expires is not None:
        row.add("expires", expires)
    try:
        made = entry_of(row.unwrap())
    except ValueError as e:
        raise BadRequestError(f"no token is made: {e}") from None
    with _editing(path) as edit:
        rows = edit.get("token")
        if not isinstance(rows, AoT):
            rows = tomlkit.aot()
            edit["token"] = rows
        if any(held.get("name") == name for held in rows):
            raise BadRequestError(
                f"a token is named {name!r} already: give another --name, or revoke that one first"
            )
        rows.append(row)
        return made


def revoke(path: Path, name: str) -> None:
    """Remove the entry of this name. Raises NotFoundError when there is none."""
    with _editing(path) as edit:
        rows = edit.get("token", ())
        at = next((i for i, row in enumerate(rows) if row.get("name") == name), None)
        if at is None:
            names = ", ".join(str(row.get("name")) for row in rows) or "none"
            raise NotFoundError(f"no token is named {name!r}; there are: {names}")
        del rows[at]


@contextlib.contextmanager
def _editing(path: Path) -> Iterator[tomlkit.TOMLDocument]:
    """The document, written back when the block ends well; a new file is for its owner alone.

    Another editor at the same time is refused: it would lose one of the two changes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock")
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise BadRequestError(
            f"another command changes {path}; if none does, remove {lock}"
        ) from None
    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        parse(text, str(path))
        document = tomlkit.parse(text)
        yield document
        written = tomlkit.dumps(document)
        parse(written, str(path))
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        write_atomically(path, written.encode(), mode=mode)
    finally:
        lock.unlink(missing_ok=True)
