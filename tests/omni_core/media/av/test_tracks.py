"""Several audio tracks: those of one language are heard together, the others are named."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.media.av.tracks import MAX_LAG_S, TrackMixer
from omni_core.types import SAMPLE_RATE, CutOptions, FileWarning, Segment, Source

Track = tuple[dict[str, str], Any]
"""Metadata of a track and its samples at 48 kHz."""


def write(path: Path, tracks: Sequence[Track], asides: Sequence[int] = ()) -> Path:
    with av.open(str(path), "w") as c:
        streams = []
        for n, (tags, _) in enumerate(tracks):
            stream = c.add_stream("pcm_s16le", rate=48000, layout="mono")
            stream.metadata.update(tags)
            if n in asides:
                stream.disposition = av.stream.Disposition.comment
            streams.append(stream)
        for at in range(0, max(len(x) for _, x in tracks), 4800):
            for stream, (_, samples) in zip(streams, tracks, strict=True):
                block = samples[at : at + 4800]
                if not len(block):
                    continue
                data = (block * 30000).astype(np.int16)[None]
                frame = av.AudioFrame.from_ndarray(data, format="s16", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 48000, at, Fraction(1, 48000)
                c.mux(stream.encode(frame))
    return path


def cut(path: Path, svc: Any) -> tuple[list[str], list[Any]]:
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, info.duration_s)
    items = list(svc.decompose(str(path), source, CutOptions()))
    warned = [i.message for i in items if isinstance(i, FileWarning)]
    return warned, [i for i in items if isinstance(i, Segment)]


def share(samples: Any, hz: float) -> float:
    """The amplitude of a tone in mono 16 kHz samples."""
    t = np.arange(len(samples)) / SAMPLE_RATE
    return float(abs(np.mean(samples * np.exp(-2j * np.pi * hz * t))) * 2)


@pytest.mark.parametrize("tags", [({}, {}), ({"title": "Desktop"}, {"title": "Mic/Aux"}),
                                  ({"language": "eng"}, {"language": "eng"})])  # fmt: skip
def test_tracks_of_one_language_are_heard_together(
    tags: tuple[dict[str, str], dict[str, str]], tmp_path: Path, tone: Any, svc: Any
) -> None:
    path = write(tmp_path / "a.mkv", [(tags[0], tone(6, hz=300)), (tags[1], tone(4, hz=700))])
    warned, (window,) = cut(path, svc)
    assert warned == []
    assert window.span.end == pytest.approx(6, abs=0.1)
    assert share(window.content.samples[: 3 * SAMPLE_RATE], 300) > 0.1
    assert share(window.content.samples[: 3 * SAMPLE_RATE], 700) > 0.1
    between = svc.audio(str(path), 1.0, 3.0)
    assert share(between, 300) > 0.1
    assert share(between, 700) > 0.1


def test_other_languages_and_commentary_are_named_and_not_mixed_in(
    tmp_path: Path, tone: Any, svc: Any
) -> None:
    tracks = [({"language": "eng"}, tone(4, hz=300)), ({"language": "ger"}, tone(4, hz=700)),
              ({"language": "eng", "title": "Director's commentary"}, tone(4, hz=900)),
              ({"language": "eng"}, tone(4, hz=1100))]  # fmt: skip
    warned, (window,) = cut(write(tmp_path / "a.mkv", tracks, asides=[3]), svc)
    (line,) = warned
    assert line == ("audio not heard: track 2 ger, track 3 Director's commentary eng, track 4 eng")
    assert share(window.content.samples, 300) > 0.3
    assert max(share(window.content.samples, hz) for hz in (700, 900, 1100)) < 0.01


@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_a_track_that_is_not_heard_may_be_longer(suffix: str, tmp_path: Path, svc: Any) -> None:
    def noise(seconds: int) -> Any:
        return np.random.default_rng(1).normal(0, 0.1, 48000 * seconds).astype(np.float32)

    tracks = [({"language": "eng"}, noise(4)), ({"language": "deu"}, noise(12))]
    warned, _ = cut(write(tmp_path / f"a{suffix}", tracks), svc)
    assert not any("breaks off" in line for line in warned)


def test_a_mixture_keeps_time_over_gaps_and_does_not_wait_for_a_track_that_ended() -> None:
    mixer = TrackMixer(2)
    second = np.ones(SAMPLE_RATE, np.float32)
    out = list(mixer.push(0, (0.0, second)))
    assert out == []
    out += mixer.push(1, (0.5, second))
    for n in range(1, 20):
        out += mixer.push(0, (None, second * 2))
        if n == 10:
            assert sum(len(x) for _, x in out) / SAMPLE_RATE <= 1.6
    out += mixer.push(0, (100.0, second))
    out += mixer.flush()
    whole = np.zeros(101 * SAMPLE_RATE, np.float32)
    at = 0.0
    for t, samples in out:
        assert t is not None
        assert t >= at - 1e-9
        at = t + len(samples) / SAMPLE_RATE
        whole[round(t * SAMPLE_RATE) : round(at * SAMPLE_RATE)] = samples
    expected = {0.2: 0.5, 0.7: 1.0, 1.2: 1.5, 1.7: 1.0, 19.5: 1.0, 50.0: 0.0, 100.5: 0.5}
    assert {t: float(whole[round(t * SAMPLE_RATE)]) for t in expected} == expected
    assert MAX_LAG_S < 18
