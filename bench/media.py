"""What cutting costs and how exact it is, as ratios in one run.

    python bench/media.py --clips FOLDER [--work /tmp/omni-bench] [--scenedetect PATH] [only ...]

FOLDER holds real clips without cuts of their own, and images: test videos are made of them. Needs
the `ffmpeg` command. The rows: decompose, cuts, clock, audio, memory, pages, formats. Figures are
CPU seconds, which vary less on a busy machine; each pair of commands is run alternately and the
median of the ratios is printed.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import fuzz_media, media_videos, media_wrap
from omni_core.errors import OmniError
from omni_core.media.service import MediaService, service
from omni_core.types import AudioContent, CutOptions, Segment, Source, VideoContent

ROUNDS = 3


def cpu(who: int = resource.RUSAGE_SELF) -> float:
    """CPU seconds so far."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def of_command(command: list[str]) -> float:
    """CPU seconds of a command and its children."""
    before = cpu(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return cpu(resource.RUSAGE_CHILDREN) - before


def of(call: Callable[[], Any]) -> float:
    """CPU seconds of a call here."""
    before = cpu()
    call()
    return cpu() - before


def row(name: str, value: str, bar: str) -> None:
    """One line of the table."""
    print(f"| {name:58s} | {value:>26s} | {bar:>12s} |", flush=True)


def source(path: Path, info: Any) -> Source:
    """A minimal source for cutting."""
    return Source("0" * 64, str(path), info.title, info.modality, info.mime, 1, info.duration_s)


def cut(svc: MediaService, path: Path, **options: Any) -> Iterator[Segment]:
    """All segments of a file."""
    pieces = svc.decompose(str(path), source(path, svc.probe(str(path))), CutOptions(**options))
    return (piece for piece in pieces if isinstance(piece, Segment))


def drain(svc: MediaService, path: Path, **options: Any) -> Callable[[], int]:
    """A function that cuts a file and drops the segments; probing is not included."""
    made = source(path, svc.probe(str(path)))
    return lambda: sum(1 for _ in svc.decompose(str(path), made, CutOptions(**options)))


def cut_video(work: Path, clips: Path, name: str, **kind: Any) -> Path:
    """A video with known cuts, made once."""
    path = work / name
    if not Path(f"{path}.json").exists():
        print(f"  (making {name})", flush=True)
        media_videos.make(path, clips=clips, **kind)
    return path


def cost_videos(work: Path, clips: Path) -> tuple[Path, Path]:
    """The two videos of the cost rows."""
    return (
        cut_video(work, clips, "a1080.mp4", size=(1920, 1080), seed=11, longest=12),
        cut_video(work, clips, "b720.mp4", size=(1280, 720), seed=12, fps=30, longest=12),
    )


def decompose(svc: MediaService, work: Path, clips: Path, scenedetect: str) -> None:
    """Cost of a whole decompose against plain decoding and against PySceneDetect."""
    for path in cost_videos(work, clips):
        null = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-f", "null", "-"]
        whole, fast, psd = [], [], []
        for n in range(ROUNDS):
            base = of_command(null)
            whole.append(of(drain(svc, path)) / base)
            fast.append(of(drain(svc, path, fast=True)) / base)
            if scenedetect and n == 0:
                images = work / "images"
                command = [scenedetect, "-q", "-i", str(path), "-o", str(images)]
                psd.append(of_command([*command, "detect-content", "save-images"]) / base)
                shutil.rmtree(images, ignore_errors=True)
        name = path.stem
        row(f"{name}: decompose / ffmpeg -f null", _spread(whole), "<= 1.0")
        row(f"{name}: fast decompose / ffmpeg -f null", _spread(fast), "<= 0.45")
        if psd:
            ratio = statistics.median(whole) / psd[0]
            row(f"{name}: decompose / scenedetect save-images", f"{ratio:.2f}", "<= 0.45")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def cuts(svc: MediaService, work: Path, clips: Path, scenedetect: str) -> None:
    """F1 of hard cuts, dissolves and fades over held-out videos, beside PySceneDetect Adaptive."""
    paths = [
        cut_video(
            work, clips, f"cuts{seed}.mp4", size=(480, 270), seconds=120, seed=seed, longest=6
        )
        for seed in (41, 42, 43)
    ]
    paths.append(
        cut_video(
            work,
            clips,
            "cuts44-fixed-gop.mp4",
            size=(480, 270),
            seconds=120,
            seed=44,
            longest=6,
            options={"crf": "25", "preset": "veryfast", "g": "48", "sc_threshold": "0"},
        )
    )
    ours, theirs, fast = Score(), Score(), Score()
    for path in paths:
        truth = json.loads(Path(f"{path}.json").read_text())["cuts"]
        ours.add(_starts(svc, path), truth)
        fast.add(_starts(svc, path, fast=True), truth)
        if scenedetect:
            theirs.add(_adaptive(scenedetect, path, work), truth)
    row(f"cuts: F1 over {ours.true} cuts", str(ours), ">= 0.95")
    row("cuts: fast mode F1", str(fast), ">= 0.80")
    if scenedetect:
        row("cuts: PySceneDetect detect-adaptive F1, same run", str(theirs), "never above")


class Score:
    """Hits within 0.12 s of a hard cut, 0.6 s of the start of a soft one."""

    def __init__(self) -> None:
        self.hits = self.found = self.true = 0

    def add(self, found: list[float], truth: list[dict[str, Any]]) -> None:
        """Count one video."""
        used: set[int] = set()
        for c in truth:
            late = 0.12 if c["kind"] == "cut" else 0.6
            near = [i for i, f in enumerate(found) if i not in used and -0.06 <= f - c["t"] <= late]
            used.update(near[:1])
        self.hits += len(used)
        self.found += len(found)
        self.true += len(truth)

    def __str__(self) -> str:
        f1 = 2 * self.hits / max(1, self.found + self.true)
        return f"{f1:.3f} (P {self.hits / max(1, self.found):.2f} R {self.hits / self.true:.2f})"


def _starts(svc: MediaService, path: Path, **options: Any) -> list[float]:
    shots = [
        s for s in cut(svc, path, shot_max_s=1e6, **options) if isinstance(s.content, VideoContent)
    ]
    return [s.span.start for s in shots][1:]


def _adaptive(scenedetect: str, path: Path, work: Path) -> list[float]:
    out = work / f"{path.stem}.csv"
    command = [scenedetect, "-q", "-i", str(path), "-o", str(work), "detect-adaptive"]
    of_command([*command, "list-scenes", "-q", "-f", out.name])
    with out.open() as f:
        return [float(r[3]) for r in list(csv.reader(f))[3:]]


def clock(svc: MediaService, work: Path, clips: Path, scenedetect: str) -> None:
    """Time errors of keyframes, audio clicks and seeks, over all container variants."""
    containers = media_wrap.make(work / "wrap")
    rng = random.Random(7)
    worst_video, worst_audio, exact, seeks = 0.0, 0.0, 0, 0
    for w in containers:
        errors = []
        shots = []
        heard: list[float] = []
        for s in cut(svc, w.path):
            if isinstance(s.content, VideoContent):
                shots.append(s)
            elif isinstance(s.content, AudioContent):
                zero = s.span.start - s.content.overlap_s
                heard += [zero + t for t in media_wrap.clicks(s.content.samples)]
        upright = "rot" not in w.path.name
        for content in (s.content for s in shots if isinstance(s.content, VideoContent)):
            for t, frame in zip(content.times, content.frames, strict=True):
                number = media_wrap.read_barcode(frame if upright else np.rot90(frame, -1))
                errors.append(t - w.video_shift - number / media_wrap.FPS)
        off = max((abs(e) for e in errors), default=0.0)
        clicks = [abs((t - w.audio_shift) - round(t - w.audio_shift)) for t in heard]
        drift = max(clicks, default=0.0)
        end = max(s.span.end for s in shots)
        start = min(s.span.start for s in shots)
        times = [rng.uniform(start, end - 0.05) for _ in range(60)]
        shown = _shown(svc, w.path, times)
        good = sum(a == b for a, b in zip(shown, _truth(w, times, svc), strict=True))
        exact, seeks = exact + good, seeks + len(times)
        worst_video, worst_audio = max(worst_video, off), max(worst_audio, drift)
        note = f"{off * 1000:.0f} ms video, {drift * 1000:.0f} ms audio, {good}/60 seeks"
        print(f"  {w.path.name:14s} {note}", flush=True)
    row(
        f"clock: worst frame over {len(containers)} containers",
        f"{worst_video * 1000:.0f} ms",
        "<= 80 ms",
    )
    row("clock: worst click", f"{worst_audio * 1000:.0f} ms", "<= 80 ms")
    row("clock: exact seeks", f"{exact}/{seeks}", "100 %")


def _shown(svc: MediaService, path: Path, times: list[float]) -> list[int]:
    upright = "rot" not in path.name
    got = []
    for t in times:  # one by one: each a seek of its own
        ((_, frame),) = svc.frames(str(path), [t], 320)
        got.append(media_wrap.read_barcode(frame if upright else np.rot90(frame, -1)))
    return got


def _truth(w: media_wrap.Variant, times: list[float], svc: MediaService) -> list[int]:
    """The number on screen at each time, by decoding the whole video from its start."""
    import av

    shown: list[tuple[float, int]] = []
    with av.open(str(w.path)) as c:
        stream = c.streams.video[0]
        zero = (c.start_time or 0) / av.time_base
        for n, frame in enumerate(c.decode(stream)):
            t = n / media_wrap.FPS if frame.time is None else frame.time - zero
            shown.append((t, media_wrap.read_barcode(frame.to_ndarray(format="gray"))))
    shown.sort()
    return [[b for a, b in shown if a <= t + 1e-4][-1] for t in times]


def audio(svc: MediaService, work: Path, clips: Path, scenedetect: str) -> None:
    """Whole audio files to windows of 16 kHz mono, against the command line."""
    wav = work / "long.wav"
    subprocess.run(
        ["ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i",
         "anoisesrc=d=600:c=pink:a=0.3:r=44100", "-ac", "2", str(wav)], check=True,
    )  # fmt: skip
    ratios = {}
    for ending in ("wav", "flac", "mp3", "m4a", "opus", "ogg"):
        path = work / f"long.{ending}"
        subprocess.run(["ffmpeg", "-n", "-v", "error", "-i", str(wav), str(path)], check=False)
        out = str(work / "out.wav")
        line = ["ffmpeg", "-y", "-v", "error", "-i", str(path), "-ac", "1", "-ar", "16000", out]
        pairs = [of(drain(svc, path)) / of_command(line) for _ in range(ROUNDS)]
        ratios[ending] = statistics.median(pairs)
    text = " ".join(f"{k} {v:.2f}" for k, v in ratios.items())
    print(f"  {text}")
    row("audio to 16 kHz / ffmpeg, worst of six", f"{max(ratios.values()):.2f}", "<= 1.0")


def memory(svc: MediaService, work: Path, clips: Path, scenedetect: str) -> None:
    """Peak memory over a video and over the same video eight times as long."""
    short = work / "video150.mp4"
    long = work / "video1200.mp4"
    base = cost_videos(work, clips)[1]
    for path, seconds in ((short, 150), (long, 1200)):
        if not path.exists():
            subprocess.run(
                ["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", str(base), "-t",
                 str(seconds), "-c", "copy", str(path)], check=True,
            )  # fmt: skip
    for name, options in (("every frame", ""), ("fast", ", fast=True")):
        peaks = [_peak(p, options) for p in (short, long)]
        row(
            f"memory: 20 min / 2.5 min, {name}",
            f"{peaks[1] / peaks[0]:.2f} ({peaks[0]} / {peaks[1]} MB)", "<= 1.15",
        )  # fmt: skip


def _peak(path: Path, options: str) -> int:
    code = (
        "import sys; from omni_core.media.service import service; from omni_core.types import *\n"
        "s = service(); p = sys.argv[1]\n"
        "src = Source('0' * 64, p, 'x', Modality.VIDEO, 'video/mp4', 1)\n"
        f"n = sum(1 for _ in s.decompose(p, src, CutOptions(video_fps=0.5{options})))\n"
        "status = open('/proc/self/status').read()\n"  # ru_maxrss would start at the parent's
        "print(int(status.split('VmHWM:')[1].split()[0]) // 1024)"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=root, capture_output=True, text=True
    )
    return int(done.stdout)


def pages(svc: MediaService, work: Path, clips: Path, scenedetect: str) -> None:
    """Pages a second of CPU, text and page image."""
    import pymupdf

    text = work / "text.pdf"
    with pymupdf.open() as doc:
        for n in range(60):
            page = doc.new_page()
            words = " ".join(f"word{n}x{i}" for i in range(450))
            page.insert_textbox((50, 50, 545, 790), words, fontsize=10)
        doc.save(text)
    scan = work / "scan.pdf"
    photo = next(iter(sorted(clips.rglob("*.jpg"))))
    with pymupdf.open() as doc:
        from PIL import Image

        big = work / "scan.jpg"
        Image.open(photo).convert("RGB").resize((1654, 2339)).save(big, quality=85)
        for _ in range(12):
            doc.new_page().insert_image((0, 0, 595, 842), filename=str(big))
        doc.save(scan)
    for path, count in ((text, 60), (scan, 12)):
        spent = min(of(drain(svc, path)) for _ in range(ROUNDS))
        bar = ">= 20" if path is text else ""
        row(f"pages a CPU second, {path.stem}", f"{count / spent:.0f}", bar)


def formats(svc: MediaService, work: Path, clips: Path, scenedetect: str) -> None:
    """A real file of each format, opened and cut; prints the error of those refused."""
    folder = work / "formats"
    files = [*fuzz_media.seeds(folder), *(w.path for w in media_wrap.make(work / "wrap"))]
    base = work / "wrap" / "base.mp4"
    more = {
        "f.wmv": "-c:v wmv2 -c:a wmav2", "f.ogv": "-c:v libtheora -c:a libvorbis",
        "f.3gp": "-c:v h263 -s 352x288 -an", "f.m2ts": "-c copy -f mpegts",
        "f.mxf": "-c:v mpeg2video -r 25 -c:a pcm_s16le -ar 48000", "f.dv.avi": "-c:v mjpeg -an",
        "five1.flac": "-vn -ac 6", "f192.wav": "-vn -ar 192000", "f.ac3": "-vn -c:a ac3",
        "f.w64": "-vn", "f.aiff": "-vn", "f.caf": "-vn", "f.wv": "-vn -c:a wavpack",
        "f.amr": "-vn -ar 8000 -ac 1 -c:a libopencore_amrnb", "f.spx.ogg": "-vn -c:a libspeex",
        "alac.m4a": "-vn -c:a alac",
    }  # fmt: skip
    extra = work / "more"
    extra.mkdir(exist_ok=True)
    for name, args in more.items():
        line = ["ffmpeg", "-n", "-v", "quiet", "-i", str(base), "-t", "4", *args.split()]
        subprocess.run([*line, str(extra / name)], check=False)
        if (extra / name).exists() and (extra / name).stat().st_size:
            files.append(extra / name)
    opened = 0
    for path in files:
        try:
            info = svc.probe(str(path))
            counts = Counter(str(s.channel) for s in cut(svc, path))
            summary = " ".join(f"{k} {v}" for k, v in sorted(counts.items())) or "silent"
            opened += 1
        except OmniError as e:
            print(f"  {path.name:14s} {e.code}: {e}"[:150])
            continue
        size = f"{info.duration_s:.1f} s" if info.duration_s else f"{info.pages or 1} p"
        print(f"  {path.name:14s} {info.modality:9s} {info.mime:44.44s} {size:>7s}  {summary}")
    row("formats: files opened and cut", f"{opened}/{len(files)}", "")


def main() -> None:
    """Command line."""
    rows = {f.__name__: f for f in (decompose, cuts, clock, audio, memory, pages, formats)}
    parser = argparse.ArgumentParser(description="Ratios of cutting media.")
    parser.add_argument("--clips", type=Path, default=Path("samples"))
    parser.add_argument("--work", type=Path, default=Path("/tmp/omni-bench"))  # noqa: S108
    parser.add_argument("--scenedetect", default=shutil.which("scenedetect") or "")
    parser.add_argument("only", nargs="*", help=", ".join(rows))
    a = parser.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    svc = service()
    started = time.perf_counter()
    for name, measure in rows.items():
        if not a.only or name in a.only:
            measure(svc, a.work, a.clips, a.scenedetect)
    print(f"  ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
