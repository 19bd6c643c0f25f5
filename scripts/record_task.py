"""Records a task across a restart of its server: JSON-RPC over stdio, shortened, as Markdown.

Run by ./scripts/record_task. The server is the real one with its default models, the media are
samples/library/field-trip; the first process is killed (as by `kill -9`) once some files are done.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
PAGE = HERE / "docs" / "tasks.md"
START, END = "<!-- exchange: start -->", "<!-- exchange: end -->"
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {
        "extensions": {"io.modelcontextprotocol/tasks": {}}
    },
}
KILL_AT = re.compile(r"file [3-9] of \d+")
"""A status message of the first process that lets it be killed."""
LONGEST = 600
"""Most characters of a text within a line."""


class Recording:
    """The Markdown so far."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        """A sentence between the messages."""
        self.lines += ["", text, ""]

    def exchange(self, sent: dict[str, Any], got: dict[str, Any]) -> None:
        """A request, the first one with its `_meta`, and its answer."""
        request = _short(sent, meta=not any("_meta" in line for line in self.lines))
        self.lines += ["```text", f"--> {request}\n<-- {_short(got)}", "```"]


class Server:
    """A server process on `store`, and the client's side of its pipe."""

    def __init__(self, store: Path) -> None:
        command = [sys.executable, "-m", "omni_server", "serve"]
        options = ["--root", str(HERE / "samples"), "--store", str(store)]
        self._process = subprocess.Popen(
            [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._sent = 0

    def ask(self, method: str, **params: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Send a request; gives it and its answer."""
        assert self._process.stdin is not None  # noqa: S101  both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._sent += 1
        message = {
            "jsonrpc": "2.0", "id": self._sent, "method": method,
            "params": {**params, "_meta": META},
        }  # fmt: skip
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == self._sent:
                return message, answer
        sys.exit("the server ended")

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.communicate()

    def stop(self) -> None:
        """End it as a client does."""
        self._process.communicate(timeout=60)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="./scripts/record_task", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put it into docs/tasks.md")
    args = parser.parse_args()
    text = record()
    if not args.write:
        print(text)
        return 0
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(START)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")
    print(f"written to {PAGE.relative_to(HERE)}")
    return 0


def record() -> str:
    """Run the exchange; gives it as Markdown."""
    log = Recording()
    with tempfile.TemporaryDirectory() as folder:
        first = Server(Path(folder) / "store")
        call = first.ask(
            "tools/call", name="ingest_media", arguments={"source": "library/field-trip"}
        )
        log.note("The call is answered with a task after half a second:")
        log.exchange(*call)
        id = call[1]["result"]["taskId"]
        log.note("The client polls:")
        _poll(first, id, log, lambda task: bool(KILL_AT.search(task.get("statusMessage", ""))))
        first.kill()
        log.note("Here the server was killed with `kill -9`, and started again on the same store:")
        second = Server(Path(folder) / "store")
        _poll(second, id, log, lambda task: task["status"] != "working")
        second.stop()
    return "\n".join(log.lines).strip()


def _poll(server: Server, id: str, log: Recording, enough: Any) -> None:
    """Poll as the server suggests; the first and the last poll are shown."""
    polls = 0
    while True:
        sent, got = server.ask("tasks/get", taskId=id)
        task = got["result"]
        done = enough(task)
        if polls == 0 or done:
            if polls > 1:
                log.note(f"After {polls - 1} more:" if polls > 2 else "After one more:")
            log.exchange(sent, got)
        elif task["status"] != "working":
            sys.exit(f"the task ended too early: {task}")
        if done:
            return
        polls += 1
        time.sleep(task["pollIntervalMs"] / 1000)


def _short(message: dict[str, Any], *, meta: bool = False) -> str:
    """A message as one line; `_meta` is left out, which every message repeats."""
    kept = json.loads(json.dumps(message))
    for part in ("params", "result"):
        if part in kept and not meta:
            kept[part].pop("_meta", None)
    return json.dumps(_cut(kept), ensure_ascii=False)


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cut(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_cut(each) for each in value]
    if isinstance(value, str) and len(value) > LONGEST:
        return value[:LONGEST] + "…"
    return value


if __name__ == "__main__":
    sys.exit(main())
