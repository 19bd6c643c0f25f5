"""Full-size models with random weights, built on the device: no hub, no download, no disk.

The shapes are those of Qwen2.5-Omni's published configurations. Speed does not depend on what the
weights say, so a random model measures what a real one costs.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "7b": {
        "text": {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
                 "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064},
        "vision": {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16,
                   "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]},
        "audio": {"d_model": 1280, "encoder_layers": 32, "encoder_attention_heads": 20,
                  "encoder_ffn_dim": 5120},
    },
    "3b": {
        "text": {"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36,
                 "num_attention_heads": 16, "num_key_value_heads": 2, "vocab_size": 151936},
        "vision": {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16,
                   "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]},
        "audio": {"d_model": 1280, "encoder_layers": 32, "encoder_attention_heads": 20,
                  "encoder_ffn_dim": 5120},
    },
    "small": {
        "text": {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 6,
                 "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 32000},
        "vision": {"depth": 6, "hidden_size": 256, "intermediate_size": 768, "num_heads": 4,
                   "window_size": 112, "fullatt_block_indexes": [2, 5]},
        "audio": {"d_model": 256, "encoder_layers": 4, "encoder_attention_heads": 4,
                  "encoder_ffn_dim": 1024},
    },
}  # fmt: skip


def random_thinker(size: str, device: str) -> Any:
    """A SentenceTransformer over a Qwen2.5-Omni Thinker of that size, last-token pooling."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import Qwen2_5OmniThinkerForConditionalGeneration

    tiny = _tiny_models()
    with tempfile.TemporaryDirectory() as folder:
        raw, repo = Path(folder, "raw"), Path(folder, "repo")
        tiny.build_thinker(raw)  # brings the files around the weights: processor and modules
        tiny.save_dense(raw, repo)
        model = SentenceTransformer(str(repo), device="cpu")
    shape = SIZES[size]
    hidden = shape["text"]["hidden_size"]
    head = hidden // shape["text"]["num_attention_heads"]
    tokenizer = tiny.qwen_tokenizer(tiny.OMNI_MARKS)
    config = tiny.thinker_config(
        tokenizer,
        {
            **shape["text"],
            "max_position_embeddings": 32768,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [head // 8, head * 3 // 16, head * 3 // 16],
            },
            "tie_word_embeddings": False,
        },
        {**shape["vision"], "out_hidden_size": hidden, "patch_size": 14},
        {**shape["audio"], "num_mel_bins": 128, "n_window": 100, "output_dim": hidden,
         "max_source_positions": 1500},
    )  # fmt: skip
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    torch.manual_seed(0)
    with torch.device(device):
        big = Qwen2_5OmniThinkerForConditionalGeneration._from_config(
            config, dtype=dtype, attn_implementation="sdpa"
        )
    model[0].model = big.eval()
    model[0].processor = tiny.omni_processor(tokenizer, chunk_length=300)
    model[0].processor.tokenizer.padding_side = "left"
    model[0].input_formatter.processor = model[0].processor
    model.to(device)
    return model.eval()


def _tiny_models() -> ModuleType:
    path = ROOT / "tests" / "omni_core" / "encoders" / "tiny_models.py"
    spec = importlib.util.spec_from_file_location("tiny_models", path)
    assert spec is not None and spec.loader is not None  # noqa: S101 - a file of this repository
    module = importlib.util.module_from_spec(spec)
    sys.modules["tiny_models"] = module
    spec.loader.exec_module(module)
    return module


def flops(config: Any, lengths: list[int], frames: list[tuple[int, int]], mel: list[int]) -> float:
    """Multiply-adds (times two) that the useful tokens need, without heads and embeddings.

    lengths: tokens of each input. frames: (patches of one grid step, steps) of each image or
    video. mel: mel frames of each audio input. Formulas: 2 x weights x tokens for every matrix,
    2 T^2 d for causal attention (half of 4 T^2 d), 4 W d per token for attention in windows of W.
    """
    text, vision, audio = config.text_config, config.vision_config, config.audio_config
    d = text.hidden_size
    kv = d // text.num_attention_heads * text.num_key_value_heads
    layer = 2 * d * d + 2 * d * kv + 3 * d * text.intermediate_size
    total = sum(text.num_hidden_layers * (2 * layer * n + 2 * n * n * d) for n in lengths)
    v = vision.hidden_size
    block = 4 * v * v + 3 * v * vision.intermediate_size
    merger = ((4 * v) ** 2 + 4 * v * vision.out_hidden_size) / 4
    full = len(vision.fullatt_block_indexes)
    for patches, steps in frames:
        n = patches * steps
        total += n * (2 * block * vision.depth + 2 * merger + 2 * 3 * 2 * 196 * v)
        total += n * 4 * v * (full * patches + (vision.depth - full) * min(64, patches))
    a = audio.d_model
    for m in mel:
        half = m / 2
        total += half * audio.encoder_layers * (2 * (4 * a * a + 2 * a * audio.encoder_ffn_dim))
        total += half * audio.encoder_layers * 4 * a * 100 + m * 2 * 3 * a * (128 + a / 2)
    return float(total)
