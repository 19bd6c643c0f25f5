"""Audio files: WAV, MP3, FLAC, OGG, Opus, M4A, AAC, AIFF, AMR and others; cover art is no video."""

from __future__ import annotations

from collections.abc import Iterator

from omni_core.media.av import in_parts
from omni_core.media.av.about import Item
from omni_core.media.av.container import container
from omni_core.media.av.headerless import FORMS, is_headerless
from omni_core.media.av.more_tags import more_tags
from omni_core.media.av.mpeg_audio import is_mpeg_audio
from omni_core.media.av.sync_frames import is_loas
from omni_core.media.av.tags import tags_of
from omni_core.media.dates import recorded_at
from omni_core.media.guard import unreadable
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.types import CutOptions, MediaInfo, Modality, Samples, Source

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
    "mpc": "audio/x-musepack",
    "mpc8": "audio/x-musepack",
    "dsf": "audio/x-dsf",
    "iff": "audio/x-dff",
    "tak": "audio/x-tak",
    "shn": "audio/x-shn",
    "ape": "audio/x-ape",
    "tta": "audio/x-tta",
    "voc": "audio/x-voc",
    "rm": "audio/x-pn-realaudio",
    "asf": "audio/x-ms-wma",
    "au": "audio/basic",
    "dts": "audio/vnd.dts",
    "loas": "audio/MP4A-LATM",
    "g726le": "audio/x-g726",
    "truehd": "audio/vnd.dolby.mlp",
    "mlp": "audio/vnd.dolby.mlp",
    **{form: kind.mime for form, kind in FORMS.items()},
}


_MAGIC = (
    b"fLaC", b"OggS", b"caff", b"riff", b".snd", b"wvpk", b"MAC ", b"TTA1", b"tBaK", b"MP+",
    b"MPCK", b"DSD ", b"FRM8", b"ajkg", b"Creative Voice File", b".RMF", b".ra\xfd", b"NIST_1A",
    b"\x02dss", b"\x03dss", b"\x7f\xfe\x80\x01", b"DTSHDHDR",
)  # fmt: skip
"""FLAC, Ogg, CAF, Wave64, AU, WavPack, Monkey's Audio, TTA, TAK, Musepack, DSF, DFF, Shorten, VOC,
RealAudio, SPHERE, DSS dictation, DTS."""


class AudioMedium(Medium):
    """Audio files, with or without cover art."""

    rank = 1
    never_text = True
    kinds = "audio (WAV, MP3, FLAC, OGG, Opus, M4A, AAC, AIFF, AMR)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """By the first bytes, of MPEG audio by its frames, of telephones by its name."""
        if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
            return True
        if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
            return True
        if head.startswith(_MAGIC):
            return True
        if head[:2] == b"\x0bw" and suffix in (".ac3", ".eac3", ".ec3"):
            return True
        if head[:3] == b"ID3" or head[:5] == b"#!AMR" or head[4:7] == b"\xf8\x72\x6f":
            return True
        if is_loas(head):
            return True
        return is_headerless(head, suffix) or is_mpeg_audio(head, suffix)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError for what cannot be opened."""
        with container(path, self.limits) as c:
            if not c.streams.audio:
                raise unreadable(path)
            tags = tags_of(c)
            when, origin = recorded_at(path, tags)
            named = tags.get("title") or dict(more_tags(path, c)).get("title", "")
            return MediaInfo(
                modality=Modality.AUDIO,
                mime=_MIME.get(c.format.name, "audio/mpeg"),
                title=title(path, named),
                duration_s=in_parts.seconds(path, c, self.limits),
                recorded_at=when,
                recorded_at_from=origin,
                has_audio=True,
            )

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Item]:
        """Windows of audio, after what is written in the file and an external transcript."""
        return in_parts.cut(path, self.limits, source, options)

    def clip(self, path: str, start: float, end: float, out: str) -> tuple[str, float, float]:
        """Re-encoded, exact to the sample, in the codec of the output container."""
        return in_parts.clipped(path, self.limits, start, end, out)

    def audio(self, path: str, start: float, end: float) -> Samples:
        """Mono 16 kHz; silence where the track has a gap."""
        return in_parts.audio(path, self.limits, start, end)
