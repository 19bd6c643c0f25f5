"""What strangers choose, names and words, stands inside the fence in whatever the server says."""

from __future__ import annotations

import pytest

from bench.injections.texts import MARK, TEXTS, outside
from bench.trust_injections import of_carrier
from omni_server.text import Fence, fenced, quoted

PLAIN, QUOTES = TEXTS[0], TEXTS[18]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("carrier", "text"), [("file name", QUOTES), ("mail", PLAIN)])
async def test_no_answer_message_or_question_has_an_injection_outside_the_fence(
    carrier: str, text: str
) -> None:
    line = await of_carrier(carrier, [text])
    assert line.met, line


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[8:32]))
def test_a_name_in_a_message_is_a_number_and_stands_in_the_fence_behind_it(text: str) -> None:
    said = fenced(f"NOT_FOUND: no file {quoted(text, 400)} there; did you mean {text!r}?")
    assert said.startswith("NOT_FOUND: no file [1] there; did you mean [1]?\n") or "[2]?" in said
    assert MARK in said and MARK not in outside(said)


def test_a_name_that_was_cut_off_stays_in_the_fence() -> None:
    said = fenced(f"BUSY: {quoted(QUOTES, 400)}"[:40])
    assert MARK in said and MARK not in outside(said)


def test_ids_numbers_and_apostrophes_of_our_own_stay_where_they_are() -> None:
    said = "UNKNOWN_SOURCE: no source has the id 'src_aaaaaaaaaaaaaaaa'; the file's bytes, '12:04'"
    assert fenced(said) == said


def test_one_fence_holds_the_words_and_the_names_of_an_answer() -> None:
    fence = Fence()
    said = fence.written([fence.notice, fence.around("words"), "now: 'a.md' and 'a.md', 'b.md'"])
    assert said.count(fence.notice) == 1
    assert "now: [1] and [1], [2]\n" in said and "[1] a.md\n[2] b.md" in said
