"""The tables of the catalog in PostgreSQL, and their migrations.

The columns are those of `schema.py`, and who owns a source. Text is compared byte by byte, as in
SQLite, so that pages have the same order. Counts are not one row that every writer would wait for:
triggers append what changed, reading adds it up, and `compact` merges the rows now and then.
"""

from __future__ import annotations

from omni_core.catalog.database import Row, Transaction
from omni_core.errors import StoreError

_DOMAIN = 'TEXT COLLATE "C"'
MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE sources (
        sha256 TEXT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        uri TEXT NOT NULL,
        title TEXT NOT NULL,
        modality TEXT NOT NULL,
        mime TEXT NOT NULL,
        size BIGINT NOT NULL,
        duration_s DOUBLE PRECISION,
        pages BIGINT,
        recorded_at TEXT,
        recorded_ts DOUBLE PRECISION,
        recorded_at_from TEXT NOT NULL DEFAULT '',
        ingested_at TEXT NOT NULL,
        state TEXT NOT NULL,
        stage TEXT NOT NULL DEFAULT '',
        progress DOUBLE PRECISION NOT NULL DEFAULT 0,
        segments BIGINT NOT NULL DEFAULT 0,
        warnings TEXT NOT NULL DEFAULT '[]',
        error_code TEXT NOT NULL DEFAULT '',
        error TEXT NOT NULL DEFAULT '',
        timings TEXT NOT NULL DEFAULT '{}',
        model TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        resume TEXT NOT NULL DEFAULT '{}',
        folded TEXT NOT NULL,
        empty TEXT NOT NULL DEFAULT '',
        names TEXT NOT NULL DEFAULT '',
        owner TEXT NOT NULL DEFAULT '',
        worker TEXT NOT NULL DEFAULT '',
        lease_until TIMESTAMPTZ,
        attempt BIGINT NOT NULL DEFAULT 0
    );
    CREATE INDEX sources_by_age ON sources (ingested_at DESC, sha256);
    CREATE INDEX sources_by_state ON sources (state, ingested_at DESC, sha256);
    CREATE INDEX sources_by_folded ON sources USING hash (folded);
    CREATE INDEX sources_by_uri ON sources USING hash (uri);
    CREATE INDEX sources_by_recording ON sources (recorded_ts);
    CREATE INDEX sources_owned ON sources (owner) WHERE owner <> '';
    CREATE TABLE paths (
        path TEXT PRIMARY KEY,
        sha256 TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
        size BIGINT NOT NULL,
        mtime_ns BIGINT NOT NULL,
        folded TEXT NOT NULL,
        gone_at TEXT
    );
    CREATE INDEX paths_of ON paths (sha256);
    CREATE INDEX paths_by_name ON paths USING hash (folded);
    CREATE INDEX paths_gone ON paths (sha256) WHERE gone_at IS NOT NULL;
    CREATE TABLE collections (
        name TEXT NOT NULL,
        sha256 TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
        ingested_at TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (name, sha256)
    );
    CREATE INDEX collections_of ON collections (sha256);
    CREATE INDEX collections_by_age ON collections (name, ingested_at DESC, sha256);
    CREATE TABLE passed_over (
        path TEXT PRIMARY KEY,
        size BIGINT NOT NULL,
        mtime_ns BIGINT NOT NULL,
        code TEXT NOT NULL,
        error TEXT NOT NULL,
        pipeline TEXT NOT NULL DEFAULT '1'
    );
    CREATE TABLE readers (
        sha256 TEXT PRIMARY KEY REFERENCES sources ON DELETE CASCADE,
        state BYTEA NOT NULL
    );
    CREATE TABLE begun (
        key TEXT PRIMARY KEY,
        request TEXT NOT NULL,
        at TEXT NOT NULL,
        owner TEXT NOT NULL DEFAULT '',
        lease_until TIMESTAMPTZ
    );
    CREATE TABLE speakers (
        sha256 TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
        number BIGINT NOT NULL,
        given TEXT NOT NULL DEFAULT '',
        found TEXT NOT NULL DEFAULT '',
        found_from TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (sha256, number)
    );
    CREATE INDEX speakers_by_name ON speakers
        ((CASE WHEN given <> '' THEN given ELSE found END)) WHERE (given <> '' OR found <> '');
    CREATE TABLE turns (
        sha256 TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
        start DOUBLE PRECISION NOT NULL,
        "end" DOUBLE PRECISION NOT NULL,
        speaker BIGINT NOT NULL,
        PRIMARY KEY (sha256, start)
    );
    CREATE TABLE checkpoints (
        sha256 TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
        number BIGINT NOT NULL,
        segments TEXT NOT NULL,
        points TEXT NOT NULL,
        PRIMARY KEY (sha256, number)
    );
    CREATE TABLE library_counts (
        state TEXT NOT NULL, pipeline TEXT NOT NULL,
        sources BIGINT NOT NULL, segments BIGINT NOT NULL
    );
    CREATE INDEX library_counts_of ON library_counts (state);
    CREATE TABLE collection_counts (
        name TEXT NOT NULL, state TEXT NOT NULL, pipeline TEXT NOT NULL,
        sources BIGINT NOT NULL, segments BIGINT NOT NULL
    );
    CREATE INDEX collection_counts_of ON collection_counts (name, state);

    CREATE FUNCTION instr(text, text) RETURNS integer LANGUAGE sql IMMUTABLE
        AS $$ SELECT strpos($1, $2) $$;
    CREATE FUNCTION json_of(text[]) RETURNS text LANGUAGE sql IMMUTABLE
        AS $$ SELECT to_json($1)::text $$;
    CREATE AGGREGATE json_group_array(text) (
        sfunc = array_append, stype = text[], initcond = '{}', finalfunc = json_of
    );

    CREATE FUNCTION source_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO library_counts VALUES (NEW.state, NEW.pipeline, 1, NEW.segments);
        ELSIF TG_OP = 'DELETE' THEN
            DELETE FROM collections WHERE sha256 = OLD.sha256;
            INSERT INTO library_counts VALUES (OLD.state, OLD.pipeline, -1, -OLD.segments);
            RETURN OLD;
        ELSIF (OLD.state, OLD.pipeline, OLD.segments) <> (NEW.state, NEW.pipeline, NEW.segments)
        THEN
            INSERT INTO library_counts VALUES
                (OLD.state, OLD.pipeline, -1, -OLD.segments),
                (NEW.state, NEW.pipeline, 1, NEW.segments);
            INSERT INTO collection_counts
                SELECT name, OLD.state, OLD.pipeline, -1, -OLD.segments
                FROM collections WHERE sha256 = NEW.sha256
                UNION ALL SELECT name, NEW.state, NEW.pipeline, 1, NEW.segments
                FROM collections WHERE sha256 = NEW.sha256;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER source_counted AFTER INSERT OR UPDATE OF state, pipeline, segments ON sources
        FOR EACH ROW EXECUTE FUNCTION source_counted();
    CREATE TRIGGER source_uncounted BEFORE DELETE ON sources
        FOR EACH ROW EXECUTE FUNCTION source_counted();

    CREATE FUNCTION member_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO collection_counts SELECT NEW.name, state, pipeline, 1, segments
                FROM sources WHERE sha256 = NEW.sha256;
        ELSE
            INSERT INTO collection_counts SELECT OLD.name, state, pipeline, -1, -segments
                FROM sources WHERE sha256 = OLD.sha256;
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER member_counted AFTER INSERT OR DELETE ON collections
        FOR EACH ROW EXECUTE FUNCTION member_counted();

    CREATE FUNCTION source_named() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.names := NEW.folded || coalesce((SELECT chr(10) || string_agg(folded, chr(10))
            FROM paths WHERE sha256 = NEW.sha256), '');
        RETURN NEW;
    END $$;
    CREATE TRIGGER source_named BEFORE INSERT OR UPDATE OF folded, names ON sources
        FOR EACH ROW EXECUTE FUNCTION source_named();
    CREATE FUNCTION path_named() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP <> 'INSERT' THEN UPDATE sources SET names = '' WHERE sha256 = OLD.sha256; END IF;
        IF TG_OP <> 'DELETE' THEN UPDATE sources SET names = '' WHERE sha256 = NEW.sha256; END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER path_named AFTER INSERT OR DELETE OR UPDATE OF sha256, folded ON paths
        FOR EACH ROW EXECUTE FUNCTION path_named();
    CREATE FUNCTION source_dated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE collections SET ingested_at = NEW.ingested_at WHERE sha256 = NEW.sha256;
        RETURN NULL;
    END $$;
    CREATE TRIGGER source_dated AFTER UPDATE OF ingested_at ON sources
        FOR EACH ROW WHEN (OLD.ingested_at <> NEW.ingested_at) EXECUTE FUNCTION source_dated();
    """.replace(" TEXT", f" {_DOMAIN}"),
    """
    ALTER TABLE paths ADD COLUMN ctime_ns BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE paths ADD COLUMN inode BIGINT NOT NULL DEFAULT 0;
    """,
    """
    CREATE TABLE bin (
        sha256 TEXT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        uri TEXT NOT NULL,
        segments BIGINT NOT NULL,
        model TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        state TEXT NOT NULL,
        at DOUBLE PRECISION NOT NULL,
        step TEXT NOT NULL,
        rows TEXT NOT NULL
    );
    CREATE TABLE bin_points (
        sha256 TEXT NOT NULL REFERENCES bin ON DELETE CASCADE,
        number BIGINT NOT NULL,
        body BYTEA NOT NULL,
        PRIMARY KEY (sha256, number)
    );
    """.replace(" TEXT", f" {_DOMAIN}"),
    """
    ALTER TABLE sources ADD COLUMN content TEXT NOT NULL DEFAULT '';
    ALTER TABLE sources ADD COLUMN file_name TEXT NOT NULL DEFAULT '';
    CREATE INDEX sources_by_content ON sources (content) WHERE content <> '';
    CREATE OR REPLACE FUNCTION source_named() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.names := NEW.folded
            || CASE WHEN NEW.file_name = '' THEN '' ELSE chr(10) || NEW.file_name END
            || coalesce((SELECT chr(10) || string_agg(folded, chr(10))
            FROM paths WHERE sha256 = NEW.sha256), '');
        RETURN NEW;
    END $$;
    DROP TRIGGER source_named ON sources;
    CREATE TRIGGER source_named BEFORE INSERT OR UPDATE OF folded, file_name, names ON sources
        FOR EACH ROW EXECUTE FUNCTION source_named();
    """.replace(" TEXT", f" {_DOMAIN}"),
    """
    CREATE INDEX copies_by_name ON sources (file_name) WHERE content <> '';
    CREATE TABLE shared_sources (sha256 TEXT PRIMARY KEY);
    INSERT INTO shared_sources SELECT sha256 FROM collections GROUP BY sha256 HAVING count(*) > 1;
    CREATE FUNCTION member_shared() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        source text := CASE TG_OP WHEN 'INSERT' THEN NEW.sha256 ELSE OLD.sha256 END;
    BEGIN
        -- one transaction after the other for each source: then what it counts is what there is
        PERFORM 1 FROM sources WHERE sha256 = source FOR NO KEY UPDATE;
        IF (SELECT count(*) FROM collections WHERE sha256 = source) > 1 THEN
            INSERT INTO shared_sources VALUES (source) ON CONFLICT DO NOTHING;
        ELSE
            DELETE FROM shared_sources WHERE sha256 = source;
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER member_shared AFTER INSERT OR DELETE ON collections
        FOR EACH ROW EXECUTE FUNCTION member_shared();
    """.replace(" TEXT", f" {_DOMAIN}"),
)
"""Script n migrates version n to n + 1. Append only: existing databases have run the others."""

_COMPACT = (
    "WITH gone AS (DELETE FROM library_counts RETURNING *) INSERT INTO library_counts"
    " SELECT state, pipeline, sum(sources), sum(segments) FROM gone GROUP BY state, pipeline"
    " HAVING sum(sources) <> 0 OR sum(segments) <> 0",
    "WITH gone AS (DELETE FROM collection_counts RETURNING *) INSERT INTO collection_counts"
    " SELECT name, state, pipeline, sum(sources), sum(segments) FROM gone"
    " GROUP BY name, state, pipeline HAVING sum(sources) <> 0 OR sum(segments) <> 0",
)


def migrate(db: Transaction, schema: str) -> None:
    """Create the schema and its tables, or bring them up to date; one process at a time.

    Raises StoreError for a schema of a newer version.
    """
    db.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 1))", (schema,))
    known = "SELECT 1 FROM pg_namespace WHERE nspname = ?"
    if db.execute(known, (schema,)).fetchone() is None:
        quoted = schema.replace('"', '""')
        db.execute(f'CREATE SCHEMA "{quoted}"')
    db.execute("CREATE TABLE IF NOT EXISTS catalog_version (version BIGINT NOT NULL)")
    held = db.execute("SELECT version FROM catalog_version").fetchone()
    version = 0 if held is None else int(held["version"])
    if version > len(MIGRATIONS):
        raise StoreError(
            f"this catalog was written by a newer omni-mcp (version {version}, this one knows "
            f"{len(MIGRATIONS)}); upgrade"
        )
    for script in MIGRATIONS[version:]:
        db.execute(script)
    if version < len(MIGRATIONS):
        db.execute("DELETE FROM catalog_version")
        db.execute("INSERT INTO catalog_version VALUES (?)", (len(MIGRATIONS),))


def require_current(held: Row | None) -> None:
    """For read-only use, which cannot migrate. Raises StoreError for another version."""
    version = 0 if held is None else int(held["version"])
    if version != len(MIGRATIONS):
        raise StoreError(
            f"this catalog is of version {version}, this omni-mcp reads {len(MIGRATIONS)}; start "
            "`omni-mcp serve` of the newer one once"
        )


def compact(db: Transaction) -> None:
    """Merge the rows that the counts are added up from. Two processes may do so at once: each
    row is merged by the one that deleted it."""
    for statement in _COMPACT:
        db.execute(statement)
