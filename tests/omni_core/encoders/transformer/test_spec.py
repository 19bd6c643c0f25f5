"""The table of models: what it promises, how names are understood, what is said when it fails."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from omni_core.encoders.transformer import fit, hub
from omni_core.encoders.transformer.catalogue import find_model, known_models
from omni_core.encoders.transformer.encoder import TransformerEncoder
from omni_core.errors import OmniError, UnavailableError
from omni_core.settings import Settings
from omni_core.types import Channel

TABLE = known_models()
EMBEDDING = [n for n, row in TABLE.items() if row.kind != "cross" and not row.unsupported]


def one_line(error: pytest.ExceptionInfo[OmniError]) -> str:
    text = str(error.value)
    assert "\n" not in text and len(text) < 400
    return text


@pytest.mark.parametrize("name", TABLE)
def test_every_row_says_all_that_is_needed(name: str) -> None:
    row = TABLE[name]
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", row.id)
    assert row.pinned, "a branch may change under a stored library"
    assert row.licence != "unknown" and row.verified and row.architecture
    assert "text" in row.modalities and row.memory_gb > row.params_b * 2
    assert row.dim > 0 or row.kind == "cross"
    assert all(d <= row.dim for d in row.matryoshka)
    assert row.takes("audio") == (row.audio_tokens_per_s > 0 and row.audio_max_s > 0)
    assert not row.video_with_sound or row.takes("audio")
    assert row.fps > 0 and row.max_frames > 0
    assert row.image_tokens or row.pixels_per_token


def test_research_and_non_commercial_models_carry_a_plain_warning() -> None:
    for row in TABLE.values():
        terms = row.licence.lower()
        if any(word in terms for word in ("nc", "noncommercial", "research")):
            assert re.match(r"(research only|non-commercial)", row.warning), row.name


def test_a_row_takes_from_the_one_it_is_like_what_it_does_not_say() -> None:
    small, large = TABLE["e5-omni-3b"], TABLE["e5-omni-7b"]
    assert (small.query_prompt, small.fps) == (large.query_prompt, large.fps)
    assert (small.dim, large.dim) == (2048, 3584)
    assert small.reference == () and len(large.reference) == 3


@pytest.mark.parametrize("name", EMBEDDING)
def test_describing_a_model_of_the_table_needs_no_file(name: str) -> None:
    info = TransformerEncoder.describe(Settings(encoder=name))
    row = TABLE[name]
    assert (info.dim, info.revision) == (row.dim, row.revision)
    assert (Channel.SOUND in info.channels) == row.takes("audio")
    assert Channel.SPEECH in info.channels
    assert info.multi_vector == (row.kind == "multi")
    assert info.cut.video_fps == row.fps
    assert 1280 <= info.cut.image_edge <= 1664
    frames = info.batch * 16 * info.cut.video_edge**2 * 9 / 16
    assert frames < 32 * 16 * 640**2, "a call carries no more pixels than one of small frames"
    assert info.cut.shot_max_s * row.fps <= row.max_frames
    assert 0 < info.cut.audio_window_s <= (row.audio_max_s or 30)


def test_prompts_sizes_and_pooling_are_in_the_fingerprint() -> None:
    seen = {TransformerEncoder.describe(Settings(encoder=n)).fingerprint for n in EMBEDDING}
    assert len(seen) == len(EMBEDDING)
    whole = TransformerEncoder.describe(Settings(encoder="embeddinggemma-2"))
    cut = TransformerEncoder.describe(Settings(encoder="embeddinggemma-2", encoder_dim=256))
    assert cut.dim == 256 and cut.fingerprint != whole.fingerprint


def test_a_model_is_found_by_its_hub_id_in_any_case_and_at_another_revision() -> None:
    assert find_model("haon-chen/E5-Omni-7B").name == "e5-omni-7b"
    assert find_model("e5-omni-7b@refs/pr/3").revision == "refs/pr/3"


def test_weights_dir_holds_folders_by_name_or_by_hub_id(tmp_path: Path) -> None:
    for place in ("e5-omni-3b", "Haon-Chen/e5-omni-7B"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "modules.json").write_text("[]")
    for name in ("e5-omni-3b", "e5-omni-7b"):
        found = find_model(name, weights_dir=str(tmp_path))
        assert found.dim == TABLE[name].dim
        assert found.folder and found.revision.startswith("local-")
    assert not find_model("embeddinggemma-2", weights_dir=str(tmp_path)).folder


def test_other_weights_in_a_folder_are_another_revision(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "config.json").write_text('{"hidden_size": 8}')
    weights = tmp_path / "model.safetensors"
    seen = set()
    for content in (b"a" * 100, b"b" * 100, b"b" * 101):
        weights.write_bytes(content)
        seen.add(find_model(str(tmp_path)).revision)
    assert len(seen) == 3


def test_a_folder_that_no_table_knows_is_read_from_its_files(tmp_path: Path) -> None:
    parts = [("", "base.Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense")]
    listed = [{"idx": i, "name": str(i), "path": p, "type": t} for i, (p, t) in enumerate(parts)]
    (tmp_path / "modules.json").write_text(json.dumps(listed))
    (tmp_path / "config.json").write_text('{"hidden_size": 384}')
    for folder, config in (
        ("1_Pooling", {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True}),
        ("2_Dense", {"in_features": 384, "out_features": 96}),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text(json.dumps(config))
    found = find_model(str(tmp_path))
    assert (found.kind, found.dim, found.modalities) == ("dense", 96, ("text",))
    assert found.pooling == "mean_tokens"


@pytest.mark.parametrize(
    ("encoder", "more", "says"),
    [
        ("no-such-model", {}, "no model is called .*`omni-mcp models`"),
        ("./no-such-folder", {}, "no model is called"),
        ("qwen3-vl-reranker-2b", {}, "is a reranker, it gives no vectors: set it as `reranker`"),
        ("e5-omni-7b", {"encoder_dim": 512}, "cannot be cut to 512 dimensions; it has 3584"),
        ("embeddinggemma-2", {"encoder_dim": 100}, "it has 768, 512, 256, 128"),
    ],
)
def test_a_wrong_choice_is_one_line_with_the_next_step(
    encoder: str, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(UnavailableError, match=says) as error:
        TransformerEncoder.describe(Settings(encoder=encoder, **more))
    one_line(error)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("GatedRepoError", "is gated: accept its terms at https://huggingface.co/"),
        ("RevisionNotFoundError", "has no revision .*name another with"),
        ("RepositoryNotFoundError", "the hub has no model"),
        ("LocalEntryNotFoundError", "the hub cannot be reached; download it on another machine"),
        ("OSError", "could not be downloaded"),
    ],
)
@pytest.mark.parametrize("name", ["e5-omni-7b", "somebody/some-model"])
def test_what_the_hub_refuses_is_one_line_with_the_next_step(
    name: str, error: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = pytest.importorskip("huggingface_hub")
    errors = pytest.importorskip("huggingface_hub.errors")
    kind = OSError if error == "OSError" else getattr(errors, error)

    def refuse(*_: Any, **__: Any) -> str:
        raise kind.__new__(kind)

    monkeypatch.setattr(library, "snapshot_download", refuse)
    with pytest.raises(UnavailableError, match=says) as found:
        if "/" in name:
            find_model(name)
        else:
            hub.download(find_model(name).id, find_model(name).revision)
    one_line(found)


REPOSITORY = (
    "config.json",
    "modules.json",
    "1_Pooling/config.json",
    "2_Dense/config.json",
    "2_Dense/pytorch_model.bin",
    "tokenizer.json",
    "custom_st.py",
    "assets/page.png",
)
UNUSED = (
    "model.onnx",
    "onnx/model_q4.onnx_data",
    "model.onnx_data_1",
    "openvino/openvino_model.bin",
    "tf_model.h5",
    "flax_model.msgpack",
    "rust_model.ot",
    "model-q8.gguf",
    "training_args.bin",
    "optimizer.pt",
    "original/consolidated.00.pth",
    "assets/film.mp4",
)


@pytest.mark.parametrize(
    ("weights", "kept"),
    [
        (("model.safetensors", "pytorch_model.bin"), ["model.safetensors"]),
        (
            ("model-00001-of-00002.safetensors", "pytorch_model-00001-of-00002.bin"),
            ["model-00001-of-00002.safetensors"],
        ),
        (("pytorch_model.bin",), ["pytorch_model.bin"]),
        (("adapter_model.safetensors", "adapter_model.bin"), ["adapter_model.safetensors"]),
    ],
)
def test_a_download_leaves_out_every_format_that_is_not_loaded(
    weights: tuple[str, ...], kept: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = pytest.importorskip("huggingface_hub")

    def snapshot(_id: str, *, allow_patterns: Any, ignore_patterns: Any, **_: Any) -> str:
        files = (*REPOSITORY, *UNUSED, *weights)
        for name in library.utils.filter_repo_objects(
            files, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns
        ):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return str(tmp_path)

    monkeypatch.setattr(library, "snapshot_download", snapshot)
    hub.download("somebody/a-model", "main")
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {*REPOSITORY, *kept}


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UnavailableError, match=r'pip install "omni-mcp\[omni\]"') as error:
        TransformerEncoder.load(Settings(encoder="e5-omni-3b"))
    assert error.value.code == "MISSING_EXTRA"


def test_code_from_a_repository_runs_only_when_allowed() -> None:
    with pytest.raises(UnavailableError, match="set trust_remote_code=true") as error:
        TransformerEncoder.load(Settings(encoder="omni-embed-nemotron-3b"))
    assert "https://huggingface.co/nvidia/omni-embed-nemotron-3b" in one_line(error)


def test_the_table_tells_what_fits_this_machine() -> None:
    fits = fit.list_models()
    assert [f.spec.name for f in fits] == list(TABLE)
    for one in fits:
        assert one.runs == (one.on != "nowhere")
        assert one.runs or one.why


def test_what_fits_depends_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "_ram_gb", lambda: 16.0)
    for device, gb, runs in (("cuda", 80.0, True), ("cuda", 16.0, False), ("cpu", 16.0, False)):
        monkeypatch.setattr(fit, "device_memory", lambda d=device, g=gb: (d, g))
        found = {f.spec.name: f for f in fit.list_models()}
        assert found["e5-omni-7b"].runs is runs
        assert found["embeddinggemma-2"].runs
    monkeypatch.setattr(fit, "device_memory", lambda: ("", 0.0))
    assert all("omni-mcp[omni]" in f.why or f.why == f.spec.unsupported for f in fit.list_models())


def test_a_model_that_this_program_cannot_run_is_listed_with_the_reason_and_never_loaded() -> None:
    listed = {f.spec.name: f for f in fit.list_models()}
    for name, row in TABLE.items():
        if row.unsupported:
            assert not listed[name].runs and listed[name].why == row.unsupported
            for act in (TransformerEncoder.describe, TransformerEncoder.load):
                with pytest.raises(UnavailableError, match="cannot run in this program") as error:
                    act(Settings(encoder=name, trust_remote_code=True))
                assert row.unsupported in one_line(error)
    assert any(row.unsupported for row in TABLE.values())


def test_qwen3_vl_sees_pages_and_frames_as_large_as_its_authors_send_them() -> None:
    """Pages of 1.84 million pixels and frames of up to 768 tokens."""
    cut = TransformerEncoder.describe(Settings(encoder="qwen3-vl-embedding-2b")).cut
    assert cut.image_edge**2 / 2**0.5 >= 1_843_200
    assert cut.video_edge**2 * 9 / 16 >= 786_432


def test_a_description_of_an_earlier_version_keeps_its_limit_of_a_whole_video(
    tmp_path: Path,
) -> None:
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "omni.toml").write_text(
        'like = "e5-omni-7b"\nvideo_pixels = [4096, 900000]\nvideo_pixels_of = "video"\n'
    )
    found = find_model(str(tmp_path))
    assert (found.video_pixels, found.clip_pixels) == ((4096, 900000), 900000)
