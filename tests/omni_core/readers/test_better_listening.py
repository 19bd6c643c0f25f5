"""Whisper models that `omni-mcp setup` fetches, by small ones of the same make."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.listening import build
from omni_core import weights
from omni_core.readers.speech import ROLES, SpeechReader
from omni_core.readers.whisper import Whisper
from omni_core.settings import Settings

pytestmark = pytest.mark.models


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=str(tmp_path / "store"), threads=1)


@pytest.mark.parametrize(
    ("layers", "mels", "vocabulary", "translates"),
    [
        (4, 128, 51866, False),  # large-v3-turbo
        (5, 128, 51866, True),  # large-v3, with fewer layers
        (4, 80, 51865, True),  # tiny
    ],
)
def test_only_turbo_is_not_asked_to_translate(
    tmp_path: Path, settings: Settings, layers: int, mels: int, vocabulary: int, translates: bool
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    build((64, 2, layers, 2, mels, vocabulary), folder, settings)
    model = Whisper(folder, threads=1)
    assert model.multilingual
    assert model.translates is translates


@pytest.mark.parametrize("speech", ["turbo", "large"])
def test_a_model_that_was_not_fetched_names_its_command(settings: Settings, speech: str) -> None:
    found = SpeechReader.describe(replace(settings, speech=speech))
    assert found.state == "missing"
    assert f"omni-mcp setup --listening {speech}" in found.why


def test_what_lies_in_the_weights_folder_is_verified(settings: Settings, tmp_path: Path) -> None:
    row = weights.payload(ROLES["turbo"])
    folder = tmp_path / "models" / row.name
    folder.mkdir(parents=True)
    for file in row.files:
        (folder / file.name).write_bytes(b"not it")
    given = replace(settings, speech="turbo", weights_dir=str(tmp_path / "models"))
    found = SpeechReader.describe(given)
    assert found.state == "missing"
    assert "is not the file this version was built for: omni-mcp setup" in found.why
