"""`omni-mcp doctor --client`: one line and a fix for each thing that is wrong with an entry."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from omni_server.clients import paths, probe
from omni_server.clients.table import client
from tests.omni_server.clients.conftest import Call

REPO = Path(__file__).parents[3]
PATH = os.pathsep.join([str(REPO), str(REPO / "server")])
LIGHT = {"OMNI_ENCODER": "hashing", "OMNI_INDEX": "memory", "PYTHONPATH": PATH}


def write(name: str, entry: dict[str, Any], entry_name: str = "omni") -> Path:
    """An entry as a user might have it."""
    file = client(name).file("user", paths.here())
    file.parent.mkdir(parents=True, exist_ok=True)
    text = client(name).document.put("", entry_name, entry)
    file.write_text(text, encoding="utf-8")
    return file


def serving(media: Path, **more: Any) -> dict[str, Any]:
    """A server that starts fast and answers."""
    args = ["-m", "omni_server", "serve", "--root", str(media), "--store", str(media / "store")]
    return {"command": sys.executable, "args": args, "env": LIGHT, **more}


def lines(call: Call, name: str, *argv: str) -> tuple[int, list[str]]:
    said = call("doctor", "--client", name, *argv)
    return said.code, said.out.splitlines()


@pytest.mark.parametrize("name", ["claude-code", "claude-desktop", "codex"])
def test_an_entry_that_works_is_started_and_its_time_reported(
    name: str, home: Path, call: Call, media: Path
) -> None:
    write(name, serving(media))
    code, said = lines(call, name)
    assert code == 0, said
    assert said[0].startswith("ok       entry: 'omni' in ")
    assert said[-2].split()[1:5] == ["start:", "it", "answers", "after"]
    assert said[-2].endswith("with 6 tools") or "some clients show it" in said[-2]
    assert said[-1] == f"{client(name).title} can use this server."


def test_the_same_as_data(home: Path, call: Call, media: Path) -> None:
    write("cursor", serving(media / "absent"))
    said = call("doctor", "--client", "cursor", "--json")
    assert (said.code, said.data["works"]) == (1, False)
    (wrong,) = (f for f in said.data["findings"] if f["state"] == "missing")
    assert wrong["name"] == "root"
    assert wrong["get"] == "omni-mcp install cursor --root DIR"


def test_no_file_no_entry_and_another_name_are_told_apart(
    home: Path, call: Call, media: Path
) -> None:
    code, said = lines(call, "cursor")
    assert code == 1
    assert (
        "mcp.json is not there, so it has no entry 'omni'. Fix: omni-mcp install cursor" in said[0]
    )
    write("cursor", {"command": "/x/omni-mcp", "args": ["serve"]}, "films")
    _, said = lines(call, "cursor")
    assert "has no entry 'omni'. Fix: --name films, which starts omni-mcp" in said[0]
    _, said = lines(call, "cursor", "--name", "films")
    assert said[0].startswith("ok       entry: 'films'")


def test_a_file_that_cannot_be_read_is_named_with_its_line(home: Path, call: Call) -> None:
    file = write("claude-code", {})
    file.write_text('{\n  "mcpServers": {\n    oops\n')
    code, said = lines(call, "claude-code")
    assert (code, len(said)) == (1, 2)
    assert said[0].startswith(f"WRONG    file: {file}: line 3: ")
    assert said[0].endswith("Fix: repair it in an editor")


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "a command that does not exist": (
        "cursor", {"command": "/absent/x"}, "WRONG    command: /absent/x does not exist"
    ),
    "a command that is not on the path": (
        "cursor", {"command": "absent-omni"}, "WRONG    command: absent-omni is not on the PATH"
    ),
    "neither command nor url": ("vscode", {"type": "stdio"}, "WRONG    entry: it has neither"),
    "a relative command": (
        "cursor", {"command": Path(sys.executable).name, "args": ["-c", "0"]},
        f"warning  command: {Path(sys.executable).name} is no full path",
    ),
    "a root that is gone": (
        "gemini", {"command": sys.executable, "args": ["serve", "--root", "/absent/a"]},
        "WRONG    root: /absent/a is not a folder. Fix: omni-mcp install gemini --root DIR",
    ),
    "an unset variable": (
        "claude-code",
        {"type": "http", "url": "http://h/mcp", "headers": {"A": "Bearer ${ABSENT_TOKEN}"}},
        "WRONG    environment: the variable ABSENT_TOKEN is not set. Fix: set ABSENT_TOKEN where "
        "Claude Code is started from",
    ),
    "an unset variable of codex": (
        "codex", {"url": "http://h/mcp", "bearer_token_env_var": "ABSENT_TOKEN"},
        "WRONG    environment: the variable ABSENT_TOKEN is not set",
    ),
    "a url without its type": (
        "claude-code", {"url": "http://h/mcp"}, 'WRONG    entry: a URL without "type": "http"'
    ),
    "the old transport": (
        "gemini", {"url": "http://h/mcp"}, "WRONG    entry: `url` means the older SSE transport"
    ),
    "a url in claude desktop": (
        "claude-desktop", {"url": "http://h/mcp"}, "WRONG    entry: Claude Desktop takes URLs under"
    ),
    "headers that are ignored": (
        "codex", {"url": "http://h/mcp", "headers": {"a": "b"}}, "WRONG    entry: Codex ignores"
    ),
    "switched off": ("cursor", {"command": "x", "disabled": True}, "WRONG    entry: it is"),
    "off in codex": ("codex", {"command": "x", "enabled": False}, "WRONG    entry: it is"),
    "a short limit": (
        "gemini", {"command": "x", "timeout": 5000},
        "warning  timeout: timeout = 5000 ends calls after 5 s; one may take 45 s. Fix: set "
        "timeout to 60000 or more, or take it out",
    ),
    "a short limit of codex": (
        "codex", {"command": "x", "tool_timeout_sec": 20}, "warning  timeout: tool_timeout_sec = 20"
    ),
    "a store that is a file": (
        "vscode", {"command": sys.executable, "args": ["serve", "--store", __file__]},
        f"WRONG    store: {__file__} is a file",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "entry", "line"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_one_line_with_its_fix(
    name: str, entry: dict[str, Any], line: str, home: Path, call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("ABSENT_TOKEN", raising=False)
    write(name, entry)
    _, said = lines(call, name)
    (found,) = (each for each in said if each.startswith(line))
    assert ". Fix: " in found


@pytest.mark.skipif(os.name != "posix", reason="no execute bit")
def test_a_command_that_may_not_run(home: Path, call: Call) -> None:
    script = home / "omni-mcp"
    script.write_text("#!/bin/sh\n")
    write("cursor", {"command": str(script)})
    _, said = lines(call, "cursor")
    assert f"WRONG    command: {script} cannot be executed. Fix: omni-mcp install cursor" in said


def test_a_second_entry_and_a_second_scope_are_reported(
    home: Path, call: Call, media: Path
) -> None:
    file = write("cursor", serving(media))
    text = client("cursor").document.put(file.read_text(), "films", serving(media))
    file.write_text(text)
    store = ["--store", media / "store"]
    call("install", "cursor", "--scope", "project", "--root", media, *store, "--yes")
    _, said = lines(call, "cursor")
    assert "project/.cursor/mcp.json" in said[0]
    assert any(
        line.startswith(f"warning  entry: {file} has 'omni' as well; ")
        and line.endswith("Fix: omni-mcp uninstall cursor --scope user --name omni")
        for line in said
    )
    assert any("a second entry, 'films'" in line for line in said)
    call("install", "cursor", "--name", "films", "--store", home / "other", "--yes")
    assert not any("a second entry" in line for line in lines(call, "cursor")[1])


def test_an_entry_that_claude_code_keeps_for_this_folder_alone_counts_first(
    home: Path, call: Call, media: Path
) -> None:
    """`claude mcp add` writes one unless it is told otherwise."""
    file = write("claude-code", serving(media))
    data = json.loads(file.read_text())
    here = str(home / "project")
    data["projects"] = {here: {"mcpServers": {"omni": {"command": "/absent/omni-mcp"}}}}
    file.write_text(json.dumps(data))
    code, said = lines(call, "claude-code")
    assert code == 1
    assert any(f"{file} has a second 'omni', for this folder; it counts" in line for line in said)
    assert any("/absent/omni-mcp does not exist" in line for line in said)
    assert "omni (local)" in call("install", "--list").out
    call("uninstall", "claude-code", "--yes")
    again = call("uninstall", "claude-code").out
    assert "one for this folder: claude mcp remove --scope local omni" in again


def test_an_entry_that_occurs_twice_in_a_file_is_reported_with_both_lines(
    home: Path, call: Call
) -> None:
    file = write("cursor", {})
    file.write_text('{\n"mcpServers": {\n"omni": {},\n"omni": {}\n}\n}\n')
    code, said = lines(call, "cursor")
    assert code == 1
    assert "'omni' stands there twice, on lines 3 and 4: take one out" in said[0]


def test_a_name_that_the_client_cuts(home: Path, call: Call, media: Path) -> None:
    name = "evidence-in-my-own-videos-and-recordings-and-more"
    write("cursor", serving(media), name)
    _, said = lines(call, "cursor", "--name", name)
    assert any("which takes 60: use a shorter --name. Fix: " in line for line in said)


STARTS: dict[str, tuple[str, str, str]] = {
    "it ends": (
        "import sys; sys.exit('the store is locked')",
        "it does not answer: ",
        "it said: the store",
    ),
    "it prints": ("print('hello'); import time; time.sleep(60)", "no answer within 2 s", ""),
    "it is silent": ("import time; time.sleep(60)", "no answer within 2 s, when Codex CLI", ""),
}


@pytest.mark.parametrize(("code", "what", "said_last"), STARTS.values(), ids=STARTS)
def test_a_server_that_does_not_answer_is_given_up_in_the_clients_time(
    code: str, what: str, said_last: str, home: Path, call: Call
) -> None:
    limit = 30 if said_last else 2
    write("codex", {"command": sys.executable, "args": ["-c", code], "startup_timeout_sec": limit})
    rc, said = lines(call, "codex")
    assert rc == 1
    assert said[-2].startswith(f"WRONG    start: {what}")
    assert said_last in said[-2]
    assert "Fix: run it in a terminal: " in said[-2]
    assert said[-1] == "Codex CLI cannot use it yet."


def test_the_environment_is_the_one_that_the_client_gives(
    home: Path, call: Call, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Codex hands on PATH, HOME and few others; Claude Code everything."""
    monkeypatch.setenv("OMNI_MAX_FILE_MB", "not a number")  # the server refuses to start with it
    write("codex", serving(media))
    write("claude-code", serving(media))
    assert lines(call, "codex")[0] == 0
    code, said = lines(call, "claude-code")
    assert code == 1
    assert "OMNI_MAX_FILE_MB" in said[-2]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A server over HTTP that wants a token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "omni_server", "serve", "--http", "--port", str(port),
         "--store", str(tmp_path / "store")],
        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        env={**os.environ, **LIGHT, "OMNI_TOKEN": "0123456789abcdef"},
    )  # fmt: skip
    try:
        with httpx2.Client(transport=httpx2.HTTPTransport(retries=20)) as http:
            assert http.get(f"http://127.0.0.1:{port}/health", timeout=60).json() == {"ok": True}
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_a_url_is_asked_with_the_token_of_the_environment(
    url: str, home: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("claude-code", "codex"):
        monkeypatch.setenv("OMNI_TOKEN", "0123456789abcdef")
        assert call("install", name, "--http", url, "--yes").code == 0
        code, said = lines(call, name)
        assert (code, said[-2].startswith(f"ok       url: {url} answers after")) == (0, True), said
        monkeypatch.setenv("OMNI_TOKEN", "another-token-0123")
        code, said = lines(call, name)
        assert f"WRONG    url: {url} refuses the token (401). Fix: set the variable" in said[-2]
    monkeypatch.delenv("OMNI_TOKEN")
    call("uninstall", "claude-code", "--yes")
    call("install", "claude-code", "--http", url, "--yes")
    assert "wants a token, and the entry sends none (401)" in lines(call, "claude-code")[1][-2]
    call("install", "claude-code", "--http", url.replace("/mcp", "/other"), "--yes")
    assert lines(call, "claude-code")[0] == 1


@pytest.mark.skipif(os.name != "posix", reason="127.1 is no address there")
def test_a_host_name_that_the_server_does_not_know_is_reported(
    url: str, home: Path, call: Call
) -> None:
    call("install", "gemini", "--http", url.replace("127.0.0.1", "127.1"), "--yes")
    code, said = lines(call, "gemini")
    assert code == 1
    assert "does not know that host name (421). Fix: omni-mcp serve --http --allowed" in said[-2]


def test_the_folders_that_editors_know_are_filled_in(home: Path, call: Call, media: Path) -> None:
    for name in ("vscode", "cursor"):
        args = ["-m", "omni_server", "serve", "--root", "${workspaceFolder}", "--store"]
        write(name, serving(media, args=[*args, "${userHome}/Media/store"]))
        code, said = lines(call, name)
        assert code == 0, said


def test_what_vs_code_asks_its_user_is_not_tried(home: Path, call: Call) -> None:
    headers = {"Authorization": "Bearer ${input:token}"}
    write("vscode", {"type": "http", "url": "http://127.0.0.1:9/mcp", "headers": headers})
    code, said = lines(call, "vscode")
    assert code == 0
    assert said[-2] == (
        "-        start: VS Code asks its user for ${input:token}, so it was not tried here"
    )


def test_a_port_where_nothing_listens(home: Path, call: Call) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/mcp"
    call("install", "gemini", "--http", url, "--yes")
    code, said = lines(call, "gemini")
    assert code == 1
    assert f"WRONG    url: nothing listens at {url}. Fix: start it: omni-mcp serve --http" in said


@pytest.mark.parametrize(
    ("status", "fix"), [(421, "--allowed-host NAME"), (403, "--allowed-host"), (404, "/mcp"),
                        (500, "is it an MCP server?")]
)  # fmt: skip
def test_every_refusal_of_a_url_has_its_fix(status: int, fix: str) -> None:
    found = probe._refused(status, "http://h/mcp", True)
    assert found is not None
    assert str(status) in found.detail
    assert fix in found.get


def test_references_of_every_notation_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from omni_server.clients.variables import BRACES, EDITOR, NONE, SHELL, expand

    env = {"A": "1"}
    for notation, text, value, unset in (
        (BRACES, "x ${A} ${B} ${C:-d}", "x 1  d", {"B"}),
        (EDITOR, "x ${env:A} ${env:B}", "x 1 ", {"B"}),
        (SHELL, "x $A ${A} $B ${C:-d}", "x 1 1  d", {"B"}),
        (NONE, "x ${A}", "x ${A}", set()),
    ):
        got = expand(notation, {"a": [{"b": text}], "n": 1}, env)
        assert (got.entry, got.unset) == ({"a": [{"b": value}], "n": 1}, unset)
    codex = {
        "bearer_token_env_var": "A",
        "env_http_headers": {"X": "B"},
        "http_headers": {"Y": "2"},
    }
    got = expand(NONE, codex, env)
    assert got.entry["headers"] == {"Y": "2", "Authorization": "Bearer 1"}
    assert got.unset == {"B"}


def test_the_file_may_be_named(home: Path, call: Call, media: Path) -> None:
    other = home / "elsewhere.json"
    other.write_text(json.dumps({"mcpServers": {"omni": serving(media)}}))
    assert lines(call, "cursor", "--client-file", str(other))[0] == 0
