"""Libraries read the file that is held, whatever stands at its path by then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from omni_core.errors import OmniError, UnreadableError
from omni_core.media.held import Holder, held_as, read_beside
from omni_core.media.private_names import PREFIX
from omni_core.originals import CHANGED, look

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="private names need Linux")


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holder]:
    (tmp_path / "private").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "private"))
    made = Holder()
    yield made
    made.close()
    assert not list((tmp_path / "private").iterdir())


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "talk.md"
    path.write_text("old words")
    return path


def put(path: Path, words: str) -> None:
    other = path.with_name("other")
    other.write_text(words)
    os.replace(other, path)


def test_what_is_put_in_its_place_is_never_read_and_the_reading_does_not_count(
    holder: Holder, note: Path
) -> None:
    with pytest.raises(UnreadableError) as changed, holder.hold(look(str(note))) as held:
        put(note, "new words")
        assert Path(held.path).read_text() == "old words"
        assert Path(held.path).name == "talk.md"
    assert changed.value.code == CHANGED


def test_another_file_than_the_one_that_was_hashed_is_not_opened(
    holder: Holder, note: Path
) -> None:
    file = look(str(note))
    put(note, "new words")
    with pytest.raises(UnreadableError) as changed, holder.hold(file):
        pytest.fail("it was opened")
    assert changed.value.code == CHANGED


def test_an_error_over_changed_bytes_is_said_to_be_of_the_change(
    holder: Holder, note: Path
) -> None:
    with pytest.raises(UnreadableError) as changed, holder.hold(str(note)):
        note.write_text("")
        raise ValueError("no header")
    assert changed.value.code == CHANGED


def test_one_state_of_a_file_keeps_its_name_and_another_state_has_another(
    holder: Holder, note: Path
) -> None:
    with holder.hold(str(note)) as first, holder.hold(str(note)) as second:
        assert first.path == second.path and held_as(first.path) is second
    with holder.hold(str(note)) as again:
        assert again.path == first.path
    put(note, "new words")
    with holder.hold(str(note)) as other:
        assert other.path != first.path
    assert held_as(first.path) is None


def test_a_hand_in_the_private_folder_does_not_stay_unseen(holder: Holder, note: Path) -> None:
    with pytest.raises(OmniError, match="another program"), holder.hold(str(note)) as held:
        link = os.readlink(held.path)
        os.unlink(held.path)
        os.symlink("/etc/passwd", held.path)
        os.unlink(held.path)
        os.symlink(link, held.path)


def test_a_file_beside_it_is_read_and_a_link_out_of_the_folder_is_not(
    holder: Holder, note: Path, tmp_path: Path
) -> None:
    (tmp_path / "talk.srt").write_text("its words")
    (tmp_path / "linked.srt").symlink_to(tmp_path / "talk.srt")
    outside = tmp_path / "private" / "secret.srt"
    outside.write_text("secret")
    (tmp_path / "out.srt").symlink_to(outside)
    with holder.hold(look(str(note), links=False)) as held:
        assert read_beside(held, str(tmp_path / "talk.srt"), 99) == b"its words"
        assert read_beside(held, str(tmp_path / "linked.srt"), 99) == b"its words"
        assert read_beside(held, str(tmp_path / "out.srt"), 99) is None
    outside.unlink()


def test_a_file_beside_it_that_changes_meanwhile_is_said(
    holder: Holder, note: Path, tmp_path: Path
) -> None:
    (tmp_path / "talk.srt").write_text("its words")
    with pytest.raises(UnreadableError) as changed, holder.hold(str(note)) as held:
        read_beside(held, str(tmp_path / "talk.srt"), 99)
        put(tmp_path / "talk.srt", "other words")
    assert changed.value.code == CHANGED and "talk.srt" in str(changed.value)


def test_what_a_killed_decoder_left_is_swept_and_what_a_living_one_holds_is_not(
    holder: Holder, note: Path, tmp_path: Path
) -> None:
    left = tmp_path / "private" / f"{PREFIX}left"
    left.mkdir()
    other = Holder()
    with other.hold(str(note)) as held, holder.hold(str(note)):
        assert not left.exists() and Path(held.path).read_text() == "old words"
    other.close()


def test_a_decoder_without_a_private_folder_compares_the_path(
    note: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with Holder().hold(str(note)) as held:
        assert held.path == str(note)
    with pytest.raises(UnreadableError), Holder().hold(str(note)):
        put(note, "new words")


def test_a_decoder_that_ends_leaves_nothing(note: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from omni_core.media.held import Holder\n"
        "with Holder().hold(sys.argv[1]) as held: print(open(held.path).read())"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path / "private")}
    (tmp_path / "private").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", program, str(note)], env=env, capture_output=True, check=True
    )
    assert done.stdout == b"old words\n" and not list((tmp_path / "private").iterdir())
    shutil.rmtree(tmp_path / "private")
