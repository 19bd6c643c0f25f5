"""Questions about what somebody said."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.catalog import SqliteCatalog
from omni_core.engine.results import OpenRequest
from omni_core.engine.search.spoken_by import find_name
from omni_core.errors import BadRequestError, NotFoundError
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(240)

NAMES = {"Ann", "Bob Hill", "Will", "Jürgen", "安妮", "Анна"}


@pytest.mark.parametrize(
    ("question", "name", "asked", "rest"),
    [
        ("what did Ann say about the weir", "Ann", True, "what did about the weir"),
        ("what did ann say about the weir", "Ann", True, "what did about the weir"),
        ("what did Ann say about Bob Hill", "Ann", True, "what did about Bob Hill"),
        ("what did they say about Ann", "Ann", False, "what did they say about Ann"),
        ("Bob's opinion of the weir", "Bob Hill", True, "of the weir"),
        ("Ann at the weir", "Ann", False, "Ann at the weir"),
        ("what will happen to the weir", None, False, ""),
        ("was sagte Jurgen über das Wehr", "Jürgen", True, "was über das Wehr"),
        ("安妮说了什么关于水坝", "安妮", True, "了什么关于水坝"),
        ("что Анна сказала о плотине", "Анна", True, "что о плотине"),
        ("¿qué dijo Ann sobre la presa?", "Ann", True, "¿qué sobre la presa?"),
        ("announcements about planes", None, False, ""),
    ],
)
def test_a_name_is_found_in_a_question(
    question: str, name: str | None, asked: bool, rest: str
) -> None:
    found = find_name(question, NAMES)
    assert found == (None if name is None else (name, asked, rest))


VTT = """WEBVTT

00:00.000 --> 00:08.000
<v Ann>The weir was dry this summer, and the fish ladder stood in the sun.

00:08.500 --> 00:16.000
<v Bob>The weir is two hundred years old, and the mill beside it is older.

00:17.000 --> 00:25.000
<v Ann>We had lunch in the meadow and counted herons.
"""


@pytest.fixture
async def talk(engine: Engine, tmp_path: Path) -> str:
    with wave.open(str(tmp_path / "walk.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        tone = 3000 * np.sin(2 * np.pi * 440 * np.arange(26 * 16000) / 16000)
        out.writeframes(tone.astype("<i2").tobytes())
    (tmp_path / "walk.vtt").write_text(VTT)
    async with asyncio.timeout(60):
        status = await engine.ingest(IngestRequest(str(tmp_path / "walk.wav")))
    assert status.state == "ready"
    return status.source_id


async def test_what_a_named_speaker_says_comes_first_and_is_cut_to_it(
    engine: Engine, talk: str
) -> None:
    for who, other in (("Ann", "Bob"), ("Bob", "Ann")):
        found = await engine.search(SearchRequest(f"what did {who} say about the weir"))
        first = found.hits[0]
        assert first.speaker == who and "weir" in first.text and f"{other}:" not in first.text
        assert "names says comes first" in found.note
    assert first.start_s is not None and first.start_s >= 8


async def test_only_what_the_speaker_says_is_counted(engine: Engine, talk: str) -> None:
    everyone = await engine.search(SearchRequest("weir", count=True))
    own = await engine.search(SearchRequest("Ann mentions the weir", count=True))
    assert everyone.hits[0].end_s == 16  # both passages are one episode
    assert own.count == 1
    assert [(hit.speaker, hit.end_s) for hit in own.hits] == [("Ann", 8)]


async def test_a_question_without_a_name_shows_who_says_the_words(
    engine: Engine, talk: str
) -> None:
    found = await engine.search(SearchRequest("lunch in the meadow and counted herons"))
    assert found.hits[0].speaker == "Ann"
    assert "comes first" not in found.note


async def test_transcripts_say_who_speaks(engine: Engine, talk: str) -> None:
    lines = (await engine.read(talk)).lines
    assert [x.speaker for x in lines] == ["Ann", "Bob", "Ann"]
    assert lines[1].text.startswith("The weir is two hundred")
    opened = await engine.open_ref(OpenRequest(f"{talk}@10"))
    assert "Bob" in {x.speaker for x in opened.lines}


async def test_a_name_is_given_found_and_taken_back(engine: Engine, talk: str) -> None:
    (before,) = await engine.speakers(talk)
    assert [(s.letter, s.name, s.name_from) for s in before.speakers] == [
        ("A", "Ann", "subtitles"), ("B", "Bob", "subtitles"),
    ]  # fmt: skip
    named = await engine.name_speaker(talk, "Bob", "Robert Hill")
    assert [s.name for s in named.speakers] == ["Ann", "Robert Hill"]
    found = await engine.search(SearchRequest("what did Robert Hill say about the weir"))
    assert found.hits[0].speaker == "Robert Hill"
    back = await engine.name_speaker(talk, "speaker B", "")
    assert [(s.name, s.name_from) for s in back.speakers][1] == ("Bob", "subtitles")


async def test_a_speaker_or_name_that_does_not_fit_is_refused(engine: Engine, talk: str) -> None:
    with pytest.raises(NotFoundError, match=r"A \('Ann'\), B \('Bob'\)") as e:
        await engine.name_speaker(talk, "C", "Carl")
    assert e.value.code == "UNKNOWN_SPEAKER"
    for name in ("speaker A", "x" * 90):
        with pytest.raises(BadRequestError):
            await engine.name_speaker(talk, "A", name)


def _as_an_older_version_read_it(settings: Settings) -> None:
    with SqliteCatalog(settings.store_path) as catalog, catalog._writing() as db:
        db.execute("UPDATE sources SET pipeline = '0'")


async def test_given_names_outlive_a_reading_and_go_with_the_source(
    opened: Callable[..., object], settings: Settings, engine: Engine, talk: str
) -> None:
    await engine.name_speaker(talk, "A", "Anna")
    row = (await engine.speakers(talk))[0].source
    await engine.close()
    await asyncio.to_thread(_as_an_older_version_read_it, settings)
    async with opened(replace(settings)) as again:  # type: ignore[attr-defined]
        async with asyncio.timeout(60):
            status = await again.ingest(IngestRequest(row.uri))
        assert not status.already
        assert [s.name for s in (await again.speakers(talk))[0].speakers] == ["Anna", "Bob"]
        await again.forget(talk)
        assert await again.speakers() == ()


async def test_who_speaks_is_not_known_without_the_weights(engine: Engine, media: Path) -> None:
    async with asyncio.timeout(60):
        status = await engine.ingest(IngestRequest(str(media / "colours.mp4")))
    assert status.warnings == ()
    (film,) = await engine.speakers(status.source_id)
    assert film.speakers == () and "omni-mcp setup" in film.note
