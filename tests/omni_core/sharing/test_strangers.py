"""Only processes of the same user that can read the store's secret are served, and none of those
that connect can disturb the host, whatever they send."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import SharedEngine, StoreError
from omni_core.codec import MalformedError
from omni_core.settings import Settings
from omni_core.sharing import attaching, handshake, host, link, reports
from omni_core.sharing.handshake import StrangerError, enter
from omni_core.sharing.link import Link, from_bytes, to_bytes
from omni_core.sharing.place import Notice, Place, connect
from omni_core.sharing.terms import Terms, terms_of
from tests.omni_core.sharing.conftest import Share

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.name == "nt", reason="looks at Unix sockets and modes"),
]


async def notice_of(settings: Settings) -> Notice:
    found = await asyncio.to_thread(Place(settings.store_path).notice)
    assert found is not None
    return found


@asynccontextmanager
async def raw(settings: Settings, secret: str | None = None) -> AsyncIterator[Link]:
    """A connection to the host; with a secret, after the handshake and the welcome."""
    to = await Link.over(await connect((await notice_of(settings)).address))
    try:
        if secret is not None:
            await enter(to, bytes.fromhex(secret))
            body, _ = await to.receive()
            assert "welcome" in body
        yield to
    finally:
        await to.close()


async def closed_by_the_host(by: Link) -> bytes:
    """What the host still sent, until it ended the connection."""
    async with asyncio.timeout(30):
        try:
            return await by.reader.read(-1)
        except ConnectionError:
            return b""


async def test_the_secret_and_the_socket_are_for_this_user_alone(
    share: Share, settings: Settings
) -> None:
    await share()

    def modes() -> dict[str, int]:
        folder = settings.store_path / "shared"
        found = {p.name: stat.S_IMODE(p.lstat().st_mode) for p in folder.iterdir()}
        return found | {"": stat.S_IMODE(folder.stat().st_mode)}

    expected = {"": 0o700, "lock": 0o600, "notice.json": 0o600, "engine.sock": 0o600}
    assert await asyncio.to_thread(modes) == expected


async def test_who_does_not_know_the_secret_is_told_nothing(
    share: Share, settings: Settings
) -> None:
    await share()
    async with raw(settings) as stranger:
        greeting = await stranger.reader.readexactly(len(handshake.MAGIC) + handshake.NONCE)
        assert greeting.startswith(handshake.MAGIC)
        stranger.writer.write(os.urandom(handshake.NONCE + handshake.PROOF))
        assert await closed_by_the_host(stranger) == b""
    assert (await (await share()).sources()).total == 0


async def test_a_proof_of_one_connection_does_not_open_another(
    share: Share, settings: Settings
) -> None:
    await share()
    secret = bytes.fromhex((await notice_of(settings)).secret)
    async with raw(settings) as one, raw(settings) as two:
        greeting = await one.reader.readexactly(len(handshake.MAGIC) + handshake.NONCE)
        nonce = greeting[len(handshake.MAGIC) :]
        mine = os.urandom(handshake.NONCE)
        two.writer.write(mine + handshake._proof(secret, "client", nonce, mine))
        answer = await closed_by_the_host(two)
        assert len(answer) == len(greeting)


async def test_a_program_that_took_the_hosts_place_is_not_believed() -> None:
    left, right = socket.socketpair()
    mine, theirs = await Link.over(left), await Link.over(right)

    async def pretend() -> None:
        theirs.writer.write(handshake.MAGIC + os.urandom(handshake.NONCE))
        await theirs.reader.readexactly(handshake.NONCE)
        theirs.writer.write(await theirs.reader.readexactly(handshake.PROOF))  # all it can show

    try:
        with pytest.raises(StrangerError, match="another program"):
            await asyncio.gather(enter(mine, os.urandom(32)), pretend())
    finally:
        await mine.close()
        await theirs.close()


async def test_a_process_of_another_user_is_refused_before_it_says_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left, right = socket.socketpair()
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with left, right, pytest.raises(StrangerError, match="another user"):
        handshake.require_same_user(left)


async def test_one_that_says_nothing_is_left(
    share: Share, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "HANDSHAKE_S", 0.05)
    await share()
    async with raw(settings) as silent:
        assert (await closed_by_the_host(silent)).startswith(handshake.MAGIC)


async def test_more_connections_than_are_allowed_are_refused_and_the_others_served(
    share: Share, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "MAX_CONNECTIONS", 2)
    await share()
    client = await share()
    async with raw(settings) as second:
        await second.reader.readexactly(1)
        async with raw(settings) as third:
            assert await closed_by_the_host(third) == b""
        assert (await client.sources()).total == 0


# After the handshake


async def test_whatever_a_peer_sends_the_others_are_served(
    share: Share, settings: Settings
) -> None:
    await share()
    client = await share()
    secret = (await notice_of(settings)).secret
    dice = random.Random(7)  # noqa: S311 - the same each time
    good = to_bytes({"id": 1, "call": "sources", "with": {}})
    for n in range(60):
        if n % 3 == 0:
            sent = dice.randbytes(dice.randrange(1, 200))
        elif n % 3 == 1:
            at = dice.randrange(len(good))
            sent = good[:at] + dice.randbytes(1) + good[at + 1 :]
        else:
            sent = to_bytes(dice.choice(NONSENSE))
        async with raw(settings, secret) as hostile:
            hostile.writer.write(sent)
            await hostile.writer.drain()
    assert (await client.sources()).total == 0


NONSENSE: list[dict[str, object]] = [
    {},
    {"id": 1},
    {"id": 1, "call": "close", "with": {}},
    {"id": 1, "call": "__init__", "with": {}},
    {"id": 1, "call": "_context", "with": {}},
    {"id": 1, "call": "sources", "with": []},
    {"id": 1, "call": "on_change", "with": {}},
    {"id": 1, "call": "on_change", "with": {"other": 1}},
    {"cancel": "x"},
    {"ping": []},
]


async def test_a_message_that_cannot_be_ends_its_connection(
    share: Share, settings: Settings
) -> None:
    await share()
    secret = (await notice_of(settings)).secret
    for body in NONSENSE:
        async with raw(settings, secret) as hostile:
            hostile.writer.write(to_bytes(body))
            assert await closed_by_the_host(hostile) == b"", body


async def test_a_call_with_wrong_arguments_is_answered_and_the_connection_goes_on(
    share: Share, settings: Settings
) -> None:
    await share()
    async with raw(settings, (await notice_of(settings)).secret) as client:
        wrong = [{"limit": "many"}, {"nothing": 1}, {"request": {"query": 1}}, {"match": None}]
        for number, sent in enumerate(wrong):
            client.post(to_bytes({"id": number, "call": "sources", "with": sent}))
            body, _ = await client.receive()
            assert body["id"] == number
            assert body["failed"].startswith("MalformedError: ")
        client.post(to_bytes({"cancel": 99}))  # it had ended before
        client.post(to_bytes({"id": 9, "call": "sources", "with": {}}))
        body, _ = await client.receive()
        assert body["value"]["total"] == 0


async def test_one_that_does_not_read_is_left_and_slows_nobody_down(
    share: Share, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "SEND_S", 0.2)
    engine = await share()
    client = await share()
    async with raw(settings, (await notice_of(settings)).secret) as deaf:
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
        number = 0
        async with asyncio.timeout(60):
            while (await engine.status())["sharing"]["clients"] == 2:
                for _ in range(200):
                    number += 1
                    deaf.post(to_bytes({"id": number, "call": "sources", "with": {}}))
                assert (await client.sources()).total == 0
        assert (await client.sources()).total == 0


async def test_a_listener_that_does_not_read_never_holds_up_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reports, "MAX_EVENTS", 5)
    from omni_core.codec import codec
    from omni_core.tasks import TaskOwner

    left, right = socket.socketpair()
    mine, theirs = await Link.over(left), await Link.over(right)
    tasks = TaskOwner("a test")
    events = reports.Events(mine, 1, codec(str), tasks)
    try:
        for n in range(4):
            await events.event("the same")
            await events.event(f"event {n}")
        received = [(await theirs.receive())[0]["event"] for _ in range(5)]
        assert received == ["the same", "event 0", "event 1", "event 2", "event 3"]
        for n in range(10):  # without a pause in which they could be sent
            await events.event(f"late {n}")
        assert mine.writer.transport.is_closing()
    finally:
        await tasks.close()
        await mine.close()
        await theirs.close()


async def test_any_bytes_are_a_message_or_malformed() -> None:
    dice = random.Random(3)  # noqa: S311 - the same each time
    whole = to_bytes({"id": 1, "value": [0, 1]}, [b"abc", b""])
    for _ in range(2000):
        sent = bytearray(whole)
        for _ in range(dice.randrange(1, 4)):
            sent[dice.randrange(len(sent))] = dice.randrange(256)
        text = int.from_bytes(sent[:4])
        try:
            body, blobs = from_bytes(bytes(sent[8 : 8 + text]), bytes(sent[8 + text :]))
        except MalformedError:
            continue
        assert isinstance(body, dict)
        assert sum(len(b) for b in blobs) == len(sent[8 + text :])


@pytest.mark.parametrize("text", [b"[" * 100_000, b"1" * 5000, b'{"a": 1', b"\xff", b"[]"])
def test_json_that_is_none_or_a_bomb_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedError):
        from_bytes(text, b"")


async def test_a_message_larger_than_any_is_not_waited_for() -> None:
    left, right = socket.socketpair()
    mine, theirs = await Link.over(left), await Link.over(right)
    try:
        theirs.writer.write(b"\xff" * 8)
        with pytest.raises(MalformedError, match="bytes"):
            await mine.receive()
    finally:
        await mine.close()
        await theirs.close()


# Processes that cannot work together


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"encoder": "embedded"}, "with the model hashing.*give both the same --encoder"),
        ({"index": "edge"}, "with the index memory, here it is edge"),
    ],
)
async def test_another_model_or_index_is_refused_in_one_line_with_the_way_out(
    share: Share, settings: Settings, change: Any, line: str
) -> None:
    await share()
    with pytest.raises(StoreError, match=f"pid {os.getpid()} .*{line}") as refused:
        await share(replace(settings, **change))
    assert refused.value.code == "STORE_BUSY"
    assert "\n" not in str(refused.value)


async def test_another_version_is_refused_in_one_line_with_the_way_out(
    share: Share, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await share()

    def older(chosen: Settings) -> Terms:
        return replace(terms_of(chosen), build="0.0.9 (00000000)")

    monkeypatch.setattr(attaching, "terms_of", older)
    with pytest.raises(StoreError, match=r"this one is 0\.0\.9.*restart the client") as refused:
        await share()
    assert refused.value.code == "STORE_BUSY"


async def test_settings_that_differ_are_said_in_the_log(
    share: Share, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    await share()
    client: SharedEngine = await share(replace(settings, speech="tiny"))
    assert (await client.sources()).total == 0
    assert "speech=off (here tiny)" in caplog.text
    assert client.overruled == "speech=off (here tiny)"


async def test_a_copy_of_a_store_that_is_open_is_a_store_of_its_own(
    share: Share, settings: Settings, notes: Path, tmp_path: Path
) -> None:
    await share()

    def copy() -> None:
        for name in ("notice.json", "lock"):
            kept = settings.store_path / "shared" / name
            new = tmp_path / "copy" / "shared" / name
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(kept.read_bytes())

    await asyncio.to_thread(copy)
    place = Place(tmp_path / "copy")
    assert await asyncio.to_thread(place.notice) is None
    engine = await share(replace(settings, store=str(tmp_path / "copy")))
    assert (await engine.status())["sharing"] == {
        "host_pid": os.getpid(), "clients": 0, "here": "host",
    }  # fmt: skip
