"""The catalog: what is known of each source, and that a crash leaves "before" or "after"."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from omni_core.catalog import Catalog, SqliteCatalog, schema
from omni_core.errors import BadRequestError, NotFoundError, StoreError
from omni_core.types import Modality, Source

ROOT = Path(__file__).parents[3]


def sha(n: int) -> str:
    return hashlib.sha256(str(n).encode()).hexdigest()


def source(n: int, **changes: Any) -> Source:
    plain = Source(
        sha256=sha(n),
        uri=f"/media/Film {n}.mp4",
        title=f"Holiday {n}",
        modality=Modality.VIDEO,
        mime="video/mp4",
        size=1000 + n,
        duration_s=60.0,
        recorded_at=datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=n),
        recorded_at_from="container",
    )
    return dataclasses.replace(plain, **changes)


def begin(catalog: Catalog, s: Source, collection: str = "default", **changes: Any) -> Any:
    facts = {"mtime_ns": 7, "model": "m1", "pipeline": "p1", **changes}
    return catalog.begin(s, collection=collection, **facts)


def stored(catalog: Catalog, s: Source, column: str) -> Any:
    """A column that is written for the next run, and for people with a SQLite shell."""
    row = catalog._one(f"SELECT {column} FROM sources WHERE sha256 = ?", s.sha256)  # noqa: S608
    assert row is not None
    return json.loads(row[0])


def test_a_source_goes_from_processing_to_ready(catalog: Catalog) -> None:
    s = source(1)
    assert begin(catalog, s) == {}
    catalog.progress(s.sha256, progress=0.4, stage="reading", segments=12, warnings=("slow",))
    row = catalog.get(s.id)
    assert row is not None
    assert (row.state, row.progress, row.segments, row.warnings) == (
        "processing", 0.4, 12, ("slow",),
    )  # fmt: skip
    catalog.finish(s.sha256, segments=30, duration_s=61.5, timings={"cut": 1.5})
    row = catalog.get(s.sha256)
    assert row is not None
    assert (row.state, row.progress, row.segments, row.duration_s) == ("ready", 1.0, 30, 61.5)
    assert row.warnings == ()
    assert (row.title, row.modality, row.uri, row.size) == (s.title, s.modality, s.uri, s.size)
    assert (row.recorded_at, row.recorded_at_from) == (s.recorded_at, "container")
    assert (row.model, row.pipeline, row.collections) == ("m1", "p1", ("default",))
    assert row.ingested_at is not None and row.ingested_at.tzinfo is not None
    assert stored(catalog, s, "timings") == {"cut": 1.5}


def test_an_empty_library_becomes_that_of_the_model_whose_source_comes_first(
    catalog: Catalog,
) -> None:
    assert catalog.set_meta_once("fingerprint", "m1") == "m1"
    assert catalog.set_meta_once("fingerprint", "m2") == "m1", "who opens it second is told"
    begin(catalog, source(1), model="m2")  # it was opened while the library was empty
    assert catalog.get_meta("fingerprint") == "m2"


def test_a_library_that_another_model_has_filled_takes_no_source(catalog: Catalog) -> None:
    catalog.set_meta("fingerprint", "m1")
    begin(catalog, source(1), model="m1")
    with pytest.raises(StoreError, match="m1, this one runs m2") as caught:
        begin(catalog, source(2), model="m2")
    assert caught.value.code == "MODEL_MISMATCH"
    assert catalog.get_meta("fingerprint") == "m1" and catalog.get(sha(2)) is None


def test_work_goes_on_where_it_stopped_for_the_same_model_and_pipeline(catalog: Catalog) -> None:
    s = source(1)
    begin(catalog, s)
    catalog.progress(s.sha256, progress=0.5, segments=8, resume={"done": ["a", "b"], "page": 3})
    assert begin(catalog, s) == {"done": ["a", "b"], "page": 3}
    assert stored(catalog, s, "resume") == {"done": ["a", "b"], "page": 3}
    row = catalog.get(s.id)
    assert row is not None and (row.segments, row.progress) == (8, 0.5)


@pytest.mark.parametrize("changes", [{"model": "m2"}, {"pipeline": "p2"}], ids=str)
def test_work_starts_afresh_for_another_model_or_pipeline(
    catalog: Catalog, changes: dict[str, str]
) -> None:
    s = source(1)
    begin(catalog, s)
    catalog.progress(s.sha256, segments=8, resume={"done": ["a"]})
    assert begin(catalog, s, **changes) == {}
    row = catalog.get(s.id)
    assert row is not None and row.segments == 0


def test_a_complete_source_has_nothing_to_resume(catalog: Catalog) -> None:
    s = source(1)
    begin(catalog, s)
    catalog.progress(s.sha256, resume={"done": ["a"]})
    catalog.finish(s.sha256, segments=1)
    assert stored(catalog, s, "resume") == {}
    assert begin(catalog, s) == {}


def test_a_complete_source_that_is_begun_again_starts_from_nothing(catalog: Catalog) -> None:
    s = source(1)
    begin(catalog, s)
    catalog.progress(s.sha256, progress=0.9, segments=8, resume={"done": ["a"]})
    catalog.finish(s.sha256, segments=9, timings={"cut": 1.5})
    begin(catalog, s)
    row = catalog.get(s.id)
    assert row is not None
    assert (row.state, row.progress, row.segments) == ("processing", 0.0, 0)
    assert stored(catalog, s, "timings") == {}


def test_a_partial_source_keeps_what_it_can_resume(catalog: Catalog) -> None:
    s = source(1)
    begin(catalog, s)
    catalog.progress(s.sha256, progress=0.3, resume={"done": ["a"]})
    catalog.finish(s.sha256, state="partial", segments=4, warnings=["CANCELLED: stopped"])
    row = catalog.get(s.id)
    assert row is not None and (row.state, row.progress) == ("partial", 0.3)
    assert begin(catalog, s) == {"done": ["a"]}


def test_the_same_bytes_at_two_paths_are_one_source(catalog: Catalog) -> None:
    s = source(1)
    begin(catalog, s)
    catalog.add_path(s.sha256, "/other/copy.mp4", size=s.size, mtime_ns=9)
    assert catalog.paths(s.id) == [s.uri, "/other/copy.mp4"]
    assert catalog.totals()[0] == 1
    assert catalog.by_path("/other/copy.mp4", size=s.size, mtime_ns=9) == s.sha256


def test_a_path_is_known_only_while_size_and_time_are_the_same(catalog: Catalog) -> None:
    s = source(1)
    begin(catalog, s)
    assert catalog.by_path(s.uri, size=s.size, mtime_ns=7) == s.sha256
    assert catalog.by_path(s.uri, size=s.size, mtime_ns=8) is None
    assert catalog.by_path(s.uri, size=s.size + 1, mtime_ns=7) is None
    assert catalog.by_path("/elsewhere", size=s.size, mtime_ns=7) is None


def test_a_path_with_new_bytes_belongs_to_the_new_source(catalog: Catalog) -> None:
    old, new = source(1), source(2, uri=source(1).uri)
    begin(catalog, old)
    begin(catalog, new, mtime_ns=8)
    assert catalog.by_path(new.uri, size=new.size, mtime_ns=8) == new.sha256
    assert catalog.paths(old.id) == []


def test_a_source_may_be_in_several_collections(catalog: Catalog) -> None:
    begin(catalog, source(1))
    begin(catalog, source(1), "trip")
    catalog.add_collection(source(1).id, "work")
    begin(catalog, source(2), "trip")
    catalog.progress(source(1).sha256, segments=5)
    catalog.progress(source(2).sha256, segments=2)
    assert catalog.collections() == {"default": 1, "trip": 2, "work": 1}
    assert catalog.collections_of(source(1).sha256) == ["default", "trip", "work"]
    assert catalog.totals() == (2, 7)
    assert catalog.totals("work") == (1, 5)
    assert catalog.totals("nothing") == (0, 0)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (source(3).id, [3]),
        (source(3).sha256, [3]),
        ("/media/Film 3.mp4", [3]),
        ("holiday 3", [3]),
        ("FILM 1.MP4", [1]),
        ("Holiday", [1, 2, 3, 12]),
        ("1", [1, 12]),
        ("mp4 holiday 12", [12]),
        ("ﬁlm 3", [3]),  # the ligature
        ("100%", []),
        ("", []),
        ("src_nonsense", []),
    ],
)
def test_sources_are_found_by_id_path_title_and_file_name(
    catalog: Catalog, wanted: str, found: list[int]
) -> None:
    for n in (1, 2, 3, 12):
        begin(catalog, source(n))
    assert {r.sha256 for r in catalog.find(wanted)} == {source(n).sha256 for n in found}


def test_a_whole_title_wins_over_longer_ones_that_contain_it(catalog: Catalog) -> None:
    begin(catalog, source(1, title="Talk"))
    begin(catalog, source(2, title="Talk, part two"))
    assert [r.title for r in catalog.find("talk")] == ["Talk"]
    assert len(catalog.find("tal")) == 2


def test_finding_is_limited_to_a_collection(catalog: Catalog) -> None:
    begin(catalog, source(1), "trip")
    begin(catalog, source(2), "work")
    assert [r.id for r in catalog.find("Holiday", "work")] == [source(2).id]
    assert catalog.find(source(1).id, "work") == []


def test_listing_pages_through_everything_once_newest_first(catalog: Catalog) -> None:
    for n in range(1, 13):
        begin(catalog, source(n))
    seen: list[str] = []
    after = None
    while True:
        rows, total, after = catalog.list(limit=5, after=after)
        seen += [r.id for r in rows]
        assert total == 12
        if after is None:
            break
        if len(seen) == 5:
            begin(catalog, source(20))  # a newcomer does not shift the pages
            catalog.remove(source(20).id)
    assert seen == [source(n).id for n in range(12, 0, -1)]


def test_listing_is_narrowed_by_every_condition(catalog: Catalog) -> None:
    for n in range(1, 7):
        begin(catalog, source(n), "even" if n % 2 == 0 else "odd")
    begin(catalog, source(9, recorded_at=None), "odd")
    catalog.finish(source(4).sha256, segments=1)

    def ids(**conditions: Any) -> set[str]:
        rows, total, _ = catalog.list(limit=100, **conditions)
        assert total == len(rows)
        return {r.id for r in rows}

    assert ids(collection="even") == {source(n).id for n in (2, 4, 6)}
    assert ids(state="ready") == {source(4).id}
    assert ids(match="film 3") == {source(3).id}
    since = datetime(2026, 1, 4, 14, tzinfo=timezone(timedelta(hours=2)))  # 12:00 UTC: source 3
    assert ids(recorded_from=since, recorded_to=datetime(2026, 1, 6, tzinfo=UTC)) == {
        source(3).id, source(4).id,
    }  # fmt: skip
    assert ids(recorded_from=since, collection="even", state="processing") == {source(6).id}
    assert ids(match="nobody") == set()


def test_many_sources_are_read_in_one_query_by_their_ids(catalog: Catalog) -> None:
    for n in range(1, 5):
        begin(catalog, source(n))
    found = catalog.get_many([source(1).id, source(3).id, "src_unknown"])
    assert found == {source(n).id: catalog.get(source(n).id) for n in (1, 3)}
    assert catalog.get_many([]) == {}


def test_a_title_is_shared_with_the_title_or_the_file_name_of_another_source(
    catalog: Catalog,
) -> None:
    begin(catalog, source(1, title="Holiday"))
    begin(catalog, source(2, title="hOLIDAY "))
    begin(catalog, source(3, title="film 4.mp4"))
    begin(catalog, source(4, title="Other", uri="/media/film 4.mp4"))
    begin(catalog, source(5, title="Only one", uri="/media/Only one"))
    begin(catalog, source(6, title=""))
    begin(catalog, source(7, title=""))
    everything = [source(n).id for n in range(1, 8)]
    assert catalog.with_duplicate_title(everything) == {source(n).id for n in (1, 2, 3)}
    assert catalog.with_duplicate_title([source(1).id]) == {source(1).id}
    assert catalog.with_duplicate_title([]) == set()


def test_removing_forgets_paths_and_collections_too(catalog: Catalog) -> None:
    begin(catalog, source(1), "trip")
    row = catalog.remove(source(1).id)
    assert row is not None and row.sha256 == source(1).sha256
    assert catalog.get(source(1).id) is None
    assert catalog.collections() == {}
    assert catalog.by_path(source(1).uri, size=source(1).size, mtime_ns=7) is None
    assert catalog.remove(source(1).id) is None
    with pytest.raises(NotFoundError):
        catalog.progress(source(1).sha256, progress=0.5)


def test_moving_to_another_model_keeps_what_its_index_holds_and_asks_for_the_rest(
    catalog: Catalog,
) -> None:
    for n in (1, 2):
        begin(catalog, source(n))
        catalog.finish(source(n).sha256, segments=5)
    catalog.replace_index("m2", [source(1).sha256])
    catalog.replace_index("m2", [source(1).sha256])  # again: nothing happens
    rows = {r.id: (r.state, r.model, r.segments) for r in catalog.list()[0]}
    assert rows == {source(1).id: ("ready", "m2", 5), source(2).id: ("partial", "m1", 0)}
    assert catalog.get_meta("fingerprint") == "m2"
    assert begin(catalog, source(2), model="m2") == {}


def test_another_model_may_find_what_the_first_could_not(catalog: Catalog) -> None:
    for n in (1, 2):
        begin(catalog, source(n))
        catalog.finish(source(n).sha256, segments=1, empty="its sound is silent")
    held = [source(1).sha256, source(2).sha256]
    catalog.replace_index("m2", held, {source(2).sha256: "no speech"})
    empty = {r.id: r.empty for r in catalog.list()[0]}
    assert empty == {source(1).id: "", source(2).id: "no speech"}


def test_titles_of_any_script_and_quotes_are_kept(catalog: Catalog) -> None:
    title = "L'été \"东京\" %_'; DROP TABLE sources; --"
    begin(catalog, source(1, title=title, uri="/m/naïve 'x'.mp4"))
    (row,) = catalog.find(title)
    assert row.title == title
    assert [r.id for r in catalog.find("ÉTÉ drop")] == [source(1).id]


def test_facts_about_the_store_are_kept(tmp_path: Path) -> None:
    with SqliteCatalog(tmp_path) as c:
        assert c.get_meta("fingerprint") is None
        c.set_meta("fingerprint", "a")
        c.set_meta("fingerprint", "b")
    with SqliteCatalog(tmp_path) as c:
        assert c.get_meta("fingerprint") == "b"


def test_threads_take_turns(catalog: Catalog) -> None:
    begin(catalog, source(1))
    errors: list[BaseException] = []

    def work(n: int) -> None:
        try:
            for i in range(20):
                begin(catalog, source(n * 100 + i + 2, recorded_at=None))
                catalog.list(limit=3)
                catalog.progress(source(1).sha256, segments=i)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert errors == []
    assert catalog.totals()[0] == 121


# ---- one writer


def test_a_second_writer_is_refused_with_the_holder_s_pid(tmp_path: Path) -> None:
    with SqliteCatalog(tmp_path):
        with pytest.raises(StoreError, match=f"pid {os.getpid()} holds") as refused:
            SqliteCatalog(tmp_path)
        assert refused.value.code == "STORE_BUSY"
        assert "--store" in str(refused.value)
    with SqliteCatalog(tmp_path):
        pass


HOLDER = """
import sys
from pathlib import Path
from omni_core.catalog import SqliteCatalog
c = SqliteCatalog(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def python() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a child that runs a script; all are killed at the end."""
    children: list[subprocess.Popen[bytes]] = []

    def start(script: str, *args: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-c", script, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.wait(30)
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def test_another_process_is_named_and_its_death_frees_the_store(
    tmp_path: Path, python: Any
) -> None:
    holder = python(HOLDER, str(tmp_path))
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(StoreError, match=f"pid {holder.pid} holds"):
        SqliteCatalog(tmp_path)
    holder.send_signal(signal.SIGKILL)
    holder.wait(30)
    with SqliteCatalog(tmp_path):
        pass


def test_a_stale_lock_file_of_a_dead_process_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("1")  # a pid that lives, but holds nothing
    with SqliteCatalog(tmp_path) as c:
        assert c.totals() == (0, 0)
    assert (tmp_path / "lock").read_text() == ""


def test_children_do_not_inherit_the_lock(tmp_path: Path, python: Any) -> None:
    catalog = SqliteCatalog(tmp_path)
    child = python("import sys; print('up', flush=True); sys.stdin.read()")
    assert child.stdout.readline() == b"up\n"
    catalog.close()
    SqliteCatalog(tmp_path).close()


def test_readers_look_while_a_writer_works(tmp_path: Path) -> None:
    with SqliteCatalog(tmp_path) as writer, SqliteCatalog(tmp_path, read_only=True) as reader:
        begin(writer, source(1))
        row = reader.get(source(1).id)
        assert row is not None and row.state == "processing"
        with pytest.raises(StoreError, match="readonly"):
            reader.set_meta("a", "b")


def test_a_reader_of_a_store_that_is_not_there_sees_an_empty_library(tmp_path: Path) -> None:
    with SqliteCatalog(tmp_path / "none", read_only=True) as reader:
        assert reader.list() == ([], 0, None)
    assert not (tmp_path / "none").exists()


# ---- crashes


def test_what_was_processing_is_partial_after_a_crash_and_can_go_on(tmp_path: Path) -> None:
    with SqliteCatalog(tmp_path) as c:
        begin(c, source(1))
        c.progress(source(1).sha256, progress=0.5, segments=4, resume={"done": ["a"]})
        begin(c, source(2), state="queued")
        begin(c, source(3))
        c.finish(source(3).sha256, segments=9)
    with SqliteCatalog(tmp_path) as c:
        states = {r.id: r.state for r in c.list()[0]}
        assert states == {source(1).id: "partial", source(2).id: "partial", source(3).id: "ready"}
        assert begin(c, source(1)) == {"done": ["a"]}


WRITER = """
import hashlib, sys
from pathlib import Path
from omni_core.catalog import SqliteCatalog
from omni_core.types import Modality, Source
c = SqliteCatalog(Path(sys.argv[1]))
n = int(sys.argv[2])
while True:
    digest = hashlib.sha256(str(n).encode()).hexdigest()
    s = Source(digest, f"/m/{n}", f"t{n}", Modality.AUDIO, "audio/wav", n)
    c.begin(s, collection="default", mtime_ns=n, model="m", pipeline="p")
    c.progress(s.sha256, segments=n, resume={"n": n})
    c.finish(s.sha256, segments=n)
    n += 1
    print(n, flush=True)
"""


def test_kill_9_of_a_writer_loses_nothing_acknowledged(tmp_path: Path, python: Any) -> None:
    done = 0
    for lines in (1, 7, 30, 13, 3):
        writer = python(WRITER, str(tmp_path), str(done))
        for _ in range(lines):
            done = int(writer.stdout.readline())
        writer.kill()
        done = max([done, *map(int, writer.stdout.read().split())])
        writer.wait(30)
        with SqliteCatalog(tmp_path) as c:
            for n in range(done):
                row = c.get(sha(n))
                assert row is not None and (row.state, row.segments) == ("ready", n)
            rows, total, _ = c.list(limit=1000)
            assert total in (done, done + 1)  # one may have been under way
            assert {r.state for r in rows} <= {"ready", "partial"}
            assert c._db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def _before(catalog: Catalog) -> None:
    begin(catalog, source(1))
    catalog.progress(source(1).sha256, progress=0.5, segments=4, resume={"done": ["a"]})


STEPS: dict[str, Callable[[Catalog], Any]] = {
    "begin": lambda c: begin(c, source(2), "trip"),
    "begin again": lambda c: begin(c, source(1), "trip", pipeline="p2"),
    "progress": lambda c: c.progress(source(1).sha256, segments=5, resume={"done": ["a", "b"]}),
    "finish": lambda c: c.finish(source(1).sha256, segments=9, timings={"cut": 1.0}),
    "add path": lambda c: c.add_path(source(1).sha256, "/copy", size=1, mtime_ns=1),
    "add collection": lambda c: c.add_collection(source(1).sha256, "work"),
    "remove": lambda c: c.remove(source(1).sha256),
}


def _everything(catalog: Catalog) -> list[Any]:
    tables = ("sources", "paths", "collections", "meta")
    hidden = {"ingested_at"}
    return [
        [
            {k: v for k, v in zip(row.keys(), tuple(row), strict=True) if k not in hidden}
            for row in catalog._all(f"SELECT * FROM {table}")  # noqa: S608
        ]
        for table in tables
    ]


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_a_write_that_fails_at_any_moment_leaves_before_or_after(
    tmp_path: Path, step: Callable[[Catalog], Any]
) -> None:
    """SQLite is interrupted at its n-th check for every n, until the step passes."""
    with SqliteCatalog(tmp_path / "after") as c:
        _before(c)
        before = _everything(c)
        step(c)
        after = _everything(c)
    assert before != after
    with SqliteCatalog(tmp_path / "failing") as c:
        _before(c)
        for n in range(1, 10_000):
            left = n

            def interrupt() -> int:
                nonlocal left
                left -= 1
                return int(left == -1)

            c._db.set_progress_handler(interrupt, 1)
            try:
                step(c)
                passed = True
            except StoreError as e:
                passed = False
                assert "catalog failed" in str(e)
            finally:
                c._db.set_progress_handler(None, 0)
            now = _everything(c)
            assert now == after if passed else now in (before, after)
            if passed:
                break
        assert passed and n > 10


FULL_DISK = """
import hashlib, resource, signal, sys
from pathlib import Path
from omni_core.catalog import SqliteCatalog
from omni_core.errors import StoreError
from omni_core.types import Modality, Source
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Path(sys.argv[1])
c = SqliteCatalog(store)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
stored, refused = 0, 0
for n in range(400):
    wal = store / "catalog.sqlite-wal"
    size = max(wal.stat().st_size if wal.exists() else 0, 4096)
    limit = size + (n * 997) % 30_000 if n % 2 else hard
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    digest = hashlib.sha256(str(n).encode()).hexdigest()
    s = Source(digest, f"/m/{n}", "t" * 2000, Modality.AUDIO, "audio/wav", n)
    try:
        c.begin(s, collection="default", mtime_ns=n, model="m", pipeline="p")
        stored += 1
        expected = True
    except StoreError as e:
        assert "free some space" in str(e), e
        refused += 1
        expected = False
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert (c.get(s.sha256) is not None) == expected
assert c.totals()[0] == stored
assert c._db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
c.close()
print(refused)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are POSIX")
def test_a_disk_that_is_full_refuses_and_loses_nothing(tmp_path: Path, python: Any) -> None:
    """The operating system refuses writes at many different bytes of the log."""
    child = python(FULL_DISK, str(tmp_path))
    out, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    assert int(out) > 20


def test_a_damaged_file_is_one_line_and_the_lock_is_let_go(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"this is not a database" * 400)
    for _ in range(2):
        with pytest.raises(StoreError, match="damaged") as damaged:
            SqliteCatalog(tmp_path)
        assert damaged.value.code == "STORE_FAILED"


def test_a_store_from_the_future_is_refused(tmp_path: Path) -> None:
    SqliteCatalog(tmp_path).close()
    db = sqlite3.connect(tmp_path / "catalog.sqlite")
    db.execute("PRAGMA user_version = 99")
    db.close()
    for read_only in (False, True):
        with pytest.raises(StoreError, match="newer omni-mcp"):
            SqliteCatalog(tmp_path, read_only=read_only)


def test_an_older_file_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SqliteCatalog(tmp_path) as c:
        begin(c, source(1))
    step = "ALTER TABLE sources ADD COLUMN note TEXT NOT NULL DEFAULT 'old';"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    with pytest.raises(StoreError, match="older omni-mcp"):
        SqliteCatalog(tmp_path, read_only=True)
    with SqliteCatalog(tmp_path) as c:
        assert c.get(source(1).id) is not None
        assert c._db.execute("SELECT note FROM sources").fetchone()[0] == "old"


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--store"):
        SqliteCatalog(tmp_path / "file" / "store")
    (tmp_path / "lock").mkdir()
    with pytest.raises(StoreError, match="--store"):
        SqliteCatalog(tmp_path)


def test_a_text_of_thousands_of_words_is_too_many_words_and_no_failed_catalog(
    catalog: Catalog,
) -> None:
    pasted = " ".join(f"word{n}" for n in range(2000))
    for look in (lambda: catalog.find(pasted), lambda: catalog.list(match=pasted)):
        with pytest.raises(BadRequestError, match="the title has 2,000 words; at most 50"):
            look()
    assert catalog.find("again " * 2000) == []  # one word, however often
