"""Several processes on one catalog: each file is ingested by one at a time, and a dead one's file
goes to another."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import processes
from omni_core.errors import BadRequestError, StoreError
from omni_core.types import Modality, Source

ROOT = Path(__file__).parents[3]
SOURCE = Source("ab" * 32, "/m/a.mp4", "A", Modality.VIDEO, "video/mp4", 1)
Open = Callable[..., Any]


def sha(n: int) -> str:
    return hashlib.sha256(str(n).encode()).hexdigest()


def begin(catalog: Any, source: Source = SOURCE, collection: str = "default") -> Any:
    return catalog.begin(source, collection=collection, mtime_ns=1, model="m", pipeline="p")


def expire(catalog: Any) -> None:
    """Let every lease run out, by the database's clock."""
    with catalog._writing() as db:
        db.execute("UPDATE sources SET lease_until = now() - make_interval(secs => 1)")
        db.execute("UPDATE begun SET lease_until = now() - make_interval(secs => 1)")


def test_a_file_that_another_process_ingests_is_refused_with_its_name(open_postgres: Open) -> None:
    one, two = open_postgres(), open_postgres()
    begin(one)
    assert f"pid {os.getpid()}" in two.ingested_by(SOURCE.sha256)
    assert one.ingested_by(SOURCE.sha256) == ""
    attempts: tuple[Callable[[Any], object], ...] = (
        begin,
        lambda c: c.finish(SOURCE.sha256, segments=1),
        lambda c: c.forget(SOURCE.sha256),
        lambda c: c.remove(SOURCE.sha256),
    )
    for attempt in attempts:
        with pytest.raises(StoreError, match="is ingesting this file") as refused:
            attempt(two)
        assert refused.value.code == "BUSY"
    begin(one)  # its own again
    one.finish(SOURCE.sha256, segments=3)
    assert two.ingested_by(SOURCE.sha256) == ""
    assert two.get(SOURCE.sha256).state == "ready"
    assert begin(two) == {}


def test_when_the_lease_has_run_out_another_goes_on_where_it_stopped(open_postgres: Open) -> None:
    one, two = open_postgres(), open_postgres()
    begin(one)
    one.progress(SOURCE.sha256, segments=4, resume={"at": 7})
    expire(one)
    assert begin(two) == {"at": 7}
    writes: tuple[Callable[[], object], ...] = (
        lambda: one.progress(SOURCE.sha256, segments=9),
        lambda: one.finish(SOURCE.sha256, segments=9),
        lambda: one.finish(SOURCE.sha256, state="partial", segments=9),
        lambda: one.remove(SOURCE.sha256),
        lambda: one.put_back(replace(two.get(SOURCE.sha256), state="ready")),
    )
    for late in writes:
        with pytest.raises(StoreError) as lost:
            late()
        assert lost.value.code == "LEASE_LOST"
    two.finish(SOURCE.sha256, segments=5)
    with pytest.raises(StoreError) as lost:  # also after the other has ended
        one.finish(SOURCE.sha256, state="partial", segments=9)
    assert lost.value.code == "LEASE_LOST"
    row = one.get(SOURCE.sha256)
    assert (row.state, row.segments) == ("ready", 5)
    assert begin(one) == {}  # and a new attempt is as good as any


def test_what_a_process_lost_to_another_it_can_forget_later(open_postgres: Open) -> None:
    slept, other = open_postgres(), open_postgres()
    begin(slept)
    expire(slept)
    begin(other)
    other.finish(SOURCE.sha256, segments=3)
    with pytest.raises(StoreError) as lost:
        slept.finish(SOURCE.sha256, segments=1)
    assert lost.value.code == "LEASE_LOST"
    slept.begin_forgetting(SOURCE.sha256)
    with pytest.raises(StoreError) as refused:
        begin(other)
    assert refused.value.code == "BUSY"
    slept.forget(SOURCE.sha256)
    assert other.get(SOURCE.sha256) is None
    begin(other)


def test_a_forgetting_that_failed_leaves_the_file_to_any_process(open_postgres: Open) -> None:
    one, other = open_postgres(), open_postgres()
    begin(one)
    one.finish(SOURCE.sha256, segments=3)
    one.begin_forgetting(SOURCE.sha256)
    assert (one.get(SOURCE.sha256).state, one.totals()) == ("partial", (1, 0))
    one.end_forgetting(SOURCE.sha256)
    begin(other)


def test_a_lease_that_ran_out_and_that_nobody_took_is_still_good(open_postgres: Open) -> None:
    one, two = open_postgres(), open_postgres()
    begin(one)
    expire(one)
    assert two.ingested_by(SOURCE.sha256) == ""
    one.renew()
    assert two.ingested_by(SOURCE.sha256) != ""
    expire(one)
    one.finish(SOURCE.sha256, segments=2)
    assert two.get(SOURCE.sha256).segments == 2


def test_opening_lets_go_of_what_the_dead_held_and_of_nothing_else(open_postgres: Open) -> None:
    one = open_postgres()
    begin(one)
    assert open_postgres().get(SOURCE.sha256).state == "processing"
    expire(one)
    assert open_postgres(read_only=True).get(SOURCE.sha256).state == "processing"
    row = open_postgres().get(SOURCE.sha256)
    assert (row.state, row.segments) == ("partial", 0)


def test_when_the_index_was_replaced_a_worker_begins_anew(open_postgres: Open) -> None:
    one, two = open_postgres(), open_postgres()
    begin(one)
    two.replace_index("m2", ())
    with pytest.raises(StoreError) as lost:
        one.finish(SOURCE.sha256, segments=2)
    assert lost.value.code == "LEASE_LOST"
    assert two.get(SOURCE.sha256).state == "partial"


def test_the_bin_is_dated_by_the_clock_of_the_database_not_of_the_machine(
    open_postgres: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast, right = open_postgres(), open_postgres()
    begin(right)
    right.finish(SOURCE.sha256, segments=0)
    monkeypatch.setattr(time, "time", lambda: 4e9)  # a machine in the year 2096
    before = right.now()
    fast.begin_binning(SOURCE.sha256)
    fast.fill_bin(SOURCE.sha256)
    [(entry, _)] = right.unfinished_in_bin()
    assert before <= entry.forgotten_at <= fast.now() < 3.9e9


def test_a_process_that_closes_gives_its_files_up(open_postgres: Open) -> None:
    one, two = open_postgres(), open_postgres()
    begin(one)
    one.close()
    assert begin(two) == {}


def test_requests_under_way_belong_to_their_process(open_postgres: Open) -> None:
    one, two = open_postgres(), open_postgres()
    one.note_begun("k", {"path": "/m"})
    assert one.begun() == {"k": {"path": "/m"}}
    assert two.begun() == {}
    expire(one)
    assert two.begun() == {"k": {"path": "/m"}}
    two.end_begun("k")
    assert one.begun() == {}


def test_the_same_request_of_two_processes_stays_on_record_until_both_ended(
    open_postgres: Open,
) -> None:
    """Two that ingest one folder: the first to be done does not end what the other is at."""
    one, two, three = open_postgres(), open_postgres(), open_postgres()
    one.note_begun("k", {"path": "/m"})
    two.note_begun("k", {"path": "/m"})
    one.end_begun("k")
    assert one.begun() == {}
    expire(two)  # it is killed
    assert three.begun() == {"k": {"path": "/m"}}
    three.note_begun("k", {"path": "/m"})
    three.end_begun("k")
    assert two.begun() == {}


def test_what_another_process_completed_meanwhile_is_not_begun_again(open_postgres: Open) -> None:
    one, two = open_postgres(), open_postgres()
    begin(one)
    one.finish(SOURCE.sha256, segments=3)
    with pytest.raises(StoreError) as refused:
        two.begin(SOURCE, collection="default", mtime_ns=1, model="m", pipeline="p",
                  unless_ready=True)  # fmt: skip
    assert refused.value.code == "BUSY"
    assert (two.get(SOURCE.sha256).state, two.get(SOURCE.sha256).segments) == ("ready", 3)
    two.begin(SOURCE, collection="default", mtime_ns=1, model="m", pipeline="later",
              unless_ready=True)  # fmt: skip
    assert one.get(SOURCE.sha256).state == "processing"


def test_a_process_that_runs_lets_go_of_what_a_dead_one_held(open_postgres: Open) -> None:
    one, two = open_postgres(), open_postgres(lease_s=0.001)
    begin(one)
    two.renew()
    assert two.get(SOURCE.sha256).state == "processing"
    expire(one)
    two.renew()
    assert two.get(SOURCE.sha256).state == "partial"


def test_many_processes_that_want_the_same_files_get_each_once(open_postgres: Open) -> None:
    """Six owners go through the same thirty files at once."""
    owners = [open_postgres() for _ in range(6)]
    files = [replace(SOURCE, sha256=sha(n), uri=f"/m/{n}") for n in range(30)]
    won: list[tuple[int, str]] = []
    wrong: list[BaseException] = []
    ready = threading.Barrier(len(owners))

    def work(number: int) -> None:
        ready.wait(30)
        for file in files:
            try:
                begin(owners[number], file)
            except StoreError as e:
                if e.code != "BUSY":
                    wrong.append(e)
            else:
                won.append((number, file.sha256))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(owners))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert sorted(sha256 for _, sha256 in won) == sorted(f.sha256 for f in files)
    assert owners[0].totals() == (30, 0)
    owners[0].renew()  # merges the rows that the counts are added up from
    assert owners[1].totals("default") == (30, 0)


WORKER = """
import sys
from omni_core.catalog.postgres import PostgresCatalog
from omni_core.types import Modality, Source
c = PostgresCatalog(sys.argv[1], sys.argv[2], lease_s=float(sys.argv[3]))
s = Source("ab" * 32, "/m/a.mp4", "A", Modality.VIDEO, "video/mp4", 1)
c.begin(s, collection="default", mtime_ns=1, model="m", pipeline="p")
c.note_begun("k", {"path": "/m/a.mp4"})
c.progress(s.sha256, segments=4, resume={"at": 7})
print("begun", flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_killed_is_followed_by_another(
    open_postgres: Open, postgres_url: str
) -> None:
    one = open_postgres()
    child = subprocess.Popen(
        [sys.executable, "-c", WORKER, postgres_url, open_postgres.schema, "600"],  # type: ignore[attr-defined]
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert child.stdout is not None and child.stdin is not None
    assert child.stdout.readline().strip() == b"begun"
    assert f"pid {child.pid}" in one.ingested_by(SOURCE.sha256)
    assert open_postgres().get(SOURCE.sha256).state == "processing"
    with pytest.raises(StoreError):
        begin(one)
    child.kill()
    child.wait(30)
    child.stdin.close()
    child.stdout.close()
    if not processes.identity():  # this system does not say who has ended
        expire(one)
    assert one.ingested_by(SOURCE.sha256) == ""
    two = open_postgres()
    assert (two.get(SOURCE.sha256).state, two.get(SOURCE.sha256).segments) == ("partial", 4)
    assert two.begun() == {"k": {"path": "/m/a.mp4"}}
    assert begin(one) == {"at": 7}
    one.finish(SOURCE.sha256, segments=6)
    assert one.totals() == (1, 6)


WRONG_CLOCK = """
import sys, time
from dataclasses import replace
true = time.time
time.time = lambda: true() + 3600 * float(sys.argv[4])
from omni_core.catalog.postgres import PostgresCatalog
from omni_core.errors import StoreError
from omni_core.types import Modality, Source
c = PostgresCatalog(sys.argv[1], sys.argv[2], lease_s=float(sys.argv[3]))
for sha256 in sys.argv[5:]:
    s = Source(sha256, "/m/a.mp4", "A", Modality.VIDEO, "video/mp4", 1)
    try:
        c.begin(s, collection="default", mtime_ns=1, model="m", pipeline="p")
        print("begun", flush=True)
    except StoreError as e:
        print(e.code, flush=True)
c.renew()
print("renewed", flush=True)
sys.stdin.read()
c.finish(sys.argv[-1], segments=3)
print("finished", flush=True)
c.close()
"""


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_worker_whose_clock_is_wrong_takes_no_file_of_others_and_loses_none(
    hours: int, open_postgres: Open, postgres_url: str
) -> None:
    one, held, free = open_postgres(lease_s=600), sha(1), sha(2)
    begin(one, replace(SOURCE, sha256=held))
    child = subprocess.Popen(
        [sys.executable, "-c", WRONG_CLOCK, postgres_url, open_postgres.schema, "600",  # type: ignore[attr-defined]
         str(hours), held, free],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True,
    )  # fmt: skip
    assert child.stdout is not None and child.stdin is not None
    assert [child.stdout.readline().strip() for _ in range(3)] == ["BUSY", "begun", "renewed"]
    with pytest.raises(StoreError, match="is ingesting this file"):
        begin(one, replace(SOURCE, sha256=free))
    one.renew()
    one.finish(held, segments=2)
    said, _ = child.communicate("", timeout=60)
    assert said.split() == ["finished"]
    assert [(one.get(n).state, one.get(n).segments) for n in (held, free)] == [
        ("ready", 2), ("ready", 3),
    ]  # fmt: skip


def test_what_cannot_be_opened_is_one_line_without_the_password(postgres_url: str) -> None:
    from omni_core.catalog.postgres import PostgresCatalog

    rest = postgres_url.split("@")[1]
    for url in (
        "postgresql://omni:hunter2@127.0.0.1:1/postgres",
        f"postgresql://nobody:hunter2@{rest}",
        f"postgresql://omni:hunter2@{rest.split('/')[0]}/nothing",
        "postgresql://omni:hunter2@[::1/postgres",
        "hunter2",
    ):
        with pytest.raises(StoreError) as refused:
            PostgresCatalog(url)
        told = str(refused.value)
        assert "hunter2" not in told and "\n" not in told and "catalog" in told


def test_a_catalog_of_a_newer_version_is_refused(open_postgres: Open) -> None:
    one = open_postgres()
    with one._writing() as db:
        db.execute("UPDATE catalog_version SET version = 99")
    with pytest.raises(StoreError, match="newer omni-mcp"):
        open_postgres()


def test_a_connection_that_broke_is_made_again(open_postgres: Open) -> None:
    one, two = open_postgres(), open_postgres()
    begin(one)
    two._all("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
             " AND backend_type = 'client backend'")  # fmt: skip
    assert one.totals() == (1, 0)
    one.finish(SOURCE.sha256, segments=1)
    assert two.totals() == (1, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="names of Linux's sockets")
def test_a_machine_that_vanished_without_a_word_is_noticed(postgres_url: str) -> None:
    from omni_core.catalog.postgres_connection import Pool

    def waits(url: str) -> tuple[int, int]:
        pool = Pool(url, "public")
        try:
            with (
                pool._pool.connection() as connection,
                socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as line,
            ):
                idle = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
                return idle, line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        finally:
            pool.close()

    assert waits(postgres_url) == (15, 30_000)
    assert waits(f"{postgres_url}?keepalives_idle=99") == (99, 30_000)  # the address counts
    pool = Pool(postgres_url, "public")
    try:
        settings = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
        found = [pool.read(f"SHOW {name}", ())[0][0] for name in settings]
    finally:
        pool.close()
    assert found == ["15", "5", "3"], "the server frees the locks of such a machine"


def test_a_title_with_a_nul_is_kept_without_it(open_postgres: Open) -> None:
    one = open_postgres()
    begin(one, replace(SOURCE, title="A\0B"))
    assert one.get(SOURCE.sha256).title == "AB"


def test_a_file_of_the_store_is_not_what_a_backup_of_it_copies(open_postgres: Open) -> None:
    with pytest.raises(BadRequestError, match="pg_dump"):
        open_postgres().hold()


def test_what_another_process_stores_is_seen_at_once(open_postgres: Open) -> None:
    one, two = open_postgres(), open_postgres()
    for n in range(3):
        file = replace(SOURCE, sha256=sha(n), uri=f"/m/{n}", title=f"T{n}")
        begin(one, file)
        one.finish(file.sha256, segments=n)
        assert two.totals() == (n + 1, sum(range(n + 1)))
        assert [r.title for r in two.find(f"t{n}")] == [f"T{n}"]
    assert json.dumps(two.collections()) == '{"default": 3}'


def test_a_write_asks_for_its_lock_and_whether_the_library_has_left_by_one_message(
    open_postgres: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from psycopg import Pipeline

    from omni_core.catalog.postgres_connection import PostgresTransaction

    one = open_postgres()
    together: list[bool] = []
    execute = PostgresTransaction.execute

    def watched(self: PostgresTransaction, statement: str, values: Sequence[object] = ()) -> Any:
        together.append(bool(self._connection.pgconn.pipeline_status))
        return execute(self, statement, values)

    monkeypatch.setattr(PostgresTransaction, "execute", watched)
    one.set_meta("a", "b")
    assert together == [True, True, False]
    monkeypatch.setattr(Pipeline, "is_supported", classmethod(lambda _: False))
    one.set_meta("a", "c")
    assert together[3:] == [False, False, False], "an older libpq"
    monkeypatch.undo()
    assert one.get_meta("a") == "c"
