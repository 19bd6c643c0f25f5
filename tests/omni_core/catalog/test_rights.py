"""What a process may do with a catalog that it may only read, or that the library has left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core.catalog import open_catalog
from omni_core.catalog.moved import leave_for, mark_moved
from omni_core.catalog.writes import put_meta
from omni_core.errors import StoreError
from omni_core.settings import Settings
from tests.omni_core.catalog.test_leases import SOURCE, begin

Open = Callable[..., Any]


def test_the_right_to_read_is_enough_to_read(open_postgres: Any, postgres_url: str) -> None:
    import psycopg

    one = open_postgres()
    begin(one)
    one.finish(SOURCE.sha256, segments=3)
    schema = open_postgres.schema
    role = schema.replace(" ", "_")
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(f'CREATE ROLE "{role}" LOGIN')
        db.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO "{role}"')
        db.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO "{role}"')
    name = psycopg.conninfo.conninfo_to_dict(postgres_url)["user"]
    reader = Settings(
        catalog=postgres_url.replace(str(name), role, 1), catalog_schema=schema, read_only=True
    )
    try:
        with open_catalog(reader, read_only=True, must_exist=True) as catalog:
            assert catalog.totals() == (1, 3)
            with pytest.raises(StoreError) as refused:
                catalog.set_meta("a", "b")
            assert refused.value.code == "READ_ONLY"
        with pytest.raises(StoreError, match=r"lacks a right .* --read-only"):
            open_catalog(reader)
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as db:
            db.execute(f'DROP OWNED BY "{role}"')
            db.execute(f'DROP ROLE "{role}"')


def test_a_look_at_a_catalog_that_is_not_there_makes_nothing(
    open_postgres: Any, postgres_url: str
) -> None:
    import psycopg

    settings = Settings(catalog=postgres_url, catalog_schema=open_postgres.schema)
    with open_catalog(settings, read_only=True) as empty:
        assert empty.totals() == (0, 0)
    with pytest.raises(StoreError, match="no library in the schema") as refused:
        open_catalog(settings, read_only=True, must_exist=True)
    assert refused.value.code == "NO_LIBRARY"
    with psycopg.connect(postgres_url) as db:
        found = db.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [open_postgres.schema])
        assert found.fetchone() is None


def test_who_runs_when_the_library_leaves_its_catalog_writes_no_more_there(
    open_postgres: Any, postgres_url: str, tmp_path: Path
) -> None:
    running, mover = open_postgres(), open_postgres()
    begin(running)
    mark_moved(mover, "elsewhere")
    other = replace(SOURCE, sha256="cd" * 32)
    writes: tuple[Callable[[], object], ...] = (
        lambda: begin(running, other),
        lambda: running.finish(SOURCE.sha256, segments=3),
        lambda: running.note_begun("k", {"path": "/m"}),
        running.renew,
    )
    for write in writes:
        with pytest.raises(StoreError, match="moved to elsewhere") as refused:
            write()
        assert refused.value.code == "CATALOG_MOVED"
    assert running.get(other.sha256) is None
    assert running.get(SOURCE.sha256).state == "processing"
    running.close()  # gives up what it owned all the same
    settings = Settings(
        store=str(tmp_path), catalog=postgres_url, catalog_schema=open_postgres.schema
    )
    with open_catalog(settings, even_moved=True) as again:
        mark_moved(again, "")
    assert mover.ingested_by(SOURCE.sha256) == ""
    begin(mover)


def test_a_writer_that_comes_while_a_library_leaves_its_catalog_waits_and_is_refused(
    open_postgres: Any,
) -> None:
    running, mover = open_postgres(), open_postgres()
    begin(running)
    held, told = threading.Event(), []

    def write() -> None:
        held.wait(30)
        try:
            running.set_meta("late", "is lost")
        except StoreError as e:
            told.append(e.code)

    writer = threading.Thread(target=write)
    writer.start()

    def check() -> None:
        held.set()
        writer.join(0.5)
        assert writer.is_alive(), "it waits"

    leave_for(mover, "elsewhere", "", "", check)
    writer.join(30)
    assert told == ["CATALOG_MOVED"]


def test_a_library_leaves_its_catalog_only_after_a_write_that_was_under_way(
    open_postgres: Any,
) -> None:
    running, mover = open_postgres(), open_postgres()
    begin(running)
    seen: list[str] = []

    def leave() -> None:
        leave_for(mover, "elsewhere", "", "", lambda: seen.append(str(mover.get_meta("late"))))

    with running._writing() as db:
        leaving = threading.Thread(target=leave)
        leaving.start()
        leaving.join(0.5)
        assert leaving.is_alive() and seen == []
        put_meta(db, "late", "it counts")
    leaving.join(30)
    assert seen == ["it counts"]


def test_whoever_reads_does_not_wait_for_the_writers_that_a_move_holds_up(
    open_postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omni_core.catalog import postgres_connection

    running, mover = open_postgres(), open_postgres()
    begin(running)
    monkeypatch.setattr(postgres_connection, "CONNECT_S", 2)
    told: list[str] = []

    def write() -> None:
        try:
            running.set_meta("late", "is lost")
        except StoreError as e:
            told.append(str(e.code))

    writers = [threading.Thread(target=write) for _ in range(postgres_connection.MOST + 1)]

    def check() -> None:
        for writer in writers:
            writer.start()
        deadline = time.monotonic() + 30
        waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while len(mover._all(waits)) < postgres_connection.WRITE and time.monotonic() < deadline:
            pass
        assert running.totals() == (1, 0)

    leave_for(mover, "elsewhere", "", "", check)
    for writer in writers:
        writer.join(30)
    assert len(told) == len(writers)
    assert told.count("CATALOG_MOVED") >= postgres_connection.WRITE
