"""The threat model names files, tests and measurements that exist, and the promises are in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import trust

REPO = Path(__file__).parents[1]
PAGE = (REPO / "docs" / "threat-model.md").read_text(encoding="utf-8")
SECURITY = (REPO / "SECURITY.md").read_text(encoding="utf-8")
BOUNDARIES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("## The boundaries")[2].splitlines()
    if re.match(r"\| \d+ \|", line)
]
FOLDERS = r"(?:omni_core|server|tests|bench|scripts|requirements|docker|docs|\.github)"


def named(text: str) -> list[str]:
    return re.findall(rf"`({FOLDERS}/[\w./-]+)`", text)


@pytest.mark.parametrize("text", [PAGE, SECURITY], ids=["the page", "SECURITY.md"])
def test_every_file_that_is_named_exists(text: str) -> None:
    missing = [path for path in named(text) if not (REPO / path).exists()]
    assert not missing, f"named and not there: {', '.join(missing)}"


def test_every_boundary_names_what_holds_it_and_what_measures_it() -> None:
    assert len(BOUNDARIES) > 12
    parts = set(trust.parts())
    for number, what, holds, where, measured in BOUNDARIES:
        assert len(holds) > 20, what
        assert named(where), f"{number} {what}: no file"
        for name in re.findall(r"`([^`]+)`", measured):
            assert name in parts or (REPO / name).exists(), f"{what}: no part {name}"
        assert "`" in measured, f"{number} {what}: nothing measures it"


def test_every_part_of_the_measurements_stands_at_a_boundary() -> None:
    said = {n for *_, measured in BOUNDARIES for n in re.findall(r"`(\w+)`", measured)}
    assert set(trust.parts()) <= said


def test_the_boundaries_of_the_drawing_are_those_of_the_table() -> None:
    drawing = PAGE.partition("## The boundaries")[2].split("```")[1]
    drawn = {int(n) for n in re.findall(r"(?<![\w.])(\d{1,2})(?![\w.])", drawing)}
    assert drawn == {int(row[0]) for row in BOUNDARIES}


@pytest.mark.parametrize(
    "words",
    ["Hard links", "may write inside a root", "Denial of service", "quoted words", "Power loss",
     "Windows and macOS"],
)  # fmt: skip
def test_what_is_not_promised_is_said(words: str) -> None:
    rest = PAGE.partition("## Not promised")[2]
    assert words in rest


def test_the_security_policy_leads_to_the_page() -> None:
    assert "docs/threat-model.md" in SECURITY


def test_settings_that_are_named_exist() -> None:
    from omni_core.settings import Settings

    known = {f"OMNI_{name.upper()}" for name in Settings.__dataclass_fields__}
    known |= {"OMNI_LOG", "OMNI_CONFIG", "OMNI_DEBUG"}
    assert set(re.findall(r"`(OMNI_[A-Z_]+)", PAGE)) <= known
