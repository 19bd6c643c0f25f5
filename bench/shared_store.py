"""Several clients on one store: errors when one is killed, time of a hand-over, cost of a call.

    python bench/shared_store.py [--clients 3] [--calls 200] [--kills 8] [--encoder hashing]

1. Real stdio clients call all tools while one of them, chosen at random, is killed (-9) and
   started again, `--kills` times. An error that a surviving client sees is a failure.
2. A process that serves the engine is killed: seconds until another one answers.
3. Medians of calls through the socket and of the same calls on an engine of this process, and
   their ratio: the two are measured in turn, in one run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "server")]

from bench.stdio_windows import SAMPLE, Windows, host_of  # noqa: E402
from omni_core import (  # noqa: E402
    Engine,
    IngestRequest,
    OpenRequest,
    SearchRequest,
    Settings,
    SharedEngine,
    load_settings,
)
from omni_core.engine.api import EngineApi  # noqa: E402

HOST = """
import asyncio, sys
from omni_core import SharedEngine, load_settings

async def main():
    engine = await SharedEngine.open(load_settings({"store": sys.argv[1]}))
    print("serving", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def start_host(store: Path) -> subprocess.Popen[str]:
    """Another process that serves the engine of this store."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "server")])
    process = subprocess.Popen(
        [sys.executable, "-c", HOST, str(store)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    if process.stdout is None or process.stdout.readline().strip() != "serving":
        raise SystemExit("the host did not start")
    return process


async def windows(args: argparse.Namespace) -> int:
    """Part 1; how many errors."""
    with tempfile.TemporaryDirectory(prefix="omni-shared-") as folder:
        run = Windows(
            Path(folder), clients=args.clients, calls=args.calls, kills=args.kills, seed=args.seed
        )
        began = time.monotonic()
        outcome = await run.run()
        took = time.monotonic() - began
    print(f"{args.clients} stdio clients, {sum(outcome.calls.values())} calls in {took:.0f} s")
    print("  " + ", ".join(f"{tool} {n}" for tool, n in sorted(outcome.calls.items())))
    print(f"  {outcome.kills} kills, {outcome.hosts_killed} of the process with the engine")
    print(f"  errors seen by others: {len(outcome.errors)}")
    for error in outcome.errors:
        print(f"    {error}")
    print(f"  a call: median {statistics.median(outcome.seconds) * 1000:.0f} ms, "
          f"longest {max(outcome.seconds):.2f} s")  # fmt: skip
    if outcome.after_kill:
        print("  from the kill to the next answer: "
              + ", ".join(f"{s:.2f}" for s in outcome.after_kill) + " s")  # fmt: skip
    return len(outcome.errors)


async def handover(settings: Settings, times: int = 5) -> None:
    """Part 2."""
    listed, searched = [], []
    for _ in range(times):
        host = await asyncio.to_thread(start_host, settings.store_path)
        async with await SharedEngine.open(settings) as engine:
            await engine.search(SearchRequest("lava channel"))
            if host_of(settings.store_path) != host.pid:
                raise SystemExit("another process serves the store")
            began = time.monotonic()
            host.send_signal(signal.SIGKILL)
            await engine.sources()
            listed.append(time.monotonic() - began)
            await engine.search(SearchRequest("lava channel"))
            searched.append(time.monotonic() - began)
        host.wait()
    print(f"hand-over after kill -9, {times} times: a list after "
          f"{statistics.median(listed):.2f} s (longest {max(listed):.2f}), a search after "
          f"{statistics.median(searched):.2f} s (longest {max(searched):.2f})")  # fmt: skip


async def cost(settings: Settings, rounds: int = 3, times: int = 60) -> None:
    """Part 3."""
    calls: dict[str, Callable[[EngineApi], Awaitable[object]]] = {
        "sources": lambda e: e.sources(),
        "search": lambda e: e.search(SearchRequest("lava channel")),
        "read": lambda e: e.read("slides"),
        "open_ref, a frame": lambda e: e.open_ref(OpenRequest("slides.mp4@12", show=("frame",))),
    }
    direct: dict[str, list[float]] = {name: [] for name in calls}
    shared: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        async with await Engine.open(settings) as engine:
            await measure(engine, calls, direct, times)
        host = await asyncio.to_thread(start_host, settings.store_path)
        async with await SharedEngine.open(settings) as engine:
            await measure(engine, calls, shared, times)
        host.terminate()
        host.wait()
    print(f"a call, medians of {rounds} x {times}:   direct   shared   overhead   ratio")
    for name in calls:
        one, two = (statistics.median(t[name]) * 1000 for t in (direct, shared))
        print(f"  {name:24} {one:10.2f} ms {two:7.2f} {two - one:9.2f} ms {two / one:7.2f}")


async def measure(
    engine: EngineApi,
    calls: dict[str, Callable[[EngineApi], Awaitable[object]]],
    into: dict[str, list[float]],
    times: int,
) -> None:
    """Seconds of each call, after one that is not counted."""
    for name, call in calls.items():
        await call(engine)
        for _ in range(times):
            began = time.perf_counter()
            await call(engine)
            into[name].append(time.perf_counter() - began)


async def figures(args: argparse.Namespace) -> int:
    """All parts."""
    errors = await windows(args)
    with tempfile.TemporaryDirectory(prefix="omni-shared-") as folder:
        settings = replace(load_settings(), store=folder)
        async with await SharedEngine.open(settings) as engine:
            await engine.ingest(IngestRequest(str(SAMPLE)))
        await handover(settings)
        await cost(settings)
    return int(bool(errors))


def main() -> int:
    """Print the figures; 1 when a surviving client saw an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--encoder", default="hashing", help="hashing, or embedded with its models")
    args = parser.parse_args()
    os.environ |= {"OMNI_ENCODER": args.encoder, "OMNI_SPEECH": "off", "OMNI_SCREEN_TEXT": "off"}
    return asyncio.run(figures(args))


if __name__ == "__main__":
    sys.exit(main())
