"""`export` and `import`, as their user sees them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from omni_server.cli import main

HAS_PYARROW = importlib.util.find_spec("pyarrow") is not None


@pytest.fixture(autouse=True)
def light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ENCODER", "hashing"), ("SPEECH", "off"), ("SCREEN_TEXT", "off")):
        monkeypatch.setenv(f"OMNI_{name}", value)
    monkeypatch.setenv("OMNI_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boats.md").write_text("# Boats\n\nThe launch is postponed to March.\n")


@pytest.mark.skipif(not HAS_PYARROW, reason="needs the extra: pip install 'omni-mcp[parquet]'")
def test_a_library_goes_out_into_a_file_and_into_another_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(tmp_path / "other")
    assert main(["ingest", "boats.md"]) == 0
    assert main(["export", "library.parquet"]) == 0
    assert "1 source with 2 segments written to" in capsys.readouterr().out
    assert main(["export", "library.parquet"]) == 1
    assert "exists; remove it" in capsys.readouterr().err
    assert main(["import", "library.parquet", "--store", other]) == 0
    assert "imported 1 source with 2 segments." in capsys.readouterr().out
    assert main(["search", "launch of the boat", "--store", other]) == 0
    assert "[Boats chars 0-42]" in capsys.readouterr().out
    assert main(["import", "library.parquet", "--store", other, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["already"] == 1


@pytest.mark.skipif(HAS_PYARROW, reason="pyarrow is installed")
def test_without_pyarrow_it_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "library.parquet"]) == 1
    assert "pip install 'omni-mcp[parquet]'" in capsys.readouterr().err
