"""Audio files: WAV, MP3, FLAC, OGG, Opus, M4A, AAC, AIFF, AMR and others; cover art is no video."""

from __future__ import annotations

from collections.abc import Iterator

from omni_core.media.av import clip, seek
from omni_core.media.av.container import container
from omni_core.media.av.cutter import ContainerCutter
from omni_core.media.av.length import length
from omni_core.media.av.sidecar import transcript
from omni_core.media.dates import recorded_at
from omni_core.media.guard import unreadable
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import CutOptions, FileWarning, MediaInfo, Modality, Samples, Segment, Source

_MIME = {
    "wav": "audio/wav",
    "w64": "audio/x-w64",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "caf": "audio/x-caf",
    "amr": "audio/amr",
    "wv": "audio/x-wavpack",
    "ac3": "audio/ac3",
    "eac3": "audio/eac3",
}


class AudioMedium(Medium):
    """Audio files, with or without cover art."""

    rank = 1
    kinds = "audio (WAV, MP3, FLAC, OGG, Opus, M4A, AAC, AIFF, AMR)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the first bytes; a bare MPEG or ADTS frame counts only with a matching second one."""
        if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
            return True
        if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
            return True
        if head[:4] in (b"fLaC", b"OggS", b"caff", b"riff", b".snd", b"wvpk", b"MAC ", b"TTA1"):
            return True
        if head[:2] == b"\x0bw" and suffix in (".ac3", ".eac3", ".ec3"):
            return True
        if head[:3] == b"ID3" or head[:5] == b"#!AMR":
            return True
        return _is_mpeg(head, suffix)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError for what cannot be opened."""
        with container(path, self.limits) as c:
            if not c.streams.audio:
                raise unreadable(path)
            tags = {**c.streams.audio[0].metadata, **c.metadata}
            when, origin = recorded_at(path, tags)
            return MediaInfo(
                modality=Modality.AUDIO,
                mime=_MIME.get(c.format.name, "audio/mpeg"),
                title=title(path, tags.get("title", tags.get("TITLE", ""))),
                duration_s=length(path, c),
                recorded_at=when,
                recorded_at_from=origin,
                has_audio=True,
            )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Windows of audio, after the speech segments of an external transcript, if any."""
        external = transcript(path, options)
        if external is not None:
            for w in external.windows:
                yield w.segment(source, external.origin)
            yield from map(FileWarning, external.warnings)
        with container(path, self.limits) as c:
            yield from ContainerCutter(path, c, source, options, self.limits).run(
                external.coverage if external is not None else None
            )

    def clip(self, path: str, start: float, end: float, out: str) -> tuple[str, float, float]:
        """Re-encoded, exact to the sample, in the codec of the output container."""
        with container(path, self.limits) as c:
            return clip.cut(path, c, start, end, out)

    def audio(self, path: str, start: float, end: float) -> Samples:
        """Mono 16 kHz; silence where the track has a gap."""
        with container(path, self.limits) as c:
            return seek.audio_between(path, c, start, end)


def _is_mpeg(head: bytes, suffix: str) -> bool:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    if suffix in (".mp3", ".aac", ".mp2", ".adts"):
        return True
    return any(head[i] == 0xFF and head[i + 1] == head[1] for i in range(24, len(head) - 1))
