"""What a search and an ingest ask of the catalog does not grow with the library: counts and names
are kept, and say what the rows say after every kind of write."""

from __future__ import annotations

import hashlib
import itertools
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from omni_core.catalog import Catalog, SqliteCatalog, schema
from omni_core.catalog.query import MISSING, OUTDATED, fold
from omni_core.catalog.within import within
from omni_core.ids import PIPELINE
from omni_core.types import Modality, Source

STATES = ("processing", "ready", "partial")


def source(n: int, title: str = "", uri: str = "") -> Source:
    sha256 = hashlib.sha256(str(n).encode()).hexdigest()
    uri = uri or f"/m/File {n}.jpg"
    return Source(sha256, uri, title or f"Picture {n}", Modality.IMAGE, "image/jpeg", n)


def begin(catalog: Catalog, s: Source, collection: str = "default", **changes: Any) -> None:
    facts = {"mtime_ns": 1, "model": "m", "pipeline": PIPELINE, **changes}
    catalog.begin(s, collection=collection, **facts)


def agrees(catalog: Catalog) -> None:
    """Compare what is kept with what the rows say."""
    rows, total, _ = catalog.list(limit=10_000)
    assert total == len(rows)
    assert catalog.totals() == (len(rows), sum(r.segments for r in rows))
    by_name = Counter(name for r in rows for name in r.collections)
    assert catalog.collections() == dict(sorted(by_name.items()))
    for collection in ("", "nothing", *by_name):
        of = [r for r in rows if not collection or collection in r.collections]
        assert catalog.totals(collection) == (len(of), sum(r.segments for r in of))
        for state in STATES:
            expected = [r.id for r in of if r.state == state]
            assert catalog.count(collection, state=state) == len(expected)
            page, counted, _ = catalog.list(collection=collection, state=state, limit=10_000)
            assert ([r.id for r in page], counted) == (expected, len(expected))
        outdated = {r.id for r in of if r.state == "ready" and r.pipeline != PIPELINE}
        assert catalog.count(collection, state=OUTDATED) == len(outdated)
        assert {r.id for r in catalog.list(collection=collection, state=OUTDATED)[0]} == outdated
        missing = {r.id for r in of if r.missing_since is not None}
        assert catalog.count(collection, state=MISSING) == len(missing)
        assert [r.id for r in catalog.list(collection=collection)[0]] == [r.id for r in of][:20]
    for seen in itertools.combinations(by_name, 2):
        of = [r for r in rows if set(seen) & set(r.collections)]
        assert within(catalog, seen).totals() == (len(of), sum(r.segments for r in of))
    for r in rows:
        for name in (r.title, *(Path(path).name for path in catalog.paths(r.id))):
            assert r.id in {f.id for f in catalog.list(match=name, limit=10_000)[0]}, name
        assert r.id not in {f.id for f in catalog.list(match="formerly", limit=10_000)[0]}


def test_every_write_keeps_the_counts_and_the_names(catalog: Catalog) -> None:
    first, second = source(1), source(2)
    kept: list[Any] = []

    def replace_path() -> None:
        begin(catalog, source(9, uri=first.uri), mtime_ns=2)

    writes: tuple[Callable[[], object], ...] = (
        lambda: begin(catalog, first, "default"),
        lambda: catalog.progress(first.sha256, progress=0.5, segments=4),
        lambda: catalog.add_collection(first.sha256, "trip"),
        lambda: catalog.add_collection(first.sha256, "trip"),
        lambda: catalog.finish(first.sha256, segments=7),
        lambda: begin(catalog, second, "trip", pipeline="older"),
        lambda: catalog.finish(second.sha256, segments=3),
        lambda: kept.append(catalog.get(second.id)),
        lambda: begin(catalog, second, "trip"),
        lambda: catalog.put_back(kept[0]),
        lambda: catalog.amend(first.sha256, "Renamed"),
        lambda: catalog.add_path(first.sha256, "/m/copy.jpg", size=1, mtime_ns=1),
        lambda: catalog.add_path(first.sha256, "/m/copy.jpg", size=2, mtime_ns=3),
        lambda: catalog.gone(["/m/copy.jpg"]),
        lambda: catalog.gone([second.uri]),
        replace_path,
        lambda: catalog.replaced(first.uri),
        lambda: catalog.add_path(first.sha256, "/n/moved.jpg", size=1, mtime_ns=1),
        lambda: catalog.move(first.sha256, first.uri, "/n/moved.jpg"),
        lambda: catalog.finish(source(9).sha256, state="partial", segments=1),
        lambda: catalog.replace_index("m", [first.sha256]),
        lambda: begin(catalog, second, "third"),
        lambda: catalog.begin_forgetting(first.sha256),
        lambda: catalog.forget(first.sha256),
        lambda: catalog.remove(second.sha256),
        lambda: catalog.remove(source(9).sha256),
    )
    agrees(catalog)
    for number, write in enumerate(writes):
        write()
        try:
            agrees(catalog)
        except AssertionError as e:
            raise AssertionError(f"after write {number}") from e
    assert catalog.totals() == (0, 0)


def test_any_order_of_writes_keeps_them(catalog: Catalog) -> None:
    rnd = random.Random(3)  # noqa: S311
    for step in range(300):
        s = source(rnd.randrange(12), rnd.choice(("", "Formal", "Other")))
        known = catalog.get(s.sha256) is not None
        what = rnd.randrange(8) if known else 0
        if what == 0:
            begin(catalog, s, rnd.choice("ab"), pipeline=rnd.choice((PIPELINE, "older")))
        elif what == 1:
            catalog.progress(s.sha256, segments=rnd.randrange(9))
        elif what in (2, 3):
            catalog.finish(s.sha256, state=rnd.choice(("ready", "partial")), segments=step)
        elif what == 4:
            catalog.add_path(s.sha256, f"/m/File {rnd.randrange(12)}.jpg", size=1, mtime_ns=1)
        elif what == 5:
            catalog.add_collection(s.sha256, rnd.choice("abc"))
        elif what == 6:
            catalog.remove(s.sha256)
        else:
            catalog.gone([s.uri])
        if step % 20 == 0:
            agrees(catalog)
    agrees(catalog)


def test_a_store_of_an_older_version_counts_what_it_holds(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "catalog.sqlite")
    for number, script in enumerate(schema.MIGRATIONS[:5], 1):
        db.executescript(f"{script} PRAGMA user_version = {number};")
    for n in range(40):
        s, at = source(n), (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(n)).isoformat()
        db.execute(
            "INSERT INTO sources (sha256, id, uri, title, modality, mime, size, ingested_at, state,"
            " segments, model, pipeline, folded) VALUES (?, ?, ?, ?, 'image', '', 1, ?, ?, ?, 'm',"
            " ?, ?)",
            (s.sha256, s.id, s.uri, s.title, at, STATES[1 + n % 2], n,
             PIPELINE if n % 3 else "older", fold(s.title)),
        )  # fmt: skip
        db.execute(
            "INSERT INTO paths (path, sha256, size, mtime_ns, folded) VALUES (?, ?, 1, 1, ?)",
            (s.uri, s.sha256, fold(Path(s.uri).name)),
        )
        for name in ("default", "trip")[n % 2 :]:
            db.execute("INSERT INTO collections VALUES (?, ?)", (name, s.sha256))
    db.commit()
    db.close()
    with SqliteCatalog(tmp_path) as c:
        assert c.totals() == (40, sum(range(40)))
        agrees(c)
        begin(c, source(1))
        agrees(c)


@pytest.mark.parametrize("seen", [(), ("default",), ("default", "trips")])
def test_what_a_search_and_an_ingest_ask_is_found_through_indexes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: tuple[str, ...]
) -> None:
    whole = SqliteCatalog(tmp_path)
    for n in range(3):
        begin(whole, source(n))
    catalog = within(whole, seen) if seen else whole
    asked: list[tuple[str, tuple[Any, ...]]] = []
    all_of, one_of = whole._all, whole._one

    def all_noted(sql: str, *values: Any) -> Any:
        asked.append((sql, values))
        return all_of(sql, *values)

    def one_noted(sql: str, *values: Any) -> Any:
        asked.append((sql, values))
        return one_of(sql, *values)

    monkeypatch.setattr(whole, "_all", all_noted)
    monkeypatch.setattr(whole, "_one", one_noted)
    catalog.get("src_a")
    catalog.get_many(["src_a", "src_b"])
    catalog.with_duplicate_title(["src_a", "src_b"])
    catalog.totals()
    catalog.totals("default")
    catalog.count("default", state="partial")
    catalog.collections()
    catalog.speaker_names()
    catalog.named_speakers()
    catalog.speakers(["src_a"])
    catalog.find("picture 1")
    catalog.find("picture 1", "default")
    catalog.source_at("/m/File 1.jpg")
    catalog.by_path("/m/File 1.jpg", size=1, mtime_ns=1)
    catalog.list()
    catalog.list(collection="default")
    catalog.list(state="partial")
    assert len(asked) > 15
    for sql, values in asked:
        plan = [row["detail"] for row in all_of(f"EXPLAIN QUERY PLAN {sql}", *values)]
        kept = ("library_counts", "collection_counts", "speakers_by_name")
        paged = "_by_age" if "LIMIT ?" in sql else "-"  # until the page is full
        again = ("SCAN d", "SCAN m")  # what stands in several of the collections
        scans = [line for line in plan if line.startswith("SCAN")]
        assert all(any(n in line for n in (*kept, paged, *again)) for line in scans), (sql, plan)
    whole.close()
