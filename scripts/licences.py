"""Licences of the packages that omni-mcp installs: checked against licences.toml, and as a page.

    python scripts/licences.py --check      # 1 where a licence is not allowed or the page is old
    python scripts/licences.py              # writes docs/licences.md

Looked at is what is installed in this environment of what the extras below need: write the page
where ./scripts/test installs, on Linux. Other platforms may have fewer packages than it names.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).parents[1]
PAGE = REPO / "docs" / "licences.md"
NOT_STATED = "not stated"
DEFAULT = ("weights",)
EXTRAS = ("server", "postgres", "omni", "parquet")
HEAD = (
    "# Licences of the dependencies\n\n"
    "What `pip install 'omni-mcp[weights]'` and the extras `server`, `postgres`, `omni` and "
    "`parquet` bring on Linux, as each package states it; made by `python scripts/licences.py`, "
    "and checked with every change: a licence that is not in the list of `scripts/licences.toml`, "
    "or named there with its reason, fails. Versions and hashes are in `requirements/`, and each "
    "release has a bill of materials (CycloneDX, `./scripts/sbom`).\n\n"
    "Packages without remark are under permissive terms. omni-mcp itself is Apache-2.0; "
    "[the models](models.md) and the [sample media](../samples/LICENCES.md) have terms of their "
    "own.\n"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One package."""

    name: str
    licence: str
    """SPDX, or what the package says where that is not known."""
    why: str
    """The reason of an exception, or a caution."""
    allowed: bool


class Rules:
    """licences.toml."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.allowed = frozenset(data["allowed"])
        self.said: dict[str, str] = data["said"]
        self.packages: dict[str, dict[str, str]] = data["package"]

    @classmethod
    def read(cls) -> Rules:
        """The rules of this repository."""
        path = REPO / "scripts" / "licences.toml"
        return cls(tomllib.loads(path.read_text(encoding="utf-8")))

    def judge(self, name: str, found: metadata.PackageMetadata) -> Row:
        """The licence of a package, and whether it may come."""
        for pattern, rule in self.packages.items():
            if fnmatchcase(name, pattern):
                return Row(name, rule["licence"], rule["why"], True)
        licence = self._stated(found)
        words = set(re.findall(r"[\w.-]+", licence)) - {"AND", "OR", "WITH"}
        return Row(name, licence, "", bool(words) and words <= self.allowed)

    def _stated(self, found: metadata.PackageMetadata) -> str:
        """The expression; else the field License; else the classifiers."""
        if expression := _field(found, "License-Expression"):
            return expression
        classifiers = [str(c) for c in found.get_all("Classifier") or []]
        kinds = [c.rsplit(" :: ", 1)[-1] for c in classifiers if c.startswith("License :: ")]
        stated = [_field(found, "License").strip(), *kinds]
        known = [self.said.get(s, s) for s in stated if s and s != "OSI Approved"]
        return next((k for k in known if k in self.allowed), known[0] if known else NOT_STATED)


def _field(found: metadata.PackageMetadata, name: str) -> str:
    """ "" where the package does not have it; Python 3.11 says that `[]` may raise, 3.12 warns."""
    return str(found[name] or "") if name in found else ""


def installed(requirements: Iterable[str]) -> dict[str, metadata.Distribution]:
    """What is installed of these requirements and of all that they need, by name."""
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    todo = [Requirement(r) for r in requirements]
    while todo:
        asked = todo.pop()
        name, extras = canonicalize_name(asked.name), frozenset(asked.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = metadata.distribution(asked.name)
        except metadata.PackageNotFoundError:
            continue  # of another platform, or an extra that is not installed here
        for line in found[name].requires or ():
            needed = Requirement(line)
            marker, needed.marker = needed.marker, None
            if marker is None or any(marker.evaluate({"extra": e}) for e in ("", *extras)):
                todo.append(needed)
    return found


def wanted(extras: Iterable[str]) -> list[str]:
    """The requirements of pyproject.toml with these extras."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["optional-dependencies"][extra] for extra in extras]
    return [r for rows in (project["dependencies"], *lists) for r in rows]


def rows(rules: Rules, extras: Iterable[str]) -> list[Row]:
    """A row for each package, by name."""
    found = installed(wanted(extras))
    return [rules.judge(name, found[name].metadata) for name in sorted(found)]


def page(default: list[Row], more: list[Row]) -> str:
    """docs/licences.md."""
    held = {row.name for row in default}
    lines = [HEAD, "## The default install\n", *_table(default), "\n## Added by extras\n"]
    return "\n".join([*lines, *_table([row for row in more if row.name not in held]), ""])


def _table(listed: list[Row]) -> list[str]:
    return ["| package | licence | remark |", "|---|---|---|", *map(_cells, listed)]


def _cells(row: Row) -> str:
    return f"| {row.name} | {row.licence} | {row.why} |"


def main() -> int:
    """Write the page, or check."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where it is wrong")
    check = parser.parse_args().check
    rules = Rules.read()
    default, more = rows(rules, DEFAULT), rows(rules, (*DEFAULT, *EXTRAS))
    refused = [row for row in more if not row.allowed]
    for row in refused:
        print(f"{row.name}: {row.licence} is not allowed: see scripts/licences.toml")
    if not check:
        PAGE.write_text(page(default, more), encoding="utf-8")
        return int(bool(refused))
    held = set(PAGE.read_text(encoding="utf-8").splitlines())
    for row in more:  # the page may have more: packages of another platform
        if _cells(row) not in held:
            refused.append(row)
            print(f"{row.name} is not in docs/licences.md as it is: run python scripts/licences.py")
    return int(bool(refused))


if __name__ == "__main__":
    sys.exit(main())
