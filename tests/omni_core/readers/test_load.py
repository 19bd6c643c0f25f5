from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import readers
from omni_core.settings import Settings


def off(settings: Settings, **other: Any) -> Settings:
    return replace(settings, **({"speech": "off", "screen_text": "off", "speakers": "off"} | other))


def test_what_is_turned_off_costs_a_line_and_no_weights(settings: Settings) -> None:
    found, missing = readers.load(off(settings))
    assert found == []
    assert len(missing) == 2 and all(m.off for m in missing)
    assert {row.state for row in readers.describe(off(settings))} == {"off"}


def test_a_missing_speech_model_is_a_warning_that_says_what_to_do(
    settings: Settings, tmp_path: Path
) -> None:
    found, [first, _] = readers.load(off(settings, speech=str(tmp_path)))
    assert found == [] and not first.off
    assert "no words are read from audio" in first.message and "model.bin" in first.message
    assert "\n" not in first.message
    [row, *_] = readers.describe(off(settings, speech=str(tmp_path)))
    assert (row.name, row.state) == ("speech", "missing")


@pytest.mark.parametrize(
    ("name", "setting", "lost"),
    [("model.bin", {"speech": "base"}, "speech"),
     ("PP-OCRv6_rec_small.onnx", {"screen_text": "auto"}, "images")],
)  # fmt: skip
def test_weights_that_are_not_the_pinned_ones_are_refused(
    settings: Settings, tmp_path: Path, name: str, setting: dict[str, str], lost: str
) -> None:
    (tmp_path / name).write_bytes(b"not a model")
    broken = replace(
        off(settings, **setting), weights_dir=str(tmp_path), store=str(tmp_path / "store"),
        cache_dir=str(tmp_path / "cache"),  # that of the user may hold the right ones, joined
    )  # fmt: skip
    found, missing = readers.load(broken)
    assert found == []
    [line] = [m.message for m in missing if not m.off]
    assert lost in line and "pip install" in line and "\n" not in line
    assert "missing" in {row.state for row in readers.describe(broken)}


@pytest.mark.models
def test_a_broken_model_of_ones_own_is_a_warning_too(settings: Settings, tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    found, [first, _] = readers.load(off(settings, speech=str(tmp_path)))
    assert found == []
    assert "no words are read from audio" in first.message and "\n" not in first.message


@pytest.mark.models
def test_what_is_there_is_described_without_loading_it(settings: Settings) -> None:
    rows = readers.describe(replace(settings, speakers="off"))
    assert rows.pop().state == "off"  # its weights are fetched apart
    assert [(r.name, r.state, r.why) for r in rows] == [
        ("speech", "present", ""),
        ("screen_text", "present", ""),
        ("sound_tags", "present", ""),
    ]
