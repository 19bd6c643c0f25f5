"""A backup for which there is no room."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[4]

LITTLE_ROOM = """
import asyncio, resource, signal, sys
from pathlib import Path
from omni_core import Engine, IngestRequest, StoreError, load_settings

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
settings = load_settings({"store": str(folder / "store"), "encoder": "hashing", "index": "edge",
                          "speech": "off", "screen_text": "off"}, environ={})

def room(size):
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))

async def main():
    (folder / "a.txt").write_text("How deep is the magma chamber?")
    async with await Engine.open(settings) as engine:
        await engine.ingest(IngestRequest(str(folder / "a.txt")))
        for size in (0, 3, 5000, 50000):
            room(size)
            try:
                await engine.back_up(str(folder / "to" / "backup"))
            except StoreError as e:
                print(e.code, "cannot write the backup" in str(e), *(folder / "to").glob("*"))
        room(None)
        print((await engine.back_up(str(folder / "to" / "backup"))).sources)

asyncio.run(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of file sizes are Unix's")
async def test_a_backup_without_room_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    ran = await asyncio.to_thread(
        lambda: subprocess.run(
            [sys.executable, "-c", LITTLE_ROOM, str(tmp_path)],
            capture_output=True, text=True, timeout=100, cwd=REPO,
        )
    )  # fmt: skip
    said = ran.stdout.splitlines()
    assert said == ["STORE_FAILED True"] * 4 + ["1"], ran.stderr
