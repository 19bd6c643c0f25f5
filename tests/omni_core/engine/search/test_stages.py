"""Each stage of a search by itself, over an exact index without a disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import BadRequestError, Engine, IngestRequest, Modality, SearchRequest, stages
from omni_core.engine.search.pipeline import as_moments, drop_unwanted, fuse, retrieve
from omni_core.engine.search.query_by_example import by_ref
from omni_core.engine.search.question import Question, in_words
from omni_core.engine.search.scope import scope_of
from omni_core.payload import in_collection, of_modalities, of_sources
from omni_core.query import Filter
from omni_core.retrieval.moments import page
from omni_core.settings import Settings


@pytest.fixture
async def engine(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> AsyncIterator[Engine]:
    async with opened(replace(settings, index="memory")) as engine:
        for name in ("fire_truck.png", "lake.jpg", "notes.md"):
            await engine.ingest(IngestRequest(str(media / name)))
        yield engine


async def test_the_scope_is_a_filter_and_what_lies_within_it(engine: Engine) -> None:
    context = engine._context
    scope = await scope_of(context, SearchRequest("x", modality=(Modality.IMAGE,)))
    assert scope.filter == Filter(must=(in_collection("default"), of_modalities([Modality.IMAGE])))
    assert scope.sources == 3 and scope.segments >= 3
    one = await scope_of(context, SearchRequest("x", source="lake"))
    assert one.sources == 1 and one.when_resolved == ""
    assert one.without_sources(()) is one
    without = one.without_sources(("src_a",))
    assert without.filter.must == one.filter.must
    assert without.filter.must_not == (of_sources(("src_a",)),)
    dated = await scope_of(context, SearchRequest("x", when="2026-11"))
    assert dated.when_resolved == "2026-11-01 00:00 to 2026-12-01 00:00 UTC"


async def test_retrieval_gives_one_ranking_by_meaning_and_one_by_words(engine: Engine) -> None:
    context = engine._context
    scope = await scope_of(context, SearchRequest("x"))
    found = await retrieve(context, await in_words(context, "magma chamber"), scope)
    assert found.dense and "magma" in found.bm25[0].stored.text
    assert [p.score for p in found.dense] == sorted((p.score for p in found.dense), reverse=True)
    nothing = await retrieve(context, Question((), ""), scope)
    assert (nothing.dense, nothing.bm25) == ((), ())


async def test_fused_candidates_become_moments_of_their_sources(engine: Engine) -> None:
    context = engine._context
    scope = await scope_of(context, SearchRequest("x"))
    question = await in_words(context, "magma chamber below the crater")
    candidates, _ = await fuse(question, await retrieve(context, question, scope))
    assert candidates[0].lexical > 0.5
    assert candidates[0].score > (candidates[0].cosine or 0.0)
    moments = await as_moments(context, candidates, compared=4)
    assert moments[0].best.id == candidates[0].id
    assert sum(len(m.members) for m in moments) == len(candidates)


async def test_what_is_nearer_to_the_unwanted_is_dropped(engine: Engine) -> None:
    context = engine._context
    request = SearchRequest("picture red or blue", modality=(Modality.IMAGE,), exclude="blue")
    question = await in_words(context, request.query)
    found = await retrieve(context, question, await scope_of(context, request))
    candidates, _ = await fuse(question, found)
    left = await drop_unwanted(context, request, candidates)
    assert 0 < len(left) < len(candidates)
    assert await drop_unwanted(context, replace(request, exclude=""), candidates) == candidates


@pytest.mark.parametrize("question", ["magma chamber below the crater", "a red picture"])
async def test_a_question_asks_the_index_for_rankings_and_for_the_vectors_that_it_compares(
    opened: Callable[..., Any], media: Path, question: str
) -> None:
    async with opened() as engine:
        for name in ("fire_truck.png", "lake.jpg", "notes.md", "colours.mp4"):
            await engine.ingest(IngestRequest(str(media / name)))
        asked: list[str] = []
        stages.listener.set(lambda name, _: asked.append(name))
        result = await engine.search(SearchRequest(question))
    assert result.hits
    calls = [name for name in asked if name.startswith("index_process.")]
    assert calls == ["index_process.search", "index_process.vectors"]


async def test_an_example_brings_its_vectors_and_its_channels(engine: Engine) -> None:
    row = (await engine.sources(match="lake")).sources[0]
    question = await by_ref(engine._context, row.id, same_source=False)
    assert question.vectors and question.words == ""
    assert question.exclude_sources == (row.id,)
    assert question.example_ids and {c.value for c in question.example_channels} >= {"visual"}


async def test_cursors_of_lists_and_of_reading_belong_to_their_request(engine: Engine) -> None:
    first = await engine.sources(limit=2)
    rest = await engine.sources(limit=2, cursor=first.next_cursor)
    assert len({s.id for s in (*first.sources, *rest.sources)}) == 3 == rest.total
    assert rest.next_cursor == ""
    for call in (
        engine.sources(limit=2, state="ready", cursor=first.next_cursor),
        engine.read("notes", cursor=first.next_cursor),
        engine.search(SearchRequest("x", cursor=first.next_cursor)),
    ):
        with pytest.raises(BadRequestError) as refused:
            await call
        assert refused.value.code == "BAD_CURSOR"


@pytest.mark.parametrize("limit", [1, 6])
async def test_a_page_is_the_same_whether_all_moments_are_made_or_its_own(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path, limit: int
) -> None:
    alike = "the old lighthouse keeper counted every ship that passed the rocks"
    for n in range(12):
        parts = [f"Part {i} of {n}. magma " + f"rock{i}{n} " * 150 for i in range(5)]
        copied = [f"{alike} " * 20] if n in (0, 11) else []
        (tmp_path / f"parts {n}.txt").write_text("\n\n".join(parts + copied))
    async with opened(replace(settings, index="edge")) as engine:
        for n in range(12):
            await engine.ingest(IngestRequest(str(tmp_path / f"parts {n}.txt")))
        context = engine._context
        for words in ("magma", "lighthouse keeper rocks", "part of rock31"):
            question = await in_words(context, words)
            scope = await scope_of(context, SearchRequest(words))
            candidates, _ = await fuse(question, await retrieve(context, question, scope))
            every = await as_moments(context, candidates, compared=4 * limit)
            own = await as_moments(
                context,
                candidates,
                compared=4 * limit,
                enough=lambda ranked: page(ranked, 0, limit, 3)[1],
            )
            assert page(own, 0, limit, 3) == page(every, 0, limit, 3)
            assert words != "magma" or len(own) < len(every)
            assert words[0] != "l" or own[0].also_at
