"""Containers of clips, by file suffix, and the codecs of those that must be encoded."""

from __future__ import annotations

FORMATS = {
    ".mp4": ("mp4", "video/mp4"),
    ".m4v": ("mp4", "video/mp4"),
    ".mov": ("mov", "video/quicktime"),
    ".webm": ("webm", "video/webm"),
    ".mkv": ("matroska", "video/x-matroska"),
    ".avi": ("avi", "video/x-msvideo"),
    ".flv": ("flv", "video/x-flv"),
    ".ts": ("mpegts", "video/mp2t"),
    ".mts": ("mpegts", "video/mp2t"),
    ".m4a": ("ipod", "audio/mp4"),
    ".mp3": ("mp3", "audio/mpeg"),
    ".flac": ("flac", "audio/flac"),
    ".ogg": ("ogg", "audio/ogg"),
    ".oga": ("ogg", "audio/ogg"),
    ".opus": ("ogg", "audio/ogg"),
    ".wav": ("wav", "audio/wav"),
    ".aac": ("adts", "audio/aac"),
    ".mka": ("matroska", "audio/x-matroska"),
}
"""Suffix -> (FFmpeg muxer, MIME type)."""
ENCODERS = {
    "webm": ("libvpx-vp9", "libopus"),
    "avi": ("mpeg4", "libmp3lame"),
    "mp3": ("", "libmp3lame"),
    "flac": ("", "flac"),
    "ogg": ("", "libopus"),
    "wav": ("", "pcm_s16le"),
}
"""(video, audio) codecs of clips that must be encoded; H.264 and AAC for all others."""
