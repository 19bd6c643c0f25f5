"""What was expected and what was found instead, as pictures and words, for a report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omni_core.engine.evaluation.summary import Row
from omni_core.engine.results import Opened, OpenRequest
from omni_core.errors import OmniError

if TYPE_CHECKING:
    from omni_core.engine.api import EngineApi

SHOWN = 3
"""Expected places, and hits, of a question."""
WORDS = 40


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place in the library as a person sees it."""

    cite: str
    text: str = ""
    """Its first words."""
    jpeg: bytes = b""
    """A small picture of it; b"" where there is none, as for sound."""


def missed(rows: Iterable[Row]) -> list[Row]:
    """The questions whose first hit is wrong, and those without an answer that get better than
    weak ones."""
    return [row for row in rows if _is_missed(row)]


def expected_ref(expected: Mapping[str, Any], source_id: str) -> str:
    """The reference of a right answer: its page, the middle of its seconds, or the file."""
    if "page" in expected:
        return f"{source_id}#p{expected['page']}"
    if "t0" in expected:
        end = expected.get("t1", expected["t0"])
        return f"{source_id}@{(expected['t0'] + end) / 2:g}"
    return source_id


async def collect(
    engine: EngineApi,
    report: Mapping[str, Any],
    before_each: Callable[[int, int], Awaitable[None]],
) -> dict[str, Evidence]:
    """What the missed questions of a report expected and found, by reference. `before_each` is
    told the number of the reference, and of how many. What cannot be opened is left out."""
    refs: dict[str, None] = {}
    for row in missed(report["rows"]):
        refs |= dict.fromkeys(hit["ref"] for hit in row["hits"][:SHOWN])
        for expected in row["relevant"][:SHOWN]:
            if source_id := report["sources"].get(expected["item"]):
                refs[expected_ref(expected, source_id)] = None
    found = {}
    for number, ref in enumerate(refs, 1):
        await before_each(number, len(refs))
        try:
            opened = await engine.open_ref(
                OpenRequest(ref, show=("thumbnail", "text"), size="small", max_pictures=1)
            )
        except OmniError as e:
            found[ref] = Evidence(ref, text=f"{e.code}: {e}")
        else:
            found[ref] = _evidence(opened)
    return found


def _evidence(opened: Opened) -> Evidence:
    words = " ".join(line.text for line in opened.lines).split()
    text = " ".join(words[:WORDS]) + (" …" if len(words) > WORDS else "")
    return Evidence(opened.cite, text, opened.pictures[0].jpeg if opened.pictures else b"")


def _is_missed(row: Row) -> bool:
    if row["relevant"]:
        return bool(row["rank"] != 1)
    return any(hit["match"] != "weak" for hit in row["hits"])
