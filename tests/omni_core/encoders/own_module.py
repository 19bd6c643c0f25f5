"""A repository with an input module of its own, by the rules of jina-embeddings-v5-omni's.

Media are bare: PIL images, one-dimensional arrays of samples, arrays of frames with the channels
last. Of anything else it makes a string, as that module does, and embeds the words.
"""

from __future__ import annotations

import json
from pathlib import Path

CODE = """
import numpy as np
import torch
from PIL import Image
from torch import nn


class Own(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        torch.manual_seed(5)
        self.words = nn.EmbeddingBag(256, dim)
        self.media = nn.ModuleDict({k: nn.Linear(192, dim) for k in ("image", "audio", "video")})
        self.seen = []

    modalities = ["text", "image", "audio", "video"]

    def preprocess(self, inputs, prompt=None, task=None, **kwargs):
        kinds, rows = [], []
        for one in inputs:
            if isinstance(one, Image.Image):
                kind, row = "image", np.asarray(one.convert("RGB").resize((8, 8)), np.float32) / 255
            elif isinstance(one, np.ndarray) and one.ndim == 1:
                frames = one[: len(one) // 192 * 192].reshape(192, -1)
                kind, row = "audio", np.log1p(np.abs(np.diff(frames, axis=1)).mean(1) * 100)
            elif isinstance(one, np.ndarray) and one.ndim == 4 and one.shape[-1] in (3, 4):
                small = [np.asarray(Image.fromarray(f).resize((8, 8)), np.float32) for f in one]
                kind, row = "video", np.mean(small, axis=0) / 255
            else:
                text = f"{prompt or ''}{one}"
                assert not text.startswith(("http", "/", "data:")), "it would be opened"
                kind, row = "text", np.bincount(list(text.encode()), minlength=256)
            kinds.append(kind)
            rows.append(torch.tensor(np.asarray(row, np.float32).ravel()))
        self.seen.append((tuple(kinds), prompt, task))
        return {"kinds": kinds, "rows": torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)}

    def forward(self, features, **kwargs):
        made = []
        for kind, row in zip(features["kinds"], features["rows"]):
            if kind == "text":
                made.append(row[:256] @ self.words.weight)
            else:
                made.append(self.media[kind](row[:192]))
        features["sentence_embedding"] = torch.stack(made)
        return features

    def get_sentence_embedding_dimension(self):
        return 24

    def save(self, *args, **kwargs):
        pass

    @classmethod
    def load(cls, *args, **kwargs):
        return cls()
"""


def build(folder: Path, **row: object) -> Path:
    """The repository, described as the row of jina-v5-omni-small with `row` changed."""
    folder.mkdir(parents=True)
    (folder / "custom_st.py").write_text(CODE, encoding="utf-8")
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "custom_st.Own"},
        {
            "idx": 1,
            "name": "1",
            "path": "1_Normalize",
            "type": "sentence_transformers.models.Normalize",
        },
    ]
    (folder / "1_Normalize").mkdir()
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (folder / "config.json").write_text('{"model_type": "own"}', encoding="utf-8")
    own = ['like = "jina-v5-omni-small"', "dim = 24", "memory_gb = 0", "matryoshka = []"]
    own += [f"{k} = {json.dumps(v)}" for k, v in row.items()]
    (folder / "omni.toml").write_text("\n".join(own) + "\n", encoding="utf-8")
    return folder
