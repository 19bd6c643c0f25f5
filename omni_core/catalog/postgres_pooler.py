"""Notices a pooler between here and PostgreSQL that gives a connection to another client after each
transaction (PgBouncer's `pool_mode = transaction` or `statement`).

The schema of a library is set once for each connection, and statements are prepared on it: behind
such a pooler one process would read and write the tables of another one's library.
"""

from __future__ import annotations

from typing import Any

import psycopg

from omni_core.catalog.postgres_watch import answer

LOOKS = 4
"""How often two connections are asked who serves them, where other clients use the pooler too."""
WAY_OUT = (
    "is behind a pooler that shares its connections between transactions, which would mix "
    "libraries; use pool_mode = session in PgBouncer, or the address of PostgreSQL itself"
)


def shares_connections(first: psycopg.Connection[Any], url: str, within_s: int) -> bool:
    """Whether an open connection is served now by one process of the server, now by another, or by
    one that serves others as well. Raises psycopg.Error, where no answer comes in time too."""

    def served_by(connection: psycopg.Connection[Any]) -> object:
        return answer(connection, "SELECT pg_backend_pid()", within_s)

    mine = served_by(first)
    if mine == first.info.backend_pid:  # a pooler makes up the number that it gives at the start
        return False
    with psycopg.connect(
        url, connect_timeout=within_s, autocommit=True, prepare_threshold=None
    ) as second:
        theirs = served_by(second)
        return mine == theirs or any(
            served_by(first) != mine or served_by(second) != theirs for _ in range(LOOKS)
        )
