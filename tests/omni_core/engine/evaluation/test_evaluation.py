"""Evaluation of a small library on the weightless encoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine
from omni_core.engine.evaluation import EvaluationProgress, evaluate
from omni_core.engine.evaluation.questions import language_of, load
from omni_core.errors import BadRequestError

VOLCANO = {
    "id": "v", "direction": "text->document", "type": "text",
    "query": "how deep is the magma chamber", "relevant": [{"item": "notes.md"}],
}  # fmt: skip
MEADOW = {
    "id": "m", "direction": "text->video", "type": "text",
    "query": "the meadow behind the station is green",
    "relevant": [{"item": "colours.mp4", "t0": 20, "t1": 40}],
}  # fmt: skip
NAMED = {
    "id": "n", "direction": "text->image", "type": "text", "query": "fire truck",
    "relevant": [{"item": "fire_truck.png"}],
}  # fmt: skip
NULL = {
    "id": "z", "direction": "text->image", "type": "text", "query": "zebra crossing quartet",
    "relevant": [],
}  # fmt: skip


def written(path: Path, *entries: dict[str, Any]) -> str:
    path.write_text(json.dumps(entries))
    return str(path)


async def test_old_keys_stay_and_every_question_counts_once(
    engine: Engine, media: Path, tmp_path: Path
) -> None:
    path = written(tmp_path / "queries.json", VOLCANO, MEADOW)
    report = await evaluate(engine, path, str(media))
    assert (report["queries"], report["files"], report["failed"]) == (2, 4, {})
    whole = report["whole_library"]
    assert sorted(whole) == ["all", "text->document", "text->video"]
    assert whole["all"]["n"] == 2
    assert whole["text->document"]["r1"] == 1.0
    assert report["modality_filtered"]["text->video"]["r1"] == 1.0
    row = report["rows"][0]
    assert {"id", "direction", "query", "whole", "filtered", "top", "rank"} <= set(row)
    assert (row["id"], row["rank"]) == ("v", 1)
    json.dumps(report)  # nothing but JSON values


async def test_a_mean_lies_inside_its_interval(engine: Engine, media: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "queries.json", VOLCANO, MEADOW, NAMED)
    scores = (await evaluate(engine, path, str(media)))["whole_library"]["all"]
    for measure in ("r1", "r5", "mrr", "ndcg10"):
        assert scores[f"{measure}_low"] <= scores[measure] <= scores[f"{measure}_high"]
    assert scores["mrr_low"] < 1.0  # three right answers prove little


async def test_several_files_are_asked_in_one_library_each_in_its_language(
    engine: Engine, media: Path, tmp_path: Path
) -> None:
    german = {**VOLCANO, "id": "v-de", "query": "wie tief liegt die Magmakammer"}
    seen: list[EvaluationProgress] = []

    async def progress(p: EvaluationProgress) -> None:
        seen.append(p)

    paths = [
        written(tmp_path / "queries.json", VOLCANO, {**NAMED, "lang": "en"}),
        written(tmp_path / "queries.de.json", german),
    ]
    report = await evaluate(engine, paths, str(media), progress)
    assert sorted(report["languages"]) == ["de", "en", "und"]
    assert report["languages"]["de"]["whole_library"]["all"]["n"] == 1
    assert report["whole_library"]["all"]["n"] == 3
    assert [p.number for p in seen if p.stage == "ingest"] == [1, 2, 3, 4]
    assert [(p.number, p.total) for p in seen if p.stage == "ask"] == [(1, 3), (2, 3), (3, 3)]


async def test_with_names_hidden_a_name_finds_nothing(
    engine: Engine, media: Path, tmp_path: Path
) -> None:
    path = written(tmp_path / "queries.json", NAMED, MEADOW)
    report = await evaluate(engine, path, str(media), hide_names=True)
    named, said = report["rows"]
    assert report["settings"]["names_hidden"]
    assert not any("fire" in top.lower() for top in named["top"])
    assert all(hit["channel"] != "text" for hit in named["hits"] if hit["item"].endswith("png"))
    assert said["rank"] == 1  # what is in the files is still found
    titles = [s.title for s in (await engine.sources()).sources]
    assert sum(t.isdigit() and len(t) == 8 for t in titles) == 3  # notes.md has a heading
    assert "Volcano trip" in titles


@pytest.mark.parametrize("first", [False, True])
async def test_a_library_filled_the_other_way_is_refused(
    engine: Engine, media: Path, tmp_path: Path, first: bool
) -> None:
    path = written(tmp_path / "queries.json", VOLCANO)
    await evaluate(engine, path, str(media), hide_names=first)
    await evaluate(engine, path, str(media), hide_names=first)  # again costs nothing
    with pytest.raises(BadRequestError, match="choose another folder with --store"):
        await evaluate(engine, path, str(media), hide_names=not first)


async def test_questions_without_an_answer_are_counted_apart(
    engine: Engine, media: Path, tmp_path: Path
) -> None:
    path = written(tmp_path / "queries.json", VOLCANO, NULL)
    report = await evaluate(engine, path, str(media))
    assert report["whole_library"]["all"]["n"] == 1
    nothing = report["unanswerable"]["all"]
    assert nothing["n"] == 1
    assert nothing["nothing"] + nothing["only_weak"] + nothing["fair"] + nothing["strong"] == 1
    assert report["answered"]["all"]["n"] == 1
    null = report["rows"][1]
    assert (null["rank"], null["whole"]["mrr"], null["filtered"]["mrr"]) == (None, 0.0, 0.0)


async def test_reliability_counts_the_first_hits_by_their_grade(
    engine: Engine, media: Path, tmp_path: Path
) -> None:
    wrong = {**VOLCANO, "id": "w", "relevant": [{"item": "lake.jpg"}]}
    path = written(tmp_path / "queries.json", VOLCANO, wrong)
    report = await evaluate(engine, path, str(media))
    grade = report["rows"][0]["hits"][0]["match"]
    found = report["reliability"]["first"]["all"][grade]
    assert (found["n"], found["right"], found["share"]) == (2, 1, 0.5)
    assert 0 < found["low"] < 0.5 < found["high"] < 1


async def test_shares_of_the_channels_add_up(engine: Engine, media: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "queries.json", VOLCANO, MEADOW, NAMED)
    report = await evaluate(engine, path, str(media))
    for shares in (*report["channels"].values(), *report["modalities"].values()):
        assert sum(shares.values()) == pytest.approx(1)
    assert "speech" in report["channels"]["all"]


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("queries.es.json", "es"),
        ("q.zh-Hant.json", "zh-Hant"),
        ("queries.json", ""),
        ("queries.dev.json", ""),
        ("queries.v2.json", ""),
    ],
)
def test_the_name_of_a_file_says_its_language(name: str, language: str) -> None:
    assert language_of(f"/somewhere/{name}") == language


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[", "is not JSON"),
        ("[]", "no questions in"),
        ('[{"query": "x"}]', "entry 0 lacks 'relevant'"),
        ('[{"query": "x", "relevant": [], "type": "smell"}]', "type is 'smell'"),
    ],
)
def test_a_wrong_file_of_questions_says_what_is_wrong(
    tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "q.json").write_text(content)
    with pytest.raises(BadRequestError, match=said):
        load([str(tmp_path / "q.json")])


async def test_without_a_folder_of_media_nothing_is_measured(
    engine: Engine, tmp_path: Path
) -> None:
    path = written(tmp_path / "queries.json", VOLCANO)
    with pytest.raises(BadRequestError, match="is not a folder"):
        await evaluate(engine, path, str(tmp_path / "nowhere"))
