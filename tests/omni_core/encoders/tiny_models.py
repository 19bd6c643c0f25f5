"""Checkpoints of every architecture of models.toml, small enough to build inside a test.

They have the published file layout and random weights. Weights are drawn wide: with the usual
standard deviation of 0.02 attention is almost uniform, and a fault in padding or masking moves a
vector by less than rounding does.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.cross_encoder.modules import LogitScore
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers.pre_tokenizers import ByteLevel
from torch import nn
from transformers import (
    EmbeddingGemma2Config,
    EmbeddingGemma2Model,
    EmbeddingGemma2Processor,
    EmbeddingGemma2VideoProcessor,
    Gemma4AudioFeatureExtractor,
    Gemma4ImageProcessor,
    GemmaTokenizer,
    PreTrainedModel,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2_5OmniProcessor,
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
    WhisperFeatureExtractor,
)

OMNI_MARKS = {
    "image_token": "<|IMAGE|>",
    "audio_token": "<|AUDIO|>",
    "video_token": "<|VIDEO|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
}
VL_MARKS = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>",
    "vision_end_token": "<|vision_end|>",
}
PIXELS = {"shortest_edge": 4 * 784, "longest_edge": 16 * 784}


def _chat(marks: dict[str, str], *, end: str = "") -> str:
    """Role turns with media marks, then the assistant's turn, as the repositories have it."""
    media = " ".join(
        f"{{% {'if' if i == 0 else 'elif'} c['type'] == '{kind}' %}}{mark}"
        for i, (kind, mark) in enumerate(marks.items())
    ).replace(" {%", "{%")
    return (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
        + media
        + "{% elif c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
        + "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
        + end
        + "{% endif %}"
    )


OMNI_CHAT = _chat(
    {
        "image": "<|vision_bos|><|IMAGE|><|vision_eos|>",
        "audio": "<|audio_bos|><|AUDIO|><|audio_eos|>",
        "video": "<|vision_bos|><|VIDEO|><|vision_eos|>",
    },
    end="<|endoftext|>",
)
VL_CHAT = _chat(
    {
        "image": "<|vision_start|><|image_pad|><|vision_end|>",
        "video": "<|vision_start|><|video_pad|><|vision_end|>",
    }
)
RERANK = (
    "{% macro body(m) %}{% for c in m['content'] %}{% if c['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif c['type'] == 'video' %}"
    "<|vision_start|><|video_pad|><|vision_end|>{% elif 'text' in c %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endmacro %}<|im_start|>system\nAnswer yes or no.<|im_end|>\n<|im_start|>user\n"
    "{% for m in messages %}{% if m['role'] == 'system' %}<Instruct>: {{ body(m) }}"
    "{% elif m['role'] == 'query' %}<Query>:{{ body(m) }}"
    "{% elif m['role'] == 'document' %}{{ '\n' }}<Document>:{{ body(m) }}{% endif %}{% endfor %}"
    "<|im_end|>\n<|im_start|>assistant{{ '\n' }}"
)


def qwen_tokenizer(marks: dict[str, str]) -> Qwen2Tokenizer:
    """The 256 byte symbols and the marks: encodes any text without merges."""
    vocab = {symbol: i for i, symbol in enumerate(sorted(ByteLevel.alphabet()))}
    for mark in ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *marks.values()):
        vocab[mark] = len(vocab)
    return Qwen2Tokenizer(
        vocab=vocab,
        merges=[],
        unk_token=None,
        pad_token="<|endoftext|>",  # noqa: S106
        eos_token="<|im_end|>",  # noqa: S106
        extra_special_tokens=marks,
        model_max_length=32768,
    )


def sharpen(model: PreTrainedModel, width: float = 0.9) -> None:
    """Redraw every weight so that scores differ: matrices at `width / sqrt(inputs)`, biases 0.3."""
    g = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim >= 2:
                fan_in = p[0].numel() if "embed_tokens" not in name else 1
                p.copy_(torch.randn(p.shape, generator=g) * width * 1.6 / math.sqrt(fan_in))
            elif name.endswith("bias"):
                p.copy_(torch.randn(p.shape, generator=g) * 0.3)
            else:
                p.copy_(1 + torch.randn(p.shape, generator=g) * 0.2)


def _save(model: PreTrainedModel, processor: Any, path: Path) -> Path:
    sharpen(model)
    model.eval().save_pretrained(path)
    processor.save_pretrained(path)
    return path


def thinker_config(
    tokenizer: Qwen2Tokenizer, text: dict[str, Any], vision: dict[str, Any], audio: dict[str, Any]
) -> Qwen2_5OmniThinkerConfig:
    """A Qwen2.5-Omni Thinker whose special ids are those of `tokenizer`."""
    ids = tokenizer.convert_tokens_to_ids
    return Qwen2_5OmniThinkerConfig(
        text_config={
            **text,
            "pad_token_id": ids("<|endoftext|>"),
            "bos_token_id": ids("<|im_start|>"),
            "eos_token_id": ids("<|im_end|>"),
        },
        vision_config=vision,
        audio_config=audio,
        audio_token_index=ids("<|AUDIO|>"),
        image_token_index=ids("<|IMAGE|>"),
        video_token_index=ids("<|VIDEO|>"),
        audio_start_token_id=ids("<|audio_bos|>"),
        audio_end_token_id=ids("<|audio_eos|>"),
        vision_start_token_id=ids("<|vision_bos|>"),
        vision_end_token_id=ids("<|vision_eos|>"),
        user_token_id=ids("u"),
    )


def omni_processor(tokenizer: Qwen2Tokenizer, *, chunk_length: int = 30) -> Qwen2_5OmniProcessor:
    """The published processor around a tokenizer; `chunk_length` seconds of audio at most."""
    return Qwen2_5OmniProcessor(
        image_processor=Qwen2VLImageProcessor(size=PIXELS),
        video_processor=Qwen2VLVideoProcessor(size=PIXELS),
        feature_extractor=WhisperFeatureExtractor(
            feature_size=128,
            sampling_rate=16000,
            hop_length=160,
            n_fft=400,
            chunk_length=chunk_length,
            return_attention_mask=True,
        ),
        tokenizer=tokenizer,
        chat_template=OMNI_CHAT,
    )


def build_thinker(path: Path, *, hidden: int = 32, layers: int = 2) -> Path:
    """The bare Qwen2.5-Omni Thinker with its processor, without sentence-transformers files."""
    tokenizer = qwen_tokenizer(OMNI_MARKS)
    config = thinker_config(
        tokenizer,
        {
            "vocab_size": len(tokenizer),
            "hidden_size": hidden,
            "intermediate_size": 2 * hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 32768,
            # mrope_section must sum to half of the head's 8 dimensions
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [1, 1, hidden // 8 - 2],
            },
            "tie_word_embeddings": True,
        },
        {
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 4,
            "out_hidden_size": hidden,
            "patch_size": 14,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        {
            "num_mel_bins": 128,
            "encoder_layers": 2,
            "encoder_attention_heads": 4,
            "encoder_ffn_dim": 64,
            "d_model": 32,
            "max_source_positions": 1500,
            "n_window": 100,
            "output_dim": hidden,
        },
    )
    torch.manual_seed(0)
    model = Qwen2_5OmniThinkerForConditionalGeneration(config)
    return _save(model, omni_processor(tokenizer), path)


def build_qwen2_vl(path: Path, *, hidden: int = 32) -> Path:
    """The base that VLM2Vec-V2 adapts."""
    tokenizer = qwen_tokenizer(VL_MARKS)
    ids = tokenizer.convert_tokens_to_ids
    processor = Qwen2VLProcessor(
        Qwen2VLImageProcessor(size=PIXELS),
        tokenizer,
        Qwen2VLVideoProcessor(size=PIXELS),
        chat_template=VL_CHAT,
    )
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": hidden,
            "intermediate_size": 2 * hidden,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 32768,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [1, 1, 2],
            },
            "pad_token_id": ids("<|endoftext|>"),
            "bos_token_id": ids("<|im_start|>"),
            "eos_token_id": ids("<|im_end|>"),
        },
        vision_config={
            "depth": 2,
            "embed_dim": 32,
            "hidden_size": hidden,
            "num_heads": 4,
            "mlp_ratio": 2,
            "patch_size": 14,
        },
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    return _save(Qwen2VLForConditionalGeneration(config), processor, path)


def build_qwen2_5_vl(path: Path, *, hidden: int = 32) -> Path:
    """The base of GVE: as Qwen2-VL, with windows in its vision tower."""
    tokenizer = qwen_tokenizer(VL_MARKS)
    ids = tokenizer.convert_tokens_to_ids
    processor = Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(size=PIXELS),
        tokenizer,
        Qwen2VLVideoProcessor(size=PIXELS),
        chat_template=VL_CHAT,
    )
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": hidden,
            "intermediate_size": 2 * hidden,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 32768,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [1, 1, 2],
            },
            "pad_token_id": ids("<|endoftext|>"),
            "bos_token_id": ids("<|im_start|>"),
            "eos_token_id": ids("<|im_end|>"),
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 4,
            "out_hidden_size": hidden,
            "patch_size": 14,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    return _save(Qwen2_5_VLForConditionalGeneration(config), processor, path)


def build_qwen3_vl(path: Path, *, hidden: int = 32, template: str = VL_CHAT) -> Path:
    """The backbone of Qwen3-VL-Embedding and Qwen3-VL-Reranker."""
    tokenizer = qwen_tokenizer(VL_MARKS)
    ids = tokenizer.convert_tokens_to_ids
    processor = Qwen3VLProcessor(
        Qwen2VLImageProcessor(
            size={"shortest_edge": 4096, "longest_edge": 16384},
            patch_size=16,
            image_mean=[0.5] * 3,
            image_std=[0.5] * 3,
        ),
        tokenizer,
        Qwen3VLVideoProcessor(size={"shortest_edge": 4096, "longest_edge": 65536}),
        chat_template=template,
    )
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": hidden,
            "intermediate_size": 2 * hidden,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "max_position_embeddings": 32768,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 5e6,
                "mrope_section": [2, 1, 1],
                "mrope_interleaved": True,
            },
            "pad_token_id": ids("<|endoftext|>"),
        },
        vision_config={
            "depth": 3,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 4,
            "out_hidden_size": hidden,
            "patch_size": 16,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1],
        },
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    return _save(Qwen3VLForConditionalGeneration(config), processor, path)


GEMMA_MARKS = {
    "image_token": "<|image|>",
    "boi_token": "<|image>",
    "eoi_token": "<image|>",
    "audio_token": "<|audio|>",
    "boa_token": "<|audio>",
    "eoa_token": "<audio|>",
}
GEMMA_CHAT = (
    "{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<|image|>"
    "{% elif c['type'] == 'audio' %}<|audio|>{% elif c['type'] == 'video' %}<|video|>"
    "{% elif c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def build_gemma(path: Path, *, hidden: int = 32, dim: int = 24) -> Path:
    """EmbeddingGemma 2: bidirectional, mean pooling, towers for images and audio."""
    vocab = {t: i for i, t in enumerate(("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"))}
    for byte in range(256):
        vocab[f"<0x{byte:02X}>"] = len(vocab)
    for symbol in "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'-|":
        vocab.setdefault(symbol, len(vocab))
    for mark in (*GEMMA_MARKS.values(), "<|video|>"):
        vocab[mark] = len(vocab)
    tokenizer = GemmaTokenizer(
        vocab=vocab, merges=[], extra_special_tokens=GEMMA_MARKS, model_max_length=8192
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|video|>"]})
    ids = tokenizer.convert_tokens_to_ids
    image = {"patch_size": 4, "max_soft_tokens": 70, "pooling_kernel_size": 3}
    processor = EmbeddingGemma2Processor(
        feature_extractor=Gemma4AudioFeatureExtractor(feature_size=128, sampling_rate=16000),
        image_processor=Gemma4ImageProcessor(**image),
        tokenizer=tokenizer,
        video_processor=EmbeddingGemma2VideoProcessor(**image, do_sample_frames=False),
        chat_template=GEMMA_CHAT,
        image_seq_length=70,
    )
    config = EmbeddingGemma2Config(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": hidden,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "global_head_dim": 16,
            "sliding_window_pattern": 2,
            "sliding_window": 8,
            "hidden_size_per_layer_input": 8,
            "embedding_dim": dim,
            "max_position_embeddings": 8192,
        },
        vision_config={
            "model_type": "gemma4_vision",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "head_dim": 8,
            "patch_size": 4,
            "pooling_kernel_size": 3,
            "position_embedding_size": 256,
        },
        audio_config={
            "model_type": "gemma4_audio",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "output_proj_dims": 48,
            "subsampling_conv_channels": [128, 4],
        },
        image_token_id=ids("<|image|>"),
        video_token_id=ids("<|video|>"),
        audio_token_id=ids("<|audio|>"),
        boi_token_id=ids("<|image>"),
        eoi_token_id=ids("<image|>"),
        boa_token_id=ids("<|audio>"),
        eoa_token_index=ids("<audio|>"),
    )
    torch.manual_seed(0)
    return _save(EmbeddingGemma2Model(config), processor, path)


# ---- the sentence-transformers files around a bare checkpoint -------------------------------


def _transformer(raw: Path, parts: tuple[str, ...], task: str, **processing: Any) -> Transformer:
    output: Any = ["hidden_states", -1] if task == "any-to-any" else "last_hidden_state"
    entry = {"method": "forward", "method_output_name": output}
    return Transformer(
        str(raw),
        transformer_task=task,
        modality_config={
            **{p: dict(entry) for p in parts},
            "message": {**entry, "format": "structured"},
        },
        module_output_name="token_embeddings",
        processing_kwargs=processing,
    )


def save_dense(
    raw: Path,
    out: Path,
    *,
    parts: tuple[str, ...] = ("text", "image", "audio", "video"),
    pooling: str = "lasttoken",
    task: str = "any-to-any",
    prompts: dict[str, str] | None = None,
    generation_prompt: bool = True,
) -> Path:
    """A repository with modules.json, as e5-omni, LCO, Qwen3-VL-Embedding and Gemma publish it."""
    processing = {"chat_template": {"add_generation_prompt": True}} if generation_prompt else {}
    first = _transformer(raw, parts, task, **processing)
    dim = first.model.config.get_text_config().to_dict().get("embedding_dim")
    pool = Pooling(dim or first.get_embedding_dimension(), pooling_mode=pooling)
    made = SentenceTransformer(modules=[first, pool, Normalize()], prompts=prompts, device="cpu")
    made.save(str(out), create_model_card=False)
    return out


def save_multi(raw: Path, out: Path, *, dim: int = 16) -> Path:
    """A repository as ColQwen-Omni publishes it: a projection of every token, no pooling."""
    first = _transformer(
        raw,
        ("text", "image", "audio", "video"),
        "any-to-any",
        chat_template={"add_generation_prompt": True},
    )
    torch.manual_seed(0)
    dense = Dense(
        in_features=first.get_embedding_dimension(),
        out_features=dim,
        bias=False,
        activation_function=nn.Identity(),
        module_input_name="token_embeddings",
    )
    made = MultiVectorEncoder(
        modules=[first, dense, MultiVectorMask(), Normalize(module_input_name="token_embeddings")],
        device="cpu",
    )
    made.save_pretrained(str(out), create_model_card=False)
    return out


def save_cross(raw: Path, out: Path) -> Path:
    """A repository as Qwen3-VL-Reranker publishes it: logit of yes minus logit of no."""
    first = Transformer(str(raw), transformer_task="any-to-any")
    encode = first.tokenizer
    made = CrossEncoder(
        modules=[
            first,
            LogitScore(
                true_token_id=encode("yes")["input_ids"][0],
                false_token_id=encode("no")["input_ids"][0],
            ),
        ],
        activation_fn=nn.Sigmoid(),
        prompts={"default": "Retrieve evidence."},
        default_prompt_name="default",
        device="cpu",
    )
    made.save_pretrained(str(out), create_model_card=False)
    return out


def describe(folder: Path, like: str, **changes: Any) -> Path:
    """Give a folder the row of the model it imitates, with what is smaller here."""
    lines = [f'like = "{like}"'] + [f"{k} = {json.dumps(v)}" for k, v in changes.items()]
    (folder / "omni.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
