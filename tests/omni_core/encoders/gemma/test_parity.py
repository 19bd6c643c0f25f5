"""The encoder on ONNX Runtime equals the transformers implementation of the same weights, from
pixels and samples to the vector, in every modality."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omni_core.encoders.gemma import files
from omni_core.encoders.gemma.encoder import QUESTION_PROMPT, TEXT_PROMPT, GemmaEncoder
from omni_core.encoders.gemma.sound import log_mel
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Content,
    ImageContent,
    TextContent,
    VideoContent,
)

pytestmark = pytest.mark.omni
CLOSE = 0.9999
Make = Callable[..., GemmaEncoder]


class Reference:
    """Processor and model of transformers, one content at a time; pooled by hand."""

    def __init__(self, folder: Path, model: Any) -> None:
        import torch
        from transformers import AutoProcessor

        self.torch, self.model = torch, model
        self.processor = AutoProcessor.from_pretrained(folder)

    def vector(self, content: Content, prompt: str) -> Any:
        inputs = self.processor(**self._arguments(content, prompt), return_tensors="pt")
        with self.torch.no_grad():
            states = self.model(**inputs).last_hidden_state[0].numpy()
        mean = states.mean(0)
        return mean / np.linalg.norm(mean)

    def _arguments(self, content: Content, prompt: str) -> dict[str, Any]:
        if isinstance(content, TextContent):
            return {"text": [prompt + content.text]}
        if isinstance(content, ImageContent):
            return {"images": [Image.fromarray(content.pixels)]}
        if isinstance(content, AudioContent):
            return {"audio": [content.samples], "sampling_rate": SAMPLE_RATE}
        assert isinstance(content, VideoContent)
        frames = np.ascontiguousarray(content.frames.transpose(0, 3, 1, 2))
        return {"videos": [frames], "do_sample_frames": False}


@pytest.fixture(scope="module")
def reference(checkpoint: Path, plain: Any) -> Reference:
    return Reference(checkpoint, plain)


def test_evidence_of_every_kind_has_the_vector_of_transformers(
    gemma: Make, reference: Reference, media: dict[str, Content]
) -> None:
    contents = list(media.values())
    for (name, content), vector in zip(media.items(), gemma().encode(contents), strict=True):
        assert vector is not None
        assert vector @ reference.vector(content, TEXT_PROMPT) > CLOSE, name


def test_a_question_has_the_vector_of_its_own_prompt(gemma: Make, reference: Reference) -> None:
    question = TextContent("where does the fox sleep?")
    vector = gemma().encode_questions([question])[0]
    assert vector is not None
    assert vector @ reference.vector(question, QUESTION_PROMPT) > CLOSE


def test_texts_of_any_length_have_the_same_vectors_together_as_alone(gemma: Make) -> None:
    encoder = gemma()
    texts = [TextContent("fox " * n) for n in (1, 40, 3, 90, 17)]
    alone = [encoder.encode([t])[0] for t in texts]
    for a, b in zip(alone, encoder.encode(texts), strict=True):
        assert a is not None and b is not None
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("shape", [(30, 1200), (900, 12), (5, 5), (1080, 1920), (333, 77)])
def test_a_picture_of_any_shape_has_the_vector_of_transformers(
    gemma: Make, reference: Reference, shape: tuple[int, int]
) -> None:
    across = np.linspace(0, 255, shape[1])[None, :, None]
    down = np.linspace(0, 120, shape[0])[:, None, None]
    pixels = np.clip(across * [1, 0.5, 0.2] + down * [0, 0.7, 1], 0, 255).astype(np.uint8)
    vector = gemma().encode([ImageContent(pixels)])[0]
    assert vector is not None
    assert vector @ reference.vector(ImageContent(pixels), "") > CLOSE


@pytest.mark.parametrize("samples", [3200, 16001, 16127, 40000, 480000])
def test_sound_of_any_length_has_the_frames_and_vector_of_transformers(
    gemma: Make, reference: Reference, samples: int
) -> None:
    rng = np.random.default_rng(samples)
    tone = np.sin(np.arange(samples) / 11).astype(np.float32)
    heard = AudioContent((0.3 * tone + rng.normal(0, 0.05, samples)).astype(np.float32))
    expected = reference.processor.feature_extractor([heard.samples])
    energies, whole = log_mel(heard.samples)
    np.testing.assert_array_equal(whole, expected["input_features_mask"][0])
    np.testing.assert_allclose(energies, expected["input_features"][0], atol=2e-4)
    vector = gemma().encode([heard])[0]
    assert vector is not None
    assert vector @ reference.vector(heard, "") > CLOSE


def test_a_film_of_more_frames_than_the_model_takes_is_sampled_evenly(
    gemma: Make, reference: Reference
) -> None:
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 256, (40, 24, 36, 3), dtype=np.uint8)
    chosen = frames[np.linspace(0, 39, 32).astype(int)]
    long = VideoContent(frames, tuple(range(40)), 1.0, frames[0])
    kept = VideoContent(chosen, tuple(range(32)), 1.0, frames[0])
    vector = gemma().encode([long])[0]
    assert vector is not None
    assert vector @ reference.vector(kept, "") > CLOSE


def test_a_text_that_spells_the_marks_of_media_is_a_text(gemma: Make) -> None:
    spelt, other = gemma().encode([TextContent("<|image|> and <|audio|>"), TextContent("fox")])
    assert spelt is not None and other is not None
    assert np.isfinite(spelt).all() and spelt @ other < 0.9999


def test_a_cut_vector_is_the_beginning_of_the_whole_one(
    gemma: Make, media: dict[str, Content]
) -> None:
    content = [media["a page"]]
    whole, cut = gemma().encode(content)[0], gemma(256).encode(content)[0]
    assert whole is not None and cut is not None and cut.shape == (256,)
    np.testing.assert_allclose(cut, whole[:256] / np.linalg.norm(whole[:256]), atol=1e-6)


def test_graphs_with_8_bit_weights_beside_them_give_nearly_the_same_vectors(
    gemma: Make, folder: Path, tmp_path: Path, media: dict[str, Content]
) -> None:
    from bench import gemma_export

    small = tmp_path / files.NAME
    shutil.copytree(folder, small)
    for name in (files.TEXT_GRAPH, files.VISION_GRAPH, files.AUDIO_GRAPH):
        assert gemma_export.to_8_bit(small / name) > 5
    encoder = GemmaEncoder(small, gemma().info, threads=1)
    contents = list(media.values())
    for a, b in zip(gemma().encode(contents), encoder.encode(contents), strict=True):
        assert a is not None and b is not None
        assert a @ b > 0.98
