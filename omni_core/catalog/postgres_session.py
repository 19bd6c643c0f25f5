"""What each connection to PostgreSQL sets for itself: the schema of the library, how long it waits.

A database, or a user, may have time limits that are meant for others: a lock of the catalog is
waited for as long as it takes, as are the tables' migrations, and an outage is noticed in another
way (`postgres_watch.py`). What the address of the database says itself counts instead.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import conninfo, sql

KEEPALIVE = {
    "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}  # fmt: skip
"""A machine that vanished without a word is noticed within 30 s; the system's own way, a question
that was under way waited for two hours."""
OF_THE_SERVER = (
    "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)
"""So that the server notices it too: the locks of a machine that vanished are free again within
half a minute, not two hours."""
NO_LIMIT = ("statement_timeout", "lock_timeout", "transaction_timeout")
"""The last one by PostgreSQL 17 and newer."""
IDLE = "idle_in_transaction_session_timeout"
IDLE_S = 60.0
"""The locks of a process that is stopped in the middle of a transaction are free after so long."""
FOR_LONG = f"SET LOCAL {IDLE} = 0"
"""In a transaction that does other work while it holds its locks."""
_SET = re.compile(r"(?:-c\s*|--)([\w-]+)\s*=")
"""A setting in the `options` of an address: `-c name=value` or `--name=value`."""


def options_of(url: str) -> dict[str, int]:
    """`KEEPALIVE`, without what the address itself says."""
    said = conninfo.conninfo_to_dict(url)
    return {name: value for name, value in KEEPALIVE.items() if name not in said}


def settings_in(url: str) -> set[str]:
    """The names of the settings that the address itself has."""
    options = str(conninfo.conninfo_to_dict(url).get("options") or "")
    return {name.lower().replace("-", "_") for name in _SET.findall(options)}


def set_up(connection: psycopg.Connection[Any], schema: str, url: str) -> None:
    """Prepare a connection for the library in that schema."""
    connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
    connection.execute(OF_THE_SERVER)
    said = settings_in(url)
    lifted = [name for name in NO_LIMIT if name not in said]
    connection.execute(
        "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = ANY(%s)", (lifted,)
    )
    if IDLE not in said:
        connection.execute(f"SET {IDLE} = {IDLE_S * 1000:.0f}")
