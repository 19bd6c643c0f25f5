"""Questions of order and count, asked of a film of three colours with subtitles, and of texts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.engine.results import SearchHit
from omni_core.errors import BadRequestError, NotFoundError

pytestmark = pytest.mark.timeout(240)

BEFORE, AFTER = (
    "The lighthouse keeper lights the lamp.\n\n" * 3,
    "The ferry leaves the harbour at noon.\n\n" * 3,
)


@pytest.fixture
async def library(engine: Engine, media: Path) -> Engine:
    """`colours.mp4`: red to 0:20, green to 0:40, blue to 1:00, each with one sentence."""
    async with asyncio.timeout(120):
        for name in ("colours.mp4", "notes.md", "fire_truck.png"):
            await engine.ingest(IngestRequest(str(media / name)))
    return engine


def places(hits: tuple[SearchHit, ...]) -> list[tuple[str, float | None]]:
    return [(h.title, h.start_s) for h in hits]


@pytest.mark.parametrize(
    "question",
    [
        "What is said right after the meadow behind the station?",
        "Right after the meadow behind the station, what does she say?",
        "¿Qué se dice justo después de meadow behind the station?",
        "Was wird gesagt, direkt nachdem: meadow behind the station?",
        "Что говорят сразу после meadow behind the station?",
        "meadow behind the station之后紧接着说了什么?",
    ],
)
async def test_what_comes_right_after_is_the_next_moment_of_that_source(
    library: Engine, question: str
) -> None:
    result = await library.search(SearchRequest(question))
    first = result.hits[0]
    assert first.text == "At last the deep lake."
    assert (first.title, first.start_s) == ("colours", 41.0)
    assert "right after “" in result.read_as and "[colours @ 0:21.0-0:39.0]" in result.read_as


async def test_what_comes_right_before_is_the_moment_before(library: Engine) -> None:
    result = await library.search(SearchRequest("What is said right before the deep lake?"))
    assert result.hits[0].text == "The meadow behind the station is green."
    assert result.read_as.startswith("right before “the deep lake” at [colours @ ")


async def test_what_lies_between_two_moments_is_found(library: Engine) -> None:
    question = "What is said between the fire engine and the deep lake?"
    result = await library.search(SearchRequest(question))
    assert [h.text for h in result.hits] == ["The meadow behind the station is green."]


async def test_what_is_sought_after_a_moment_need_not_be_the_next_one(library: Engine) -> None:
    question = "Where does she mention the deep lake right after the fire engine?"
    result = await library.search(SearchRequest(question))
    assert result.hits[0].text == "At last the deep lake."


async def test_the_end_of_a_source_is_its_last_moment(library: Engine) -> None:
    result = await library.search(SearchRequest("What is said at the end of colours.mp4?"))
    assert result.hits[0].text == "At last the deep lake."
    start = await library.search(SearchRequest("What is said at the beginning of colours.mp4?"))
    assert start.hits[0].text == "First we look at the fire engine."
    assert start.read_as == "at the beginning of [colours]"


async def test_the_first_and_the_last_time_are_by_time(engine: Engine, tmp_path: Path) -> None:
    film = await _talk(engine, tmp_path, ["the harbour", "a lamp", "the harbour", "a meadow"])
    last = await engine.search(SearchRequest("When is the harbour last mentioned?"))
    first = await engine.search(SearchRequest("When is the harbour first mentioned?"))
    assert places(last.hits)[:2] == [(film, 40.0), (film, 0.0)]
    assert places(first.hits)[:2] == [(film, 0.0), (film, 40.0)]
    given = await engine.search(SearchRequest("the harbour", order="last"))
    assert places(given.hits) == places(last.hits)
    assert given.read_as.startswith("the last time of “harbour”")


async def test_a_count_is_of_distinct_moments_each_cited(engine: Engine, tmp_path: Path) -> None:
    film = await _talk(engine, tmp_path, ["the harbour", "a lamp", "the harbour", "the harbour"])
    result = await engine.search(SearchRequest("How often is the harbour mentioned?", limit=2))
    assert result.count == 3
    assert places(result.hits) == [(film, 0.0), (film, 40.0)] and result.next_cursor
    rest = await engine.search(
        SearchRequest("How often is the harbour mentioned?", limit=2, cursor=result.next_cursor)
    )
    assert places(rest.hits) == [(film, 60.0)] and rest.count == 3
    given = await engine.search(SearchRequest("harbour", count=True))
    assert (given.count, len(given.hits)) == (3, 3)


async def test_nothing_is_counted_where_nothing_matches(library: Engine) -> None:
    result = await library.search(SearchRequest("How often are zebras mentioned?"))
    assert not result.count
    assert result.count is None or result.at_least


async def test_refs_say_after_before_and_between_without_words(library: Engine) -> None:
    (meadow, *_) = (await library.search(SearchRequest("meadow behind the station"))).hits
    after = await library.search(SearchRequest("what is said", after=meadow.ref))
    before = await library.search(SearchRequest("what is said", before=meadow.ref))
    assert after.hits[0].text == "At last the deep lake."
    assert before.hits[0].text == "First we look at the fire engine."
    source = meadow.source_id
    between = await library.search(
        SearchRequest("what is said", after=f"{source}@10", before=f"{source}@50")
    )
    assert [h.text for h in between.hits] == ["The meadow behind the station is green."]


async def test_a_ref_that_is_no_moment_is_refused(library: Engine) -> None:
    (picture, *_) = (await library.search(SearchRequest("fire truck"))).hits
    for ref, error in ((picture.source_id, BadRequestError), ("seg_" + "a" * 26, NotFoundError)):
        with pytest.raises(error):
            await library.search(SearchRequest("what is shown", after=ref))
    (film, *_) = (await library.search(SearchRequest("the deep lake"))).hits
    (text, *_) = (await library.search(SearchRequest("the magma chamber"))).hits
    with pytest.raises(BadRequestError, match="two sources"):
        await library.search(SearchRequest("x", after=film.ref, before=text.ref))


async def test_a_reference_that_is_not_found_is_said_and_the_words_are_searched(
    library: Engine,
) -> None:
    result = await library.search(
        SearchRequest("What is shown right after the fire truck?", modality=("image",))  # type: ignore[arg-type]
    )
    assert result.read_as == ""
    assert "“the fire truck” was not found as a moment" in result.note


async def test_words_in_quotation_marks_are_not_read_as_order(library: Engine) -> None:
    result = await library.search(SearchRequest('"right after the meadow behind the station"'))
    assert result.read_as == "" and result.count is None


async def test_other_questions_are_answered_as_before(library: Engine) -> None:
    result = await library.search(SearchRequest("the magma chamber below the crater"))
    assert result.hits[0].title == "Volcano trip"
    assert (result.read_as, result.count, result.at_least) == ("", None, False)


async def _talk(engine: Engine, folder: Path, subjects: list[str]) -> str:
    """A recording in which a sentence on each subject begins every twenty seconds."""
    from tests.omni_core.engine.conftest import film

    path = folder / "talk.mp4"
    film(path, [(128, 128, 128)] * len(subjects), seconds=20)
    cues = (
        f"{n + 1}\n00:{n * 20 // 60:02}:{n * 20 % 60:02},000 --> "
        f"00:{(n * 20 + 5) // 60:02}:{(n * 20 + 5) % 60:02},000\nWe talk about {subject} now.\n"
        for n, subject in enumerate(subjects)
    )
    path.with_suffix(".srt").write_text("\n".join(cues))
    async with asyncio.timeout(120):
        await engine.ingest(IngestRequest(str(path)))
    return "talk"
