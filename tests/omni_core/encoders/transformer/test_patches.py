"""The patches: the same vectors with and without each, and none without the names it needs."""

from __future__ import annotations

import ast
import logging
import threading
import tomllib
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from omni_core.encoders import transformer
from omni_core.encoders.transformer.catalogue import find_model
from omni_core.encoders.transformer.description import encoder_info
from omni_core.encoders.transformer.encoder import TransformerEncoder
from omni_core.encoders.transformer.loading import build
from omni_core.encoders.transformer.patches import attention, kernels, registry
from omni_core.encoders.transformer.patches.apply import apply, suited
from omni_core.encoders.transformer.patches.base_model import has_language_head
from omni_core.encoders.transformer.patches.positions import host_positions
from omni_core.encoders.transformer.patches.processors import processor_copies
from omni_core.encoders.transformer.patches.registry import PATCHES
from omni_core.encoders.transformer.rerank import CrossReranker
from omni_core.errors import BadRequestError
from omni_core.settings import Settings
from omni_core.types import Content, TextContent

EXACT = 1e-5
WAIT = 30.0
ON_A_CPU = tuple(name for name in PATCHES if name != "compiled-functions")
"""All but the one that wants a compiler."""
SMALL = {"dim": 32, "video_pixels": [3136, 12544], "image_pixels": [3136, 12544], "memory_gb": 0}
QWEN3 = {"image_pixels": [4096, 16384], "video_pixels": [4096, 65536], "memory_gb": 0}

needs_models = pytest.mark.omni
Repository = Callable[[str], Path]


@pytest.fixture(scope="module")
def repository(tiny: ModuleType, checkpoints: Callable[..., Path], tmp_path_factory: Any) -> Any:
    """`repository("e5-omni-3b")`: a tiny repository with the layout of that model's."""
    root = tmp_path_factory.mktemp("repositories")

    def dense(name: str, raw: Path, options: dict[str, Any], row: dict[str, Any]) -> Path:
        tiny.save_dense(raw, root / name, **options)
        return Path(tiny.describe(root / name, name, **row))

    def make(name: str) -> Path:
        if name == "e5-omni-3b":
            prompts = {"query": "Query: ", "document": ""}
            return dense(name, checkpoints("thinker"), {"prompts": prompts}, SMALL)
        if name == "qwen3-vl-embedding-2b":
            parts = ("text", "image", "video")
            return dense(name, checkpoints("qwen3_vl"), {"parts": parts}, {**QWEN3, "dim": 32})
        if name == "embeddinggemma-2":
            options = {"pooling": "mean", "task": "feature-extraction", "generation_prompt": False}
            row = {"dim": 24, "matryoshka": [24], "memory_gb": 0}
            return dense(name, checkpoints("gemma"), options, row)
        if name == "colqwen-omni":
            tiny.save_multi(checkpoints("thinker"), root / name)
            return Path(tiny.describe(root / name, name, **{**SMALL, "dim": 16, "fps": 1.0}))
        assert name == "qwen3-vl-reranker-2b"
        tiny.save_cross(checkpoints("qwen3_vl", template=tiny.RERANK), root / name)
        return Path(tiny.describe(root / name, name, **QWEN3))

    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            made[name] = make(name)
        return made[name]

    return get


@pytest.fixture
def closing() -> Iterator[list[Any]]:
    """What is put here is closed after the test."""
    opened: list[Any] = []
    yield opened
    for one in opened:
        one.close()


def load(folder: Path, setting: registry.PatchSetting, names: Collection[str] = ()) -> Any:
    """An encoder or reranker with these patches beside those that a CPU gets."""
    spec = find_model(str(folder))
    settings = Settings(encoder=str(folder), device="cpu", model_patches=setting)
    model = build(spec, settings)
    apply(model, spec, "cpu", setting, only=names)
    if spec.kind == "cross":
        return CrossReranker(model, spec, "cpu", patches=setting)
    return TransformerEncoder(model, spec, encoder_info(spec, settings), "cpu", patches=setting)


def model_of(encoder: Any) -> Any:
    return encoder._runner._model


def assert_same(a: list[Any], b: list[Any]) -> None:
    for left, right in zip(a, b, strict=True):
        assert (left is None) == (right is None)
        if left is not None:
            np.testing.assert_allclose(left, right, atol=EXACT)


@needs_models
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("e5-omni-3b", ["norms", "gated-layers", "patch-convolutions", "packed-attention"]),
        ("qwen3-vl-embedding-2b", ["norms", "gated-layers", "packed-attention"]),
        ("embeddinggemma-2", []),
        ("colqwen-omni", ["norms", "gated-layers", "patch-convolutions", "packed-attention"]),
    ],
)
def test_vectors_are_the_same_with_all_patches_and_with_none(
    name: str,
    changes: list[str],
    repository: Repository,
    media: dict[str, Content],
    closing: list[Any],
) -> None:
    folder = repository(name)
    spec = find_model(str(folder))
    plain = load(folder, "off")
    names = [n for n in ON_A_CPU if n != "packed-attention" or "qwen" in spec.architecture]
    patched = load(folder, "auto", names)
    closing += [plain, patched]
    contents = list(media.values())
    assert_same(patched.encode(contents), plain.encode(contents))
    assert_same(patched.encode_questions(contents[:3]), plain.encode_questions(contents[:3]))
    if changes:
        together = [c for n, c in media.items() if plain.encode([c])[0] is not None]
        together = [c for c in together if c is not media["a fast video"]]
        assert_same(patched.encode_one_batch(together), plain.encode_one_batch(together))
    counted = apply(build(spec, Settings(device="cpu")), spec, "cpu", "auto", only=names)
    assert all(counted[change] > 0 for change in changes)


@needs_models
def test_off_leaves_the_libraries_objects_as_they_are(
    repository: Repository, closing: list[Any]
) -> None:
    folder = repository("e5-omni-3b")
    plain, patched = load(folder, "off", PATCHES), load(folder, "auto", ON_A_CPU)
    closing += [plain, patched]
    assert has_language_head(model_of(plain)[0]) and not has_language_head(model_of(patched)[0])
    assert not attention.in_use(model_of(plain)) and attention.in_use(model_of(patched))
    replaced = [m for m in model_of(plain).modules() if "forward" in vars(m)]
    assert not replaced
    assert any("forward" in vars(m) for m in model_of(patched).modules())


@needs_models
def test_a_reranker_scores_the_same_with_all_patches_and_with_none(
    repository: Repository, media: dict[str, Content]
) -> None:
    folder = repository("qwen3-vl-reranker-2b")
    candidates: list[Content | str] = [media["a page"], media["a video"], "a red fox"]
    plain, patched = load(folder, "off"), load(folder, "auto", ON_A_CPU)
    question = TextContent("a fox")
    expected = plain.score(question, candidates)
    assert patched.score(question, candidates) == pytest.approx(expected, abs=EXACT)


@needs_models
def test_a_layer_of_a_width_that_no_fast_kernel_takes_is_widened_to_the_same_vectors(
    repository: Repository, media: dict[str, Content], closing: list[Any]
) -> None:
    """50 columns become 64: as in the real vision tower, whose 3420 become 3456."""
    folder = repository("e5-omni-3b")
    plain, patched = load(folder, "auto"), load(folder, "auto")
    closing += [plain, patched]
    for encoder in (plain, patched):
        for module in model_of(encoder).modules():
            if kernels.is_gated(module):
                _narrow(module, 50)
    changed = kernels.fuse_kernels(model_of(patched), ON_A_CPU)
    assert changed["norms"] > 4
    assert (changed["gated-layers"], changed["patch-convolutions"]) == (4, 1)
    contents = [c for n, c in media.items() if n != "a fast video"]
    assert_same(patched.encode_one_batch(contents), plain.encode_one_batch(contents))


def _narrow(module: Any, width: int) -> None:
    import torch

    with torch.no_grad():
        for linear in (module.gate_proj, module.up_proj):
            linear.weight = torch.nn.Parameter(linear.weight[:width])
            linear.out_features = width
            if linear.bias is not None:
                linear.bias = torch.nn.Parameter(linear.bias[:width])
        module.down_proj.weight = torch.nn.Parameter(module.down_proj.weight[:, :width])
        module.down_proj.in_features = width


@needs_models
def test_threads_that_share_one_processor_take_turns(
    repository: Repository, media: dict[str, Content], closing: list[Any]
) -> None:
    encoder = load(repository("e5-omni-3b"), "off")
    closing.append(encoder)
    contents = [media["a page"], media["a tune"], media["a paragraph"]]
    evidence, question = encoder.encode(contents), encoder.encode_questions(contents[2:])
    results: list[tuple[list[Any], list[Any]]] = []

    def ingest() -> None:
        results.append((encoder.encode(contents), evidence))

    def ask() -> None:
        results.append((encoder.encode_questions(contents[2:]), question))

    threads = [threading.Thread(target=run) for run in (ingest, ask, ingest)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert len(results) == 3
    for found, expected in results:
        assert_same(found, expected)


@needs_models
def test_copies_share_the_weights_and_nothing_that_preparing_changes(
    repository: Repository, closing: list[Any]
) -> None:
    encoder = load(repository("e5-omni-3b"), "off")
    closing.append(encoder)
    first = model_of(encoder)[0]
    modules = [first, *processor_copies(first, 2, "auto")]
    assert all(m.model is first.model for m in modules)
    for part in ("processor", "tokenizer", "input_formatter"):
        assert len({id(getattr(m, part)) for m in modules}) == 3, part
    assert len({id(m.tokenizer.backend_tokenizer) for m in modules}) == 3
    assert all(m.input_formatter.processor is m.processor for m in modules)


# ---- the names ------------------------------------------------------------------------------


@needs_models
def test_the_tested_versions_have_every_name_that_a_patch_needs(
    repository: Repository, closing: list[Any]
) -> None:
    encoder = load(repository("e5-omni-3b"), "off")
    closing.append(encoder)
    first = model_of(encoder)[0]
    assert {name: patch.missing(first) for name, patch in PATCHES.items()} == dict.fromkeys(
        PATCHES, ""
    )


@needs_models
@pytest.mark.parametrize("gone", ["torch:a_name_that_is_gone", "no_such_package.inside:name"])
@pytest.mark.parametrize("name", PATCHES)
def test_a_patch_whose_names_are_gone_is_left_out_with_one_line(
    name: str,
    gone: str,
    repository: Repository,
    media: dict[str, Content],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    closing: list[Any],
) -> None:
    folder = repository("e5-omni-3b")
    contents = [media["a page"], media["a video with audio"], media["a word"]]
    plain = load(folder, "off")
    monkeypatch.setitem(PATCHES, name, replace(PATCHES[name], imports=(gone,)))
    caplog.set_level(logging.WARNING)
    # those of loading are left to it, so that each patch is asked for once
    others = [n for n in ON_A_CPU if n not in ("base-model", "processor-copies", "host-positions")]
    asked = [*others, *([name] if name == "compiled-functions" else [])]
    patched = load(folder, "auto", asked)
    closing += [plain, patched]
    lines = [r.getMessage() for r in caplog.records if "left out" in r.getMessage()]
    assert len(lines) == 1
    assert repr(name) in lines[0] and gone in lines[0] and "torch " in lines[0]
    assert_same(patched.encode(contents), plain.encode(contents))
    first = model_of(plain)[0]
    if name == "processor-copies":
        assert processor_copies(first, 2, "auto") == []
    elif name == "host-positions":
        assert host_positions(first, "auto") is None
    else:
        assert apply(model_of(plain), patched.spec, "cpu", "auto", only=[name]) == {}


class Bare:
    """An input module of another class, which has none of the attributes."""


@pytest.mark.parametrize(
    ("needed", "missing"),
    [
        (registry.Patch("", imports=("json:dumps",)), ""),
        (registry.Patch("", imports=("json:JSONDecoder.decode",)), ""),
        (registry.Patch("", imports=("json:JSONDecoder.gone",)), "json:JSONDecoder.gone"),
        (registry.Patch("", imports=("json:gone.more",)), "json:gone.more"),
        (registry.Patch("", imports=("json.gone:x",)), "json.gone:x"),
        (registry.Patch("", attributes=("model",)), "Bare.model"),
    ],
)
def test_the_first_name_that_is_missing_is_told(needed: registry.Patch, missing: str) -> None:
    assert needed.missing(Bare()) == missing


def test_only_the_patches_touch_private_names_and_they_declare_each() -> None:
    declared = {
        part
        for patch in PATCHES.values()
        for name in (*patch.imports, *patch.attributes)
        for part in name.replace(":", ".").split(".")
    }
    folder = Path(transformer.__file__).parent
    for file in folder.rglob("*.py"):
        private = _private_attributes(ast.parse(file.read_text(encoding="utf-8")))
        inside = file.parent.name == "patches"
        assert private <= (declared if inside else set()), file.name


def _private_attributes(tree: ast.AST) -> set[str]:
    """Names like `x._name`, where x is another object."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    }


# ---- the versions ---------------------------------------------------------------------------


def test_the_versions_that_the_patches_know_are_those_that_the_extra_allows() -> None:
    pyproject = Path(transformer.__file__).parents[3] / "pyproject.toml"
    listed = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    allowed = {}
    for requirement in map(Requirement, listed["optional-dependencies"]["omni"]):
        if requirement.name in registry.KNOWN_VERSIONS:
            bounds = {s.operator: Version(s.version).release for s in requirement.specifier}
            major, minor = bounds["<"]
            allowed[requirement.name] = (bounds[">="], (major, minor - 1))
    assert allowed == registry.KNOWN_VERSIONS


@needs_models
def test_the_installed_versions_are_known() -> None:
    assert registry.unknown_versions() == ""
    assert registry.patch_state("auto") == "on where they suit"


@needs_models
def test_with_a_version_that_is_not_known_all_patches_are_off_in_one_line_and_vectors_the_same(
    repository: Repository,
    media: dict[str, Content],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    closing: list[Any],
) -> None:
    folder = repository("e5-omni-3b")
    plain = load(folder, "off")
    known = {**registry.KNOWN_VERSIONS, "transformers": ((9, 8), (9, 9))}
    monkeypatch.setattr(registry, "KNOWN_VERSIONS", known)
    caplog.set_level(logging.WARNING)
    newer = load(folder, "auto", ON_A_CPU)
    closing += [plain, newer]
    lines = [r.getMessage() for r in caplog.records if "without patches" in r.getMessage()]
    assert len(lines) == 1 and "(known: 9.8 to 9.9)" in lines[0] and "transformers 5." in lines[0]
    assert has_language_head(model_of(newer)[0]) and not attention.in_use(model_of(newer))
    assert not [m for m in model_of(newer).modules() if "forward" in vars(m)]
    contents = [media["a page"], media["a video with audio"], media["a word"]]
    assert_same(newer.encode(contents), plain.encode(contents))
    assert registry.patch_state("auto").startswith("off: transformers")
    assert registry.patch_state("off") == "off, by the setting model_patches"


# ---- which, and when ------------------------------------------------------------------------


def test_kernels_are_for_gpus_and_attention_for_architectures_that_are_known() -> None:
    e5, jina, gemma, nemotron = (
        find_model(name)
        for name in (
            "e5-omni-7b",
            "jina-v5-omni-small",
            "embeddinggemma-2",
            "omni-embed-nemotron-3b",
        )
    )
    cross = find_model("qwen3-vl-reranker-2b")
    assert suited(e5, "cpu") == ("base-model",) and suited(cross, "cpu") == ()
    assert {"packed-attention", "norms", "gated-layers"} <= set(suited(e5, "cuda"))
    assert "packed-attention" not in suited(gemma, "cuda:1")
    assert suited(nemotron, "cuda") == ("base-model",), "code of its own is left alone"
    assert suited(jina, "cuda") == (), "a module of its own too"


def test_a_setting_that_is_neither_auto_nor_off_is_refused() -> None:
    wrong: Any = "fast"
    with pytest.raises(BadRequestError, match="model_patches"):
        Settings(model_patches=wrong)
