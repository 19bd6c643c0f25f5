"""What the reader of speakers keeps of a source: turns, and going on after an interruption."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from omni_core.readers.speaker_clusters import NOBODY
from omni_core.readers.speaker_model import BANDS, SpeakerModel, build
from omni_core.readers.speaker_session import SpeakerSession, pack, turns_of, unpack
from omni_core.readers.speakers import SpeakerReader, window_starts
from omni_core.settings import Settings
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Channel,
    Modality,
    Samples,
    Segment,
    Span,
    TextContent,
    Turn,
)
from omni_core.weights.onnx_sessions import Session

LIBRARY = Path(__file__).parents[3] / "samples" / "library"


Found = list[tuple[float, float, int]]


def turns(labels: list[int], gaps: dict[int, float] | None = None) -> Found:
    spans, at = [], 0.0
    for i in range(len(labels)):
        at += (gaps or {}).get(i, 0.0)
        spans.append((at, at + 1.0))
        at += 1.0
    found = turns_of(np.array(spans), np.array(labels))
    return [(t.start, t.end, t.speaker) for t in found]


def test_windows_of_one_speaker_are_one_turn() -> None:
    assert turns([0, 0, 1, 1, 0]) == [(0, 2, 0), (2, 4, 1), (4, 5, 0)]


def test_a_short_stretch_of_nobody_joins_the_speaker_around_it() -> None:
    assert turns([0, NOBODY, 0]) == [(0, 3, 0)]
    assert turns([0, NOBODY, 1]) == [(0, 1, 0), (2, 3, 1)]
    assert turns([0, NOBODY, NOBODY, NOBODY, 0]) == [(0, 1, 0), (4, 5, 0)]


def test_a_long_pause_ends_a_turn() -> None:
    assert turns([0, 0], {1: 1.0}) == [(0, 3, 0)]
    assert turns([0, 0], {1: 4.0}) == [(0, 1, 0), (5, 6, 0)]


@pytest.mark.parametrize("seconds", [0.4, 1.6, 1.7, 9.3])
def test_windows_cover_a_stretch_of_speech(seconds: float) -> None:
    samples = round(seconds * SAMPLE_RATE)
    starts = window_starts(samples)
    assert starts[0] == 0 and starts[-1] == max(0, samples - round(1.6 * SAMPLE_RATE))
    assert all(0 < b - a <= 0.8 * SAMPLE_RATE + 1 for a, b in pairwise(starts))


@pytest.fixture
def model(tmp_path: Path) -> SpeakerModel:
    """A small network without training: its voices mean nothing, but are always the same."""
    rng = np.random.default_rng(0)
    w: dict[str, NDArray[np.float32]] = {}
    for layer in range(3):
        inputs = BANDS if layer == 0 else 6
        for name, shape in (
            ("weight_ih", (24, inputs)), ("weight_hh", (24, 6)), ("bias_ih", (24,)),
            ("bias_hh", (24,)),
        ):  # fmt: skip
            w[f"lstm.{name}_l{layer}"] = rng.normal(size=shape).astype(np.float32)
    w["linear.weight"] = rng.normal(size=(256, 6)).astype(np.float32)
    w["linear.bias"] = np.zeros(256, np.float32)
    path = tmp_path / "speakers.onnx"
    path.write_bytes(build(w).SerializeToString())
    return SpeakerModel(Session(path, 1))


@pytest.fixture(scope="module")
def speech() -> Samples:
    found = []
    austen = "audio/sense_and_sensibility_01_austen_64kb-0870.wav"
    for name in (austen, "field-trip/message-es.ogg"):
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        with av.open(str(LIBRARY / name)) as c:
            found += [r.to_ndarray()[0] for f in c.decode(audio=0) for r in resampler.resample(f)]
        found.append(np.zeros(SAMPLE_RATE, np.float32))
    return np.concatenate(found).astype(np.float32)


def windows(samples: Samples, seconds: float, overlap_s: float = 0.5) -> list[Segment]:
    found = []
    size, overlap = round(seconds * SAMPLE_RATE), round(overlap_s * SAMPLE_RATE)
    for at in range(0, len(samples), size):
        first = max(0, at - overlap)
        audio = AudioContent(samples[first : at + size], (at - first) / SAMPLE_RATE)
        span = Span("second", at / SAMPLE_RATE, min(len(samples), at + size) / SAMPLE_RATE)
        found.append(Segment("src_a", Modality.AUDIO, Channel.SOUND, span, audio))
    return found


def words(start: float, end: float) -> Segment:
    span = Span("second", start, end)
    return Segment("src_a", Modality.AUDIO, Channel.SPEECH, span, TextContent("words"))


def test_an_interrupted_reading_finds_the_same_turns(model: SpeakerModel, speech: Samples) -> None:
    whole, state = SpeakerReader(model), b""
    length = len(speech) / SAMPLE_RATE
    for segment in windows(speech, 4.0):
        whole.read([segment])
        other = SpeakerReader(model)
        other.restore("src_a", state)
        other.read([segment])
        state = other.save("src_a")
    assert state == whole.save("src_a") != b""
    last = SpeakerReader(model)
    last.restore("src_a", state)
    for reader in (whole, last):
        reader.read([words(0.0, length)])
    found, again = whole.voices("src_a"), last.voices("src_a")
    assert found is not None and again is not None
    assert found.turns and found.turns == again.turns
    assert whole.save("src_a") == b""


def test_the_length_of_windows_does_not_matter(model: SpeakerModel, speech: Samples) -> None:
    ends = []
    for seconds in (3.0, 60.0):
        reader = SpeakerReader(model)
        reader.read(windows(speech, seconds))
        reader.read([words(0.0, 60.0)])
        voices = reader.voices("src_a")
        assert voices is not None
        ends.append((voices.turns[0].start, voices.turns[-1].end))
    assert np.allclose(ends[0], ends[1], atol=0.3)


def test_where_no_words_are_nobody_speaks(model: SpeakerModel, speech: Samples) -> None:
    reader = SpeakerReader(model)
    reader.read(windows(speech, 10.0))
    assert reader.voices("src_a") is None
    reader.read([*windows(speech, 10.0), words(0.0, 4.0)])
    voices = reader.voices("src_a")
    assert voices is not None and voices.turns[-1].end < 5


def test_sound_without_speech_has_no_voices(model: SpeakerModel) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(8 * SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    reader = SpeakerReader(model)
    reader.read([*windows(tone, 4.0), words(0.0, 8.0)])
    assert reader.voices("src_a") is None
    assert reader.voices("src_unknown") is None


def test_a_session_is_packed_and_unpacked() -> None:
    session = SpeakerSession(3.0, np.ones(10, np.float32), words=[(1.0, 2.0)])
    session.hear([(3.0, 3.8), (3.8, 4.6)], np.full((2, 256), 1 / 16, np.float32))
    again = unpack(pack(session))
    assert (again.at, again.spans, again.breaks) == (3.0, [(3.0, 3.8), (3.8, 4.6)], [True, False])
    assert again.words == [(1.0, 2.0)] and again.samples.tolist() == [1.0] * 10
    assert np.array_equal(np.stack(again.vectors), np.stack(session.vectors))
    assert again.voices() is None  # its words are elsewhere
    again.words.append((3.0, 4.6))
    assert again.voices() is None  # too short to be anybody


def test_it_is_off_or_missing_without_a_word(tmp_path: Path) -> None:
    off = Settings(store=str(tmp_path), speakers="off")
    assert SpeakerReader.describe(off).state == "off"
    assert SpeakerReader.load(off, {}) is None
    assert SpeakerReader.loss == ""  # no source gets a warning
    if (info := SpeakerReader.describe(Settings(store=str(tmp_path)))).state == "missing":
        assert "omni-mcp setup --speakers" in info.why
        assert SpeakerReader.load(Settings(store=str(tmp_path)), {}) is None


def test_turns_are_in_order_of_their_beginning() -> None:
    assert sorted([Turn(5, 6, 0), Turn(1, 2, 1)])[0].speaker == 1
