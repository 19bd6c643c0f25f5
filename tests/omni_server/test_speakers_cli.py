"""omni-mcp speakers and voices, as their user sees them."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from omni_server.cli import main

VTT = """WEBVTT

00:00.000 --> 00:04.000
<v Ann>The weir was dry this summer.

00:05.000 --> 00:09.000
<v Bob>It was not.
"""


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("STORE", str(tmp_path / "store")),
        ("ENCODER", "hashing"),
        ("SPEECH", "off"),
        ("SCREEN_TEXT", "off"),
    ):
        monkeypatch.setenv(f"OMNI_{name}", value)
    with wave.open(str(tmp_path / "walk.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        tone = 3000 * np.sin(2 * np.pi * 440 * np.arange(10 * 16000) / 16000)
        out.writeframes(tone.astype("<i2").tobytes())
    (tmp_path / "walk.vtt").write_text(VTT)
    assert main(["ingest", str(tmp_path / "walk.wav")]) == 0


def test_speakers_are_listed_named_and_unnamed(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["speakers", "walk"]) == 0
    listed = capsys.readouterr().out
    assert "Ann" in listed and "subtitles" in listed and "0:05" in listed
    assert main(["speakers", "walk", "--name", "A=Anna Lee", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert [(s["name"], s["name_from"]) for s in found["speakers"]] == [
        ("Anna Lee", "person"),
        ("Bob", "subtitles"),
    ]
    assert main(["search", "what did Anna Lee say about the weir"]) == 0
    assert "Anna Lee: The weir was dry" in capsys.readouterr().out
    assert main(["speakers", "--json"]) == 0  # every source with a named speaker
    assert len(json.loads(capsys.readouterr().out)) == 1
    assert main(["speakers", "walk", "--unname", "Anna Lee"]) == 0
    assert "Anna" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["speakers", "walk", "--name", "Ann"], "--name is SPEAKER=NAME"),
        (["speakers", "--name", "A=Ann"], "name the source too"),
        (["speakers", "walk", "--name", "A=Ann", "--find"], "find first"),
        (["speakers", "walk", "--name", "Z=Ann"], "UNKNOWN_SPEAKER"),
        (["speakers", "nothing"], "UNKNOWN_SOURCE"),
        (["speakers", "walk", "--find"], "omni-mcp setup --speakers"),
        (["voices", "forget"], "--yes"),
        (["voices", "forget", "Carl", "--yes"], "UNKNOWN_SPEAKER"),
    ],
)
def test_what_does_not_fit_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    capsys.readouterr()
    assert main(arguments) == 1
    error = capsys.readouterr().err.strip()
    assert says in error and "\n" not in error


def test_no_voices_are_kept_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["voices"]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == "no voices are kept." and "OMNI_VOICES=1" in shown.err
    assert main(["voices", "forget", "--yes"]) == 0
    assert "deleted 0 voices" in capsys.readouterr().out
