"""The list of mutants fits the code and the tests; ./scripts/mutate runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import mutate

REPO = Path(__file__).parents[1]
MUTANTS = mutate.load()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_a_mutant_changes_one_place_and_leaves_python(mutant: mutate.Mutant) -> None:
    path = REPO / mutant.file
    changed = mutant.applied(path.read_text(encoding="utf-8"))
    compile(changed, str(path), "exec")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_the_tests_that_must_notice_a_mutant_exist(mutant: mutate.Mutant) -> None:
    for test in mutant.tests:
        file, _, function = test.partition("::")
        text = (REPO / file).read_text(encoding="utf-8")
        assert f"def {function.split('[')[0]}" in text


def made(**changes: object) -> mutate.Mutant:
    facts: dict[str, object] = {
        "name": "x", "file": "code.py", "old": "1", "new": "2", "tests": ("test_code.py",),
    }  # fmt: skip
    return mutate.Mutant(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["nothing", "1 and 1"])
def test_a_mutant_whose_text_is_not_there_once_is_stale(text: str) -> None:
    with pytest.raises(mutate.StaleError, match="bring scripts"):
        made().applied(text)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "code.py").write_text("ANSWER = 1\n")
    (tmp_path / "test_code.py").write_text(
        "import code_of_ours as code\n\ndef test_answer():\n    assert code.ANSWER == 1\n"
    )
    (tmp_path / "code.py").rename(tmp_path / "code_of_ours.py")
    (tmp_path / "test_blind.py").write_text("def test_nothing():\n    assert True\n")
    return tmp_path


def test_a_mutant_is_noticed_by_a_test_that_fails_and_taken_back(repository: Path) -> None:
    mutant = made(file="code_of_ours.py")
    assert mutate.run(mutant, repository) is mutate.Outcome.NOTICED
    assert (repository / "code_of_ours.py").read_text() == "ANSWER = 1\n"


def test_a_mutant_that_no_test_defends_goes_unnoticed(repository: Path) -> None:
    mutant = made(file="code_of_ours.py", tests=("test_blind.py",))
    assert mutate.run(mutant, repository) is mutate.Outcome.UNNOTICED


def test_tests_that_do_not_exist_are_an_error_and_no_notice(repository: Path) -> None:
    mutant = made(file="code_of_ours.py", tests=("test_gone.py",))
    with pytest.raises(mutate.StaleError, match="could not run"):
        mutate.run(mutant, repository)


def test_the_command_names_its_mutants_and_refuses_an_unknown_word() -> None:
    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "scripts/mutate.py", "--list", *words], cwd=REPO, text=True,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    assert ask().stdout.count("\n") == len(MUTANTS)
    assert ask("no such word").returncode == 2
