"""Clustering of voices, on synthetic ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from omni_core.readers import speaker_clusters
from omni_core.readers.speaker_clusters import NOBODY, cluster


def voice(
    people: int, windows: list[int], *, noise: float = 0.045, seed: int = 0
) -> NDArray[np.float32]:
    """Voices of the model's kind: without negative parts, windows of one person at about .8."""
    rng = np.random.default_rng(seed)
    means = np.abs(rng.normal(size=(people, 256))) * (rng.random((people, 256)) < 0.3)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    rows = np.maximum(0, means[windows] + rng.normal(0, noise, (len(windows), 256)))
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("f4")
    return unit


def labels(vectors: NDArray[np.float32], breaks: list[int], seconds: float = 0.8) -> list[int]:
    pauses = np.zeros(len(vectors), bool)
    pauses[[0, *breaks]] = True
    found = cluster(vectors, np.full(len(vectors), seconds, np.float32), pauses)
    return [int(label) for label in found]


@pytest.mark.parametrize("people", [1, 2, 3, 5])
def test_as_many_speakers_are_found_as_there_are(people: int) -> None:
    turns = [who for _ in range(3) for who in range(people)]
    windows = [who for who in turns for _ in range(8)]
    found = labels(voice(people, windows), [8 * i for i in range(1, len(turns))])
    assert found == windows  # the order of appearance is that of their numbers


def test_speakers_are_told_apart_without_a_pause_between_them() -> None:
    windows = [0] * 10 + [1] * 10 + [0] * 10
    assert labels(voice(2, windows), []) == windows


def test_the_first_who_speaks_is_the_first_speaker() -> None:
    windows = [1] * 8 + [0] * 8
    assert labels(voice(2, windows), [8]) == [0] * 8 + [1] * 8


def test_a_single_window_that_sounds_like_another_voice_does_not_flicker() -> None:
    windows = [0] * 10 + [1] * 10 + [0] * 10
    vectors = voice(2, windows)
    middle = vectors[4] + vectors[14]
    vectors[4] = middle / np.linalg.norm(middle)
    assert labels(vectors, [10, 20]) == windows


def test_who_is_heard_too_shortly_is_nobody() -> None:
    windows = [0] * 10 + [1] * 2 + [0] * 10
    found = labels(voice(2, windows), [10, 12])
    assert found[:10] == [0] * 10 and set(found[10:12]) == {NOBODY}


def test_windows_that_resemble_each_other_nowhere_are_nobody() -> None:
    rng = np.random.default_rng(1)
    rows = np.abs(rng.normal(size=(12, 256))) * (rng.random((12, 256)) < 0.1)
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    assert set(labels(vectors, list(range(1, 12)))) == {NOBODY}


def test_nothing_said_has_no_labels() -> None:
    nothing = np.zeros((0, 256), np.float32)
    assert cluster(nothing, np.zeros(0, np.float32), np.zeros(0, bool)).tolist() == []


def test_a_long_recording_is_clustered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker_clusters, "MAX_UNITS", 20)
    turns = [i % 3 for i in range(60)]
    windows = [who for who in turns for _ in range(5)]
    found = labels(voice(3, windows), [5 * i for i in range(1, 60)])
    assert found == windows
