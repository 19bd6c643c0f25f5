"""Which models have the network, and what the model worker is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from omni_core.engine import confinement
from omni_core.engine.workers import Models
from omni_core.sandbox.kernel import kernel
from omni_core.settings import Settings

PLAIN = Settings()


@pytest.mark.parametrize(
    "settings",
    [PLAIN, Settings(encoder="hashing"), Settings(reranker="minilm-l12"), Settings(speech="off")],
    ids=str,
)
def test_models_of_the_default_install_have_no_network_and_start_no_program(
    settings: Settings,
) -> None:
    rules = confinement.of_models(settings)
    assert (rules.network, rules.programs) == (False, False)
    assert rules.reads is not None
    assert rules.writes is not None


@pytest.mark.parametrize(
    ("settings", "network", "fetches", "programs"),
    [
        (Settings(encoder="e5-omni-7b"), True, True, True),
        (Settings(encoder="owner/model"), True, True, True),
        (Settings(reranker="qwen3-vl-reranker-2b"), True, True, True),
        (Settings(encoder_url="http://127.0.0.1:1"), True, False, False),
    ],
    ids=["known", "hub", "reranker", "remote"],
)
def test_models_of_hubs_have_the_network_while_they_load_and_remote_ones_have_it(
    settings: Settings,
    network: bool,
    fetches: bool,
    programs: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    rules = confinement.of_models(settings)
    assert (rules.network, rules.fetches, rules.programs) == (network, fetches, programs)
    assert "network" in confinement.in_words(settings)
    assert rules.reads is not None
    assert rules.writes is not None


def test_a_model_that_need_not_be_fetched_has_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "elsewhere" / "model"
    here.mkdir(parents=True)
    (here / "config.json").write_text("{}")
    weights = tmp_path / "weights"
    (weights / "owner").mkdir(parents=True)
    (weights / "owner" / "model").symlink_to(here)
    for settings in (
        Settings(encoder=str(here)),
        Settings(encoder="owner/model", weights_dir=str(weights)),
    ):
        rules = confinement.of_models(settings)
        assert (rules.network, rules.programs) == (False, True)
        assert str(here) in (rules.reads or ())  # the link in the folder of weights leads there
        assert confinement.in_words(settings) == ""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not confinement.of_models(Settings(encoder="owner/other")).network


def test_the_cache_of_a_hub_lies_where_its_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    assert str(tmp_path / "hub") in (confinement.of_models(Settings(encoder="a/b")).writes or ())
    assert (tmp_path / "hub").is_dir()  # a rule needs a folder that is there
    assert str(tmp_path / "hub") not in (confinement.of_models(PLAIN).writes or ())


FOREIGN = """
import os
from pathlib import Path
from omni_core.encoders.hashing import HashingEncoder
class Mine(HashingEncoder):
    @classmethod
    def load(cls, settings):
        for name in os.environ["MINE_READS"].split(":"):
            Path(name).read_text()
        return super().load(settings)
"""


@pytest.mark.skipif(not kernel().landlock, reason="this kernel has no Landlock")
async def test_an_encoder_of_another_package_reads_its_weights_and_what_it_was_given(
    install: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("an-encoder", FOREIGN, {"encoders": "mine = an_encoder:Mine"})
    for name in ("weights", "given", "private"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("a")
    settings = Settings(
        store=str(tmp_path / "store"), encoder="mine", speech="off", screen_text="off",
        sound_tags="off", weights_dir=str(tmp_path / "weights"), child_env=("MINE_READS",),
        model_folders=(str(tmp_path / "given"),),
    )  # fmt: skip

    async def loaded(*names: str) -> str:
        monkeypatch.setenv("MINE_READS", ":".join(str(tmp_path / name / "a") for name in names))
        models = Models(settings)
        try:
            return (await models.ready(60)).encoder_error
        finally:
            await models.close()

    assert await loaded("weights", "given") == ""
    refused = await loaded("private")
    assert "PermissionError" in refused
    assert refused.endswith("models know their own folders alone: name this one in model_folders")


def test_folders_that_the_operator_names_are_open_to_models(tmp_path: Path) -> None:
    folder = tmp_path / "a-plug-in"
    rules = confinement.of_models(Settings(model_folders=(str(folder),)))
    assert str(folder) in (rules.writes or ())
    assert folder.is_dir()


READER = """
from omni_core.protocols import Reader
class Mine(Reader):
    pass
"""


def test_a_reader_of_another_package_has_what_it_needs(install: Callable[..., None]) -> None:
    install("a-reader", READER, {"readers": "mine = a_reader:Mine"})
    rules = confinement.of_models(PLAIN)
    assert (rules.network, rules.fetches, rules.programs) == (True, False, True)
    assert confinement.in_words(PLAIN).startswith("models may use the network (reader mine of")


def test_the_model_worker_is_told_no_secret(tmp_path: Path) -> None:
    secret = {f.name: "s3cret-s3cret-s3cret" for f in fields(Settings) if not f.repr}
    settings = replace(Settings(store=str(tmp_path)), **secret)  # type: ignore[arg-type]
    assert "s3cret" not in _all(confinement.without_secrets(settings))
    remote = replace(settings, encoder_url="http://127.0.0.1:1")
    told = confinement.without_secrets(remote)
    assert "s3cret" not in _all(replace(told, encoder_token=""))
    assert told.encoder_token == settings.encoder_token


def _all(settings: Settings) -> str:
    return repr([getattr(settings, f.name) for f in fields(settings)])
