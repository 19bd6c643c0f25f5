"""Two channels that say something each are heard each by itself; others are heard as one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from omni_core.media.av.apart import Sides
from omni_core.types import ASIDE, AudioContent, Segment

RATE = 48000
Sound = NDArray[np.float32]
Write = Callable[..., Path]


def babble(seed: int, seconds: float = 16) -> Sound:
    """Noise that comes and goes as syllables do, of one speaker."""
    rng = np.random.default_rng(seed)
    syllables = rng.choice([0.001, 0.1, 0.3, 0.5], size=int(seconds * 6), p=[0.3, 0.2, 0.3, 0.2])
    loudness = np.repeat(syllables, RATE // 6)[: int(seconds * RATE)]
    made: Sound = (rng.normal(size=loudness.size) * loudness * 0.3).clip(-1, 1).astype(np.float32)
    return made


def sides(kind: str) -> tuple[Sound, Sound]:
    one, other = babble(1), babble(2)
    turns = (np.arange(one.size) // (3 * RATE) % 2).astype(np.float32)
    room = np.random.default_rng(3).normal(size=(2, one.size)).astype(np.float32) * 0.003
    return {
        "two languages": (one, other),
        "two languages, one of them quiet": (one, other * np.float32(0.1)),
        "one voice": (one, one * np.float32(0.6)),
        "one voice far from two microphones": (one + room[0], np.roll(one, 900) + room[1]),
        "one voice on one side": (one, np.zeros_like(one)),
        "a call in turns": (one * turns, other * (1 - turns)),
        "a call in turns, each heard on the other side": (
            one * turns + other * (1 - turns) * 0.1, other * (1 - turns) + one * turns * 0.1,
        ),
        "noise": (room[0] * 30, room[1] * 30),
    }[kind]  # fmt: skip


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def run(pair: tuple[Sound, Sound], suffix: str = ".wav", codec: str = "pcm_s16le") -> Path:
        path = tmp_path / f"talk{suffix}"
        with av.open(str(path), "w") as c:
            stream: Any = c.add_stream(codec, rate=RATE, layout="stereo")
            both = np.stack(pair)
            for at in range(0, both.shape[1] - 1023, 1024):
                block = np.ascontiguousarray(both[:, at : at + 1024])
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
                frame.sample_rate = RATE
                c.mux(stream.encode(frame))
            c.mux(stream.encode())
        return path

    return run


def heard(found: list[Segment], part: int) -> list[tuple[float, float, AudioContent]]:
    return [
        (s.span.start, s.span.end, s.content)
        for s in found
        if isinstance(s.content, AudioContent) and s.part == part
    ]


def loudness(audio: Sound, rate: int) -> Sound:
    step = rate // 10
    steps = audio.size // step
    found: Sound = np.square(audio[: steps * step].reshape(steps, step)).mean(axis=1) ** 0.5
    return found


@pytest.mark.parametrize("kind", ["two languages", "two languages, one of them quiet"])
@pytest.mark.parametrize(("suffix", "codec"), [(".wav", "pcm_s16le"), (".m4a", "aac")])
def test_each_of_two_channels_that_speak_at_once_is_heard(
    kind: str, suffix: str, codec: str, write: Write, cut: Any
) -> None:
    pair = sides(kind)
    found = cut(write(pair, suffix, codec))
    for part, side, other in ((0, *pair), (ASIDE, *pair[::-1])):
        ((start, end, audio),) = heard(found, part)
        assert start == 0
        assert end == pytest.approx(16, abs=0.1)
        got, true, false = (
            loudness(a, r)[:150] for a, r in ((audio.samples, 16000), (side, RATE), (other, RATE))
        )
        assert np.corrcoef(got, true)[0, 1] > 0.9
        assert abs(np.corrcoef(got, false)[0, 1]) < 0.4


@pytest.mark.parametrize(
    "kind",
    ["one voice", "one voice far from two microphones", "one voice on one side",
     "a call in turns", "a call in turns, each heard on the other side", "noise"],
)  # fmt: skip
def test_channels_that_belong_together_are_heard_as_one(kind: str, write: Write, cut: Any) -> None:
    found = cut(write(sides(kind)))
    assert len(heard(found, 0)) == 1
    assert heard(found, ASIDE) == []


@pytest.mark.parametrize("silent", [0, 1])
def test_a_channel_that_goes_on_alone_is_heard_to_its_end(
    silent: int, write: Write, cut: Any
) -> None:
    going, ending = babble(1, 90), babble(2, 90)
    ending[20 * RATE :] = 0
    found = cut(write((ending, going) if silent == 0 else (going, ending)))
    alone = heard(found, 0 if silent else ASIDE)
    samples = np.zeros(91 * 16000, np.float32)
    for start, _, audio in alone:
        at = round((start - audio.overlap_s) * 16000)
        samples[at : at + audio.samples.size] = audio.samples
    got, true = loudness(samples, 16000)[:890], loudness(going, RATE)[:890]
    assert np.corrcoef(got, true)[0, 1] > 0.9
    order = [s.span.start for s in found if isinstance(s.content, AudioContent)]
    assert all(b > a - 35 for a, b in itertools.pairwise(order))


def test_a_short_stretch_of_two_voices_comes_before_what_follows_it(write: Write, cut: Any) -> None:
    one, other = babble(1, 200), babble(2, 200)
    other[20 * RATE :] = one[20 * RATE :] * np.float32(0.7)
    found = [s for s in cut(write((one, other))) if isinstance(s.content, AudioContent)]
    ((number, aside),) = [(n, s) for n, s in enumerate(found) if s.part == ASIDE]
    assert aside.span.end == pytest.approx(20, abs=8)
    assert all(s.span.start < aside.span.end + 1 for s in found[:number])
    assert found[number + 1 :]


def test_what_is_opened_is_the_sound_of_both_channels(write: Write, svc: Any) -> None:
    left, right = sides("two languages")
    opened = svc.audio(str(write((left, right))), 2.0, 4.0)
    both = loudness((left + right)[2 * RATE : 4 * RATE] * np.float32(0.5), RATE)
    assert np.corrcoef(loudness(opened, 16000), both)[0, 1] > 0.95


def push(judge: Sides, left: Sound, right: Sound) -> None:
    judge.push(left, right, 1.0, RATE / 16, float(left @ right))


def test_channels_stay_apart_while_both_are_silent() -> None:
    judge = Sides()
    left, right = (side[::16] for side in sides("two languages"))
    silent = np.zeros(1500, np.float32)
    for at in range(0, left.size - 1500, 1500):
        push(judge, left[at : at + 1500], right[at : at + 1500])
    assert judge.are_apart()
    for _ in range(30):
        push(judge, silent, silent)
        assert judge.are_apart()
