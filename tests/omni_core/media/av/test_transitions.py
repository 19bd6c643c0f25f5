"""Soft transitions, and what looks like one: in both modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from omni_core.media.av.packets import GroupJudge, Plan

Frames = list[Any]


def _slow(scene: Any, speed: float) -> Any:
    return lambda i: scene(int(i * speed))


def _mixed(old: Any, new: Any, at: int, count: int) -> Frames:
    """`count` frames of a dissolve between two scenes that go on moving."""
    shares = (np.arange(count) + 1) / (count + 1)
    return [(old(at + i) * (1 - k) + new(i) * k).astype(np.uint8) for i, k in enumerate(shares)]


def _through(old: Any, new: Any, at: int, count: int, tone: int) -> Frames:
    """`count` frames of a fade through an even tone."""
    made = []
    for i in range(count):
        share = (i + 1) / (count + 1)
        light = abs(1 - 2 * share)
        frame = old(at + i) if share < 0.5 else new(i)
        made.append((frame * light + tone * (1 - light)).astype(np.uint8))
    return made


def _starts(shots: Sequence[Any]) -> list[float]:
    return [s.span.start for s in shots][1:]


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("fps", [10, 25, 50])
@pytest.mark.parametrize("seconds", [0.6, 1.0, 2.0])
def test_a_dissolve_is_a_cut_at_its_middle(
    seconds: float, fps: int, fast: bool, film: Any, cut: Any, tools: Any
) -> None:
    n = round(seconds * fps)
    a, b = (_slow(tools.scene(k), 8 / fps) for k in (4, 5))
    frames = [a(i) for i in range(2 * fps)] + _mixed(a, b, 2 * fps, n)
    frames += [b(n + i) for i in range(2 * fps)]
    (start,) = _starts(tools.shots(cut(film(frames, fps=fps), fast=fast)))
    assert start == pytest.approx(2 + seconds / 2, abs=0.25)


@pytest.mark.parametrize("fast", [False, True])
def test_a_short_soft_scene_is_kept_before_a_sharp_one_with_which_the_film_ends(
    fast: bool, film: Any, cut: Any, tools: Any
) -> None:
    grain = np.random.default_rng(5).integers(0, 60, (240, 320, 1)).astype(np.uint8)
    soft, sharp = _slow(tools.scene(30), 0.2), _slow(tools.scene(31), 0.2)
    frames = [soft(i) for i in range(35)] + [sharp(i) // 2 + grain for i in range(40)]
    shots = tools.shots(cut(film(frames), fast=fast))
    assert _starts(shots) == pytest.approx([1.4], abs=0.08)
    assert [s.span.start <= s.extra["key_time"] < s.span.end for s in shots] == [True, True]


@pytest.mark.parametrize("tone", [0, 255])
@pytest.mark.parametrize("seconds", [0.5, 1.6])
def test_a_fade_is_one_cut_where_the_picture_is_most_even(
    seconds: float, tone: int, film: Any, cut: Any, tools: Any
) -> None:
    a, b, n = _slow(tools.scene(8), 0.5), _slow(tools.scene(9), 0.5), round(seconds * 25)
    frames = [a(i) for i in range(40)] + _through(a, b, 40, n, tone)
    frames += [b(n + i) for i in range(40)]
    (start,) = _starts(tools.shots(cut(film(frames))))
    assert start == pytest.approx(1.6 + seconds / 2, abs=0.12)


def test_dissolves_between_scenes_of_a_second_and_a_half_are_all_found(
    film: Any, cut: Any, tools: Any
) -> None:
    frames: Frames = []
    for k in range(6):
        old, new = _slow(tools.scene(20 + k), 0.4), _slow(tools.scene(21 + k), 0.4)
        frames += [old(15 + i) for i in range(22)] + _mixed(old, new, 37, 15)
    frames += [new(15 + i) for i in range(40)]
    starts = _starts(tools.shots(cut(film(frames))))
    middles = [(37 * k + 22 + 7.5) / 25 for k in range(6)]
    assert len(starts) == 6
    assert starts == pytest.approx(middles, abs=0.25)


def test_light_that_changes_and_flashes_in_a_row_are_no_cuts(
    film: Any, cut: Any, tools: Any
) -> None:
    scene = tools.scene(30)
    frames = [scene(i // 2) for i in range(150)]
    for i in range(75, 150):
        frames[i] = (frames[i] * 0.55).astype(np.uint8)  # a lamp goes out
    for i in (30, 36, 37, 43):
        frames[i] = np.full_like(frames[i], 240)
    assert _starts(tools.shots(cut(film(frames)))) == []


def test_a_flash_in_a_pale_scene_after_a_rich_one_is_no_fade(
    film: Any, cut: Any, tools: Any
) -> None:
    rich, made, other = (tools.scene(k) for k in (31, 32, 34))
    pale = [(200 + (made(i // 2).astype(int) - 128) // 6).astype(np.uint8) for i in range(56)]
    pale[28] = np.full_like(pale[28], 255)
    frames = [rich(i // 2) for i in range(50)] + pale + [other(i // 2) for i in range(50)]
    starts = _starts(tools.shots(cut(film(frames))))
    assert starts == pytest.approx([2.0, 4.24], abs=0.1)


def test_what_moves_before_a_still_picture_is_no_cut_in_fast_mode(
    film: Any, cut: Any, tools: Any
) -> None:
    rng = np.random.default_rng(6)
    still = np.kron(rng.integers(40, 200, (90, 160, 3)), np.ones((2, 2, 1))).astype(np.uint8)
    frames = []
    for i in range(150):
        frame = still.copy()
        frame[60:120, i : i + 60] = 230
        frames.append(frame)
    options = {"g": "30", "sc_threshold": "0"}
    assert _starts(tools.shots(cut(film(frames, options=options), fast=True))) == []


def test_a_pan_is_no_dissolve(film: Any, cut: Any, tools: Any) -> None:
    rng = np.random.default_rng(5)
    wide = np.kron(rng.integers(0, 255, (30, 160, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    frames = [np.ascontiguousarray(wide[:, 6 * i : 6 * i + 320]) for i in range(150)]
    assert _starts(tools.shots(cut(film(frames)))) == []


def test_fast_mode_finds_cuts_between_keyframes(film: Any, cut: Any, tools: Any) -> None:
    frames = [tools.scene(n)(i) for n in (1, 2, 3, 4) for i in range(65)]
    options = {"g": "50", "sc_threshold": "0", "bf": "2"}
    starts = _starts(tools.shots(cut(film(frames, options=options), fast=True)))
    assert starts == pytest.approx([2.6, 5.2, 7.8], abs=0.13)


def test_sizes_of_packets_place_a_cut_without_decoding() -> None:
    judge = GroupJudge()
    for _ in range(5):
        judge.note(2.0)
    flat = [(i / 25, 300) for i in range(1, 50)]
    quiet = [(t, 80) for t, _ in flat]
    spike = [(t, 9000 if t == 1.0 else n) for t, n in flat]
    bump = [(t, 2500 if 0.6 < t < 1.0 else n) for t, n in flat]
    key = (0.0, 10_000)

    def plan(sizes: Any, end: float) -> Plan:
        return judge.plan([s for s in sizes if s[0] < end], key, (end, 10_000), reordered=False)

    assert plan(spike, 2.0) == Plan(None, (1.0,))
    assert plan(flat, 2.0).until == 2.0
    assert plan(flat, 1.44) == Plan(None, (1.44,))
    assert plan(quiet, 2.0) == Plan(None, (2.0,))
    found = plan(bump, 2.0)
    assert found.until is not None
    assert 1.0 < found.until <= 2.0
    assert found.guess[0] == pytest.approx(0.8, abs=0.1)
