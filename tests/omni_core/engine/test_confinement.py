"""Which models keep the network, and what the model worker is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from omni_core.engine import confinement
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
    assert rules.writes is not None


@pytest.mark.parametrize(
    "settings",
    [
        Settings(encoder="e5-omni-7b"),
        Settings(encoder="https://example.org/x"),
        Settings(encoder_url="http://127.0.0.1:1"),
        Settings(reranker="qwen3-vl-reranker-2b"),
    ],
    ids=str,
)
def test_models_of_hubs_and_of_other_machines_have_what_they_need(settings: Settings) -> None:
    rules = confinement.of_models(settings)
    assert (rules.network, rules.programs, rules.writes) == (True, True, None)


READER = """
from omni_core.protocols import Reader
class Mine(Reader):
    pass
"""


def test_a_reader_of_another_package_has_what_it_needs(install: Callable[..., None]) -> None:
    install("a-reader", READER, {"readers": "mine = a_reader:Mine"})
    assert confinement.of_models(PLAIN).network


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
