"""What counts as a file of a watched folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_core.watch.disk import look

FILES = ("talk.mp4", "talk_en.srt", "Subs/2_English.srt", "Subs/talk/3_French.srt", "alone.srt",
         "notes/Subs/plan.srt", "paper.pdf", "paper.srt")  # fmt: skip
SEEN = {"talk.mp4", "alone.srt", "notes/Subs/plan.srt", "paper.pdf", "paper.srt"}


@pytest.mark.parametrize("whole", [True, False])
def test_subtitles_in_a_folder_beside_their_film_are_not_seen(tmp_path: Path, whole: bool) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1\n00:00:01,000 --> 00:00:02,000\nHello.\n")
    paths = [str(tmp_path)] if whole else [str(tmp_path / name) for name in FILES]
    seen = look(paths, str(tmp_path))
    assert {str(Path(p).relative_to(tmp_path)) for p in seen.files} == SEEN


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("kind", [["catalog.sqlite", "lock"], ["catalog.sqlite", "backup.json"],
                                  ["restoring", "lock"], ["shared/lock"]])  # fmt: skip
def test_libraries_in_a_watched_folder_are_not_seen(
    tmp_path: Path, whole: bool, kind: list[str]
) -> None:
    files = ["sub/talk.mp4", "lib/thumbs/a.jpg", "sub/lib/uploads/b/c.mp4", "lock/d.mp4"]
    files += [f"{lib}/{name}" for lib in ("lib", "sub/lib") for name in kind]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    paths = [str(tmp_path)] if whole else [str(tmp_path / name) for name in (*files, "sub/lib")]
    seen = look(paths, str(tmp_path))
    assert {str(Path(p).relative_to(tmp_path)) for p in seen.files} == {
        "sub/talk.mp4",
        "lock/d.mp4",
    }
