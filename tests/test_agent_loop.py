"""The example for agents without MCP runs offline, and speaks the Chat Completions API."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).parents[1]
SCRIPT = REPO / "examples" / "agent-loop" / "agent_loop.py"
ENV = {
    **os.environ, "PYTHONPATH": os.pathsep.join([str(REPO), str(REPO / "server")]),
    "OMNI_ENCODER": "hashing", "OMNI_INDEX": "memory", "OMNI_SPEECH": "off",
    "OMNI_SCREEN_TEXT": "off",
}  # fmt: skip


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "boats.md").write_text("# Boats\n\nThe launch of the boat is postponed to March.\n")
    return folder


def start(media: Path, *more: str, env: dict[str, str] = ENV) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(SCRIPT), "when is the launch of the boat", "--root", str(media)]
    return subprocess.run(
        [*argv, "--store", str(media.parent / "store"), *more],
        capture_output=True, text=True, env=env, timeout=120, check=False,
    )  # fmt: skip


def test_the_scripted_model_ingests_searches_opens_and_cites(media: Path) -> None:
    done = start(media)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    calls = [line.split("(")[0] for line in lines if line.startswith("> ")]
    assert calls == ["> ingest_media", "> search", "> get_segment"]
    assert lines[-1].startswith("assistant: It is told here: [Boats ")


class Api(BaseHTTPRequestHandler):
    """Answers as the API does: first a search for what was asked, then words."""

    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append({"path": self.path, "key": self.headers["authorization"], **body})
        message: dict[str, Any] = {"role": "assistant", "content": "nothing is in it"}
        if len(self.asked) == 1:
            names = ("search", "list_sources")
            filled = {"search": {"query": "boat", "limit": None, "modality": []},
                      "list_sources": {"nonsense": 1}}  # fmt: skip
            calls = [
                {"id": n, "type": "function",
                 "function": {"name": n, "arguments": json.dumps(filled[n])}} for n in names
            ]  # fmt: skip
            message = {"role": "assistant", "content": None, "tool_calls": calls}
        answer = json.dumps({"choices": [{"message": message}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    asked: list[dict[str, Any]] = []
    handler = type("Handler", (Api,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
        server.shutdown()
        thread.join(timeout=10)


def test_a_real_model_is_asked_with_strict_functions_and_gets_every_result(
    media: Path, api: tuple[str, list[dict[str, Any]]]
) -> None:
    url, asked = api
    env = ENV | {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "key"}
    done = start(media, "--model", "m", env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "assistant: nothing is in it"
    first, second = asked
    assert (first["path"], first["key"], first["model"]) == (
        "/v1/chat/completions", "Bearer key", "m"
    )  # fmt: skip
    names = [t["function"]["name"] for t in first["tools"]]
    assert "search" in names
    assert "delete_source" not in names  # it is behind a flag
    assert all(t["function"]["strict"] for t in first["tools"])
    results = [m for m in second["messages"] if m["role"] == "tool"]
    assert [m["tool_call_id"] for m in results] == ["search", "list_sources"]
    assert results[0]["content"].startswith("EMPTY_INDEX: ")
    assert "has no argument [1]" in results[1]["content"]


async def test_arguments_that_are_not_json_come_back_as_words() -> None:
    spec = importlib.util.spec_from_file_location("agent_loop", SCRIPT)
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    for text in ("{", "[1]"):
        assert (await example._result(None, "search", text)).startswith("BAD_ARGUMENT: ")
