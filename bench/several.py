"""Several processes on one library, for real: killed at random, and how much faster they are.

    QDRANT_TEST_BINARY=/path/to/qdrant python bench/several.py [kills] [throughput] [reading]

Starts a PostgreSQL and a Qdrant server on loopback and makes a folder of texts, pictures and films
with subtitles. **kills**: the folder is ingested by one process, which is the truth; then by
several `omni-mcp ingest` that are killed (SIGKILL) one by one at random and started again, in as
many fresh libraries as it takes; each is ingested to the end by a last process and compared.
**throughput**: one process and two, twice; beside the time, which means little on a machine that
does other work, the CPU seconds of all, and of the busiest: how much less than one process alone
it has to do is what two machines of their own would gain, as long as database and index keep up.
With --one-core-each a process has one core. **reading**: searches, lists and
servers while another process writes (`several_reading.py`). Everything with the weightless encoder,
so that the machinery is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "server")]

from bench.several_library import Holds, Library, Servers, make_folder, servers, why_not  # noqa: E402
from bench.several_reading import Environment, embedded, read_while_writing  # noqa: E402

COMMAND = [sys.executable, "-m", "omni_server", "ingest"]
END_S = 600.0
"""How long an ingest of the folder may take at most."""


class Process:
    """One `omni-mcp ingest`, whose children are known as its session."""

    def __init__(
        self, library: Library, media: Path, store: str, cores: Collection[int] = ()
    ) -> None:
        """cores: those that it and its children may use; none for all."""
        self.store = store
        folder = library.folder / library.name
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{store}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, str(media)], env=library.environment(store), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
                preexec_fn=partial(os.sched_setaffinity, 0, cores) if cores else None,
            )  # fmt: skip
        self.cpu_s = 0.0

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it as the kernel does when memory runs out; its children are not signalled."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def end(self) -> None:
        """Wait until it has ended; exits where it failed."""
        try:
            code = _wait(self)
        except subprocess.TimeoutExpired:
            self.kill()
            sys.exit(f"an ingest did not end in {END_S:.0f} s:\n{self.said()}")
        if code:
            sys.exit(f"an ingest ended with {code}:\n{self.said()}")

    def said(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def children(self) -> list[int]:
        """Processes of its session that are alive."""
        return [
            p.pid for p in psutil.process_iter() if _session(p.pid) == self.process.pid
            and p.pid != self.process.pid and p.status() != psutil.STATUS_ZOMBIE
        ]  # fmt: skip


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _wait(process: Process) -> int:
    """The exit status; notes the CPU seconds of the process and the children it waited for."""
    give_up = time.monotonic() + END_S
    while time.monotonic() < give_up:
        pid, status, used = os.wait4(process.process.pid, os.WNOHANG)
        if pid:
            process.cpu_s = used.ru_utime + used.ru_stime
            process.process.returncode = os.waitstatus_to_exitcode(status)
            return process.process.returncode
        time.sleep(0.02)
    raise subprocess.TimeoutExpired(COMMAND, END_S)


@dataclass
class Killed:
    """What became of libraries whose processes were killed."""

    kills: int = 0
    rounds: int = 0
    at_work: int = 0
    """Kills of a process that had a lease."""
    taken_over: int = 0
    """Files that were begun again."""
    failed: list[str] = field(default_factory=list)
    """What processes said that ended by themselves with an error."""
    orphans: int = 0
    """Child processes that outlived a killed one by ten seconds."""
    wrong: Counter[str] = field(default_factory=Counter)


def truth_of(there: Servers, work: Path, media: Path) -> Holds:
    """The folder ingested by one process that nothing disturbs."""
    library = there.library(work, 60)
    Process(library, media, "only").end()
    return library.holds()


def kill_at_random(
    there: Servers, work: Path, media: Path, truth: Holds, *, kills: int, processes: int,
    lease_s: float, seed: int = 1, longest_s: float = 6.0,
) -> Killed:  # fmt: skip
    """Kill processes until there were so many kills, in one library after another."""
    rnd, found = random.Random(seed), Killed()
    while found.kills < kills:
        found.rounds += 1
        library = there.library(work, lease_s)
        dead: list[Process] = []
        alive = [Process(library, media, f"store{n}") for n in range(processes)]
        try:
            while found.kills < kills:
                victim = rnd.choice(alive)
                _let_it_work(library, victim, rnd, longest_s)
                ended = [p for p in alive if not p.is_running]
                found.failed += [p.said() for p in ended if p.process.returncode]
                if any(p.process.returncode == 0 for p in ended):
                    break  # the folder is done
                found.at_work += bool(library.owned_by(victim.process.pid))
                victim.kill()
                found.kills += 1
                dead.append(victim)
                alive[alive.index(victim)] = Process(library, media, victim.store)
        finally:
            for process in alive:
                if process.is_running:
                    process.kill()
                    dead.append(process)
        last = Process(library, media, "last")
        last.end()
        found.orphans += _orphans(dead)
        holds = library.holds()
        found.wrong.update(holds.differs(truth))
        found.taken_over += holds.attempts - len(holds.sources)
    return found


def _let_it_work(library: Library, process: Process, rnd: random.Random, longest_s: float) -> None:
    """Wait at random: half of the time until it has a file under way and a little longer."""
    if rnd.random() < 0.5:
        time.sleep(rnd.uniform(0.3, longest_s))
        return
    give_up = time.monotonic() + 3 * longest_s
    while process.is_running and not library.owned_by(process.process.pid):
        if time.monotonic() > give_up:
            return
        time.sleep(0.02)
    time.sleep(rnd.uniform(0, 0.3))


def _orphans(dead: list[Process]) -> int:
    give_up = time.monotonic() + 10
    while (left := sum(len(p.children()) for p in dead)) and time.monotonic() < give_up:
        time.sleep(0.2)
    return left


def throughput(
    there: Servers, work: Path, media: Path, counts: list[int], *, one_core_each: bool
) -> None:
    """Print seconds and CPU seconds for each number of processes; compared with the run of one
    process before it, since a machine is not as fast all the time."""
    first, alone, cores = 0.0, 0.0, sorted(os.sched_getaffinity(0))
    for n in counts:
        library = there.library(work, 60)
        started = time.perf_counter()
        running = [
            Process(library, media, f"store{k}", cores[k : k + 1] if one_core_each else ())
            for k in range(n)
        ]
        for process in running:
            process.end()
        seconds = time.perf_counter() - started
        cpu, busiest = sum(p.cpu_s for p in running), max(p.cpu_s for p in running)
        if n == counts[0]:
            first, alone = seconds, busiest
        print(f"{n} process{'es' * (n > 1)}: {seconds:.1f} s, {first / seconds:.2f}x; {cpu:.1f} "
              f"CPU s, the busiest {busiest:.1f}, {alone / busiest:.2f}x", flush=True)  # fmt: skip


def reading(title: str, of: Environment, work: Path) -> None:
    """Print what readers were told while another process wrote."""
    told = asyncio.run(read_while_writing(of, work / "media", work / f"new in {title}.txt"))
    print(f"{title}: answers while another process wrote")
    for who, number in told.answered.items():
        print(f"  {who:24} {number}, the slowest after {told.slowest_s[who]:.1f} s")
    print(f"  refused                  {len(told.refused)}")
    found = told.found_after_s
    print("  a new file was found by the other server "
          + ("never" if found is None else f"{found:.1f} s after it was stored"))  # fmt: skip
    for line in told.refused[:5]:
        print(line)


def report(found: Killed, truth: Holds) -> None:
    """Print what the kills did."""
    print(f"{found.kills} kills in {found.rounds} libraries of {len(truth.sources)} sources and "
          f"{len(truth.points)} points; {found.at_work} of them while a file was under way, "
          f"{found.taken_over} files begun again")  # fmt: skip
    rows: dict[str, Any] = {
        **found.wrong,
        "processes that failed": len(found.failed),
        "children left over": found.orphans,
    }
    for what, number in rows.items():
        print(f"  {what:24} {number}")
    for said in found.failed:
        print(said)


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description="Several processes on one library.")
    parser.add_argument("parts", nargs="*", default=["kills", "throughput", "reading"])
    parser.add_argument("--files", type=int, default=45)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--lease", type=float, default=4.0, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one-core-each", action="store_true")
    args = parser.parse_args()
    if why := why_not():
        sys.exit(why)
    with tempfile.TemporaryDirectory() as name, servers(Path(name)) as there:
        work = Path(name)
        make_folder(work / "media", args.files, args.seed)
        if "kills" in args.parts:
            truth = truth_of(there, work, work / "media")
            report(
                kill_at_random(
                    there, work, work / "media", truth, kills=args.kills, seed=args.seed,
                    processes=args.processes, lease_s=args.lease,
                ),
                truth,
            )  # fmt: skip
        if "throughput" in args.parts:
            throughput(there, work, work / "media", [1, 2, 1, 2], one_core_each=args.one_core_each)
        if "reading" in args.parts:
            shared = there.library(work, 60).environment
            for title, of in (("one store", embedded(work)), ("PostgreSQL and Qdrant", shared)):
                reading(title, of, work)


if __name__ == "__main__":
    main()
