"""EmbeddingGemma 2 on ONNX Runtime without torch: files, names, inputs, sessions on demand.

The graphs here are stand-ins of a few nodes with the inputs and outputs of the published ones:
what they compute tells which input went where.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core import encoders
from omni_core.encoders.gemma import check, files
from omni_core.encoders.gemma.encoder import GemmaEncoder
from omni_core.encoders.gemma.fit import fit
from omni_core.encoders.gemma.pictures import Budget, fitted_size, patches
from omni_core.encoders.gemma.sound import log_mel
from omni_core.encoders.gemma.tokens import MAX_TOKENS, Tokens
from omni_core.encoders.transformer.encoder import TransformerEncoder
from omni_core.errors import UnavailableError
from omni_core.files import sha256_of
from omni_core.settings import Settings
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Channel,
    ImageContent,
    TextContent,
    VideoContent,
)
from omni_core.weights.onnx_sessions import Graph

MARKS = ("<|image>", "<|image|>", "<image|>", "<|audio>", "<|audio|>", "<audio|>", "<|video|>")
WORDS = ("<pad>", "<eos>", "<bos>", "<unk>", *MARKS, "task:", "title:", "fox", "river", "snow")
WIDTH = 4
"""Of the rows of media."""


# ---- stand-ins -------------------------------------------------------------------------------


def write_tokenizer(path: Path) -> None:
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from tokenizers.processors import TemplateProcessing

    ids = {word: i for i, word in enumerate(WORDS)}
    tokenizer = Tokenizer(WordLevel(ids, unk_token="<unk>"))  # noqa: S106 - no password
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.add_special_tokens([AddedToken(m, special=True) for m in ("<bos>", "<eos>", *MARKS)])
    tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)]
    )
    tokenizer.save(str(path))


def write_text_graph(path: Path, dim: int = 768) -> None:
    """A weighted count of the ids, and sums of the rows of each medium in places of their own."""
    g = Graph()
    weights = np.random.default_rng(0).normal(size=(len(WORDS), dim)).astype(np.float32)
    words = g.op("Gather", g.constant("words", weights), "input_ids")
    mask = g.op("Unsqueeze", g.op("Cast", "attention_mask", to=1), g.integers(-1))
    total = g.op("ReduceSum", g.op("Mul", words, mask), g.integers(1), keepdims=0)
    for n, medium in enumerate(("image", "video", "audio")):
        spread = np.zeros((WIDTH, dim), np.float32)
        spread[:, 10 * n : 10 * n + WIDTH] = 30 * np.eye(WIDTH)
        rows = g.op("ReduceSum", f"{medium}_features", g.integers(0), keepdims=1)
        total = g.op("Add", total, g.op("MatMul", rows, g.constant(f"spread{n}", spread)))
    g.op("Identity", total, output="sentence_embedding")
    media = {
        f"{m}_features": (np.float32, ["rows_" + m, WIDTH]) for m in ("image", "video", "audio")
    }
    inputs: Any = {
        "input_ids": (np.int64, ["batch", "tokens"]),
        "attention_mask": (np.int64, ["batch", "tokens"]),
        **media,
    }
    save(g, path, inputs, {"sentence_embedding": ["batch", dim]})


def write_vision_graph(path: Path) -> None:
    """A row for every nine patches: their mean, weighed by place and by pixel."""
    g = Graph()
    pixels = g.op("MatMul", "pixel_values", g.constant("pixels", weights(48)))
    places = g.op("Cast", "pixel_position_ids", to=1)
    weight = g.op("ReduceSum", places, g.integers(2), keepdims=1)
    seen = g.op("Mul", pixels, g.op("Add", weight, g.constant("one", 1.0)))
    grouped = g.op("Reshape", seen, g.integers(-1, 9, WIDTH))
    g.op("ReduceMean", grouped, g.integers(1), keepdims=0, output="image_features")
    inputs: Any = {
        "pixel_values": (np.float32, ["pictures", "patches", 48]),
        "pixel_position_ids": (np.int64, ["pictures", "patches", 2]),
    }
    save(g, path, inputs, {"image_features": ["rows", WIDTH]})


def write_audio_graph(path: Path) -> None:
    """One row: the mean of all frames, weighed by band."""
    g = Graph()
    loud = g.op("Add", "input_features", g.constant("silence", 7.0))
    bands = g.op("MatMul", loud, g.constant("bands", weights(128)))
    g.op("ReduceMean", bands, g.integers(1), keepdims=0, output="audio_features")
    inputs: Any = {
        "input_features": (np.float32, ["sounds", "frames", 128]),
        "input_features_mask": (np.bool_, ["sounds", "frames"]),
    }
    save(g, path, inputs, {"audio_features": ["rows", WIDTH]})


def weights(height: int) -> Any:
    """(height, WIDTH)"""
    return np.random.default_rng(height).normal(size=(height, WIDTH)).astype(np.float32)


def save(g: Graph, path: Path, inputs: Any, outputs: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(g.model("stand-in", inputs, outputs).SerializeToString())


PROCESSOR = """{
  "image_processor": {"max_soft_tokens": 20, "patch_size": 4, "pooling_kernel_size": 3},
  "video_processor": {
    "max_soft_tokens": 6, "patch_size": 4, "pooling_kernel_size": 3, "max_frames": 32
  }
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights") / files.NAME
    write_text_graph(out / files.TEXT_GRAPH)
    write_vision_graph(out / files.VISION_GRAPH)
    write_audio_graph(out / files.AUDIO_GRAPH)
    write_tokenizer(out / files.TOKENIZER)
    (out / files.PROCESSOR).write_text(PROCESSOR)
    return out


@pytest.fixture
def encoder(folder: Path) -> GemmaEncoder:
    return GemmaEncoder(folder, GemmaEncoder.describe(Settings()), threads=1)


@pytest.fixture
def pinned(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings under which the stand-ins are the pinned files."""
    paths = (
        files.TEXT_GRAPH,
        files.VISION_GRAPH,
        files.AUDIO_GRAPH,
        files.TOKENIZER,
        files.PROCESSOR,
    )
    rows = tuple(files.File(p, (folder / p).stat().st_size, sha256_of(folder / p)) for p in paths)
    monkeypatch.setattr(files, "FILES", rows)
    yield Settings(weights_dir=str(folder.parent), store=str(folder.parent / "store"))


def picture(shade: int, height: int = 90, width: int = 120) -> ImageContent:
    return ImageContent(np.full((height, width, 3), shade, np.uint8))


def film(*shades: int) -> VideoContent:
    frames = np.stack([np.full((36, 48, 3), s, np.uint8) for s in shades])
    return VideoContent(frames, tuple(float(i) for i in range(len(frames))), 1.0, frames[0])


# ---- sessions --------------------------------------------------------------------------------


def test_a_question_loads_the_text_graph_alone(encoder: GemmaEncoder) -> None:
    encoder.encode_questions([TextContent("fox")])
    assert encoder.graphs.text.loaded
    assert not encoder.graphs.vision.loaded and not encoder.graphs.audio.loaded


def test_each_graph_of_media_is_loaded_by_the_first_of_its_kind(encoder: GemmaEncoder) -> None:
    encoder.encode([picture(200)])
    assert encoder.graphs.vision.loaded and not encoder.graphs.audio.loaded
    encoder.encode([AudioContent(np.zeros(SAMPLE_RATE, np.float32))])
    assert encoder.graphs.audio.loaded


def test_a_question_is_answered_while_a_picture_is_being_looked_at(encoder: GemmaEncoder) -> None:
    looking, go_on = threading.Event(), threading.Event()
    look = encoder.graphs.vision

    def slow(inputs: Any) -> Any:
        looking.set()
        assert go_on.wait(30)
        return look(inputs)

    encoder.graphs.vision = slow  # type: ignore[assignment]
    ingest = threading.Thread(target=encoder.encode, args=([picture(90)],))
    ingest.start()
    assert looking.wait(30)
    assert encoder.encode_questions([TextContent("fox")])[0] is not None
    assert ingest.is_alive()
    go_on.set()
    ingest.join(30)
    assert not ingest.is_alive()


# ---- inputs ----------------------------------------------------------------------------------


def test_every_kind_goes_to_its_own_input_of_the_text_graph(encoder: GemmaEncoder) -> None:
    sound = AudioContent(np.zeros(SAMPLE_RATE, np.float32))
    vectors = encoder.encode([picture(255), film(255, 255), sound])
    for n, vector in enumerate(vectors):
        assert vector is not None
        strongest = int(
            np.argmax([np.linalg.norm(vector[10 * i : 10 * i + WIDTH]) for i in range(3)])
        )
        assert strongest == n
        assert abs(np.linalg.norm(vector) - 1) < 1e-6


def test_questions_and_evidence_have_prompts_of_their_own(encoder: GemmaEncoder) -> None:
    text = [TextContent("fox")]
    (question,), (evidence,) = encoder.encode_questions(text), encoder.encode(text)
    assert question is not None and evidence is not None
    assert question @ evidence < 0.99


def test_an_empty_list_and_an_empty_text_are_fine(encoder: GemmaEncoder) -> None:
    assert encoder.encode([]) == []
    (empty,) = encoder.encode([TextContent("")])
    assert empty is not None and np.isfinite(empty).all()


def test_a_film_without_frames_is_its_keyframe(encoder: GemmaEncoder) -> None:
    whole = film(10, 200)
    bare = replace(whole, frames=whole.frames[:0], keyframe=picture(200).pixels)
    (a,), (b,) = encoder.encode([bare]), encoder.encode([picture(200)])
    np.testing.assert_array_equal(a, b)


def test_long_sound_is_heard_in_parts_and_averaged(encoder: GemmaEncoder) -> None:
    rng = np.random.default_rng(1)
    samples = rng.normal(0, 0.1, 40 * SAMPLE_RATE).astype(np.float32)
    whole, first, second = encoder.encode(
        [
            AudioContent(s)
            for s in (samples, samples[: 20 * SAMPLE_RATE], samples[20 * SAMPLE_RATE :])
        ]
    )
    assert whole is not None and first is not None and second is not None
    mean = (first + second) / np.linalg.norm(first + second)
    np.testing.assert_allclose(whole, mean, atol=1e-5)


@pytest.mark.parametrize("samples", [0, 1, 100])
def test_sound_of_no_length_has_a_vector(encoder: GemmaEncoder, samples: int) -> None:
    (vector,) = encoder.encode([AudioContent(np.zeros(samples, np.float32))])
    assert vector is not None and np.isfinite(vector).all()


def test_a_vector_that_is_no_number_is_refused(
    encoder: GemmaEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = np.full((1, 768), np.nan, np.float32)
    monkeypatch.setattr(encoder.graphs, "embed", lambda *a, **k: broken)
    with pytest.raises(UnavailableError, match="no number"):
        encoder.encode([TextContent("fox")])


# ---- tokens ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokens(folder: Path) -> Tokens:
    return Tokens(folder / files.TOKENIZER)


def test_media_have_a_place_for_every_row_between_their_marks(tokens: Tokens) -> None:
    ids = {w: i for i, w in enumerate(WORDS)}
    assert [WORDS[i] for i in tokens.media("audio", [2])] == [
        "<bos>", "<|audio>", "<|audio|>", "<|audio|>", "<audio|>", "<eos>",
    ]  # fmt: skip
    frames = tokens.media("video", [2, 2])
    assert frames.count(ids["<|video|>"]) == 4 and frames.count(ids["<|image>"]) == 2


def test_a_text_that_spells_a_mark_has_no_place_for_media(tokens: Tokens) -> None:
    (part,) = tokens.text("title: ", "fox <|image|> river")
    assert not {WORDS.index(m) for m in ("<|image|>", "<|audio|>", "<|video|>")} & set(part.ids)


def test_a_text_longer_than_the_limit_keeps_every_token_and_its_prompt(tokens: Tokens) -> None:
    text = "fox river snow " * MAX_TOKENS
    parts = tokens.text("title: ", text)
    assert sum(p.weight for p in parts) == 3 * MAX_TOKENS
    assert all(len(p.ids) <= MAX_TOKENS for p in parts)
    assert all(p.ids[1] == WORDS.index("title:") for p in parts)


# ---- pictures and sound ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1080, 1920), (576, 1056)),
        ((768, 768), (768, 768)),
        ((10, 10), (768, 768)),
        ((4000, 2), (13440, 48)),
        ((3, 900), (48, 13440)),
    ],
)
def test_pictures_are_fitted_to_whole_blocks_within_the_budget(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    budget = Budget(280)
    height, width = fitted_size(*size, budget)
    assert (height, width) == expected
    assert height % 48 == width % 48 == 0 and height * width <= 280 * 48**2


def test_patches_run_row_by_row_with_their_column_and_row() -> None:
    pixels = np.zeros((96, 144, 3), np.uint8)
    pixels[16:32, 32:48] = 255  # the patch in column 2 of row 1
    values, places = patches(pixels, Budget(6))
    (white,) = np.flatnonzero(values.min(axis=1) == 1)
    assert values.shape == (6 * 9, 16 * 16 * 3)
    assert places[white].tolist() == [2, 1]


def test_colours_are_the_last_axis_of_a_patch() -> None:
    pixels = np.zeros((48, 48, 3), np.uint8)
    pixels[..., 1] = 255
    values, _ = patches(pixels, Budget(1))
    assert values[0, :6].tolist() == [0, 1, 0, 0, 1, 0]


def test_a_tone_is_loudest_in_the_band_of_its_pitch() -> None:
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    loudest = [
        int(log_mel(np.sin(2 * np.pi * hertz * t).astype(np.float32))[0][50].argmax())
        for hertz in (200, 1000, 4000)
    ]
    assert loudest == sorted(loudest) and loudest[0] < 20 and loudest[2] > 85


def test_frames_that_reach_into_the_filling_are_zero_and_masked() -> None:
    energies, whole = log_mel(np.ones(15_839, np.float32))
    assert whole[:98].all() and not whole[-1]
    assert not energies[~whole].any()


# ---- files and names -------------------------------------------------------------------------


def test_the_pinned_files_are_two_of_each_graph_the_tokenizer_and_the_sizes() -> None:
    required = files.required()
    assert len({f.path for f in required}) == len(required) == 8
    assert all(len(f.sha256) == 64 for f in required)
    assert 0.87e9 < sum(f.size for f in required) < 0.89e9
    assert not any("fp16" in f.path or "f16" in f.path for f in required)


def test_a_machine_without_the_files_says_which_command_brings_them(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"run `omni-mcp setup --profile laptop`") as e:
        encoders.load(Settings(encoder="embeddinggemma-2-onnx", store=str(tmp_path)))
    assert "\n" not in str(e.value) and str(tmp_path) in str(e.value)


def test_a_file_that_is_missing_or_different_is_named(
    pinned: Settings, folder: Path, tmp_path: Path
) -> None:
    import shutil

    copy = tmp_path / files.NAME
    shutil.copytree(folder, copy)
    settings = replace(pinned, weights_dir=str(tmp_path))
    assert files.verified(settings) == copy
    (copy / files.PROCESSOR).write_text(PROCESSOR.replace("20", "21"))
    with pytest.raises(UnavailableError, match=r"processor_config.json is not the file"):
        files.verified(settings)
    (copy / files.AUDIO_GRAPH).unlink()
    with pytest.raises(UnavailableError, match=r"audio_encoder_quantized.onnx is missing"):
        files.verified(settings)


def test_the_encoder_is_loaded_by_either_name_where_its_files_are(pinned: Settings) -> None:
    for name in ("embeddinggemma-2-onnx", "embeddinggemma-2", "google/embeddinggemma-2"):
        loaded = encoders.load(replace(pinned, encoder=name))
        assert isinstance(loaded, GemmaEncoder)
        assert loaded.info == encoders.describe(replace(pinned, encoder=name))


def test_the_plain_name_means_torch_only_where_torch_is_and_the_files_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(encoder="embeddinggemma-2", store=str(tmp_path))
    monkeypatch.setattr(files, "with_torch", lambda: True)
    assert encoders._encoder_class(settings) is TransformerEncoder
    monkeypatch.setattr(files, "with_torch", lambda: False)
    assert encoders._encoder_class(settings) is GemmaEncoder


def test_the_description_takes_every_channel_and_only_sizes_that_exist() -> None:
    info = GemmaEncoder.describe(Settings())
    assert info.channels == frozenset(Channel) and info.dim == 768
    cut = GemmaEncoder.describe(Settings(encoder_dim=256))
    assert cut.dim == 256 and cut.fingerprint != info.fingerprint
    with pytest.raises(UnavailableError, match="768, 512, 256, 128"):
        GemmaEncoder.describe(Settings(encoder_dim=300))


def test_the_table_of_models_says_whether_the_files_are_here(
    pinned: Settings, tmp_path: Path
) -> None:
    assert fit(pinned).runs and fit(pinned).spec.licence == "Apache-2.0"
    absent = fit(Settings(store=str(tmp_path)))
    assert not absent.runs and "omni-mcp setup --profile laptop" in absent.why


def test_a_graph_that_cannot_be_loaded_is_said_in_one_line(folder: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / files.NAME
    shutil.copytree(folder, copy)
    (copy / files.VISION_GRAPH).write_bytes(b"no graph")
    broken = GemmaEncoder(copy, GemmaEncoder.describe(Settings()), threads=1)
    with pytest.raises(UnavailableError, match=r"ONNX Runtime .* cannot load") as e:
        broken.encode([picture(90)])
    assert "\n" not in str(e.value)
    assert broken.encode_questions([TextContent("fox")])[0] is not None


def test_a_graph_of_another_size_is_refused_at_load(
    folder: Path, tmp_path: Path, pinned: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    copy = tmp_path / files.NAME
    shutil.copytree(folder, copy)
    write_text_graph(copy / files.TEXT_GRAPH, dim=64)
    monkeypatch.setattr(files, "FILES", ())
    with pytest.raises(UnavailableError, match=r"answers with shape \(64,\)"):
        GemmaEncoder.load(replace(pinned, weights_dir=str(tmp_path)))


# ---- models check ----------------------------------------------------------------------------


def test_the_check_compares_what_it_can_and_names_what_it_could_not(
    pinned: Settings, tmp_path: Path
) -> None:
    from PIL import Image

    Image.fromarray(picture(120).pixels).save(tmp_path / "cats.jpg")
    report = check.check(pinned, str(tmp_path))
    assert [c.kind for c in report.compared] == ["text", "image"]
    assert not report.ok  # the stand-ins are no EmbeddingGemma
    assert [line.split(":")[0] for line in report.skipped] == [
        "jfk.wav",
        "sea-turtle.mp4",
        "dog.jpeg",
    ]
    assert any("Red Planet" in line for line in report.lines())


def test_a_check_without_hub_and_folder_compares_texts_and_says_how_to_give_media(
    pinned: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    report = check.check(pinned)
    assert [c.kind for c in report.compared] == ["text"]
    assert len(report.skipped) == 4 and all("--media" in line for line in report.skipped)
