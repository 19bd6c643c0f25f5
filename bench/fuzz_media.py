"""Fuzzing of media decoding: damaged files through the server's own decoder processes.

    python bench/fuzz_media.py [--inputs 25000] [--seed 1] [--workers 2] [--limit 10] [--keep DIR]

Small seeds of every format are cut short, bits flipped, sizes forged, stretches zeroed, deleted
and doubled; each is probed, cut, and an image of it read, with a
deadline. Counted are answers later than the limit + 1 s, deaths of decoders, and errors that are
none of `omni_core.errors`. The inputs that caused these are kept in DIR.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import shutil
import sys
import tempfile
import time
import wave
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import av
import numpy as np
from PIL import Image, ImageDraw

from bench import priority
from omni_core.decoder import Decoder
from omni_core.errors import OmniError
from omni_core.types import CutOptions, MediaInfo, Modality, Source
from omni_core.worker import Worker, WorkerDied

OPTIONS = CutOptions(image_edge=320, video_edge=96)
FORGED = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0", b"\xff\xff\xff\x7f")


@dataclass
class Tally:
    """Results of a fuzzing run."""

    inputs: int = 0
    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    deaths: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0


def seeds(folder: Path) -> list[Path]:
    """About forty small files, one of each kind; written once."""
    folder.mkdir(parents=True, exist_ok=True)
    _videos(folder)
    _audio_files(folder)
    _images(folder)
    _documents(folder)
    return sorted(p for p in folder.iterdir() if p.is_file())


def _frames(count: int) -> list[Any]:
    rng = np.random.default_rng(1)
    pages = [rng.integers(0, 255, (96, 128, 3), dtype=np.uint8) // 2 + 60 for _ in range(2)]
    return [np.roll(pages[n * 2 // count], n, 1) for n in range(count)]


def _videos(folder: Path) -> None:
    kinds = [
        ("h264.mp4", "libx264", "aac", {}),
        ("h264.mov", "libx264", "pcm_s16le", {}),
        ("frag.mp4", "libx264", "aac", {"movflags": "frag_keyframe+empty_moov"}),
        ("h264.mkv", "libx264", "aac", {}),
        ("vp9.webm", "libvpx-vp9", "libopus", {}),
        ("av1.mp4", "libsvtav1", "", {}),
        ("hevc.mp4", "libx265", "", {}),
        ("mpeg4.avi", "mpeg4", "libmp3lame", {}),
        ("h264.ts", "libx264", "aac", {}),
        ("h264.flv", "libx264", "aac", {}),
        ("mpeg2.mpg", "mpeg2video", "mp2", {}),
        ("raw.h264", "libx264", "", {}),
    ]
    for name, codec, audio_codec, muxer_options in kinds:
        path = folder / name
        if path.exists():
            continue
        with priority.kept(), av.open(str(path), "w", options=muxer_options) as c:
            v = c.add_stream(codec, rate=25)
            v.width, v.height, v.pix_fmt = 128, 96, "yuv420p"
            v.options = {"preset": "12"} if codec == "libsvtav1" else {}
            a = c.add_stream(audio_codec, rate=48000, layout="mono") if audio_codec else None
            for n, pixels in enumerate(_frames(30)):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = n, Fraction(1, 25)
                c.mux(v.encode(frame))
            c.mux(v.encode())
            if a is not None:
                hum(c, a, 40)


def hum(c: Any, stream: Any, blocks: int) -> None:
    """Encode `blocks` blocks of 1,024 samples of a tone."""
    for n in range(blocks):
        t = (np.arange(1024) + n * 1024) / 48000
        wave_ = (0.3 * np.sin(2 * np.pi * 300 * t)).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(wave_, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, n * 1024, Fraction(1, 48000)
        c.mux(stream.encode(frame))
    c.mux(stream.encode())


def _audio_files(folder: Path) -> None:
    kinds = {
        "a.mp3": "libmp3lame", "a.m4a": "aac", "a.aac": "aac", "a.opus": "libopus",
        "a.flac": "flac", "a.wav": "pcm_s16le", "a.mka": "libopus",
    }  # fmt: skip
    for name, codec in kinds.items():
        if not (folder / name).exists():
            with av.open(str(folder / name), "w") as c:
                hum(c, c.add_stream(codec, rate=48000, layout="mono"), 40)
    if not (folder / "a8.wav").exists():
        with wave.open(str(folder / "a8.wav"), "wb") as f:
            f.setnchannels(2)
            f.setsampwidth(1)
            f.setframerate(8000)
            f.writeframes(bytes(range(256)) * 40)


def _images(folder: Path) -> None:
    image = Image.fromarray(_frames(1)[0])
    pages = [Image.fromarray(f) for f in _frames(8)]
    for name in ("p.jpg", "p.png", "p.webp", "p.avif", "p.bmp", "p.jp2", "p.tif", "p.gif"):
        if not (folder / name).exists():
            image.save(folder / name)
    for name in ("anim.gif", "anim.webp", "anim.png", "pages.tif"):
        if not (folder / name).exists():
            pages[0].save(folder / name, save_all=True, append_images=pages[1:])


def _documents(folder: Path) -> None:
    import pymupdf

    def letter(with_images: bool) -> bytes:
        with pymupdf.open() as doc:
            for n in range(2):
                page = doc.new_page(width=300, height=400)
                page.insert_text((30, 50), f"Page {n + 1}\nsome words to read here")
                if with_images:
                    page.insert_image((30, 100, 200, 300), filename=str(folder / "p.jpg"))
            data: bytes = doc.tobytes()
            return data

    image = Image.new("RGB", (60, 40), "white")
    ImageDraw.Draw(image).text((5, 5), "hi", "black")
    small = io.BytesIO()
    image.save(small, "PNG")
    plain = {
        "t.pdf": letter(False),
        "s.pdf": letter(True),
        "t.txt": b"Words in a row. " * 60,
        "t.md": b"# Title\n\nSome *words*.\n\n## More\n\n" + b"and so on " * 80,
        "t.html": b"<html><head><title>T</title></head><body><h1>H</h1><p>w<b>x</b></p></body>" * 3,
        "t.csv": b"name,born\nAda,1815\n\"Al,an\",1912\n" * 10,
        "t.srt": b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 8,
        "t.vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n\n" * 4,
        "t.ass": b"[Script Info]\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, "
        b"MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,Hi\n",
        "t.docx": _zip({"word/document.xml": _xml("document", "<p><r><t>Hi</t></r></p>")}),
        "t.xlsx": _zip({
            "xl/workbook.xml": _xml("workbook", '<sheets><sheet name="S" r:id="r1"/></sheets>'),
            "xl/_rels/workbook.xml.rels": _link("r1", "worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": _xml("worksheet", "<row><c><v>1</v></c></row>"),
        }),
        "t.pptx": _zip({
            "ppt/presentation.xml": _xml("presentation", '<sldId id="256" r:id="r1"/>'),
            "ppt/_rels/presentation.xml.rels": _link("r1", "slides/slide1.xml"),
            "ppt/slides/slide1.xml": _xml("sld", "<sp><p><t>Hello</t></p></sp>"),
            "ppt/slides/_rels/slide1.xml.rels": _link("r1", "../media/i.png"),
            "ppt/media/i.png": small.getvalue(),
        }),
        "t.epub": epub(),
    }  # fmt: skip
    for name, data in plain.items():
        if not (folder / name).exists():
            (folder / name).write_bytes(data)


def _xml(tag: str, body: str) -> bytes:
    return f'<?xml version="1.0"?><{tag} xmlns:w="w" xmlns:r="r">{body}</{tag}>'.encode()


def _link(name: str, target: str) -> bytes:
    return f'<R><Relationship Id="{name}" Target="{target}"/></R>'.encode()


def _zip(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in parts.items():
            z.writestr(name, data)
    return out.getvalue()


def epub() -> bytes:
    """A minimal EPUB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("mimetype", "application/epub+zip")
        z.writestr(
            "META-INF/container.xml",
            '<?xml version="1.0"?><container version="1.0" '
            'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="c.opf" media-type="application/oebps-package+xml"/>'
            "</rootfiles></container>",
        )
        z.writestr(
            "c.opf",
            '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="2.0">'
            '<manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="a"/></spine></package>',
        )
        z.writestr(
            "a.xhtml",
            '<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>One</h1>'
            + "<p>words to read</p>" * 40 + "</body></html>",
        )  # fmt: skip
    return out.getvalue()


def mutate(data: bytes, rng: random.Random) -> bytes:
    """The data with one random kind of damage."""
    b = bytearray(data)
    n = len(b)
    how = rng.choice(("cut", "flip", "flip", "head", "head", "zero", "del", "dup", "size", "size"))
    i = rng.randrange(n)
    if how == "cut":
        b = b[: rng.randrange(min(8, n - 1), n)]
    elif how == "flip":
        for _ in range(rng.choice((1, 4, 16, 64, 256))):
            b[rng.randrange(n)] ^= 1 << rng.randrange(8)
    elif how == "head":
        for _ in range(rng.choice((1, 2, 4, 8, 32))):
            where = rng.randrange(min(n, rng.choice((64, 512, 4096))))
            b[where] = rng.choice((0, 255, 127, 128, rng.randrange(256)))
    elif how == "zero":
        size = min(rng.choice((4, 64, 1024)), n - i)
        b[i : i + size] = bytes(size)
    elif how == "del":
        del b[i : i + rng.choice((1, 3, 17, 500))]
    elif how == "dup":
        b[i:i] = b[max(0, i - rng.choice((16, 200, 2000))) : i]
    else:
        for _ in range(rng.choice((1, 3))):
            at = rng.randrange(max(1, n - 4))
            b[at : at + 4] = rng.choice(FORGED)
    return bytes(b) or b"\0"


async def attempt(worker: Worker, path: Path, limit_s: float) -> None:
    """Every call that the server makes for one file; raises what they raise."""
    info: MediaInfo = await worker.call("probe", str(path), deadline_s=limit_s)
    source = Source("0" * 64, str(path), info.title, info.modality, info.mime, 1, info.duration_s)
    seen = 0
    stream = worker.stream("decompose", str(path), source, OPTIONS, stall_s=limit_s)
    try:
        async for _ in stream:
            seen += 1
            if seen >= 40:
                break
    finally:
        await stream.aclose()
    if info.modality is Modality.VIDEO:
        await worker.call("frames", str(path), [0.5], 96, deadline_s=limit_s)
    elif info.modality is Modality.IMAGE:
        await worker.call("image", str(path), 96, (0.1, 0.1, 0.9, 0.9), deadline_s=limit_s)


async def run(
    inputs: int, seed: int, folder: Path, *, workers: int = 2, limit_s: float = 10.0,
    keep: Path | None = None, until: float = float("inf"),
) -> Tally:  # fmt: skip
    """Try `inputs` damaged files, or as many as fit until `until` (monotonic clock)."""
    originals = [(p, p.read_bytes()) for p in seeds(folder / "seeds")]
    tally = Tally()
    numbers = iter(range(inputs))

    async def lane(number: int) -> None:
        worker = Decoder(f"decoder {number}", memory_mb=2048)
        try:
            await worker.call("probe", str(originals[0][0]), deadline_s=60)  # not timed: imports
            for n in numbers:
                if time.monotonic() > until:
                    return
                rng = random.Random(f"{seed}/{n}")
                original, data = originals[n % len(originals)]
                path = folder / f"in{number}{original.suffix}"
                path.write_bytes(mutate(data, rng))
                await _one(worker, path, f"{n} {original.name}", tally, limit_s, keep)
        finally:
            worker.close(2)

    await asyncio.gather(*(lane(n) for n in range(workers)))
    return tally


async def _one(
    worker: Worker, path: Path, name: str, tally: Tally, limit_s: float, keep: Path | None
) -> None:
    began = time.monotonic()
    bad = True
    try:
        await attempt(worker, path, limit_s)
        tally.read += 1
        bad = False
    except WorkerDied as e:
        tally.deaths.append(f"{name}: {e}")
    except OmniError as e:
        bad = e.code == "ERROR" or "\n" in str(e)
        if bad:
            tally.unexpected[f"{name}: {e}"] += 1
        else:
            tally.refused[e.code] += 1
    except Exception as e:
        tally.unexpected[f"{name}: {type(e).__name__} {e}"] += 1
    spent = time.monotonic() - began
    tally.inputs += 1
    tally.slowest_s = max(tally.slowest_s, spent)
    if spent > limit_s + 1:
        tally.late.append(f"{name}: {spent:.1f} s")
        bad = True
    if bad and keep is not None:
        await asyncio.to_thread(shutil.copy, path, keep / name.replace(" ", "-"))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Damaged files through the decoders.")
    parser.add_argument("--inputs", type=int, default=25_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", type=float, default=10.0)
    parser.add_argument("--keep", type=Path)
    a = parser.parse_args()
    began = time.monotonic()
    if a.keep is not None:
        a.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        tally = asyncio.run(
            run(a.inputs, a.seed, Path(folder), workers=a.workers, limit_s=a.limit, keep=a.keep)
        )
    print(json.dumps({
        "inputs": tally.inputs,
        "read": tally.read,
        "refused": dict(tally.refused),
        "worker deaths": tally.deaths,
        "late": tally.late,
        "errors outside the tree": dict(tally.unexpected),
        "slowest_s": round(tally.slowest_s, 2),
        "seconds": round(time.monotonic() - began),
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
