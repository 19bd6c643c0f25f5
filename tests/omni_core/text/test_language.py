from __future__ import annotations

import pytest

from omni_core.encoders.embedded.use import LANGUAGES
from omni_core.text import language

INSIDE = (
    "a cat", "a cup of coffee", "how volcanic eruptions happen", "una taza de café", "un gato",
    "eine Tasse Kaffee", "wie man einen Reifen wechselt", "une tasse de café", "een kopje koffie",
    "filiżanka kawy", "bir fincan kahve", "一杯咖啡", "一杯のコーヒー", "커피 한 잔",
    "поверхность луны", "فنجان قهوة", "กาแฟหนึ่งถ้วย", "E-1042", "reloj",
    "1998", "", "   ", "🙂", "RFC 9110",
)  # fmt: skip
OUTSIDE = {
    "miten rengas vaihdetaan": "fi", "egy csésze kávé": "hu", "hur byter man däck": "sv",
    "ένα φλιτζάνι καφέ": "el", "כוס קפה": "he", "एक कप कॉफ़ी": "hi", "một tách cà phê": "vi",
    "jak vyměnit pneumatiku": "cs",
}  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_a_text_that_may_be_in_a_known_language_is_not_outside(text: str) -> None:
    assert language.outside(text, LANGUAGES) == ""


@pytest.mark.parametrize("text", OUTSIDE)
def test_a_text_in_no_known_language_is_named(text: str) -> None:
    assert language.outside(text, LANGUAGES) == OUTSIDE[text]
    assert language.outside(text, (*LANGUAGES, OUTSIDE[text])) == ""


def test_every_language_that_the_default_model_reads_has_a_name() -> None:
    assert all(language.name(code)[0].isupper() for code in LANGUAGES)
    assert language.name("gcr") == "the language 'gcr'"


def test_a_question_of_common_words_is_answered_without_loading_the_identifier() -> None:
    language._identifier.cache_clear()
    assert language.outside("why do corals bleach in warm water", LANGUAGES) == ""
    assert language._identifier.cache_info().currsize == 0
    assert language.outside("jak vyměnit pneumatiku", LANGUAGES) == "cs"
    assert language._identifier.cache_info().currsize == 1
