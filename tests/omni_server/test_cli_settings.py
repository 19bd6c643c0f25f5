"""Options are settings: the same check, with the option's name in the message."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from omni_core.errors import BadRequestError
from omni_server.cli import main, parser
from omni_server.cli.settings import ORIGINS, settings_of

REPO = Path(__file__).parents[2]


FLAGS = {"read_only"}
"""Options without a value."""


@pytest.mark.parametrize(("key", "origin"), [o for o in ORIGINS.items() if o[0] not in FLAGS])
def test_a_wrong_option_is_named(key: str, origin: str) -> None:
    args = parser.parse(["serve", origin.removeprefix("option "), "a\nb"])
    with pytest.raises(BadRequestError, match=f"^{re.escape(origin)}: {key} is .*, expected "):
        settings_of(args)


def test_a_wrong_address_of_ray_names_its_option() -> None:
    args = parser.parse(["ingest", "a.md", "--ray", "a\nb"])
    with pytest.raises(BadRequestError, match=r"^option --ray: ray is .*, expected "):
        settings_of(args)


def test_every_option_of_serve_that_is_a_setting_knows_its_name() -> None:
    options = vars(parser.parse(["serve"])).keys() - {
        "verb", "run", "config", "version", "stdio", "http", "open",
    }  # fmt: skip
    assert {f"option --{o.replace('_', '-')}" for o in options} == set(ORIGINS.values())


@pytest.mark.parametrize("port", ["0", "65536", "many", "8.5", "-1", ""])
def test_a_port_is_checked_by_the_settings_not_by_the_parser(
    capsys: pytest.CaptureFixture[str], port: str
) -> None:
    assert main(["serve", f"--port={port}"]) == 1
    assert capsys.readouterr().err == (
        f"BAD_ARGUMENT: option --port: port is {port!r}, expected a whole number from 1 to 65535\n"
    )


@pytest.mark.parametrize("port", ["0", "99999", "http", ""])
def test_a_worker_names_listen_for_a_wrong_port(
    capsys: pytest.CaptureFixture[str], port: str
) -> None:
    assert main(["worker", "--listen", f"127.0.0.1:{port}"]) == 1
    assert capsys.readouterr().err == (
        f"BAD_ARGUMENT: option --listen: port is {port!r}, "
        "expected a whole number from 1 to 65535\n"
    )


def test_a_worker_that_is_told_to_use_workers_does_not_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNI_ENCODER_URL", "http://127.0.0.1:9")
    assert main(["worker", "--listen", "127.0.0.1:8001"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("BAD_ARGUMENT: a worker does the work itself") and "\n" not in said[:-1]


def test_an_option_wins_and_an_absent_one_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_PORT", "7")
    assert settings_of(parser.parse(["serve"])).port == 7
    assert settings_of(parser.parse(["serve", "--port", "9"])).port == 9


def test_a_misspelt_variable_is_reported_at_any_log_level() -> None:
    path = f"{REPO}{os.pathsep}{REPO / 'server'}"
    environ = {k: v for k, v in os.environ.items() if not k.startswith("OMNI_")}
    said = subprocess.run(
        [sys.executable, "-m", "omni_server", "serve", "--port", "0"], capture_output=True,
        text=True, timeout=60, env={**environ, "PYTHONPATH": path, "OMNI_ROTS": "/media"},
    )  # fmt: skip
    warning, error = said.stderr.splitlines()
    assert warning.startswith("WARNING") and "OMNI_ROTS" in warning
    assert warning.endswith("did you mean OMNI_ROOTS?") and error.startswith("BAD_ARGUMENT")
