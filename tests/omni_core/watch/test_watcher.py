"""Watched folders: files that appear, change, move, vanish, and those that cannot be read."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest
from omni_core.errors import BadRequestError, OmniError, StoreError
from omni_core.settings import Settings
from omni_core.watch import Watched
from omni_core.watch.folders import watched
from omni_core.watch.retention import missing
from tests.omni_core.watch.conftest import Folder, Watching

Start = Callable[..., Watching]


async def titles(engine: Engine, **filters: str) -> list[str]:
    page = await engine.sources(limit=100, **filters)
    return sorted(row.title for row in page.sources)


async def hits(engine: Engine, query: str, collection: str = "default") -> list[str]:
    try:
        found = await engine.search(SearchRequest(query, collection=collection))
    except BadRequestError:
        return []
    return [hit.text for hit in found.hits]


async def test_files_that_are_there_at_the_start_become_searchable(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("boats.txt", "The launch of the boat is postponed to March.")
    await folder.write("deep/er/tea.txt", "Green tea is brewed at eighty degrees.")
    watch = watching()
    await watch.settle()
    assert watch.kinds() == ["ready", "ready"]
    assert await titles(engine) == ["boats", "tea"]


async def test_what_has_not_changed_costs_nothing_at_the_next_start(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("boats.txt", "The launch of the boat is postponed to March.")
    await watching().settle()
    again = watching()
    await again.settle()
    (scan,) = again.of("scan")
    assert (scan.files, scan.new, scan.missing) == (1, 0, 0)
    assert again.kinds() == []


async def test_the_files_of_a_library_in_a_watched_folder_are_not_ingested(
    engine: Engine, tmp_path: Path, watching: Start
) -> None:
    (tmp_path / "boats.txt").write_text("The launch of the boat is postponed to March.")
    (tmp_path / "store-plan.txt").write_text("Green tea is brewed at eighty degrees.")
    store = tmp_path / "store"
    own = store / "downloads" / "tea.txt"
    own.parent.mkdir(parents=True)
    own.write_text("Black tea is brewed at ninety degrees.")
    watch = watching(*await asyncio.to_thread(watched, [str(tmp_path)], store=store))
    await watch.settle()
    await watch.changed(str(own), str(store))
    assert watch.kinds() == ["ready", "ready"]
    assert await titles(engine) == ["boats", "store-plan"]


async def test_a_new_file_waits_until_it_is_no_longer_written(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    watch = watching()
    await watch.settle()
    watch.day_moves = False
    path = await folder.write("talk.txt", "The first half of the words")
    watch.watcher.changed([path])
    await watch.watcher.look()
    assert not await watch.watcher.ingest_next()
    watch.seconds += 0.6
    await folder.write("talk.txt", "The first half of the words, and the second half, on lava")
    watch.watcher.changed([path])
    await watch.watcher.look()
    watch.seconds += 0.6
    await watch.watcher.look()
    assert not await watch.watcher.ingest_next(), "quiet for 0.6 s only"
    await watch.settle()
    assert watch.kinds() == ["ready"]
    assert len(await hits(engine, "second half lava")) == 1


async def test_a_changed_file_replaces_what_it_held_before(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    path = await folder.write("plan.txt", "The meeting takes place on Tuesday in Lisbon.")
    watch = watching()
    await watch.settle()
    await folder.write("plan.txt", "Everything was moved to Friday, in the town of Porto.")
    await watch.changed(path)
    assert watch.kinds() == ["ready", "ready", "replaced"]
    page = await engine.sources()
    assert page.total == 1
    assert page.sources[0].warnings == ()
    assert await hits(engine, "meeting Tuesday Lisbon") == []


async def test_a_file_that_is_saved_all_the_time_is_not_ingested_all_the_time(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    watch = watching()
    await watch.settle()
    watch.day_moves = False
    for n in range(20):  # an editor that saves every 2 s
        await watch.changed_once(await folder.write("draft.txt", f"Draft number {n} of a letter."))
        watch.seconds += 2.0
        await watch.changed_once()
    assert watch.kinds() == ["ready"]
    await watch.settle()
    assert watch.kinds() == ["ready", "ready", "replaced"]
    assert len(await hits(engine, "draft 19 letter")) == 1


async def test_a_changed_file_stays_in_the_collections_it_was_put_into(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    path = await folder.write("plan.txt", "The meeting takes place on Tuesday in Lisbon.")
    watch = watching()
    await watch.settle()
    await engine.ingest(IngestRequest(path, collection="trips"))
    await folder.write("plan.txt", "Everything was moved to Friday, in the town of Porto.")
    await watch.changed(path)
    assert len(await hits(engine, "Friday Porto", collection="trips")) == 1


async def test_a_file_with_the_same_bytes_elsewhere_keeps_its_source_when_one_copy_changes(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    words = "Both copies hold the recipe of the pumpkin soup."
    await folder.write("a.txt", words)
    await folder.write("b.txt", words)
    watch = watching()
    await watch.settle()
    changed = await folder.write("a.txt", "A recipe of bread instead, with rye and honey.")
    await watch.changed(changed)
    assert "replaced" not in watch.kinds()
    page = await engine.sources(match="b")
    assert page.sources[0].uri == folder.at("b.txt")
    assert page.total == 1


async def test_a_renamed_file_keeps_its_source_and_its_segments(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("old_name.txt", "The bridge was opened by the mayor.")
    watch = watching()
    await watch.settle()
    (before,) = (await engine.sources()).sources
    await watch.changed(*await folder.rename("old_name.txt", "trips/new_name.txt"))
    (after,) = (await engine.sources()).sources
    assert after.id == before.id
    assert after.ingested_at == before.ingested_at, "it was not ingested again"
    assert (after.title, after.uri) == ("new name", folder.at("trips/new_name.txt"))
    assert after.missing_since is None
    assert watch.kinds() == ["ready", "renamed"]
    assert watch.of("renamed")[0].old == folder.at("old_name.txt")
    (hit,) = (await engine.search(SearchRequest("bridge mayor"))).hits
    assert hit.cite.startswith("[new name")


async def test_a_title_that_was_given_survives_a_rename(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    path = await folder.write("scan1.txt", "The bridge was opened by the mayor.")
    await engine.ingest(IngestRequest(path, title="Opening of the bridge"))
    watch = watching()
    await watch.settle()
    await watch.changed(*await folder.rename("scan1.txt", "scan2.txt"))
    assert await titles(engine) == ["Opening of the bridge"]


async def test_a_renamed_folder_keeps_its_sources(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    for n in range(3):
        await folder.write(f"may/{n}.txt", f"Report number {n} about the harbour.")
    watch = watching()
    await watch.settle()
    before = {row.id for row in (await engine.sources()).sources}
    await watch.changed(*await folder.rename("may", "archive/may"))
    rows = (await engine.sources()).sources
    assert {row.id for row in rows} == before
    assert all(row.uri.startswith(folder.at("archive/may")) for row in rows)
    assert watch.kinds() == ["ready"] * 3 + ["renamed"] * 3


async def test_what_was_renamed_while_nobody_watched_is_found_at_the_next_start(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    await watching().settle()
    await folder.rename("a.txt", "b.txt")
    again = watching()
    await again.settle()
    assert again.kinds() == ["renamed"]
    assert await titles(engine) == ["b"]


async def test_a_vanished_file_stays_searchable_and_says_so(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    await folder.write("b.txt", "The tunnel was closed by the engineer.")
    watch = watching()
    await watch.settle()
    await watch.changed(await folder.remove("a.txt"))
    assert watch.kinds("ready") == ["gone"]
    (row,) = (await engine.sources(state="missing")).sources
    assert row.title == "a" and row.missing_since is not None
    (hit,) = (await engine.search(SearchRequest("bridge mayor"))).hits
    assert hit.missing_since == row.missing_since
    opened = await engine.open_ref(OpenRequest(hit.ref))
    assert "bridge" in opened.lines[0].text
    assert any("gone since" in w for w in opened.warnings)


async def test_what_vanished_while_nobody_watched_is_found_at_the_next_start(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    await folder.write("b.txt", "The tunnel was closed by the engineer.")
    await watching().settle()
    await folder.remove("a.txt")
    again = watching()
    await again.settle()
    assert again.kinds() == ["gone"]
    third = watching()
    await third.settle()
    assert third.kinds() == [], "it is said once"


async def test_a_file_that_comes_back_is_no_longer_missing(
    engine: Engine, folder: Folder, watching: Start, tmp_path: Path
) -> None:
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    await folder.write("b.txt", "The tunnel was closed by the engineer.")
    await watching().settle()
    aside = tmp_path / "a.txt"
    await asyncio.to_thread(shutil.move, folder.at("a.txt"), aside)
    await watching().settle()
    await asyncio.to_thread(shutil.move, aside, folder.at("a.txt"))
    again = watching()
    await again.settle()
    assert again.kinds() == ["back"]
    assert (await engine.sources(state="missing")).total == 0


async def test_a_file_that_is_written_anew_by_deleting_it_first_is_never_gone(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    path = await folder.write("a.txt", "The bridge was opened by the mayor.")
    watch = watching()
    await watch.settle()
    await folder.remove("a.txt")
    watch.watcher.changed([path])
    await watch.watcher.look()
    watch.seconds += 1.0
    await folder.write("a.txt", "The bridge was opened by the queen.")
    await watch.changed(path)
    assert watch.kinds() == ["ready", "ready", "replaced"]


async def test_a_vanished_folder_takes_its_files_with_it(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    for n in range(3):
        await folder.write(f"may/{n}.txt", f"Report number {n} about the harbour.")
    await folder.write("other.txt", "Nothing about ships.")
    watch = watching()
    await watch.settle()
    await watch.changed(await folder.remove("may"))
    assert watch.kinds("ready") == ["gone"] * 3


async def test_a_deleted_copy_is_not_a_missing_source(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    words = "Both copies hold the recipe of the pumpkin soup."
    await folder.write("a.txt", words)
    await folder.write("b.txt", words)
    watch = watching()
    await watch.settle()
    await watch.changed(await folder.remove("a.txt"))
    (row,) = (await engine.sources()).sources
    assert row.missing_since is None
    assert (row.uri, row.title) == (folder.at("b.txt"), "b")
    assert "gone" not in watch.kinds()


@pytest.mark.parametrize("how", ["removed", "empty"])
async def test_a_folder_that_is_not_mounted_has_not_lost_its_files(
    engine: Engine, folder: Folder, watching: Start, tmp_path: Path, how: str
) -> None:
    for n in range(3):
        await folder.write(f"{n}.txt", f"Report number {n} about the harbour.")
    await watching().settle()
    disk = tmp_path / "disk"
    await asyncio.to_thread(folder.path.rename, disk)
    if how == "empty":
        await asyncio.to_thread(folder.path.mkdir)
    watch = watching()
    await watch.settle()
    assert watch.kinds() == ["away"]
    assert (await engine.sources(state="missing")).total == 0
    if how == "empty":
        await asyncio.to_thread(folder.path.rmdir)
    await asyncio.to_thread(disk.rename, folder.path)
    await folder.write("3.txt", "Report number 3 about the harbour.")
    watch.seconds += 100.0
    await watch.settle()
    assert watch.kinds() == ["away", "ready"]


async def test_a_folder_that_is_emptied_under_our_eyes_has_lost_its_files(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    paths = [await folder.write(f"{n}.txt", f"Report number {n}.") for n in range(3)]
    watch = watching()
    await watch.settle()
    for n in range(3):
        await folder.remove(f"{n}.txt")
    await watch.changed(*paths)
    watch.watcher.scan_soon()
    await watch.settle()
    assert watch.kinds("ready") == ["gone"] * 3


async def test_files_in_a_folder_that_cannot_be_read_are_not_gone(
    engine: Engine, folder: Folder, watching: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    await folder.write("shut/a.txt", "The bridge was opened by the mayor.")
    await watching().settle()
    await folder.remove("shut/a.txt")  # nobody could see that
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path == folder.at("shut"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        shut = watching()
        await shut.settle()
    assert shut.kinds() == []
    opened = watching()
    await opened.settle()
    assert opened.kinds() == ["gone"]


async def test_hidden_unfinished_and_foreign_files_are_not_looked_at(
    engine: Engine, folder: Folder, watching: Start, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    await asyncio.to_thread(secret.write_text, "The password of the safe.")
    for name in (
        ".hidden.txt", ".git/config.txt", "film.mp4.part", "talk.pdf.crdownload", "~$report.docx",
        "a.tmp", "notes.txt~", ".~lock.report.odt#", "Thumbs.db", "x.txt.download",
    ):  # fmt: skip
        await folder.write(name, "Words that nobody should find.")
    await asyncio.to_thread((folder.path / "link.txt").symlink_to, secret)
    await asyncio.to_thread((folder.path / "linked").symlink_to, tmp_path)
    await folder.write("seen.txt", "Words that everybody should find.")
    watch = watching()
    await watch.settle()
    everything = [os.path.join(at, n) for at, _, names in os.walk(folder.path) for n in names]
    await watch.changed(*everything)
    assert await titles(engine) == ["seen"]


async def test_a_download_is_ingested_once_it_has_its_name(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("talk.txt.part", "The launch is postponed to March.")
    watch = watching()
    await watch.settle()
    await watch.changed(*await folder.rename("talk.txt.part", "talk.txt"))
    assert await titles(engine) == ["talk"]


async def test_subtitles_beside_a_film_are_no_source_of_their_own(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("talk.srt", "1\n00:00:01,000 --> 00:00:02,000\nHello harbour.\n")
    await folder.write("talk.mp4.part", "half a film")
    await folder.write("alone.srt", "1\n00:00:01,000 --> 00:00:02,000\nHello tunnel.\n")
    watch = watching()
    await watch.settle()
    await watch.changed(folder.at("talk.srt"))
    assert await titles(engine) == ["alone"]


async def test_a_file_that_cannot_be_read_yet_is_tried_again_and_then_passed_over(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.picture("red.png", 0.2)
    watch = watching()
    await watch.settle(steps=900)
    assert watch.kinds() == ["failed"] * 4 + ["passed_over"]
    assert [e.retry_s for e in watch.of("failed")] == [5.0, 20.0, 60.0, 300.0]
    again = watching()
    await again.settle()
    assert again.kinds() == [], "nothing has changed"
    tried = watching(again=True)
    tried.seconds = 1000.0
    await tried.settle()
    assert tried.kinds() == ["passed_over"], "asked for"


async def test_a_file_that_was_unreadable_while_it_was_copied_is_ingested_when_it_is_complete(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.picture("red.png", 0.2)
    watch = watching()
    await watch.settle(steps=4)
    assert watch.kinds() == ["failed"]
    await watch.changed(await folder.picture("red.png"))
    assert watch.kinds() == ["failed", "ready"]


async def test_an_old_file_that_cannot_be_read_is_passed_over_at_once_until_it_changes(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    path = await folder.picture("red.png", 0.2)
    watch = watching()
    watch.seconds = 10_000.0
    await watch.settle()
    assert watch.kinds() == ["passed_over"]
    await folder.picture("red.png")
    await watch.changed(path)
    assert watch.kinds() == ["passed_over", "ready"]


async def test_a_source_that_was_forgotten_does_not_come_back_by_itself(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    path = await folder.write("a.txt", "The bridge was opened by the mayor.")
    await watching().settle()
    await engine.forget("a")
    again = watching(again=True)
    await again.settle()
    assert again.kinds() == []
    await engine.ingest(IngestRequest(path))
    assert await titles(engine) == ["a"], "unless it is asked for"
    await engine.forget("a")
    await folder.write("a.txt", "The bridge was opened by the queen.")
    last = watching()
    await last.settle()
    assert last.kinds() == ["ready"], "or has changed"


async def test_missing_sources_can_be_forgotten_and_their_files_may_return(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    words = "The bridge was opened by the mayor."
    path = await folder.write("a.txt", words)
    await folder.write("b.txt", "The tunnel was closed by the engineer.")
    kept = await asyncio.to_thread(os.stat, path)
    watch = watching()
    await watch.settle()
    await watch.changed(await folder.remove("a.txt"))
    (row,) = await missing(engine)
    await engine.forget(row.id)
    assert await missing(engine) == []
    await folder.write("a.txt", words)
    await asyncio.to_thread(os.utime, path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    await watch.changed(path)
    assert await titles(engine) == ["a", "b"]


async def test_missing_sources_are_forgotten_by_themselves_only_when_asked(
    engine: Engine, folder: Folder, watching: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    await folder.write("b.txt", "The tunnel was closed by the engineer.")
    await watching().settle()
    await folder.remove("a.txt")
    await watching(forget_days=1).settle()
    await watching(forget_days=1).settle()
    assert await titles(engine) == ["a", "b"], "gone for less than a day"
    await asyncio.to_thread(
        engine._context.catalog._one,  # as if a day had passed
        "UPDATE paths SET gone_at = '2020-01-01T00:00:00+00:00' WHERE gone_at IS NOT NULL",
    )
    await watching().settle()
    assert await titles(engine) == ["a", "b"], "not asked for"
    asked = watching(forget_days=1)
    await asked.settle()
    assert asked.kinds() == ["forgotten"]
    assert await titles(engine) == ["b"]


async def test_how_long_a_file_is_gone_counts_by_the_clock_that_all_processes_share(
    engine: Engine, folder: Folder, watching: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine of this watcher is 40 days ahead of the database."""
    day, machine = 86_400, time.time()
    now = machine - 40 * day
    monkeypatch.setattr(engine._context.catalog, "now", lambda: now)
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    await folder.write("b.txt", "The tunnel was closed by the engineer.")
    await watching().settle()
    await folder.remove("a.txt")
    await watching(forget_days=30).settle()
    now += 29 * day
    await watching(forget_days=30).settle()
    (row,) = await missing(engine)
    assert row.missing_since is not None
    assert abs(row.missing_since.timestamp() - (machine - 40 * day)) < day
    now += 2 * day
    late = watching(forget_days=30)
    await late.settle()
    assert late.kinds() == ["forgotten"]


async def test_a_burst_of_events_is_looked_at_once(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    path = await folder.write("a.txt", "The bridge was opened by the mayor.")
    watch = watching()
    await watch.settle()
    scans = len(watch.of("scan"))
    for _ in range(4):
        watch.watcher.changed([path] * 2_500)
    watch.watcher.changed(folder.at(f"absent/{n}.txt") for n in range(10_000))
    await watch.settle()
    assert len(watch.of("scan")) == scans + 1, "the system may have dropped events"
    assert watch.kinds() == ["ready"]


async def test_new_files_go_before_those_of_the_first_scan(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    for n in range(3):
        await folder.write(f"{n}.txt", f"Report number {n}.")
    watch = watching()
    await watch.watcher.look()
    watch.seconds += 5.0
    await watch.watcher.look()
    path = await folder.write("urgent.txt", "A longer text that somebody has just saved.")
    watch.seconds += 5.0
    await watch.changed(path)
    assert watch.of("ready")[0].title == "urgent"


async def test_each_folder_has_its_collection(
    engine: Engine, folder: Folder, watching: Start, tmp_path: Path
) -> None:
    other = Folder(tmp_path / "other")
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    await other.write("b.txt", "The tunnel was closed by the engineer.")
    watch = watching(Watched(str(folder.path)), Watched(str(other.path), "work"))
    await watch.settle()
    assert await titles(engine, collection="default") == ["a"]
    assert await titles(engine, collection="work") == ["b"]


async def test_a_folder_watched_for_another_collection_adds_its_files_to_that(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    await watching().settle()
    watch = watching(Watched(str(folder.path), "work"))
    await watch.settle()
    assert await titles(engine, collection="work") == ["a"]


async def test_an_interrupted_ingest_goes_on_at_the_next_start(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    await watching().settle()
    await asyncio.to_thread(
        engine._context.catalog._one, "UPDATE sources SET state = 'partial', resume = '{}'"
    )
    again = watching()
    await again.settle()
    assert again.kinds() == ["ready"]


async def test_a_store_that_fails_loses_nothing(
    engine: Engine, folder: Folder, watching: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    watch = watching()
    ingest = engine.ingest

    async def full(*args: object, **options: object) -> None:
        raise StoreError("the disk is full; free some space")

    monkeypatch.setattr(engine, "ingest", full)
    with pytest.raises(OmniError, match="full"):
        await watch.settle()
    monkeypatch.setattr(engine, "ingest", ingest)
    await watch.settle()
    assert watch.kinds() == ["ready"]


async def test_once_brings_the_library_up_to_date_and_returns(
    engine: Engine, folder: Folder, watching: Start
) -> None:
    await folder.write("a.txt", "The bridge was opened by the mayor.")
    await folder.picture("broken.png", 0.2)
    watch = watching()
    watch.seconds = 60.0  # written a minute ago
    await asyncio.wait_for(watch.watcher.once(), 60)
    assert sorted(watch.kinds()) == ["failed", "ready"]
    assert watch.of("failed")[0].retry_s is None


async def test_another_ingest_does_not_wait_for_a_watched_one(
    settings: Settings, engine: Engine, folder: Folder, tmp_path: Path
) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    mine = await folder.write("mine.txt", "The bridge was opened by the mayor.")
    other = await folder.write("other.txt", "The tunnel was closed by the engineer.")

    async def hold(status: object) -> None:
        started.set()

    async with engine._context.decoders.cutter(watched=True):
        waiting = asyncio.create_task(
            engine.ingest(IngestRequest(other, watched=True), progress=hold)
        )
        await asyncio.wait_for(started.wait(), 30)
        status = await asyncio.wait_for(engine.ingest(IngestRequest(mine)), 30)
        assert status.state == "ready" and not waiting.done()
    go_on.set()
    assert (await asyncio.wait_for(waiting, 30)).state == "ready"
