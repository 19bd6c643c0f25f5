"""Files are replaced whole, by one function for the whole project."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from omni_core.files import copy_tree, copy_verified, sha256_of, used_bytes, write_atomically

ROOT = Path(__file__).resolve().parents[2]


def test_a_file_is_written_with_its_folder_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.bin"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["a.bin"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_other_users_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    write_atomically(tmp_path / "a.bin", b"")
    assert (tmp_path / "a.bin").stat().st_mode == plain.stat().st_mode


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 10_000)
    assert sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_no_other_module_replaces_files_by_itself() -> None:
    found = [
        str(path.relative_to(ROOT))
        for folder in ("omni_core", "server")
        for path in (ROOT / folder).rglob("*.py")
        if "os.replace(" in path.read_text(encoding="utf-8")
    ]
    assert found == ["omni_core/files.py"]


@pytest.mark.skipif(os.name != "posix", reason="permission bits are of POSIX")
def test_a_file_is_written_with_the_permissions_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_atomically(path, b"x", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_atomically(path, b"y", mode=0o640)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"y", 0o640)


def test_a_copied_tree_has_the_same_bytes_and_keeps_its_holes(tmp_path: Path) -> None:
    old = tmp_path / "old" / "sub"
    old.mkdir(parents=True)
    with (old / "sparse").open("wb") as f:
        f.write(b"head")
        f.seek(5 << 20)
        f.write(b"tail")
        f.truncate(9 << 20)
    (old / "empty").touch()
    (old / "link").symlink_to(tmp_path / "elsewhere")
    copy_tree(tmp_path / "old", tmp_path / "new")
    new = tmp_path / "new" / "sub"
    assert sorted(p.name for p in new.iterdir()) == ["empty", "sparse"]
    assert (new / "sparse").read_bytes() == (old / "sparse").read_bytes()
    assert used_bytes(tmp_path / "new") <= used_bytes(old / "sparse") + (3 << 20)


def test_a_copy_with_other_bytes_than_expected_replaces_nothing(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"changed")
    new.write_bytes(b"as it was")
    assert not copy_verified(old, new, hashlib.sha256(b"whole").hexdigest())
    assert new.read_bytes() == b"as it was"
    assert copy_verified(old, new, hashlib.sha256(b"changed").hexdigest())
    assert new.read_bytes() == b"changed"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new", "old"]
