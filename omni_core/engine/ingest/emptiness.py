"""Why nothing in a file can be found: one line, by what the decoder found in it."""

from __future__ import annotations

from collections.abc import Collection

from omni_core.types import Channel, Encoded, Modality, Source

_TABLES = ("text/csv", "text/tab-separated-values", "spreadsheet")
"""Parts of MIME types whose files hold rows."""
_CUES = frozenset(
    {
        "application/x-subrip", "text/vtt", "text/x-ssa", "text/x-sbv", "application/ttml+xml",
        "application/x-sami", "text/x-microdvd", "application/x-lrc", "text/x-subviewer",
        "text/x-scc", "application/x-ebu-stl", "application/x-srv3+xml", "text/x-mpl2",
        "text/x-tmplayer", "text/x-spruce-stl", "text/x-cue-rows",
        "text/x-transcript", "text/x-jacosub", "text/vnd.rn-realtext", "text/x-aqtitle",
        "text/x-pjs", "text/x-praat-textgrid", "application/x-usf+xml",
        "application/x-dcsubtitle+xml", "text/x-eaf+xml", "text/x-trs+xml",
    }
)  # fmt: skip


def is_findable(item: Encoded) -> bool:
    """Whether a stored segment finds something *in* its file, rather than its title or its tags.

    A picture without a vector is kept as outline; text that video, audio and images carry beside
    what is seen and heard (channel `text`) describes the file, unless it has a time of its own.
    """
    segment = item.segment
    if segment.channel is Channel.TEXT and segment.modality is not Modality.DOCUMENT:
        span = segment.span  # of a chapter, or of a line of lyrics
        return span.axis == "second" and span.end > span.start and not segment.is_title
    return (item.vector is not None or bool(segment.text)) and not segment.is_title


def why_empty(source: Source, cut: Collection[Channel]) -> str:
    """The reason, as the end of a sentence. `cut`: the channels of the segments that were cut."""
    if source.modality is Modality.DOCUMENT:
        return _document(source, cut)
    if source.modality is Modality.IMAGE:
        return "there are no words in the picture, and no model for pictures"
    parts = []
    if source.modality is Modality.VIDEO:
        seen = "there are no words in its pictures, and no model for pictures"
        parts.append(seen if Channel.VISUAL in cut else "it has no pictures that can be shown")
    heard = "there is no speech in its sound, and no model for other sounds"
    silent = "its sound is silent" if source.modality is Modality.AUDIO else "no sound is heard"
    parts.append(heard if Channel.SOUND in cut else silent)
    return "; ".join(parts)


def _document(source: Source, cut: Collection[Channel]) -> str:
    if Channel.VISUAL in cut:
        return "there are no words on its pages, and no model for pictures"
    if source.mime in _CUES:
        return "no subtitle in it has words"
    if any(part in source.mime for part in _TABLES):
        return "all its cells are empty"
    if source.pages:
        return "there are no words and no pictures on its pages"
    return "there are no words in it"
