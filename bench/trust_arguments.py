"""Every argument of every tool, resource, prompt and route: nothing, one, the limit, too much.

A real server with a small library, over stdio and over HTTP. What is asked: every message is
answered, within a second, and the event loop never stands still for 50 ms.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.hostile import calls
from bench.hostile.calls import Case, request
from bench.hostile.routes import Route, of_routes
from bench.hostile.servers import Answer, Gaps, Http, over_http, over_stdio
from bench.trust_table import Line

WITHIN_S, GAP_S, WAIT_S = 1.0, 0.05, 30.0


class Server(Protocol):
    """Whatever takes messages."""

    async def ask(self, case: Case, within: float) -> Answer:
        """The answer to a message."""
        ...


@dataclass
class Seen:
    """What came of many cases."""

    tried: int = 0
    unanswered: list[str] = field(default_factory=list)
    internal: list[str] = field(default_factory=list)
    slow: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)

    def note(self, case: str, answer: Answer, gap: float) -> None:
        """Note one case."""
        self.tried += 1
        if not answer.text:
            self.unanswered.append(case)
        if "INTERNAL" in answer.text or "STORE_FAILED" in answer.text or '"code":0' in answer.text:
            self.internal.append(f"{case}: {answer.text[:200]}")
        self.slow[case] = round(answer.seconds * 1000)
        self.gaps[case] = round(gap * 1000)

    def line(self, what: str) -> Line:
        """The figures; what misses them goes to stderr."""
        for title, worst in (("slow", self.slow), ("gap", self.gaps)):
            for case, ms in worst.most_common(5):
                print(f"{what} {title} {ms} ms: {case}", file=sys.stderr)
        for case in (*self.unanswered, *self.internal):
            print(f"{what}: {case}", file=sys.stderr)
        slowest, gap = max(self.slow.values()), max(self.gaps.values())
        bad = len(self.unanswered) + len(self.internal)
        return Line(
            what, self.tried,
            f"{len(self.unanswered)} unanswered, {len(self.internal)} INTERNAL, slowest "
            f"{slowest} ms, largest gap {gap} ms",
            "all answered within 1 s, gap <= 50 ms",
            not bad and slowest <= WITHIN_S * 1000 and gap <= GAP_S * 1000,
        )  # fmt: skip


async def attack(server: Server, gaps: Gaps, cases: Iterable[Case]) -> Seen:
    """Send each case, one after the other."""
    seen = Seen()
    for case in cases:
        answer = await server.ask(case, WAIT_S)
        if answer.text and answer.seconds > WITHIN_S:  # or was it something else on this machine?
            answer = min(answer, await server.ask(case, WAIT_S), key=lambda a: a.seconds)
        seen.note(case.what, answer, gaps.new())
    return seen


async def _fill(server: Server, gaps: Gaps) -> None:
    """Put the one file into the library, twice: what is loaded at first is no matter here."""
    for _ in range(2):
        for method, name, given in (
            ("file", "ingest_media", '"source":"notes.md","wait_s":45'),
            ("folder", "ingest_media", '"source":"**","wait_s":45'),
            ("search", "search", '"query":"a"'),
            ("search", "search", '"query":"wo ist das Boot","exclude":"boat"'),
            ("get_segment", "get_segment", '"ref":"[notes p.1]","show":["text"]'),
        ):
            params = f'"name":"{name}","arguments":{{{given}}}'
            await server.ask(request("tools/call", params, method, name), 90)
    gaps.new()


async def measure(small: bool) -> list[Line]:
    """The figures of both transports."""
    share = 0.08 if small else 1.0
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        async with over_stdio(Path(folder)) as (stdio, gaps):
            await _fill(stdio, gaps)
            lines.append((await attack(stdio, gaps, calls.of_tools(share))).line("tools, stdio"))
            lines.append(
                (await attack(stdio, gaps, calls.of_protocol())).line("resources, prompts, stdio")
            )
            lines.append((await attack(stdio, gaps, calls.not_messages())).line("messages, stdio"))
            seconds = await stdio.end()
            lines.append(
                Line("end of the process", 1, f"{seconds:.1f} s", "<= 10 s", seconds <= 10)
            )
    with tempfile.TemporaryDirectory() as folder:
        async with over_http(Path(folder)) as (http, gaps):
            await _fill(http, gaps)
            lines.append((await attack(http, gaps, calls.of_tools(share, 1))).line("tools, HTTP"))
            lines.append(
                (await attack(http, gaps, calls.of_protocol())).line("resources, prompts, HTTP")
            )
            lines.append((await attack(http, gaps, calls.not_messages())).line("messages, HTTP"))
            lines.append((await _routes(http, gaps)).line("routes, HTTP"))
    return lines


async def _routes(http: Http, gaps: Gaps) -> Seen:
    seen = Seen()
    for route in of_routes():
        answer = await _routed(http, route)
        if answer.text and answer.seconds > WITHIN_S:
            answer = min(answer, await _routed(http, route), key=lambda a: a.seconds)
        seen.note(route.what, answer, gaps.new())
    return seen


async def _routed(http: Http, route: Route) -> Answer:
    status, body = await http.send(route.method, route.path, route.headers, route.body, WAIT_S)
    return Answer(http.seconds, f"{status} {body}" if status else "")
