"""What triggers keep up to date, so that no search and no ingest counts or reads every source.

`library_counts` holds the sources and segments of the library by state and version of the reader,
`collection_counts` those of each collection. A source counts in every collection that holds it.
`sources.names` is its title and its file names, a line each; `collections.ingested_at` is that of
the source. `shared_sources` lists those that are in several collections.
"""

from __future__ import annotations

_NAMES = (
    "folded || coalesce((SELECT char(10) || group_concat(p.folded, char(10))"
    " FROM paths p WHERE p.sha256 = sources.sha256), '')"
)

MIGRATION = """
    ALTER TABLE sources ADD COLUMN names TEXT NOT NULL DEFAULT '';
    UPDATE sources SET names = NAMES_OF_IT;
    CREATE TABLE library_counts (
        state TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        sources INTEGER NOT NULL,
        segments INTEGER NOT NULL,
        PRIMARY KEY (state, pipeline)
    ) WITHOUT ROWID;
    CREATE TABLE collection_counts (
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        sources INTEGER NOT NULL,
        segments INTEGER NOT NULL,
        PRIMARY KEY (name, state, pipeline)
    ) WITHOUT ROWID;
    ALTER TABLE collections ADD COLUMN ingested_at TEXT NOT NULL DEFAULT '';
    UPDATE collections SET ingested_at =
        (SELECT s.ingested_at FROM sources s WHERE s.sha256 = collections.sha256);
    CREATE INDEX collections_by_age ON collections (name, ingested_at DESC, sha256);
    INSERT INTO library_counts
        SELECT state, pipeline, count(*), sum(segments) FROM sources GROUP BY state, pipeline;
    INSERT INTO collection_counts
        SELECT c.name, s.state, s.pipeline, count(*), sum(s.segments)
        FROM collections c JOIN sources s USING (sha256) GROUP BY c.name, s.state, s.pipeline;

    CREATE TRIGGER source_counted AFTER INSERT ON sources BEGIN
        INSERT INTO library_counts VALUES (NEW.state, NEW.pipeline, 1, NEW.segments)
            ON CONFLICT (state, pipeline) DO UPDATE SET
            sources = sources + 1, segments = segments + excluded.segments;
    END;
    CREATE TRIGGER source_recounted AFTER UPDATE OF state, pipeline, segments ON sources
    WHEN OLD.state <> NEW.state OR OLD.pipeline <> NEW.pipeline OR OLD.segments <> NEW.segments
    BEGIN
        UPDATE library_counts SET sources = sources - 1, segments = segments - OLD.segments
            WHERE state = OLD.state AND pipeline = OLD.pipeline;
        INSERT INTO library_counts VALUES (NEW.state, NEW.pipeline, 1, NEW.segments)
            ON CONFLICT (state, pipeline) DO UPDATE SET
            sources = sources + 1, segments = segments + excluded.segments;
        UPDATE collection_counts SET sources = sources - 1, segments = segments - OLD.segments
            WHERE state = OLD.state AND pipeline = OLD.pipeline
            AND name IN (SELECT name FROM collections WHERE sha256 = NEW.sha256);
        INSERT INTO collection_counts
            SELECT name, NEW.state, NEW.pipeline, 1, NEW.segments
            FROM collections WHERE sha256 = NEW.sha256
            ON CONFLICT (name, state, pipeline) DO UPDATE SET
            sources = sources + 1, segments = segments + excluded.segments;
    END;
    CREATE TRIGGER source_named AFTER INSERT ON sources BEGIN
        UPDATE sources SET names = folded WHERE sha256 = NEW.sha256;
    END;
    CREATE TRIGGER source_renamed AFTER UPDATE OF folded ON sources
    WHEN OLD.folded <> NEW.folded BEGIN
        UPDATE sources SET names = NAMES_OF_IT WHERE sha256 = NEW.sha256;
    END;
    CREATE TRIGGER path_named AFTER INSERT ON paths BEGIN
        UPDATE sources SET names = NAMES_OF_IT WHERE sha256 = NEW.sha256;
    END;
    CREATE TRIGGER path_renamed AFTER UPDATE OF sha256, folded ON paths BEGIN
        UPDATE sources SET names = NAMES_OF_IT WHERE sha256 IN (OLD.sha256, NEW.sha256);
    END;
    CREATE TRIGGER path_unnamed AFTER DELETE ON paths BEGIN
        UPDATE sources SET names = NAMES_OF_IT WHERE sha256 = OLD.sha256;
    END;
    CREATE TRIGGER source_dated AFTER UPDATE OF ingested_at ON sources
    WHEN OLD.ingested_at <> NEW.ingested_at BEGIN
        UPDATE collections SET ingested_at = NEW.ingested_at WHERE sha256 = NEW.sha256;
    END;
    CREATE TRIGGER source_uncounted BEFORE DELETE ON sources BEGIN
        DELETE FROM collections WHERE sha256 = OLD.sha256;
        UPDATE library_counts SET sources = sources - 1, segments = segments - OLD.segments
            WHERE state = OLD.state AND pipeline = OLD.pipeline;
    END;
    CREATE TRIGGER member_counted AFTER INSERT ON collections BEGIN
        INSERT INTO collection_counts
            SELECT NEW.name, state, pipeline, 1, segments FROM sources WHERE sha256 = NEW.sha256
            ON CONFLICT (name, state, pipeline) DO UPDATE SET
            sources = sources + 1, segments = segments + excluded.segments;
    END;
    CREATE TRIGGER member_uncounted AFTER DELETE ON collections BEGIN
        UPDATE collection_counts SET sources = sources - 1, segments = segments -
            (SELECT segments FROM sources WHERE sha256 = OLD.sha256)
            WHERE name = OLD.name
            AND state = (SELECT state FROM sources WHERE sha256 = OLD.sha256)
            AND pipeline = (SELECT pipeline FROM sources WHERE sha256 = OLD.sha256);
    END;
""".replace("NAMES_OF_IT", _NAMES)

_NAMES_OF_COPIES = (
    "folded || CASE WHEN file_name = '' THEN '' ELSE char(10) || file_name END"
    " || coalesce((SELECT char(10) || group_concat(p.folded, char(10))"
    " FROM paths p WHERE p.sha256 = sources.sha256), '')"
)

MIGRATION_OF_COPIES = """
    ALTER TABLE sources ADD COLUMN content TEXT NOT NULL DEFAULT '';
    ALTER TABLE sources ADD COLUMN file_name TEXT NOT NULL DEFAULT '';
    CREATE INDEX sources_by_content ON sources (content) WHERE content <> '';
    DROP TRIGGER source_named;
    DROP TRIGGER source_renamed;
    CREATE TRIGGER source_named AFTER INSERT ON sources BEGIN
        UPDATE sources SET names = NAMES_OF_IT WHERE sha256 = NEW.sha256;
    END;
    CREATE TRIGGER source_renamed AFTER UPDATE OF folded, file_name ON sources
    WHEN OLD.folded <> NEW.folded OR OLD.file_name <> NEW.file_name BEGIN
        UPDATE sources SET names = NAMES_OF_IT WHERE sha256 = NEW.sha256;
    END;
""".replace("NAMES_OF_IT", _NAMES_OF_COPIES)
"""Copies of a file that are kept apart, each for one collection: `content` is the hash of their
bytes, `file_name` the name of their one file, which has no row in `paths`."""

MIGRATION_OF_SHARED = """
    CREATE TABLE shared_sources (sha256 TEXT PRIMARY KEY) WITHOUT ROWID;
    INSERT INTO shared_sources SELECT sha256 FROM collections GROUP BY sha256 HAVING count(*) > 1;
    CREATE TRIGGER member_shared AFTER INSERT ON collections
    WHEN EXISTS (SELECT 1 FROM collections WHERE sha256 = NEW.sha256 AND name <> NEW.name)
    BEGIN
        INSERT INTO shared_sources SELECT NEW.sha256
            WHERE NOT EXISTS (SELECT 1 FROM shared_sources WHERE sha256 = NEW.sha256);
    END;
    CREATE TRIGGER member_unshared AFTER DELETE ON collections
    WHEN (SELECT count(*) FROM collections WHERE sha256 = OLD.sha256) < 2
    BEGIN
        DELETE FROM shared_sources WHERE sha256 = OLD.sha256;
    END;
"""
