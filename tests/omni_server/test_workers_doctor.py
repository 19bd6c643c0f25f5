"""What the doctor says of model workers on other machines."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from omni_core.models.serving.app import worker_app
from omni_core.settings import Settings
from omni_server import workers_check
from tests.omni_core.encoders.remote.conftest import DEAF, TOKEN, running
from tests.omni_server.doctor_findings import found

pytestmark = pytest.mark.timeout(120)


def settings(store: Path, *urls: str, **more: object) -> Settings:
    chosen = {**DEAF, "encoder_url": ",".join(urls), "encoder_token": TOKEN, **more}
    return Settings(store=str(store), **chosen)


def test_each_worker_is_named_with_its_state(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        down = f"127.0.0.1:{free.getsockname()[1]}"
    with running(worker_app(Settings(**DEAF), TOKEN)) as url:
        name = url.removeprefix("http://")
        seen = found(settings(tmp_path, url, f"http://{down}"))
        assert seen[f"model worker {name}"].state == "ok"
        assert seen[f"model worker {name}"].detail.startswith("up, embeds with hashing")
        lost = seen[f"model worker {down}"]
        assert (lost.state, "cannot be reached" in lost.detail) == ("warning", True)
        assert seen["reading"].state == "ok"
        listening = found(settings(tmp_path, url, screen_text="auto"))["reading"]
        assert "by this machine: the model workers lack screen_text" in listening.detail
    alone = found(settings(tmp_path, f"http://{down}"))
    assert alone[f"model worker {down}"].state == "missing" and "reading" not in alone


def test_fewer_decoders_than_workers_is_a_hint(tmp_path: Path) -> None:
    app = worker_app(Settings(**DEAF), TOKEN)
    with running(app) as one, running(app) as two:
        seen = found(settings(tmp_path, one, two))
        assert "2 workers, but 1 file is read at a time" in seen["decoders"].detail
        assert "decoders" not in found(settings(tmp_path, one, two, decoders=2))


def test_a_wrong_address_is_one_line(tmp_path: Path) -> None:
    seen = found(settings(tmp_path, "worker:7000"))
    assert (seen["model workers"].state, "encoder_url" in seen["model workers"].detail) == (
        "missing", True,
    )  # fmt: skip


@pytest.mark.parametrize("password", ["a-password", "a@password", "a/password", "a/p@ss/word"])
def test_a_password_in_an_address_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setattr(workers_check, "LOOK_S", 0.001)
    place = f"http://me:{password}@127.0.0.1:1, http://127.0.0.1:2"
    ((_, state, detail, *_),) = workers_check.lines(settings(tmp_path, place))
    assert state == "missing"
    assert detail.startswith("http://127.0.0.1:1, http://127.0.0.1:2 cannot be looked at")
