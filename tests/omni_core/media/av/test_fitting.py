"""Subtitles whose clock is not that of the film are moved to it, or named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.media.av.fitting import fitted
from omni_core.media.av.sidecar import Transcript
from omni_core.media.text.cues import CueWindow
from omni_core.types import CutOptions, FileWarning, Segment, Source

CUE = "1\n{0}:00:01,000 --> {0}:00:03,000\nThe ferry.\n\n2\n{0}:00:08,000 --> {0}:00:09,000\nEnd.\n"


def made(*starts: float) -> Transcript:
    return Transcript([CueWindow(s, s + 2, "x", ((1, s + 1),)) for s in starts], "sidecar a.srt")


@pytest.mark.parametrize(
    ("starts", "seconds"), [((1, 50), 60.0), ((1, 63), 60.0), ((3601, 3700), None), ((), 60.0)]
)
def test_a_transcript_that_fits_stays_as_it_is(
    starts: Sequence[float], seconds: float | None
) -> None:
    assert fitted(made(*starts), seconds) == made(*starts)


@pytest.mark.parametrize(("first", "hours"), [(3601, 1), (36000, 10)])
def test_a_clock_that_begins_at_an_hour_is_counted_from_there(first: float, hours: int) -> None:
    found = fitted(made(first, first + 40), 60.0)
    at = first - 3600 * hours
    assert [(w.start, w.end) for w in found.windows] == [(at, at + 2), (at + 40, at + 42)]
    assert found.windows[0].beats == ((1, at + 1),)
    said = f"sidecar a.srt: its times begin at {hours}:00:00, and are counted from there"
    assert found.warnings == (said,)


@pytest.mark.parametrize(
    ("starts", "said"),
    [
        ((1, 5, 90), "1 of 3 passages come after"),
        ((3601, 9000), "all passages come"),
        ((90,), "all"),
    ],
)
def test_what_comes_after_the_end_is_named_and_kept(starts: Sequence[float], said: str) -> None:
    found = fitted(made(*starts), 60.0)
    assert found.windows == made(*starts).windows
    assert found.warnings[0].startswith(f"sidecar a.srt: {said}")


@pytest.fixture
def heard(tmp_path: Path, svc: Any) -> Any:
    """Write 12 s of silence with subtitle tracks in some languages; what is read of it."""

    def run(spoken: str, *languages: str, default: int | None = None) -> tuple[Any, list[str]]:
        path = tmp_path / "talk.mka"
        opened = []
        with av.open(str(path), "w", format="matroska") as c:
            sound = c.add_stream("flac", rate=16000, layout="mono")
            sound.metadata["language"] = spoken
            for n, name in enumerate(languages):
                text = tmp_path / f"{name}.vtt"
                text.write_text(f"WEBVTT\n\n00:01.000 --> 00:03.000\nin {name}\n")
                words = av.open(str(text))
                stream = c.add_stream_from_template(words.streams.subtitles[0])
                stream.metadata["language"] = name
                stream.disposition = int(n == default)
                opened.append((words, stream))
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000 * 12), np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = 16000, 0
            c.mux([*sound.encode(frame), *sound.encode()])
            for words, stream in opened:
                for packet in words.demux():
                    if packet.size:
                        packet.stream = stream
                        c.mux(packet)
                words.close()
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
        items = list(svc.decompose(str(path), source, CutOptions()))
        said = [i for i in items if isinstance(i, Segment) and i.channel == "speech"]
        return said, [i.message for i in items if isinstance(i, FileWarning)]

    return run


def test_a_sidecar_that_begins_at_an_hour_is_cited_on_the_clock_of_the_recording(
    heard: Any, tmp_path: Path
) -> None:
    (tmp_path / "talk.srt").write_text(CUE.format("01"))
    said, warned = heard("eng")
    assert [(s.span.start, s.span.end, s.text) for s in said] == [
        (1.0, 3.0, "The ferry."),
        (8.0, 9.0, "End."),
    ]
    assert [w.partition(":")[0] for w in warned] == ["sidecar talk.srt"]


def test_sidecars_of_two_languages_are_both_counted_from_their_hour(
    heard: Any, tmp_path: Path
) -> None:
    for code, hour in (("en", "01"), ("de", "10")):
        (tmp_path / f"talk.{code}.srt").write_text(CUE.format(hour))
    said, warned = heard("eng")
    assert [s.origin for s in said] == ["sidecar talk.en.srt"] * 2 + ["sidecar talk.de.srt"] * 2
    assert [s.span.start for s in said] == [1.0, 8.0] * 2
    assert len(warned) == 2


def test_of_tracks_without_a_default_the_one_in_the_language_of_the_sound_is_the_first(
    heard: Any,
) -> None:
    assert [s.text for s in heard("eng", "ger", "eng")[0] if not s.part] == ["in eng"]
    said, _ = heard("eng", "ger", "eng", default=0)
    assert [s.text for s in said if not s.part] == ["in ger"]
