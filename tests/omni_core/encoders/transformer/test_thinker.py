"""The Qwen2.5-Omni Thinker (e5-omni, LCO, Nemotron) equals a plain transformers computation.

The expected vectors are computed here item by item: the template as a string, the marks repeated
by hand, audio padded to the extractor's full length, no padding, last token or mean by indexing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from omni_core.encoders.transformer.encoder import TransformerEncoder
from omni_core.settings import Settings
from omni_core.types import AudioContent, Channel, Content, ImageContent, TextContent, VideoContent

pytestmark = pytest.mark.omni
EXACT = 1e-5
PIXELS = {"shortest_edge": 3136, "longest_edge": 12544}
ROW = {"dim": 32, "video_pixels": [3136, 12544], "image_pixels": [3136, 12544], "memory_gb": 0}


class ByHand:
    """The same model through transformers alone."""

    def __init__(self, folder: Path, *, mean: bool = False, both_ways: bool = False) -> None:
        import torch
        from transformers import AutoProcessor, Qwen2_5OmniThinkerForConditionalGeneration

        self.torch = torch
        options: Any = {"text_config": {"is_causal": False}} if both_ways else {}
        self.model = Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, **options
        ).eval()
        self.parts = AutoProcessor.from_pretrained(folder)
        self.mean = mean

    def __call__(self, content: Content, prompt: str) -> Any:
        body, inputs = self._body(content)
        system = f"<|im_start|>system\n{prompt}<|im_end|>\n" if prompt else ""
        text = f"{system}<|im_start|>user\n{body}<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"
        tokens = self.parts.tokenizer(text, return_tensors="pt")
        with self.torch.no_grad():
            out = self.model(**tokens, **inputs, output_hidden_states=True)
        states = out.hidden_states[-1][0]
        vector = (states.mean(0) if self.mean else states[-1]).numpy()
        return vector / np.linalg.norm(vector)

    def _body(self, content: Content) -> tuple[str, dict[str, Any]]:
        if isinstance(content, TextContent):
            return content.text.strip(), {}
        if isinstance(content, ImageContent):
            seen = self.parts.image_processor(
                [content.pixels],
                size=PIXELS,
                return_tensors="pt",
                input_data_format="channels_last",
            )
            marks = "<|IMAGE|>" * int(seen["image_grid_thw"].prod() // 4)
            return f"<|vision_bos|>{marks}<|vision_eos|>", dict(seen)
        if isinstance(content, AudioContent):
            return self._audio(content.samples)
        text, inputs = self._frames(content)
        if content.audio is not None:
            heard, more = self._audio(content.audio)
            text, inputs = text + heard, inputs | more
        return text, inputs

    def _audio(self, samples: Any) -> tuple[str, dict[str, Any]]:
        mel = self.parts.feature_extractor(
            [samples],
            sampling_rate=16000,
            padding="max_length",
            return_attention_mask=True,
            return_tensors="pt",
        )
        length = int(mel["attention_mask"].sum())
        marks = "<|AUDIO|>" * (((length - 1) // 2 + 1 - 2) // 2 + 1)
        inputs = {
            "input_features": mel["input_features"],
            "feature_attention_mask": mel["attention_mask"],
        }
        return f"<|audio_bos|>{marks}<|audio_eos|>", inputs

    def _frames(self, video: VideoContent) -> tuple[str, dict[str, Any]]:
        seen = self.parts.video_processor(
            [video.frames.transpose(0, 3, 1, 2)],
            size=PIXELS,
            do_sample_frames=False,
            cap_pixels_per_frame=False,
            return_tensors="pt",
        )
        marks = "<|VIDEO|>" * int(seen["video_grid_thw"].prod() // 4)
        inputs = {
            "pixel_values_videos": seen["pixel_values_videos"],
            "video_grid_thw": seen["video_grid_thw"],
            "video_second_per_grid": self.torch.tensor([2 / video.fps]),
        }
        return f"<|vision_bos|>{marks}<|vision_eos|>", inputs


@pytest.fixture(scope="module")
def e5(tiny: ModuleType, checkpoints: Callable[..., Path], tmp_path_factory: Any) -> Path:
    """A repository as e5-omni publishes it."""
    out = tmp_path_factory.mktemp("e5") / "e5-tiny"
    prompts = {"query": "Query: ", "document": ""}
    tiny.save_dense(checkpoints("thinker"), out, prompts=prompts)
    return Path(tiny.describe(out, "e5-omni-3b", **ROW))


@pytest.fixture(scope="module")
def encoder(e5: Path) -> Any:
    loaded = TransformerEncoder.load(Settings(encoder=str(e5), device="cpu"))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def by_hand(e5: Path) -> ByHand:
    return ByHand(e5)


def test_every_kind_of_evidence_equals_plain_transformers(
    encoder: Any, by_hand: ByHand, media: dict[str, Content]
) -> None:
    vectors = encoder.encode(list(media.values()))
    for (name, content), vector in zip(media.items(), vectors, strict=True):
        np.testing.assert_allclose(vector, by_hand(content, ""), atol=EXACT, err_msg=name)


def test_a_question_carries_the_repositorys_prompt(
    encoder: Any, by_hand: ByHand, media: dict[str, Content]
) -> None:
    asked = [media["a word"], media["an image"], media["a video with audio"]]
    for content, vector in zip(asked, encoder.encode_questions(asked), strict=True):
        np.testing.assert_allclose(vector, by_hand(content, "Query: "), atol=EXACT)


def test_a_vector_does_not_depend_on_its_batch_mates(
    encoder: Any, media: dict[str, Content]
) -> None:
    contents = [c for name, c in media.items() if name != "a fast video"]
    alone = [encoder.encode([c])[0] for c in contents]
    for a, together in zip(alone, encoder.encode_one_batch(contents), strict=True):
        np.testing.assert_allclose(a, together, atol=EXACT)


def test_videos_of_two_frame_rates_are_each_placed_in_their_own_time(
    encoder: Any, by_hand: ByHand, media: dict[str, Content]
) -> None:
    pair = [media["a video"], media["a fast video"]]
    for content, vector in zip(pair, encoder.encode(pair), strict=True):
        np.testing.assert_allclose(vector, by_hand(content, ""), atol=EXACT)


def test_a_bidirectional_model_with_mean_pooling_attends_both_ways(
    tiny: ModuleType, checkpoints: Callable[..., Path], tmp_path: Path, media: dict[str, Content]
) -> None:
    out = tiny.save_dense(checkpoints("thinker"), tmp_path / "nemo", pooling="mean")
    row = ROW | {"remote_code": False, "query_prompt": "query: ", "document_prompt": "passage: "}
    tiny.describe(out, "omni-embed-nemotron-3b", **row)
    encoder: Any = TransformerEncoder.load(Settings(encoder=str(out), device="cpu"))
    expected = ByHand(out, mean=True, both_ways=True)
    causal = ByHand(out, mean=True)
    names = ["a paragraph", "a page", "a tune", "a video"]
    contents = [media[n] for n in names]
    for content, vector in zip(contents, encoder.encode(contents), strict=True):
        np.testing.assert_allclose(vector, expected(content, "passage: "), atol=EXACT)
        assert np.abs(vector - causal(content, "passage: ")).max() > 0.01
    encoder.close()


def test_the_description_needs_no_weights_and_says_what_is_embedded(e5: Path) -> None:
    info = TransformerEncoder.describe(Settings(encoder=str(e5)))
    assert (info.dim, info.multi_vector) == (32, False)
    assert info.channels == frozenset(Channel)
    assert info.cut.video_audio and info.cut.video_fps == 1.0
    assert info.revision.startswith("local-")
