"""A disk that is really full: one clear line, nothing acknowledged lost; with room it goes on.

A small tmpfs in a mount namespace of its own, which needs Linux and root or user namespaces.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from omni_core.engine.checking.findings import no_room

REPO = Path(__file__).parents[2]
PROBE = Path(__file__).with_name("full_disk_probe.py")

pytestmark = pytest.mark.timeout(400)


@cache
def namespace() -> tuple[str, ...] | None:
    """The command that gives a program mounts of its own; None where there is none."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return None
    for command in (("unshare", "-m"), ("unshare", "-r", "-m")):
        tried = subprocess.run(
            [*command, "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"], capture_output=True
        )
        if tried.returncode == 0:
            return command
    return None


def ran(part: str, tmp_path: Path) -> dict[str, Any]:
    """What the probe says; nothing else may stand on its output, and no traceback in its log."""
    command = namespace()
    if command is None:
        pytest.skip("a file system of one's own needs Linux, and root or user namespaces")
    for name in ("disk", "files"):
        (tmp_path / name).mkdir()
    places = [str(tmp_path / "disk"), str(tmp_path / "files")]
    environ = {**os.environ, "PYTHONPATH": f"{REPO}{os.pathsep}{REPO / 'server'}"}
    done = subprocess.run(
        [*command, sys.executable, str(PROBE), part, *places],
        capture_output=True, text=True, timeout=380, env=environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Logging error" not in done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def is_one_line_about_room(said: dict[str, str]) -> bool:
    line = said["line"].lower()
    return "\n" not in line and ("full" in line or "space" in line) and "free some" in line


@pytest.mark.parametrize("part", ["edge", "memory"])
async def test_a_library_on_a_full_disk_loses_nothing_and_goes_on_with_room(
    tmp_path: Path, part: str
) -> None:
    said = await asyncio.to_thread(ran, part, tmp_path)
    assert said["before"] == ["ready", "ready"]
    refused = [s for s in said["full"] if s.get("state") != "ready"]
    assert refused, "the disk was never too full"
    assert [s for s in refused if not is_one_line_about_room(s)] == []
    assert set(said["after"]) == {"ready"}
    assert all(said["searched"])
    assert {state for _, state in said["rows"]} == {"ready"}
    assert len(said["rows"]) == 2 + len(said["full"])
    assert said["left behind"] == []
    if part == "edge":
        assert said["faults"] == []
        assert said["opened full"]["line"] == "" or is_one_line_about_room(said["opened full"])


async def test_an_upload_on_a_full_disk_keeps_what_fitted(tmp_path: Path) -> None:
    said = await asyncio.to_thread(ran, "upload", tmp_path)
    assert said["full"]["code"] == "DISK_FULL" and is_one_line_about_room(said["full"])
    taken, there = said["taken"]
    assert taken == there > 1 << 20
    assert said["whole"]


async def test_the_file_of_faults_needs_no_room(tmp_path: Path) -> None:
    assert (await asyncio.to_thread(ran, "faults", tmp_path))["later"]


async def test_a_built_model_that_cannot_be_kept_is_one_line(tmp_path: Path) -> None:
    said = await asyncio.to_thread(ran, "cache", tmp_path)
    assert is_one_line_about_room(said["full"])
    assert (said["half"], said["kept"]) == (False, True)


async def test_a_sound_library_is_not_called_damaged_for_its_full_disk(tmp_path: Path) -> None:
    said = await asyncio.to_thread(ran, "looked", tmp_path)
    (left,) = said["left"]
    assert "disk is full" in said["full"] and is_one_line_about_room({"line": left})
    assert said["faults"] == 0
    assert is_one_line_about_room({"line": said["little"]})  # the index cannot be opened
    assert said["told"] == [["library", "missing"]]
    assert (said["done"], said["after"], said["sources"]) == ([], [], 1)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is such a file system")
def test_a_file_system_that_tells_no_sizes_is_not_called_full() -> None:
    assert no_room(Path("/proc")) == ""
