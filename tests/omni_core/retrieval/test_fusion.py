from __future__ import annotations

import numpy as np
import pytest

from omni_core.payload import StoredSegment
from omni_core.points import ScoredPoint
from omni_core.retrieval.fusion import exclude, fuse, merge, stand_nowhere
from omni_core.types import Vector


def point(id_: str, score: float, text: str = "") -> ScoredPoint:
    return ScoredPoint(id_, score, StoredSegment({"text": text, "channel": "speech"}))


ABOUT = [
    point("near", 0.60, "the machine stopped working during the night"),
    point("fair", 0.45, "engines fail when they are cold"),
    point("far", 0.20, "a cup of coffee on the table"),
    point("code", 0.10, "error XK-4471 was logged by unit seven"),
    point("quote", 0.12, "well he was not a bad young man at all you know"),
    point("name", 0.15, "then Elinor came into the room"),
]


def lexical(*ids: str) -> list[ScoredPoint]:
    texts = {h.id: h for h in ABOUT}
    return [ScoredPoint(i, 9.0 - n, texts[i].stored) for n, i in enumerate(ids)]


def order(question: str, *ids: str) -> list[str]:
    return [s.id for s in fuse(ABOUT, lexical(*ids), question=question)]


def test_without_words_the_order_is_that_of_meaning() -> None:
    assert order("why did it break down") == ["near", "fair", "far", "name", "quote", "code"]


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("what is XK-4471", "code"),
        ("he was not a bad young man", "quote"),
        ('someone said "bad young man" once', "quote"),
        ("where was Elinor, in what room", "name"),
    ],
)
def test_a_code_a_quote_and_a_name_win_over_what_is_merely_about_it(
    question: str, best: str
) -> None:
    assert order(question, best)[0] == best


@pytest.mark.timeout(30)
def test_one_endless_word_in_a_question_keeps_nobody_waiting() -> None:
    assert order("x" * 200_000, "far") == order("why", "far")


def test_a_stray_common_word_changes_nothing() -> None:
    plain = order("why did the engine break down in the night")
    assert order("why did the engine break down in the night", "far", "quote", "name") == plain


def test_a_candidate_that_only_the_words_found_is_kept_with_its_scores() -> None:
    found = fuse(ABOUT[:3], lexical("quote"), question="he was not a bad young man")
    best = found[0]
    assert (best.id, best.cosine, best.bm25) == ("quote", None, 9.0)
    assert best.lexical == 1.0


def test_raw_scores_stay_as_the_index_gave_them() -> None:
    found = {s.id: s for s in fuse(ABOUT, lexical("code"), question="XK-4471")}
    assert found["near"].cosine == 0.60 and found["near"].bm25 is None
    assert found["code"].cosine == 0.10 and found["code"].bm25 == 9.0


def test_words_alone_still_rank() -> None:
    found = fuse([], lexical("quote", "far"), question="not a bad young man")
    assert [s.id for s in found] == ["quote", "far"]
    assert fuse([], []) == []


def test_an_example_without_words_ranks_by_meaning_alone() -> None:
    assert [s.id for s in fuse(ABOUT[:2], lexical("quote"))] == ["near", "fair", "quote"]


def test_words_are_cut_as_the_caller_cuts_them() -> None:
    letters = fuse(
        [point("a", 0.5, "xyz"), point("b", 0.4, "qrst")],
        [point("b", 1.0, "qrst")],
        question="qrst",
        terms=list,
    )
    assert letters[0].id == "b"


def test_several_rankings_of_one_kind_become_one() -> None:
    rankings = [[point("a", 0.3), point("b", 0.2)], [point("b", 0.9)], []]
    assert [(h.id, h.score) for h in merge(rankings)] == [("b", 0.9), ("a", 0.3)]


def unit(*values: float) -> Vector:
    v = np.array(values, np.float32)
    return v / np.linalg.norm(v)


def test_what_is_nearer_to_the_unwanted_goes_and_the_rest_stays() -> None:
    wanted, unwanted = unit(1, 0, 0), unit(0, 1, 0)
    vectors = {
        "dog": unit(1, 0.1, 0.2),
        "both": unit(0.5, 1, 0.2),
        "cat": unit(0.1, 1, 0.3),
        "tree": unit(0.1, 0.05, 1),
    }
    found = fuse(
        [point(i, float(v @ wanted)) for i, v in vectors.items()] + [point("no vector", 0.1)]
    )
    left = [s.id for s in exclude(found, [unwanted], vectors)]
    assert left == ["dog", "tree", "no vector"] or left == ["dog", "no vector", "tree"]


def test_an_image_is_not_excluded_only_because_images_are_alike() -> None:
    # Cosines between pictures run high (0.6 and more), between words and pictures low.
    rng = np.random.default_rng(0)
    common = unit(*([1.0] * 8))
    wanted = unit(1, -1, 1, -1, 1, -1, 1, -1)
    vectors = {f"p{i}": unit(*(common + 0.2 * rng.normal(size=8))) for i in range(20)}
    vectors["right"] = unit(*(common + 0.3 * wanted))
    unwanted = unit(*(common + 0.3 * rng.normal(size=8)))
    found = fuse([point(i, float(v @ wanted)) for i, v in vectors.items()])
    left = [s.id for s in exclude(found, [unwanted], vectors)]
    assert left[0] == "right"
    assert len(left) > 3


def test_what_says_the_unwanted_words_goes_whatever_its_vector() -> None:
    left = exclude(fuse(ABOUT), [], {}, unwanted_words="the Coffees")
    assert "far" not in [s.id for s in left]
    assert len(left) == len(ABOUT) - 1


def test_excluding_nothing_or_without_vectors_leaves_all() -> None:
    found = fuse(ABOUT)
    assert exclude(found, [], {}) == found
    assert exclude(found, [unit(1, 0)], {}) == found


def said(id_: str, source: str, text: str) -> ScoredPoint:
    return ScoredPoint(
        id_, 0.2, StoredSegment({"text": text, "channel": "speech", "source_id": source})
    )


def test_a_rare_word_of_one_source_makes_its_texts_more_than_weak() -> None:
    texts = [
        said("a", "one", "the obsidianite came later"),
        said("b", "one", "more obsidianite, from the ridge"),
        said("c", "two", "we talked about the ridge and what came later that day"),
    ]
    question = "who talked that day about the ridge and the obsidianite that came later"
    by_id = {c.id: c for c in fuse(texts, texts, question=question, rare=["obsidianite"])}
    assert by_id["a"].lexical >= 0.4
    assert by_id["b"].lexical >= 0.4
    elsewhere = [*texts, said("d", "two", "obsidianite again")]
    by_id = {c.id: c for c in fuse(elsewhere, elsewhere, question=question, rare=["obsidianite"])}
    assert by_id["a"].lexical < 0.4


def test_rare_words_stand_nowhere_only_where_they_are_the_question_and_in_no_text() -> None:
    texts = [said("a", "one", "the invoice of Nowak")]
    assert stand_nowhere(["kowalczyk"], "Kowalczyk invoice", texts)
    assert not stand_nowhere(["nowak"], "Nowak invoice", texts)
    assert not stand_nowhere(["eruptoin"], "how does a volcanic eruptoin happen", texts)
    assert not stand_nowhere([], "invoice", texts)
