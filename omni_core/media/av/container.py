"""The one place that opens a container with FFmpeg: files only, known containers only.

A local playlist can name other files, and FFmpeg follows it even when the file is disguised
(measured: with `protocol_whitelist` alone an .m3u8 still makes it decode a neighbouring file), so
both whitelists are set on every open. `av.logging` is never touched: with a Python log callback a
decoder thread waits for the GIL that the closing thread holds, and the process hangs.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import av

from omni_core.errors import TooLargeError
from omni_core.media.av.avi_index import Counted
from omni_core.media.av.clock import beginning_at
from omni_core.media.av.headerless import Headerless, headerless
from omni_core.media.av.id3_frames import seven_bits
from omni_core.media.av.part_file import Part, RangesFile
from omni_core.media.av.programs import others, own, there
from omni_core.media.av.wav_pieces import wav_pieces
from omni_core.types import Limits

log = logging.getLogger(__name__)

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,asf,mp3,aac,flac,ogg,wav,w64,aiff,"
    "caf,amr,ac3,eac3,gif,h264,hevc,ivf,m4v,mxf,au,wv,ape,tta,dts,obu,mpc,mpc8,dsf,iff,tak,shn,voc,"
    "rm,wtv,dv,dhav,nut,mpegvideo,loas,nistsphere,dss,truehd,mlp,mulaw,alaw,s16le,gsm,g722,"
    "g726,g726le,mjpeg,yuv4mpegpipe,gxf"
)


_WHOLE = "file:"
"""With this begins the name of an open container of a whole file."""
JOINED = ("mpegts", "mpeg")
"""Formats that may be joined byte by byte; then the clock starts again, or jumps."""


MAX_ERRORS = 10_000
"""Places without a frame that are passed over in raw AAC: each takes some of its bytes."""
CLOCK_PACKETS, CLOCK_S = 60, 10.0
"""Packets by which the clock of a part is found, and how near together they are."""


@contextmanager
def container(path: str, limits: Limits, part: Part | None = None) -> Iterator[Any]:
    """An open PyAV container, of the whole file or of one part of it.

    Raises TooLargeError over `max_pixels` a frame or `max_duration_s`.
    """
    with ExitStack() as opened:
        c = opened.enter_context(_opened(path, part))
        _check(path, c, limits)
        if part is not None and part.first:
            opened.enter_context(beginning_at(c, _zero(path, part)))
        elif others(c, seen := video_stream(c) or audio_stream(c)):
            starts = [
                float(s.start_time * s.time_base)
                for s in own(c, (*c.streams.video, *c.streams.audio), seen)
                if s.start_time is not None
            ]
            opened.enter_context(beginning_at(c, min(starts, default=0.0)))
        yield c


@contextmanager
def _opened(path: str, part: Part | None) -> Iterator[Any]:
    with ExitStack() as opened:
        source: Any = _WHOLE + os.path.abspath(path)
        if part is not None:
            source = opened.enter_context(RangesFile(path, [(part.first, part.last)]))
        elif (pieces := wav_pieces(path)) is not None:
            source = opened.enter_context(RangesFile(path, pieces.data, head=pieces.head))
        try:
            c = _open(source, headerless(path))
        except av.InvalidDataError:
            tag = id3_bytes(path) if part is None else 0
            if not tag:
                raise
            behind = RangesFile(path, [(tag, os.path.getsize(path))])
            c = _open(opened.enter_context(behind))
        yield opened.enter_context(c)


def _open(source: Any, kind: Headerless | None = None) -> Any:
    return av.open(
        source,
        format=kind.form if kind is not None else None,
        options={"protocol_whitelist": "file", "format_whitelist": DEMUXERS},
        container_options=kind.options if kind is not None else {},
        metadata_errors="surrogateescape",  # `tag_text` decodes them
    )


def id3_bytes(path: str) -> int:
    """The length of the ID3v2 tag with which a file begins, which not every format may; else 0."""
    with open(path, "rb") as f:
        head = f.read(10)
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    return 10 + seven_bits(head[6:])


def _zero(path: str, part: Part) -> float:
    """The time stamp at which a part begins. Its first packets may be on the clock of the part
    before: streams change over one after the other."""
    times: list[float] = []
    with _opened(path, part) as c:
        for packet in packets(c):
            if packet.pts is not None and packet.stream.type in ("video", "audio"):
                times.append(float(packet.pts * packet.time_base))
            if len(times) >= CLOCK_PACKETS:
                break
    if not times:
        return 0.0
    middle = sorted(times)[len(times) // 2]
    return min(t for t in times if abs(t - middle) < CLOCK_S)


def _check(path: str, c: Any, limits: Limits) -> None:
    name = os.path.basename(path)
    for s in c.streams.video:
        if s.codec_context is None:
            continue
        size = s.codec_context.width * s.codec_context.height
        if size > limits.max_pixels:
            raise TooLargeError(
                f"{name!r}: frames of {s.codec_context.width} x {s.codec_context.height} pixels "
                f"are over the limit of {limits.max_pixels:,}; make a smaller copy or raise "
                "max_pixels"
            )
    jumps = c.format.name in JOINED  # a jump of the clock is no length
    if not jumps and c.duration and c.duration / av.time_base > limits.max_duration_s:
        raise too_long(path, c.duration / av.time_base, limits)


def too_long(path: str, seconds: float, limits: Limits) -> TooLargeError:
    """The error for a file over the limit of seconds."""
    return TooLargeError(
        f"{os.path.basename(path)!r} is {seconds / 3600:.1f} h long, over the limit of "
        f"{limits.max_duration_s / 3600:.1f} h; cut it or raise max_duration_s",
        code="TOO_LONG",
    )


def video_stream(c: Any) -> Any | None:
    """The first video stream; covers and thumbnails are video streams too and are passed over."""
    streams = [s for s in c.streams.video if not int(s.disposition) & COVER]
    return next(iter(there(c, (s for s in streams if s.codec_context is not None))), None)


def audio_stream(c: Any) -> Any | None:
    """The audio track a player would choose: the default one, else the first."""
    streams = own_audio(c)
    return next((s for s in streams if int(s.disposition) & 1), streams[0] if streams else None)


def own_audio(c: Any) -> list[Any]:
    """The audio tracks that can be decoded, of a broadcast those of the programme that is seen."""
    streams = there(c, (s for s in c.streams.audio if s.codec_context is not None))
    return own(c, streams, video_stream(c) or next(iter(streams), None))


def of_one_programme(c: Any) -> list[Any]:
    """All tracks, of a broadcast those of the programme that is seen."""
    return own(c, c.streams, video_stream(c) or audio_stream(c))


def packets(c: Any, *streams: Any) -> Iterator[Any]:
    """Packets in file order; a demuxing error, as in a truncated file, ends the iteration. Of raw
    AAC FFmpeg looks for the next frame behind the place of the error. Those of a whole AVI have the
    times of its index."""
    if c.format.name == "avi" and c.name.startswith(_WHOLE):
        yield from _counted(c, *streams)
        return
    for _ in range(MAX_ERRORS if c.format.name == "aac" else 1):
        try:
            yield from c.demux(*streams)
        except Exception as e:
            log.debug("demuxing ended: %r", e)
        else:
            return


def _counted(c: Any, *streams: Any) -> Iterator[Any]:
    counted = Counted(c.name.removeprefix(_WHOLE))
    try:
        for packet in c.demux(*streams):
            counted.correct(packet)
            yield packet
    except Exception as e:
        log.debug("demuxing ended: %r", e)


def limit_threads(stream: Any) -> None:
    """Decode with at most four slice threads, no frame threads.

    Frame threads lower latency but cost more CPU and memory, closing has to wait for them, and
    every thread takes address space of a process that is capped.
    """
    stream.thread_type = "SLICE"
    stream.codec_context.thread_count = min(4, os.cpu_count() or 1)


COVER = 0x400 | 0x800
"""AV_DISPOSITION_ATTACHED_PIC and AV_DISPOSITION_TIMED_THUMBNAILS."""
