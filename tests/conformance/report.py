"""What the suite found, as JSON, as Markdown, and in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from tests.conformance.suite import TASKS, Scenario

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
    """Three tables: the required scenarios, those of the extension that is offered, and what else
    a revision runs without scoring."""
    required = _table(found, "Required scenario", lambda s: not s.unscored)
    tasks = _table(found, "Extension `tasks`", lambda s: s.name in TASKS)
    rest = _table(found, "Not scored", lambda s: not s.must_pass, count=False)
    return f"{required}\n\n{tasks}\n\n{rest}\n"


def _table(
    found: Found, title: str, belongs: Callable[[Scenario], bool], *, count: bool = True
) -> str:
    heads = [title, *(_head(revision, found, belongs, count) for revision in found)]
    names = dict.fromkeys(
        name for scenarios in found.values() for name, s in scenarios.items() if belongs(s)
    )
    lines = [_row(heads), _row(["---"] * len(heads))]
    for name in names:
        each = [scenarios.get(name) for scenarios in found.values()]
        cells = [_cell(s) if s and belongs(s) else "" for s in each]
        reasons = {s.unscored for s in each if s and s.unscored and belongs(s)}
        label = f"{name} ({', '.join(sorted(reasons))})" if reasons else name
        lines.append(_row([label, *cells]))
    return "\n".join(lines)


def _head(revision: str, found: Found, belongs: Callable[[Scenario], bool], count: bool) -> str:
    """The revision, and how many of its scenarios pass."""
    chosen = [s for s in found[revision].values() if belongs(s)]
    passed = f": {sum(s.sound for s in chosen)} of {len(chosen)}"
    return revision + (passed if count and chosen else "")


def _cell(scenario: Scenario) -> str:
    """Checks passed of those that were made."""
    made = scenario.passed + scenario.failed + scenario.warned
    return f"{scenario.passed} of {made}" if made else "nothing checked"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def wrong(found: Found) -> list[str]:
    """One line for each scenario that must pass and does not."""
    return [
        f"{revision} {s.name}: {s.passed} passed, {s.failed} failed, {s.warned} warnings"
        for revision, scenarios in found.items()
        for s in scenarios.values()
        if s.must_pass and not s.sound
    ]


def between(page: str) -> str:
    """The tables that a page has between its two marks."""
    return page.split(BEGIN)[1].split(END)[0].strip() + "\n"


def replaced(page: str, tables: str) -> str:
    """The page with other tables between its marks."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{tables}{END}{rest.split(END)[1]}"
