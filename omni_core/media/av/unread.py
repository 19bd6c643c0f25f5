"""What a container holds beside what is read of it: more pictures, attached files, captions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from omni_core.media.av.container import COVER, audio_stream, video_stream
from omni_core.media.av.programs import others, own
from omni_core.media.av.tag_text import text
from omni_core.media.av.tracks import track_name

_FONTS = (".ttf", ".otf", ".ttc", ".otc", ".woff", ".woff2", ".pfb", ".pfm", ".fon")
_CAPTIONS = "A53_CC"
_VALID = 4


def unread(c: Any) -> Iterator[str]:
    """A warning for the video tracks that are not the one which is seen, one for attached files.
    Covers and thumbnails are no tracks; fonts and covers are for the player."""
    seen = video_stream(c)
    tracks = [s for s in c.streams.video if not int(s.disposition) & COVER]
    mine = own(c, tracks, seen)
    unseen = [
        track_name(s, number) for number, s in enumerate(tracks, 1) if s is not seen and s in mine
    ]
    if names := others(c, seen or audio_stream(c)):
        yield f"programmes not read: {names}; save each as a file of its own and ingest it"
    if unseen:
        yield f"pictures not seen: {', '.join(unseen)}"
    attached = [name for s in c.streams.attachments if not _is_font(s) and (name := _file_name(s))]
    if attached:
        yield f"attached files not read: {', '.join(attached)}"


def _file_name(stream: Any) -> str:
    """The name of an attached file, or its kind; "" of a cover in an APE tag, which has neither."""
    name = text(stream.metadata.get("filename", "")) or text(stream.metadata.get("mimetype", ""))
    return os.path.basename(name) or name


def _is_font(stream: Any) -> bool:
    kind = str(stream.metadata.get("mimetype", "")).lower()
    name = str(stream.metadata.get("filename", "")).lower()
    return "font" in kind or "opentype" in kind or name.endswith(_FONTS)


class Captions:
    """Closed captions (EIA-608 and 708) that frames carry beside their pictures."""

    def __init__(self) -> None:
        self.found = False

    def look(self, frames: Sequence[Any]) -> None:
        """Look at frames, until there are some."""
        if not self.found:
            self.found = any(map(_has_captions, frames))


def _has_captions(frame: Any) -> bool:
    """Whether there is more than the filling that encoders put there (ANSI/CTA-708-E, 4.3)."""
    for data in frame.side_data:
        if data.type.name == _CAPTIONS:
            triples = bytes(data)
            for kind, one, two in zip(triples[::3], triples[1::3], triples[2::3], strict=False):
                if kind & _VALID and (one & 0x7F or two & 0x7F):
                    return True
    return False
