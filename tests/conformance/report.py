"""What the suite found, as JSON, as Markdown, and in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from tests.conformance.suite import Scenario

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"

Found = Mapping[str, Mapping[str, Scenario]]
"""Revision to scenario name to what was found."""


def as_json(found: Found, versions: Mapping[str, str]) -> str:
    """All that was found, with the versions of what was run."""
    rows: dict[str, Any] = {
        revision: [asdict(s) for s in scenarios.values()] for revision, scenarios in found.items()
    }
    return json.dumps({"versions": dict(versions), "revisions": rows}, indent=2) + "\n"


def as_markdown(found: Found) -> str:
    """Two tables: the required scenarios, then those that a revision runs without scoring."""
    heads = [
        f"{revision}: {sum(s.sound for s in required)} of {len(required)}"
        for revision, scenarios in found.items()
        for required in [[s for s in scenarios.values() if not s.unscored]]
    ]
    required = _table(found, ["Required scenario", *heads], unscored=False)
    rest = _table(found, ["Not scored", *found], unscored=True)
    return f"{required}\n\n{rest}\n"


def _table(found: Found, heads: list[str], *, unscored: bool) -> str:
    names = dict.fromkeys(
        name
        for scenarios in found.values()
        for name, s in scenarios.items()
        if bool(s.unscored) is unscored
    )
    lines = [_row(heads), _row(["---"] * len(heads))]
    for name in names:
        each = [scenarios.get(name) for scenarios in found.values()]
        cells = [_cell(s) if s and bool(s.unscored) is unscored else "" for s in each]
        reasons = {s.unscored for s in each if s and s.unscored}
        label = f"{name} ({', '.join(sorted(reasons))})" if unscored else name
        lines.append(_row([label, *cells]))
    return "\n".join(lines)


def _cell(scenario: Scenario) -> str:
    """Checks passed of those that were made."""
    made = scenario.passed + scenario.failed + scenario.warned
    return f"{scenario.passed} of {made}" if made else "nothing checked"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def wrong(found: Found) -> list[str]:
    """One line for each required scenario that does not pass."""
    return [
        f"{revision} {s.name}: {s.passed} passed, {s.failed} failed, {s.warned} warnings"
        for revision, scenarios in found.items()
        for s in scenarios.values()
        if not s.unscored and not s.sound
    ]


def between(page: str) -> str:
    """The tables that a page has between its two marks."""
    return page.split(BEGIN)[1].split(END)[0].strip() + "\n"


def replaced(page: str, tables: str) -> str:
    """The page with other tables between its marks."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{tables}{END}{rest.split(END)[1]}"
