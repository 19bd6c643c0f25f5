"""What pixels and samples cost on their way from the decoder to the models.

    python bench/pixels.py [--before FOLDER] [--minutes 6] [--pictures 100] [--rounds 3]
                           [--encoder hashing|embedded] [--size 1280x720]

Makes a film with a cut every five seconds and a tone, and a folder of pictures, and ingests each in
a process of its own: by sealed memory, by the pipes alone (as on macOS and Windows), and with the
code of another checkout (`--before`). Rounds alternate; the median of each figure is printed. CPU:
of the server's process, and of it and its children. Bytes: all that the server's process read and
wrote, its reading of the file for the hash left out. Memory: the most that all processes together
had at one time, sealed memory counted once (proportional set size, looked at ten times a second).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SHOT_S, FPS, RATE = 5, 10, 16_000
LOOK_S = 0.1
WAYS = ("sealed memory", "pipes")


def scene(dice: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """A picture of soft colours with edges, unlike the one before."""
    coarse = Image.fromarray(dice.integers(0, 255, (9, 16, 3), np.uint8))
    picture = np.array(coarse.resize((width, height), Image.Resampling.BICUBIC))
    for _ in range(12):
        x, y = int(dice.integers(0, width - 40)), int(dice.integers(0, height - 40))
        picture[y : y + 40 + height // 9, x : x + 40 + width // 9] = dice.integers(0, 255, 3)
    return picture


def make_film(path: Path, minutes: float, width: int, height: int) -> None:
    """A film of `minutes` with a cut every `SHOT_S` seconds, and a tone."""
    dice = np.random.default_rng(1)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "30"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = out.add_stream("aac", rate=RATE, layout="mono")
        for second in range(round(minutes * 60)):
            if second % SHOT_S == 0:
                shot = scene(dice, width, height)
            for i in range(FPS):
                moved = np.roll(shot, 2 * (second % SHOT_S * FPS + i), axis=1)
                frame = av.VideoFrame.from_ndarray(moved, "rgb24")
                frame.pts, frame.time_base = second * FPS + i, Fraction(1, FPS)
                out.mux(video.encode(frame))
            wave = np.sin(
                np.arange(RATE, dtype=np.float32) * (300 + 10 * (second % 50)) / RATE * 6.28
            )
            for at in range(0, RATE, 1000):
                sound = av.AudioFrame.from_ndarray(wave[None, at : at + 1000] * 0.1, "fltp", "mono")
                sound.pts, sound.rate = second * RATE + at, RATE
                sound.time_base = Fraction(1, RATE)
                out.mux(audio.encode(sound))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


def make_pictures(folder: Path, count: int) -> None:
    """So many pictures of a camera's size."""
    dice = np.random.default_rng(2)
    for i in range(count):
        Image.fromarray(scene(dice, 1600, 1200)).save(folder / f"picture-{i:03}.jpg", quality=80)


async def ingest(paths: list[Path], store: Path, encoder: str) -> dict[str, float]:
    """Ingest the files one after the other; what the server's process spent meanwhile."""
    from omni_core import Engine, IngestRequest, load_settings

    plain = {"speech": "off", "screen_text": "off"} if encoder == "hashing" else {}
    given: dict[str, Any] = {"store": str(store), "encoder": encoder, "index": "memory", **plain}
    given |= {"decode_stall_s": 600, "probe_s": 300}  # a busy machine is not what is measured
    engine = await Engine.open(load_settings(given, environ={}))
    try:
        await engine.ready()
        before, moved = psutil.Process().cpu_times(), _moved()
        children = _of_children()
        for path in paths:
            status = await engine.ingest(IngestRequest(str(path)))
            if status.state != "ready":
                raise SystemExit(f"{path.name}: {status}")
        after = psutil.Process().cpu_times()
        server = after.user + after.system - before.user - before.system
        spent = _of_children() - children
        files = sum(path.stat().st_size for path in paths)
        return {
            "server_cpu_s": server,
            "whole_cpu_s": server + spent,
            "server_gb": (_moved() - moved - files) / 1e9,
        }
    finally:
        await engine.close()


def _moved() -> int:
    found = psutil.Process().io_counters()
    return int(found.read_chars + found.write_chars)


def _of_children() -> float:
    times = [child.cpu_times() for child in psutil.Process().children()]
    return sum(t.user + t.system for t in times)


def resident_mb(pid: int) -> float:
    """Memory of a process and all that it started, sealed memory once."""
    size, shared = 0, {}
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in family:
        try:
            rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            for line in rollup.splitlines():
                if line.startswith(("Pss_Anon", "Pss_File")):
                    size += int(line.split()[1]) << 10
            for each in os.scandir(f"/proc/{process.pid}/fd"):
                if os.readlink(each.path).startswith("/memfd:omni"):
                    found = os.stat(each.path)
                    shared[found.st_ino] = found.st_blocks * 512
        except OSError:
            continue
    return (size + sum(shared.values())) / 1e6


def one(way: str, code: Path, paths: list[Path], encoder: str) -> dict[str, float]:
    """One ingest in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            str(Path(__file__).resolve()),
            "--one",
            way,
            "--encoder",
            encoder,
        ]
        environ = {**os.environ, "PYTHONPATH": f"{code}{os.pathsep}{code / 'server'}"}
        process = subprocess.Popen(
            [*command, "--store", str(Path(folder) / "store"), *map(str, paths)],
            env=environ, stdout=subprocess.PIPE, text=True, cwd=folder,
        )  # fmt: skip
        most, over = 0.0, threading.Event()

        def look() -> None:
            nonlocal most
            while not over.wait(LOOK_S):
                most = max(most, resident_mb(process.pid))

        looking = threading.Thread(target=look)
        looking.start()
        said, _ = process.communicate()
        over.set()
        looking.join()
        if process.returncode:
            raise SystemExit(f"{way}: exit status {process.returncode}")
        return {**json.loads(said.splitlines()[-1]), "peak_mb": most}


def table(title: str, found: dict[str, list[dict[str, float]]], scale: float) -> None:
    """The medians of all rounds, a row a way."""
    print(f"\n{title}\n| way | server CPU s | all CPU s | server read and wrote GB | peak MB |")
    print("|---|---|---|---|---|")
    for way, rounds in found.items():
        middle = {k: statistics.median(r[k] for r in rounds) for k in rounds[0]}
        print(
            f"| {way} | {middle['server_cpu_s'] * scale:.2f} | {middle['whole_cpu_s'] * scale:.1f} "
            f"| {middle['server_gb'] * scale:.3f} | {middle['peak_mb']:.0f} |",
            flush=True,
        )


def compare(args: argparse.Namespace) -> None:
    """Every way, alternately."""
    width, height = map(int, args.size.split("x"))
    ways = [("before", Path(args.before).resolve())] if args.before else []
    ways += [(way, ROOT) for way in WAYS]
    with tempfile.TemporaryDirectory() as folder:
        film, pictures = Path(folder) / "film.mp4", Path(folder) / "pictures"
        pictures.mkdir()
        if args.minutes:
            make_film(film, args.minutes, width, height)
        make_pictures(pictures, args.pictures)
        for title, paths, scale in (
            (f"An hour of film, from {args.minutes:g} minutes", [film], 60 / (args.minutes or 1)),
            ("100 pictures", sorted(pictures.iterdir()), 100 / (args.pictures or 1)),
        ):
            if not all(path.exists() for path in paths) or not paths:
                continue
            found: dict[str, list[dict[str, float]]] = {way: [] for way, _ in ways}
            for _ in range(args.rounds):
                for way, code in ways:
                    found[way].append(one(way, code, paths, args.encoder))
            table(f"{title}, encoder {args.encoder}", found, scale)


def main() -> None:
    """Compare, or (`--one`) be one of those that are compared."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", help="a checkout of other code")
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--encoder", default="hashing", help="hashing reads no words")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("paths", nargs="*", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.one:
        compare(args)
        return
    if args.one == "pipes":
        from omni_core.pipes import memory

        memory.available = lambda: False  # type: ignore[assignment]
    found: dict[str, Any] = asyncio.run(ingest(args.paths, args.store, args.encoder))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
