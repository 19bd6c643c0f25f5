"""A film with subtitles in several languages is searched in all of them and shown in one."""

from __future__ import annotations

from pathlib import Path

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest
from omni_core.engine.results import Line

GERMAN = """1
00:00:01,000 --> 00:00:19,000
Zuerst sehen wir das Feuerwehrauto.

2
00:00:21,000 --> 00:00:39,000
Die Wiese hinter dem Bahnhof ist weit.

3
00:00:55,000 --> 00:00:58,000
Das Schild am Ufer.
"""
ENGLISH = """1
00:00:01,500 --> 00:00:18,000
First we look at the fire engine.

2
00:00:22,000 --> 00:00:39,500
The meadow behind the station is wide.

3
00:00:41,000 --> 00:00:45,000
At last the deep lake.
"""


def texts(lines: tuple[Line, ...]) -> list[str]:
    return [line.text for line in lines if line.channel == "speech"]


async def test_words_are_found_in_each_language_and_shown_in_one(
    engine: Engine, media: Path
) -> None:
    (media / "colours.srt").unlink()
    (media / "colours.de.srt").write_text(GERMAN)
    (media / "colours.en.srt").write_text(ENGLISH)
    job = await engine.ingest(IngestRequest(str(media / "colours.mp4")))
    assert job.source_id
    page = await engine.read(job.source_id)
    assert texts(page.lines) == [
        "Zuerst sehen wir das Feuerwehrauto.",
        "Die Wiese hinter dem Bahnhof ist weit.",
        "At last the deep lake.",
        "Das Schild am Ufer.",
    ]
    for asked, said in (
        ("Feuerwehrauto", "Zuerst sehen wir das Feuerwehrauto."),
        ("fire engine", "First we look at the fire engine."),
    ):
        first, *others = (await engine.search(SearchRequest(asked))).hits
        assert first.text == said
        assert not [hit for hit in others if hit.start_s == first.start_s]
        assert texts((await engine.open_ref(OpenRequest(first.ref))).lines) == [said]
    at = f"{job.source_id}@23-35"
    opened = await engine.open_ref(OpenRequest(at))
    assert texts(opened.lines) == ["Die Wiese hinter dem Bahnhof ist weit."]
    checked = await engine.check(at, "meadow behind the station")
    assert checked.verdict == "found"
