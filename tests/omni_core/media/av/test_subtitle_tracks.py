"""Of the subtitle tracks in a film the fullest of each language is read, the others are named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import pytest

from omni_core.types import Channel, CutOptions, FileWarning, Segment, Source

Track = tuple[dict[str, str], Sequence[tuple[float, str]]]
"""Tags of a track, and the seconds and words of its cues."""
WHOLE = [(second, f"Line {second}.") for second in range(1, 8)]
Muxed = Callable[..., Path]


@pytest.fixture
def muxed(film: Any, tools: Any, tmp_path: Path) -> Muxed:
    """Write a film of 10 s with subtitle tracks; the first is the default one."""
    bare = film([tools.barcode(n) for n in range(50)], fps=5, suffix=".mkv")

    def make(*tracks: Track, kind: str = ".srt", head: str = "", pictures: bool = False) -> Path:
        path = tmp_path / "boat.mkv"
        with av.open(str(bare)) as source, av.open(str(path), "w") as c:
            packets = [p for p in source.demux(source.streams.video[0]) if p.size]
            out = c.add_stream_from_template(source.streams.video[0])
            opened = []
            for n, (tags, cues) in enumerate(tracks):
                text = tmp_path / f"{n}{kind}"
                point = "," if kind == ".srt" else "."
                times = "1\n00:00:{:02.0f}" + point + "000 --> 00:00:{:02.0f}" + point + "000\n{}\n"
                lines = (times.format(t, t + 1, said) for t, said in cues)
                text.write_text(head + "\n".join(lines))
                words = av.open(str(text))
                stream = c.add_stream_from_template(words.streams.subtitles[0])
                stream.disposition = 0 if n else 1
                stream.metadata.update(tags)
                opened.append((words, stream))
            if pictures:
                c.add_stream("dvdsub").metadata["language"] = "deu"
            for packet in packets:
                packet.stream = out
                c.mux(packet)
            for words, stream in opened:
                for packet in words.demux():
                    if packet.size:
                        packet.stream = stream
                        c.mux(packet)
                words.close()
        for text in tmp_path.glob(f"*{kind}"):
            text.unlink()
        return path

    return make


@pytest.fixture
def seen(svc: Any) -> Callable[[Path], tuple[list[Segment], list[str]]]:
    """The spoken segments of a film, and its warnings."""

    def run(path: Path) -> tuple[list[Segment], list[str]]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
        items = list(svc.decompose(str(path), source, CutOptions()))
        said = [i for i in items if isinstance(i, Segment) and i.channel is Channel.SPEECH]
        return said, [i.message for i in items if isinstance(i, FileWarning)]

    return run


def test_the_tracks_of_a_film_that_are_not_read_are_named(muxed: Muxed, seen: Any) -> None:
    said, warned = seen(
        muxed(
            ({"language": "eng"}, WHOLE),
            ({"language": "fra", "title": "Sourds"}, WHOLE),
            ({}, WHOLE),
        )
    )
    assert {s.origin for s in said} == {"subtitle track eng", "subtitle track fra"}
    assert warned == ["subtitles not read: track 3"]


def test_each_language_has_segments_of_its_own_at_one_time(muxed: Muxed, seen: Any) -> None:
    tracks = [({"language": code}, [(3, f"Line {code}.")]) for code in ("eng", "fra", "deu", "ita")]
    said, warned = seen(muxed(*tracks))
    assert [s.text for s in said] == ["Line eng.", "Line fra.", "Line deu.", "Line ita."]
    assert len({s.id for s in said}) == 4
    assert not warned


def test_a_fifth_language_signs_and_a_second_track_of_one_language_are_named(
    muxed: Muxed, seen: Any
) -> None:
    codes = ("eng", "fra", "deu", "ita", "spa", "fra")
    tracks = [({"language": code}, WHOLE) for code in codes]
    said, warned = seen(muxed(*tracks, ({"language": "por", "title": "Signs"}, WHOLE)))
    assert len({s.origin for s in said}) == 4
    assert warned == ["subtitles not read: track 5 spa, track 6 fra, track 7 Signs por"]


def test_a_track_of_pictures_of_words_is_named(muxed: Muxed, seen: Any) -> None:
    said, warned = seen(muxed(({"language": "eng"}, WHOLE), pictures=True))
    assert said and warned == ["subtitles not read: track 2 deu (pictures)"]
    said, warned = seen(muxed(pictures=True))
    assert not said and warned == ["subtitles not read: track 1 deu (pictures)"]


def test_a_film_with_one_track_has_nothing_to_name(muxed: Muxed, seen: Any) -> None:
    said, warned = seen(muxed(({"language": "eng"}, WHOLE)))
    assert said and not warned


def test_tracks_are_named_beside_a_sidecar_too(muxed: Muxed, seen: Any) -> None:
    path = muxed(({"language": "eng"}, WHOLE))
    path.with_suffix(".srt").write_text("00:00:01,000 --> 00:00:02,000\nBeside.\n")
    said, warned = seen(path)
    assert [s.text for s in said] == ["Beside."]
    assert warned == ["subtitles not read: track 1 eng"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (({"language": "eng"}, WHOLE[:1]), ({"language": "eng"}, WHOLE)),
        (({"NUMBER_OF_FRAMES": "9"}, WHOLE), ({"NUMBER_OF_FRAMES": "1200"}, WHOLE)),
        (({"NUMBER_OF_BYTES-eng": "90"}, WHOLE), ({"NUMBER_OF_BYTES": "9000"}, WHOLE)),
        (({"title": "Signs & Songs"}, WHOLE), ({}, WHOLE[:1])),
    ],
    ids=["by its end", "by its cues", "by its bytes", "by its title"],
)
def test_the_track_that_holds_most_is_read_though_another_is_the_default(
    first: Track, second: Track, muxed: Muxed, seen: Any
) -> None:
    said, warned = seen(muxed(first, second))
    assert len(" ".join(s.text for s in said).split(".")) - 1 == len(second[1])
    assert len(warned) == 1 and "track 1" in warned[0]


def test_of_two_whole_tracks_the_default_one_is_read(muxed: Muxed, seen: Any) -> None:
    tracks = [({"NUMBER_OF_FRAMES": n, "title": n}, WHOLE) for n in ("1100", "1300")]
    assert seen(muxed(*tracks))[1] == ["subtitles not read: track 2 1300"]


def test_the_speakers_of_webvtt_in_a_film_are_named(muxed: Muxed, seen: Any) -> None:
    cues = [(1, "<v Mary>To the <i>boats</i>!"), (3, "<v.loud Roger Bing>Which 2 &lt; 3?")]
    said, _ = seen(muxed(({}, cues), kind=".vtt", head="WEBVTT\n\n"))
    assert [s.text for s in said] == ["Mary: To the boats! Roger Bing: Which 2 < 3?"]


def test_a_long_cue_in_a_film_keeps_its_words(muxed: Muxed, seen: Any) -> None:
    words = " ".join(f"word{n}" for n in range(2_000))
    said, _ = seen(muxed(({}, [(1, words.replace("00 ", "00\n"))])))  # FFmpeg cuts long lines
    assert " ".join(s.text for s in said) == words
    assert {(s.span.start, s.span.end) for s in said} == {(1.0, 2.0)}
