from __future__ import annotations

from typing import Any

import pytest

from omni_core.engine.evaluation import compare
from omni_core.errors import BadRequestError


def row(id: str, rank: int | None, *, language: str = "en", item: str = "") -> dict[str, Any]:
    scores = {"r1": float(rank == 1), "r5": float(rank is not None and rank <= 5),
              "mrr": 1 / rank if rank else 0.0, "ndcg10": 1 / rank if rank else 0.0}  # fmt: skip
    return {
        "id": id, "direction": "text->image", "language": language, "query": f"what is {id}",
        "relevant": [{"item": item or id}], "whole": scores, "filtered": scores, "rank": rank,
        "top": [],
    }  # fmt: skip


def report(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"rows": list(rows)}


def test_a_gain_on_every_question_is_more_than_chance() -> None:
    before = report(*(row(f"q{n}", None) for n in range(10)))
    after = report(*(row(f"q{n}", 1) for n in range(10)))
    found = compare(before, after)
    gain = found["whole_library"]["text->image"]["r1"]
    assert (gain["before"], gain["after"], gain["difference"], gain["better"]) == (0, 1, 1, 10)
    assert gain["p"] == pytest.approx(2 / 2**10)
    assert len(found["changed"]) == 10
    assert found["changed"][0]["rank_before"] is None


def test_what_only_one_report_asked_is_left_out_and_said() -> None:
    other = {**row("c", 1), "query": "in other words"}
    found = compare(report(row("a", 1), row("b", 2), row("c", 1)), report(row("a", 2), other))
    assert (found["questions"], found["only_before"], found["reworded"]) == (1, 1, 1)
    assert found["only_after"] == 0


def test_equal_ids_in_several_languages_are_told_apart() -> None:
    rows = [row("a", 1), row("a", 2, language="es")]
    found = compare(report(*rows), report(*rows))
    assert found["questions"] == 2
    assert found["changed"] == []
    assert sorted(found["languages"]) == ["en", "es"]
    with pytest.raises(BadRequestError, match="not unique in the older"):
        compare(report(row("a", 1), row("a", 2)), report(*rows))


def test_translations_are_not_further_evidence() -> None:
    languages = ("en", "es", "de", "zh", "ru")
    before = [row(f"a-{x}", None, language=x, item="cat.jpg") for x in languages]
    after = [row(f"a-{x}", 1, language=x, item="cat.jpg") for x in languages]
    assert compare(report(*before), report(*after))["whole_library"]["all"]["r1"]["p"] == 1.0


def test_a_report_of_the_first_version_can_be_compared_with() -> None:
    old = {k: v for k, v in row("a", 2).items() if k not in ("language", "relevant")}
    found = compare(report(old), report(row("a", 1)))
    assert found["whole_library"]["all"]["mrr"]["difference"] == 0.5


def test_questions_without_an_answer_are_not_compared() -> None:
    null = {**row("n", None), "relevant": []}
    assert compare(report(row("a", 1), null), report(row("a", 1), null))["questions"] == 1


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ({}, "lacks 'rows'"),
        (report({"id": "a"}), "lacks 'whole'"),
        (report(row("x", 1)), "no question in common"),
    ],
)
def test_what_cannot_be_compared_says_why(before: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequestError, match=said):
        compare(before, report(row("a", 1)))
