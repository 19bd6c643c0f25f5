"""Transcripts exported as tables have their times and speakers; other tables stay tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.subtitle_formats import detect_format, read_subtitles
from omni_core.media.text.subtitle_table import is_cue_table

PREMIERE = (
    "Speaker Name,Start Time,End Time,Text\n"
    'Ann,00:00:01:12,00:00:03:00,"Hello, all"\nBob,00:00:04:00,00:00:05:00,"Two\nlines"\n'
)


def test_clocks_with_frames_and_speakers_are_read(tmp_path: Path, cut: Any) -> None:
    cues = [(c.start, c.end, c.text) for c in read_subtitles(PREMIERE, ".csv").cues]
    assert cues == [(1.48, 3.0, "Ann: Hello, all"), (4.0, 5.0, "Bob: Two\nlines")]
    half = [c.start for c in read_subtitles(PREMIERE, ".csv", lambda: 50.0).cues]
    assert half == [1.24, 4.0]
    (tmp_path / "a.csv").write_text(PREMIERE)
    assert [s.channel for s in cut(tmp_path / "a.csv")] == ["speech"]


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("Timestamp,Speaker,Text\n0:01,Ann,Hi\n1:05,Bob,Bye\n", [(1.0, 9.0), (65.0, 73.0)]),
        ("start;end;text\n0.5;1.25;Hi\n2.0;3.5;Bye\n", [(0.5, 1.25), (2.0, 3.5)]),
        ('"#"\t"In"\t"Out"\t"Text"\n1\t00:00:01.500\t00:00:02,25\tHi\n', [(1.5, 2.25)]),
        ("start_time,end_time,speaker,text\n0:01,0:02,,Hi\nx,y,,No\n", [(1.0, 2.0)]),
    ],
)
def test_columns_in_any_order_are_read(text: str, cues: list[tuple[float, float]]) -> None:
    found = read_subtitles(text, ".csv")
    assert [(c.start, c.end) for c in found.cues] == cues
    assert bool(found.warnings) == ("x,y" in text)


@pytest.mark.parametrize(
    "text",
    [
        "Time,Name,Text\n10:00:01,Ann,log line\n10:00:02,Bob,log line\n",
        "Time,Speaker,Text,Room\n00:01,Ann,Hi,Hall\n",
        "Start,End,Text\n1999,2005,Founded\n2005,2010,Sold\n",
        "Start,Text\n00:01,Hi\n00:02,Bye\n",
        "Name,Time,Text\nAnn,00:50,Hi\nBob,00:20,Bye\nCy,00:30,x\n",
        "Start,End,Text\n",
        "",
    ],
)
def test_other_tables_are_none(text: str) -> None:
    assert detect_format(text, ".csv") is None


def test_the_times_of_runners_are_no_cues() -> None:
    assert not is_cue_table("Name,Time,Text\nAnn,1:02,first\nBob,1:05,second\n")
