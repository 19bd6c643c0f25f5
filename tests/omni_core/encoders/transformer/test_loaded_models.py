"""The other architectures of the table equal a plain transformers computation, kind by kind.

The template is written here; the model's own processor only turns media into tensors, one item at
a time; pooling, projection and scores are done by hand.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from omni_core.encoders.transformer import hub
from omni_core.encoders.transformer.catalogue import find_model, known_models
from omni_core.encoders.transformer.check import check
from omni_core.encoders.transformer.encoder import TransformerEncoder
from omni_core.encoders.transformer.loading import build
from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.settings import Settings
from omni_core.types import AudioContent, Channel, Content, ImageContent, TextContent, VideoContent

pytestmark = pytest.mark.omni
EXACT = 1e-5
Checkpoints = Callable[..., Path]
Media = dict[str, Content]


class Plain:
    """A checkpoint through its own classes: one item at a time, no padding."""

    def __init__(self, folder: Path, kind: str, marks: dict[str, str], **sizes: Any) -> None:
        import torch
        import transformers

        self.torch = torch
        self.model = getattr(transformers, kind).from_pretrained(folder, dtype=torch.float32).eval()
        self.processor = transformers.AutoProcessor.from_pretrained(folder)
        self.marks, self.sizes = marks, sizes

    def states(self, before: str, content: Content | None, after: str) -> Any:
        """The last layer's states of `before` + the content + `after`: (tokens, width)."""
        inputs = self.inputs(before, [content] if content is not None else [], after)
        with self.torch.no_grad():
            out = self.model(**inputs, output_hidden_states=True)
        states = getattr(out, "last_hidden_state", None)
        return (out.hidden_states[-1] if states is None else states)[0].numpy()

    def inputs(self, before: str, contents: list[Content], after: str) -> Any:
        body = ""
        parts: dict[str, Any] = {}
        for content in contents:
            text, more = self._one(content)
            body, parts = body + text, parts | more
        return self.processor(
            text=[before + body + after],
            **parts,
            images_kwargs=self.sizes.get("image", {}),
            videos_kwargs={"do_sample_frames": False, **self.sizes.get("video", {})},
            audio_kwargs={"sampling_rate": 16000} if "audio" in parts else {},
            common_kwargs={"return_tensors": "pt"},
        )

    def _one(self, content: Content) -> tuple[str, dict[str, Any]]:
        if isinstance(content, TextContent):
            return content.text.strip(), {}
        if isinstance(content, ImageContent):
            from PIL import Image

            return self.marks["image"], {"images": [Image.fromarray(content.pixels)]}
        if isinstance(content, AudioContent):
            return self.marks["audio"], {"audio": [content.samples]}
        assert isinstance(content, VideoContent)
        self.sizes.setdefault("video", {})["video_metadata"] = [
            {
                "fps": content.fps,
                "total_num_frames": len(content.frames),
                "duration": len(content.frames) / content.fps,
                "frames_indices": list(range(len(content.frames))),
            }
        ]
        parts: dict[str, Any] = {"videos": [content.frames.transpose(0, 3, 1, 2)]}
        text = self.marks["video"]
        if content.audio is not None and "audio" in self.marks:
            text += self.marks["audio"]
            parts["audio"] = [content.audio]
        return text, parts


def unit(vector: Any) -> Any:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


# ---- Qwen3-VL-Embedding ---------------------------------------------------------------------

QWEN3 = {"image_pixels": [4096, 16384], "video_pixels": [4096, 65536], "memory_gb": 0, "dim": 32}
VL_MARKS = {
    "image": "<|vision_start|><|image_pad|><|vision_end|>",
    "video": "<|vision_start|><|video_pad|><|vision_end|>",
}


@pytest.fixture(scope="module")
def qwen3(tiny: ModuleType, checkpoints: Checkpoints, tmp_path_factory: Any) -> Path:
    out = tmp_path_factory.mktemp("qwen3") / "qwen3-tiny"
    tiny.save_dense(checkpoints("qwen3_vl"), out, parts=("text", "image", "video"))
    return Path(tiny.describe(out, "qwen3-vl-embedding-2b", matryoshka=[32, 8], **QWEN3))


def qwen3_plain(folder: Path) -> Plain:
    return Plain(
        folder,
        "Qwen3VLForConditionalGeneration",
        VL_MARKS,
        image={"size": {"shortest_edge": 4096, "longest_edge": 16384}},
        video={
            "size": {"shortest_edge": 4096, "longest_edge": 65536},
            "cap_pixels_per_frame": False,
        },
    )


def qwen3_vector(plain: Plain, content: Content, prompt: str) -> Any:
    before = f"<|im_start|>system\n{prompt}<|im_end|>\n<|im_start|>user\n"
    states = plain.states(before, content, "<|im_end|>\n<|im_start|>assistant\n")
    return unit(states[-1])


def test_qwen3_vl_embeds_text_images_and_videos_and_leaves_audio(qwen3: Path, media: Media) -> None:
    encoder: Any = TransformerEncoder.load(Settings(encoder=str(qwen3), device="cpu"))
    plain = qwen3_plain(qwen3)
    row = known_models()["qwen3-vl-embedding-2b"]
    vectors = encoder.encode(list(media.values()))
    for (name, content), vector in zip(media.items(), vectors, strict=True):
        if isinstance(content, AudioContent):
            assert vector is None
            continue
        assert vector is not None
        expected = qwen3_vector(plain, content, row.document_prompt)
        np.testing.assert_allclose(vector, expected, atol=EXACT, err_msg=name)
    asked = encoder.encode_questions([media["a word"]])[0]
    expected = qwen3_vector(plain, media["a word"], row.query_prompt)
    np.testing.assert_allclose(asked, expected, atol=EXACT)
    assert Channel.SOUND not in encoder.info.channels
    assert Channel.SPEECH in encoder.info.channels
    encoder.close()


def test_a_matryoshka_vector_is_cut_and_made_unit_length_again(qwen3: Path, media: Media) -> None:
    whole = TransformerEncoder.load(Settings(encoder=str(qwen3), device="cpu"))
    cut = TransformerEncoder.load(Settings(encoder=str(qwen3), device="cpu", encoder_dim=8))
    content = [media["a page"]]
    full, short = whole.encode(content)[0], cut.encode(content)[0]
    assert full is not None and short is not None
    np.testing.assert_allclose(short, unit(full[:8]), atol=EXACT)
    assert cut.info.fingerprint != whole.info.fingerprint
    whole.close()
    cut.close()


@pytest.mark.parametrize("clip_pixels", [1 << 20, 40_000])
def test_frames_share_the_pixels_of_a_video_as_the_processor_would_resize_them(
    tiny: ModuleType, checkpoints: Checkpoints, tmp_path: Path, media: Media, clip_pixels: int
) -> None:
    """The frames are of 72 by 96 pixels: enlarged to at least 8,192, or shrunk to a share."""
    out = tmp_path / "clips"
    tiny.save_dense(checkpoints("qwen3_vl"), out, parts=("text", "image", "video"))
    low, high = (8192 if clip_pixels > 1 << 19 else 1024), 16384
    row = {**QWEN3, "video_pixels": [low, high], "clip_pixels": clip_pixels}
    tiny.describe(out, "qwen3-vl-embedding-2b", **row)
    encoder: Any = TransformerEncoder.load(Settings(encoder=str(out), device="cpu"))
    video = media["a fast video"]  # six frames
    assert isinstance(video, VideoContent) and len(video.frames) == 6
    share = min(high, clip_pixels // 6)
    size = {"shortest_edge": 6 * low, "longest_edge": 6 * share}
    plain = Plain(
        out,
        "Qwen3VLForConditionalGeneration",
        VL_MARKS,
        video={"size": size, "cap_pixels_per_frame": False},
    )
    prompt = known_models()["qwen3-vl-embedding-2b"].document_prompt
    np.testing.assert_allclose(
        encoder.encode([video])[0], qwen3_vector(plain, video, prompt), atol=EXACT
    )
    encoder.close()


# ---- WeMM: a tokenizer that loses a rule ----------------------------------------------------


def test_the_tokenizer_gets_back_the_normaliser_of_its_file(
    tiny: ModuleType, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    out = tmp_path / "wemm-tiny"
    tiny.save_dense(checkpoints("qwen3_vl"), out, parts=("text", "image", "video"))
    tokenizer = json.loads((out / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["normalizer"] = {
        "type": "Replace",
        "pattern": {"Regex": "\\n$"},
        "content": "",
    }
    (out / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    ends = {}
    for restored in (False, True):
        tiny.describe(out, "qwen3-vl-embedding-2b", restore_normalizer=restored, **QWEN3)
        spec = find_model(str(out))
        model = build(spec, Settings(encoder=str(out), device="cpu"))
        own = model[0].tokenizer.backend_tokenizer
        ends[restored] = len(own.encode("fox\n").ids) - len(own.encode("fox").ids)
    assert ends[True] == 0, "the line's end is left out, as the file says"


# ---- GVE: a recipe without the repository's own class ---------------------------------------


def test_a_repository_of_plain_weights_is_embedded_by_the_recipe_of_its_row(
    tiny: ModuleType, checkpoints: Checkpoints, tmp_path: Path, media: Media
) -> None:
    out = tmp_path / "gve-tiny"
    shutil.copytree(checkpoints("qwen2_5_vl"), out)
    small = {"image_pixels": [3136, 12544], "video_pixels": [3136, 12544]}
    tiny.describe(out, "gve-3b", dim=32, memory_gb=0, **small)
    encoder: Any = TransformerEncoder.load(Settings(encoder=str(out), device="cpu"))
    size = {"size": {"shortest_edge": 3136, "longest_edge": 12544}}
    kind = "Qwen2_5_VLForConditionalGeneration"
    plain = Plain(out, kind, VL_MARKS, image=dict(size), video={**size, "fps": 1.0})
    end = "<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"

    def expected(content: Content, system: str) -> Any:
        before = f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n"
        return unit(plain.states(before, content, end)[-1])

    for name in ("a paragraph", "a page", "a video"):
        vector = encoder.encode([media[name]])[0]
        wanted = expected(media[name], "You are a helpful assistant.")
        np.testing.assert_allclose(vector, wanted, atol=EXACT, err_msg=name)
    asked = encoder.encode_questions([media["a word"]])[0]
    wanted = expected(media["a word"], known_models()["gve-3b"].query_prompt)
    np.testing.assert_allclose(asked, wanted, atol=EXACT)
    assert encoder.encode([media["a tune"]]) == [None]
    encoder.close()


# ---- EmbeddingGemma 2 -----------------------------------------------------------------------

GEMMA_MARKS = {"image": "<|image|>", "audio": "<|audio|>", "video": "<|video|>"}


def test_embedding_gemma_averages_all_tokens_of_every_modality(
    tiny: ModuleType, checkpoints: Checkpoints, tmp_path: Path, media: Media
) -> None:
    out = tiny.save_dense(
        checkpoints("gemma"),
        tmp_path / "gemma",
        pooling="mean",
        task="feature-extraction",
        generation_prompt=False,
    )
    tiny.describe(out, "embeddinggemma-2", dim=24, matryoshka=[24], memory_gb=0)
    encoder: Any = TransformerEncoder.load(Settings(encoder=str(out), device="cpu"))
    plain = Plain(out, "EmbeddingGemma2Model", GEMMA_MARKS)
    prompt = known_models()["embeddinggemma-2"].document_prompt
    for (name, content), vector in zip(
        media.items(), encoder.encode(list(media.values())), strict=True
    ):
        expected = unit(plain.states(prompt, content, "").mean(0))
        np.testing.assert_allclose(vector, expected, atol=EXACT, err_msg=name)
    encoder.close()


# ---- ColQwen-Omni ---------------------------------------------------------------------------

OMNI_MARKS = {
    "image": "<|vision_bos|><|IMAGE|><|vision_eos|>",
    "audio": "<|audio_bos|><|AUDIO|><|audio_eos|>",
    "video": "<|vision_bos|><|VIDEO|><|vision_eos|>",
}
COL = {
    "dim": 16,
    "video_pixels": [3136, 12544],
    "image_pixels": [3136, 12544],
    "memory_gb": 0,
    "fps": 1.0,
}


@pytest.fixture(scope="module")
def colqwen(tiny: ModuleType, checkpoints: Checkpoints, tmp_path_factory: Any) -> Path:
    out = tmp_path_factory.mktemp("col") / "col-tiny"
    tiny.save_multi(checkpoints("thinker"), out)
    return Path(tiny.describe(out, "colqwen-omni", **COL))


class ColByHand:
    """Every token's state, projected and made unit length."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file

        size = {"size": {"shortest_edge": 3136, "longest_edge": 12544}}
        self.plain = Plain(
            folder,
            "Qwen2_5OmniThinkerForConditionalGeneration",
            OMNI_MARKS,
            image=dict(size),
            video={**size, "cap_pixels_per_frame": False, "fps": 1.0},
        )
        self.weight = load_file(folder / "1_Dense" / "model.safetensors")["linear.weight"]

    def __call__(self, content: Content) -> Any:
        end = "<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"
        states = self.plain.states("<|im_start|>user\n", content, end)
        return unit(states @ self.weight.T)


def test_token_vectors_equal_the_projected_states_of_every_kind(
    colqwen: Path, media: Media
) -> None:
    encoder: Any = TransformerEncoder.load(Settings(encoder=str(colqwen), device="cpu"))
    by_hand = ColByHand(colqwen)
    names = [n for n in media if n != "a fast video"]
    vectors = encoder.encode([media[n] for n in names])
    for name, tokens in zip(names, vectors, strict=True):
        np.testing.assert_allclose(tokens, by_hand(media[name]), atol=EXACT, err_msg=name)
    assert encoder.info.multi_vector and encoder.info.dim == 16
    encoder.close()


def test_token_pooling_keeps_about_one_vector_in_two_of_evidence_only(
    colqwen: Path, media: Media
) -> None:
    whole = TransformerEncoder.load(Settings(encoder=str(colqwen), device="cpu"))
    pooled = TransformerEncoder.load(Settings(encoder=str(colqwen), device="cpu", token_pool=2))
    page = [media["a page"]]
    full, half = whole.encode(page)[0], pooled.encode(page)[0]
    assert full is not None and half is not None
    assert len(half) <= len(full) // 2 + 1
    np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1, atol=1e-5)
    asked = pooled.encode_questions(page)[0]
    assert asked is not None and len(asked) == len(full)
    assert whole.info.fingerprint != pooled.info.fingerprint
    whole.close()
    pooled.close()


def test_late_interaction_scores_are_the_sum_of_best_matches(colqwen: Path, media: Media) -> None:
    reranker = TransformerEncoder.load_reranker(Settings(reranker=str(colqwen), device="cpu"))
    by_hand = ColByHand(colqwen)
    asked = by_hand(TextContent("where is the fox"))
    candidates = [media["a page"], media["a tune"], "a fox sleeps", media["a video with audio"]]
    scores = reranker.score(TextContent("where is the fox"), candidates)
    for candidate, score in zip(candidates, scores, strict=True):
        content = TextContent(candidate) if isinstance(candidate, str) else candidate
        best = (asked @ by_hand(content).T).max(axis=1)
        assert score == pytest.approx(best.sum() / len(asked), abs=1e-5)


# ---- VLM2Vec-V2: a LoRA and a recipe --------------------------------------------------------


@pytest.fixture(scope="module")
def lora(
    tiny: ModuleType, checkpoints: Checkpoints, tmp_path_factory: Any
) -> Iterator[tuple[Path, Path]]:
    """An adapter in the key layout of 2025, and the same weights merged into the base."""
    peft = pytest.importorskip("peft")
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoProcessor, Qwen2VLForConditionalGeneration

    root = tmp_path_factory.mktemp("lora")
    base = checkpoints("qwen2_vl")
    torch.manual_seed(3)
    config = peft.LoraConfig(
        r=4, lora_alpha=32, target_modules=["q_proj", "v_proj"], init_lora_weights=False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by an old name
        wrapped = peft.get_peft_model(Qwen2VLForConditionalGeneration.from_pretrained(base), config)
    adapter, merged = root / "adapter", root / "merged"
    wrapped.save_pretrained(adapter)
    file = adapter / "adapter_model.safetensors"
    old = {
        k.replace("model.language_model.layers", "model.layers"): v
        for k, v in load_file(file).items()
    }
    save_file(old, file, metadata={"format": "pt"})
    wrapped.merge_and_unload().save_pretrained(merged)
    for folder in (adapter, merged):
        AutoProcessor.from_pretrained(base).save_pretrained(folder)
    small = {
        "dim": 32,
        "image_pixels": [3136, 12544],
        "video_pixels": [3136, 12544],
        "memory_gb": 0,
    }
    tiny.describe(adapter, "vlm2vec-v2", **small)
    yield adapter, merged


def test_an_adapter_without_sentence_transformers_files_equals_the_merged_model(
    lora: tuple[Path, Path], checkpoints: Checkpoints, media: Media
) -> None:
    adapter, merged = lora
    encoder: Any = TransformerEncoder.load(Settings(encoder=str(adapter), device="cpu"))
    row: ModelSpec = known_models()["vlm2vec-v2"]
    size = {"size": {"shortest_edge": 3136, "longest_edge": 12544}}
    made = {
        name: Plain(
            folder,
            "Qwen2VLForConditionalGeneration",
            {"image": "<|image_pad|> ", "video": "<|video_pad|> "},
            image=dict(size),
            video={**size, "cap_pixels_per_frame": False},
        )
        for name, folder in (("merged", merged), ("base", checkpoints("qwen2_vl")))
    }
    cases: list[tuple[Content, str, str]] = [
        (media["a page"], "", f"{row.image_prompt} "),
        (media["a video"], "", f"{row.video_prompt} "),
        (media["a paragraph"], "", ""),
    ]
    for content, before, after in cases:
        vector = encoder.encode([content])[0]
        expected = unit(made["merged"].states(before, content, after)[-1])
        without = unit(made["base"].states(before, content, after)[-1])
        np.testing.assert_allclose(vector, expected, atol=EXACT)
        assert np.abs(expected - without).max() > 0.01, "the adapter must matter"
    question = encoder.encode_questions([TextContent("a fox")])[0]
    expected = unit(made["merged"].states(f"{row.query_prompt} ", TextContent("a fox"), "")[-1])
    np.testing.assert_allclose(question, expected, atol=EXACT)
    assert encoder.encode([media["a tune"]]) == [None]
    encoder.close()


def test_an_adapter_of_the_hub_is_put_over_its_base_at_the_pinned_commit(
    lora: tuple[Path, Path], checkpoints: Checkpoints, tmp_path: Path, media: Media
) -> None:
    """Its own configuration names the base by hub id, of which no commit is known to the loader."""
    adapter, _ = lora
    moved = tmp_path / "adapter"
    shutil.copytree(adapter, moved)
    config = json.loads((moved / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "somebody/a-base"
    (moved / "adapter_config.json").write_text(json.dumps(config))
    over = hub.adapter_over(moved, checkpoints("qwen2_vl"), tmp_path / "over")
    expected, found = (
        TransformerEncoder.load(Settings(encoder=str(folder), device="cpu"))
        for folder in (adapter, over)
    )
    page = [media["a page"]]
    vectors = [encoder.encode(page)[0] for encoder in (expected, found)]
    assert vectors[0] is not None and vectors[1] is not None
    np.testing.assert_allclose(vectors[1], vectors[0], atol=EXACT)
    for encoder in (expected, found):
        encoder.close()


# ---- Qwen3-VL-Reranker ----------------------------------------------------------------------


def test_a_cross_encoder_scores_yes_against_no_for_every_kind(
    tiny: ModuleType, checkpoints: Checkpoints, tmp_path: Path, media: Media
) -> None:
    raw = checkpoints("qwen3_vl", template=tiny.RERANK)
    out = tiny.save_cross(raw, tmp_path / "reranker")
    tiny.describe(out, "qwen3-vl-reranker-2b", **{k: v for k, v in QWEN3.items() if k != "dim"})
    reranker = TransformerEncoder.load_reranker(Settings(reranker=str(out), device="cpu"))
    plain = qwen3_plain(out)
    ids = plain.processor.tokenizer.convert_tokens_to_ids
    names = ["a paragraph", "a page", "a video", "a long video", "a fast video", "a tune"]
    candidates: list[Content | str] = [media[n] for n in names]
    scores = reranker.score(TextContent("a fox"), [*candidates, "a red fox"])
    before = (
        "<|im_start|>system\nAnswer yes or no.<|im_end|>\n<|im_start|>user\n"
        "<Instruct>: Retrieve evidence.<Query>:a fox\n<Document>:"
    )
    for name, score in zip([*names, ""], scores, strict=True):
        if name == "a tune":
            assert score is None
            continue
        content = media.get(name, TextContent("a red fox"))
        inputs = plain.inputs(before, [content], "<|im_end|>\n<|im_start|>assistant\n")
        with plain.torch.no_grad():
            logits = plain.model(**inputs).logits[0, -1].numpy()
        expected = 1 / (1 + np.exp(-(logits[ids("y")] - logits[ids("n")])))
        assert score == pytest.approx(expected, abs=1e-5), name
    asked = reranker.score(media["an image"], ["a fox"])
    assert asked[0] is not None and asked[0] != pytest.approx(scores[-1], abs=1e-4)


def test_the_check_of_a_reranker_shows_it_pictures_and_names_what_it_does_not_take(
    tiny: ModuleType, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    raw = checkpoints("qwen3_vl", template=tiny.RERANK)
    out = tiny.save_cross(raw, tmp_path / "reranker")
    tiny.describe(out, "qwen3-vl-reranker-2b", **{k: v for k, v in QWEN3.items() if k != "dim"})
    report = check(str(out), Settings(device="cpu"))
    assert report.looks.moves.keys() == {"text", "image", "page", "video"}
    assert all(moved > 0 for moved in report.looks.moves.values())
    lines = report.lines()
    assert "takes no audio" in lines
    assert any(line.startswith("looks at image: its scores of two") for line in lines)
