# ruff: noqa: E501 - a fingerprint is one string
"""The fingerprints of every encoder, as libraries on disk hold them.

A library is refused by an encoder of another fingerprint: a change here asks every user of that
encoder to re-index. So a row changes only together with the vectors.
"""

from __future__ import annotations

import pytest

from omni_core import encoders
from omni_core.encoders.gemma import files
from omni_core.encoders.transformer.catalogue import known_models
from omni_core.settings import Settings

FINGERPRINTS = {
    "hashing": "hashing@1/384/words blake2b, pictures as colour words",
    "embedded": "embedded@8199be6f-0db566fd-e792380d-57934424/896/text mean 256, pictures recipe 3",
    "embeddinggemma-2-onnx": "embeddinggemma-2-onnx@daa72c51243991dfcaf9f9137d2c573d8f7790c0/768/int8 mean, frames 0.5/s x8, s30 p9fec2002",
    "e5-omni-7b": "e5-omni-7b@ffea4ae1382fc26dc9fc337a89ced3fab58e408b/3584/lasttoken fps1x64 px1003520 vpx50176 s300 p04329a00",
    "e5-omni-3b": "e5-omni-3b@bc2c24d7596ea578d08adffd96146ed47b1e5f72/2048/lasttoken fps1x64 px1003520 vpx50176 s300 p04329a00",
    "omni-embed-nemotron-3b": "omni-embed-nemotron-3b@e0e93aaaa65d2422a8a0c1284116e71f7a0fe966/2048/mean fps2x64 px1003520 vpx50176 s128 pd112a019 both-ways",
    "lco-omni-3b": "lco-omni-3b@93aadb155d07c16018cc241efe03e4c278e6001c/2048/lasttoken fps2x64 px1003520 vpx50176 s300 p8855508a",
    "lco-omni-7b": "lco-omni-7b@3d38f58aae1253a4443b1270b0767f1e533936cf/3584/lasttoken fps2x64 px1003520 vpx50176 s300 p8855508a",
    "embeddinggemma-2": "embeddinggemma-2@914f7f89142e33e77833254d9c9b90c3cef7303b/768/mean fps1x32 pxNone vpxNone s30 p3f017e4f",
    "jina-v5-omni-small": "jina-v5-omni-small@dfdcc361ec47c69a5afcd81e4bd148abb9d0568e/1024/lasttoken fps1x32 px12845056 vpx12845056 s30 pf3a4a047",
    "jina-v5-omni-nano": "jina-v5-omni-nano@2b230c93c996e091a45b95af4e3315dd07605ee3/768/lasttoken fps1x32 px12845056 vpx12845056 s30 pf3a4a047",
    "bidirlm-omni": "bidirlm-omni@4d8a7d34095ef8c4ab760744015825b809756dfe/2048/mean fps2x64 px1003520 vpxNone s30 p8855508a least4",
    "qwen3-vl-embedding-2b": "qwen3-vl-embedding-2b@9f2f7e710d6d81056aa5c0a4f04764fec6bb7bda/2048/lasttoken fps1x64 px1843200 vpx786432 clip15728640 s0 pb1ef6571",
    "qwen3-vl-embedding-8b": "qwen3-vl-embedding-8b@2c4565515e0f265c6511776e7193b22c0968ddc7/4096/lasttoken fps1x64 px1843200 vpx786432 clip15728640 s0 pb1ef6571",
    "vlm2vec-v2": "vlm2vec-v2@e39ff079b8275ef876d3656da8c0bddbff3c4dde/1536/lasttoken fps1x8 px1003520 vpx150528 s0 p934ca350",
    "gve-3b": "gve-3b@2c2962d4bb1503b478b8a0d975d7b9fdcefbd3f3/2048/lasttoken fps1x8 px1003520 vpx156800 s0 p12025c5e",
    "gve-7b": "gve-7b@3046045eeed08e1d8731c3b943827b81b2b20817/3584/lasttoken fps1x8 px1003520 vpx156800 s0 p12025c5e",
    "wemm-embedding-2b": "wemm-embedding-2b@df8094e5caf29083d9cac28e96fad6cfbe3ee57f/2048/state of its <embedding> token fps2x64 pxNone vpxNone s0 p8855508a",
    "wemm-embedding-4b": "wemm-embedding-4b@a28b25c5d18cf71ec46b115e06ea79ab00ee4819/2560/state of its <embedding> token fps2x64 pxNone vpxNone s0 p8855508a",
    "wemm-embedding-9b": "wemm-embedding-9b@59f673e3d53c4f71bb364adf344536dc1c2bc95e/4096/state of its <embedding> token fps2x64 pxNone vpxNone s0 p8855508a",
    "colqwen-omni": "colqwen-omni@61e78ef2f9c826cac588a01e44df51672ce957bd/128/none fps1x64 px802816 vpx25088 s30 p8855508a",
}


def with_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with the [omni] extra: without it EmbeddingGemma 2 runs on ONNX Runtime."""
    monkeypatch.setattr(files, "find", lambda settings: None)
    monkeypatch.setattr(files, "with_torch", lambda: True)


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_a_stored_library_still_belongs_to_its_encoder(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_torch(monkeypatch)
    assert encoders.describe(Settings(encoder=name)).fingerprint == FINGERPRINTS[name]


def test_options_that_change_vectors_change_the_fingerprint_in_the_known_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_torch(monkeypatch)
    cut = encoders.describe(Settings(encoder="embeddinggemma-2", encoder_dim=256))
    assert cut.fingerprint == FINGERPRINTS["embeddinggemma-2"].replace("/768/", "/256/")
    pooled = encoders.describe(Settings(encoder="colqwen-omni", token_pool=3))
    assert pooled.fingerprint == FINGERPRINTS["colqwen-omni"] + " pool3"


def test_every_embedding_model_of_the_table_is_pinned_here() -> None:
    embedding = {
        name
        for name, spec in known_models().items()
        if spec.kind != "cross" and not spec.unsupported
    }
    assert FINGERPRINTS.keys() == embedding | {"hashing", "embedded", "embeddinggemma-2-onnx"}
