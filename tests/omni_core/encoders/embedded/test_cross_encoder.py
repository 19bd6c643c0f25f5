"""The small reranker with its real weights; skipped where they are not installed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from omni_core import encoders, weights
from omni_core.encoders.embedded.cross_encoder import CrossEncoder
from omni_core.errors import UnavailableError
from omni_core.settings import Settings
from omni_core.types import ImageContent, TextContent

PASSAGES = (
    "A recipe for pancakes with milk, flour and two eggs.",
    "Berlin has 3.7 million registered inhabitants in an area of 891 square kilometres.",
    "Berlin is well known for its museums and its bears.",
)
QUESTION = TextContent("How many people live in Berlin?")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        store=str(tmp_path_factory.mktemp("store")), reranker="minilm-l12", rerank_ms=60_000
    )


@pytest.fixture(scope="module")
def reranker(settings: Settings) -> Any:
    try:
        weights.find("rerank-words", settings)
    except UnavailableError as e:
        pytest.skip(str(e))
    return encoders.load_reranker(settings)


pytestmark = pytest.mark.models


def test_the_passage_that_answers_scores_near_one_and_the_others_less(reranker: Any) -> None:
    recipe, answer, other = reranker.score(QUESTION, PASSAGES)
    assert answer > 0.95
    assert recipe < other < 0.95
    assert recipe < 0.01


def test_a_score_does_not_depend_on_what_it_is_computed_with(reranker: Any) -> None:
    together = reranker.score(QUESTION, PASSAGES)
    alone = [reranker.score(QUESTION, [TextContent(p)])[0] for p in PASSAGES]
    assert together == alone


def test_pictures_get_no_score(reranker: Any) -> None:
    picture = ImageContent(np.zeros((8, 8, 3), np.uint8))
    assert reranker.score(QUESTION, [picture, PASSAGES[1]])[0] is None
    assert reranker.score(picture, PASSAGES) == [None, None, None]


def test_questions_and_passages_of_any_length_are_scored(reranker: Any) -> None:
    long = TextContent("where is it " * 2000)
    scores = reranker.score(long, ["", PASSAGES[0] * 500])
    assert all(0 <= s <= 1 for s in scores)


def test_what_comes_after_the_time_is_over_gets_no_score(settings: Settings, reranker: Any) -> None:
    hurried = CrossEncoder(replace(settings, rerank_ms=1))
    scores = hurried.score(QUESTION, PASSAGES * 200)
    assert scores[0] is not None
    assert scores[-1] is None


def test_it_is_described_without_its_weights_and_reads_english_words(settings: Settings) -> None:
    nowhere = replace(settings, encoder_url="http://127.0.0.1:9")
    info = encoders.describe_reranker(nowhere)
    assert (info.name, info.text_only, info.languages) == ("minilm-l12", True, ("en",))
    assert encoders.describe_reranker(replace(settings, reranker="hashing")).lift == 0
