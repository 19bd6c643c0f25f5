"""`omni-mcp token` and what the doctor says of OAuth, as their user sees them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from omni_core.settings import Settings
from omni_server.auth.diagnosis import examine
from omni_server.auth.tokens_file import digest, read
from omni_server.cli import main
from omni_server.http.app import create_http
from tests.omni_server.auth.authorization_server import AuthorizationServer
from tests.omni_server.auth.conftest import address, bound

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *argv: object) -> tuple[int, str, str]:
    code = main([str(a) for a in argv])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_new_token_is_printed_once_and_only_its_hash_kept(
    capsys: Capture, tmp_path: Path
) -> None:
    store = ("--store", tmp_path / "store")
    code, out, err = run(capsys, "token", "new", "--name", "alice", "--scopes", "read,ingest",
                         "--tenant", "Acme GmbH", "--expires", "90d", *store)  # fmt: skip
    token = out.strip()
    assert (code, token[:5]) == (0, "omni_")
    assert len(token) > 40
    path = tmp_path / "store" / "tokens.toml"
    entry = read(path)[digest(token)]
    assert (entry.principal.name, entry.principal.tenant) == ("alice", "Acme GmbH")
    assert sorted(entry.principal.scopes) == ["ingest", "read"]
    assert entry.expires is not None
    assert token not in path.read_text()
    assert token not in err
    assert f"OMNI_TOKENS_FILE={path}" in err
    assert "acme-gmbh~" in err


def test_a_token_is_given_rights_on_collections(capsys: Capture, tmp_path: Path) -> None:
    file = ("--file", tmp_path / "t.toml")
    new = ("token", "new", "--name")
    made = json.loads(
        run(capsys, *new, "a", "--collections", "HR, public:read", *file, "--json")[1]
    )
    assert made["collections"] == ["hr", "public:read"]
    principal = read(tmp_path / "t.toml")[digest(made["token"])].principal
    assert principal.collections == ("hr", "public:read")
    assert str(principal) == "a (collections hr, public:read)"
    run(capsys, *new, "b", *file)
    out = run(capsys, "token", "list", *file)[1]
    assert "hr, public:read" in out
    assert "all" in out
    for nothing in ("", " , ", ":read"):
        code, _, err = run(capsys, *new, "c", "--collections", nothing, *file)
        assert (code != 0, "collection" in err) == (True, True)
    assert len(read(tmp_path / "t.toml")) == 2


def test_tokens_are_listed_without_a_hash_and_revoked(capsys: Capture, tmp_path: Path) -> None:
    file = ("--file", tmp_path / "t.toml")
    assert run(capsys, "token", "list", *file)[:2] == (0, f"no tokens in {tmp_path}/t.toml\n")
    made = json.loads(run(capsys, "token", "new", "--name", "a", *file, "--json")[1])
    run(capsys, "token", "new", "--name", "b", "--expires", "2020-01-01", *file)
    assert made["scopes"] == ["read"]
    code, out, _ = run(capsys, "token", "list", *file)
    assert code == 0
    assert "(expired)" in out
    assert digest(made["token"]) not in out
    listed = json.loads(run(capsys, "token", "list", *file, "--json")[1])
    assert [t["name"] for t in listed["tokens"]] == ["a", "b"]
    assert run(capsys, "token", "revoke", "--name", "a", *file)[0] == 0
    assert [t.principal.name for t in read(tmp_path / "t.toml").values()] == ["b"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("new",), "--name"),
        (("revoke",), "--name"),
        (("revoke", "--name", "x"), "no token is named"),
        (("new", "--name", "x", "--scopes", "read,admin"), "'admin' is no scope"),
        (("new", "--name", "x", "--scopes", ","), "scopes"),
        (("new", "--name", "x", "--expires", "soon"), "2027-06-30"),
        (("new", "--name", "x\ny"), "name"),
    ],
)
def test_a_wrong_call_says_what_is_right_and_writes_nothing(
    capsys: Capture, tmp_path: Path, argv: tuple[str, ...], words: str
) -> None:
    code, out, err = run(capsys, "token", *argv, "--file", tmp_path / "t.toml")
    assert (code, out) == (1, "")
    assert words in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fault", ["name", "tenant", "collections"])
def test_a_token_that_cannot_be_made_blames_what_was_given_and_no_entry_of_the_file(
    capsys: Capture, tmp_path: Path, fault: str
) -> None:
    file = ("--file", tmp_path / "t.toml")
    assert run(capsys, "token", "new", "--name", "a", *file)[0] == 0
    held = (tmp_path / "t.toml").read_bytes()
    given = {"name": "a"} if fault == "name" else {"name": "b", fault: ":read" + "x\x1b" * 80}
    options = [word for key, value in given.items() for word in (f"--{key}", value)]
    code, out, err = run(capsys, "token", "new", *options, *file)
    assert (code, out) == (1, "")
    assert fault.rstrip("s") in err
    assert "entry" not in err and "t.toml" not in err
    assert (tmp_path / "t.toml").read_bytes() == held


@contextmanager
def served(app: Any, listener: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(60)


def test_the_doctor_finds_a_whole_set_up_well_and_names_what_is_not(tmp_path: Path) -> None:
    with bound() as here, bound() as there:
        issuer = AuthorizationServer(address(there))
        settings = Settings(store=str(tmp_path / "store"), oauth_issuer=issuer.issuer,
                            oauth_audience=f"{address(here)}/mcp")  # fmt: skip
        with served(issuer.app, there), served(create_http(settings), here):
            states = {c.name: c.state for c in examine(settings)}
            elsewhere = Settings(store=str(tmp_path / "store"), oauth_issuer=issuer.issuer,
                                 oauth_audience=f"{address(here)}/other")  # fmt: skip
            wrong = {c.name: c for c in examine(elsewhere)}
            slash = Settings(oauth_issuer=f"{issuer.issuer}/", oauth_audience=f"{address(here)}/x")
            named = {c.name: c for c in examine(slash)}
            with issuer.that_is_down():
                down = {c.name: c.state for c in examine(settings)}
    assert states == {"authorization server": "ok", "signing keys": "ok", "own address": "ok"}
    assert wrong["own address"].state == "warning"
    assert named["authorization server"].state == "missing"
    assert "set oauth_issuer to exactly that" in named["authorization server"].detail
    assert down["authorization server"] == down["signing keys"] == "missing"


def test_the_doctor_reads_the_tokens_file_and_settings_that_do_not_fit(tmp_path: Path) -> None:
    broken = tmp_path / "t.toml"
    broken.write_text("[[tok")
    settings = Settings(tokens_file=str(broken), tenant_roots=str(tmp_path / "none"),
                        tenant_claim="org")  # fmt: skip
    assert {c.name: c.state for c in examine(settings)} == {
        "tokens file": "missing", "tenant roots": "warning", "OAuth": "missing",
    }  # fmt: skip
    broken.write_text("")
    fine = Settings(tokens_file=str(broken), tenant_roots=str(tmp_path))
    assert {c.state for c in examine(fine)} == {"ok"}
    assert examine(Settings()) == []


def test_a_doctor_of_everything_includes_them(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omni_server.doctor.FEATURES", ())
    monkeypatch.setenv("OMNI_TOKENS_FILE", str(tmp_path / "none.toml"))
    code, out, _ = run(capsys, "doctor", "--store", tmp_path)
    assert code == 1
    assert "MISSING  tokens file" in out
    assert "omni-mcp token new" in out
