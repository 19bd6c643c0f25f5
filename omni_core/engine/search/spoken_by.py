"""Questions about what somebody said: "what did Ann say about the weir".

A name in the question that is the name of a speaker lifts what that speaker says. Where the
question asks what was said, the name and the verb are not looked for in the words, since people
seldom say their own name; and the answer is cut to the turns of the speaker.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omni_core.engine.context import Context
from omni_core.engine.opening.speaking import Speaking
from omni_core.payload import of_channel, of_sources
from omni_core.query import Filter
from omni_core.retrieval.fusion import STOP_WORDS, Candidate
from omni_core.retrieval.ordering.compiled import LONGEST
from omni_core.types import Channel, Speaker

MENTIONED, ASKED = 0.15, 1.0
"""By how much of the range of cosines a speaker's words are lifted: where the question only has the
name, and where it asks what that person said."""
MIN_SHARE = 0.3
"""A passage is a speaker's when so much of its speech is."""
_SAYING = re.compile(
    r"(?i)\b(say|says|said|saying|tell|tells|told|talk|talks|talked|speak|speaks|spoke|mention\w*|"
    r"explain\w*|think|thinks|thought|claim\w*|answer\w*|ask|asks|asked|describe\w*|suggest\w*|"
    r"according to|opinion|words|"
    r"sag(?:e|st|t|te|ten|en)|erzähl\w*|sprach|spricht|meint\w*|erklär\w*|erwähn\w*|gesagt|laut|"
    r"dic(?:e|en|ho|iendo)|dij\w+|cuent\w*|contó|habl\w*|explic\w*|mencion\w*|opin(?:a|an|ó|ión)|según|"
    r"dit|disait|parl(?:e|er|es|ent|ait|é)|raconte\w*|"
    r"сказ\w*|говор\w*|рассказ\w*|упом\w*|объясн\w*|мнени\w*|по словам)\b"
    r"|说|講|讲|談|谈|提到|表示|告诉|認為|认为|言っ|話し|述べ"
)
"""Words for saying, in English, German, Spanish, French, Russian, Chinese and Japanese."""
_ABOUT = frozenset(
    {"about", "of", "on", "to", "with", "über", "von", "mit", "zu", "an", "sobre", "de", "con", "a",
     "о", "об", "про", "с", "关于", "對", "对"}
)  # fmt: skip
"""Words before a name that is talked about or spoken to."""
_COMMON = """
april art august bill carol chance chase dawn drew earl faith frank gene grace grant guy heath holly
hope ivy jack joy june lance mark may max miles olive pat pearl penny pierce ray reed rich robin
rose ruby rusty sandy stone sue summer victor wade ward will wood young
all audience boy both child crowd doctor everyone father girl guest host interviewer king lady man
men mother music narrator old people queen question reporter speaker student teacher voice woman
women
"""
_WORDS_TOO = frozenset(_COMMON.split())
"""Names that are common words: found only as names are written."""
_OWNS = re.compile("['\u2019]s\\b")


@dataclass(frozen=True, slots=True)
class SpokenBy:
    """A speaker whom a question names."""

    name: str
    asked: bool
    """Whether the question asks what that person said."""
    words: str
    """The question; where it asks that, without the name and the verb."""
    sources: Mapping[str, Sequence[Speaker]]
    """The speakers of each source in which that person speaks, by its id."""

    @property
    def filter(self) -> Filter:
        """What is said in those sources."""
        return Filter((of_sources(tuple(self.sources)), of_channel(Channel.SPEECH)))


async def named_in(context: Context, question: str) -> SpokenBy | None:
    """The speaker whom a question in words names; None where it names none."""
    names = await asyncio.to_thread(context.catalog.speaker_names)
    if not names or len(question) > LONGEST:
        return None
    found = await asyncio.to_thread(find_name, question, names)
    if found is None:
        return None
    name, asked, words = found
    sources = await asyncio.to_thread(context.catalog.speaking, name)
    speakers = await asyncio.to_thread(context.catalog.speakers, sources)
    return SpokenBy(name, asked, words, speakers)


def find_name(question: str, names: set[str]) -> tuple[str, bool, str] | None:
    """(speaker, whether the question asks what that one said, the question without both then).

    A whole name or its first or last word counts, in any case where it has several words and else
    as names are written, unless the question has no capitals at all. Of several names it is the
    first that is not talked about (`about Ann`).
    """
    plain = _fold(question)
    found: list[tuple[bool, int, int, str]] = []
    for name in names:
        if len(words := name.split()) == 0 or (len(name) < 2 and name.isascii()):
            continue
        forms = {name, *(w for w in (words[0], words[-1]) if len(w) > 1)}
        forms -= {form for form in forms if form.casefold() in STOP_WORDS}
        for form in sorted(forms, key=len, reverse=True):
            at = _place(form, question, plain)
            if at is not None:
                before = re.findall(r"[\w']+", plain[: at[0]])
                about = bool(before) and before[-1] in _ABOUT
                found.append((about, at[0], at[1], name))
                break
    if not found:
        return None
    about, start, end, name = min(found, key=lambda f: (f[0], f[1], -f[2]))
    asked = not about and _SAYING.search(question) is not None
    if not asked:
        return name, False, question
    after = question[end:]
    after = _OWNS.sub("", after, count=1) if _OWNS.match(after) else after
    rest = " ".join(_SAYING.sub("", f"{question[:start]} {after}", count=1).split())
    return name, True, rest or question


def _place(form: str, question: str, plain: str) -> tuple[int, int] | None:
    """Where a form of a name stands in the question; None where it does not."""
    folded = _fold(form)
    cased = form[0].isascii() or form[0].isupper()
    edge = r"\b" if cased else ""
    for match in re.finditer(edge + re.escape(folded) + edge, plain):
        start, end = match.span()
        written = question[start:end]
        no_capitals = not any(map(str.isupper, question)) and folded not in _WORDS_TOO
        common_first = start == 0 and folded in _WORDS_TOO
        as_written = (written[:1].isupper() and not common_first) or no_capitals
        if not cased or " " in form or as_written:
            return start, end
    return None


def _fold(text: str) -> str:
    """Lower case without accents; of the same length as the text, so that places are kept."""
    folded = []
    for char in text:
        parts = unicodedata.normalize("NFD", char)
        plain = parts[0] if all(map(unicodedata.combining, parts[1:])) else char
        folded.append(plain.lower() if len(plain.lower()) == 1 else plain)
    return "".join(folded)


async def lift(context: Context, candidates: Sequence[Candidate], who: SpokenBy) -> list[Candidate]:
    """The candidates, what the speaker says lifted; best first."""
    own = await _said(context, candidates, who)
    cosines = [c.cosine for c in candidates if c.cosine is not None]
    spread = (max(cosines) - min(cosines) if cosines else 0.0) or 1.0
    gain = spread * (ASKED if who.asked else MENTIONED)
    lifted = [c._replace(score=c.score + gain) if c.id in own else c for c in candidates]
    return sorted(lifted, key=lambda c: (-c.score, c.id))


async def only_theirs(
    context: Context, candidates: Sequence[Candidate], who: SpokenBy
) -> list[Candidate]:
    """What the speaker says, where the question asks for that; else all candidates."""
    own = await _said(context, candidates, who) if who.asked else set()
    return [c for c in candidates if not who.asked or c.id in own]


async def _said(context: Context, candidates: Sequence[Candidate], who: SpokenBy) -> set[str]:
    """Ids of the passages that are the speaker's."""
    found: set[str] = set()
    speaking: dict[str, Speaking] = {}
    for source in {c.stored.source_id for c in candidates} & who.sources.keys():
        turns = await asyncio.to_thread(context.catalog.turns, source)
        speaking[source] = Speaking(turns, who.sources[source])
    for c in candidates:
        span, there = c.stored.span, speaking.get(c.stored.source_id)
        if there is None or c.stored.channel is not Channel.SPEECH or span.axis != "second":
            continue
        if there.shared(who.name, span.start, span.end) >= MIN_SHARE:
            found.add(c.id)
    return found
