"""The runner: what it reads, what it says where the suite cannot be had, and what it compares."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from omni_core.settings import Settings
from omni_server.app import build
from omni_server.state import State
from tests.conformance import report, run, suite
from tests.conformance.fixture_app import graft
from tests.conformance.suite import (
    REVISIONS,
    TASKS,
    Requirements,
    Scenario,
    Suite,
    UnavailableError,
)

HERE = Path(__file__).parent
REPO = HERE.parents[1]
FROZEN: dict[str, list[str]] = json.loads((HERE / "requirements.json").read_text(encoding="utf-8"))


def mirrored() -> set[str]:
    """The scenarios that tests of this folder name in their marks."""
    marks = [
        mark
        for file in HERE.glob("test_*.py")
        for mark in re.findall(
            r"^@pytest\.mark\.scenario\((.*?)\)", file.read_text(encoding="utf-8"), re.S | re.M
        )
    ]
    return {name for mark in marks for name in re.findall(r'"([^"]+)"', mark)}


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_required_scenario_has_a_test_that_says_the_same(revision: str) -> None:
    assert {*FROZEN[revision], *TASKS} <= mirrored()


def test_the_page_shows_every_required_scenario_as_passed() -> None:
    tables = report.between(run.PAGE.read_text(encoding="utf-8"))
    rows = {row[0]: row[1:] for line in tables.splitlines() if line
            for row in [[c.strip() for c in line.strip("|").split("|")]]}  # fmt: skip
    for i, revision in enumerate(REVISIONS):
        for name in FROZEN[revision]:
            passed, made = rows[name][i].split(" of ")
            assert passed == made and int(made) > 0, name
    for name in TASKS:
        passed, made = rows[f"{name} (extension)"][0].split(" of ")
        assert passed == made and int(made) > 0, name


async def test_the_product_has_no_fixture(tmp_path: Path) -> None:
    state = State(Settings(store=str(tmp_path), encoder="hashing", index="memory"))
    bare, grafted = build(state), build(state)
    graft(grafted)
    for list_names in (_tools, _prompts, _resources):
        product = await list_names(bare)
        assert product and not any("test" in name for name in product)
        assert set(product) < set(await list_names(grafted))
    for package in ("omni_core", "server"):
        for file in (REPO / package).rglob("*.py"):
            code = file.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(from|import) tests\b", code, re.M), file


async def _tools(server: Any) -> list[str]:
    return [tool.name for tool in await server.list_tools()]


async def _prompts(server: Any) -> list[str]:
    return [prompt.name for prompt in await server.list_prompts()]


async def _resources(server: Any) -> list[str]:
    return [str(resource.uri) for resource in await server.list_resources()]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_product_advertises_nothing_that_only_fixtures_do(
    tmp_path: Path, mode: Any
) -> None:
    state = State(Settings(store=str(tmp_path), encoder="hashing", index="memory"))
    async with Client(build(state), mode=mode) as client:
        assert client.server_capabilities.logging is None


def check(folder: Path, name: str, *statuses: str) -> None:
    into = folder / f"server-{name}-2026-11-25T18-33-24-213Z"
    into.mkdir(parents=True)
    (into / "checks.json").write_text(json.dumps([{"status": s} for s in statuses]))


def test_results_are_counted_by_scenario_and_a_missing_one_is_not_sound(tmp_path: Path) -> None:
    check(tmp_path, "tools-list", "SUCCESS", "SUCCESS", "INFO")
    check(tmp_path, "tools-call", "SUCCESS", "FAILURE")
    check(tmp_path, "tools-call-image", "SUCCESS", "WARNING")
    check(tmp_path, "tasks", "FAILURE")
    required = Requirements(
        ("tools-list", "tools-call", "tools-call-image", "gone"), {"tasks": "extension"}
    )
    found = suite.read_results(tmp_path, required)
    assert list(found.values()) == [
        Scenario("tools-list", 2, 0, 0),
        Scenario("tools-call", 1, 1, 0),
        Scenario("tools-call-image", 1, 0, 1),
        Scenario("gone", 0, 0, 0),
        Scenario("tasks", 0, 1, 0, "extension"),
    ]
    assert [s.sound for s in found.values()] == [True, False, False, False, False]
    assert report.wrong({"R": found}) == [
        "R tools-call: 1 passed, 1 failed, 0 warnings",
        "R tools-call-image: 1 passed, 0 failed, 1 warnings",
        "R gone: 0 passed, 0 failed, 0 warnings",
    ]


def test_a_scenario_of_an_extension_that_is_offered_must_pass_as_a_required_one() -> None:
    tasks = Scenario("tasks-lifecycle", 8, 1, 0, "extension")
    other = Scenario("apps-lifecycle", 0, 9, 0, "extension")
    found = {"R": {s.name: s for s in (tasks, other)}}
    assert report.wrong(found) == ["R tasks-lifecycle: 8 passed, 1 failed, 0 warnings"]
    assert "| Extension `tasks` | R: 0 of 1 |" in report.as_markdown(found)


def test_the_servers_part_of_the_requirements_is_read() -> None:
    data = {
        "server": ["ping"], "client": ["auth"],
        "not_scored": [{"scenario": "tasks", "leg": "server", "reason": "extension"},
                       {"scenario": "dpop", "leg": "client", "reason": "extension"}],
    }  # fmt: skip
    assert suite.read_requirements(data) == Requirements(("ping",), {"tasks": "extension"})


def test_tables_are_put_between_the_marks_of_a_page_and_found_there() -> None:
    found = {
        "A": {"ping": Scenario("ping", 2, 0, 0), "x": Scenario("x", 0, 1, 0, "pending")},
        "B": {"ping": Scenario("ping", 1, 0, 1)},
    }
    tables = report.as_markdown(found)
    assert "| Required scenario | A: 1 of 1 | B: 0 of 1 |" in tables
    assert "| ping | 2 of 2 | 1 of 2 |" in tables
    assert "| x (pending) | 0 of 1 |  |" in tables
    page = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    written = report.replaced(page, tables)
    assert report.between(written) == tables
    assert written.startswith("before\n") and written.endswith("\nafter\n")
    assert report.replaced(written, tables) == written


def fake(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="stand-ins are shell scripts")
@pytest.mark.parametrize(
    ("scripts", "machine", "said"),
    [
        ({}, "x86_64", "npm is not installed"),
        ({"npm": "exit 0", "node": "echo v20.20.2"}, "riscv64", "Node 22 or newer is not"),
        ({"npm": "exit 0"}, "riscv64", "Node 22 or newer is not installed"),
        ({"npm": "echo; echo npm error ENOTFOUND >&2; exit 1", "node": "echo v22.1.0"}, "x86_64",
         "npm cannot fetch @modelcontextprotocol/conformance@.*: npm error ENOTFOUND"),
        ({"npm": "exit 0"}, "x86_64", "the Node 22 of npm does not run here"),
    ],
)  # fmt: skip
def test_where_the_suite_cannot_be_had_one_line_says_why(
    tmp_path: Path, monkeypatch: Any, scripts: dict[str, str], machine: str, said: str
) -> None:
    bin = tmp_path / "bin"
    bin.mkdir()
    for name, script in scripts.items():
        fake(bin, name, script)
    monkeypatch.setenv("PATH", str(bin))
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: machine)
    with pytest.raises(UnavailableError, match=said):
        Suite.install(tmp_path / "modules")


@pytest.mark.skipif(sys.platform == "win32", reason="stand-ins are shell scripts")
def test_a_suite_that_is_there_is_not_fetched_again(tmp_path: Path, monkeypatch: Any) -> None:
    fake(tmp_path / "bin", "npm", "exit 1")
    fake(tmp_path / "bin", "node", "echo v24.0.1")
    package = tmp_path / "modules" / "node_modules" / suite.PACKAGE
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": suite.VERSION}))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    got = Suite.install(tmp_path / "modules")
    assert (got.node.name, got.package) == ("node", package)
    (package / "package.json").write_text(json.dumps({"version": "0.1.0"}))
    with pytest.raises(UnavailableError):
        Suite.install(tmp_path / "modules")


@pytest.mark.parametrize(
    ("arguments", "status", "word"), [([], 0, "skipped"), (["--required"], 1, "failed")]
)
def test_the_runner_skips_with_a_word_or_fails_where_it_must_not(
    monkeypatch: Any, capsys: Any, arguments: list[str], status: int, word: str
) -> None:
    def nothing(folder: Path) -> Suite:
        raise UnavailableError("npm is not installed")

    monkeypatch.setattr(Suite, "install", nothing)
    assert run.main(arguments) == status
    assert capsys.readouterr().out == f"{word}: npm is not installed\n"


@pytest.mark.skipif(sys.platform == "win32", reason="PATH is set for bash")
def test_the_script_skips_with_a_word_where_npm_is_missing(tmp_path: Path) -> None:
    for tool in ("bash", "dirname", "env"):
        found = subprocess.run(["which", tool], capture_output=True, text=True, check=True)
        os.symlink(found.stdout.strip(), tmp_path / tool)
    done = subprocess.run(
        [str(tmp_path / "bash"), str(REPO / "scripts" / "conformance")],
        capture_output=True, text=True, timeout=30, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "skipped: npm is not installed\n")


def only(found: dict[str, Scenario]) -> Any:
    """Stands in for a run of the suite that found this."""

    async def ran(suite: Suite, *, fixtures: bool) -> report.Found:
        return {"2026-07-28": found}

    return ran


@pytest.mark.parametrize(
    ("found", "arguments", "status", "said"),
    [
        (Scenario("ping", 2, 0, 0), [], 1, "failed: 2026-07-28 ping: not in requirements.json"),
        (Scenario("tools-list", 1, 1, 0), [], 1, "failed: 2026-07-28 tools-list: 1 passed, 1 "),
        (Scenario("tools-list", 0, 0, 0), [], 1, "failed: 2026-07-28 tools-list: 0 passed"),
        (Scenario("tools-list", 4, 0, 0), [], 2, "failed: docs/page.md has other figures"),
        (Scenario("tools-list", 4, 0, 0), ["--write"], 0, "| tools-list | 4 of 4 |"),
        (Scenario("tools-list", 4, 0, 0), ["--bare"], 0, "| tools-list | 4 of 4 |"),
    ],
)
def test_the_runner_fails_for_what_is_wrong_unmirrored_or_not_on_the_page(
    tmp_path: Path, monkeypatch: Any, capsys: Any,
    found: Scenario, arguments: list[str], status: int, said: str,
) -> None:  # fmt: skip
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text(f"{report.BEGIN}\n{report.END}\n")
    monkeypatch.setattr(run, "REPO", tmp_path)
    monkeypatch.setattr(run, "PAGE", page)
    monkeypatch.setattr(run, "FOLDER", tmp_path)
    monkeypatch.setattr(Suite, "install", lambda folder: None)
    monkeypatch.setattr(run, "_run", only({found.name: found}))
    assert run.main(arguments) == status
    assert said in capsys.readouterr().out
    assert ("tools-list" in page.read_text()) is (arguments == ["--write"])
    if arguments == ["--write"]:
        assert run.main([]) == 0
