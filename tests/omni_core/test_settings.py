"""Defaults < file < environment < caller."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_core.errors import BadRequestError
from omni_core.settings import Settings, load


def test_defaults_allow_nothing_outside() -> None:
    settings = load(environ={})
    assert settings.roots == () and not settings.allow_urls and settings.host == "127.0.0.1"


def test_each_layer_overrides_the_one_below(tmp_path: Path) -> None:
    config = tmp_path / "omni.toml"
    config.write_text('store = "file"\nencoder = "file"\nport = 1\nroots = ["/a", "/b"]\n')
    settings = load(
        {"store": "caller"},
        config=str(config),
        environ={"OMNI_STORE": "env", "OMNI_ENCODER": "env"},
    )
    assert (settings.store, settings.encoder, settings.port) == ("caller", "env", 1)
    assert settings.roots == ("/a", "/b")


def test_the_environment_is_read_as_the_fields_type() -> None:
    environ = {"OMNI_PORT": "9000", "OMNI_ALLOW_URLS": "yes", "OMNI_ROOTS": "/a:/b"}
    settings = load(environ=environ)
    assert (settings.port, settings.allow_urls, settings.roots) == (9000, True, ("/a", "/b"))


def test_hosts_are_parted_by_commas_since_they_may_carry_a_port() -> None:
    settings = load(environ={"OMNI_ALLOWED_HOSTS": "omni.example:8000, other"})
    assert settings.allowed_hosts == ("omni.example:8000", "other")


@pytest.mark.parametrize(("name", "value"), [("OMNI_PORT", "many"), ("OMNI_ALLOW_URLS", "perhaps")])
def test_a_wrong_type_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(BadRequestError, match=name):
        load(environ={name: value})


def test_an_unknown_key_is_named_with_the_known_ones(tmp_path: Path) -> None:
    config = tmp_path / "omni.toml"
    config.write_text("prot = 1\n")
    with pytest.raises(BadRequestError, match=r"'prot'; known: .*port"):
        load(config=str(config), environ={})


@pytest.mark.parametrize("content", [None, "not toml ["])
def test_a_config_that_cannot_be_read_is_one_line(tmp_path: Path, content: str | None) -> None:
    config = tmp_path / "omni.toml"
    if content is not None:
        config.write_text(content)
    with pytest.raises(BadRequestError) as caught:
        load(config=str(config), environ={})
    assert "\n" not in str(caught.value)


def test_paths_with_a_tilde_are_expanded() -> None:
    assert Settings(store="~/x").store_path.is_absolute()
