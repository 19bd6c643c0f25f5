"""A cue that is longer than a window loses none of its words, whatever its format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.cues import MAX_CUE, Cue, cue_windows
from omni_core.media.text.subtitle_formats import read_bytes_of

WORDS = " ".join(f"word{n}" for n in range(2_000))
TTML = '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="1s" end="2s">'
FILES = {
    "srt": f"1\n00:00:01,000 --> 00:00:02,000\n{WORDS}\n",
    "vtt": f"WEBVTT\n\n00:01.000 --> 00:02.000\n{WORDS}\n",
    "lines": "1\n00:00:01,000 --> 00:00:02,000\n" + WORDS.replace(" ", "\n"),
    "ass": f"[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,{WORDS}\n",
    "ttml": f"{TTML}{WORDS}</p></div></body></tt>",
    "sami": f"<SAMI><BODY><SYNC Start=1000><P Class=A>{WORDS}<SYNC Start=2000><P Class=A>&nbsp;",
    "srv3": f'<timedtext><body><p t="1000" d="1000">{WORDS}</p></body></timedtext>',
    "json3": json.dumps(
        {"events": [{"tStartMs": 1000, "dDurationMs": 1000, "segs": [{"utf8": WORDS}]}]}
    ),
    "lrc": f"[00:01.00]{WORDS}\n[00:02.00]\n",
    "sub": f"{{1}}{{1}}1.000\n{{1}}{{2}}{WORDS}\n",
    "subviewer": f"[INFORMATION]\n[SUBTITLE]\n00:00:01.00,00:00:02.00\n{WORDS}\n",
    "subviewer1": f"[TITLE]\nx\n[00:00:01]\n{WORDS}\n[00:00:02]\n",
}


@pytest.mark.parametrize("kind", FILES)
def test_every_word_of_a_long_cue_has_its_times(kind: str) -> None:
    windows = list(cue_windows(read_bytes_of(FILES[kind].encode(), f".{kind}").cues))
    assert " ".join(w.text for w in windows) == WORDS
    assert max(len(w.text) for w in windows) <= MAX_CUE
    assert {(w.start, w.end) for w in windows} == {(1.0, 2.0)}


def test_the_windows_of_a_long_cue_are_segments_of_their_own(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "long.srt"
    path.write_text(FILES["srt"])
    segments = cut(path)
    assert len({s.id for s in segments}) == len(segments) > 3


def test_words_without_a_space_are_cut_where_a_window_is_full() -> None:
    windows = list(cue_windows([Cue(1, 2, "x" * 9_000), Cue(3, 4, "after")]))
    assert [len(w.text) for w in windows] == [MAX_CUE, MAX_CUE, 1_000, 5]


def test_many_cues_at_once_are_several_windows() -> None:
    cues = [Cue(n / 100, (n + 1) / 100, f"{n} " + "y" * 900) for n in range(10)]
    windows = list(cue_windows(cues))
    assert max(len(w.text) for w in windows) <= MAX_CUE
    assert " ".join(w.text for w in windows) == " ".join(c.text for c in cues)
