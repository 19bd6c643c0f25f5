"""The lines of a client over stdin: whatever it sends is answered, and the session goes on."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from omni_core import limits
from omni_server.wire import LinesIn, LinesOut

REPO = Path(__file__).parents[2]
LIST: dict[str, Any] = {
    "jsonrpc": "2.0", "method": "tools/list",
    "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                         "io.modelcontextprotocol/clientCapabilities": {}}},
}  # fmt: skip
HANGS = """
import asyncio, sys, threading
import omni_server.stdio as stdio
from omni_core.settings import Settings
from omni_server.access import Access

stdio.ENDING_S = 1.0
hung = threading.Event()

def hang(self, source):
    threading.Event().wait()

Access.check = hang
stdio.run_stdio(Settings(store=sys.argv[1], roots=(sys.argv[2],), encoder="hashing",
                         index="memory", speech="off", screen_text="off"))
"""


def _serve(tmp_path: Path, root: Path, *command: str) -> subprocess.Popen[bytes]:
    environ = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(REPO), str(REPO / "server")]),
        "OMNI_ENCODER": "hashing", "OMNI_INDEX": "memory", "OMNI_SPEECH": "off",
    }  # fmt: skip
    args = command or ("-m", "omni_server", "serve", "--root", str(root), "--store",
                       str(tmp_path / "store"))  # fmt: skip
    return subprocess.Popen(
        [sys.executable, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environ,
    )  # fmt: skip


def _line(id_: int) -> bytes:
    return json.dumps({**LIST, "id": id_}).encode() + b"\n"


def test_a_server_answers_what_is_no_message_and_goes_on(tmp_path: Path, root: Path) -> None:
    process = _serve(tmp_path, root)
    assert process.stdin is not None
    assert process.stdout is not None
    sent: list[tuple[bytes, object]] = [
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\ud800"}}', 1),
        (b"{nonsense", None),
        (b'{"jsonrpc":"2.0","id":2,"method":"a","params":' + b"[" * 10_000, 2),
        (b'{"jsonrpc":"2.0","id":3,"method":"a","params":{"q":"' + b"x" * 10_000_000 + b'"}}', 3),
    ]
    try:
        for n, (line, id_) in enumerate(sent):
            process.stdin.write(line + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert (answer["id"], "error" in answer) == (id_, True), answer
            process.stdin.write(b"\n" + _line(100 + n))  # a blank line is nothing
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert answer["id"] == 100 + n
            assert answer["result"]["tools"]
    finally:
        rest, _ = process.communicate(timeout=60)
    assert rest == b""


def test_the_process_ends_although_a_look_up_hangs(tmp_path: Path, root: Path) -> None:
    process = _serve(tmp_path, root, "-c", HANGS, str(tmp_path / "store"), str(root))
    assert process.stdin is not None
    assert process.stdout is not None
    call = {**LIST, "id": 1, "method": "tools/call"}
    call["params"] = {**call["params"], "name": "ingest_media", "arguments": {"source": "a.md"}}
    process.stdin.write(json.dumps(call).encode() + b"\n" + _line(2))
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["id"] == 2  # the other one hangs
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize("ending", [b"\n", b""])
async def test_a_line_is_read_to_its_end_but_not_kept(tmp_path: Path, ending: bytes) -> None:
    sent, answered = tmp_path / "in", tmp_path / "out"
    long = b'{"jsonrpc":"2.0","id":4,"method":"a","params":{"q":"'
    long += b"x" * (3 * limits.MESSAGE_BYTES) + b'"}}'
    sent.write_bytes(_line(1) + long + ending)
    ended: list[bool] = []
    with sent.open("rb") as pipe, answered.open("wb") as out:
        lines = LinesIn(pipe, LinesOut(out), lambda: ended.append(True))
        async with asyncio.timeout(30):
            taken: list[Any] = [json.loads(line) async for line in lines]
    assert [message["id"] for message in taken] == [1]
    assert json.loads(answered.read_text())["id"] == 4
    assert ended == [True]
