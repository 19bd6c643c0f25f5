"""One scene seen by a camera that moves, and other scenes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from omni_core.media.av.luma import FrameFeatures, features_of_thumbnails
from omni_core.media.av.packets import GroupJudge
from omni_core.media.av.panning import alike_when_moved


def _seen(x: int, y: int, number: int = 0) -> FrameFeatures:
    rng = np.random.default_rng(number)
    wide = np.kron(rng.integers(0, 255, (40, 60)), np.ones((2, 2))).astype(np.uint8)
    return features_of_thumbnails(wide[None, y : y + 36, x : x + 64])[0]


@pytest.mark.parametrize("moved", [(0, 0), (20, 4), (4, 14), (30, 0)])
def test_a_scene_is_known_again_after_a_pan(moved: tuple[int, int]) -> None:
    assert alike_when_moved(_seen(0, 0), _seen(*moved)) > 0.95


def test_other_scenes_are_not_alike_however_they_are_laid_over_each_other() -> None:
    assert alike_when_moved(_seen(0, 0), _seen(0, 0, number=1)) < 0.4


def test_even_pictures_are_not_alike() -> None:
    (grey,) = features_of_thumbnails(np.full((1, 36, 64), 90, np.uint8))
    assert alike_when_moved(grey, _seen(0, 0)) < 0.4


def test_an_i_frame_within_a_group_that_is_due_is_no_new_picture() -> None:
    judge = GroupJudge()
    for _ in range(5):
        judge.note(0.8)
    sizes = [(i / 25, 9000 if i == 20 else 300) for i in range(1, 40)]
    ends: Any = {"start": (0.0, 10_000), "end": (1.6, 10_000), "reordered": False}
    assert judge.plan(sizes, **ends).cuts == (0.8,)
    assert judge.plan(sizes, inner=[0.8], **ends).cuts == ()
