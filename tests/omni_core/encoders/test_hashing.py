from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from omni_core import encoders
from omni_core.settings import Settings
from omni_core.types import AudioContent, Channel, ImageContent, TextContent, VideoContent

COLOURS = {
    "red": (220, 20, 20),
    "green": (20, 180, 30),
    "blue": (20, 40, 220),
    "yellow": (240, 220, 20),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "grey": (128, 128, 128),
    "orange": (250, 140, 10),
    "brown": (120, 70, 20),
    "purple": (120, 20, 180),
    "pink": (250, 120, 190),
}


def flat(colour: tuple[int, int, int]) -> ImageContent:
    return ImageContent(np.full((40, 60, 3), colour, np.uint8))


@pytest.fixture
def encoder() -> Any:
    return encoders.load(Settings(encoder="hashing"))


def test_a_question_naming_a_colour_finds_the_image_of_that_colour(encoder: Any) -> None:
    images = np.stack(encoder.encode([flat(c) for c in COLOURS.values()]))
    questions = np.stack(
        encoder.encode_questions([TextContent(f"an image in {c}") for c in COLOURS])
    )
    assert list((questions @ images.T).argmax(1)) == list(range(len(COLOURS)))


def test_a_video_is_found_by_a_colour_that_only_one_of_its_frames_shows(encoder: Any) -> None:
    red, blue = (np.full((1, 24, 32, 3), COLOURS[c], np.uint8) for c in ("red", "blue"))
    video = VideoContent(np.concatenate([red, blue]), (0.0, 1.0), 1.0, keyframe=red[0])
    vector, other = encoder.encode([video, flat(COLOURS["green"])])
    (question,) = encoder.encode_questions([TextContent("blue")])
    assert question @ vector > 0.3 > question @ other


def test_equal_words_are_near_and_other_words_are_not(encoder: Any) -> None:
    near, far = encoder.encode(
        [TextContent("The meeting began at nine."), TextContent("Magma rises slowly.")]
    )
    (question,) = encoder.encode_questions([TextContent("when did the meeting begin at nine")])
    assert question @ near > 0.4 > 0.2 > question @ far


def test_vectors_are_unit_float32_and_the_same_in_every_process(encoder: Any) -> None:
    vector, empty = encoder.encode([TextContent("volcano"), TextContent("")])
    assert vector.dtype == np.float32
    assert vector.shape == (encoder.info.dim,)
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert np.linalg.norm(empty) == pytest.approx(1)
    assert "".join("+" if x > 0 else "-" for x in vector[:16]) == "--++-++-++-+--++"


def test_audio_has_no_vector_and_the_encoder_says_so(encoder: Any) -> None:
    assert encoder.encode([AudioContent(np.zeros(16_000, np.float32))]) == [None]
    assert Channel.SOUND not in encoder.info.channels


def test_describing_agrees_with_loading(encoder: Any) -> None:
    assert encoders.describe(Settings(encoder="hashing")) == encoder.info
