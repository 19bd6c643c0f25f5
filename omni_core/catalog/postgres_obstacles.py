"""What keeps a process from writing to a PostgreSQL database that it can read, for who asks first:
the doctor, before an ingest of hours is refused."""

from __future__ import annotations

from omni_core.catalog.postgres_connection import Pool
from omni_core.catalog.postgres_messages import where

_ASK = """
SELECT quote_ident(current_user) AS who, quote_ident(current_database()) AS database,
    quote_ident(nspname) AS schema, pg_is_in_recovery() AS standby,
    current_setting('transaction_read_only') = 'on' AS only_read,
    there.oid IS NOT NULL AS there,
    CASE WHEN there.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
        ELSE has_schema_privilege(there.oid, 'USAGE')
            AND has_schema_privilege(there.oid, 'CREATE') END AS may_create,
    NOT EXISTS (SELECT 1 FROM pg_class AS t WHERE relnamespace = there.oid AND relkind = 'r'
        AND NOT (has_table_privilege(t.oid, 'SELECT') AND has_table_privilege(t.oid, 'INSERT')
            AND has_table_privilege(t.oid, 'UPDATE') AND has_table_privilege(t.oid, 'DELETE')))
        AS may_write
FROM (SELECT ?::text AS name) AS asked LEFT JOIN pg_namespace AS there ON nspname = name
"""
FOR_SEARCH = "to search only, OMNI_READ_ONLY=1"


def obstacle(url: str, schema: str) -> str:
    """Why nothing can be written into the library in that schema, and what to do; "" where all can.

    Raises StoreError where the database cannot be asked."""
    pool = Pool(url, schema)
    try:
        (row,) = pool.read(_ASK, (schema,))
    finally:
        pool.close()
    place = where(url)
    if row["standby"]:
        return (
            f"{place} is a standby, which takes no writes: name all hosts, with "
            f"?target_session_attrs=read-write; {FOR_SEARCH}"
        )
    if row["only_read"]:
        return (
            f"{place} takes no writes: default_transaction_read_only is on, for the server, the "
            f"database or this user; {FOR_SEARCH}"
        )
    it, to = f"SCHEMA {row['schema']}", f"TO {row['who']}"
    if not row["may_create"]:
        on = f"USAGE, CREATE ON {it}" if row["there"] else f"CREATE ON DATABASE {row['database']}"
        return f"its user lacks a right: GRANT {on} {to}; {FOR_SEARCH}"
    if not row["may_write"]:
        return f"its user lacks a right: GRANT ALL ON ALL TABLES IN {it} {to}; {FOR_SEARCH}"
    return ""
