"""Studios' text formats with two timecodes a line, ASS behind remarks, TTML of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.subtitle_formats import detect_format, read_subtitles

SPRUCE = (
    "$FontName = Arial\n$TapeOffset = FALSE\n//Remark\n\n"
    "00:00:01:00 , 00:00:03:00 , The ferry|leaves\n$Bold = TRUE\n"
    "00:00:05:12 , 00:00:09:00 , Kettle\n"
)
ENCORE = "1 00:00:01:00 00:00:03:00 The ferry\nleaves\n2 00:00:05:12 00:00:09:00 Kettle\n"
AVID = (
    "@ This file written with the Avid Caption plugin\n\n<begin subtitles>\n\n"
    "00:00:01:00 00:00:03:00\nThe ferry\nleaves\n\n00:00:05:12 00:00:09:00\nKettle\n\n"
    "<end subtitles>\n"
)


PREMIERE = "00;00;01;00 - 00;00;03;00\nThe ferry\nleaves\n\n00;00;05;12 - 00;00;09;00\nKettle\n"


@pytest.mark.parametrize("text", [SPRUCE, ENCORE, AVID, PREMIERE])
def test_two_timecodes_a_line_are_counted_in_frames(text: str) -> None:
    assert detect_format(text) == "timecoded"
    cues = [(c.start, c.end, c.text) for c in read_subtitles(text).cues]
    assert cues == [(1.0, 3.0, "The ferry\nleaves"), (5.48, 9.0, "Kettle")]
    assert read_subtitles(text, fps=lambda: 24.0).cues[1].start == 5.5


@pytest.mark.parametrize(
    "text",
    [
        "001  AX  V  C  00:00:00:00 00:00:05:00 01:00:00:00 01:00:05:00\n",
        "From 00:00:01:00 to 00:00:03:00 the ferry leaves.\n",
        "00:00:03:00 00:00:01:00 backwards\n",
        "10:00:00 11:00:00 opening hours\n",
        "00:00:01:00" + " " * 200_000,
    ],
)
def test_other_lists_of_times_are_none(text: str) -> None:
    assert detect_format(text) != "timecoded"


@pytest.mark.parametrize("remark", ["", "; Script of the harbour group\n", "!: Made by hand\n\n"])
def test_ass_may_begin_with_remarks(remark: str) -> None:
    text = (
        f"{remark}[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,The ferry\n"
    )
    assert detect_format(text) == "ass"
    assert [c.text for c in read_subtitles(text).cues] == ["The ferry"]


@pytest.mark.parametrize(
    ("body", "warnings"),
    [
        ('<div smpte:backgroundImage="#a" begin="1s" end="2s"/>'
         '<div smpte:backgroundImage="#b" begin="3s" end="4s"/>',
         ("2 subtitles are pictures of words, not read",)),
        ('<div begin="1s" end="2s"><image src="a.png" type="image/png"/></div>',
         ("1 subtitle is a picture of words, not read",)),
        ('<div><p begin="1s" end="2s">The ferry</p></div>', ()),
    ],
)  # fmt: skip
def test_ttml_of_pictures_is_named(body: str, warnings: Any) -> None:
    text = (
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:smpte="s"><head><smpte:image xml:id="a"/>'
        f"</head><body>{body}</body></tt>"
    )
    assert read_subtitles(text).warnings == warnings


@pytest.mark.parametrize("words", ["$5 million in total", "//example.org"])
def test_words_that_look_like_settings_are_words(words: str) -> None:
    text = ENCORE.replace("leaves", words)
    assert read_subtitles(text).cues[0].text == f"The ferry\n{words}"


def test_remarks_between_the_cues_of_spruce_are_no_words() -> None:
    text = SPRUCE.replace("$Bold", "//Loud\n$Bold")
    assert [c.text for c in read_subtitles(text).cues] == ["The ferry\nleaves", "Kettle"]


def test_text_with_timecodes_has_a_length(tmp_path: Path, svc: Any) -> None:
    (tmp_path / "a.stl").write_text(SPRUCE)
    assert svc.probe(str(tmp_path / "a.stl")).duration_s == 9.0
