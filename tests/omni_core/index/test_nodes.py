"""Several nodes of a cluster: when one does not answer, another does."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from omni_core.errors import BadRequestError, StoreError
from omni_core.index.qdrant import address, failures, nodes
from omni_core.index.server import ServerIndex
from omni_core.settings import Settings
from omni_core.types import Channel, EncoderInfo
from tests.omni_core.index.qdrant_standin import StandIn

INFO = EncoderInfo("tests/tiny", "r1", 32, frozenset(Channel))


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address on which nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{s.getsockname()[1]}"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "PAUSES_S", (0.01, 0.01, 0.01))


async def test_a_node_that_is_down_is_passed_over(
    qdrant: StandIn, nobody: str, quick: None
) -> None:
    index = ServerIndex(qdrant.settings(qdrant_url=f"{nobody}, {qdrant.url}"), INFO)
    await index.open()
    await index.make()
    assert await index.count() == 0
    await index.close()


async def test_a_node_that_hangs_is_given_up_and_the_next_one_is_kept(
    qdrant: StandIn, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "NODE_S", 0.2)
    other = StandIn(beside=qdrant)
    index = ServerIndex(qdrant.settings(qdrant_url=f"{other.url},{qdrant.url}"), INFO)
    await index.open()
    await index.make()
    other.stall = threading.Event()
    try:
        assert await index.count() == 0
        asked = len(other.requests)
        assert await index.count() == 0
        assert len(other.requests) == asked  # the one that answered is asked again
    finally:
        other.stall.set()
        await index.close()
        other.close()


async def test_a_server_that_hangs_is_told_soon_and_one_that_is_slow_is_waited_for(
    qdrant: StandIn, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "QUIET_S", 0.1)
    monkeypatch.setattr(nodes, "ALIVE_S", 0.3)
    index = ServerIndex(qdrant.settings(), INFO)
    await index.open()
    await index.make()
    answer, slow = qdrant.answer, threading.Event()

    def late(*given: str) -> object:
        slow.wait(1.0)
        return answer(*given)

    monkeypatch.setattr(qdrant, "answer", late)
    assert await index.count() == 0
    qdrant.stall = threading.Event()
    try:
        async with asyncio.timeout(10):
            with pytest.raises(StoreError, match="no answer in time") as hangs:
                await index.count()
        assert hangs.value.code == "INDEX_UNREACHABLE"
    finally:
        qdrant.stall.set()
        await index.close()


async def test_when_no_node_answers_one_line_names_them_all(nobody: str, quick: None) -> None:
    urls = f"{nobody},http://localhost:1"
    with pytest.raises(StoreError, match="cannot reach Qdrant") as refused:
        await ServerIndex(Settings(qdrant_url=urls), INFO).open()
    assert refused.value.code == "INDEX_UNREACHABLE"
    assert nobody in str(refused.value) and "http://localhost:1" in str(refused.value)


async def test_what_a_living_node_says_counts_more_than_that_another_is_down(
    qdrant: StandIn, nobody: str, quick: None
) -> None:
    index = ServerIndex(qdrant.settings(qdrant_url=f"{qdrant.url},{nobody}"), INFO)
    await index.open()
    await index.make()
    qdrant.failures = [503] * 4
    with pytest.raises(StoreError, match="HTTP 503: injected"):
        await index.count()
    await index.close()


async def test_a_full_disk_of_the_server_is_said_at_once(
    qdrant: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ValueError("No space left on device: WAL buffer size exceeds available disk space")

    index = ServerIndex(qdrant.settings(), INFO)
    await index.open()
    await index.make()
    monkeypatch.setattr(qdrant, "answer", full)
    qdrant.requests.clear()
    with pytest.raises(StoreError, match=r"disk of Qdrant at .* is full: free some space"):
        await index.count()
    assert len(qdrant.requests) == 1  # not tried again
    await index.close()


@pytest.mark.parametrize(
    "given", ["ftp://host", "http://", "http://host:port", "http://host:0", "http://a, :9", " , "]
)
def test_what_is_no_address_is_refused_before_anything_is_sent(given: str) -> None:
    with pytest.raises(BadRequestError, match="address"):
        ServerIndex(Settings(qdrant_url=given), INFO)


@pytest.mark.parametrize(
    "given", ["..", ".", " ", "a/b", "x?y", "a*", "n\nn", "n" * 199, "ü" * 100]
)
def test_a_name_that_no_collection_can_have_is_refused_before_anything_is_sent(given: str) -> None:
    with pytest.raises(BadRequestError, match=r"qdrant_collection is .* at most 198 bytes"):
        Settings(qdrant_collection=given)


@pytest.mark.parametrize(
    "body", [b"<h1>It works!</h1>", b"", b"\xff\xfe", b"[]", b'{"a": 1}', b"[" * 100_000]
)
async def test_another_program_at_the_address_is_told_apart_from_qdrant(body: bytes) -> None:
    async def answer(asked: asyncio.StreamReader, said: asyncio.StreamWriter) -> None:
        await asked.readuntil(b"\r\n\r\n")
        said.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        said.write(body)
        await said.drain()
        said.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as stranger:
        port = stranger.sockets[0].getsockname()[1]
        held = ServerIndex(Settings(qdrant_url=f"http://127.0.0.1:{port}"), INFO)
        with pytest.raises(StoreError, match="not Qdrant, or of another version"):
            await held.open()
            await held.make()


@pytest.mark.parametrize(
    "text",
    ["https://me:hunter2@host:6333", "http://me:hunter2@host:99999", "http://me:hun/hunter2@host",
     "http://host?api-key=hunter2", "http://host:6333/#hunter2"],
)  # fmt: skip
def test_a_password_in_the_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadRequestError, match="OMNI_QDRANT_API_KEY") as refused:
        address.addresses(text)
    assert "hunter2" not in str(refused.value)


def test_addresses_are_read_one_by_one() -> None:
    assert address.addresses("a:1, https://b/") == ("http://a:1", "https://b")
    assert address.is_safe_for_key("https://b") and address.is_safe_for_key("http://localhost:1")
    assert not address.is_safe_for_key("http://b")
    assert [address.grpc_port(u, 0) for u in ("http://a", "http://a:1")] == [6334, 2]
    assert address.grpc_port("http://a", 9) == 9


def test_a_ca_file_is_checked_before_it_is_used(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")
    for path in (wrong, tmp_path / "absent.pem"):
        with pytest.raises(BadRequestError, match=r"qdrant_ca: .* no certificates in PEM"):
            nodes.connect("https://host", Settings(qdrant_ca=str(path)))


@pytest.mark.parametrize(
    ("code", "details", "transient", "expected"),
    [
        ("UNAVAILABLE", "failed to connect to all addresses", True, "INDEX_UNREACHABLE"),
        ("UNAVAILABLE", "no replicas of the shard", True, "INDEX_UNREACHABLE"),
        ("DEADLINE_EXCEEDED", "", True, "INDEX_UNREACHABLE"),
        ("UNAUTHENTICATED", "Must provide an API key", False, "KEY_REFUSED"),
        ("PERMISSION_DENIED", "Global manage access is required", False, "READ_ONLY"),
        ("INTERNAL", "No space left on device", False, "STORE_FAILED"),
        ("INVALID_ARGUMENT", "Wrong input", False, "STORE_FAILED"),
        ("NOT_FOUND", "Collection `x` doesn't exist!", False, "STORE_FAILED"),
    ],
)
def test_failures_over_grpc_are_told_apart_like_those_over_http(
    code: str, details: str, transient: bool, expected: str
) -> None:
    empty = grpc.aio.Metadata()
    error = grpc.aio.AioRpcError(grpc.StatusCode[code], empty, empty, details)
    assert failures.is_transient(error) is transient
    said = failures.to_store_error(error, "http://q:6334")
    assert said.code == expected and "\n" not in str(said)
