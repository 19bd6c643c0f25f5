"""Turns of the calls of one caller."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from omni_server.app import reading_tools
from omni_server.auth.credentials import SINGLE
from omni_server.auth.principal import LOCAL, Principal, as_user
from omni_server.turns import Turns, caller_of


class Calls:
    """Calls that are worked on until they are let go."""

    def __init__(self, at_once: int) -> None:
        self.now = 0.0
        self.turns = Turns(at_once, frozenset({"search"}), cores=2, clock=lambda: self.now)
        self.working: list[str] = []
        self._go: dict[str, asyncio.Event] = {}

    def send(self, label: str, caller: str, tool: str = "search") -> asyncio.Task[Any]:
        """Send a call; `caller` is the name of a token."""
        ctx: Any = SimpleNamespace(
            method="tools/call", params={"name": tool}, request=request(Principal(caller, SCOPES))
        )

        async def work(_: Any) -> Any:
            self.working.append(label)
            try:
                await self._go.setdefault(label, asyncio.Event()).wait()
            finally:
                self.working.remove(label)
            return {"label": label}

        return asyncio.ensure_future(self.turns(ctx, work))

    async def let_go(self, label: str) -> None:
        """End the work on a call."""
        self._go.setdefault(label, asyncio.Event()).set()
        await settle()


SCOPES = LOCAL.scopes


def request(who: Principal, session: str = "", port: int = 1) -> Any:
    headers = {"mcp-session-id": session} if session else {}
    scope = {"user": as_user(who), "client": ("127.0.0.1", port)}
    return SimpleNamespace(scope=scope, headers=headers)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_caller_who_asks_much_waits_and_the_others_do_not() -> None:
    calls = Calls(2)
    sent = [calls.send(f"greedy {n}", "greedy") for n in range(5)]
    sent.append(calls.send("polite", "polite"))
    await settle()
    assert calls.working == ["greedy 0", "greedy 1", "polite"]
    await calls.let_go("greedy 1")
    assert calls.working == ["greedy 0", "polite", "greedy 2"]
    for label in ("polite", *(f"greedy {n}" for n in range(5))):
        await calls.let_go(label)
    answers = await asyncio.wait_for(asyncio.gather(*sent), 5)
    assert [a["label"] for a in answers] == [*(f"greedy {n}" for n in range(5)), "polite"]


async def test_while_others_ask_a_caller_has_its_share_and_one_call_at_least() -> None:
    calls = Calls(4)
    sent = [calls.send(f"greedy {n}", "greedy") for n in range(9)]
    sent += [calls.send(f"polite {n}", f"polite {n}") for n in range(4)]
    await settle()
    assert [label for label in calls.working if "greedy" in label] == [
        "greedy 0", "greedy 1", "greedy 2", "greedy 3",
    ]  # fmt: skip
    for n in range(3):
        await calls.let_go(f"greedy {n}")
    assert [label for label in calls.working if "greedy" in label] == ["greedy 3"]
    await calls.let_go("greedy 3")
    assert [label for label in calls.working if "greedy" in label] == ["greedy 4"]
    for n in range(4):
        await calls.let_go(f"polite {n}")
    await calls.let_go("greedy 4")
    assert calls.working == ["greedy 5"]  # the others have only just asked
    calls.now += 2
    await calls.let_go("greedy 5")
    assert calls.working == ["greedy 6", "greedy 7", "greedy 8"]
    for n in range(6, 9):
        await calls.let_go(f"greedy {n}")
    await asyncio.wait_for(asyncio.gather(*sent), 5)
    assert calls.turns._working == {} and calls.turns._waiting == {}


async def test_a_machine_of_many_cores_lets_every_caller_have_all_its_calls() -> None:
    turns = Turns(4, frozenset(), cores=16)
    turns._working.update({f"caller {n}": 1 for n in range(8)})
    assert turns._share("caller 1") == 4
    turns._working.update({f"caller {n}": 1 for n in range(20)})
    assert turns._share("one more") == 1


async def test_a_call_that_is_cancelled_gives_its_place_to_the_next() -> None:
    calls = Calls(1)
    first, second, third = (calls.send(f"{n}", "a") for n in range(3))
    await settle()
    second.cancel()
    first.cancel()
    await settle()
    assert calls.working == ["2"]
    await calls.let_go("2")
    assert (await third)["label"] == "2"
    last = calls.send("last", "a")
    await settle()
    assert calls.working == ["last"]
    last.cancel()
    await settle()
    assert calls.turns._working == {} and calls.turns._waiting == {}


async def test_a_place_given_to_a_call_that_is_cancelled_at_that_moment_is_not_lost() -> None:
    calls = Calls(1)
    first, second = calls.send("0", "a"), calls.send("1", "a")
    await settle()
    [[place]] = calls.turns._waiting.values()
    first.cancel()
    for _ in range(10):
        if not place.done():
            await asyncio.sleep(0)
    assert place.done()
    second.cancel()  # before it has woken
    await settle()
    assert calls.turns._working == {} and calls.working == []


async def test_any_number_is_worked_on_where_the_setting_is_0_and_for_tools_that_write() -> None:
    for calls, tool in ((Calls(0), "search"), (Calls(1), "ingest_media")):
        sent = [calls.send(f"{n}", "a", tool) for n in range(9)]
        await settle()
        assert len(calls.working) == 9
        for task in sent:
            task.cancel()
        await settle()


def test_the_tools_that_only_read_take_turns() -> None:
    assert {"search", "get_segment", "read_source", "view_moment"} <= reading_tools()
    assert not {"ingest_media", "delete_source"} & reading_tools()


@pytest.mark.parametrize("shared", [LOCAL, SINGLE])
def test_behind_a_name_that_many_may_have_sessions_and_connections_are_callers(
    shared: Principal,
) -> None:
    assert caller_of(None) == ""
    assert caller_of(request(shared, "s1")) == caller_of(request(shared, "s1", port=2))
    assert caller_of(request(shared)) != caller_of(request(shared, port=2))
    someone = Principal("alice", SCOPES)
    assert caller_of(request(someone)) == caller_of(request(someone, "s1", port=2))
