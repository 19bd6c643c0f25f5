"""A decoder reads the folders that it was given and those of the files that it is asked for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from omni_core import decoder
from omni_core.decoder import Decoder
from omni_core.errors import OmniError
from omni_core.sandbox import kernel

LANDLOCK = pytest.mark.skipif(not kernel().landlock, reason="this kernel has no Landlock")
Make = Callable[..., Awaitable[Decoder]]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with AsyncExitStack() as all_:

        async def _make(**options: object) -> Decoder:
            made = Decoder(**options)  # type: ignore[arg-type]
            all_.push_async_callback(asyncio.to_thread, made.close, 5.0)
            return made

        yield _make


def note(folder: Path, name: str = "a.md") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("# Title\n\nwords\n")
    return str(folder / name)


async def title(child: Decoder, path: str) -> str:
    return str((await child.call("probe", path, None, deadline_s=60)).title)


async def test_files_of_the_given_folders_are_read_by_one_child(make: Make, tmp_path: Path) -> None:
    paths = [note(tmp_path / "one" / "deep"), note(tmp_path / "two")]
    child = await make(reads=[str(tmp_path / "one"), str(tmp_path / "two")])
    await title(child, paths[0])
    first = child.pid
    assert [await title(child, path) for path in paths] == ["Title", "Title"]
    assert child.pid == first


@LANDLOCK
async def test_for_a_file_elsewhere_the_child_is_started_anew(make: Make, tmp_path: Path) -> None:
    inside, outside = note(tmp_path / "in"), note(tmp_path / "out")
    child = await make(reads=[str(tmp_path / "in")])
    await title(child, inside)
    first = child.pid
    assert await title(child, outside) == "Title"
    assert child.pid != first
    assert child.starts == 1  # it did not die
    second = child.pid
    assert await title(child, inside) == "Title"
    assert child.pid == second


@LANDLOCK
async def test_a_folder_that_was_made_again_is_read(make: Make, tmp_path: Path) -> None:
    path = note(tmp_path / "in")
    child = await make(reads=[str(tmp_path / "in")])
    await title(child, path)
    (tmp_path / "in").rename(tmp_path / "old")
    assert await title(child, note(tmp_path / "in")) == "Title"


@LANDLOCK
async def test_a_file_that_is_not_there_costs_no_start(make: Make, tmp_path: Path) -> None:
    child = await make()
    await title(child, note(tmp_path / "in"))
    first = child.pid
    for _ in range(2):
        with pytest.raises(OmniError):
            await title(child, str(tmp_path / "gone" / "a.md"))
    assert child.pid == first


def test_a_tree_of_many_folders_costs_few_starts() -> None:
    home = os.path.realpath(os.path.expanduser("~"))
    granted: set[str] = set()
    starts = 0
    for n in range(200):
        wanted = f"/media/films/year {n}"
        if not any(decoder._inside(wanted, folder) for folder in granted):
            decoder._add(granted, wanted)
            starts += 1
    assert granted == {"/media/films"}
    assert starts == 2
    decoder._add(granted, f"{home}/documents")
    decoder._add(granted, f"{home}/music")
    assert home not in granted
    assert "/" not in granted


THIEF = """
from omni_core.protocols import Medium
from omni_core.types import MediaInfo, Modality
class Thief(Medium):
    def matches(self, head, suffix):
        return head.startswith(b"THIEF ")
    def probe(self, path, password=None):
        with open(path) as f:
            wanted = f.read().split(maxsplit=1)[1].strip()
        with open(wanted) as f:
            return MediaInfo(Modality.DOCUMENT, "text/plain", f.read())
    def decompose(self, path, source, options):
        yield from ()
"""


@LANDLOCK
@pytest.mark.parametrize("mode", ["auto", "off"])
async def test_a_decoder_that_was_taken_over_reads_no_other_file(
    make: Make, tmp_path: Path, install: Callable[..., None], mode: str
) -> None:
    install("a-thief", THIEF, {"media": "thief = a_thief:Thief"})
    secret = tmp_path / "secret" / "key"
    secret.parent.mkdir()
    secret.write_text("s3cret")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.thief").write_text(f"THIEF {secret}")
    child = await make(mode=mode)
    stolen = await title(child, str(tmp_path / "in" / "a.thief"))  # else it is read as plain text
    assert stolen == ("s3cret" if mode == "off" else "a")
