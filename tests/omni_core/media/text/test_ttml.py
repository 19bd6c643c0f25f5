"""TTML has its times in clocks, frames and ticks, beside each other and in a row."""

from __future__ import annotations

from typing import Any

import pytest

from omni_core.media.text.cues import cue_windows
from omni_core.media.text.subtitle_formats import detect_format, read_subtitles

A, B = (1.0, 2.0, "a"), (3.0, 4.0, "b")
TT = '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"'


def read(text: str) -> list[tuple[float, float, str]]:
    return [(c.start, c.end, c.text.replace("\n", " / ")) for c in read_subtitles(text).cues]


@pytest.mark.parametrize(
    ("paragraphs", "cues"),
    [
        ('<p begin="00:00:01.000" end="00:00:02.000">a</p>', [A]),
        ('<p begin="1s" dur="1000ms">a</p>', [A]),
        ('<p begin="1.000" end="0:02.000"><span begin="1.000" end="1.5">a</span></p>', [A]),
        ('<p begin="00:00:01:05" end="50f">a</p>', [(1.2, 2.0, "a")]),
        ('<p begin="10000000t" end="20000000t">a</p>', [A]),
        ('<p begin="1s" end="2s"><span>a</span><br/>c &amp; d</p>', [(1.0, 2.0, "a / c & d")]),
        ('<p><span begin="1s" end="2s">a</span> <span begin="3s" end="4s">b</span></p>', [A, B]),
        ('<p begin="1s" end="2s">a & b < c</p>', [(1.0, 2.0, "a & b < c")]),
        ('<p begin="1s">a</p><p begin="2s" end="4s">b</p>', [A, (2.0, 4.0, "b")]),
        ('<p begin="1s" end="2s">a\n      c</p>', [(1.0, 2.0, "a c")]),
        ('<p begin="1s" end="2s"><metadata/>a</p><p begin="3s" end="4s"/>', [A]),
    ],
)
def test_ttml_times_of_every_kind(paragraphs: str, cues: list[Any]) -> None:
    start = f'{TT} ttp:frameRate="25" ttp:tickRate="10000000"'
    assert read(f"{start}><head><layout/></head><body><div>{paragraphs}</div></body></tt>") == cues


def test_ttml_in_a_row_is_timed_from_the_end_of_the_one_before() -> None:
    row = '<div timeContainer="seq">'
    text = (
        f'{TT}><body>{row}<p dur="2s">one</p><p dur="3s">two</p></div>'
        '<div><p begin="1s" end="2s">beside</p></div>'
        f'{row}<p dur="4s">again</p><p dur="1s">and on</p></div></body></tt>'
    )
    assert read(text) == [
        (0.0, 2.0, "one"), (0.0, 4.0, "again"), (1.0, 2.0, "beside"), (2.0, 5.0, "two"),
        (4.0, 5.0, "and on"),
    ]  # fmt: skip


def test_ttml_parts_in_a_row_begin_where_the_part_before_ends() -> None:
    part = '<div begin="1s"><p dur="2s">{}</p><p begin="1s" end="3s">{}</p></div>'
    text = f'{TT}><body timeContainer="seq">{part.format("a", "b")}<div><p dur="1s">c</p></div>'
    assert read(f"{text}</body></tt>") == [(1.0, 3.0, "a"), (2.0, 4.0, "b"), (4.0, 5.0, "c")]


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?>\n<!-- made by hand -->\n<tt:tt xmlns:tt="http://www.w3.org/ns/ttml">'
        '<tt:body begin="0.5s"><tt:div begin="0.5s"><tt:p begin="0s" end="1s">a</tt:p></tt:div>'
        "</tt:body></tt:tt>",
        '<tt xml:lang="en" xmlns="http://www.w3.org/2006/10/ttaf1"><body><div>'
        '<p begin="00:00:01.00" end="00:00:02.00">a</p></div></body></tt>',
        f'{TT} ttp:frameRate="24" ttp:frameRateMultiplier="1000 1001"><body><div>'
        '<p begin="00:00:01:00" end="00:00:02:00">a</p></div></body></tt>',
    ],
)
def test_ttml_under_other_names(text: str) -> None:
    assert detect_format(text) == "ttml"
    assert read(text) == [A]


def test_times_of_lyrics_count_from_the_beginning_though_their_verse_has_one() -> None:
    lines = '<p begin="{}" end="15s">a</p><p begin="{}" end="20s">b</p>'
    text = TT + '><body><div begin="10s" end="20s">{}</div></body></tt>'
    assert read(text.format(lines.format("10s", "15s"))) == [(10.0, 15.0, "a"), (15.0, 20.0, "b")]
    assert [at for at, _, _ in read(text.format(lines.format("0s", "5s")))] == [10.0, 15.0]


def test_ttml_speakers_and_languages_are_kept_apart() -> None:
    text = (
        f'{TT} xmlns:ttm="http://www.w3.org/ns/ttml#metadata"><head><metadata>'
        '<ttm:agent xml:id="r"><ttm:name>Roger</ttm:name></ttm:agent></metadata></head><body>'
        '<div xml:lang="en"><p ttm:agent="r" begin="1s" end="2s">one</p></div>'
        '<div xml:lang="fr"><p begin="1s" end="2s">un</p></div></body></tt>'
    )
    assert [w.text for w in cue_windows(read_subtitles(text).cues)] == ["Roger: one", "un"]


@pytest.mark.parametrize("rate", ['ttp:frameRate="0"', 'ttp:frameRate="."', 'ttp:tickRate=": "',
                                  'ttp:frameRateMultiplier="0 0"'])  # fmt: skip
def test_a_senseless_rate_costs_no_cue_that_does_without(rate: str) -> None:
    assert read(f'{TT} {rate}><body><p begin="1s" end="2s">a</p></body></tt>') == [A]


def test_words_of_a_podcast_that_stand_without_spaces_are_words() -> None:
    word = '<span podcasts:unit="word" begin="1.0" end="2.0">'
    text = (
        '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:podcasts="http://podcasts.apple.com/x">'
        '<body><div begin="0.5" end="9.0">'
        f'<p begin="1.0" end="4.0"><span podcasts:unit="sentence" begin="1" end="3">{word}Welcome'
        f'</span>{word}back.</span></span><span podcasts:unit="sentence">{word}Sit.</span></span>'
        "</p></div></body></tt>"
    )
    cues = [(c.start, c.end, c.text) for c in read_subtitles(text).cues]
    assert cues == [(1.0, 4.0, "Welcome back. Sit.")]
