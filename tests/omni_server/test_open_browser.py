"""`omni-mcp open` as a person runs it: a process that prints an address and serves the page."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from omni_core.errors import BadRequestError
from omni_server.cli import browser, main
from omni_server.http.opened import listening
from omni_server.http.port import bound

REPO = Path(__file__).parents[2]
WAIT_S = 60
Open = Callable[..., AbstractAsyncContextManager[tuple[str, asyncio.subprocess.Process]]]


@pytest.fixture
def open_page(tmp_path: Path) -> Open:
    """Starts the command; gives the address that it prints, and the process."""
    environ = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(REPO), str(REPO / "server")]),
        "OMNI_STORE": str(tmp_path / "store"), "OMNI_ENCODER": "hashing", "OMNI_INDEX": "memory",
        "OMNI_SPEECH": "off", "OMNI_SCREEN_TEXT": "off",
    }  # fmt: skip
    environ.pop("OMNI_TOKEN", None)

    @asynccontextmanager
    async def start(*words: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "omni_server", "open", *words, "--no-browser",
            env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), WAIT_S)
            yield line.decode().strip(), process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    return start


async def test_the_printed_address_opens_the_page_and_its_token_the_library(
    open_page: Open, tmp_path: Path
) -> None:
    note = tmp_path / "tide.txt"
    note.write_text("The tide was out at noon.")
    async with open_page(str(note)) as (address, process):
        url = urlsplit(address)
        fragment = parse_qs(url.fragment, keep_blank_values=True)
        [token] = fragment["token"]
        assert len(token) >= 32 and "library" in fragment
        base = f"http://{url.netloc}"
        async with httpx2.AsyncClient(base_url=base) as http:
            assert "<title>omni</title>" in (await http.get("/")).text
            assert (await http.post("/mcp", json={})).status_code == 401
        headers = {"authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=WAIT_S) as http,
            Client(streamable_http_client(f"{base}/mcp", http_client=http)) as client,
        ):
            async with asyncio.timeout(WAIT_S):
                while True:
                    listed = await client.call_tool("list_sources", {"state": "ready"})
                    assert listed.structured_content is not None
                    if listed.structured_content["total"]:
                        break
        assert listed.structured_content["sources"][0]["title"] == "tide"
        process.send_signal(signal.SIGINT)
        _, said = await asyncio.wait_for(process.communicate(), WAIT_S)
        assert b"1 file read" in said
        assert token.encode() not in said


def test_a_server_that_opens_the_page_says_where_it_is_once_its_port_is_bound(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        serve = ["serve", "--http", "--open", "--root", str(tmp_path), "--store", str(tmp_path)]
        assert main([*serve, "--port", port]) == 1
    assert "MCP at" not in capsys.readouterr().err


@pytest.mark.parametrize("host", ["203.0.113.7", "host-of-nobody.invalid"])
def test_a_host_of_another_machine_is_not_taken_for_a_fault_of_the_port(host: str) -> None:
    with pytest.raises(BadRequestError, match="name another --host"):
        bound(host, 8000)
    with (
        pytest.raises(BadRequestError, match="name another --host"),
        listening(host, 8000, or_any=True),
    ):
        pass


def test_a_taken_port_is_replaced_unless_it_was_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMNI_STORE", str(tmp_path / "store"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["open", "--port", str(port), "--no-browser"]) == 1
        with listening("127.0.0.1", port, or_any=True) as (_, other):
            assert other not in (0, port)
    assert re.search(rf"port {port} of 127.0.0.1 cannot be used.*--port", capsys.readouterr().err)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says by variables whether it has one")
def test_no_browser_is_opened_where_there_is_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert not browser.has_screen()
    monkeypatch.setenv("DISPLAY", ":0")
    assert browser.has_screen()


def test_serve_opens_the_page_of_an_http_server_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--open"]) == 1
    assert "add --http" in capsys.readouterr().err
