"""The file of tasks: what is kept, who sees it, for how long, and what happens to a bad file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import StoreError
from omni_server.durable_tasks import store as store_module
from omni_server.durable_tasks.record import Record, new_id
from omni_server.durable_tasks.store import Store

ME, OTHER = "owner-one", "owner-two"


def made(**changes: Any) -> Record:
    now = time.time_ns() // 1_000_000
    call = {"name": "ingest_media", "arguments": {"source": "talk.mp4"}}
    return replace(Record(new_id(), "alice", call, now, now, ME), **changes)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def test_a_task_is_read_as_it_was_written_by_another_process_too(
    store: Store, tmp_path: Path
) -> None:
    record = made(message="5%", asked={"1.a": {"method": "x"}}, answers={"1.b": {}}, state="s")
    store.add(record)
    other = Store(tmp_path)
    assert other.get(record.id, "alice") == record == store.get(record.id, "alice")
    other.close()


def test_whose_it_is_not_sees_nothing(store: Store) -> None:
    record = made()
    store.add(record)
    assert store.get(record.id, "bob") is None
    assert store.get(record.id, "") is None


def test_ids_are_long_and_never_the_same() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(id) == len("task_") + 32 for id in ids)


def test_an_ended_task_is_forgotten_when_its_time_has_passed_and_a_running_one_never(
    store: Store,
) -> None:
    old = time.time_ns() // 1_000_000 - 10_000
    ended = made(status="completed", updated=old, ttl=5_000)
    kept = made(status="completed", updated=old, ttl=3_600_000)
    runs = made(updated=old, ttl=5_000)
    for record in (ended, kept, runs):
        store.add(record)
    assert store.get(ended.id, "alice") is None
    assert store.get(kept.id, "alice") == kept
    assert store.get(runs.id, "alice") == runs
    assert store.has_room()
    rows = sqlite3.connect(store._path)
    assert {row[0] for row in rows.execute("SELECT id FROM tasks")} == {kept.id, runs.id}
    rows.close()


def test_the_oldest_ended_tasks_make_room_for_new_ones(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_KEPT", 4)
    now = time.time_ns() // 1_000_000
    ended = [made(status="completed", updated=now + n) for n in range(5)]
    runs = made()
    for record in (runs, *ended):
        store.add(record)
    assert store.has_room()
    left = [record for record in (runs, *ended) if store.get(record.id, "alice")]
    assert left == [runs, ended[3], ended[4]]


def test_there_is_no_room_while_too_many_tasks_have_not_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_OPEN", 2)
    first, second = made(), made(status="input_required")
    store.add(first)
    assert store.has_room()
    store.add(second)
    assert not store.has_room()
    store.cancel(first.id)
    assert store.has_room()


def test_a_task_is_adopted_once_and_then_ended_by_its_new_owner_alone(store: Store) -> None:
    record = made()
    store.add(record)
    assert store.adopt(record, OTHER)
    assert not store.adopt(record, "owner-three")
    assert not store.end(record.id, ME, "completed", {"content": []}, "")
    assert store.report(ME, {record.id: "50%"}) == {record.id}
    assert store.report(OTHER, {record.id: "60%"}) == set()
    assert store.end(record.id, OTHER, "completed", {"content": []}, "done")
    found = store.get(record.id, "alice")
    assert found is not None
    assert (found.status, found.message, found.owner) == ("completed", "done", "")
    assert found.detailed()["result"] == {"content": []}


def test_a_cancelled_task_stays_cancelled_and_its_owner_is_told(store: Store) -> None:
    record = made()
    store.add(record)
    assert store.cancel(record.id)
    assert not store.cancel(record.id)
    assert not store.end(record.id, ME, "completed", {"content": []}, "")
    assert store.report(ME, {record.id: None}) == {record.id}
    found = store.get(record.id, "alice")
    assert found is not None
    assert found.status == "cancelled"


def test_what_a_process_leaves_at_its_end_is_nobodys(store: Store) -> None:
    runs, done = made(), made(status="completed")
    for record in (runs, done):
        store.add(record)
    store.release(ME)
    assert store.working() == [replace(runs, owner="")]


def test_questions_are_answered_in_parts_and_the_task_goes_on_once(store: Store) -> None:
    record = made()
    store.add(record)
    assert store.ask(record.id, ME, {"1.a": {"q": 1}, "1.b": {"q": 2}}, "state")
    accept, decline = {"action": "accept"}, {"action": "decline"}
    assert store.answer(record.id, {"1.b": accept, "1.c": accept}, OTHER) is None
    asked = store.get(record.id, "alice")
    assert asked is not None
    assert asked.detailed()["inputRequests"] == {"1.a": {"q": 1}}
    ready = store.answer(record.id, {"1.a": decline, "1.b": {"action": "cancel"}}, OTHER)
    assert ready is not None
    assert store.working() == [ready]
    assert (ready.owner, ready.asked, ready.round) == (OTHER, {}, 1)
    assert ready.call["inputResponses"] == {"a": decline, "b": accept}
    assert ready.call["requestState"] == "state"
    assert store.answer(record.id, {"1.a": accept}, ME) is None


def test_times_on_the_wire_are_whole_milliseconds_from_the_creation(store: Store) -> None:
    record = made(created=1_000, updated=61_000, ttl=5_000)
    head = record.head()
    assert head["createdAt"] == "1970-01-01T00:00:01.000Z"
    assert head["lastUpdatedAt"] == "1970-01-01T00:01:01.000Z"
    assert head["ttlMs"] == 65_000
    assert head["pollIntervalMs"] == 6_000
    assert made().head()["pollIntervalMs"] == 1_000


def test_a_newer_file_is_left_alone_and_said_so(tmp_path: Path) -> None:
    Store(tmp_path).close()
    file = sqlite3.connect(tmp_path / "tasks.sqlite3")
    file.execute("PRAGMA user_version = 7")
    file.close()
    with pytest.raises(StoreError, match=r"tasks\.sqlite3 was written by a newer omni-mcp \(vers"):
        Store(tmp_path)


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "tasks.sqlite3").write_bytes(b"no database at all" * 500)
    with pytest.raises(StoreError, match="the file is damaged: move it away"):
        Store(tmp_path)


def test_damage_found_later_says_what_to_do(store: Store) -> None:
    record = made()
    store.add(record)
    file = sqlite3.connect(store._path)
    file.execute("UPDATE tasks SET call = '{'")
    file.commit()
    file.close()
    with pytest.raises(StoreError, match="the file is damaged: move it away"):
        store.get(record.id, "alice")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot make the folder"):
        Store(tmp_path / "file" / "tasks")


def test_a_closed_store_is_an_error_of_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.close()
    with pytest.raises(StoreError, match="try again"):
        store.working()
