"""Voices that are kept to recognise people in other files: only where asked, apart, deletable."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import numpy as np
import pytest

from omni_core import Engine, IngestRequest
from omni_core.engine.speakers.finding import settle
from omni_core.engine.speakers.said import Subtitles
from omni_core.engine.speakers.voice_file import VoiceFile
from omni_core.errors import NotFoundError
from omni_core.settings import Settings
from omni_core.types import Turn, Voices

pytestmark = pytest.mark.timeout(240)
ANN = np.eye(256, dtype=np.float32)[0]
BOB = np.eye(256, dtype=np.float32)[1]


def test_the_file_is_the_owners_and_forgets_what_it_is_told(tmp_path: Path) -> None:
    file = VoiceFile(tmp_path)
    assert not file.exists and file.all() == {}
    file.keep("src_a", {0: ANN, 1: BOB})
    file.keep("src_b", {0: ANN})
    path = tmp_path / "voices.sqlite"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert np.allclose(file.all()["src_a", 1], BOB)
    file.remove([("src_a", 1)])
    file.forget_source("src_b")
    assert list(file.all()) == [("src_a", 0)]
    file.delete()
    assert not path.exists()
    file.delete()


async def _two(engine: Engine, tmp_path: Path) -> list[str]:
    """Two sources in which one voice speaks, and in the second one more."""
    ids = []
    for name, voices in (
        ("first", Voices((Turn(0, 9, 0),), (ANN,))),
        ("second", Voices((Turn(0, 9, 0), Turn(9, 20, 1)), (BOB, ANN))),
    ):
        (tmp_path / f"{name}.txt").write_text(f"A text of its own: {name}.")
        async with asyncio.timeout(60):
            status = await engine.ingest(IngestRequest(str(tmp_path / f"{name}.txt")))
        row = await asyncio.to_thread(engine._context.catalog.get, status.source_id)
        await settle(engine._context, row, voices, Subtitles())
        ids.append(status.source_id)
    return ids


async def names(engine: Engine, source: str) -> list[tuple[str, str]]:
    return [(s.name, s.name_from) for s in (await engine.speakers(source))[0].speakers]


async def test_nothing_of_a_voice_is_stored_without_the_setting(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    first, second = await _two(engine, tmp_path)
    await engine.name_speaker(first, "A", "Ann")
    assert await names(engine, second) == [("", ""), ("", "")]
    assert await engine.kept_voices() == ()
    assert not (settings.store_path / "voices.sqlite").exists()


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """That of the other tests; with kept voices where the test's name says so."""
    keeps = "kept" in request.node.name
    return Settings(
        store=str(tmp_path / "store"), encoder="hashing", speech="off", screen_text="off",
        timezone="UTC", voices=keeps,
    )  # fmt: skip


async def test_with_kept_voices_a_name_is_found_in_other_files_until_they_are_deleted(
    engine: Engine, settings: Settings, tmp_path: Path
) -> None:
    first, second = await _two(engine, tmp_path)
    named = await engine.name_speaker(first, "A", "Ann")
    assert named.note == "names changed by voice in 1 other source"
    assert await names(engine, second) == [("", ""), ("Ann", "voice")]
    assert {(v.name, v.sources) for v in await engine.kept_voices()} == {("", 1), ("Ann", 2)}
    await engine.name_speaker(first, "A", "")
    assert await names(engine, second) == [("", ""), ("", "")]
    await engine.name_speaker(first, "A", "Ann")
    assert await engine.forget_voices() == 3
    assert await names(engine, second) == [("", ""), ("", "")]
    assert await names(engine, first) == [("Ann", "person")]
    assert not (settings.store_path / "voices.sqlite").exists()


async def test_kept_voices_of_one_name_or_of_a_source_go_alone(
    engine: Engine, tmp_path: Path
) -> None:
    first, second = await _two(engine, tmp_path)
    await engine.name_speaker(first, "A", "Ann")
    with pytest.raises(NotFoundError) as e:
        await engine.forget_voices("Carl")
    assert e.value.code == "UNKNOWN_SPEAKER"
    assert await engine.forget_voices("ann") == 2
    assert [(v.name, v.sources) for v in await engine.kept_voices()] == [("", 1)]
    await engine.forget(second)
    assert await engine.kept_voices() == ()
