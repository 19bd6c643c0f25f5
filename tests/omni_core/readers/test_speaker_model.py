"""The speaker encoder: its spectrogram, its graph, and its weights where they are."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from omni_core.errors import UnavailableError
from omni_core.readers.speaker_model import (
    BANDS,
    SpeakerModel,
    build,
    louder,
    mel_spectrogram,
)
from omni_core.settings import Settings

ROOT = Path(__file__).parents[3]


def sound(path: Path) -> NDArray[np.float32]:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=16000)
    with av.open(str(path)) as c:
        blocks = [r.to_ndarray()[0] for f in c.decode(audio=0) for r in resampler.resample(f)]
    return np.concatenate(blocks).astype(np.float32)


@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_a_tone_lies_in_the_band_of_its_pitch(hertz: float) -> None:
    samples = np.sin(2 * np.pi * hertz * np.arange(16000) / 16000).astype(np.float32)
    mel = mel_spectrogram(samples)
    assert mel.shape == (101, BANDS)
    scale = hertz * 3 / 200 if hertz < 1000 else 15 + np.log(hertz / 1000) * 27 / np.log(6.4)
    top = 15 + np.log(8) * 27 / np.log(6.4)
    assert abs(mel[50].argmax() + 1 - scale / top * (BANDS + 1)) <= 1


def test_soft_speech_is_amplified_and_loud_speech_is_left() -> None:
    soft, loud = np.full(100, 0.001, np.float32), np.full(100, 0.5, np.float32)
    assert np.allclose(louder(soft), 10**-1.5, rtol=1e-4)
    assert np.array_equal(louder(loud), loud)
    assert np.array_equal(louder(np.zeros(9, np.float32)), np.zeros(9, np.float32))


def lstm(w: dict[str, NDArray[np.float32]], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The network as torch defines it: gates in the order input, forget, cell, output."""

    def sigmoid(z: NDArray[np.float32]) -> NDArray[np.float32]:
        return (1 / (1 + np.exp(-z))).astype(np.float32)

    for layer in range(3):
        size = w[f"lstm.weight_hh_l{layer}"].shape[1]
        h, c, out = np.zeros(size), np.zeros(size), []
        for row in x:
            z = w[f"lstm.weight_ih_l{layer}"] @ row + w[f"lstm.bias_ih_l{layer}"]
            z = z + w[f"lstm.weight_hh_l{layer}"] @ h + w[f"lstm.bias_hh_l{layer}"]
            i, f, g, o = np.split(z, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            out.append(h)
        x = np.stack(out)
    end = np.maximum(0, w["linear.weight"] @ x[-1] + w["linear.bias"])
    voice: NDArray[np.float32] = (end / np.linalg.norm(end)).astype(np.float32)
    return voice


def test_the_graph_computes_what_the_network_does() -> None:
    rng = np.random.default_rng(0)
    size = 6
    w: dict[str, NDArray[np.float32]] = {}
    for layer in range(3):
        inputs = BANDS if layer == 0 else size
        shapes = {"weight_ih": (24, inputs), "weight_hh": (24, size)}
        shapes |= {"bias_ih": (24,), "bias_hh": (24,)}  # type: ignore[dict-item]
        for name, shape in shapes.items():
            w[f"lstm.{name}_l{layer}"] = rng.normal(size=shape).astype(np.float32)
    w["linear.weight"] = rng.normal(size=(5, size)).astype(np.float32)
    w["linear.bias"] = np.full(5, 0.5, np.float32)
    mel = rng.random((2, 7, BANDS)).astype(np.float32)
    session = onnxruntime.InferenceSession(build(w).SerializeToString())
    (found,) = session.run(["voices"], {"mel": mel})
    assert np.allclose(found, [lstm(w, one) for one in mel], atol=1e-5)


def test_without_the_weights_it_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path), weights_dir=str(tmp_path))
    with pytest.raises(UnavailableError, match="omni-mcp setup --speakers"):
        SpeakerModel.load(settings)


@pytest.fixture
def model(tmp_path: Path) -> SpeakerModel:
    folder = os.environ.get("OMNI_WEIGHTS_DIR", "")
    try:
        return SpeakerModel.load(Settings(store=str(tmp_path), weights_dir=folder, threads=1))
    except UnavailableError as e:
        pytest.skip(f"set OMNI_WEIGHTS_DIR to a folder with speakers/pretrained.pt: {e}")


def test_one_reader_resembles_herself_more_than_another_voice(model: SpeakerModel) -> None:
    library = ROOT / "samples" / "library"
    austen = "sense_and_sensibility_01_austen_64kb"
    clips = [
        library / "audio" / f"{austen}-0870.wav",
        library / "audio" / f"{austen}-0890.wav",
        library / "field-trip" / "message-es.ogg",
    ]
    voices = [model(sound(clip), [8000, 24000]).mean(0) for clip in clips]
    first, second, other = (v / np.linalg.norm(v) for v in voices)
    assert first @ second > 0.8
    assert first @ other < 0.7
