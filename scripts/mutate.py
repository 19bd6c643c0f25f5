"""Mutation testing of chosen lines: apply one fault at a time, run the tests that must fail.

    python scripts/mutate.py [--list] [WORD ...]

`scripts/mutants.toml` lists the mutants; each replaces one text, which must occur exactly once in
its file, in a copy of the repository. First the tests of all chosen mutants must pass on
the untouched copy; then each mutant is applied alone and its tests must fail. Exit status 1: a
mutant went unnoticed; 2: the list itself is wrong (text or tests not found, tests fail anyway).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "scripts" / "mutants.toml"
LIMIT_S = 240
"""Seconds for the tests of one mutant; one that makes them hang is noticed by this limit."""
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "demo-output", "out")
TESTS_FAILED = 1  # of pytest's exit codes


class StaleError(Exception):
    """A mutant of the list does not apply, or its tests do not run or fail without it."""


class Outcome(Enum):
    """What became of a mutant."""

    NOTICED = "noticed"
    BY_TIME_LIMIT = "noticed, by the time limit"
    UNNOTICED = "NOT NOTICED"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One deliberate fault."""

    name: str
    """The faulty behaviour, as a sentence."""
    file: str
    """Path from the repository's root."""
    old: str
    new: str
    tests: tuple[str, ...]
    """Arguments for pytest: files, node ids."""

    def applied(self, text: str) -> str:
        """The file's text with the fault; raises StaleError unless `old` occurs once."""
        if (found := text.count(self.old)) != 1:
            raise StaleError(
                f"{self.name!r}: its text stands {found} times in {self.file}, not once; "
                f"bring scripts/mutants.toml up to date: {self.old!r}"
            )
        return text.replace(self.old, self.new)


def load(path: Path = LIST) -> list[Mutant]:
    """Every mutant of the list; raises StaleError for an invalid row."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    mutants = [
        Mutant(r["name"], r["file"], r["old"].strip("\n"), r["new"].strip("\n"), tuple(r["tests"]))
        for r in rows
    ]
    names = [m.name for m in mutants]
    for m in mutants:
        if names.count(m.name) > 1 or m.old == m.new or not m.tests:
            raise StaleError(f"{m.name!r}: its name is taken, it changes nothing, or has no tests")
    return mutants


def pytest(copy: Path, tests: tuple[str, ...]) -> tuple[int, str] | None:
    """pytest's exit code and last lines in `copy`, stopped at the first failure; None after
    `LIMIT_S`."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OMNI_", "PYTEST_", "COV_"))}
    env |= {
        "PYTHONPATH": os.pathsep.join([str(copy), str(copy / "server")]),  # child processes too
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=copy, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode not in (0, TESTS_FAILED):
        raise StaleError(f"pytest {' '.join(tests)} could not run:\n{done.stdout[-2000:]}")
    return done.returncode, done.stdout[-2000:]


def run(mutant: Mutant, copy: Path) -> Outcome:
    """Apply the mutant in `copy`, run its tests, restore the file."""
    path = copy / mutant.file
    right = path.read_text(encoding="utf-8")
    path.write_text(mutant.applied(right), encoding="utf-8")
    try:
        answer = pytest(copy, mutant.tests)
    finally:
        path.write_text(right, encoding="utf-8")
    if answer is None:
        return Outcome.BY_TIME_LIMIT
    return Outcome.NOTICED if answer[0] == TESTS_FAILED else Outcome.UNNOTICED


def check_all(mutants: list[Mutant]) -> list[Mutant]:
    """Print a row for each mutant; returns the unnoticed ones."""
    with tempfile.TemporaryDirectory(prefix="omni-mutate-") as folder:
        copy = Path(folder, "repository")
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for mutant in mutants:
            mutant.applied((copy / mutant.file).read_text(encoding="utf-8"))
        tests = tuple(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
        started = time.monotonic()
        answer = pytest(copy, tests)
        if answer is None or answer[0] != 0:
            why = "past the time limit" if answer is None else answer[1]
            raise StaleError(f"the tests fail without a mutant:\n{why}")
        print(f"{time.monotonic() - started:6.1f} s  the tests pass without a mutant", flush=True)
        unnoticed = []
        for mutant in mutants:
            started = time.monotonic()
            outcome = run(mutant, copy)
            spent = time.monotonic() - started
            print(f"{spent:6.1f} s  {outcome.value:11}  {mutant.name}", flush=True)
            if outcome is Outcome.UNNOTICED:
                unnoticed.append(mutant)
    return unnoticed


def main(words: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Check that tests notice broken promises.")
    parser.add_argument("words", nargs="*", help="only mutants with one of these in their name")
    parser.add_argument("--list", action="store_true", help="name them, run nothing")
    args = parser.parse_args(words)
    try:
        mutants = [
            m for m in load() if not args.words or any(w.lower() in m.name for w in args.words)
        ]
        if args.list or not mutants:
            print("\n".join(f"{m.name}  ({m.file})" for m in mutants) or "no mutant of that name")
            return 0 if mutants else 2
        started = time.monotonic()
        unnoticed = check_all(mutants)
    except StaleError as e:
        print(f"mutate: {e}", file=sys.stderr)
        return 2
    print(
        f"{len(mutants) - len(unnoticed)} of {len(mutants)} mutants noticed "
        f"in {time.monotonic() - started:.0f} s"
    )
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
