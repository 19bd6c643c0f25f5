"""A sound catalog is made of what can still be read of a damaged one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from omni_core.catalog import SqliteCatalog, checking
from omni_core.types import Modality, Source

ONE = Source("ab" * 32, "/media/one.md", "one", Modality.DOCUMENT, "text/markdown", 3)


def filled(store: Path) -> None:
    with SqliteCatalog(store) as catalog:
        catalog.begin(ONE, collection="trips", mtime_ns=1, model="m", pipeline="2")
        catalog.finish(ONE.sha256, segments=2)
    run(store, "INSERT INTO bin VALUES ('cd', 'src_binned', 'two', '/two', 1, 'm', '2', 'ready',"
        " 0.5, 'kept', '{}'); INSERT INTO bin_points VALUES ('cd', 0, x'01')")  # fmt: skip


def run(store: Path, script: str) -> None:
    with closing(sqlite3.connect(store / checking.FILE)) as db:
        db.executescript(script)


def test_a_sound_catalog_has_no_faults(tmp_path: Path) -> None:
    filled(tmp_path)
    assert (checking.faults(tmp_path), checking.damaged_rows(tmp_path)) == ([], [])


def test_a_sound_catalog_in_a_folder_that_nobody_may_write_in_has_no_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr("os.access", lambda _path, mode: mode != os.W_OK)

    assert checking.faults(tmp_path) == []
    assert sorted(tmp_path.iterdir()) == before


def test_what_can_be_read_is_saved_and_the_bin_with_it(tmp_path: Path) -> None:
    filled(tmp_path)
    run(tmp_path, "DROP TABLE turns; DROP TRIGGER source_recounted")
    (fault,) = checking.faults(tmp_path)
    assert "column turns.end" in fault
    assert checking.salvage(tmp_path, tmp_path / "aside") == 1
    assert checking.faults(tmp_path) == []
    assert (tmp_path / "aside" / checking.FILE).is_file()
    with SqliteCatalog(tmp_path) as catalog:
        row = catalog.get(ONE.sha256)
        assert row is not None
        assert (row.state, row.segments, row.collections) == ("ready", 2, ("trips",))
        assert catalog.totals() == (1, 2)
        assert catalog.kept_ids([row.id, "src_binned", "src_other"]) == {row.id, "src_binned"}
        assert catalog.indexed_ids([row.id, "src_binned", "src_other"]) >= {row.id}
    with closing(sqlite3.connect(tmp_path / checking.FILE)) as db:
        assert db.execute("SELECT count(*) FROM bin_points").fetchone() == (1,)


def test_a_row_that_makes_no_sense_is_read_with_what_is_known(tmp_path: Path) -> None:
    filled(tmp_path)
    run(tmp_path, "UPDATE sources SET title = x'fffe', duration_s = 'long', id = 'wrong'")
    ((sha256, title, why),) = checking.damaged_rows(tmp_path)
    assert (sha256, title) == (ONE.sha256, "one")
    assert "(title, duration_s, id)" in why
    with SqliteCatalog(tmp_path) as catalog:
        row = catalog.get(ONE.sha256)
        assert row is not None
        assert (row.id, row.title, row.state, row.duration_s) == (ONE.id, "one", "partial", None)
