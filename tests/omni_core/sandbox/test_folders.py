"""The folder for the temporary files of a child, and whom it is taken from."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

import pytest

from omni_core.sandbox import folders
from omni_core.sandbox.folders import PREFIX, YOUNG_S, TemporaryFolder, abandoned


def aged(folder: Path) -> Path:
    """The folder, as if it had been made long ago."""
    made = folder.stat().st_mtime - 2 * YOUNG_S
    os.utime(folder, (made, made))
    return folder


def test_a_folder_is_swept_once_nobody_holds_it_and_not_while_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    assert not abandoned(tmp_path)
    assert abandoned(aged(tmp_path))
    (tmp_path / "lock").unlink()
    assert not abandoned(tmp_path)
    assert abandoned(aged(tmp_path))


def test_a_folder_in_use_is_never_swept() -> None:
    folder = TemporaryFolder()
    try:
        assert not abandoned(aged(Path(folder.path).parent))
    finally:
        folder.remove()


def test_a_folder_that_cannot_be_made_whole_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(folders, "_held", full)
    with pytest.raises(OSError, match="no space"):
        TemporaryFolder()
    gc.collect()  # a file that is not closed warns, and a warning is an error
    assert not [*tmp_path.glob(f"{PREFIX}*")]
