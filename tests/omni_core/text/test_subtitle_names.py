"""Which subtitle files are read with which film."""

from __future__ import annotations

import pytest

from omni_core.text.subtitle_names import Films


@pytest.mark.parametrize(
    "path",
    [
        "/f/talk.srt",
        "/f/talk.en.srt",
        "/f/talk.en.forced.srt",
        "/f/talk.en.sdh.srt",
        "/f/talk.en.hi.vtt",
        "/f/talk.ass",
        "/f/talk_en.srt",
        "/f/talk-English [SDH].srt",
        "/f/talk (forced).SRT",
        "/f/Subs/talk.srt",
        "/f/Subs/2_English.srt",
        "/f/subtitles/talk/3_French.srt",
        "/f/talk.sub",
        "/f/talk.lrc",
    ],
)
def test_subtitles_of_a_film_are_read_with_it(path: str) -> None:
    assert Films(["/f/talk.mp4", path]).read(path)


@pytest.mark.parametrize(
    "path",
    [
        "/f/talk2.srt",
        "/f/talkative.srt",
        "/f/talk-2.srt",
        "/f/other.srt",
        "/g/talk.srt",
        "/f/talk.txt",
        "/f/Subs/other/2_English.srt",
        "/f/Notes/talk.srt",
    ],
)
def test_other_files_are_not(path: str) -> None:
    assert not Films(["/f/talk.mp4", path]).read(path)


def test_a_name_in_a_folder_of_subtitles_is_told_from_that_of_two_films() -> None:
    films = Films(["/f/a.mp4", "/f/b.mkv"])
    assert films.read("/f/Subs/a.en.srt")
    assert not films.read("/f/Subs/2_English.srt")


@pytest.mark.parametrize("beside", ["talk.pdf", "talk.jpg", "talk.nfo", "talk"])
def test_subtitles_beside_what_is_no_recording_are_read_by_themselves(beside: str) -> None:
    assert not Films([f"/f/{beside}", "/f/talk.srt", "/f/Subs/talk.srt"]).read("/f/talk.srt")
    assert not Films([f"/f/{beside}"]).read("/f/Subs/talk.srt")
    assert Films([f"/f/{beside}", "/f/talk.m4b"]).read("/f/talk.srt")
