"""Links to inner addresses, names that change between check and connection, senders that drip.

The links go through the downloads of the server; a transport notes every address that would be
connected to. Half-sent requests are sent to a real HTTP server.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator

import httpx2

from bench.serving import PLAIN, over_http
from bench.trust_table import Line
from omni_core.errors import OmniError
from omni_core.settings import Settings
from omni_server.fetch import Downloads, is_public
from tests.omni_server.test_fetch import BAD_LINKS, INSIDE, PUBLIC

ODD_HOSTS = (
    "localhost", "localhost.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1",
    "017700000001",
    "0177.0.0.1", "0", "0.0", "127.0.0.1.", "[::1]", "[::]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]",
    "169.254.169.254", "[fd00:ec2::254]", "[::ffff:a9fe:a9fe]", "2852039166", "0xa9fea9fe",
)  # fmt: skip
"""Ways to write an inner address as a host, for the system's own resolver."""
DRIP_S = 1.0
HEAD_S = 15.0
HALVES = (b"", b"G", b"GET / HTTP/1.1\r\n", b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nA: ")


class Net:
    """Names that resolve as told, and answers; it notes where connections went."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        """The addresses of a name at its first look-up, its second ...; the last stays."""
        self.redirect = ""
        self.connected: list[str] = []
        self.body: httpx2.AsyncByteStream | None = None

    async def resolve(self, host: str, port: int) -> list[str]:
        """The next answer of a name. Raises OSError for an unknown one."""
        if host not in self.names:
            raise OSError("unknown")
        answers = self.names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Note the address, and answer."""
        self.connected.append(request.url.host)
        if self.redirect:
            to, self.redirect = self.redirect, ""
            return httpx2.Response(302, headers={"location": to})
        return httpx2.Response(200, stream=self.body) if self.body else httpx2.Response(200)

    def downloads(self, folder: str, *, own_names: bool) -> Downloads:
        """Downloads through this net; `own_names`: by `names`, else by the system's resolver."""
        return Downloads(
            Settings(store=folder, downloads_at_once=100),
            resolve=self.resolve if own_names else None, transport=httpx2.MockTransport(self),
            start_s=DRIP_S,
        )  # fmt: skip


class Drip(httpx2.AsyncByteStream):
    """A byte now and then, without end."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.05)


class Links:
    """Asks for one link after another, and counts what came of it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.tried = 0
        self.inside: list[str] = []
        self.ends: Counter[str] = Counter()

    async def ask(self, url: str, net: Net, *, own_names: bool = True) -> None:
        """One link; an inner address that was connected to is noted."""
        self.tried += 1
        downloads = net.downloads(self._folder, own_names=own_names)
        try:
            await asyncio.wait_for(downloads.file(url, None), 60)
            self.ends["fetched"] += 1
        except OmniError as e:
            self.ends[e.code] += 1
        except Exception as e:
            self.ends[type(e).__name__] += 1
        await downloads.close()
        self.inside += [f"{url}: {a}" for a in net.connected if not is_public(a)]


async def _addresses(links: Links) -> None:
    for address in INSIDE:
        net = Net()
        net.names["name.example"] = [[address]]
        await links.ask("https://name.example/a", net)
        net = Net()
        net.names["good.example"], net.names["bad.example"] = [[PUBLIC]], [[address]]
        net.redirect = "https://bad.example/a"
        await links.ask("https://good.example/a", net)
    for host in ODD_HOSTS:
        await links.ask(f"https://{host}/a", Net(), own_names=False)
    for url in BAD_LINKS:
        net = Net()
        net.names["example.com"] = [[PUBLIC]]
        await links.ask(url, net)


async def _rebindings(links: Links) -> None:
    """A name that is public when it is looked up first, and inside the next time, or in part."""
    inside = itertools.cycle([a for a in INSIDE if a and " " not in a])
    for _ in range(15):
        private = next(inside)
        for answers in (
            [[PUBLIC], [private]], [[PUBLIC, private]], [[private, PUBLIC]],
            [[PUBLIC], [PUBLIC, private]],
        ):  # fmt: skip
            net = Net()
            net.names["turn.example"] = answers
            net.redirect = "https://turn.example/b"
            await links.ask("https://turn.example/a", net)


async def _drips(folder: str, number: int) -> tuple[int, float]:
    """How many of so many dripping links were cut, and after how many seconds at the latest."""
    net = Net()
    net.names["drip.example"], net.body = [[PUBLIC]], Drip()
    downloads = net.downloads(folder, own_names=True)
    began = time.perf_counter()
    asked = [downloads.file(f"https://drip.example/{n}", 30) for n in range(number)]
    ended = await asyncio.gather(*asked, return_exceptions=True)
    latest = time.perf_counter() - began
    await downloads.close()
    cut = sum(isinstance(e, OmniError) and e.code == "TOO_LONG" for e in ended)
    return cut, latest


async def _halves(number: int) -> tuple[int, float]:
    """Of so many half requests, how many stand 10 s after the deadline; slowest answer to a whole
    one meanwhile, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        async with over_http([], {**PLAIN, "OMNI_STORE": folder}) as server:
            port = httpx2.URL(server.url).port
            held = []
            for n in range(number):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(HALVES[n % len(HALVES)])
                held.append((asyncio.ensure_future(reader.read()), writer))
            slowest, until = 0.0, time.monotonic() + HEAD_S + 10
            async with httpx2.AsyncClient() as client:
                while time.monotonic() < until:
                    began = time.perf_counter()
                    await client.get(f"http://127.0.0.1:{port}/health", timeout=30)
                    slowest = max(slowest, time.perf_counter() - began)
                    await asyncio.sleep(0.5)
            stand = sum(not ended.done() for ended, _ in held)
            for ended, writer in held:
                ended.cancel()
                writer.close()
            with contextlib.suppress(BaseException):
                await asyncio.gather(*(e for e, _ in held), return_exceptions=True)
    return stand, slowest


async def measure(small: bool) -> list[Line]:
    """All addresses and rebindings; drips and half requests, fewer of them where it is small."""
    drips, halves = (10, 40) if small else (40, 240)
    with tempfile.TemporaryDirectory() as folder:
        addresses, turned = Links(folder), Links(folder)
        await _addresses(addresses)
        await _rebindings(turned)
        cut, latest = await _drips(f"{folder}/drips", drips)
    stand, slowest = await _halves(halves)
    lines = []
    for what, links in (("hostile addresses", addresses), ("rebindings", turned)):
        ends = ", ".join(f"{n} {how}" for how, n in links.ends.most_common())
        figure = f"{len(links.inside)} inner connections ({ends})"
        lines.append(Line(what, links.tried, figure, "0", not links.inside))
    return [
        *lines,
        Line("dripping links", drips, f"{cut} cut, the last after {latest:.1f} s",
             f"all cut at {DRIP_S:g} s", cut == drips),
        Line("half requests", halves, f"{stand} stand after {HEAD_S + 10:g} s; a whole one waits "
             f"{slowest:.2f} s at most", "0 stand", stand == 0),
    ]  # fmt: skip
