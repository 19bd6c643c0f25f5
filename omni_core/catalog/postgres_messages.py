"""Errors of PostgreSQL as one line with advice, which shows no password."""

from __future__ import annotations

import re
from itertools import zip_longest

import psycopg
from psycopg import conninfo
from psycopg_pool import PoolTimeout

from omni_core.catalog.postgres_pooler import BETRAYS_SHARING, WAY_OUT

CONNECT_S = 10
HIDDEN = "the address of the setting catalog"
"""Said of an address of which a part may be a piece of its password."""
GONE = "CATALOG_UNREACHABLE"
TAKES_NO_WRITES = "CATALOG_READ_ONLY"
POOLED = "CATALOG_POOLED"
_PORT = re.compile("[0-9]*")
_BACK_SOON = ("08", "57P", "25P03")
"""SQL states of a server that shuts down, starts, or whose connection broke, which it also breaks
off itself where a process was stopped in the middle of a transaction."""


def where(url: str) -> str:
    """The hosts and the database of an address, without user and password. A password in which "/"
    or "@" stands as it is reads as a port, a host or a database: then nothing of it is told."""
    try:
        said = conninfo.conninfo_to_dict(url)
    except (psycopg.Error, UnicodeEncodeError):
        return HIDDEN
    hosts, ports = (str(said.get(name) or "").split(",") for name in ("host", "port"))
    name = str(said.get("dbname") or "")
    if any("@" in one[1:] for one in (*hosts, name)) or not all(map(_PORT.fullmatch, ports)):
        return HIDDEN
    each = zip_longest(hosts, ports, fillvalue=ports[0] if len(ports) == 1 else "")
    names = [f"{host or 'the local socket'}{port and f':{port}'}" for host, port in each]
    return f"{','.join(names)}/{name}".rstrip("/")


def code_of(e: psycopg.Error) -> str | None:
    """The code of an error that has one of its own; None for others."""
    if isinstance(e, BETRAYS_SHARING):
        return POOLED
    if isinstance(e, psycopg.errors.ReadOnlySqlTransaction):
        return TAKES_NO_WRITES
    return GONE if _is_gone(e) else None


def _is_gone(e: psycopg.Error) -> bool:
    """Whether the server is not there, or not any more: it may be back in a moment."""
    if e.sqlstate is None:
        return isinstance(e, (psycopg.OperationalError, psycopg.InterfaceError))
    return bool(e.sqlstate.startswith(_BACK_SOON))


def told(e: psycopg.Error, place: str) -> str:
    """What went wrong with the catalog at that place, and what to do, in one line."""
    if isinstance(e, BETRAYS_SHARING):
        return f"the catalog at {place} {WAY_OUT}"
    if isinstance(e, psycopg.ProgrammingError) and e.sqlstate is None:
        return (
            "the setting catalog is no address of a database; it is written "
            "postgresql://user:password@host:5432/database, in a password %2F for / and %40 for @; "
            "after a ? stand parameters of libpq, such as sslmode=require"
        )
    if isinstance(e, PoolTimeout):
        return f"the catalog at {place} gave no connection within {CONNECT_S} s; is it running?"
    if place == HIDDEN and e.sqlstate is None:  # the line may name a piece of the password
        return (
            f"{HIDDEN} names no server that can be reached; in a password write %2F for / and %40 "
            "for @"
        )
    line = next((x for x in str(e).splitlines() if x.strip()), type(e).__name__)
    if e.sqlstate is None:
        return f"the catalog at {place} cannot be reached ({line}); check --catalog and its server"
    if e.sqlstate.startswith(
        "53"
    ):  # https://www.postgresql.org/docs/current/errcodes-appendix.html
        return f"the catalog at {place} has no room ({line}); nothing stored is lost"
    if isinstance(e, psycopg.errors.ReadOnlySqlTransaction):
        return (
            f"the catalog at {place} takes no writes ({line}): it is a standby, or set to read "
            "only; --catalog may name several hosts with ?target_session_attrs=read-write; to "
            "search only, OMNI_READ_ONLY=1"
        )
    if e.sqlstate in ("42501", "3F000"):  # the latter: a schema that it may not use reads as none
        return (
            f"the user of the catalog at {place} lacks a right ({line}): `omni-mcp doctor` says "
            "which to GRANT; to read only, serve --read-only (OMNI_READ_ONLY) needs no more"
        )
    return f"the catalog at {place} failed ({line}); call again"
