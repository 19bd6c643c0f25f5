"""When the process that runs the engine ends, in whatever way, another one goes on for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import (
    Engine,
    IngestRequest,
    NotFoundError,
    SearchRequest,
    SharedEngine,
    StoreError,
    UnavailableError,
)
from omni_core.catalog.lock import FileLock
from omni_core.settings import Settings
from omni_core.sharing import attaching, place, shared_engine
from omni_core.sharing.connection import Connection, HostGoneError
from omni_core.sharing.hosting import Hosting
from omni_core.sharing.place import Notice, Place
from tests.omni_core.sharing.conftest import REPO, SLIDES, Share, until

pytestmark = pytest.mark.timeout(180)

Start = Callable[[], subprocess.Popen[str]]


async def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(90):
        return (await asyncio.to_thread(process.stdout.readline)).strip()


async def role(engine: SharedEngine) -> str:
    here: str = (await engine.status())["sharing"]["here"]
    return here


async def test_when_the_host_closes_calls_go_on_with_the_next_one(
    share: Share, settings: Settings
) -> None:
    settings = replace(settings, index="edge")
    host, client, other = [await share(settings) for _ in range(3)]
    call = asyncio.create_task(client.ingest(IngestRequest(str(SLIDES))))
    async with asyncio.timeout(90):
        await until(host, lambda status: bool(status["jobs"]))
        await host.close()
        assert (await call).state == "ready"
        assert (await other.search(SearchRequest("field trip"))).hits
        assert {await role(client), await role(other)} == {"host", "client"}


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is Unix's")
async def test_when_the_host_is_killed_calls_and_listening_go_on(
    share: Share, settings: Settings, other_process: Start, notes: Path
) -> None:
    settings = replace(settings, index="memory")
    host = await asyncio.to_thread(other_process)
    assert await line_of(host) == "host"
    client = await share(settings)
    heard: asyncio.Queue[str] = asyncio.Queue()
    client.on_change(heard.put)
    assert await role(client) == "client"
    call = asyncio.create_task(client.ingest(IngestRequest(str(SLIDES))))
    async with asyncio.timeout(120):
        await until(client, lambda status: bool(status["jobs"]) or call.done())
        host.send_signal(signal.SIGKILL)
        status = await call
        assert status.state == "ready"
        while await heard.get() != status.source_id:
            continue
        assert await role(client) == "host"
        again = await asyncio.to_thread(other_process)
        assert await line_of(again) == "client"


@pytest.mark.skipif(os.name == "nt", reason="SIGSTOP is Unix's")
async def test_a_host_that_stands_still_is_named_and_not_waited_for_without_end(
    share: Share, settings: Settings, other_process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omni_core.sharing import connection, handshake

    monkeypatch.setattr(connection, "PING_S", 0.05)
    monkeypatch.setattr(connection, "SILENT_S", 0.5)
    monkeypatch.setattr(handshake, "HANDSHAKE_S", 0.5)
    monkeypatch.setattr(attaching, "UNREACHABLE_S", 0.5)
    host = await asyncio.to_thread(other_process)
    assert await line_of(host) == "host"
    client = await share()
    host.send_signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(60):
            with pytest.raises(StoreError, match=f"pid {host.pid} holds .* cannot be reached"):
                await client.sources()
    finally:
        host.send_signal(signal.SIGCONT)
    async with asyncio.timeout(60):
        assert (await client.sources()).total == 0


async def test_of_ten_that_start_at_once_one_is_the_host(share: Share) -> None:
    async with asyncio.timeout(120):
        engines = await asyncio.gather(*(share() for _ in range(10)))
        roles = [await role(e) for e in engines]
    assert sorted(roles) == ["client"] * 9 + ["host"]


async def test_of_ten_that_lose_their_host_one_is_the_next(share: Share) -> None:
    async with asyncio.timeout(120):
        host = await share()
        clients = [await share() for _ in range(10)]
        await host.close()
        roles = await asyncio.gather(*(role(e) for e in clients))
    assert sorted(roles) == ["client"] * 9 + ["host"]


async def test_whoever_begins_to_run_the_engine_may_go_on_with_what_was_begun(
    share: Share, settings: Settings
) -> None:
    begun: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.timeout(60):
        first = await share()

        async def go_on(engine: Engine) -> None:
            begun.put_nowait(f"{(await engine.sources()).total} sources")

        async with await SharedEngine.open(settings, on_host=go_on) as second:
            assert isinstance(first.local, Engine) and second.local is None
            assert begun.empty()
            await first.close()
            assert await begun.get() == "0 sources"
            assert isinstance(second.local, Engine)


# A call that is made again


async def test_a_source_that_was_forgotten_just_before_the_host_ended_is_forgotten(
    share: Share, settings: Settings, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await share()
    client = await share()
    status = await client.ingest(IngestRequest(str(notes)))
    answer = Connection._call

    async def answer_is_lost(self: Connection, method: Any, arguments: Any) -> Any:
        result = await answer(self, method, arguments)
        if method.name == "forget":
            monkeypatch.undo()
            raise HostGoneError("just now")
        return result

    monkeypatch.setattr(Connection, "_call", answer_is_lost)
    assert (await client.forget(status.source_id)).id == status.source_id
    with pytest.raises(NotFoundError):
        await client.forget(status.source_id)


async def test_a_call_that_ends_every_host_is_given_up(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    await share()
    client = await share()
    tries = 0

    async def end(*_: Any) -> Any:
        nonlocal tries
        tries += 1
        raise HostGoneError("again")

    monkeypatch.setattr(Connection, "_call", end)
    with pytest.raises(UnavailableError, match="5 processes"):
        await client.sources()
    assert tries == shared_engine.MAX_TRIES


async def test_the_time_that_a_host_took_to_end_counts_as_waited() -> None:
    given = {"wait_s": 20.0, "other": 1}
    assert shared_engine._with_the_rest(given, 0.5) == given
    assert shared_engine._with_the_rest(given, 15)["wait_s"] == 5
    assert shared_engine._with_the_rest(given, 99)["wait_s"] == 0
    assert shared_engine._with_the_rest({"wait_s": None}, 99) == {"wait_s": None}


# What is left behind, and places where sharing is not simple


async def test_what_a_killed_host_left_is_replaced(share: Share, settings: Settings) -> None:
    folder = settings.store_path / "shared"

    def leave() -> None:
        folder.mkdir(parents=True)
        (folder / "lock").write_text(str(os.getpid()))  # a pid that lives, and holds nothing
        Place(settings.store_path).announce(Notice(f"unix:{folder / 'engine.sock'}"))
        with socket.socket(socket.AF_UNIX) as old:
            old.bind(str(folder / "engine.sock"))

    await asyncio.to_thread(leave)
    assert [await role(await share()) for _ in range(2)] == ["host", "client"]


async def test_a_notice_that_is_damaged_counts_as_none(share: Share, settings: Settings) -> None:
    def leave(left: str) -> Notice | None:
        folder = settings.store_path / "shared"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "notice.json").write_text(left)
        return Place(settings.store_path).notice()

    for left in ("", "{}", "[1]", '{"address": 5}', "\0", '{"secret": "zz"}'):
        assert await asyncio.to_thread(leave, left) is None
    assert await role(await share()) == "host"


async def test_after_the_last_one_nothing_is_left_but_the_lock_files(
    share: Share, settings: Settings
) -> None:
    host, client = await share(), await share()
    await client.close()
    await host.close()
    folder = settings.store_path / "shared"
    assert await asyncio.to_thread(lambda: [p.name for p in folder.iterdir()]) == ["lock"]


@pytest.mark.skipif(os.name == "nt", reason="looks at Unix sockets")
async def test_a_store_with_a_long_path_is_shared_through_a_private_folder(
    share: Share, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Path("/tmp") / f"omni-test-{os.getpid()}"  # noqa: S108 - short, and removed below
    await asyncio.to_thread(short.mkdir, mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    long = replace(settings, store=str(tmp_path / ("a" * 60) / ("b" * 60) / "store"))
    try:
        host, client = await share(long), await share(long)
        assert await role(client) == "client"
        (private,) = await asyncio.to_thread(lambda: list(short.iterdir()))
        assert (await asyncio.to_thread(private.stat)).st_mode & 0o777 == 0o700
        await client.close()
        await host.close()
        assert await asyncio.to_thread(lambda: list(short.iterdir())) == []
    finally:
        await asyncio.to_thread(short.rmdir)


async def test_where_there_can_be_no_unix_socket_loopback_serves(
    share: Share, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: Path) -> Any:
        raise OSError("not on this file system")

    monkeypatch.setattr(place, "_unix", none)
    await share()
    assert await role(await share()) == "client"
    notice = await asyncio.to_thread(Place(settings.store_path).notice)
    assert notice is not None and notice.address.startswith("tcp:127.0.0.1:")


async def test_where_nothing_can_listen_the_first_works_and_the_second_is_told_why(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: Place) -> Any:
        raise OSError("no sockets here")

    monkeypatch.setattr(Place, "listen", none)
    alone = await share()
    assert (await alone.sources()).total == 0
    with pytest.raises(StoreError, match=r"cannot be reached from here .no sockets here") as busy:
        await share()
    assert busy.value.code == "STORE_BUSY"


async def test_a_folder_that_cannot_be_written_is_served_by_who_can(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    await share()

    def read_only(_: Place) -> Any:
        raise StoreError("cannot write there")

    monkeypatch.setattr(Place, "elect", read_only)
    assert await role(await share()) == "client"


async def test_a_folder_that_cannot_be_written_and_that_nobody_serves_is_said(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(_: Place) -> Any:
        raise StoreError("cannot write there")

    monkeypatch.setattr(Place, "elect", read_only)
    with pytest.raises(StoreError, match="cannot write there"):
        await share()


async def test_an_engine_that_is_not_shared_is_named_after_a_moment(
    share: Share, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "ALONE_S", 0.2)
    async with await Engine.open(settings):
        with pytest.raises(StoreError, match=f"pid {os.getpid()} holds") as busy:
            await share()
        assert busy.value.code == "STORE_BUSY"
    assert await role(await share()) == "host"


async def test_a_holder_elsewhere_is_named_with_its_machine(
    share: Share, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another container that shares the volume, say."""
    monkeypatch.setattr(attaching, "UNREACHABLE_S", 0.2)

    def hold() -> FileLock:
        there = Place(settings.store_path)
        lock = there.elect()
        assert lock is not None
        there.announce(Notice("unix:/nowhere/engine.sock", pid=7, machine="other-box"))
        return lock

    lock = await asyncio.to_thread(hold)
    try:
        with pytest.raises(StoreError, match=r"pid 7 on other-box holds .* cannot be reached"):
            await share()
    finally:
        await asyncio.to_thread(lock.release)


async def test_one_that_opens_for_too_long_is_named(
    share: Share, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "WAIT_S", 0.2)
    lock = await asyncio.to_thread(Place(settings.store_path).elect)
    assert lock is not None
    try:
        with pytest.raises(StoreError, match=f"pid {os.getpid()} has been opening or closing"):
            await share()
    finally:
        await asyncio.to_thread(lock.release)


async def test_an_opening_that_is_cancelled_at_any_moment_leaves_the_store_free(
    share: Share, settings: Settings
) -> None:
    async with asyncio.timeout(120):
        for steps in range(0, 40, 2):
            opening = asyncio.create_task(SharedEngine.open(settings))
            for _ in range(steps):
                await asyncio.sleep(0.002)
            opening.cancel()
            await asyncio.wait([opening])
            if not opening.cancelled():
                await opening.result().close()
        assert await role(await share()) == "host"


async def test_an_engine_that_cannot_be_opened_leaves_the_store_to_the_next(
    share: Share, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise StoreError("the disk was away")

    with monkeypatch.context() as broken:
        broken.setattr(Hosting, "_serve", fails)
        for _ in range(2):
            with pytest.raises(StoreError, match="the disk was away"):
                await share()
    assert await role(await share()) == "host"


# Children


FORKS = """
import asyncio, os, signal, sys, time
from omni_core import SharedEngine, load_settings

async def main():
    settings = load_settings({"store": sys.argv[1], "encoder": "hashing", "speech": "off",
                              "screen_text": "off", "timezone": "UTC", "index": "memory"},
                             environ={})
    host = await SharedEngine.open(settings)
    client = await SharedEngine.open(settings)
    await client.sources()
    child = os.fork()
    if child == 0:
        signal.pause()
    print(child, flush=True)
    signal.pause()

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_forked_child_does_not_keep_a_killed_hosts_store(
    share: Share, settings: Settings
) -> None:
    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", FORKS, str(settings.store_path)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(REPO)},
        )  # fmt: skip

    parent = await asyncio.to_thread(start)
    child = int(await line_of(parent))
    try:
        parent.kill()
        await asyncio.to_thread(parent.wait, 30)
        async with asyncio.timeout(60):
            assert await role(await share()) == "host"
    finally:
        os.kill(child, signal.SIGKILL)
        assert parent.stdout is not None
        parent.stdout.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")
async def test_children_inherit_neither_the_socket_nor_the_lock(
    share: Share, settings: Settings, notes: Path
) -> None:
    host, client = await share(), await share()
    await client.ingest(IngestRequest(str(notes)))
    pids = (await host.status())["pids"]

    def held(pid: int | str) -> set[str]:
        names: set[str] = set()
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed since
                names.add(os.readlink(fd))
        return names

    def inherited(pid: int) -> list[str]:
        names, ours = held(pid), held("self")
        sockets = {n for n in names if n.startswith("socket:")}
        assert len(sockets) <= 1  # its end of the one by which memory is passed
        return sorted(sockets & ours) + [n for n in names if n.endswith("/lock")]

    for pid in (pids["models"], *pids["decoders"]):
        assert await asyncio.to_thread(inherited, pid) == []
