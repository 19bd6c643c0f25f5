"""Twenty container variants of one video whose frames and audio encode their own time.

Every frame shows its number as a barcode, the audio has a click at each whole second; FFmpeg's
command line muxes them in ways that occur in practice: late tracks, edit lists, no duration,
B-frames in fragments, rotation, variable rate.
"""

from __future__ import annotations

import subprocess
import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

FPS, SECONDS, RATE = 25, 20, 48000


@dataclass(frozen=True)
class Variant:
    """A file, and the offsets in seconds of its video and audio against the original."""

    path: Path
    video_shift: float = 0.0
    audio_shift: float = 0.0
    exact: bool = True


def barcode(i: int) -> NDArray[np.uint8]:
    """(240, 320) grey: twelve bars are the bits of `i`, and something moves."""
    a = np.full((240, 320), 40 + (i * 7) % 60, np.uint8)
    for b in range(12):
        a[40:120, 20 + b * 24 : 40 + b * 24] = 235 if (i >> b) & 1 else 16
    a[130:220, (i * 5) % 260 : (i * 5) % 260 + 50] = 200
    return a


def read_barcode(rgb: NDArray[np.uint8]) -> int:
    """The number in a frame of any size, upright."""
    grey = rgb.mean(axis=2) if rgb.ndim == 3 else rgb
    y, x = grey.shape[0] / 240, grey.shape[1] / 320
    number = 0
    for b in range(12):
        cell = grey[int(60 * y) : int(100 * y), int((25 + b * 24) * x) : int((35 + b * 24) * x)]
        number |= int(cell.mean() > 125) << b
    return number


def make(folder: Path) -> list[Variant]:
    """Write all variants into a folder, once."""
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / "base.mp4"
    if not base.exists():
        _base(folder)
    jobs = {
        "c.mkv": "-i base.mp4 -c copy",
        "c.mov": "-i base.mp4 -c copy",
        "c.ts": "-i base.mp4 -c copy -f mpegts",
        "c.webm": "-i base.mp4 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus",
        "c.avi": "-i base.mp4 -c:v mpeg4 -q:v 3 -c:a libmp3lame",
        "c.flv": "-i base.mp4 -c copy",
        "vfr.mp4": "-i base.mp4 -vf select='not(mod(n\\,3))+gt(mod(n\\,70)\\,50)' -fps_mode vfr "
        "-c:v libx264 -bf 2 -c:a copy",
        "vfr.mkv": "-i vfr.mp4 -c copy",
        "editlist.mp4": "-ss 3.3 -i base.mp4 -c copy",
        "cut.mkv": "-ss 3.3 -i base.mp4 -c:v libx264 -c:a aac",
        "vlate.mp4": "-itsoffset 1.5 -i base.mp4 -i base.mp4 -map 0:v -map 1:a -c copy",
        "alate.mp4": "-i base.mp4 -itsoffset 1.5 -i base.mp4 -map 0:v -map 1:a -c copy",
        "vlate.mkv": "-itsoffset 1.5 -i base.mp4 -i base.mp4 -map 0:v -map 1:a -c copy",
        "start10.mp4": "-i base.mp4 -c copy -output_ts_offset 10",
        "start10.mkv": "-i base.mp4 -c copy -output_ts_offset 10",
        "live.mkv": "-i base.mp4 -c copy -f matroska -live 1",
        "frag.mp4": "-i base.mp4 -c copy -movflags frag_keyframe+empty_moov",
        "hevc.mp4": "-i base.mp4 -c:v libx265 -preset ultrafast -c:a copy",
        "av1.webm": "-i base.mp4 -c:v libsvtav1 -preset 12 -c:a libopus",
        "prores.mov": "-i base.mp4 -c:v prores_ks -profile:v 0 -c:a pcm_s16le",
        "raw.h264": "-i base.mp4 -an -c copy -f h264",
    }
    shifts = {
        "editlist.mp4": (-3.3, -3.3), "cut.mkv": (-3.3, -3.3), "vlate.mp4": (1.5, 0.0),
        "alate.mp4": (0.0, 1.5), "vlate.mkv": (1.5, 0.0),
    }  # fmt: skip
    made = [Variant(base)]
    for name, args in jobs.items():
        path = folder / name
        if not path.exists():
            command = ["ffmpeg", "-y", "-v", "error", "-nostdin", *args.split(), name]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                path.unlink(missing_ok=True)
                print(f"  (no {name}: {done.stderr.strip().splitlines()[-1][:100]})")
                continue
        made.append(Variant(path, *shifts.get(name, (0.0, 0.0))))
    turned = folder / "rot90.mp4"
    if not turned.exists():
        _turn(base, turned)
    return [*made, Variant(turned)]


def _turn(path: Path, out: Path) -> None:
    """The same packets with a note to turn them a quarter counter-clockwise."""
    with av.open(str(path)) as c, av.open(str(out), "w") as o:
        streams = {s.index: o.add_stream_from_template(s) for s in c.streams}
        streams[c.streams.video[0].index].set_display_rotation(90)
        for packet in c.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                o.mux(packet)


def _base(folder: Path) -> None:
    clicks = np.zeros(RATE * SECONDS, np.int16)
    burst = (0.8 * 32767 * np.sin(2 * np.pi * 2000 * np.arange(480) / RATE)).astype(np.int16)
    for second in range(1, SECONDS):
        clicks[second * RATE : second * RATE + 480] = burst
    with wave.open(str(folder / "a.wav"), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE)
        f.writeframes(clicks.tobytes())
    with av.open(str(folder / "v.mkv"), "w") as c:
        v = c.add_stream("libx264", rate=FPS)
        v.width, v.height, v.pix_fmt = 320, 240, "yuv420p"
        v.options = {"crf": "16", "g": "50", "bf": "3"}
        for i in range(FPS * SECONDS):
            frame = av.VideoFrame.from_ndarray(barcode(i), format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            c.mux(v.encode(frame))
        c.mux(v.encode())
    command = "ffmpeg -y -v error -i v.mkv -i a.wav -c:v copy -c:a aac -b:a 128k base.mp4"
    subprocess.run(command.split(), cwd=folder, check=True)


def clicks(samples: NDArray[np.float32], rate: int = 16000) -> list[float]:
    """Seconds at which the clicks begin."""
    loud, out, i = np.abs(samples), [], 0
    threshold = 0.25 * float(loud.max())
    while i < loud.size:
        j = int(np.argmax(loud[i:] > threshold))
        if loud[i + j] <= threshold:
            break
        out.append((i + j) / rate)
        i += j + int(0.3 * rate)
    return out
