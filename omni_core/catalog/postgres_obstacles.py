"""What keeps a process from writing to a PostgreSQL database that it can read, for who asks first:
the doctor, before an ingest of hours is refused."""

from __future__ import annotations

from omni_core.catalog.postgres_connection import Pool, Row
from omni_core.catalog.postgres_messages import where
from omni_core.catalog.postgres_schema import MIGRATIONS

_ASK = """
WITH of_extensions AS (SELECT objid FROM pg_depend WHERE deptype = 'e'
    AND classid IN ('pg_class'::regclass, 'pg_proc'::regclass))
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
        AS may_write,
    (SELECT quote_ident(rolname) FROM pg_roles WHERE NOT pg_has_role(oid, 'USAGE') AND oid IN (
        SELECT relowner FROM pg_class AS t WHERE relnamespace = there.oid AND relkind = 'r'
            AND t.oid NOT IN (SELECT objid FROM of_extensions)
        UNION SELECT proowner FROM pg_proc AS f WHERE pronamespace = there.oid
            AND f.oid NOT IN (SELECT objid FROM of_extensions)) LIMIT 1) AS owner
FROM (SELECT ?::text AS name) AS asked LEFT JOIN pg_namespace AS there ON nspname = name
"""
FOR_SEARCH = "to search only, OMNI_READ_ONLY=1"


def obstacle(url: str, schema: str) -> str:
    """Why nothing can be written into the library in that schema, and what to do; "" where all can.

    Raises StoreError where the database cannot be asked."""
    pool = Pool(url, schema)
    try:
        (row,) = pool.read(_ASK, (schema,))
        now = _now(row, where(url))
        return _of_another(row) if not now and row["owner"] and _is_older(pool) else now
    finally:
        pool.close()


def later(url: str, schema: str) -> str:
    """What will keep this user from using the library when a newer version of omni-mcp changes its
    tables, and what to do; "" for nothing. Raises StoreError where the database cannot be asked."""
    pool = Pool(url, schema)
    try:
        (row,) = pool.read(_ASK, (schema,))
    finally:
        pool.close()
    return _of_another(row)


def _is_older(pool: Pool) -> bool:
    held = pool.read("SELECT version FROM catalog_version", ())
    return bool(held) and int(held[0]["version"]) < len(MIGRATIONS)


def _of_another(row: Row) -> str:
    owner, me = row["owner"], row["who"]
    if not owner:
        return ""
    return (
        f"its tables belong to {owner}, who alone may change them for a newer version: GRANT "
        f"{owner} TO {me}, or let {owner} start omni-mcp first after each upgrade"
    )


def _now(row: Row, place: str) -> str:
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
