"""`mteb`, as its user sees it."""

from __future__ import annotations

import importlib.util
import json

import pytest

from omni_core.mteb_tasks import Measured
from omni_server.cli import main

HAS_MTEB = importlib.util.find_spec("mteb") is not None


def test_without_a_task_it_says_how_to_find_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mteb"]) == 1
    assert "--list WORD finds names" in capsys.readouterr().err


@pytest.mark.skipif(HAS_MTEB, reason="mteb is installed")
def test_without_mteb_it_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["mteb", "--tasks", "STS12"], ["mteb", "--list", "vidore"]):
        assert main(argv) == 1
        assert "pip install 'omni-mcp[mteb]'" in capsys.readouterr().err


def test_what_could_not_be_measured_is_named_and_fails_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Measured("A", "Retrieval", "ndcg_at_10", 0.5, 3.0),
        Measured("B", "Retrieval", error="ConnectionError: no hub"),
    ]
    monkeypatch.setattr("omni_core.mteb_tasks.run", lambda *a, **k: found)
    assert main(["mteb", "--tasks", "A", "B"]) == 1
    said = capsys.readouterr().out
    assert "0.5000" in said
    assert "not measured: B: ConnectionError: no hub" in said
    assert main(["mteb", "--tasks", "A", "B", "--json"]) == 1
    assert [m["score"] for m in json.loads(capsys.readouterr().out)] == [0.5, None]
