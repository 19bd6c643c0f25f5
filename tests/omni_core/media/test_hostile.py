"""Bombs, lying headers and files that reach out, through the very worker that serves.

Each file comes to one end that is written down here: so many segments, one error of ours, or the
worker's death at the limit. The worker never needs more than its address space, and the parent
does not notice.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import struct
import threading
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from bench import fuzz_media
from omni_core.decoder import Decoder
from omni_core.errors import OmniError, UnreadableError
from omni_core.media.av.container import container
from omni_core.types import CutOptions, ImageContent, Limits, MediaInfo, Segment, Source
from omni_core.worker import Worker

LIMIT_S = 5.0
"""After which what never ends is stopped."""
PATIENCE_S = 40.0
"""What ends by itself may take so long on a busy machine."""
MOST = 500
"""Segments that are waited for: long files go on for as long as somebody listens."""
OBJECTS = [
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>",
]


def _pdf(path: Path, objects: list[bytes]) -> Path:
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for n, o in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % n + o + b"\nendobj\n"
    at, count = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    out += b"".join(b"%010d 00000 n \n" % o for o in offsets)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (count, at)
    path.write_bytes(out)
    return path


def _stream(data: bytes, head: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n" % (len(data), head) + data + b"\nendstream"


def _png(path: Path, side: int) -> Path:
    def chunk(tag: bytes, data: bytes) -> bytes:
        whole = tag + data
        return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))

    z = zlib.compressobj(9)
    line = bytes(1 + side // 8)
    body = b"".join(z.compress(line) for _ in range(side)) + z.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )
    return path


def _inflating_pdf(folder: Path) -> Path:
    """Eight gigabytes of spaces in eight megabytes: no machine draws them within the limit."""
    z = zlib.compressobj(9)
    head = z.compress(b" " * (1 << 24)) + z.flush(zlib.Z_FULL_FLUSH)
    block = z.compress(b" " * (1 << 24)) + z.flush(zlib.Z_FULL_FLUSH)  # starts anew: may repeat
    data = head + block * 511 + z.flush()
    return _pdf(folder / "stream.pdf", [*OBJECTS, _stream(data, b"/Filter/FlateDecode")])


def _nested_forms(folder: Path) -> Path:
    page = OBJECTS[2][:-2] + b"/Resources<</XObject<</F 5 0 R>>>>>>"
    objects = [*OBJECTS[:2], page, _stream(b"/F Do")]
    for n in range(13):
        draw = b"/F Do " * 10 if n < 12 else b"0 0 1 1 re f "
        inner = b"/Resources<</XObject<</F %d 0 R>>>>" % (6 + n) if n < 12 else b""
        head = b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]" + inner
        objects.append(_stream(draw, head))
    return _pdf(folder / "forms.pdf", objects)


def _long_path(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    points = rng.integers(0, 700, (120_000, 2))
    data = b"0 0 m " + b" ".join(b"%d %d l" % (x, y) for x, y in points) + b" S"
    return _pdf(folder / "path.pdf", [*OBJECTS, _stream(data)])


def _giant_page(folder: Path) -> Path:
    page = OBJECTS[2].replace(b"612 792", b"200000 200000")
    return _pdf(folder / "page.pdf", [*OBJECTS[:2], page, _stream(b"")])


def _page_count(folder: Path) -> Path:
    objects = [OBJECTS[0], OBJECTS[1].replace(b"Count 1", b"Count 2000000000"), OBJECTS[2]]
    return _pdf(folder / "count.pdf", [*objects, _stream(b"")])


def _page_loop(folder: Path) -> Path:
    return _pdf(folder / "loop.pdf", [OBJECTS[0], b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 99>>"])


def _docx(folder: Path) -> Path:
    path = folder / "bomb.docx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z,
        z.open("word/document.xml", "w") as f,
    ):
        f.write(b"<d>")
        for _ in range(150):
            f.write(b"<p><t>" + b"A" * (1 << 20) + b"</t></p>")
        f.write(b"</d>")
    return path


def _laughs(folder: Path) -> Path:
    entities = '<!ENTITY a0 "xxxxxxxxxx">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
    )
    path = folder / "laughs.docx"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("word/document.xml", f"<!DOCTYPE d [{entities}]><d><p><t>&a9;</t></p></d>")
    return path


def _deep_xml(folder: Path) -> Path:
    path = folder / "deep.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("word/document.xml", "<a>" * 200_000 + "</a>" * 200_000)
    return path


def _xlsx(path: Path, sheet: bytes, strings: bytes = b"<s/>") -> Path:
    space = b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    link = b'<Relationship Id="r1" Target="worksheets/sheet1.xml"/>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("xl/workbook.xml", b'<w %s><sheet name="S" r:id="r1"/></w>' % space)
        z.writestr("xl/_rels/workbook.xml.rels", b"<Relationships>%s</Relationships>" % link)
        z.writestr("xl/worksheets/sheet1.xml", sheet)
        z.writestr("xl/sharedStrings.xml", strings)
    return path


def _opposite_corners(folder: Path) -> Path:
    """Two cells that span 17 thousand million."""
    rows = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c>'
    return _xlsx(folder / "corners.xlsx", b"<s>" + rows + b"</row></s>")


def _giant_string(folder: Path) -> Path:
    text = b"A" * (100 << 20)
    return _xlsx(folder / "string.xlsx", b"<s/>", b"<s><si><t>" + text + b"</t></si></s>")


def _deep_sheet(folder: Path) -> Path:
    depth = 200_000
    return _xlsx(folder / "deep.xlsx", b"<row>" * depth + b"</row>" * depth)


def _deep_html(folder: Path) -> Path:
    path = folder / "deep.html"
    path.write_text("<html><body>" + "<div>" * 200_000 + "word" + "</div>" * 200_000)
    return path


def _long_line(folder: Path) -> Path:
    path = folder / "line.txt"
    path.write_bytes(b"a" * (50 << 20))
    return path


def _wav(folder: Path, channels: int = 65535, rate: int = 0xFFFFFFFF) -> Path:
    path = folder / f"huge{channels}.wav"
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate, channels & 0xFFFF, 16)
    path.write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt " + form + b"data\xff\xff\xff\xff" + bytes(1000))
    return path


def _lying_flac(folder: Path) -> Path:
    path = folder / "lie.flac"
    with av.open(str(path), "w") as c:
        fuzz_media.hum(c, c.add_stream("flac", rate=48000, layout="mono"), 20)
    data = bytearray(path.read_bytes())
    data[8 + 13] |= 0x0F
    data[8 + 14 : 8 + 18] = b"\xff" * 4
    path.write_bytes(data)
    return path


def _huge_frame(folder: Path) -> Path:
    """An MP4 that says 16,384 x 16,384 where 128 x 96 was written."""
    path = folder / "huge.mp4"
    with av.open(str(path), "w") as c:
        v = c.add_stream("mpeg4", rate=25)
        v.width, v.height, v.pix_fmt = 128, 96, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((96, 128, 3), np.uint8), format="rgb24")
        c.mux(v.encode(frame))
        c.mux(v.encode())
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack(">HH", 128, 96), struct.pack(">HH", 16384, 16384)))
    return path


def _gif(folder: Path) -> Path:
    """A screen of 65,535 x 65,535 in a hundred bytes."""
    path = folder / "screen.gif"
    Image.new("P", (8, 8)).save(path)
    data = bytearray(path.read_bytes())
    data[6:10] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    return path


def _csv(folder: Path) -> Path:
    path = folder / "wide.csv"
    path.write_bytes(b"," * (8 << 20) + b'\n"' + b"x" * (8 << 20))
    return path


def _cues(folder: Path) -> Path:
    path = folder / "many.srt"
    path.write_text("1\n00:00:01,000 --> 9999:59:59,000\n" + "{" * 500_000 + "\n")
    return path


KILLED, CORRUPT = "WORKER_DIED", "CORRUPT_MEDIA"
LARGE, LONG = "TOO_LARGE", "TOO_LONG"
BOMBS: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    # What comes of each: a code, with words of the message that name the limit which was met; or
    # how many segments of which channel.
    "png13k": (lambda f: _png(f / "p13.png", 13_000), LARGE, "13000 x 13000 pixels"),
    "png40k": (lambda f: _png(f / "p40.png", 40_000), LARGE, "more than 100,000,000 pixels"),
    "pdf-stream": (_inflating_pdf, KILLED, "within"),
    "pdf-forms": (_nested_forms, KILLED, "within"),
    "pdf-path": (_long_path, KILLED, "within"),
    "pdf-page": (_giant_page, "1 visual", ""),
    "pdf-count": (_page_count, "1 visual", ""),
    "pdf-loop": (_page_loop, CORRUPT, "cannot be decoded"),
    "docx": (_docx, LARGE, "unpacks to more than 64 MB"),
    "laughs": (_laughs, CORRUPT, "entities"),
    "deep-docx": (_deep_xml, CORRUPT, "nested beyond reason"),
    "xlsx-corners": (_opposite_corners, "1 text", ""),
    "xlsx-string": (_giant_string, LARGE, "unpacks to more than 64 MB"),
    "deep-xlsx": (_deep_sheet, CORRUPT, "nested beyond reason"),
    "deep-html": (_deep_html, "1 text", ""),
    "long-line": (_long_line, f"{MOST} text", ""),
    "wav-channels": (_wav, CORRUPT, "cannot be decoded"),
    "wav-length": (lambda f: _wav(f, 1, 16000), "nothing", ""),
    "flac-length": (_lying_flac, LONG, "over the limit of 12.0 h"),
    "frame-size": (_huge_frame, f"1 visual or {LARGE}", ""),  # FFmpeg may believe either size
    "gif-screen": (_gif, LARGE, "more than 100,000,000 pixels"),
    "csv": (_csv, "500 text", ""),
    "cues": (_cues, "125 speech", ""),  # of 4,000 characters each
}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    w = Decoder("decoder", memory_mb=2048)
    yield w
    w.close(2)


async def _ask(worker: Worker, path: Path, limit_s: float = LIMIT_S) -> tuple[MediaInfo, list[Any]]:
    info = await worker.call("probe", str(path), deadline_s=limit_s)
    source = Source("0" * 64, str(path), "x", info.modality, info.mime, 1)
    segments = []
    stream = worker.stream("decompose", str(path), source, CutOptions(), stall_s=limit_s)
    async for segment in stream:
        segments.append(segment)
        if len(segments) >= MOST:
            break
    await stream.aclose()
    return info, segments


async def _outcome(worker: Worker, path: Path, limit_s: float) -> tuple[str, str]:
    """(code or counts of segments, message)."""
    try:
        _, segments = await _ask(worker, path, limit_s)
    except OmniError as e:
        assert "\n" not in str(e)
        return e.code, str(e)
    counts = Counter(str(s.channel) for s in segments if isinstance(s, Segment))
    return ", ".join(f"{n} {channel}" for channel, n in counts.items()) or "nothing", ""


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_comes_to_its_own_end(
    name: str, worker: Worker, tmp_path: Path, tools: Any
) -> None:
    bomb, expected, words = BOMBS[name]
    path = bomb(tmp_path)
    await worker.call("probe", __file__, deadline_s=60)  # starting up is not what is measured
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    limit_s = LIMIT_S if expected == KILLED else PATIENCE_S
    async with asyncio.timeout(3 * PATIENCE_S):
        outcome, message = await _outcome(worker, path, limit_s)
    assert outcome in expected.split(" or ")
    assert words in message
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 150 << 10  # KiB, in the process that asked; segments came to it
    info: MediaInfo = await worker.call("probe", __file__, deadline_s=60)
    assert info.mime == "text/plain"


# ---- reaching out --------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A server on loopback that notes who calls."""
    hits: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            hits.append(connection.recv(200))
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", hits
    done.set()
    thread.join(5)
    server.close()


def _playlist(target: str) -> str:
    return (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n"
        f"#EXTINF:10.0,\n{target}\n#EXT-X-ENDLIST\n"
    )


async def test_no_file_makes_the_decoder_read_another_or_call_out(
    worker: Worker, listener: tuple[str, list[bytes]], tmp_path: Path, barcode_film: Path
) -> None:
    url, hits = listener
    secret = tmp_path / "secret.ts"
    with av.open(str(barcode_film)) as c, av.open(str(secret), "w") as o:
        s = o.add_stream_from_template(c.streams.video[0])
        for packet in c.demux(video=0):
            if packet.dts is not None:
                packet.stream = s
                o.mux(packet)
    picture = tmp_path / "secret.png"
    Image.new("RGB", (300, 300), (255, 0, 0)).save(picture)
    root = tmp_path / "root"
    root.mkdir()
    tag = f'<img src="{url}/i.png"><img src="../secret.png"><img src="file://{picture}">'
    files = {
        "a.m3u8": _playlist("../secret.ts"), "b.mp4": _playlist("../secret.ts"),
        "c.m3u8": _playlist(f"file://{secret}"), "d.ts": _playlist(f"{url}/x.ts"),
        "e.ffconcat": "ffconcat version 1.0\nfile ../secret.ts\n",
        "f.mp4": f"ffconcat version 1.0\nfile {url}/x.ts\n",
        "g.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\n"
                 "m=video 4000 RTP/AVP 96\n",
        "h.mpd": f'<?xml version="1.0"?><MPD><BaseURL>{url}/x.mp4</BaseURL></MPD>',
        "i.html": f"<html><body>{tag}<link rel=stylesheet href='{url}/s.css'>text</body></html>",
        "j.svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}/v.png"/></svg>',
        "k.md": f"# t\n![x]({url}/m.png)\n![y](../secret.png)\n",
    }  # fmt: skip
    for name, text in files.items():
        (root / name).write_text(text)
    epub = fuzz_media.epub()
    (root / "l.epub").write_bytes(epub.replace(b"<h1>One</h1>", b"<h1>One</h1>"))
    with zipfile.ZipFile(root / "m.epub", "w") as z, zipfile.ZipFile(root / "l.epub") as old:
        for entry in old.namelist():
            data = old.read(entry)
            z.writestr(entry, data.replace(b"<h1>One</h1>", tag.replace(">", "/>").encode()))
    for path in sorted(root.iterdir()):
        try:
            _, segments = await _ask(worker, path)
        except OmniError as e:
            assert isinstance(e, UnreadableError)
            continue
        for s in segments:
            if not isinstance(s, Segment):
                continue
            assert not hasattr(s.content, "frames"), f"{path.name} was decoded as a film"
            if isinstance(s.content, ImageContent):
                p = s.content.pixels.astype(int)
                red = (p[..., 0] > 240) & (p[..., 1] < 20) & (p[..., 2] < 20)
                assert red.sum() < 2000, f"{path.name} shows the secret picture"
    for name in (f"{url}/a.mp4", f"concat:{secret}", f"subfile,,start,0,end,0,,:{secret}"):
        with pytest.raises(OmniError):
            await worker.call("probe", name, deadline_s=LIMIT_S)
    assert hits == []


@pytest.mark.parametrize(
    "listing",
    ["ffconcat version 1.0\nfile neighbour.mp4\n", "#EXTM3U\n#EXTINF:1.0,\nneighbour.mp4\n"],
    ids=["concat", "playlist"],
)
def test_the_opener_itself_refuses_a_list_of_other_files_whatever_recognised_it(
    listing: str, tmp_path: Path, barcode_film: Path
) -> None:
    (tmp_path / "neighbour.mp4").write_bytes(barcode_film.read_bytes())
    path = tmp_path / "disguised.mp4"
    path.write_text(listing)
    with pytest.raises(av.FFmpegError), container(str(path), Limits()):
        pass


# ---- damage --------------------------------------------------------------------------------


@pytest.mark.timeout(180)
async def test_thousands_of_damaged_files_bring_answers_or_errors_of_ours(tmp_path: Path) -> None:
    """2,400 inputs; a busy machine may stop at 90 s, with no fewer than 2,000 tried when quiet."""
    tally = await fuzz_media.run(2_400, 3, tmp_path, until=time.monotonic() + 90)
    assert tally.inputs >= 500
    assert tally.deaths == []
    assert tally.late == []
    assert not tally.unexpected
    assert tally.read > tally.inputs // 4


async def test_closing_a_stream_early_stops_the_decoder_within_a_second(
    worker: Worker, film: Any, tools: Any
) -> None:
    frames = [tools.scene(n)(i) for n in range(10) for i in range(50)]
    path = film(frames)
    source = Source("0" * 64, str(path), "x", "video", "video/mp4", 1)  # type: ignore[arg-type]
    stream = worker.stream("decompose", str(path), source, CutOptions(), stall_s=20)
    await anext(stream)
    await stream.aclose()
    async with asyncio.timeout(5):
        info = await worker.call("probe", str(path), deadline_s=5)
    assert info.duration_s == pytest.approx(20)
