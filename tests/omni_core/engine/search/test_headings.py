"""What is named in a heading alone is found below it, shown with it, and is no quotation."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.engine.results import OpenRequest

pytestmark = pytest.mark.timeout(240)

FILLER = "The crew met in the hall and went through the list of the day. " * 60
MARKDOWN = (
    f"# Harbour manual\n\n{FILLER}\n\n## Lighthouse\n\n### Wicks\n\n{FILLER}\n{FILLER}\nEnd.\n"
)
HTML = (
    f"<title>Harbour page</title><h1>Harbour page</h1><p>{FILLER}</p><h2>Ferries</h2>"
    f"<h3>Timetable</h3><p>{FILLER}</p><p>{FILLER}</p>"
)


@pytest.mark.parametrize(
    ("name", "content", "question", "heading"),
    [
        ("manual.md", MARKDOWN, "wicks of the lighthouse", "Lighthouse › Wicks"),
        ("page.html", HTML, "timetable of ferries", "Ferries › Timetable"),
    ],
)
async def test_a_passage_is_found_and_shown_with_the_headings_above_it(
    engine: Engine, tmp_path: Path, name: str, content: str, question: str, heading: str
) -> None:
    (tmp_path / name).write_text(content)
    async with asyncio.timeout(60):
        await engine.ingest(IngestRequest(str(tmp_path / name)))
    hits = (await engine.search(SearchRequest(question))).hits
    under = [hit for hit in hits if hit.heading == heading]
    assert under and all(heading.split(" › ")[1] not in hit.text for hit in under)
    opened = await engine.open_ref(OpenRequest(under[0].ref))
    assert heading in {line.heading for line in opened.lines}
    words = heading.replace(" › ", " ")
    assert (
        await engine.check(under[0].ref, f"{words} The crew met in the hall")
    ).verdict != "found"
    assert (await engine.check(under[0].ref, "The crew met in the hall")).verdict == "found"


async def test_a_heading_that_is_the_title_is_not_repeated(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"# Harbour manual\n\n{FILLER}\n{FILLER}")
    async with asyncio.timeout(60):
        await engine.ingest(IngestRequest(str(tmp_path / "a.md")))
    hits = (await engine.search(SearchRequest("crew in the hall"))).hits
    assert hits and {hit.heading for hit in hits} == {""}
