"""Each subtitle format in the forms in which people have it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pysubs2
import pytest

from omni_core.media.service import MediaService
from omni_core.media.text.cues import Cue, cue_windows
from omni_core.media.text.subtitle_formats import detect_format, read_bytes_of, read_subtitles
from omni_core.types import Channel, CutOptions, FileWarning, Segment, Source

T, U = "00:00:01,000 --> 00:00:02,000", "00:00:03,000 --> 00:00:04,000"
A, B = (1.0, 2.0, "a"), (3.0, 4.0, "b")
TT = '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"'


def read(text: str, suffix: str = "") -> list[tuple[float, float, str]]:
    return [
        (c.start, c.end, c.text.replace("\n", " / ")) for c in read_subtitles(text, suffix).cues
    ]


def windows(text: str) -> list[str]:
    return [w.text for w in cue_windows(read_subtitles(text).cues)]


@pytest.fixture
def decomposed(svc: MediaService) -> Callable[[Path], tuple[list[Segment], list[str]]]:
    """The segments and the warnings of a file."""

    def run(path: Path) -> tuple[list[Segment], list[str]]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), info.title, info.modality, info.mime, 1)
        items = list(svc.decompose(str(path), source, CutOptions()))
        return (
            [item for item in items if isinstance(item, Segment)],
            [item.message for item in items if isinstance(item, FileWarning)],
        )

    return run


@pytest.mark.parametrize(
    "times",
    [
        "0:0:1,0 --> 0:0:2,00",
        "00:00:01.000 --> 00:00:02.000",
        "00:00:01:000 --> 00:00:02:000",
        "00:00:01,000-->00:00:02,000",
        "00:00:01, 000 --> 00:00:02, 000",
        "00:00:01,000 -> 00:00:02,000",
        "00:00:01,000 \u2013> 00:00:02,000",
        "\uff10\uff10\uff1a\uff10\uff10\uff1a\uff10\uff11\uff0c\uff10\uff10\uff10 --> 00:00:02,000",
        "00:00:01,000000 --> 00:00:02,000000",
        "  00:00:01,000  -->  00:00:02,000  X1:10 X2:90 Y1:5 Y2:9",
        "00:00:01,000 --> 00:00:02,000 align:start position:0%",
    ],
)  # fmt: skip
def test_times_are_read_however_they_are_written(times: str) -> None:
    assert read(f"1\n{times}\na\n\n2\n{U}\nb\n") == [A, B]
    assert detect_format(f"1\n{times}\na\n") == "srt"


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        (f"{T}\nin\n1984\n{U}\nb\n", [(1.0, 2.0, "in / 1984"), B]),
        (f"1 {T}\na\n2 {U}\nb\n", [A, B]),
        (f"{T} a\n\n{U} b\n", [A, B]),
        ("[00:00:01.000 --> 00:00:02.000]   a\n[00:00:03.000 --> 00:00:04.000]   b\n", [A, B]),
        (f"1\n{T}\nI <3 you & 2 > 1\n", [(1.0, 2.0, "I <3 you & 2 > 1")]),
        (f"1\n{T}\nA --> B\n", [(1.0, 2.0, "A --> B")]),
        (f"1\n{T}\n\u202bshalom\u202c\n", [(1.0, 2.0, "shalom")]),
        ("1\n-00:00:01,000 --> 00:00:02,000\na\n", [(0.0, 2.0, "a")]),
        ("1\n00:00:05,000 --> 00:00:05,000\na\n\n2\n00:00:06,000 --> 00:00:07,000\nb\n",
         [(5.0, 6.0, "a"), (6.0, 7.0, "b")]),
        (f"1\n{T}\n<font color=red>a</font><br>c {{\\an8}}\n\n2\n{U}\n<i>b\n",
         [(1.0, 2.0, "a / c"), B]),
        ("1\n00:00:01,000 --> 00:00:09,000\na\n\n2\n00:00:02,000 --> 00:00:04,000\nb\n",
         [(1.0, 9.0, "a"), (2.0, 4.0, "b")]),
    ],
)  # fmt: skip
def test_srt_keeps_what_was_said(text: str, cues: list[Any]) -> None:
    assert read(text, ".srt") == cues


@pytest.mark.parametrize(
    "text",
    [
        f"1\n{T}\na\n\n2\n00:00:0x,000 --> 00:00:04,000\nlost\n\n3\n{U}\nb\n",
        f"1\n{T}\na\n\n2\n00:00:03,0?0 -->\nlost\n\n3\n{U}\nb\n",
        "WEBVTT\n\n00:01.000 --> 00:02.000\na\n\n00.03.000 --> 00:04.000\nlost\n\n"
        "00:03.000 --> 00:04.000\nb\n",
    ],
)
def test_a_cue_without_a_readable_time_costs_itself_and_is_named(text: str) -> None:
    found = read_subtitles(text)
    assert [(c.start, c.text) for c in found.cues] == [(1.0, "a"), (3.0, "b")]
    assert found.warnings == ("1 cue has no readable time and is left out: line 6",)


def test_sami_languages_are_told_by_their_classes_and_do_not_mix() -> None:
    text = (
        '<SAMI><HEAD><STYLE TYPE="text/css"><!-- .EN {lang:en;} .FR {lang:fr;} --></STYLE></HEAD>'
        "<BODY>\n<SYNC Start=1000><P Class=EN>one<br>more<P Class=FR>un\n"
        "<SYNC Start=2000><P Class=EN>two<P Class=FR>deux\n<SYNC Start=3000><P Class=EN>&nbsp;"
        "<P Class=FR>&nbsp;</BODY></SAMI>"
    )
    assert windows(text) == ["one more two", "un deux"]
    assert read(text)[0] == (1.0, 2.0, "one / more")


@pytest.mark.parametrize(
    ("kind", "text", "cues"),
    [
        ("lrc", "[ti:x]\n[offset:+500]\n[00:01.50]a\n[00:02.5]\n[00:03.50]b\n[00:04.50]\n", [A, B]),
        ("lrc", "[00:01.00] <00:01.00> a\n[00:02.00]\n[00:03]<00:03.1>b\n[00:04]\n", [A, B]),
        ("lrc", "[00:00:01.00]a\n[00:00:02,00]\n[00:03]b\n[00:04]\n", [A, B]),
        ("lrc", "[by:x]\n[00:01.00]a\n[ar:z]\n\n[00:02.00]\n[01:00:03.50]b\nand c\n[01:00:04.00]\n",
         [A, (3603.5, 3604.0, "b and c")]),
        ("lrc", "[00:02.00][00:04.00]\n[00:01.00][00:03.00]a\nb\n",
         [(1.0, 2.0, "a b"), (3.0, 4.0, "a b")]),
        ("lrc", "[00:01.00][00:03.00]a\n[00:02.00][00:04.00]\n", [A, (3.0, 4.0, "a")]),
        ("microdvd", "{1}{1}25.000\n{25}{50}a\n{75}{100}{y:i}b\n", [A, B]),
        ("microdvd", "{0}{0}25\n{25}{50}a|/c\n{75}{}b\n", [(1, 2, "a / c"), (3.0, 11.0, "b")]),
        ("subviewer", "00:00:01.00,00:00:02.00\na[br]c\n\n00:00:03.00,00:00:04.00\nb\n",
         [(1.0, 2.0, "a / c"), B]),
        ("subviewer1", "[TITLE]\nx\n[BEGIN]\n******** START SCRIPT ********\n[00:00:01]\na\n"
         "[00:00:02]\n\n[00:00:03]\nb\n[00:00:04]\n\n[END]\n******** END SCRIPT ********\n",
         [A, B]),
        ("sbv", "0:00:01.000,0:00:02.000\n>> a\n\n0:00:03.000,0:00:04.000\nb\n",
         [(1.0, 2.0, ">> a"), B]),
        ("timedtext", '<?xml version="1.0" encoding="utf-8" ?><timedtext format="3"><body>\n'
         '<p t="1000" d="1000" w="1"><s>a</s><s t="200"> c</s></p><p t="2000" a="1">\n</p>'
         '<p t="3000" d="1000">b</p></body></timedtext>', [(1.0, 2.0, "a c"), B]),
        ("timedtext", '<?xml version="1.0"?><transcript><text start="1" dur="1">it&amp;#39;s</text>'
         '<text start="3" dur="1">b</text></transcript>', [(1.0, 2.0, "it's"), B]),
        ("json3", '{"wireMagic":"pb3","events":[{"tStartMs":1000,"dDurationMs":1000,"segs":'
         '[{"utf8":"a"}]},{"tStartMs":2000,"aAppend":1,"segs":[{"utf8":"\\n"}]},'
         '{"tStartMs":3000,"dDurationMs":1000,"segs":[{"utf8":"b"}]}]}', [A, B]),
        ("ass", "[Script Info]\n[Events]\nFormat: Marked, Start, End, Style, Name, Text\n"
         "Dialogue: Marked=0,0:00:01.00,0:00:02.00,D,Roger,{\\k20}a{\\k3}b\\Nc\\hd\n"
         "Comment: Marked=0,0:00:01.00,0:00:02.00,D,,no\n", [(1.0, 2.0, "Roger: ab / c d")]),
    ],
)  # fmt: skip
def test_every_other_format_has_its_times(kind: str, text: str, cues: list[Any]) -> None:
    assert detect_format(text) == kind
    assert read(text) == cues


def test_frames_without_a_rate_are_counted_as_the_film_does_or_that_is_said() -> None:
    text = "{24}{48}a\n{72}{96}b\n"
    found = read_subtitles(text, ".sub", lambda: 24.0)
    assert [(c.start, c.end, c.text) for c in found.cues] == [A, B]
    assert not found.warnings
    assert "no frame rate is named" in read_subtitles(text).warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "WEBVTT\n\n00:01.000 --> 00:02.000\nthe\n\n00:02.000 --> 00:03.000\nthe pilot\n\n"
        "00:03.000 --> 00:04.000\nthe pilot\nclimbs\n\n00:04.000 --> 00:05.000\nclimbs aboard\n",
        f"{TT}><body><div><p begin='1s' end='2s'>the</p><p begin='2s' end='3s'>the<br/>pilot</p>"
        "<p begin='3s' end='4s'>pilot<br/>climbs aboard</p></div></body></tt>",
        "1\n00:00:01,000 --> 00:00:02,000\nthe pilot\n\n2\n00:00:01,000 --> 00:00:02,000\n"
        "the pilot\n\n3\n00:00:02,000 --> 00:00:03,000\nthe pilot\nclimbs aboard\n",
    ],
)
def test_rolling_captions_are_read_once(text: str) -> None:
    assert windows(text) == ["the pilot climbs aboard"]


def test_what_is_said_twice_with_a_pause_is_kept_twice() -> None:
    cues = [Cue(1, 2, "Go!"), Cue(3, 4, "Go!"), Cue(5, 6, "Go on!")]
    assert [w.text for w in cue_windows(cues)] == ["Go! Go! Go on!"]


@pytest.mark.parametrize("text", ["WEBVTT\n", "WEBVTT\n\nNOTE nothing yet\n", "[Script Info]\n"])
def test_a_caption_file_without_cues_is_whole_and_says_so(
    text: str, tmp_path: Path, svc: Any, decomposed: Any
) -> None:
    path = tmp_path / "a.vtt"
    path.write_text(text)
    segments, warnings = decomposed(path)
    assert segments == []
    assert warnings == ["no cues in it: there is nothing to find but its title"]
    assert svc.probe(str(path)).duration_s is None


def test_two_languages_of_one_file_are_segments_of_their_own(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.smi"
    path.write_text(
        "<SAMI><BODY><SYNC Start=1000><P Class=EN>one<P Class=FR>un<SYNC Start=2000><P Class=EN>"
        "&nbsp;<P Class=FR>&nbsp;</BODY></SAMI>"
    )
    found = cut(path)
    assert [s.text for s in found] == ["one", "un"]
    assert {s.channel for s in found} == {Channel.SPEECH}
    assert len({s.id for s in found}) == 2


@pytest.mark.parametrize("kind", ["srt", "vtt", "ass", "ttml", "microdvd"])
def test_what_pysubs2_writes_is_read_to_the_millisecond(kind: str) -> None:
    subtitles = pysubs2.SSAFile()
    at = 0
    for n in range(200):
        start = at + 40 + (n * 997) % 3961
        at = start + 200 + (n * 1009) % 3803
        subtitles.append(pysubs2.SSAEvent(start, at, f"line {n}\\Nmore & more"))
    text = subtitles.to_string(kind, **({"fps": 25.0} if kind == "microdvd" else {}))
    step = {"ass": 0.0051, "microdvd": 0.021}.get(kind, 0.0006)
    found = read_subtitles(text).cues
    assert [c.text for c in found] == [f"line {n}\nmore & more" for n in range(200)]
    for cue, event in zip(found, subtitles, strict=True):
        assert abs(cue.start - event.start / 1000) < step
        assert abs(cue.end - event.end / 1000) < step


@pytest.mark.parametrize(
    "text",
    [f"1\n{T}\n" + "--> " * 100_000, "<SAMI><SYNC Start=1>" + "<!--" * 100_000,
     TT + "><body><p>" + "<span begin='1s'>x" * 5_000,
     TT + ">" + "<head>" * 50_000 + "<body><p begin='1s'>x</p>",
     "[00:01]a\n" + "[00:01]" * 50_000, "{1}{2}a\n{1}" + "{1}" * 100_000,
     'WEBVTT\n\n' + "00:01.000 --> 00:02.000\n<v " * 10_000,
     f"WEBVTT\n\n{T}\n<v" + ".a" * 50_000, f"1\n{T}\n" + "&#1" * 50_000 + "1" * 9_000,
     f"1\n{T}\n" + "{" * 200_000, f"WEBVTT\n\n{T}\n" + "<" * 200_000,
     f"1\n{T}\n" + "yes\n" * 100_000 + f"\n{T}\n" + "yes\n" * 100_000 + "no",
     "<SAMI><SYNC Start=1>" + "<SYNC " * 50_000, "<SAMI><SYNC Start=1>" + "<P class " * 50_000,
     "<SAMI><SYNC Start=1><P" + " class=a" * 50_000,
     TT + "><body>" + "<p begin='1s' end='2s'>x<table><tr><td>" * 3_000],
)  # fmt: skip
def test_hostile_subtitles_are_read_in_time(text: str) -> None:
    began = time.process_time()
    assert all(len(w.text) <= 4000 for w in cue_windows(read_subtitles(text).cues))
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("end", "last"), [("\n3\n", "Kettle"), ("3\n", "Kettle\n3"), ("\n42\n", "Kettle\n42")]
)
def test_a_counter_without_a_cue_at_the_end_is_no_word(end: str, last: str) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nFerry\n\n2\n00:00:03,000 --> 00:00:04,000\nKettle\n"
    assert [c.text for c in read_subtitles(text + end).cues] == ["Ferry", last]


def test_lines_below_many_times_of_a_song_are_read_once_for_all_of_them() -> None:
    """Each line joined to the text of each time took minutes for a file of 1 MB."""
    text = "[00:01.00]" * 2_000 + "Oh\n" + "la la\n" * 20_000
    cues = read_subtitles(text, ".lrc").cues
    assert cues[0].text.startswith("Oh la la") and cues[0].text.count("la la") == 20_000


def test_hours_in_brackets_are_told_from_the_hundredths_of_songs() -> None:
    """By the numbers, and in a song's file by how fast the words would be said."""
    said = "[00:00:01] Ann: Good morning\n[00:01:02] Bob: The ferry leaves\n[01:02:03] Ann: Bye\n"
    assert [c.start for c in read_subtitles(said, ".txt").cues] == [1.0, 62.0, 3723.0]
    fast = said.replace(":02]", ":05]").replace("[00:01:0", "[00:00:0")
    assert [c.start for c in read_subtitles(fast, ".lrc").cues] == [1.0, 5.0, 3723.0]
    sung = "[00:12:30]Over the hills and far away\n[00:15:50]We sing\n[00:19:10]And go\n"
    assert [c.start for c in read_subtitles(sung, ".lrc").cues] == [12.3, 15.5, 19.1]
    plain = sung.replace(":50]", ":80]")
    assert [c.start for c in read_subtitles(plain, ".txt").cues] == [12.3, 15.8, 19.1]


@pytest.mark.parametrize("time", ["10:05", "10:05:01"])
def test_a_log_of_a_chat_is_no_song(time: str) -> None:
    log = f"[{time}] <ann> hi all\n[{time}] <bob> hello\n[10:07:30] <ann> bye\n"
    assert detect_format(log, ".txt") is None
    assert detect_format(log.replace("[10", "[00"), ".log") is None


def test_two_timecodes_with_frames_are_no_time_with_words() -> None:
    text = "00:00:01:12 , 00:00:03:10 , A ferry\n00:00:04:00 , 00:00:05:00 , leaves\n"
    cues = [(c.start, c.end, c.text) for c in read_subtitles(text, ".txt").cues]
    assert cues == [(1.48, 3.4, "A ferry"), (4.0, 5.0, "leaves")]


def test_preview_pictures_of_a_player_are_no_words() -> None:
    text = "WEBVTT\n\n" + "".join(
        f"00:00:0{n}.000 --> 00:00:0{n + 1}.000\nsprite.jpg#xywh={n},0,160,90\n\n" for n in range(3)
    )
    found = read_subtitles(text, ".vtt")
    assert not found.cues and "preview pictures" in found.warnings[0]


def test_marks_within_joined_files_are_no_words() -> None:
    one = b"\xef\xbb\xbf1\r\n00:00:01,000 --> 00:00:02,000\r\nOne\r\n\r\n"
    two = b"\xef\xbb\xbf2\r\n00:00:03,000 --> 00:00:04,000\r\nTwo\r\n"
    assert [c.text for c in read_bytes_of(one + two, ".srt").cues] == ["One", "Two"]


def test_a_song_that_is_set_by_syllables_is_read_by_its_lines() -> None:
    head = "[Script Info]\n[Events]\nFormat: Start, End, Effect, Text\n"
    song = "Comment: 0:00:01.00,0:00:03.00,karaoke,{\\k50}Over {\\k50}the {\\k50}hills\n"
    rest = "Comment: 0:00:00.00,0:00:09.00,template syl,{\\pos($x)}\n" + "".join(
        f"Dialogue: 0:00:0{n}.00,0:00:0{n}.50,fx,{{\\pos(1,1)}}{word}\n"
        for n, word in enumerate(("O", "ver", "the"), 1)
    )
    said = "Dialogue: 0:00:05.00,0:00:06.00,,Hello\n"
    assert read(head + song + rest + said) == [(1.0, 3.0, "Over the hills"), (5.0, 6.0, "Hello")]
    assert [text for _, _, text in read(head + rest + said)] == ["O", "ver", "the", "Hello"]


def test_a_text_that_speaks_of_webvtt_is_none() -> None:
    text = "WEBVTT is a format. Example:\n\n```\n00:00:01.000 --> 00:00:02.000\nHello\n```\n"
    assert detect_format(text, ".md") is None
    assert detect_format(text, ".vtt") == "vtt"
    assert detect_format("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n", ".md") == "vtt"
    assert detect_format("WEBVTTS are files\n", ".txt") is None


@pytest.mark.parametrize("first", ["00,00,01,000", "00;00;01;000", "00.00.01.000"])
def test_times_with_other_signs_and_without_an_end_are_read(first: str) -> None:
    text = f"1\n{first} --> {first.replace('1', '2')}\na\n\n2\n00:00:03,000 -->\nb\n\n"
    assert read(text, ".srt") == [(1.0, 2.0, "a"), (3.0, 5.0, "b")]
    found = read_subtitles(text + "3\n00:0x:05,000 --> 00:00:06,000\nc\n", ".srt")
    assert [c.text for c in found.cues] == ["a", "b"] and "1 cue has no readable" in found.warnings[
        0
    ]
