from __future__ import annotations

import json
from pathlib import Path

import pytest

from omni_core import encoders
from omni_core.encoders import embedded
from omni_core.encoders.embedded import label_space
from omni_core.errors import UnavailableError
from omni_core.settings import Settings

FOLDER = Path(embedded.__file__).parent


def test_the_encoders_name_is_its_module() -> None:
    assert encoders.describe(Settings(encoder="hashing")).name == "hashing"
    assert encoders.describe(Settings(encoder="embedded")).name == "embedded"


@pytest.mark.parametrize("name", ["_minilm", "__init__", "../settings", "os", "remote"])
def test_a_name_that_nobody_registers_is_taken_for_a_model(name: str) -> None:
    with pytest.raises(UnavailableError, match="no model is called"):
        encoders.describe(Settings(encoder=name))


def test_an_address_means_the_remote_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:9"):
        encoders.describe(Settings(encoder="embedded", encoder_url="http://127.0.0.1:9"))


def test_labels_are_the_thousand_classes_with_distinct_groups() -> None:
    table = json.loads((FOLDER / "data" / "labels.json").read_text(encoding="utf-8"))
    assert len({row["synset"] for row in table["classes"]}) == 1000
    assert all(row["names"] and row["gloss"] for row in table["classes"])
    groups = [tuple(row["classes"]) for row in table["groups"]]
    assert len(set(groups)) == len(groups)


def test_every_name_in_the_scenes_is_a_class_or_a_group() -> None:
    table = json.loads((FOLDER / "data" / "labels.json").read_text(encoding="utf-8"))
    scenes = label_space.scenes_of(table)
    assert len(scenes) > 200
    assert all(scenes.values())


def test_data_of_others_travels_with_its_licence() -> None:
    notice = (FOLDER.parents[2] / "NOTICE").read_text(encoding="utf-8")
    for name in ("labels.json", "vocab.txt", "WORDNET-LICENSE.txt"):
        assert (FOLDER / "data" / name).is_file()
        assert name in notice
