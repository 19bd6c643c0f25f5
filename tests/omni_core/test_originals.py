"""A file is opened where it was checked, and known again by what cannot be forged."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from omni_core import leases, originals
from omni_core.errors import NotFoundError, UnreadableError
from omni_core.originals import (
    CHANGED,
    QUIET_S,
    hashed,
    is_being_written,
    is_unchanged,
    look,
    open_file,
    reopen,
)

posix = pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who writes a file")


@pytest.fixture
def note(tmp_path: Path) -> Path:
    folder = Path(os.path.realpath(tmp_path)) / "folder"
    folder.mkdir()
    (folder / "note.md").write_text("old words")
    return folder / "note.md"


@posix
def test_a_link_is_followed_only_where_the_path_was_not_checked(note: Path) -> None:
    link = note.with_name("link.md")
    link.symlink_to(note)
    os.close(open_file(str(link)))
    with pytest.raises(UnreadableError) as refused:
        open_file(str(link), links=False)
    assert refused.value.code == CHANGED


@posix
def test_a_folder_that_became_a_link_is_not_followed(note: Path) -> None:
    file = look(str(note), links=False)
    away = note.parent.with_name("away")
    note.parent.rename(away)
    note.parent.symlink_to(away)
    assert not is_unchanged(file)
    with pytest.raises(UnreadableError):
        reopen(file)


def test_other_bytes_of_the_same_size_and_time_are_another_file(note: Path) -> None:
    _, file = hashed(str(note))
    before = note.stat()
    note.write_text("new words")
    os.utime(note, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert look(str(note)).size == file.size and look(str(note)).mtime_ns == file.mtime_ns
    if os.name == "posix":  # Windows keeps no time of the last change of status
        assert not is_unchanged(file)


def test_a_file_that_is_gone_is_not_found(note: Path) -> None:
    file = look(str(note))
    note.unlink()
    assert not is_unchanged(file)
    with pytest.raises(NotFoundError):
        reopen(file)


@posix
def test_a_pipe_is_refused_and_never_waited_for(note: Path) -> None:
    pipe = note.with_name("pipe.md")
    os.mkfifo(pipe)
    with pytest.raises(UnreadableError) as refused:
        open_file(str(pipe))
    assert refused.value.code == "UNSUPPORTED_TYPE"


@linux
def test_a_file_that_a_program_writes_is_told_from_one_that_is_complete(note: Path) -> None:
    with note.open("ab"):
        assert is_being_written(look(str(note)))
    assert not is_being_written(look(str(note)))
    with note.open("rb"):
        assert not is_being_written(look(str(note)))


@linux
def test_a_file_that_an_editor_keeps_open_and_did_not_write_for_long_is_complete(
    note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with note.open("ab"):
        file = look(str(note))
        assert is_being_written(file)
        now = file.ctime_ns / 1e9
        monkeypatch.setattr(time, "time", lambda: now + QUIET_S + 1)
        assert not is_being_written(file)


@linux
def test_of_a_drive_of_the_network_it_is_not_known_who_writes(
    note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with note.open("ab") as writer:
        with note.open("rb") as reader:
            assert leases.has_writer(reader.fileno())
        here = leases.kind_of_file_system(writer.fileno())
        assert here
        monkeypatch.setitem(leases.REFUSED_FOR_OTHER_REASONS, here, "as NFS does")
        assert not is_being_written(look(str(note)))


def test_what_changes_while_it_is_hashed_has_no_hash(
    note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = originals._digest

    def and_grows(file: BinaryIO) -> str:
        with note.open("ab") as f:
            f.write(b" and more")
        return digest(file)

    monkeypatch.setattr(originals, "_digest", and_grows)
    with pytest.raises(UnreadableError) as refused:
        hashed(str(note))
    assert refused.value.code == CHANGED
