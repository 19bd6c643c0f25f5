"""Tags between the frames of sound without a container, as where files were joined: bytes that are
no frames, and yet none is missing."""

from __future__ import annotations

import mmap
import re

from omni_core.media.av.id3_frames import seven_bits

_TAG = re.compile(
    rb"ID3[\2-\4][\0-\x0f][\0-\xf0](?P<id3>[\0-\x7f]{4})|APETAGEX..\0\0(?P<ape>....)", re.S
)
_ID3_HEAD, _APE_HEAD = 10, 32


def tag_end(data: bytes | mmap.mmap, first: int, last: int) -> int:
    """Where the first tag that begins in [first, last) ends, by what it says of its length; -1
    without one."""
    found = _TAG.search(data, first, last)
    if found is None:
        return -1
    if found["id3"] is not None:
        return found.start() + _ID3_HEAD + seven_bits(found["id3"])
    return found.start() + _APE_HEAD + int.from_bytes(found["ape"], "little")
