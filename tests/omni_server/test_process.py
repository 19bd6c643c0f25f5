"""The server as clients start it: a process that speaks JSON-RPC on stdout, or HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.results import text

REPO = Path(__file__).parents[2]
SERVE = ["-m", "omni_server", "serve"]
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}

NOISY = """
import ctypes, os, sys, threading
from omni_core.settings import Settings
from omni_server.stdio import run_stdio

libc = ctypes.CDLL(None)
stop = threading.Event()

def shout():
    while not stop.wait(0.01):
        if not os.path.sameopenfile(1, 2):
            continue  # what comes before the server has begun is not its own
        libc.puts(b"noise from C")  # may stay in C's buffer until it is full or the process ends
        print("noise from Python", flush=True)
        sys.stdout.write('{"jsonrpc": "2.0", "id": 1, "result": "forged"}\\n')

threading.Thread(target=shout, daemon=True).start()
try:
    run_stdio(Settings(store=sys.argv[1], roots=(sys.argv[2],), encoder="hashing", index="memory",
                       speech="off", screen_text="off"))
finally:
    stop.set()
    libc.puts(b"noise at the end")
    print("noise at the end")
"""


@pytest.fixture
def environ() -> dict[str, str]:
    path = os.pathsep.join([str(REPO), str(REPO / "server")])
    return {**os.environ, "PYTHONPATH": path}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_finds_and_opens_a_passage_over_stdio(
    environ: dict[str, str], tmp_path: Path, root: Path, mode: Any
) -> None:
    (root / "notes.md").write_text("# Boats\n\nThe launch of the boat is postponed to March.\n")
    options = ["--root", str(root), "--store", str(tmp_path / "store")]
    plain = {"OMNI_ENCODER": "hashing", "OMNI_INDEX": "memory", "OMNI_SPEECH": "off"}
    server = StdioServerParameters(
        command=sys.executable, args=[*SERVE, *options], env=environ | plain
    )
    async with Client(stdio_client(server), mode=mode) as client:
        assert len((await client.list_tools()).tools) == 6
        empty = await client.call_tool("search", {"query": "boat"})
        assert text(empty).startswith("EMPTY_INDEX: ")
        ingested = await client.call_tool("ingest_media", {"source": "notes.md", "wait_s": 45})
        assert ingested.structured_content["state"] == "ready", ingested
        found = await client.call_tool("search", {"query": "launch of the boat postponed"})
        hit = found.structured_content["hits"][0]
        opened = await client.call_tool("get_segment", {"ref": hit["cite"]})
        assert "postponed to March" in text(opened)
        again = await client.call_tool("ingest_media", {"source": "notes.md"})
        assert "Nothing to do" in text(again)


def test_stdout_carries_json_rpc_only_while_c_and_python_print(
    environ: dict[str, str], tmp_path: Path, root: Path
) -> None:
    calls = [
        {"jsonrpc": "2.0", "id": n, "method": "tools/list", "params": {"_meta": META}}
        for n in range(1, 20)
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", NOISY, str(tmp_path / "store"), str(root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ,
        text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    lines = []
    for call in calls:
        process.stdin.write(json.dumps(call) + "\n")
        process.stdin.flush()
        lines.append(process.stdout.readline())
    rest, noise = process.communicate(timeout=60)
    messages = [json.loads(line) for line in lines]
    assert [m["id"] for m in messages] == list(range(1, 20))
    assert all(len(m["result"]["tools"]) == 6 for m in messages)
    assert rest == ""
    assert "noise from C" in noise
    assert "noise from Python" in noise
    assert "noise at the end" in noise


def test_listing_tools_loads_no_model_library(environ: dict[str, str]) -> None:
    code = (
        "import sys, json, omni_server.app as app; app.all_tools();"
        "print(json.dumps(sorted(m for m in sys.modules if '.' not in m)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environ, timeout=60
    )
    loaded = set(json.loads(out.stdout))
    assert not loaded & {
        "numpy", "torch", "transformers", "sentence_transformers", "onnxruntime", "onnx", "av",
        "PIL", "pymupdf", "ctranslate2", "faster_whisper", "rapidocr", "qdrant_edge",
        "qdrant_client", "tokenizers",
    }  # fmt: skip


async def test_the_same_command_serves_http_until_it_is_interrupted(
    environ: dict[str, str], tmp_path: Path, root: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, *SERVE, "--http", "--port", str(port), "--root", str(root),
         "--store", str(tmp_path / "store")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=environ | {"OMNI_ENCODER": "hashing", "OMNI_INDEX": "memory"},
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(60):
            transport = httpx2.AsyncHTTPTransport(retries=20)  # waits 0.5 s, 1 s, 2 s ...
            async with httpx2.AsyncClient(transport=transport) as http:
                assert (await http.get(f"{base}/health")).json() == {"ok": True}
            async with Client(f"{base}/mcp") as client:
                assert len((await client.list_tools()).tools) == 6
                result = await client.call_tool("search", {"query": "x"})
                assert text(result).startswith("EMPTY_INDEX: ")
    finally:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert out == b""
    assert process.returncode in (0, 130)
