"""The example package, built, installed and used as its README says."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest, plugins
from omni_core.settings import load

EXAMPLE = Path(__file__).parents[1] / "examples" / "omni-mcp-example"
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
DTSTART:20260301T090000Z
SUMMARY:Dentist appointment
LOCATION:Harbour Road 12\\, second floor
END:VEVENT
BEGIN:VEVENT
DTSTART:20260307T180000Z
SUMMARY;LANGUAGE=en:Choir rehearsal
DESCRIPTION:We sing the requiem; bring the
  green scores
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    code = shutil.copytree(EXAMPLE, tmp_path / "code")
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--target", str(site), str(code)],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    monkeypatch.syspath_prepend(str(site))
    plugins.reload_entry_points()
    yield
    monkeypatch.undo()
    sys.modules.pop("omni_mcp_example", None)
    plugins.reload_entry_points()


def test_the_example_is_under_eighty_lines_of_code() -> None:
    lines = (EXAMPLE / "omni_mcp_example.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) < 80


async def test_a_file_of_the_example_medium_is_found_with_the_example_encoder_and_opened(
    installed: None, tmp_path: Path
) -> None:
    assert plugins.third_party() == [
        "encoder trigrams of omni-mcp-example", "medium calendar of omni-mcp-example",
    ]  # fmt: skip
    path = tmp_path / "spring.ics"
    path.write_text(CALENDAR, encoding="utf-8")
    settings = load(
        {
            "store": str(tmp_path / "store"), "encoder": "trigrams", "index": "memory",
            "speech": "off", "screen_text": "off",
        },
        environ={},
    )  # fmt: skip
    async with asyncio.timeout(120), await Engine.open(settings) as engine:
        status = await engine.ingest(IngestRequest(str(path)))
        assert (status.state, status.segments, status.warnings) == ("ready", 3, ())
        found = await engine.search(SearchRequest("coir reharsal"))
        assert found.hits[0].text == "Choir rehearsal. We sing the requiem; bring the green scores"
        found = await engine.search(SearchRequest("dentist"))
        opened = await engine.open_ref(OpenRequest(found.hits[0].ref))
        assert "Harbour Road 12, second floor" in opened.lines[0].text


async def test_a_calendar_without_events_says_so_in_the_words_of_the_example(
    installed: None, tmp_path: Path
) -> None:
    path = tmp_path / "empty.ics"
    path.write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n", encoding="utf-8")
    settings = load({"store": str(tmp_path / "store"), "encoder": "trigrams", "index": "memory",
                     "speech": "off", "screen_text": "off"}, environ={})  # fmt: skip
    async with asyncio.timeout(120), await Engine.open(settings) as engine:
        status = await engine.ingest(IngestRequest(str(path)))
    assert (status.state, status.segments) == ("ready", 1)
    assert status.empty == "there are no words in it"
    assert status.warnings[-1] == "there is no event in it; export the calendar again"
