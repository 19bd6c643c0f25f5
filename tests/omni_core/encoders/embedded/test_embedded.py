from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from omni_core import encoders
from omni_core.encoders.embedded.label_space import LabelSpace
from omni_core.settings import Settings
from omni_core.types import (
    AudioContent,
    Channel,
    ImageContent,
    Samples,
    TextContent,
    VideoContent,
)
from omni_core.weights import cache

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(store=str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def encoder(settings: Settings) -> Any:
    return encoders.load(settings)


def flat(*colour: int) -> ImageContent:
    return ImageContent(np.full((180, 320, 3), colour, np.uint8))


def clock() -> ImageContent:
    """A drawn wall clock: a class of its own, recognisable without any photograph."""
    image = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 40, 360, 360), outline="black", width=14)
    for hour in range(12):
        a = hour * np.pi / 6
        draw.text(
            (200 + 130 * np.sin(a), 200 - 130 * np.cos(a)),
            str(hour or 12),
            "black",
            anchor="mm",
            font_size=34,
        )
    draw.line((200, 200, 200, 90), fill="black", width=10)
    draw.line((200, 200, 280, 240), fill="black", width=12)
    return ImageContent(np.asarray(image))


def test_words_are_found_by_meaning_not_by_letters(encoder: Any) -> None:
    texts = [
        "The physician prescribed antibiotics for the infection.",
        "Quarterly revenue grew by fourteen percent.",
        "Magma rises through cracks in the crust.",
    ]
    evidence = np.stack(encoder.encode([TextContent(t) for t in texts]))
    questions = ["medicine given by a doctor", "how much did sales increase", "why volcanoes erupt"]
    asked = np.stack(encoder.encode_questions([TextContent(q) for q in questions]))
    assert (asked @ evidence.T).argmax(1).tolist() == [0, 1, 2]


def test_a_vector_does_not_depend_on_its_batch(encoder: Any) -> None:
    alone = encoder.encode([TextContent("a short one")])[0]
    texts = [TextContent("a short one"), TextContent("a much longer text " * 60), TextContent("")]
    assert np.allclose(encoder.encode(texts)[0], alone, atol=1e-6)


def test_an_image_is_found_by_what_it_shows(encoder: Any) -> None:
    images = np.stack(encoder.encode([clock(), flat(30, 60, 220), flat(10, 10, 10)]))
    (question,) = encoder.encode_questions([TextContent("a clock on the wall")])
    assert (images @ question).argmax() == 0
    assert "clock" in encoder.caption([clock()])[0]


def test_an_image_is_found_by_its_colour(encoder: Any) -> None:
    colours = {"blue": (30, 60, 220), "red": (220, 30, 30), "green": (30, 160, 40)}
    images = np.stack(encoder.encode([flat(*c) for c in colours.values()]))
    questions = np.stack(encoder.encode_questions([TextContent(f"something {c}") for c in colours]))
    assert (questions @ images.T).argmax(1).tolist() == [0, 1, 2]


def test_an_image_as_a_question_finds_itself(encoder: Any) -> None:
    evidence = np.stack(encoder.encode([flat(30, 60, 220), clock(), flat(220, 30, 30)]))
    (question,) = encoder.encode_questions([clock()])
    assert (evidence @ question).argmax() == 1


def test_contents_of_all_kinds_keep_their_order(encoder: Any) -> None:
    video = VideoContent(np.stack([clock().pixels] * 2), (0.0, 2.0), 0.5, keyframe=clock().pixels)
    audio = AudioContent(np.zeros(16_000, np.float32))
    contents = [audio, clock(), TextContent("a clock"), video, TextContent("volcano")]
    vectors = encoder.encode(contents)
    assert vectors[0] is None
    for content, vector in zip(contents[1:], vectors[1:], strict=True):
        assert vector.shape == (encoder.info.dim,)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        assert np.allclose(encoder.encode([content])[0], vector, atol=1e-5)
    assert vectors[1] @ vectors[2] > vectors[1] @ vectors[4]
    assert Channel.SOUND not in encoder.info.channels


def test_a_video_of_unlike_frames_has_a_vector_for_each_look(encoder: Any) -> None:
    blue = np.asarray(Image.fromarray(flat(30, 60, 220).pixels).resize((400, 400)))
    video = VideoContent(np.stack([clock().pixels, blue]), (0.0, 1.0), 1.0, keyframe=blue)
    still = VideoContent(np.stack([blue, blue]), (0.0, 1.0), 1.0, keyframe=blue)
    looks, *none = encoder.encode_additional(
        [video, still, AudioContent(np.zeros(8, np.float32)), TextContent("clock")]
    )
    assert 1 <= len(looks) <= 3
    for image in encoder.encode([clock(), ImageContent(blue)]):
        assert max(v @ image for v in (*encoder.encode([video]), *looks)) > 0.8
    assert none == [[], [], []]


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (3000, 7), (224, 224)])
def test_an_image_of_any_shape_has_a_vector(encoder: Any, size: tuple[int, int]) -> None:
    (vector,) = encoder.encode([ImageContent(np.zeros((*size, 3), np.uint8))])
    assert np.isfinite(vector).all()


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\x00\x07", "🙂" * 900, "[MASK] [PAD]" * 99, "word " * 9000]
)
def test_any_text_has_a_vector(encoder: Any, text: str) -> None:
    (vector,) = encoder.encode([TextContent(text)])
    assert np.isfinite(vector).all()


def test_nothing_in_nothing_out(encoder: Any) -> None:
    assert encoder.encode([]) == []
    assert encoder.encode_questions([]) == []
    assert encoder.encode_additional([]) == []


def test_describing_agrees_with_loading_and_loads_no_runtime(
    encoder: Any, settings: Settings
) -> None:
    assert encoders.describe(settings) == encoder.info
    code = (
        "import sys; from omni_core import encoders; from omni_core.settings import Settings\n"
        "encoders.describe(Settings())\n"
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'tokenizers') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert out.stdout.strip() == "[]", out.stderr


def test_a_second_load_reads_the_caches(settings: Settings, encoder: Any) -> None:
    folder = cache.folder(settings)
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    again: Any = encoders.load(settings)
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()} == before
    assert np.array_equal(again.encode([clock()])[0], encoder.encode([clock()])[0])


def test_an_image_is_looked_at_once_while_it_lives_and_then_forgotten(
    encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    classify = encoder._classify

    def counting(images: Any) -> Any:
        looks.append(len(images))
        return classify(images)

    monkeypatch.setattr(encoder, "_classify", counting)
    image, other = clock(), flat(200, 20, 20)
    video = VideoContent(np.stack([other.pixels] * 2), (0.0, 1.0), 1.0, keyframe=image.pixels)
    encoder.encode([image, video, other])
    once = len(looks)
    encoder.caption([image, video, other])
    encoder.encode_additional([image, video, other])
    assert len(looks) == once == 5
    del image, video, other
    assert encoder._known == {}


def test_the_shipped_label_vectors_are_of_the_current_texts_and_weights(encoder: Any) -> None:
    labels = encoder._label_space
    shipped = labels._shipped()
    assert shipped is not None, "run scripts/make_label_vectors.py"
    assert shipped.shape == (len(labels.texts), encoder.info.dim)
    some = slice(None, None, 40)
    fresh = np.stack(encoder.encode([TextContent(t) for t in labels.texts[some]]))
    assert (fresh * shipped[some]).sum(1).min() > 0.9999


def test_label_vectors_of_other_weights_are_made_once_and_kept(
    tmp_path: Path, encoder: Any
) -> None:
    class Text896:
        revision = "other"
        runs = 0

        def __call__(self, texts: list[str], *, known_english: bool) -> Samples:
            Text896.runs += 1
            return np.random.default_rng(0).normal(size=(len(texts), 896)).astype(np.float32)

    settings = Settings(store=str(tmp_path))
    seen = encoder._look(clock()).observations[0]
    text: Any = Text896()
    first, second = (LabelSpace(text, settings).embed(seen) for _ in range(2))
    assert np.array_equal(first, second)
    assert Text896.runs == 1
