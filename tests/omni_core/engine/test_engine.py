"""The whole way on the weightless encoder: files in, cited evidence out."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core import Engine, IngestRequest, OmniError, OpenRequest, SearchRequest
from omni_core.engine.results import IngestStatus
from omni_core.errors import (
    BadRequestError,
    NotFoundError,
    StoreError,
)
from omni_core.settings import Settings
from omni_core.types import Channel, Modality

pytestmark = pytest.mark.timeout(120)


async def put(engine: Engine, path: Path, **more: Any) -> IngestStatus:
    async with asyncio.timeout(60):
        return await engine.ingest(IngestRequest(str(path), **more))


async def fill(engine: Engine, media: Path) -> None:
    for name in ("fire_truck.png", "lake.jpg", "notes.md", "colours.mp4"):
        status = await put(engine, media / name)
        assert status.state == "ready", status


async def test_every_kind_of_file_is_found_by_what_it_shows_or_says(
    engine: Engine, media: Path
) -> None:
    await fill(engine, media)
    found = await engine.search(SearchRequest("red", modality=(Modality.IMAGE,)))
    assert found.hits[0].title == "fire truck" or "fire" in found.hits[0].title
    found = await engine.search(SearchRequest("magma chamber crater"))
    assert found.hits[0].modality is Modality.DOCUMENT
    found = await engine.search(SearchRequest("meadow behind the station"))
    hit = found.hits[0]
    assert (hit.modality, hit.why[0]) == (Modality.VIDEO, Channel.SPEECH)
    assert hit.start_s is not None and hit.end_s is not None
    assert 20 <= hit.start_s < hit.end_s <= 40
    assert found.searched_sources == 4


async def test_a_code_is_found_though_no_meaning_is_near(engine: Engine, media: Path) -> None:
    await fill(engine, media)
    found = await engine.search(SearchRequest("E-1042"))
    assert "E-1042" in found.hits[0].text and found.hits[0].match == "strong"


async def test_what_is_not_there_is_not_found(engine: Engine, media: Path) -> None:
    await fill(engine, media)
    found = await engine.search(SearchRequest("zeppelin hangar"))
    assert found.hits == () and found.note


async def test_a_citation_opens_the_words_and_the_frame_of_that_second(
    engine: Engine, media: Path
) -> None:
    await fill(engine, media)
    hit = (await engine.search(SearchRequest("meadow station"))).hits[0]
    for ref in (hit.ref, hit.cite, f"{hit.source_id}@30.0"):
        opened = await engine.open_ref(OpenRequest(ref))
        assert any("meadow" in line.text for line in opened.lines)
        image = Image.open(io.BytesIO(opened.pictures[0].jpeg)).convert("RGB")
        red, green, blue = image.resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
        assert green > 120 > max(red, blue), (ref, red, green, blue)


async def test_step_leads_to_the_segment_after_and_back(engine: Engine, media: Path) -> None:
    await put(engine, media / "colours.mp4")
    row = (await engine.sources()).sources[0]
    first = await engine.open_ref(OpenRequest(f"{row.id}@1.0", show=("text",)))
    second = await engine.open_ref(OpenRequest(f"{row.id}@1.0", show=("text",), step=1))
    assert first.next == second.ref and second.previous
    with pytest.raises(NotFoundError, match="it is the first"):
        await engine.open_ref(OpenRequest(f"{row.id}@1.0", step=-1))


async def test_a_moment_opens_as_contact_sheet_clip_and_audio(engine: Engine, media: Path) -> None:
    await put(engine, media / "colours.mp4")
    row = (await engine.sources()).sources[0]
    opened = await engine.open_ref(
        OpenRequest(f"{row.id}@22-30", show=("sheet", "clip", "audio", "text"))
    )
    assert len(opened.pictures) == 1 and max(opened.pictures[0].width, 1) <= 1280
    assert opened.audio_wav[:4] == b"RIFF"
    clip = opened.clips[0]
    assert Path(clip.path).stat().st_size == clip.size > 0
    assert clip.start_s <= 22.0 and clip.end_s >= 29.8


@pytest.mark.parametrize(
    ("ref", "code"),
    [
        ("seg_aaaaaaaaaaaaaaaaaaaaaaaaaa", "UNKNOWN_REF"),
        ("src_aaaaaaaaaaaaaaaa@5", "UNKNOWN_REF"),
        ("[nothing of that name @ 1:00.0]", "UNKNOWN_REF"),
    ],
)
async def test_an_unknown_ref_says_so(engine: Engine, media: Path, ref: str, code: str) -> None:
    await put(engine, media / "lake.jpg")
    with pytest.raises(NotFoundError) as caught:
        await engine.open_ref(OpenRequest(ref))
    assert caught.value.code == code


async def test_a_second_past_the_end_names_the_end(engine: Engine, media: Path) -> None:
    await put(engine, media / "colours.mp4")
    row = (await engine.sources()).sources[0]
    with pytest.raises(NotFoundError, match=r"ends at 1:00\.") as caught:
        await engine.open_ref(OpenRequest(f"{row.id}@99"))
    assert caught.value.code == "OUT_OF_RANGE"


async def test_the_same_bytes_are_one_source_and_no_work(
    engine: Engine, media: Path, tmp_path: Path
) -> None:
    first = await put(engine, media / "lake.jpg")
    copy = tmp_path / "copy of lake.jpg"
    copy.write_bytes((media / "lake.jpg").read_bytes())
    again, other = await put(engine, media / "lake.jpg"), await put(engine, copy)
    assert again.already and other.already and other.source_id == first.source_id
    assert other.duplicate_of == str(media / "lake.jpg")
    assert (await engine.sources()).total == 1


async def test_eight_callers_of_one_file_share_one_job(engine: Engine, media: Path) -> None:
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            *(engine.ingest(IngestRequest(str(media / "colours.mp4"))) for _ in range(8))
        )
    assert len({(a.state, a.source_id, a.segments, a.already) for a in answers}) == 1
    assert not answers[0].already


async def test_a_wait_that_ends_leaves_the_job_running_and_asking_again_follows_it(
    engine: Engine, media: Path
) -> None:
    first = await engine.ingest(IngestRequest(str(media / "colours.mp4")), wait_s=0)
    assert first.state in ("queued", "processing")
    assert (await put(engine, media / "colours.mp4")).state == "ready"


async def test_progress_rises_to_the_end(engine: Engine, media: Path) -> None:
    seen: list[IngestStatus] = []

    async def note(status: IngestStatus) -> None:
        seen.append(status)

    async with asyncio.timeout(60):
        await engine.ingest(IngestRequest(str(media / "colours.mp4")), progress=note)
    shares = [s.progress for s in seen]
    assert shares == sorted(shares) and len(seen) >= 2


async def test_cancelling_the_only_caller_stops_the_job_and_asking_again_completes_it(
    engine: Engine, media: Path
) -> None:
    begun = asyncio.Event()

    async def note(status: IngestStatus) -> None:
        begun.set()

    task = asyncio.create_task(
        engine.ingest(IngestRequest(str(media / "colours.mp4")), progress=note)
    )
    async with asyncio.timeout(60):
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await engine.status())["jobs"] == []
    status = await put(engine, media / "colours.mp4")
    assert status.state == "ready"


async def test_a_folder_goes_on_past_a_file_that_fails(engine: Engine, media: Path) -> None:
    (media / "broken.mp4").write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 400)
    names = ["lake.jpg", "broken.mp4", "notes.md"]
    async with asyncio.timeout(60):
        status = await engine.ingest_folder([str(media / n) for n in names])
    assert (status.files_total, status.files_done, status.finished) == (3, 3, True)
    assert [Path(s.path).name for s in status.failed] == ["broken.mp4"]
    assert (await engine.sources()).total == 2


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.mp4", b"", "CORRUPT_MEDIA"),
        ("noise.mp4", bytes(range(256)) * 8, "UNSUPPORTED_TYPE"),
        ("truncated.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "CORRUPT_MEDIA"),
        ("broken.pdf", b"%PDF-1.7\nnothing here", "CORRUPT_MEDIA"),
    ],
)
async def test_a_bad_file_is_one_line_and_the_library_stays_as_it_was(
    engine: Engine, media: Path, name: str, content: bytes, code: str
) -> None:
    (media / name).write_bytes(content)
    status = await put(engine, media / name)
    assert (status.state, status.error_code) == ("failed", code)
    assert status.error and "\n" not in status.error
    assert (await engine.sources()).total == 0


async def test_a_missing_file_is_not_found(engine: Engine, media: Path) -> None:
    status = await put(engine, media / "nowhere.mp4")
    assert (status.state, status.error_code) == ("failed", "NOT_FOUND")


async def test_collections_are_apart_and_one_source_may_be_in_both(
    engine: Engine, media: Path
) -> None:
    await put(engine, media / "lake.jpg", collection="holiday")
    await put(engine, media / "fire_truck.png", collection="work")
    await put(engine, media / "lake.jpg", collection="work")
    holiday = await engine.search(SearchRequest("blue picture", collection="holiday"))
    assert {h.title for h in holiday.hits} == {"lake"}
    work = await engine.search(SearchRequest("blue picture", collection="work"))
    assert "lake" in {h.title for h in work.hits}
    with pytest.raises(NotFoundError, match="'holiday', 'work'") as caught:
        await engine.search(SearchRequest("blue", collection="nope"))
    assert caught.value.code == "UNKNOWN_COLLECTION"


async def test_an_empty_library_says_what_to_do(engine: Engine) -> None:
    with pytest.raises(BadRequestError, match="ingest_media") as caught:
        await engine.search(SearchRequest("anything"))
    assert caught.value.code == "EMPTY_INDEX"


async def test_when_limits_by_the_recording_date_and_is_echoed(engine: Engine, media: Path) -> None:
    from datetime import UTC, datetime

    await put(engine, media / "lake.jpg", recorded_at=datetime(2024, 5, 1, tzinfo=UTC))
    inside = await engine.search(SearchRequest("blue", when="2024-05"))
    assert inside.hits and "2024-05-01" in inside.when_resolved
    outside = await engine.search(SearchRequest("blue", when="2023"))
    assert not outside.hits and "when" in outside.note


async def test_exclude_takes_away_what_it_must_not_be(engine: Engine, media: Path) -> None:
    await fill(engine, media)
    both = await engine.search(SearchRequest("picture red or blue", modality=(Modality.IMAGE,)))
    assert len(both.hits) == 2
    less = await engine.search(
        SearchRequest("picture red or blue", modality=(Modality.IMAGE,), exclude="blue")
    )
    assert [h.source_id for h in less.hits] == [
        h.source_id for h in both.hits if "lake" not in h.title
    ]


async def test_an_image_finds_the_shot_that_looks_like_it(
    engine: Engine, media: Path, tmp_path: Path
) -> None:
    await put(engine, media / "colours.mp4")
    example = tmp_path / "example.png"
    Image.new("RGB", (200, 200), (20, 40, 220)).save(example)
    found = await engine.search(SearchRequest(path=str(example), same_source=False))
    hit = found.hits[0]
    assert hit.start_s is not None and hit.end_s is not None
    assert hit.start_s >= 39.5 and hit.end_s <= 60.1


async def test_similar_leaves_out_the_source_itself(engine: Engine, media: Path) -> None:
    await fill(engine, media)
    row = next(r for r in (await engine.sources()).sources if "lake" in r.title)
    found = await engine.search(SearchRequest(ref=row.id, same_source=False))
    assert row.id not in {h.source_id for h in found.hits}
    assert found.hits[0].modality is Modality.VIDEO


async def test_a_page_of_results_is_followed_by_the_next(engine: Engine, media: Path) -> None:
    await fill(engine, media)
    request = SearchRequest("picture red green blue meadow lake fire", limit=2)
    first = await engine.search(request)
    assert len(first.hits) == 2 and first.next_cursor
    from dataclasses import replace

    second = await engine.search(replace(request, cursor=first.next_cursor))
    assert not {h.ref for h in first.hits} & {h.ref for h in second.hits}
    with pytest.raises(BadRequestError) as caught:
        await engine.search(SearchRequest("other", cursor=first.next_cursor))
    assert caught.value.code == "BAD_CURSOR"


async def test_a_source_is_read_through_in_pages(engine: Engine, media: Path) -> None:
    await put(engine, media / "colours.mp4")
    row = (await engine.sources()).sources[0]
    texts: list[str] = []
    cursor = ""
    for _ in range(10):
        page = await engine.read(row.id, cursor=cursor, max_words=5)
        texts += [line.text for line in page.lines]
        cursor = page.next_cursor
        if not cursor:
            break
    assert " ".join(texts).count("meadow") == 1 and "lake" in texts[-1]


async def test_a_quote_is_checked_against_the_place_cited(engine: Engine, media: Path) -> None:
    await put(engine, media / "colours.mp4")
    row = (await engine.sources()).sources[0]
    right = await engine.check(f"{row.id}@22-30", "meadow behind the station is green")
    assert right.verdict == "found"
    misplaced = await engine.check(f"{row.id}@45-60", "meadow behind the station")
    assert misplaced.verdict == "not_found" and misplaced.elsewhere


async def test_forgetting_takes_everything_and_names_what_went(engine: Engine, media: Path) -> None:
    await fill(engine, media)
    gone = await engine.forget("colours")
    assert gone.modality is Modality.VIDEO and (media / "colours.mp4").exists()
    with pytest.raises(NotFoundError):
        await engine.forget("colours")
    found = await engine.search(SearchRequest("meadow station"))
    assert gone.id not in {h.source_id for h in found.hits}


async def test_a_file_changed_or_gone_is_said_and_its_words_stay(
    engine: Engine, media: Path
) -> None:
    await put(engine, media / "notes.md")
    await put(engine, media / "colours.mp4")
    os.unlink(media / "colours.mp4")
    (media / "notes.md").write_text("other words now")
    film = await engine.open_ref(OpenRequest("[colours @ 0:25.0]"))
    assert film.lines and "SOURCE_MISSING" in film.warnings[0]
    assert "thumbnail" in film.pictures[0].caption and film.pictures[0].jpeg[:2] == b"\xff\xd8"
    notes = await engine.open_ref(OpenRequest("notes"))
    assert any("magma" in line.text for line in notes.lines)
    assert "SOURCE_CHANGED" in notes.warnings[0]


async def test_after_a_restart_everything_is_still_found(
    opened: Callable[..., Any], media: Path
) -> None:
    async with opened() as engine:
        await fill(engine, media)
        before = await engine.search(SearchRequest("meadow station"))
    async with opened() as engine:
        after = await engine.search(SearchRequest("meadow station"))
    assert [h.ref for h in after.hits] == [h.ref for h in before.hits]


async def test_a_second_engine_on_the_store_is_refused_with_the_holders_pid(
    engine: Engine, settings: Settings
) -> None:
    with pytest.raises(StoreError, match=str(os.getpid())) as caught:
        await Engine.open(settings)
    assert caught.value.code == "STORE_BUSY"


async def test_another_model_is_refused_with_the_way_out(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    from dataclasses import replace

    async with opened() as engine:
        await put(engine, media / "lake.jpg")
    with pytest.raises(StoreError, match="reindex") as caught:
        await Engine.open(replace(settings, encoder="embedded"))
    assert caught.value.code == "MODEL_MISMATCH"
    async with opened() as engine:  # and the refusal left no lock behind
        assert (await engine.sources()).total == 1


async def test_every_error_of_the_engine_is_one_line(engine: Engine, media: Path) -> None:
    await put(engine, media / "lake.jpg")
    bad: list[Any] = [
        engine.search(SearchRequest("")),
        engine.search(SearchRequest("x", when="the day after never")),
        engine.search(SearchRequest("x", source="nope")),
        engine.open_ref(OpenRequest("???")),
        engine.open_ref(OpenRequest("lake@5")),
        engine.read("nope"),
        engine.read("lake", cursor="zz"),
    ]
    for call in bad:
        with pytest.raises(OmniError) as caught:
            await call
        assert "\n" not in str(caught.value) and caught.value.code.isupper()


async def test_a_second_stage_reorders_the_best_and_says_what_it_cost(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    from dataclasses import replace

    async with opened(replace(settings, reranker="hashing", rerank_candidates=3)) as engine:
        await fill(engine, media)
        found = await engine.search(SearchRequest("red picture of a lake"))
    assert re.search(r"moments reranked by hashing in \d", found.second_stage)
    assert found.hits


async def test_a_second_stage_that_cannot_run_leaves_the_first(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    from dataclasses import replace

    async with opened(replace(settings, reranker="/no/such/model")) as engine:
        await fill(engine, media)
        found = await engine.search(SearchRequest("meadow behind the station"))
    assert "meadow" in found.hits[0].text and found.second_stage.startswith("not reranked")


LIFTS_WORDS = """
from omni_core.encoders.hashing import HashingEncoder
from omni_core.protocols import Reranker
from omni_core.types import ImageContent, RerankerInfo

class Lifts(Reranker):
    name = "lifts"
    def score(self, question, candidates):
        assert not any(isinstance(c, ImageContent) for c in candidates)
        return [1.0 if "deep lake" in c else 0.0 for c in candidates]

class Encoder(HashingEncoder):
    @classmethod
    def describe_reranker(cls, settings):
        return RerankerInfo("lifts", lift=5.0, text_only=True, languages=("en",))
    @classmethod
    def load_reranker(cls, settings):
        return Lifts()
"""


async def test_a_reranker_of_words_lifts_them_and_leaves_pictures_in_their_order(
    opened: Callable[..., Any], settings: Settings, media: Path, install: Callable[..., None]
) -> None:
    from dataclasses import replace

    install("lifts-words", LIFTS_WORDS, {"encoders": "lifts = lifts_words:Encoder"})
    question = "a red picture, a fire engine and a lake"
    async with opened() as engine:
        await fill(engine, media)
        before = await engine.search(SearchRequest(question, limit=20, per_source=20))
    async with opened(replace(settings, reranker="lifts")) as engine:
        after = await engine.search(SearchRequest(question, limit=20, per_source=20))
        foreign = await engine.search(SearchRequest("wo ist die Wiese hinter dem alten Bahnhof"))
    assert any("deep lake" in h.text for h in before.hits[1:])
    assert "deep lake" in after.hits[0].text

    def others(found: Any) -> list[str]:
        return [h.ref for h in found.hits if "deep lake" not in h.text]

    assert others(after) == others(before)
    assert re.fullmatch(r"\d+ of \d+ moments reranked by lifts in \d.* s", after.second_stage)
    assert foreign.second_stage == "not reranked: lifts does not read German"


async def test_an_index_that_was_lost_is_filled_again_when_asked(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    async with opened() as engine:
        await put(engine, media / "notes.md")
    shutil.rmtree(settings.store_path / "index")
    async with opened() as engine:
        await engine.ready(30)
        assert (await engine.sources()).sources[0].state == "partial"
        assert (await put(engine, media / "notes.md")).state == "ready"
        assert (await engine.search(SearchRequest("magma chamber"))).hits
