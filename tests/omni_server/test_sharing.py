"""Several clients on one store, as people have them: windows, a terminal, a server over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from bench.stdio_windows import Windows, host_of
from tests.results import text

REPO = Path(__file__).parents[2]
LIGHT = {"OMNI_ENCODER": "hashing", "OMNI_SPEECH": "off", "OMNI_SCREEN_TEXT": "off"}

pytestmark = [
    pytest.mark.timeout(280),
    pytest.mark.skipif(os.name == "nt", reason="SIGKILL is Unix's"),
]


@pytest.fixture
def environ() -> dict[str, str]:
    path = os.pathsep.join([str(REPO), str(REPO / "server")])
    return {**os.environ, "PYTHONPATH": path, **LIGHT}


async def test_three_clients_call_everything_while_one_is_killed_and_none_sees_an_error(
    tmp_path: Path,
) -> None:
    run = Windows(tmp_path, clients=3, calls=45, kills=3, seed=5, environ=LIGHT)
    outcome = await run.run()
    assert outcome.errors == []
    assert sum(outcome.calls.values()) == 45
    assert outcome.kills >= 2


def command(environ: Mapping[str, str], store: Path, *argv: object) -> Any:
    """The answer of a command in a terminal, which must succeed."""
    ran = subprocess.run(
        [sys.executable, "-m", "omni_server", *map(str, argv), "--store", str(store), "--json"],
        env=dict(environ), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


async def test_the_command_line_works_while_a_server_has_the_store(
    environ: dict[str, str], tmp_path: Path, root: Path
) -> None:
    store = tmp_path / "store"
    (root / "notes.md").write_text("# Boats\n\nThe launch is postponed to March.\n")
    (root / "tea.md").write_text("# Tea\n\nGreen tea is brewed at eighty degrees.\n")
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "omni_server", "serve", "--root", str(root), "--store", str(store)],
        env=environ,
    )
    async with Client(stdio_client(server)) as client:
        await client.call_tool("ingest_media", {"source": "notes.md", "wait_s": 45})
        host = await asyncio.to_thread(host_of, store)

        def in_a_terminal(*argv: object) -> Any:
            return command(environ, store, *argv)

        (tea,) = await asyncio.to_thread(in_a_terminal, "ingest", root / "tea.md")
        assert tea["state"] == "ready"
        found = await asyncio.to_thread(in_a_terminal, "search", "green tea")
        assert found["hits"][0]["source_id"] == tea["source_id"]
        said = await asyncio.to_thread(
            lambda: subprocess.run(
                [sys.executable, "-m", "omni_server", "search", "tea", "--store", str(store)],
                env=environ | {"OMNI_SPEECH": "tiny"}, capture_output=True, text=True, timeout=120,
            )
        )  # fmt: skip
        assert "its settings apply: speech=off (here tiny)" in said.stderr
        shown = await asyncio.to_thread(in_a_terminal, "show", found["hits"][0]["ref"])
        assert "eighty" in shown["lines"][0]["text"]
        similar = await asyncio.to_thread(in_a_terminal, "similar", "[Boats]")
        assert similar["searched_sources"] == 2
        findings = await asyncio.to_thread(in_a_terminal, "doctor")
        (store_line,) = (f for f in findings["findings"] if f["name"] == "store")
        assert f"open in the omni-mcp with pid {host}" in store_line["detail"]
        asked = await client.call_tool("search", {"query": "green tea"})
        assert "Tea" in text(asked)
        await asyncio.to_thread(in_a_terminal, "forget", tea["source_id"], "--yes")
        listed = await client.call_tool("list_sources", {})
        assert listed.structured_content["total"] == 1
        assert await asyncio.to_thread(host_of, store) == host


@contextmanager
def ingesting(environ: Mapping[str, str], store: Path, folder: Path) -> Iterator[Any]:
    process = subprocess.Popen(
        [sys.executable, "-m", "omni_server", "ingest", str(folder), "--store", str(store),
         "--json"],
        env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


async def test_a_server_starts_and_answers_while_an_ingest_runs_in_a_terminal(
    environ: dict[str, str], tmp_path: Path, root: Path
) -> None:
    store = tmp_path / "store"
    for n in range(40):
        (root / f"note{n:02}.md").write_text(f"# Note {n}\n\nNumber {n} of the boats.\n" * 20)
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "omni_server", "serve", "--root", str(root), "--store", str(store)],
        env=environ,
    )
    with ingesting(environ, store, root) as terminal:
        async with asyncio.timeout(120):
            while not await asyncio.to_thread(host_of, store):
                continue
        assert await asyncio.to_thread(host_of, store) == terminal.pid
        async with Client(stdio_client(server)) as client:
            listed = await client.call_tool("list_sources", {})
            assert not listed.is_error, text(listed)
            out, err = await asyncio.to_thread(terminal.communicate, timeout=120)
            assert terminal.returncode == 0, err
            assert {s["state"] for s in json.loads(out)} == {"ready"}
            after = await client.call_tool("list_sources", {})  # the terminal's process has ended
            assert after.structured_content["total"] == 40
            found = await client.call_tool("search", {"query": "Number 17 of the boats"})
            assert found.structured_content["hits"], text(found)
