"""Several processes on one library, with a real PostgreSQL and a real Qdrant server: a short run of
`bench/several.py`, whose processes are killed in the middle of their work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import several
from bench.several_library import Servers, make_folder, servers, why_not

FILES, KILLS = 9, 3


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    if why := why_not():
        pytest.skip(why)
    with servers(tmp_path_factory.mktemp("servers")) as started:
        yield started


def test_what_killed_processes_leave_is_what_one_undisturbed_process_stores(
    there: Servers, tmp_path: Path
) -> None:
    media = tmp_path / "media"
    made = make_folder(media, FILES)
    truth = several.truth_of(there, tmp_path, media)
    assert sorted(row["uri"] for row in truth.sources.values()) == sorted(map(str, made))
    found = several.kill_at_random(
        there, tmp_path, media, truth, kills=KILLS, processes=2, lease_s=2.0, longest_s=2.0
    )
    assert found.kills == KILLS
    assert not found.failed
    assert not found.orphans
    assert {what: number for what, number in found.wrong.items() if number} == {}


def test_processes_that_open_a_new_library_at_once_agree_whose_it_is(
    there: Servers, tmp_path: Path
) -> None:
    library = there.library(tmp_path, 60)
    media = tmp_path / "media"
    made = make_folder(media, 3)
    processes = [several.Process(library, path, f"store{n}") for n, path in enumerate(made)]
    for process in processes:
        process.end()
    holds = library.holds()
    assert holds.library == holds.owner != ""
    assert holds.states == {"ready": len(made)}
