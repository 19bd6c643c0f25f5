"""Links: only public addresses are connected to, whatever a name, a redirect or an answer says."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client

from omni_core.errors import (
    NotFoundError,
    OmniError,
    RefusedError,
    StoppedError,
    TooLargeError,
    UnavailableError,
)
from omni_core.settings import Settings
from omni_server.app import build
from omni_server.fetch import Downloads, is_public
from omni_server.state import State
from tests.results import text

PUBLIC = "93.184.215.14"

INSIDE = [
    "127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.255", "0.0.0.0", "0.1.2.3",  # noqa: S104
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.255",
    "169.254.169.254", "169.254.170.2", "169.254.0.1", "100.64.0.1", "100.100.100.200",
    "100.127.0.1", "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.88.99.1",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8",
    "::127.0.0.1", "::7f00:1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "fc00::1",
    "fd00::1", "fd00:ec2::254", "fd20:ce::254", "ff02::1", "ff0e::1", "2001:db8::1", "2001::1",
    "2001:0:7f00:1::",
    "2002:7f00:1::", "2002:a9fe:a9fe::", "2002:808:808::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "100::1", "3fff::1", "5f00::1", "not an address", "",
]  # fmt: skip

OUTSIDE = ["8.8.8.8", "1.1.1.1", PUBLIC, "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]

BAD_LINKS = [
    "http://example.com/a.mp4", "HTTP://example.com/a.mp4", "https://", "https:///a.mp4", "https://:443/",
    "https://user@example.com/", "https://user:pass@example.com/", "https://example.com@127.0.0.1/",
    "https://example.com:99999/", "https://exa mple.com/", "https://[::1", "https://[nonsense]/",
    "https://example.com:port/", "https://example.com:0/", "https://\u0000/", "https://%31%32%37.0.0.1:x/",
]  # fmt: skip


class Net:
    """Names, addresses and answers; it notes where connections went."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {"example.com": [PUBLIC]}
        self.answers: dict[str, httpx2.Response] = {}
        self.connected: list[tuple[str, str, str]] = []

    async def resolve(self, host: str, port: int) -> list[str]:
        if host not in self.names:
            raise OSError("unknown")
        return self.names[host]

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        sni = request.extensions["sni_hostname"]
        self.connected.append((request.url.host, request.headers["host"], sni))
        return self.answers[f"https://{request.headers['host']}{request.url.raw_path.decode()}"]


@pytest.fixture
def net() -> Net:
    return Net()


@pytest.fixture
def downloads(net: Net, settings: Settings) -> Downloads:
    small = Settings(store=settings.store, max_file_mb=1)
    return Downloads(small, resolve=net.resolve, transport=httpx2.MockTransport(net))


def film(content: bytes = b"film", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(200, stream=httpx2.ByteStream(content), headers=named)


def redirect(to: str) -> httpx2.Response:
    return httpx2.Response(302, headers={"location": to})


def test_there_are_a_hundred_cases() -> None:
    assert len(set(INSIDE)) + len(set(BAD_LINKS)) * 2 >= 90


@pytest.mark.parametrize("address", INSIDE)
def test_an_inner_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_that_leads_inside_is_never_connected_to(
    net: Net, downloads: Downloads, address: str
) -> None:
    net.names["evil.example"] = [PUBLIC, address]
    with pytest.raises(RefusedError) as caught:
        await downloads.file("https://evil.example/a.mp4", 20)
    assert caught.value.code == "URL_BLOCKED"
    assert net.connected == []


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "http://example.com/", "file:///etc/passwd", "ftp://example.com/",
     "https://user@example.com/", "//evil.example/x", "gopher://example.com/", "", "https://"],
)  # fmt: skip
async def test_a_redirect_is_judged_like_a_link(
    net: Net, downloads: Downloads, target: str
) -> None:
    net.names["evil.example"] = ["169.254.169.254"]
    net.answers["https://example.com/a"] = redirect(target)
    with pytest.raises(RefusedError) as caught:
        await downloads.file("https://example.com/a", 20)
    assert caught.value.code == "URL_BLOCKED"
    assert {to for to, _, _ in net.connected} == {PUBLIC}


async def test_a_name_that_moves_inside_after_a_redirect_is_refused(
    net: Net, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the second look-up of the same name answers with another address."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    async def rebind(host: str, port: int) -> list[str]:
        return next(answers)

    monkeypatch.setattr(downloads, "_resolve", rebind)
    net.answers["https://example.com/a"] = redirect("/b")
    with pytest.raises(RefusedError):
        await downloads.file("https://example.com/a", 20)
    assert len(net.connected) == 1


@pytest.mark.parametrize("link", BAD_LINKS)
async def test_a_link_that_is_no_plain_https_is_refused(
    net: Net, downloads: Downloads, link: str
) -> None:
    with pytest.raises(OmniError) as caught:
        await downloads.file(link, 20)
    assert caught.value.code in ("URL_BLOCKED", "NOT_FOUND")
    assert net.connected == []


async def test_the_connection_goes_to_the_address_that_was_checked(
    net: Net, downloads: Downloads, settings: Settings
) -> None:
    net.answers["https://example.com/talks/My%20talk.mp4?x=1"] = redirect(
        "https://example.com/real"
    )
    net.answers["https://example.com/real"] = film(content_type="video/mp4")
    path = await downloads.file("https://example.com/talks/My%20talk.mp4?x=1", 20)
    assert path is not None
    assert path.read_bytes() == b"film"
    assert path.name == "real.mp4"
    assert path.is_relative_to(settings.store_path / "downloads")
    assert net.connected == [(PUBLIC, "example.com", "example.com")] * 2


async def test_the_same_link_again_is_not_fetched_again(net: Net, downloads: Downloads) -> None:
    net.answers["https://example.com/a.mp4"] = film()
    first = await downloads.file("https://example.com/a.mp4", 20)
    assert await downloads.file("https://example.com/a.mp4", 20) == first
    assert len(net.connected) == 1


@pytest.mark.parametrize(
    "answer",
    [
        film(b"x", content_length=str(5 << 20)),
        film(b"x" * (2 << 20)),
    ],
)
async def test_a_file_over_the_limit_is_given_up_and_leaves_nothing(
    net: Net, downloads: Downloads, settings: Settings, answer: httpx2.Response
) -> None:
    net.answers["https://example.com/a.mp4"] = answer
    with pytest.raises(TooLargeError):
        await downloads.file("https://example.com/a.mp4", 20)
    assert not list((settings.store_path / "downloads").iterdir())


async def test_a_packed_answer_is_refused(net: Net, downloads: Downloads) -> None:
    net.answers["https://example.com/a.mp4"] = film(
        gzip.compress(b"0" * 100_000), content_encoding="gzip"
    )
    with pytest.raises(RefusedError):
        await downloads.file("https://example.com/a.mp4", 20)


@pytest.mark.parametrize(
    ("body", "kind", "kept"),
    [
        ("Выдра живёт под мостом".encode("koi8-r"), "text/html; charset=koi8-r", True),
        ("Выдра живёт под мостом".encode("cp1251"), 'text/plain;charset="windows-1251"', True),
        ("水獺在橋下游泳".encode("big5"), "text/plain; charset=Big5", True),
        ("Выдра живёт под мостом".encode(), "text/html; charset=koi8-r", False),
        ("Выдра живёт под мостом".encode("koi8-r"), "text/html", False),
        ("Выдра живёт под мостом".encode("koi8-r"), "video/mp4; charset=koi8-r", False),
        (b'<meta charset="koi8-r">' + "Выдра".encode("koi8-r"), "text/html; charset=koi8-r", False),
        ("Выдра живёт под мостом".encode("koi8-r"), "text/html; charset=no-such", False),
    ],
)
async def test_the_encoding_that_only_the_server_names_stays_with_the_text(
    body: bytes, kind: str, kept: bool, net: Net, downloads: Downloads
) -> None:
    url = "https://example.com/page"
    net.answers[url] = film(body, content_type=kind)
    path = await downloads.file(url, 5)
    assert path is not None
    data = await anyio.Path(path).read_bytes()
    if kept:
        page = kind.rpartition("=")[2].strip('"')
        assert data == b"\xef\xbb\xbf" + body.decode(page).encode()
    else:
        assert data == body


@pytest.mark.parametrize("status", [201, 204, 206, 304, 401, 404, 500])
async def test_an_answer_without_the_file_says_its_status(
    net: Net, downloads: Downloads, status: int
) -> None:
    net.answers["https://example.com/a.mp4"] = httpx2.Response(status)
    with pytest.raises(NotFoundError, match=str(status)):
        await downloads.file("https://example.com/a.mp4", 20)


async def test_endless_redirects_end(net: Net, downloads: Downloads) -> None:
    net.answers["https://example.com/a"] = redirect("/a")
    with pytest.raises(RefusedError, match="redirects"):
        await downloads.file("https://example.com/a", 20)


class Slow(httpx2.AsyncByteStream):
    """A body that waits."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"half"
        await self.go.wait()
        yield b"whole"


async def test_a_slow_download_goes_on_and_is_followed_by_calling_again(
    net: Net, downloads: Downloads
) -> None:
    slow = Slow()
    net.answers["https://example.com/a.mp4"] = httpx2.Response(
        200, stream=slow, headers={"content-length": "9"}
    )
    assert await downloads.file("https://example.com/a.mp4", 0.05) is None
    progress = downloads.progress("https://example.com/a.mp4")
    assert progress is not None and progress.total == 9
    slow.go.set()
    path = await downloads.file("https://example.com/a.mp4", 20)
    assert path is not None
    assert path.read_bytes() == b"halfwhole"


async def test_cancelling_the_only_caller_ends_the_download_and_leaves_nothing(
    net: Net, downloads: Downloads, settings: Settings
) -> None:
    net.answers["https://example.com/a.mp4"] = httpx2.Response(200, stream=Slow())
    call = asyncio.create_task(downloads.file("https://example.com/a.mp4", None))
    async with asyncio.timeout(20):
        while (progress := downloads.progress("https://example.com/a.mp4")) is None or (
            not progress.size
        ):
            await anyio.lowlevel.checkpoint()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await downloads.close()
    assert not list((settings.store_path / "downloads").iterdir())


async def test_a_download_cancelled_and_asked_for_at_once_is_begun_anew_fifty_times(
    net: Net, downloads: Downloads
) -> None:
    async with asyncio.timeout(60):
        for n in range(50):
            link = f"https://example.com/{n}.mp4"
            slow = Slow()
            net.answers[link] = httpx2.Response(200, stream=slow)
            first = asyncio.create_task(downloads.file(link, None))
            while (progress := downloads.progress(link)) is None or not progress.size:
                await anyio.lowlevel.checkpoint()
            first.cancel()
            await asyncio.sleep(0)  # the call hears of it, the download has not ended yet
            net.answers[link] = film(b"the whole film")
            path = await downloads.file(link, None)
            assert path is not None and path.read_bytes() == b"the whole film"
            assert first.cancelled()


async def test_a_download_that_somebody_else_ends_is_an_error_not_a_cancellation(
    net: Net, downloads: Downloads
) -> None:
    net.answers["https://example.com/a.mp4"] = httpx2.Response(200, stream=Slow())
    waiting = asyncio.create_task(downloads.file("https://example.com/a.mp4", None))
    async with asyncio.timeout(20):
        while not net.connected:
            await anyio.lowlevel.checkpoint()
        await downloads.close()
        with pytest.raises(StoppedError) as caught:
            await waiting
    assert caught.value.code == "CANCELLED"


async def test_an_allowed_link_is_ingested(net: Net, settings: Settings, engine: Any) -> None:
    async def opener(_: Settings) -> Any:
        return engine

    state = State(Settings(store=settings.store, allow_urls=True), opener)
    state.downloads = Downloads(
        state.settings, resolve=net.resolve, transport=httpx2.MockTransport(net)
    )
    slow = Slow()
    net.answers["https://example.com/a.mp4"] = httpx2.Response(
        200, stream=slow, headers={"content-length": "9"}
    )
    async with Client(build(state)) as client:
        link = {"source": "https://example.com/a.mp4", "wait_s": 0}
        waiting = await client.call_tool("ingest_media", link)
        assert waiting.structured_content["stage"] == "downloading"
        slow.go.set()
        done = await client.call_tool("ingest_media", link | {"wait_s": 20})
        plain = await client.call_tool("ingest_media", {"source": "http://example.com/a.mp4"})
        similar = await client.call_tool("similar_to", {"ref": "https://example.com/a.mp4"})
    assert done.structured_content["state"] == "ready"
    assert "Fetched at" in text(done)
    assert Path(engine.asked[0][0].path).read_bytes() == b"halfwhole"
    assert text(plain).startswith("URL_BLOCKED: ")
    assert text(similar).startswith("URL_DISABLED: ")


@pytest.mark.parametrize("port", ["0", "00", "65536"])
async def test_a_port_that_there_is_not_is_no_other_port(downloads: Downloads, port: str) -> None:
    with pytest.raises(RefusedError, match="no such port"):
        await downloads.file(f"https://example.com:{port}/a.mp4", 20)


async def _old(downloads: Downloads, url: str) -> None:
    """As if the link had been asked a day ago."""
    copies = downloads.copies
    about = await asyncio.to_thread(copies.about, url)
    day = about.checked - 86_400
    await asyncio.to_thread(copies._note, replace(about, fetched=day, checked=day))


async def test_an_old_copy_is_asked_for_again_and_kept_where_nothing_has_changed(
    net: Net, downloads: Downloads
) -> None:
    url = "https://example.com/a.mp4"
    net.answers[url] = film(etag='"one"')
    first = await downloads.file(url, 20)
    assert (await downloads.about(url)).is_new
    await _old(downloads, url)
    net.answers[url] = httpx2.Response(304)
    assert await downloads.file(url, 20) == first
    about = await downloads.about(url)
    assert len(net.connected) == 2 and not about.is_new
    assert "the link had no newer one at" in about.line


async def test_a_newer_file_takes_the_place_of_the_old_one(net: Net, downloads: Downloads) -> None:
    url = "https://example.com/a.mp4"
    net.answers[url] = film(b"old", etag='"one"')
    first = await downloads.file(url, 20)
    await _old(downloads, url)
    net.answers[url] = film(b"newer", etag='"two"')
    assert await downloads.file(url, 20) == first
    assert first is not None and first.read_bytes() == b"newer"
    assert sorted(p.suffix for p in downloads.copies.folder.iterdir()) == ["", ".json"]


async def test_a_copy_outlives_its_link_and_says_so(net: Net, downloads: Downloads) -> None:
    url = "https://example.com/a.mp4"
    net.answers[url] = film()
    first = await downloads.file(url, 20)
    await _old(downloads, url)
    net.answers[url] = httpx2.Response(404)
    assert await downloads.file(url, 20) == first
    assert "404" in (await downloads.about(url)).line


async def test_a_link_that_drips_is_cut_at_its_deadline_and_leaves_nothing(
    net: Net, settings: Settings
) -> None:
    downloads = Downloads(
        settings, resolve=net.resolve, transport=httpx2.MockTransport(net), start_s=0.2
    )
    net.answers["https://example.com/a.mp4"] = httpx2.Response(200, stream=Slow())
    with pytest.raises(TooLargeError, match="least_kb_s") as e:
        await downloads.file("https://example.com/a.mp4", 60)
    assert e.value.code == "TOO_LONG"
    assert not list(downloads.copies.folder.iterdir())


async def test_one_caller_has_so_many_downloads_and_all_of_them_so_many(
    net: Net, downloads: Downloads
) -> None:
    def link(caller: int, n: int) -> str:
        url = f"https://example.com/{caller}-{n}"
        net.answers[url] = httpx2.Response(200, stream=Slow())
        return url

    for caller in range(4):
        for n in range(4):
            assert await downloads.file(link(caller, n), 0, caller=f"{caller}") is None
        with pytest.raises(UnavailableError, match="downloads_at_once"):
            await downloads.file(link(caller, 4), 0, caller=f"{caller}")
    with pytest.raises(UnavailableError, match="16 in all"):
        await downloads.file(link(9, 0), 0, caller="another")
    assert await downloads.file(link(0, 0), 0, caller="0") is None  # its own, again
    await downloads.close()


async def test_what_a_killed_server_left_is_swept_and_what_is_under_way_is_not(
    downloads: Downloads,
) -> None:
    copies = downloads.copies
    for name in ("a.part", "b.old", "c.part"):
        await asyncio.to_thread((copies.folder / name).mkdir, parents=True)
        await asyncio.to_thread((copies.folder / name / "film.mp4").write_bytes, b"half")
    long_ago = (copies.folder / "c.part").stat().st_mtime - 10_000
    for path in (copies.folder / "a.part", copies.folder / "b.old"):
        os.utime(path / "film.mp4", (long_ago, long_ago))
        os.utime(path, (long_ago, long_ago))
    assert await asyncio.to_thread(copies.sweep, long_ago + 100) == 2
    assert [p.name for p in copies.folder.iterdir()] == ["c.part"]
