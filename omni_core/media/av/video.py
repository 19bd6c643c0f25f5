"""Video files: MP4, MOV, MKV, WebM, AVI, MPEG-TS and PS, FLV, WMV, OGV, MXF, raw H.264."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import av

from omni_core.errors import UnreadableError
from omni_core.media.av import in_parts, subtitle_file
from omni_core.media.av.about import Item
from omni_core.media.av.clock import has_no_times
from omni_core.media.av.container import audio_stream, container, too_long, video_stream
from omni_core.media.av.cut_off import lacks_index
from omni_core.media.av.headerless import is_motion_jpeg
from omni_core.media.av.locked import is_locked
from omni_core.media.av.parts import is_transport_stream
from omni_core.media.av.tags import tags_of
from omni_core.media.brands import is_picture
from omni_core.media.dates import recorded_at
from omni_core.media.geometry import box
from omni_core.media.text import unread_subtitles
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import (
    Crop,
    CutOptions,
    MediaInfo,
    Modality,
    Pixels,
    Samples,
    Source,
)

_ASF = bytes.fromhex("3026b2758e66cf11")
_MXF = bytes.fromhex("060e2b34020501")
_MAGIC = (
    b"\0\0\1\xba", b"\0\0\1\xb3", b"nut/multimedia container", b"DHAV", b"DKIF", b"\x1f\x07\0",
    bytes.fromhex("b7d800203749da11a64e0007e95ead8d"), b"YUV4MPEG2 ", b"\0\0\1\xb0",
    b"\0\0\0\0\1\xbc",
)  # fmt: skip
"""MPEG program and video streams, NUT, Dahua recorders, IVF, DV, WTV, pictures as they are (Y4M),
raw MPEG-4, GXF of broadcasters."""
_RAW = tuple(b"\0\0\0\1" + bytes([unit]) for unit in (0x67, 0x27, 0x09, 0x40, 0x46))
"""Parameters, or a mark before them, with which raw H.264 and HEVC begin, whatever their name."""
_PROGRAM_STREAMS = (".mpg", ".mpeg", ".vob", ".mod", ".vro", ".m2p", ".dat")
"""Such a file may begin in the middle of a pack, or within the sectors of a Video CD."""
_OGG_FILMS = (b"\x80theora", b"\x01video", b"BBCD\0", b"OVP80\1", b"\x80daala")
"""Theora, OGM, Dirac, VP8 and Daala begin their streams so."""
OGG_HEADS = 1024
"""Bytes in which all streams of an Ogg file have begun."""
_MIME = {
    "matroska,webm": "video/x-matroska",
    "mpegts": "video/mp2t",
    "mpeg": "video/mpeg",
    "avi": "video/x-msvideo",
    "flv": "video/x-flv",
    "asf": "video/x-ms-asf",
    "ogg": "video/ogg",
    "mxf": "application/mxf",
    "rm": "application/vnd.rn-realmedia",
    "mjpeg": "video/x-motion-jpeg",
    "ivf": "video/x-ivf",
    "h264": "video/h264",
    "hevc": "video/h265",
    "yuv4mpegpipe": "video/x-yuv4mpeg",
    "gxf": "application/gxf",
    "m4v": "video/mp4v-es",
}


class VideoMedium(Medium):
    """Anything with a video stream; a container that holds only audio is cut as audio."""

    never_text = True
    kinds = "video (MP4, MOV, MKV, WebM, AVI, TS, MPG, FLV, WMV, OGV, MXF)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the container's first bytes."""
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return not is_picture(head)
        if (
            head[:4] == b"\x1aE\xdf\xa3"
            or head[:3] == b"FLV"
            or head[:8] == _ASF
            or head[:7] == _MXF
        ):
            return True
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return True
        if head.startswith(_MAGIC):
            return not unread_subtitles.kind_of(head, suffix)
        if head[:4] == b"OggS":
            return any(mark in head[:OGG_HEADS] for mark in _OGG_FILMS)
        if head[:4] == b".RMF":
            return b"video/x-pn-realvideo" in head
        if suffix in (".h264", ".264", ".hevc", ".h265", ".265"):
            return head[:3] == b"\0\0\1" or head[:4] == b"\0\0\0\1"
        if is_motion_jpeg(head, suffix):
            return True
        if suffix in _PROGRAM_STREAMS and b"\0\0\1\xba" in head:
            return True
        return head[:5] in _RAW or is_transport_stream(head)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError for what cannot be opened, TooLargeError over the limits."""
        try:
            return self._probe(path)
        except av.InvalidDataError as e:
            if not lacks_index(path):
                raise
            raise UnreadableError(
                f"{os.path.basename(path)!r} has no index (moov), which is written last: the "
                "recording or the copy broke off. Copy it again, or mend it with a tool that "
                "takes a whole film of the same camera as its pattern (untrunc)",
                code="CORRUPT_MEDIA",
            ) from e

    def _probe(self, path: str) -> MediaInfo:
        with container(path, self.limits) as c:
            if c.format.name.startswith("mov") and is_locked(path):
                raise UnreadableError(
                    f"{os.path.basename(path)!r} is protected against copying: only the program "
                    "that it was bought for can play it",
                    code="ENCRYPTED",
                )
            video, audio = video_stream(c), audio_stream(c)
            if video is None and audio is None:
                return _subtitle_info(path, c)
            seconds = in_parts.seconds(path, c, self.limits)
            if seconds is not None and seconds > self.limits.max_duration_s:
                raise too_long(path, seconds, self.limits)
            tags = tags_of(c)
            when, origin = recorded_at(path, tags)
            mime = _MIME.get(c.format.name, "video/mp4")
            if mime == "video/x-matroska" and _is_webm(path):
                mime = "video/webm"
            if c.metadata.get("major_brand") == "qt  ":
                mime = "video/quicktime"
            return MediaInfo(
                modality=Modality.VIDEO if video is not None else Modality.AUDIO,
                mime=mime if video is not None else mime.replace("video", "audio"),
                title=title(path, tags.get("title", "")),
                duration_s=seconds,
                width=(video.codec_context.width or None) if video is not None else None,
                height=(video.codec_context.height or None) if video is not None else None,
                recorded_at=when,
                recorded_at_from=origin,
                has_audio=audio is not None,
                warnings=_warnings(c, video),
            )

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Item]:
        """Shots, windows of audio and subtitles as they are decoded, after what is written in the
        file."""
        if source.modality is Modality.DOCUMENT:
            with container(path, self.limits) as c:
                yield from subtitle_file.segments(c, source)
            return
        yield from in_parts.cut(path, self.limits, source, options)

    def frames(self, path: str, times: Sequence[float], edge: int) -> list[tuple[float, Pixels]]:
        """Raises NotFoundError (OUT_OF_RANGE) for a second outside the video."""
        return in_parts.frames(path, self.limits, times, edge)

    def image(self, path: str, edge: int, crop: Crop | None, frame: int) -> Pixels:
        """The first frame."""
        decoded_edge = edge if crop is None else 1 << 14
        pixels = self.frames(path, [0.0], decoded_edge)[0][1]
        if crop is None:
            return pixels
        left, top, right, bottom = box(crop, pixels.shape[1], pixels.shape[0])
        return pixels[top:bottom, left:right]

    def clip(self, path: str, start: float, end: float, out: str) -> tuple[str, float, float]:
        """A stream copy where the container allows it; the span begins at a keyframe. Of a file
        in parts it ends with the part in which it begins."""
        return in_parts.clipped(path, self.limits, start, end, out)

    def audio(self, path: str, start: float, end: float) -> Samples:
        """Raises BadRequestError for a video without audio."""
        return in_parts.audio(path, self.limits, start, end)


def _subtitle_info(path: str, c: Any) -> MediaInfo:
    tags = tags_of(c)
    when, origin = recorded_at(path, tags)
    mime = _MIME.get(c.format.name, "video/mp4")
    return MediaInfo(
        modality=Modality.DOCUMENT,
        mime=mime.replace("video", "application"),
        title=title(path, tags.get("title", "")),
        duration_s=subtitle_file.end_of(c, os.path.basename(path)),
        recorded_at=when,
        recorded_at_from=origin,
    )


def _warnings(c: Any, video: Any) -> tuple[str, ...]:
    if video is not None and has_no_times(c, video):
        return ("the file keeps no time stamps; times are counted by its frame rate",)
    return ()


def _is_webm(path: str) -> bool:
    with open(path, "rb") as f:
        return b"webm" in f.read(128)
