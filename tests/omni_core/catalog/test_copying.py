"""A whole catalog from one database into the other."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from omni_core.catalog import Catalog, SqliteCatalog, copying
from omni_core.catalog.copying import copy_catalog
from omni_core.catalog.groups import StoredGroup
from omni_core.catalog.postgres_stops import PREFIX
from omni_core.catalog.spoken import FoundName
from omni_core.catalog.tables import TABLES
from omni_core.errors import StoreError
from omni_core.ids import PIPELINE
from omni_core.types import Modality, Source, Turn


def source(n: int) -> Source:
    sha256 = hashlib.sha256(str(n).encode()).hexdigest()
    return Source(sha256, f"/media/{n}.mp4", f"Film {n}", Modality.VIDEO, "video/mp4", n)


def fill(catalog: Catalog) -> None:
    catalog.set_meta(copying.LIBRARY, "a1")
    for n in range(1, 1203):
        one = source(n)
        catalog.begin(one, collection="default", mtime_ns=n, model="m", pipeline=PIPELINE)
        if n % 400:
            catalog.finish(one.sha256, segments=n % 7, duration_s=n / 3, warnings=["ä"])
        else:
            catalog.progress(
                one.sha256,
                segments=3,
                resume={"at": 2.5, "groups": 1},
                readers=b"\x00buffers",
                group=StoredGroup(0, ("a",), ("b", "c")),
            )
    catalog.add_collection(source(1).sha256, "trips")
    catalog.add_path(source(1).sha256, "/elsewhere/ÄÖ.mp4", size=1, mtime_ns=5)
    catalog.pass_over([("/media/x.bin", 1, 2, "UNSUPPORTED_TYPE", "no")])
    catalog.note_begun("key", {"path": "/media/7.mp4"})
    turns = [Turn(0.0, 1.5, 0), Turn(1.5, 4.0, 1)]
    catalog.put_turns(source(1).sha256, turns, {0: "Ann"}, {1: FoundName("Ben", "subtitles")})


def held(catalog: Catalog) -> dict[str, Any]:
    return {
        table: [
            [tuple(r) for r in page]
            for page in copying._pages(
                catalog, table, key, ", ".join(f'"{c}"' for c in (*key, *others))
            )
        ]
        for table, (key, others) in TABLES.items()
    }


@pytest.fixture
def filled(tmp_path: Path) -> Any:
    with SqliteCatalog(tmp_path / "filled") as catalog:
        fill(catalog)
        yield catalog


def test_a_copy_holds_every_row_and_counts_and_finds_as_the_original(
    filled: Catalog, catalog: Catalog, tmp_path: Path
) -> None:
    rows = copy_catalog(filled, catalog, {})

    assert rows["sources"] == 1202
    assert rows["paths"] == 1203
    assert rows["checkpoints"] == 3
    assert held(catalog) == held(filled)
    assert catalog.totals() == filled.totals()
    assert catalog.totals("trips") == filled.totals("trips")
    assert catalog.collections() == filled.collections()
    assert [r.id for r in catalog.find("film 77")] == [r.id for r in filled.find("film 77")]
    assert [r.id for r in catalog.find("äö.mp4")] == [source(1).id]
    assert catalog.groups_of(source(400).sha256) == filled.groups_of(source(400).sha256)
    assert catalog.readers_of(source(400).sha256) == b"\x00buffers"
    with SqliteCatalog(tmp_path / "back") as back:
        copy_catalog(catalog, back, {})
        assert held(back) == held(filled)


def test_requests_to_stop_an_ingest_stay_where_the_processes_are(
    filled: Catalog, catalog: Catalog
) -> None:
    filled.set_meta(f"{PREFIX}1@host/2", "{}")
    filled.set_meta("stops", "kept")
    copy_catalog(filled, catalog, {})
    assert catalog.get_meta(f"{PREFIX}1@host/2") is None
    assert catalog.get_meta("stops") == "kept"


def test_a_second_copy_replaces_the_first(filled: Catalog, catalog: Catalog) -> None:
    copy_catalog(filled, catalog, {})
    filled.remove(source(5).sha256)
    copy_catalog(filled, catalog, {})
    assert catalog.get(source(5).sha256) is None
    assert catalog.totals() == filled.totals()


def test_a_catalog_of_another_library_is_left_as_it_is(filled: Catalog, catalog: Catalog) -> None:
    catalog.set_meta(copying.LIBRARY, "another")
    catalog.begin(source(9), collection="x", mtime_ns=1, model="m", pipeline=PIPELINE)
    with pytest.raises(StoreError, match="holds another library, of 1 sources") as e:
        copy_catalog(filled, catalog, {})
    assert e.value.code == "FOREIGN_CATALOG"
    assert catalog.totals()[0] == 1


def test_every_table_and_column_of_a_library_is_copied(filled: Catalog) -> None:
    kept = {"shared_sources", "library_counts", "collection_counts"}  # by triggers
    found = filled._all("SELECT name FROM sqlite_master WHERE type = 'table'")
    assert {r[0] for r in found} - kept == set(TABLES)
    for table, (key, others) in TABLES.items():
        names = filled._all("SELECT name FROM pragma_table_info(?)", table)
        columns = {r["name"] for r in names}
        assert columns - {"names"} == {*key, *others}
