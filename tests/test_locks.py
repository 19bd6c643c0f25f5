"""The locks of requirements/ fit pyproject.toml, hold a hash for every file, and are used."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPO = Path(__file__).parents[1]
LOCKS = REPO / "requirements"
PARTS = {"demo": ((), ""), "test": (("server", "omni", "parquet", "postgres"), "test"),
         "check": (("server",), "check"), "image": (("server", "postgres"), ""),
         "cuda": (("server", "omni", "postgres"), "")}  # fmt: skip
WHEELS = ("weights", "test-weights")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))


def locked(name: str) -> list[tuple[Requirement, list[str]]]:
    """Each requirement of a lock with its hashes."""
    text = (LOCKS / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    rows = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [
        (Requirement(row.split(" --hash=")[0].strip()), re.findall(r"--hash=sha256:(\S+)", row))
        for row in rows
    ]


def group(project: dict[str, Any], name: str) -> list[str]:
    found: list[str] = []
    for entry in project["dependency-groups"][name]:
        found += [entry] if isinstance(entry, str) else group(project, entry["include-group"])
    return found


def wanted(project: dict[str, Any], name: str) -> list[str]:
    if name in WHEELS:
        extras = project["project"]["optional-dependencies"]
        return list(extras.get(name) or project["dependency-groups"][name])
    extras, of_group = PARTS[name]
    found = list(project["project"]["dependencies"])
    for extra in extras:
        found += project["project"]["optional-dependencies"][extra]
    return found + (group(project, of_group) if of_group else [])


@pytest.mark.parametrize("name", [*PARTS, *WHEELS])
def test_every_requirement_is_locked_within_its_range(name: str, project: dict[str, Any]) -> None:
    """`./scripts/lock` was run after the last change of pyproject.toml."""
    held: dict[str, list[Requirement]] = {}
    for row, _ in locked(name):
        held.setdefault(canonicalize_name(row.name), []).append(row)
    for line in wanted(project, name):
        asked = Requirement(line)
        assert canonicalize_name(asked.name) in held, f"{asked.name} is not in {name}.txt"
        for row in held[canonicalize_name(asked.name)]:
            (version,) = (s.version for s in row.specifier)
            assert asked.specifier.contains(version, prereleases=True), f"{line}: {row} in {name}"


@pytest.mark.parametrize("path", sorted(LOCKS.glob("*.txt")), ids=lambda p: p.stem)
def test_every_locked_version_is_exact_and_has_hashes(path: Path) -> None:
    rows = locked(path.stem)
    assert rows
    for row, hashes in rows:
        (pin,) = row.specifier
        assert pin.operator == "==" and not row.url, row
        assert hashes and all(re.fullmatch("[0-9a-f]{64}", h) for h in hashes), row


def test_what_was_tested_is_what_is_installed() -> None:
    """The locks agree where they overlap."""
    tested = {(r.name, str(r.marker or "")): str(r.specifier) for r, _ in locked("test")}
    versions = {name: spec for (name, _), spec in tested.items()}
    for name in ("demo", "check", "image", "cuda", "build"):
        for row, _ in locked(name):
            if row.name in versions and not row.marker:
                assert str(row.specifier) == versions[row.name], f"{row} in {name}.txt"


def test_weights_of_single_persons_are_in_no_lock_that_must_be_whole() -> None:
    alone = {row.name for name in WHEELS for row, _ in locked(name)}
    for name in (*PARTS, "build"):
        assert not alone & {row.name for row, _ in locked(name)}


def test_the_weights_are_locked_by_the_hashes_that_the_code_knows() -> None:
    from omni_core.weights import WHEELS as PINNED

    held = {row.name: hashes for row, hashes in locked("weights")}
    assert {w.project for w in PINNED} == set(held)
    for wheel in PINNED:
        assert wheel.sha256 in held[wheel.project]


def test_the_scripts_install_what_the_locks_are_made_of(project: dict[str, Any]) -> None:
    said = subprocess.run(
        ["bash", "-c", '. scripts/_venv; for n in demo test check image cuda; do parts $n; '
         'echo "$n|$EXTRAS|$GROUP|$WEIGHTS"; done'],
        cwd=REPO, check=True, capture_output=True, text=True, timeout=30,
    ).stdout  # fmt: skip
    rows = {name: (tuple(filter(None, e.split(","))), g, tuple(w.split())) for name, e, g, w in
            (line.split("|") for line in said.splitlines())}  # fmt: skip
    assert {name: (e, g) for name, (e, g, _) in rows.items()} == PARTS
    assert {w for *_, ws in rows.values() for w in ws} == set(WHEELS)
    for script in (REPO / "scripts").iterdir():
        if script.is_file() and script.suffix == "":
            for name in re.findall(r"^venv \S+ (.+)$", script.read_text(encoding="utf-8"), re.M):
                assert name in PARTS, f"{script.name}: {name}"


def test_every_python_that_is_declared_has_a_version_to_install(project: dict[str, Any]) -> None:
    prefix = "Programming Language :: Python :: 3."
    minors = [c.removeprefix(prefix) for c in project["project"]["classifiers"] if prefix in c]
    for minor in minors:
        for name in PARTS:
            at = {"python_full_version": f"3.{minor}.1", "python_version": f"3.{minor}",
                  "sys_platform": "linux", "platform_machine": "x86_64"}  # fmt: skip
            rows = [r for r, _ in locked(name) if r.marker is None or r.marker.evaluate(at)]
            names = [r.name for r in rows]
            assert len(names) == len(set(names)), "a package twice for one machine"
            assert {"numpy", "mcp", "av"} <= set(names)
            numpy = next(r for r in rows if r.name == "numpy")
            assert Version(next(iter(numpy.specifier)).version) >= Version("2")
