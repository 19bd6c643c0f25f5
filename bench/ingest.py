"""What an ingest costs: a narrated 480p video, stage by stage, memory, pauses of the event loop.

    python bench/ingest.py [--minutes 3] [--encoder embedded]

Makes the video from the sample slides (looped, 854x480), ingests it into a fresh store in this
process as the server would, searches while it runs, and prints seconds per stage, the ratio of
ingest time to the video's length, the largest pause of the event loop, and the memory of each
process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "server")]

from omni_core import Engine, IngestRequest, OmniError, SearchRequest, load_settings  # noqa: E402

SAMPLE = ROOT / "samples" / "library" / "field-trip" / "slides.mp4"


def make_video(path: Path, minutes: float) -> None:
    """Loop the sample video to `minutes`, as 854x480 H.264 with AAC."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "28"})
        video.width, video.height, video.pix_fmt = 854, 480, "yuv420p"
        audio = out.add_stream("aac", rate=24000, layout="mono")
        resampler = av.AudioResampler("fltp", "mono", 24000)
        frames = samples = 0
        while frames < minutes * 60 * 25:
            with av.open(str(SAMPLE)) as source:
                for frame in source.decode(video=0, audio=0):
                    if isinstance(frame, av.VideoFrame):
                        again = round(25 / float(source.streams.video[0].average_rate or 25))
                        for _ in range(again):
                            shown = frame.reformat(854, 480, "yuv420p")
                            shown.pts, shown.time_base = frames, Fraction(1, 25)
                            frames += 1
                            out.mux(video.encode(shown))
                    else:
                        for resampled in resampler.resample(frame):
                            resampled.pts, resampled.time_base = samples, Fraction(1, 24000)
                            samples += resampled.samples
                            out.mux(audio.encode(resampled))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


def resident_mb(pid: int) -> float:
    """Peak resident memory of a process, MB; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


async def run(video_path: Path, store: Path, encoder: str) -> dict[str, object]:
    """Ingest and search at once."""
    settings = load_settings({"store": str(store), "encoder": encoder}, environ={})
    began = time.perf_counter()
    engine = await Engine.open(settings)
    opened = time.perf_counter() - began
    status = await engine.ready()
    ready = time.perf_counter() - began
    gaps: list[float] = []
    questions: list[float] = []
    memory: dict[str, float] = {}
    first: list[float] = []
    done = asyncio.Event()

    async def watch() -> None:
        last = time.perf_counter()
        while not done.is_set():
            await asyncio.sleep(0.005)
            now = time.perf_counter()
            gaps.append(now - last - 0.005)
            last = now

    async def ask() -> None:
        while not done.is_set():
            started = time.perf_counter()
            try:
                found = await engine.search(SearchRequest("how fast does lava flow"))
                if found.hits and not first:
                    first.append(time.perf_counter() - began - ready)
                questions.append(time.perf_counter() - started)
            except OmniError as e:
                if e.code != "EMPTY_INDEX":
                    raise
            pids = (await engine.status())["pids"]
            for name, pid in (
                ("models", pids["models"]), ("server", None),
                *((f"decoder {i}", p) for i, p in enumerate(pids["decoders"])),
            ):  # fmt: skip
                size = resident_mb(pid) if pid else resident_mb(__import__("os").getpid())
                memory[name] = max(memory.get(name, 0.0), size)
            await asyncio.sleep(1)

    watcher, asker = asyncio.create_task(watch()), asyncio.create_task(ask())
    ingested = await engine.ingest(IngestRequest(str(video_path)))
    done.set()
    await asyncio.gather(watcher, asker)
    again = await engine.ingest(IngestRequest(str(video_path)))
    await engine.close()
    length = ingested.duration_s or 1.0
    gaps.sort()
    questions.sort()
    return {
        "state": ingested.state,
        "segments": ingested.segments,
        "film_s": round(length, 1),
        "ingest_over_length": round(ingested.timings["total"] / length, 3),
        "searchable_after_s": round(first[0], 2) if first else None,
        "stages_s": {k: round(v, 2) for k, v in ingested.timings.items()},
        "again_s": round(again.timings["total"], 3),
        "open_s": round(opened, 3),
        "models_ready_s": round(ready, 2),
        "loaded_s": {k: round(v, 2) for k, v in status.loaded_s.items()},
        "largest_loop_gap_ms": round(1000 * gaps[-1], 1),
        "loop_gap_p999_ms": round(1000 * gaps[int(len(gaps) * 0.999)], 1),
        "question_p50_ms": round(1000 * questions[len(questions) // 2], 1),
        "question_max_ms": round(1000 * questions[-1], 1),
        "peak_mb": {k: round(v) for k, v in memory.items()},
    }


def main() -> None:
    """Make the video, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--encoder", default="embedded")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video_path = Path(folder) / "talk.mp4"
        make_video(video_path, args.minutes)
        report = asyncio.run(run(video_path, Path(folder) / "store", args.encoder))
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
