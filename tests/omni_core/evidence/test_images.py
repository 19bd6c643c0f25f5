from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from omni_core.engine.results import OpenRequest
from omni_core.errors import BadRequestError
from omni_core.evidence import images
from omni_core.types import Pixels

TOTAL = OpenRequest("").max_bytes


def noise(width: int, height: int) -> Pixels:
    """The worst image for JPEG."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def ramp(width: int, height: int, colour: tuple[int, int, int] = (255, 255, 255)) -> Pixels:
    across = np.linspace(0.2, 1, width)[None, :, None] * np.array(colour)
    return np.broadcast_to(across, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("edge", [384, 768, 1280])
@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (200, 100)])
def test_an_image_keeps_its_shape_and_never_grows(size: tuple[int, int], edge: int) -> None:
    shown = images.jpeg(ramp(*size), edge)
    assert max(shown.width, shown.height) == min(edge, *[max(size)])
    assert shown.width / shown.height == pytest.approx(size[0] / size[1], rel=0.01)
    with Image.open(io.BytesIO(shown.jpeg)) as image:
        assert (image.format, image.size) == ("JPEG", (shown.width, shown.height))


def test_the_worst_image_still_fits_its_bytes() -> None:
    shown = images.jpeg(noise(2000, 1500), 1280)
    assert len(shown.jpeg) <= images.IMAGE_BYTES


def test_images_share_the_budget_of_one_answer_and_say_when_they_shrank() -> None:
    raw = [(noise(1600, 1200), f"frame {i}") for i in range(4)]
    shown, note = images.fit(raw, 1280, total=TOTAL)
    assert sum(len(s.jpeg) for s in shown) <= TOTAL
    assert [s.caption for s in shown] == [c for _, c in raw]
    assert "4 of 4 images made smaller" in note
    assert images.fit([(ramp(800, 600), "one")], 768, total=TOTAL)[1] == ""
    assert images.fit([], 768, total=TOTAL) == ([], "")


def test_a_crop_is_the_part_asked_for() -> None:
    pixels = ramp(100, 50)
    pixels[10:20, 40:60] = (1, 2, 3)
    part = images.crop(pixels, (0.4, 0.2, 0.6, 0.4))
    assert part.shape == (10, 20, 3)
    assert (part == (1, 2, 3)).all()
    assert images.crop(pixels, (0, 0, 1, 1)).shape == pixels.shape
    assert images.crop(pixels, (0.999, 0.999, 1, 1)).shape == (1, 1, 3)


@pytest.mark.parametrize(
    "box", [(0, 0, 1), (0.5, 0, 0.5, 1), (0.6, 0, 0.5, 1), (-0.1, 0, 1, 1), (0, 0, 2, 1),
            (0, float("nan"), 1, 1)]
)  # fmt: skip
def test_an_impossible_crop_is_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(BadRequestError, match="crop"):
        images.crop(ramp(10, 10), box)


@pytest.mark.parametrize("count", [1, 2, 5, 9, 16])
@pytest.mark.parametrize("size", [(640, 360), (360, 640), (64, 64)])
def test_a_sheet_holds_every_frame_in_order_within_its_edge(
    count: int, size: tuple[int, int]
) -> None:
    reds = [40 + 12 * i for i in range(count)]
    frames = []
    for i, red in enumerate(reds):
        flat = np.zeros((size[1], size[0], 3), np.uint8)
        flat[..., 0], flat[..., 2] = red, 200
        frames.append((float(i), flat))
    board = images.sheet(frames, 768)
    assert max(board.shape[:2]) <= 768
    blue = (board[..., 2] == 200) & (board[..., 1] == 0)
    seen = list(dict.fromkeys(int(r) for r in board[..., 0][blue]))
    assert seen == reds


def test_the_time_burnt_into_a_frame_differs_with_the_second() -> None:
    flat = np.full((180, 320, 3), 128, np.uint8)
    first, second = images.sheet([(61.0, flat)]), images.sheet([(3661.0, flat)])
    corner = (slice(120, None), slice(0, 160))
    assert (first[corner] != second[corner]).any()
    assert (first[corner] == 255).any() and (first[corner] == 0).any()
    assert (first[:100] == second[:100]).all()


def test_a_sheet_of_nothing_is_refused() -> None:
    with pytest.raises(BadRequestError):
        images.sheet([])
