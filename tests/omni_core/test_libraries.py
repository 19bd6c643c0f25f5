"""Which folders are taken for a library's, and left out of what is ingested."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from omni_core import Engine
from omni_core.libraries import in_library, is_library
from omni_core.settings import Settings
from omni_core.sharing import SharedEngine


def made(top: Path, *names: str, text: str = "x") -> bool:
    """Whether a folder with these files, and folders (`name/`), is a library's."""
    for name in names:
        path = top / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    found = is_library(str(top), os.listdir(top))
    assert in_library(str(top / "film.mp4"), str(top.parent)) == found
    return found


@pytest.mark.parametrize(
    "names",
    [
        ["shared/lock", "film.mp4"],
        ["shared/lock", "shared/plan.pdf", "uploads/film.mp4"],
        ["shared/lock/key.jpg", "thumbs/a.jpg"],
        ["shared/film.mp4", "thumbs/a.jpg"],
        ["restoring/", "lock/", "film.mp4"],
        ["catalog.sqlite", "lock/door.mp4"],
        ["catalog.sqlite/", "backup.json/", "film.mp4"],
    ],
    ids=" ".join,
)
def test_a_folder_of_media_that_has_a_name_of_a_library_in_it_is_none(
    tmp_path: Path, names: list[str]
) -> None:
    assert not made(tmp_path / "media", *names)


def test_a_lock_with_more_than_a_pid_in_it_is_somebody_elses(tmp_path: Path) -> None:
    names = "shared/lock", "thumbs/a.jpg"
    assert not made(tmp_path / "a", *names, text="this folder is locked by Ann")
    assert made(tmp_path / "b", *names, text="4711")
    assert made(tmp_path / "c", *names, text="")


@pytest.mark.parametrize("shared", [False, True])
async def test_every_store_that_is_open_or_was_is_a_library(tmp_path: Path, shared: bool) -> None:
    settings = Settings(
        store=str(tmp_path / "store"), encoder="hashing", index="memory", speech="off",
        screen_text="off",
    )  # fmt: skip

    def check() -> None:
        assert is_library(settings.store, os.listdir(settings.store))
        # as where the catalog is elsewhere
        assert is_library(settings.store, ["shared", "thumbs"]) == shared

    if shared:
        async with await SharedEngine.open(settings):
            await asyncio.to_thread(check)
    else:
        async with await Engine.open(settings):
            await asyncio.to_thread(check)
    await asyncio.to_thread(check)
