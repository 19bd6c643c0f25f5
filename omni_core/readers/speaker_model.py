"""A voice as a vector: the GE2E speaker encoder that the Resemblyzer wheel carries.

Wan et al. 2018, "Generalized End-to-End Loss for Speaker Verification": 40 mel bands of 1.6 s go
through three LSTM layers of 256, then a linear layer and a ReLU; the vector has length 1, so that
the dot product of two is their cosine, 0 to 1. The weights run as a graph on ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from omni_core import weights
from omni_core.settings import Settings
from omni_core.types import SAMPLE_RATE, Samples
from omni_core.weights import onnx_sessions
from omni_core.weights.checkpoints import Weights, read_torch

if TYPE_CHECKING:
    import onnx

Vectors = NDArray[np.float32]
"""Voices: (windows, 256), each of length 1 and without negative parts."""

ROLE = "speakers"
DIM = 256
BANDS = 40
FRAME, HOP = 400, 160
"""Samples of a frame of the spectrogram, and from one to the next: 25 and 10 ms."""
WINDOW_FRAMES = 160
WINDOW_S = WINDOW_FRAMES * HOP / SAMPLE_RATE
"""The length of sound that a vector is of: 1.6 s."""
LAYERS = 3
LOUDNESS = 10 ** (-30 / 20)
"""Root mean square that softer speech is raised to, as in training: -30 dBFS."""
BATCH = 16
"""Windows of one run."""
BUILDER = "1"
"""Part of the cached graph's name: increase it when `build` changes."""


class SpeakerModel:
    """The loaded model."""

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """Raises UnavailableError where the weights are missing or not the pinned ones."""
        path = weights.find(ROLE, settings)
        name = f"speakers-{weights.payload(ROLE).files[0].sha256[:8]}-{BUILDER}"
        graph = onnx_sessions.cached(
            settings, name, lambda: build(read_torch(path, entry="model_state"))
        )
        return cls(onnx_sessions.Session(graph, settings.threads))

    def __init__(self, session: onnx_sessions.Session) -> None:
        self._session = session

    def __call__(self, samples: Samples, starts: Sequence[int]) -> Vectors:
        """A voice for each window of `WINDOW_S` that begins at one of these samples; windows may
        reach past the end, where silence is assumed."""
        mel = mel_spectrogram(louder(samples))
        first = [start // HOP for start in starts]
        longest = max(first, default=0) + WINDOW_FRAMES
        mel = np.pad(mel, ((0, max(0, longest - len(mel))), (0, 0)))
        windows = np.stack([mel[at : at + WINDOW_FRAMES] for at in first])
        parts = [
            self._session(["voices"], mel=windows[at : at + BATCH])[0]
            for at in range(0, len(windows), BATCH)
        ]
        return np.concatenate(parts)


def louder(samples: Samples) -> Samples:
    """The samples, amplified where they are softer than what the model was trained on."""
    rms = float(np.sqrt(np.mean(np.square(samples)))) if samples.size else 0.0
    return samples * (LOUDNESS / rms) if 0 < rms < LOUDNESS else samples


def mel_spectrogram(samples: Samples) -> NDArray[np.float32]:
    """(frames, 40): power in mel bands, without a logarithm, as librosa's `melspectrogram` gives
    it (Hann window, frames centred, Slaney's scale and normalisation)."""
    padded = np.pad(samples.astype(np.float32), FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME, dtype=np.float32) / FRAME)
    power = np.square(np.abs(np.fft.rfft(frames * hann, axis=1)))
    return (power @ _filters().T).astype(np.float32)


@cache
def _filters() -> NDArray[np.float32]:
    """(40, 201): triangular filters from 0 to 8000 Hz, each of area 1 (Slaney 1998)."""
    edges = _hertz(np.linspace(0.0, _mel(SAMPLE_RATE / 2), BANDS + 2))
    bins = np.linspace(0.0, SAMPLE_RATE / 2, FRAME // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    height = 2.0 / (edges[2:] - edges[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * height[:, None]).astype(np.float32)


def _mel(hertz: float) -> float:
    """Slaney's mel scale: linear below 1000 Hz, logarithmic above."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + np.log(hertz / 1000) * 27 / np.log(6.4)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def build(w: Weights) -> onnx.ModelProto:
    """The network as a graph: `mel` (windows, frames, 40) in, `voices` (windows, 256) out."""
    g = onnx_sessions.Graph()
    x = g.op("Transpose", "mel", perm=[1, 0, 2])
    last = ""
    for layer in range(LAYERS):
        inner = g.constant(f"inner{layer}", _gates(w[f"lstm.weight_ih_l{layer}"])[None])
        again = g.constant(f"again{layer}", _gates(w[f"lstm.weight_hh_l{layer}"])[None])
        biases = [_gates(w[f"lstm.bias_{kind}_l{layer}"]) for kind in ("ih", "hh")]
        bias = g.constant(f"bias{layer}", np.concatenate(biases)[None])
        every, last = f"every{layer}", f"last{layer}"
        size = w[f"lstm.weight_hh_l{layer}"].shape[1]
        g.node("LSTM", (x, inner, again, bias), (every, last), hidden_size=size)
        x = g.op("Squeeze", every, g.integers(1))
    hidden = g.op("Squeeze", last, g.integers(0))
    out = g.op("MatMul", hidden, g.constant("linear", w["linear.weight"].T))
    out = g.op("Relu", g.op("Add", out, g.constant("offset", w["linear.bias"])))
    length = g.op("ReduceL2", out, g.integers(1), keepdims=1)
    g.op("Div", out, g.op("Max", length, g.constant("least", 1e-6)), output="voices")
    mel = (np.float32, ("windows", "frames", BANDS))
    return g.model("GE2E", {"mel": mel}, {"voices": ("windows", len(w["linear.bias"]))})


def _gates(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """torch's order of an LSTM's gates (input, forget, cell, output) in that of ONNX (input,
    output, forget, cell)."""
    i, f, c, o = np.split(values, 4)
    return np.concatenate([i, o, f, c])
