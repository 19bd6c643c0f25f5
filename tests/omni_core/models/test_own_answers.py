"""A worker looks at what its own models answer, before that leaves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import numpy as np
import pytest

from omni_core.encoders.hashing import HashingEncoder, WordOverlapReranker
from omni_core.encoders.remote import wire
from omni_core.errors import OmniError, UnavailableError
from omni_core.models.service import service
from omni_core.models.serving.app import worker_app
from omni_core.settings import Settings
from omni_core.types import TextContent
from tests.omni_core.encoders.remote.conftest import DEAF, TOKEN, loaded, running

pytestmark = pytest.mark.timeout(60)
TEXTS = [TextContent("lava in a channel"), TextContent("a copper bridge")]
VECTORS: dict[str, Callable[[Any], Any]] = {
    "a vector that is not finite": lambda found: [found[0] * np.float32("nan"), *found[1:]],
    "a vector that is not finite or has no length": lambda found: [found[0] * 0, *found[1:]],
    "shape (383,), not (dim,) with dim 384": lambda found: [v[:-1] for v in found],
    "1 vectors for 2 contents": lambda found: found[1:],
    "list, not a numpy array": lambda found: [v.tolist() for v in found],
}
SCORES: dict[str, Callable[[Any], Any]] = {
    "a score that is not finite": lambda found: [float("nan"), *found[1:]],
    "1 scores for 2 candidates": lambda found: found[1:],
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(worker_app(Settings(**DEAF, reranker="hashing"), TOKEN)) as found:
        yield loaded(found)


def broken(
    monkeypatch: pytest.MonkeyPatch, of: type, method: str, change: Callable[[Any], Any]
) -> None:
    sound = getattr(of, method)
    monkeypatch.setattr(of, method, lambda *args: change(sound(*args)))


def said(url: str, path: str, contents: list[Any]) -> str:
    headers = {"authorization": f"Bearer {TOKEN}"}
    answer = httpx2.post(f"{url}/{path}", content=wire.pack(contents), headers=headers, timeout=30)
    assert answer.status_code in (500, 503)
    return str(answer.json()["error"])


@pytest.mark.parametrize("path", ["encode", "questions"])
@pytest.mark.parametrize("wrong", VECTORS)
def test_a_vector_that_is_none_leaves_no_worker(
    url: str, monkeypatch: pytest.MonkeyPatch, path: str, wrong: str
) -> None:
    broken(monkeypatch, HashingEncoder, "encode", VECTORS[wrong])
    line = said(url, path, [*TEXTS])
    assert f"the encoder hashing answered {wrong}" in line and "\n" not in line


@pytest.mark.parametrize("wrong", SCORES)
def test_a_score_that_is_none_leaves_no_worker_and_no_process_of_models(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, wrong: str
) -> None:
    broken(monkeypatch, WordOverlapReranker, "score", SCORES[wrong])
    line = said(url, "rerank", [TEXTS[0], *TEXTS])
    assert f"answered {wrong}" in line and "\n" not in line
    models = service(Settings(store=str(tmp_path), **DEAF, reranker="hashing"))
    with pytest.raises(OmniError, match=wrong) as e:
        models.rerank(TEXTS[0], ["lava", "a bridge"])
    assert isinstance(e.value, UnavailableError) == ("candidates" in wrong)
    models.close()
