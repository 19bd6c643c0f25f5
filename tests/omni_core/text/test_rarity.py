from __future__ import annotations

import pytest

from omni_core.text.rarity import rare_terms


@pytest.mark.parametrize(
    ("question", "rare"),
    [
        ("what did Kowalczyk say about the weir", ("kowalczyk",)),
        ("error E-1042", ("e1042",)),
        ("order 88213", ("88213",)),
        ("zyrgblat", ("zyrgblat",)),
        ("Łukaszczyk", ("lukaszczyk",)),
    ],
)
def test_names_and_codes_are_rare(question: str, rare: tuple[str, ...]) -> None:
    assert rare_terms(question) == rare


@pytest.mark.parametrize(
    "question",
    ["", "how volcanic eruptions happen", "a cup of coffee", "eine Tasse Kaffee", "type 2 diabetes",
     "火山爆发是如何发生的", "タイヤの交換方法", "5 km", "🙂"],
)  # fmt: skip
def test_everyday_words_are_not(question: str) -> None:
    assert rare_terms(question) == ()
