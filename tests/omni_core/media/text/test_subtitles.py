"""Subtitle files as people have them: loose, rolling, styled, in formats of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.cues import MAX_CUE, Cue, cue_windows
from omni_core.media.text.subtitle_formats import detect_format, parse


def read(text: str) -> list[tuple[float, float, str]]:
    return [(c.start, c.end, c.text.replace("\n", " / ")) for c in parse(text)]


A, B = (1.0, 2.0, "a"), (3.0, 4.0, "b")
AT, THEN = "00:00:01,000 --> 00:00:02,000", "00:00:03,000 --> 00:00:04,000"


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        (f"1\n{AT}\na\n\n2\n{THEN}\nb\n", [A, B]),
        (f"{AT}\na\n\n{THEN}\nb", [A, B]),
        (f"1\n{AT}\na\n2\n{THEN}\nb\n", [A, B]),
        (f"1\n\n{AT}\n\na\n\n2\n\n{THEN}\n\nb\n\n", [A, B]),
        (f"1\n{AT}\n\na\n\nmore\n\n2\n{THEN}\nb\n", [(1.0, 2.0, "a / more"), B]),
        (f"1\n{AT}\nin\n1984\n\n{THEN}\n1985\n", [(1.0, 2.0, "in / 1984"), (3.0, 4.0, "1985")]),
        (f"1\n{AT}\n\n2\n{THEN}\nb\n", [B]),
        ("1\n00:01,0 --> 00:02,0\na\n\n2\n0:3.0-->0:4.0\nb", [A, B]),
        ("0:0:1 --> 0:0:2\na\n\n100:00:03,0 --> 100:00:04,0\nb", [A, (360003.0, 360004.0, "b")]),
        (f"{THEN}\nb\n\n{AT}\na\n", [A, B]),
        (f"{AT}\n<i>a</i> &amp; {{\\an8}}b\n", [(1.0, 2.0, "a & b")]),
        ("00:00:02,000 --> 00:00:01,000\nbackwards\n", [(2.0, 4.0, "backwards")]),
    ],
)  # fmt: skip
def test_loose_srt_files_keep_their_cues(text: str, cues: list[Any]) -> None:
    assert read(text) == cues


def test_webvtt_notes_styles_and_cue_names_are_not_words_and_speakers_are_named() -> None:
    text = (
        "WEBVTT - talk\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nfirst name\n"
        "00:01.000 --> 00:02.000 align:start\n<v Bob>a<00:00:01.500><c> b</c><00:00:01.800> c\n\n"
        "NOTE not said\nnot either\n\nsecond name\n00:03.000 --> 00:04.000\n2\n\n"
        "00:05.000 --> 00:06.000\nNOTE said\n"
    )
    assert read(text) == [(1.0, 2.0, "Bob: a b c"), (3.0, 4.0, "2"), (5.0, 6.0, "NOTE said")]


def test_ass_columns_stand_in_any_order_and_a_bad_line_costs_itself() -> None:
    text = (
        "[Script Info]\nTitle: x\n\n[V4+ Styles]\nStyle: D,Arial,nonsense\n\n[Events]\n"
        "Format: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,a, with comma\n"
        "Dialogue: 0:00:xx.00,0:00:02.00,lost\nComment: 0:00:01.00,0:00:02.00,a remark\n"
        "Dialogue: 0:00:03.00,0:00:04.00,{\\p1}m 0 0 l 100 0{\\p0}{\\k20}b\\Nc{\\pos(1,2)}\n"
        "Dialogue: 0:00:05.00,0:00:06.00,{\\an7\\p1}m 0 0 l 100 0 100 50\n"
    )
    assert read(text) == [(1.0, 2.0, "a, with comma"), (3.0, 4.0, "b / c")]


def test_the_speaker_of_an_ass_line_is_named() -> None:
    text = (
        "[Script Info]\n[Events]\nFormat: Layer, Start, End, Style, Name, Text\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,D,Roger,to the boats\n"
        "Dialogue: 0,0:00:02.00,0:00:03.00,D,,and back\n"
    )
    assert read(text) == [(1.0, 2.0, "Roger: to the boats"), (2.0, 3.0, "and back")]


def test_a_song_line_with_two_times_is_sung_twice_and_ends_with_the_next() -> None:
    text = "[00:10.50][01:00.00]again\n[00:12.00]between\n[00:13.00]\n"
    assert read(text) == [
        (10.5, 12.0, "again"), (12.0, 13.0, "between"), (60.0, 68.0, "again"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Word[00:01.50]by[00:02.00]word", "Word by word"),
        ("Slow[00:01.50]ly [00:02.00]word by word", "Slowly word by word"),
        ("[00:01.10]Word[00:01.50]by[00:02.00]word[00:02.50]", "Word by word"),
        ("\u6c34[00:01.50]\u8f66[00:02.00]\u8f6c", "\u6c34\u8f66\u8f6c"),
        ("<00:01.00>Word <00:01.50>by <00:02.00>word", "Word by word"),
    ],
)
def test_the_times_of_single_words_are_no_part_of_a_song_line(line: str, words: str) -> None:
    found = read(f"[00:01.00]{line}\n[00:03.00]next\n")
    assert [text for _, _, text in found] == [words, "next"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("sbv", "0:00:01.000,0:00:02.000\na\n\n0:00:03.000,0:00:04.000\nb\n"),
        (
            "ttml",
            '<?xml version="1.0"?>\n<tt xml:lang="en" xmlns="http://www.w3.org/ns/ttml"><body><div>'
            '<p begin="00:00:01.000" end="00:00:02.000">a</p><p begin="3s" dur="1s">b</p>'
            "</div></body></tt>",
        ),
        (
            "sami",
            "<SAMI><BODY><SYNC Start=1000><P>a<SYNC Start=2000><P>&nbsp;<SYNC Start=3000><P>b",
        ),
        ("microdvd", "{1}{1}25.0\n{25}{50}a\n{75}{100}{y:i}b\n"),
        ("microdvd", "{1}{1}25.0\n{DEFAULT}{}{C:$0000ff}\n{25}{50}a\n{75}{}b\n"),
        ("mpl2", "[10][20]a\n[30][40]/b\n"),
        ("mpl2", "[10][]{c:$ff}a\n\n[30][]b\n"),
        ("tmplayer", "00:00:01:a\n00:00:03:b\n"),
        ("tmplayer", "0:00:01=a\n0:00:03=b\n0:00:06=\n"),
        ("tmplayer", "00:00:01,1=a\n00:00:03,1=b\n"),
        ("lrc", "[ti:x]\n[by:y]\n[00:01.00]a\n[00:03.00]<00:03.10>b\n"),
        (
            "subviewer",
            "[INFORMATION]\n[TITLE]x\n[END INFORMATION]\n[SUBTITLE]\n"
            "00:00:01.00,00:00:02.00\na\n\n00:00:03.00,00:00:04.00\nb\n",
        ),
    ],
)  # fmt: skip
def test_formats_of_other_programs_have_times(kind: str, text: str) -> None:
    assert detect_format(text) == kind
    assert [(start, words) for start, _, words in read(text)] == [(1.0, "a"), (3.0, "b")]


@pytest.mark.parametrize(
    "text",
    [
        "# SRT\n\nA cue is `00:00:01,000 --> 00:00:02,000` and text.\n",
        f"Notes\n\n```\n1\n{AT}\nHello\n```\n",
        "00:00:01,000 --> is how a cue begins\n",
        f"{AT} is how a cue begins\nand this is how it goes on\n",
        "10:30 --> 11:45\nLunch\n",
        "[00:10] a log line\nwithout a second one\n",
        "[1234][5678] Starting\n[1234][5679] Started\n",
        "12:30:05: the server started\n",
        "00:00:01: the server started\n00:00:02: it listens\n",
        "12:30:05:started\n12:30:06:listening\n",
        "00:00:01,12,33\n00:00:02,13,34\n",
        "[1][2]\n[3][4]\n",
        "[10][20]one line\nand a second without times\n",
        "[20][30]b\n[10][20]a\n",
        "{1}{1} is where MicroDVD names the rate\n",
        "WEB VTT files begin otherwise\n",
        "<tt>monospaced</tt>\n",
        "",
    ],
)
def test_text_about_subtitles_is_no_subtitle_file(text: str) -> None:
    assert detect_format(text) is None


def test_a_markdown_file_that_quotes_a_cue_is_markdown(tmp_path: Path, cut: Any, svc: Any) -> None:
    path = tmp_path / "about.md"
    path.write_text("# SRT\n\nA cue is `00:00:01,000 --> 00:00:02,000` and text.\n")
    assert svc.probe(str(path)).mime == "text/markdown"
    assert "A cue is" in cut(path)[0].text


def test_an_srt_file_may_begin_with_a_remark(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.srt"
    path.write_text(f"Made by hand\n\n1\n{AT}\nHello\n")
    assert [s.text for s in cut(path)] == ["Hello"]


def test_lines_that_stay_on_screen_are_read_once(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "rolling.vtt"
    path.write_text(
        "WEBVTT\n\n00:00.200 --> 00:03.200\n \nthe<00:00.500><c> pilot</c>\n\n"
        "00:03.200 --> 00:03.210\nthe pilot\n \n\n00:03.210 --> 00:06.210\nthe pilot\nclimbs\n\n"
        "00:06.210 --> 00:06.220\nclimbs\n \n\n00:06.220 --> 00:09.000\nclimbs\naboard\n\n"
        "00:30.000 --> 00:31.000\naboard\n"
    )
    assert [(s.text, s.span.start, s.span.end) for s in cut(path)] == [
        ("the pilot climbs aboard", 0.2, 9.0),
        ("aboard", 30.0, 31.0),
    ]


def test_timed_markup_whose_times_cannot_be_read_is_a_page(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "ticks.ttml"
    path.write_text(
        '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="10t" end="20t">words</p></div>'
        "</body></tt>"
    )
    assert [(s.text, s.span.axis) for s in cut(path)] == [("words", "char")]


@pytest.mark.parametrize(
    "words", ["<a" * 200_000, "{" * 200_000, "x\n" * 200_000, "\n 1 " * 200_000]
)
def test_a_window_is_no_longer_than_many_screens(words: str) -> None:
    windows = list(cue_windows(parse(f"1\n{AT}\n{words}\n\n2\n{THEN}\nb\n")))
    assert all(len(w.text) <= MAX_CUE for w in windows)
    assert windows[-1].text == "b"


def test_a_window_of_cues_keeps_where_each_begins() -> None:
    cues = [Cue(1, 2, "We look"), Cue(2.5, 4, "at the\nengine"), Cue(4, 5, "now.")]
    [window] = cue_windows(cues)
    assert window.text == "We look at the engine now."
    assert [(window.text[at:], second) for at, second in window.beats] == [
        ("at the engine now.", 2.5), ("now.", 4),
    ]  # fmt: skip
