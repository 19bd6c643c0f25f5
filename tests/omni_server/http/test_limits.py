"""Limits: requests a second, wrong tokens, the length of a message."""

from __future__ import annotations

from typing import Any

import pytest

from omni_core.settings import Settings
from omni_server.http.limits import BURST_S, Buckets, Limits
from tests.omni_server.http.conftest import AUTH, Web

RIGHT = "right"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_lets_a_burst_through_and_then_one_at_its_rate() -> None:
    clock = Clock()
    buckets = Buckets(2.0, 5.0, clock)
    for _ in range(5):
        assert buckets.wait("a") == 0
        buckets.take("a")
    assert buckets.wait("a") == pytest.approx(0.5)
    assert buckets.wait("b") == 0
    clock.now += 0.5
    assert buckets.wait("a") == pytest.approx(0)
    buckets.take("a")
    assert buckets.wait("a") == pytest.approx(0.5)
    clock.now += 3600
    for _ in range(5):
        buckets.take("a")
    assert buckets.wait("a") > 0


def test_only_so_many_senders_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omni_server.http.limits.KEPT", 3)
    buckets = Buckets(1.0, 1.0, Clock())
    for key in "abcd":
        buckets.take(key)
    assert buckets.wait("a") == 0  # forgotten
    assert buckets.wait("d") > 0
    assert len(buckets._empty_until) == 3


class Sender:
    """Requests through `Limits`, from any address, to an application that knows one token."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.refused: list[str] = []
        self.reached = 0
        self.limits = Limits(self._app, Settings(**settings), self.refused.append, clock=self.clock)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached += 1
        given = dict(scope["headers"]).get(b"authorization")
        public = scope["path"] == "/health"
        if given == b"Bearer right":
            scope["user"] = object()
        status = 200 if public or given == b"Bearer right" else 401
        await send({"type": "http.response.start", "status": status, "headers": []})

    async def ask(self, token: str = RIGHT, address: str = "10.0.0.1", path: str = "/mcp") -> int:
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        scope = {"type": "http", "path": path, "headers": headers, "client": (address, 1)}
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise AssertionError("nothing is read")

        await self.limits(scope, receive, send)
        self.retry = dict(sent[0]["headers"]).get(b"retry-after")
        return int(sent[0]["status"])


async def test_a_token_is_limited_over_all_its_addresses_and_an_address_over_all_its_tokens() -> (
    None
):
    def address(n: int) -> dict[str, str]:
        return {"address": f"10.0.0.{n}"}

    def nobody(n: int) -> dict[str, str]:
        return {"token": "", "path": "/health"}

    for ask in (address, nobody):
        sender = Sender(rate_limit=1)
        answers = [await sender.ask(**ask(n)) for n in range(BURST_S + 2)]
        assert answers == [200] * BURST_S + [429, 429]
        assert sender.retry == b"1"
        assert sender.refused == ["rate", "rate"]
        assert await sender.ask(token="", address="192.168.0.1", path="/health") == 200
        sender.clock.now += 1
        assert await sender.ask(**ask(0)) == 200


async def test_no_limit_is_no_limit() -> None:
    sender = Sender(rate_limit=0)
    assert {await sender.ask() for _ in range(300)} == {200}


async def test_after_many_wrong_tokens_an_address_is_only_heard_with_one_known_to_be_right() -> (
    None
):
    sender = Sender(wrong_tokens=3)
    assert await sender.ask() == 200
    assert [await sender.ask(f"guess{n}") for n in range(5)] == [401, 401, 401, 429, 429]
    assert sender.reached == 4  # a guess that is refused is not even compared
    assert await sender.ask() == 200
    assert await sender.ask(token="", path="/health") == 200
    assert await sender.ask("guess", address="10.0.0.2") == 401
    sender.clock.now += 20
    assert [await sender.ask(f"guess{n}") for n in range(2)] == [401, 429]
    assert sender.retry == b"20"


async def test_the_right_token_is_not_found_out_by_guessing_on() -> None:
    sender = Sender(wrong_tokens=1)
    assert await sender.ask("guess") == 401
    assert await sender.ask("right") == 429


async def test_a_wrong_token_on_a_public_route_makes_it_no_right_one() -> None:
    sender = Sender(wrong_tokens=1)
    assert await sender.ask("guess", path="/health") == 200
    assert await sender.ask("guess") == 401
    assert await sender.ask("guess") == 429


async def test_requests_without_a_token_are_no_guesses() -> None:
    sender = Sender(wrong_tokens=1)
    assert [await sender.ask(token="") for _ in range(4)] == [401] * 4


async def test_the_whole_application_answers_429_with_retry_after(web: Web) -> None:
    async with web(rate_limit=1, wrong_tokens=2) as http:
        assert (await http.get("/uploads")).status_code == 200
        wrong = [
            await http.get("/uploads", headers={"authorization": f"Bearer {n}"}) for n in "abc"
        ]
        while (answer := await http.get("/health")).status_code == 200:
            pass
    assert [w.status_code for w in wrong] == [401, 401, 429]
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == 1
    assert answer.text.startswith("TOO_MANY_REQUESTS: ")


async def test_a_message_that_is_too_long_says_how_files_are_sent(web: Web) -> None:
    async with web() as http:
        answer = await http.post("/mcp", content=b" " * ((4 << 20) + 1), headers=AUTH)
    assert answer.status_code == 413
    assert "omni-mcp upload" in answer.text
