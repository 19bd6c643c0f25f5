"""`omni-mcp install` and `uninstall`: each client's file changed, shown, kept and undone."""

from __future__ import annotations

import json
import os
import stat
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from omni_server.clients import change, paths, server
from omni_server.clients.table import CLIENTS, Client, client
from tests.omni_server.clients.conftest import Call

OTHERS = {
    "servers": '{\n    // mine\n    "inputs": [],\n    "servers": {\n        "a": {"k": "x"},\n'
    '        "b": {\n            "type": "stdio",\n            "command": "y", // why\n        },\n'
    "    },\n}\n",
    "mcpServers": '{\n  "theme":   "dark",\n  "mcpServers": {\n    "a": {"command":"x","args":[]}\n'
    '  },\n  "numbers": [1.0, 2e3],\n  "text": "\\u00e9\\/é"\n}\n',
    "mcp_servers": 'model = "m" # the good one\n\n[mcp_servers.a]\ncommand = "x"  # keep\n\n'
    '# the end\n[tui]\ntheme = "dark"\n',
}


def file_of(name: str) -> Path:
    return client(name).file("user", paths.here())


def held(chosen: Client, file: Path) -> dict[str, Any]:
    """The file as its client reads it: comments and trailing commas only where it takes them."""
    return chosen.document.entries(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_without_a_file_gets_one_that_is_read_back_and_undone(
    name: str, system: str, call: Call, media: Path
) -> None:
    said = call("install", name, "--root", media, "--store", "~/lib", "--encoder", "hashing",
                "--yes")  # fmt: skip
    assert said.code == 0, said.err
    file = Path(said.out.split("written: ")[1].splitlines()[0])
    assert f"+++ {file}" in said.out
    entry = held(client(name), file)["omni"]
    assert os.path.isabs(entry["command"])
    args = entry["args"][entry["args"].index("serve") :]
    assert args == ["serve", "--root", str(media), "--store", str(media.parent / "lib"),
                    "--encoder", "hashing"]  # fmt: skip
    text = file.read_bytes()
    again = call("install", name, "--root", media, "--store", "~/lib", "--encoder", "hashing")
    assert (again.code, "nothing to do" in again.out, file.read_bytes()) == (0, True, text)
    assert not file.with_name(file.name + ".bak").exists()
    assert call("uninstall", name, "--yes").code == 0
    assert held(client(name), file) == {}
    assert "nothing to do" in call("uninstall", name).out


@pytest.mark.parametrize("name", CLIENTS)
def test_what_others_wrote_stays_byte_for_byte(
    name: str, home: Path, call: Call, media: Path
) -> None:
    chosen, file = client(name), file_of(name)
    before = OTHERS[chosen.document.key]  # type: ignore[attr-defined]
    if name == "cursor":
        before = OTHERS["servers"].replace('"servers"', '"mcpServers"')
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(before.encode())
    assert call("install", name, "--root", media, "--yes").code == 0
    assert file.with_name(file.name + ".bak").read_bytes() == before.encode()
    after = file.read_text(encoding="utf-8")
    assert set(held(chosen, file)) >= {"a", "omni"}
    missing = [line for line in before.splitlines() if line.rstrip(",") not in after]
    assert missing == []
    assert call("uninstall", name, "--yes").code == 0
    assert file.read_bytes() == before.encode()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_file_that_cannot_be_read_is_named_with_its_line_and_left_alone(
    name: str, home: Path, call: Call, media: Path
) -> None:
    file = file_of(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    broken = b'[mcp_servers.a]\ncommand = "x\n' if name == "codex" else b'{\n  "mcpServers": {\n'
    for content in (broken, "Ünïcode".encode("utf-16")):
        file.write_bytes(content)
        for verb in ("install", "uninstall"):
            said = call(verb, name, "--yes")
            assert said.code == 1
            *_, line = said.err.splitlines()
            assert line.startswith(f"BAD_ARGUMENT: {file}: ")
            assert line.endswith("nothing was changed")
            assert "UTF-8" in line or "line " in line
        assert file.read_bytes() == content
        assert os.listdir(file.parent).count(file.name) == 1
        assert not file.with_name(file.name + ".bak").exists()


def test_comments_are_refused_where_the_client_itself_cannot_read_them(
    home: Path, call: Call
) -> None:
    file = file_of("claude-code")
    file.write_text("{\n  // mine\n}\n")
    said = call("install", "claude-code", "--yes")
    assert "line 2: a comment, which this client's reader does not take" in said.err
    assert file.read_text() == "{\n  // mine\n}\n"


@pytest.mark.parametrize("name", ["vscode", "codex"])
def test_a_comment_that_would_be_lost_leaves_the_file_and_prints_what_to_paste(
    name: str, home: Path, call: Call, media: Path
) -> None:
    file = file_of(name)
    file.parent.mkdir(parents=True)
    text = (
        '[mcp_servers.omni]\ncommand = "x"\nargs = [\n  "serve", # mine\n]\n'
        if name == "codex"
        else '{"servers": {"omni": {"command": "x", "args": ["serve" /* mine */]}}}'
    )
    file.write_text(text)
    said = call("install", name, "--root", media, "--yes")
    assert (said.code, file.read_text()) == (1, text)
    assert "CANNOT_EDIT" in said.err
    assert "a comment inside the entry would be lost; nothing was changed" in said.err
    snippet = said.err.split("yourself:\n\n")[1].split("CANNOT_EDIT")[0]
    loaded = tomllib.loads(snippet) if name == "codex" else json.loads(snippet)
    (servers,) = loaded.values()
    assert servers["omni"]["args"][-2:] == ["--root", str(media)]


def test_without_a_terminal_it_shows_and_refuses_and_a_dry_run_only_shows(
    home: Path, call: Call
) -> None:
    said = call("install", "cursor")
    assert (said.code, '+    "omni": {' in said.out) == (1, True)
    assert said.err.endswith(
        "BAD_ARGUMENT: it asks before it writes; give --yes, or --dry-run to look only\n"
    )
    dry = call("install", "cursor", "--dry-run")
    assert (dry.code, dry.out.splitlines()[-1]) == (0, "nothing was written")
    assert not file_of("cursor").exists()


@pytest.mark.parametrize(("answer", "written"), [("y", True), ("", False), ("no", False)])
def test_on_a_terminal_the_answer_decides(
    answer: str, written: bool, home: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert call("install", "cursor").code == 0
    assert file_of("cursor").exists() is written


def test_data_instead_of_text(home: Path, call: Call, media: Path) -> None:
    data = call("install", "gemini", "--root", media, "--yes", "--json").data
    assert data["written"] and data["changes"]
    assert data["file"] == str(file_of("gemini"))
    assert call("install", "gemini", "--json").code == 1
    assert not call("install", "gemini", "--root", media, "--json").data["changes"]
    rows = {r["client"]: r for r in call("install", "--list", "--json").data}
    assert set(rows) == set(CLIENTS)
    assert rows["gemini"]["entries"] == ["omni (user)"]


def test_the_list_says_what_is_here_and_what_cannot_be_read(home: Path, call: Call) -> None:
    call("install", "cursor", "--yes")
    call("install", "vscode", "--scope", "project", "--name", "films", "--yes")
    file_of("claude-code").write_text("{")
    lines = {line.split()[0]: line for line in call("install", "--list").out.splitlines()}
    assert lines["cursor"].split()[1:4] == ["yes", "omni", "(user)"]
    assert "films (project)" in lines["vscode"]
    assert "line 1: it ends before }" in lines["claude-code"]


WAYS = {
    "claude-code": {
        "type": "http", "url": "http://h:1/mcp",
        "headers": {"Authorization": "Bearer ${OMNI_TOKEN}"},
    },
    "cursor": {
        "url": "http://h:1/mcp", "headers": {"Authorization": "Bearer ${env:OMNI_TOKEN}"}
    },
    "vscode": {
        "type": "http", "url": "http://h:1/mcp",
        "headers": {"Authorization": "Bearer ${env:OMNI_TOKEN}"},
    },
    "codex": {"url": "http://h:1/mcp", "bearer_token_env_var": "OMNI_TOKEN"},
    "gemini": {
        "httpUrl": "http://h:1/mcp", "headers": {"Authorization": "Bearer ${OMNI_TOKEN}"}
    },
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_a_url_is_written_in_the_clients_words_and_the_token_never(
    name: str, home: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("install", name, "--yes")
    monkeypatch.setenv("OMNI_TOKEN", "a-secret-of-the-user")
    said = call("install", name, "--http", "http://h:1", "--yes")
    assert held(client(name), file_of(name))["omni"] == WAYS[name]
    assert "a-secret" not in said.out + said.err + file_of(name).read_text()
    monkeypatch.delenv("OMNI_TOKEN")
    assert "no token is sent" in call("install", name, "--http", "http://h:1", "--dry-run").err


def test_a_url_is_refused_where_the_client_takes_none(home: Path, call: Call) -> None:
    said = call("install", "claude-desktop", "--http", "http://h:1/mcp", "--yes")
    assert said.err.startswith("BAD_ARGUMENT: ")
    assert "Settings, Connectors" in said.err
    assert not file_of("claude-desktop").exists()


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["--root", "/absent/folder"], "NOT_FOUND: the root /absent/folder is not a folder"),
        (["--http", "localhost:8000"], "is no address"),
        (["--http", "http://me:secret@h/mcp"], "put no password into the URL"),
        (["--http", "http://h/mcp", "--root", "."], "belong to `omni-mcp serve --http`"),
        (["--token-env", "X"], "--token-env is of --http"),
        (["--name", "two words"], "letters, digits, - and _ only"),
        (["--name", "n" * 60], "use a shorter --name"),
    ],
)
def test_options_that_cannot_be_are_refused_in_one_line(
    argv: list[str], why: str, home: Path, call: Call
) -> None:
    said = call("install", "cursor", *argv, "--yes")
    assert (said.code, why in said.err.splitlines()[-1]) == (1, True), said.err
    assert not file_of("cursor").exists()


def test_a_client_must_be_named(home: Path, call: Call) -> None:
    assert "name a client (claude-code," in call("install").err


@pytest.mark.parametrize("name", CLIENTS)
def test_the_names_of_all_tools_fit_the_client(name: str) -> None:
    from omni_server.app import all_tools

    assert set(change.TOOLS) == {t.name for t in all_tools()}
    assert change.name_problem(client(name), "omni") == ""
    assert change.name_problem(client(name), "o" * 130)
    assert bool(change.name_problem(client(name), "my_omni")) is (name == "gemini")


def test_what_the_user_added_to_the_entry_stays(home: Path, call: Call, media: Path) -> None:
    call("install", "claude-code", "--yes")
    file = file_of("claude-code")
    data = json.loads(file.read_text())
    data["mcpServers"]["omni"] |= {"timeout": 600000, "env": {"OMNI_LOG": "INFO"}}
    file.write_text(json.dumps(data, indent=1))
    assert call("install", "claude-code", "--root", media, "--yes").code == 0
    entry = held(client("claude-code"), file)["omni"]
    assert (entry["timeout"], entry["env"]) == (600000, {"OMNI_LOG": "INFO"})
    assert entry["args"][-1] == str(media)
    call("install", "claude-code", "--http", "http://h/mcp", "--yes")
    entry = held(client("claude-code"), file)["omni"]
    assert entry == {"type": "http", "url": "http://h/mcp", "timeout": 600000}


def test_the_users_own_start_time_of_codex_stays(home: Path, call: Call) -> None:
    call("install", "codex", "--yes")
    file = file_of("codex")
    assert "startup_timeout_sec = 30" in file.read_text()
    file.write_text(file.read_text().replace("= 30", "= 90"))
    assert "nothing to do" in call("install", "codex", "--yes").out


def test_two_names_two_scopes_and_a_named_file_are_apart(home: Path, call: Call) -> None:
    call("install", "cursor", "--yes")
    call("install", "cursor", "--name", "films", "--yes")
    call("install", "cursor", "--scope", "project", "--yes")
    other = home / "elsewhere" / "mcp.json"
    call("install", "cursor", "--config", other, "--yes")
    assert set(held(client("cursor"), file_of("cursor"))) == {"omni", "films"}
    assert set(held(client("cursor"), home / "project" / ".cursor" / "mcp.json")) == {"omni"}
    assert set(held(client("cursor"), other)) == {"omni"}
    call("uninstall", "cursor", "--yes")
    assert "--scope project has it" in call("uninstall", "cursor").out


def test_a_duplicate_entry_is_left_to_the_user(home: Path, call: Call) -> None:
    text = '{\n"mcpServers": {\n"omni": {},\n"omni": {}\n}\n}\n'
    file_of("claude-code").write_text(text)
    said = call("install", "claude-code", "--yes")
    assert "'omni' stands there twice, on lines 3 and 4: take one out" in said.err
    assert file_of("claude-code").read_text() == text


TOMLS = (
    "", "model = 1\n", "[a]\nb = 1\n", 'x = """\n[mcp_servers.omni]\n"""\n',
    "[mcp_servers]\nx = {command = 'y'} # c\n\n# about tui\n[tui]\na = 1\n# end\n",
    "[mcp_servers.x]\ncommand = 'y'\n[tui]\na = 1\n[mcp_servers.z]\ncommand = 'q'\n",
    "mcp_servers.x.command = 'y'\n\n[[list]]\na = 1\n", "a = 1\r\n\r\n[tui]\r\nb = 2\r\n",
    '[projects."/home/me/a b"]\ntrust_level = "trusted"\n',
)  # fmt: skip


@pytest.mark.parametrize("before", TOMLS)
def test_toml_of_every_shape_comes_back_as_it_was(
    before: str, home: Path, call: Call, media: Path
) -> None:
    file = file_of("codex")
    file.parent.mkdir()
    file.write_bytes(before.encode())
    assert call("install", "codex", "--root", media, "--yes").code == 0
    assert tomllib.loads(file.read_bytes().decode())["mcp_servers"]["omni"]["args"][0] == "serve"
    assert call("uninstall", "codex", "--yes").code == 0
    assert file.read_bytes() == before.encode()


def test_a_table_of_toml_that_was_there_goes_without_the_next_ones_comment(
    home: Path, call: Call
) -> None:
    file = file_of("codex")
    file.parent.mkdir()
    file.write_text(
        "[mcp_servers.omni] # mine\ncommand = 'old' # c\nargs = [ # d\n]\n\n"
        "[mcp_servers.omni.env]\nA = '1'\n\n# about tui\n[tui]\na = 1\n"
    )
    assert call("install", "codex", "--name", "omni", "--yes").code == 1  # comment d
    call("uninstall", "codex", "--yes")
    assert file.read_text() == "\n# about tui\n[tui]\na = 1\n"


def test_toml_that_cannot_be_added_to_is_left_and_the_snippet_printed(
    home: Path, call: Call
) -> None:
    file = file_of("codex")
    file.parent.mkdir()
    text = "mcp_servers = {x = {command = 'y'}}\n"
    file.write_text(text)
    said = call("install", "codex", "--yes")
    assert (said.code, file.read_text()) == (1, text)
    assert "[mcp_servers.omni]" in said.err
    assert "without touching other things" in said.err


def test_a_mark_at_the_start_windows_lines_and_the_mode_of_the_file_stay(
    home: Path, call: Call
) -> None:
    file = file_of("claude-desktop")
    file.parent.mkdir(parents=True)
    before = b'\xef\xbb\xbf{\r\n  "mcpServers": {\r\n    "a": {}\r\n  }\r\n}\r\n'
    file.write_bytes(before)
    file.chmod(0o640)
    assert call("install", "claude-desktop", "--yes").code == 0
    raw = file.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf{\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n")
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
    call("uninstall", "claude-desktop", "--yes")
    assert file.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="links need no rights here")
def test_a_link_to_a_kept_file_stays_a_link(home: Path, call: Call) -> None:
    kept = home / "dotfiles" / "claude.json"
    kept.parent.mkdir()
    kept.write_text("{}\n")
    file_of("claude-code").symlink_to(kept)
    assert call("install", "claude-code", "--yes").code == 0
    assert file_of("claude-code").is_symlink()
    assert "omni" in json.loads(kept.read_text())["mcpServers"]


def test_a_file_that_another_program_changes_meanwhile_is_not_overwritten(home: Path) -> None:
    file = file_of("claude-code")
    file.write_text('{"a": 1}')
    made = change.install(client("claude-code"), file, "omni", server.command())
    file.write_text('{"a": 2}')
    with pytest.raises(Exception, match="changed meanwhile by another program: run again"):
        made.write()
    assert file.read_text() == '{"a": 2}'


def test_nothing_is_left_of_a_write_that_fails(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_of("cursor")
    file.parent.mkdir()
    file.write_text("{}")
    made = change.install(client("cursor"), file, "omni", server.command())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(Exception, match=r"cannot be written: No space left"):
        made.write()
    assert file.read_text() == "{}"
    assert sorted(p.name for p in file.parent.iterdir()) == ["mcp.json", "mcp.json.bak"]


def test_the_command_is_the_program_beside_the_interpreter_or_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path / "absent"))
    assert server.own_program() == [str(tmp_path / "python"), "-m", "omni_server"]
    script = tmp_path / ("omni-mcp.exe" if os.name == "nt" else "omni-mcp")
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    assert server.own_program() == [str(script)]


def test_a_program_in_a_cache_is_warned_about() -> None:
    assert server.is_temporary("/home/me/.cache/uv/archive-v0/abc/bin/omni-mcp")
    assert not server.is_temporary("/home/me/.local/bin/omni-mcp")
