from __future__ import annotations

import os
from pathlib import Path

from omni_core.evidence import clips
from omni_core.types import Span

SRC = "src_abcdefgh234567ab"


def test_the_same_span_has_the_same_file_inside_the_store(tmp_path: Path) -> None:
    first = clips.prepare_path(tmp_path, SRC, Span("second", 1.5, 9.25), ".MP4")
    assert first == clips.prepare_path(tmp_path, SRC, Span("second", 1.5, 9.25), ".mp4")
    assert first != clips.prepare_path(tmp_path, SRC, Span("second", 1.5, 9.3), ".mp4")
    assert first.parent.is_dir() and first.is_relative_to(tmp_path)


def test_no_name_leads_out_of_the_store(tmp_path: Path) -> None:
    path = clips.prepare_path(tmp_path, "../../etc", Span("second", 0, 1), "/../../x")
    assert path.resolve().is_relative_to(tmp_path.resolve() / clips.FOLDER)
    assert path.suffix == ".mp4"


def test_the_clips_used_longest_ago_make_room(tmp_path: Path) -> None:
    paths = [clips.prepare_path(tmp_path, SRC, Span("second", i, i + 1), ".mp4") for i in range(4)]
    for age, path in enumerate(reversed(paths)):
        path.write_bytes(b"x" * 1_000_000)
        os.utime(path, (1e9 - age * 100, 1e9 - age * 100))
    assert clips.remove_least_recently_used(tmp_path, max_mb=2.5) == 2
    assert [p.exists() for p in paths] == [False, False, True, True]
    assert clips.remove_least_recently_used(tmp_path, max_mb=2.5) == 0


def test_forgetting_a_source_removes_its_clips_only(tmp_path: Path) -> None:
    ours = clips.prepare_path(tmp_path, SRC, Span("second", 0, 1), ".mp4")
    theirs = clips.prepare_path(tmp_path, "src_other", Span("second", 0, 1), ".mp4")
    ours.write_bytes(b"x")
    theirs.write_bytes(b"x")
    clips.remove(tmp_path, SRC)
    clips.remove(tmp_path, "src_never_seen")
    assert not ours.exists() and theirs.exists()
