"""An ingest with no model worker elsewhere, one and two; and with workers that are killed in it.

    python bench/remote_workers.py [FOLDER] [--workers 0 1 2] [--kills 4] [--film 120]

Starts `omni-mcp worker --listen` on loopback, ingests the folder (by default the samples and a film
made of them) into a fresh store for each number of workers, and prints CPU seconds of the server's
processes and of the workers', and whether ids, words and vectors are those without any. Then the
same once more with two workers, of which one after the other is killed (SIGKILL) in the middle of
the film and started again. Compare CPU and ratios on a machine that does other work too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "server")]

from bench.folder import SAMPLES, difference, points_of  # noqa: E402
from bench.remote_film import make_film  # noqa: E402
from omni_core import Engine, FolderStatus, OmniError, Settings, load_settings  # noqa: E402
from omni_core.points import Point  # noqa: E402

START_S = 300.0
PATIENT_S = 600.0
"""How long a decoder may take, so that no file fails because the machine is busy."""
Progress = Callable[[FolderStatus], Awaitable[None]]


class Process:
    """One `omni-mcp worker`, which keeps its port when it is started again."""

    def __init__(self, token: str, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.kills = 0
        self.ended_s = 0.0
        """CPU seconds of those that were killed."""
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "server")]),
            "OMNI_ENCODER_TOKEN": token, "OMNI_STORE": str(folder),
        }  # fmt: skip
        self._start()

    def _start(self) -> None:
        self._process = psutil.Popen(
            [sys.executable, "-m", "omni_server", "worker", "--listen", f"127.0.0.1:{self.port}"],
            env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @property
    def cpu_s(self) -> float:
        """CPU seconds so far, of the killed ones too."""
        used = self._process.cpu_times()
        return self.ended_s + float(used.user + used.system)

    def kill_and_start(self) -> None:
        """End it at once, as a machine that fails, and start another one."""
        self.ended_s = self.cpu_s
        self._process.kill()
        self._process.wait()
        self.kills += 1
        self._start()

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


@contextmanager
def workers(count: int, token: str) -> Iterator[list[Process]]:
    """So many, which answer."""
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        started = [Process(token, folder / str(n)) for n in range(count)]
        for one in started:
            ending.callback(one.end)
        yield started


async def ingest(
    files: list[str], urls: list[str], token: str, progress: Progress | None = None
) -> tuple[dict[str, Point], float, list[str]]:
    """The points, CPU seconds of this process and its children, and what failed."""
    with tempfile.TemporaryDirectory() as store:
        settings = load_settings({
            "store": store, "encoder_url": ",".join(urls), "encoder_token": token,
            "decoders": max(1, len(urls)),
            "probe_s": PATIENT_S, "decode_stall_s": PATIENT_S,
        })  # fmt: skip
        before = cpu_s()
        engine = await _opened(settings)
        async with engine:
            await engine.ready()
            status = await engine.ingest_folder(files, progress=progress)
            found = await points_of(engine)
    return found, cpu_s() - before, [f"{f.path}: {f.error}" for f in status.failed]


async def _opened(settings: Settings) -> Engine:
    """The engine, as soon as a worker answers."""
    until = time.monotonic() + START_S
    while True:
        try:
            return await Engine.open(settings)
        except OmniError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(1)


def cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended; workers run on."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(u.ru_utime + u.ru_stime for u in used)


def show(name: str, cpu: float, there: float, found: Mapping[str, Point], truth: str) -> None:
    """One line."""
    print(
        f"{name}: server {cpu:.1f} CPU s, workers {there:.1f} CPU s, {len(found)} points: {truth}",
        flush=True,
    )


def main() -> None:
    """Run and print a line for each."""
    parser = argparse.ArgumentParser(description="Ingests with model workers elsewhere.")
    parser.add_argument("folder", nargs="?", type=Path, default=SAMPLES)
    parser.add_argument("--workers", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--film", type=int, default=120, metavar="S", help="0: none is made")
    args = parser.parse_args()
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as made:
        files = sorted(str(p.resolve()) for p in args.folder.rglob("*") if p.is_file())
        if args.film:
            files.append(str(make_film(SAMPLES, Path(made) / "film.mp4", args.film)))
        first: dict[str, Point] = {}
        for count in args.workers:
            with workers(count, token) as there:
                urls = [w.url for w in there]
                found, cpu, failed = asyncio.run(ingest(files, urls, token))
                print(*failed, sep="\n", end="\n" * bool(failed))
                first = first or found
                used = sum(w.cpu_s for w in there)
                show(f"{count} workers", cpu, used, found, difference(first, found))
        if args.kills:
            killed(files, args.kills, token, first)


def killed(files: list[str], kills: int, token: str, truth: Mapping[str, Point]) -> None:
    """The folder with two workers that are killed in turns, each time that some more is stored."""
    with workers(2, token) as there:
        seen = [0]

        async def kill(status: FolderStatus) -> None:
            if status.segments <= seen[0] or sum(w.kills for w in there) >= kills:
                return
            seen[0] = status.segments + 4
            victim = there[sum(w.kills for w in there) % 2]
            await asyncio.to_thread(victim.kill_and_start)

        urls = [w.url for w in there]
        found, cpu, failed = asyncio.run(ingest(files, urls, token, kill))
        print(*failed, sep="\n", end="\n" * bool(failed))
        used, cpu = sum(w.cpu_s for w in there), cpu - sum(w.ended_s for w in there)
        name = f"2 workers, {sum(w.kills for w in there)} kills"
        show(name, cpu, used, found, difference(truth, found) if truth else "not compared")


if __name__ == "__main__":
    main()
