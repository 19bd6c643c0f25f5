"""Files read on Ray are the same library, also when an actor is killed in the middle."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest
from omni_core.engine.ingest.on_ray import for_actors
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(290)

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs the extra [ray]"
)

SCRIPT = """
import asyncio, json, os, signal, sys
from omni_core import Engine, load_settings

async def main(store, ray, kill, files):
    settings = load_settings({
        "store": store, "encoder": "hashing", "index": "memory", "speech": "off", "ray": ray,
        "screen_text": "off", "timezone": "UTC", "ray_actors": 2,
    }, environ={})
    killed = []
    async with await Engine.open(settings) as engine:
        actors = await engine._readers.pids() if kill else []

        async def progress(status):
            busy = [s for s in status.now if s.stage == "reading" and s.path.endswith("film.mp4")]
            if kill and busy and busy[0].segments and not killed:
                for pid in actors:  # whichever has the film
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

        status = await engine.ingest_folder(files, progress=progress)
        index = await engine._context.opened_index()
        found, _ = await index.scroll(limit=1000)
        points = await index.get([p.id for p in found], vectors=True)
        thumbs = sorted(p.name for p in settings.store_path.glob("thumbs/*/*"))
        print(json.dumps({
            "points": {p.id: [repr(p.stored), p.dense is not None and p.dense.tolist()]
                       for p in points},
            "states": [s.state for s in status.done], "errors": [s.error for s in status.failed],
            "killed": len(killed), "thumbs": thumbs,
            "durations": [s.duration_s for s in status.done],
        }))

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] == "kill", sys.argv[4:]))
"""

REFUSED = """
import asyncio, sys
from omni_core import Engine, IngestRequest, load_settings
from omni_core.errors import StoreError

async def main(store, film, notes):
    settings = load_settings({
        "store": store, "encoder": "hashing", "index": "memory", "speech": "off", "ray": "local",
        "screen_text": "off", "timezone": "UTC", "ray_actors": 1,
    }, environ={})
    async with await Engine.open(settings) as engine:
        index = await engine._context.opened_index()
        upsert, calls = index.upsert, []

        async def refuse_one(points):
            calls.append(points)
            if len(calls) == 2:
                raise StoreError("the index is gone")
            await upsert(points)

        index.upsert = refuse_one
        try:
            await engine.ingest(IngestRequest(film))
        except StoreError as e:
            print(e)
        async with asyncio.timeout(60):
            print((await engine.ingest(IngestRequest(notes))).state)

if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
"""
ENDED = """
import asyncio, contextlib, os, pathlib, signal, sys
from omni_core import Engine, load_settings

def raylet():
    for found in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = found.read_text().partition("(")[2].rpartition(")")
            if name == "raylet" and int(rest.split()[1]) == os.getpid():
                return int(found.parent.name)
        except OSError:
            pass

async def main(store, *files):
    settings = load_settings({
        "store": store, "encoder": "hashing", "index": "memory", "speech": "off", "ray": "local",
        "screen_text": "off", "timezone": "UTC", "ray_actors": 1,
    }, environ={})
    ended = []

    async def progress(status):
        if status.current and status.current.segments and not ended:
            os.kill(actor, signal.SIGSTOP)  # or it may be done before it sees that Ray has ended
            ended.append(raylet())
            os.kill(ended[0], signal.SIGKILL)

    async with await Engine.open(settings) as engine:
        [actor] = await engine._readers.pids()
        status = await engine.ingest_folder(files, progress=progress)
        with contextlib.suppress(ProcessLookupError):  # Ray may have ended it
            os.kill(actor, signal.SIGKILL)
        print(len(ended), *[s.error.partition(" while")[0] for s in status.failed], sep="\\n")
        again = await engine.ingest_folder(files)
        print(*[s.state for s in again.done])

if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
"""
HIDDEN = "not-to-be-sent"


def run(folder: Path, ray: str, kill: bool, files: list[str]) -> dict[str, Any]:
    script = folder / "on_ray.py"
    script.write_text(SCRIPT)
    home = folder / "home"
    home.mkdir(exist_ok=True)
    store = str(folder / f"store {ray} {kill}")
    done = subprocess.run(
        [sys.executable, str(script), store, ray, "kill" if kill else "", *files],
        capture_output=True, text=True, timeout=250, check=False,
        env={**os.environ, "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert not [*home.rglob("auth_token*")]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@needs_ray
@pytest.mark.parametrize("kill", [False, True], ids=["whole", "actors killed"])
def test_the_library_is_that_of_the_plain_ingest(media: Path, tmp_path: Path, kill: bool) -> None:
    from tests.omni_core.engine.conftest import film

    colours = [(20 + 40 * n % 200, 200 - 30 * n % 180, 90 * n % 220) for n in range(10)]
    film(media / "film.mp4", colours, seconds=12)
    names = ("film.mp4", "notes.md", "lake.jpg")
    files = [str(media / name) for name in names]
    plain = run(tmp_path, "", False, files)
    other = run(tmp_path, "local", kill, files)
    assert plain["states"] == ["ready"] * len(files) and len(plain["points"]) > 10
    assert (other["errors"], other["killed"] > 0) == ([], kill)
    assert {key: other[key] for key in ("points", "states", "thumbs", "durations")} == {
        key: plain[key] for key in ("points", "states", "thumbs", "durations")
    }


@needs_ray
async def test_a_cluster_that_is_not_there_is_one_line(settings: Settings, media: Path) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with await Engine.open(replace(settings, ray=address, index="memory")) as engine:
            status = await engine.ingest(IngestRequest(str(media / "notes.md")))
    assert status.state == "failed" and f"no Ray cluster answers at '{address}'" in status.error


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
async def test_without_ray_the_error_says_what_to_install(settings: Settings, media: Path) -> None:
    chosen = replace(settings, ray="local", index="memory")
    async with await Engine.open(chosen) as engine:
        status = await engine.ingest(IngestRequest(str(media / "notes.md")))
    assert status.state == "failed" and "omni-mcp[ray]" in status.error


def test_no_password_of_the_library_is_sent_to_the_cluster(settings: Settings) -> None:
    secret = replace(
        settings, token=HIDDEN, qdrant_api_key=HIDDEN, catalog=f"postgresql://u:{HIDDEN}@h/d"
    )
    assert HIDDEN not in str(asdict(for_actors(secret)))


@needs_ray
def test_an_actor_whose_results_cannot_be_stored_is_free_for_the_next_file(
    media: Path, tmp_path: Path
) -> None:
    from tests.omni_core.engine.conftest import film as make_film

    make_film(media / "film.mp4", [(20 * n % 250, 200 - 9 * n % 180, 90) for n in range(80)], 4)
    script = tmp_path / "refused.py"
    script.write_text(REFUSED)
    film, notes = str(media / "film.mp4"), str(media / "notes.md")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "store"), film, notes],
        capture_output=True, text=True, timeout=250, check=False,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.stdout.split("\n")[:2] == ["the index is gone", "ready"], done.stderr[-3000:]


@needs_ray
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="finds the process in /proc")
def test_when_ray_itself_ends_the_file_says_so_and_the_next_ingest_begins_it_again(
    media: Path, tmp_path: Path
) -> None:
    from tests.omni_core.engine.conftest import film as make_film

    make_film(media / "film.mp4", [(20 * n % 250, 200 - 9 * n % 180, 90) for n in range(200)], 4)
    script = tmp_path / "ended.py"
    script.write_text(ENDED)
    files = [str(media / name) for name in ("film.mp4", "notes.md", "lake.jpg")]
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "store"), *files],
        capture_output=True, text=True, timeout=250, check=False,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    killed, *errors, again = done.stdout.splitlines()
    assert again == "ready ready ready", done.stderr[-3000:]
    assert killed == "1" and set(errors) == {"Ray has ended at 'local'"}, done.stderr[-3000:]
