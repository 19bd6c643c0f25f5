"""How many frames a model is given, and how large: no torch needed but for the resize itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from omni_core.encoders.transformer.catalogue import known_models
from omni_core.encoders.transformer.frames import (
    at_least,
    fitted_size,
    frame_pixels,
    resized_video,
)
from omni_core.encoders.transformer.inputs import Inputs, processing_kwargs
from omni_core.types import VideoContent

QWEN3 = known_models()["qwen3-vl-embedding-2b"]
E5 = known_models()["e5-omni-7b"]


def video_of(frames: int, height: int = 40, width: int = 60) -> VideoContent:
    made = np.zeros((frames, height, width, 3), np.uint8)
    return VideoContent(made, tuple(map(float, range(frames))), 1.0, made[0])


@pytest.mark.parametrize(
    ("frames", "tokens"), [(2, 768), (20, 768), (21, 698), (40, 384), (64, 240), (400, 134)]
)
def test_a_frame_gets_its_share_of_the_video_within_the_limits_of_one_frame(
    frames: int, tokens: int
) -> None:
    low, high = frame_pixels(QWEN3, frames) or (0, 0)
    assert low == 128 * 1024
    assert high // 1024 == tokens
    assert frame_pixels(E5, frames) == E5.video_pixels


@pytest.mark.parametrize("shape", [(1080, 1920), (240, 320), (90, 1200), (31, 31), (666, 1184)])
def test_a_fitted_size_is_within_the_limits_and_has_nearly_the_same_shape(
    shape: tuple[int, int],
) -> None:
    rows, columns = fitted_size(*shape, (131_072, 786_432), 32)
    assert rows % 32 == columns % 32 == 0
    assert rows * columns <= 786_432
    assert rows * columns >= 131_072
    assert rows / columns == pytest.approx(shape[0] / shape[1], rel=0.35)


def test_a_short_clip_shows_its_frames_again_in_their_order() -> None:
    frames = np.arange(3, dtype=np.uint8)[:, None, None, None]
    assert at_least(frames, 4).ravel().tolist() == [0, 0, 1, 2]
    assert at_least(frames[:1], 4).ravel().tolist() == [0, 0, 0, 0]
    assert at_least(frames, 2) is frames


def test_bidirlm_is_never_given_fewer_than_four_frames() -> None:
    made = Inputs(known_models()["bidirlm-omni"], len, 12)
    for frames in (1, 2, 3, 5):
        (item,) = made.items(0, video_of(frames))
        assert len(item.value["video"]["array"]) == max(4, frames)
        assert item.value["video"]["video_metadata"]["total_num_frames"] == max(4, frames)


def test_frames_are_enlarged_and_shrunk_to_what_the_model_wants() -> None:
    pytest.importorskip("torchvision", exc_type=ImportError)
    for height, width in ((240, 320), (1080, 1920)):
        (item,) = Inputs(QWEN3, len, 12).items(0, video_of(4, height, width))
        fitted = resized_video(item.value["video"], QWEN3)
        _, _, rows, columns = fitted["array"].shape
        assert 131_072 <= rows * columns <= 786_432
        assert item.tokens == pytest.approx(2 * rows * columns / 1024, rel=0.15)
    (item,) = Inputs(E5, len, 12).items(0, video_of(4))
    assert resized_video(item.value["video"], E5) is item.value["video"]


def test_what_is_resized_here_is_not_resized_again_by_the_processor() -> None:
    (item,) = Inputs(QWEN3, len, 12).items(0, video_of(4))
    told = processing_kwargs(QWEN3, [item])["video"]
    assert told["do_resize"] is False and "size" not in told


def test_the_argument_that_is_announced_to_go_is_given_only_while_it_exists() -> None:
    for spec in (QWEN3, E5):
        (item,) = Inputs(spec, len, 12).items(0, video_of(4))
        assert "cap_pixels_per_frame" not in processing_kwargs(spec, [item])["video"]
        told = processing_kwargs(spec, [item], caps_frames=True)["video"]
        assert told["cap_pixels_per_frame"] is False


def test_a_limit_without_room_for_one_frame_still_gives_the_smallest() -> None:
    tight = replace(QWEN3, clip_pixels=1024)
    low, high = frame_pixels(tight, 64) or (0, 0)
    assert high == int(low * 1.05)
