"""Thirty injections in eight kinds of carrier: what of them stands outside the fence.

A server over a real engine ingests the files, and every tool, error, progress message, question,
log line, resource, prompt and completion is looked at for the marker that each text holds. Words
from pictures need the readers of the default install; the words of speech come from a transcript.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from bench.injections.carriers import CARRIERS
from bench.injections.texts import TEXTS
from bench.injections.walk import Seen, connected, walk
from bench.trust_table import Line
from omni_core.settings import Settings

SMALL = (0, 2, 18, 23)
"""The texts of the small run: plain, closing the fence, full of quotation marks, hidden."""


async def measure(small: bool) -> list[Line]:
    """One line for each carrier, and one for all."""
    texts = [TEXTS[i] for i in SMALL] if small else TEXTS
    lines = [await of_carrier(name, texts) for name in CARRIERS]
    return lines


def _folders(root: Path, count: int) -> Path:
    for number in range(count):
        (root / str(number)).mkdir(parents=True)
    return root.resolve()


async def of_carrier(name: str, texts: list[str] | tuple[str, ...]) -> Line:
    """The figures of one kind of carrier."""
    seen = Seen()
    with tempfile.TemporaryDirectory() as made:
        root = await asyncio.to_thread(_folders, Path(made, "media"), len(texts))
        settings = Settings(
            store=str(Path(made, "store")), roots=(str(root),), encoder="hashing", index="memory",
            speech="off", screen_text="auto" if name == "screen words" else "off",
            allow_delete=True, check_citations=True,
        )  # fmt: skip
        async with connected(settings, seen) as client:
            for number, text in enumerate(texts):
                files = CARRIERS[name](root / str(number), text)
                await walk(client, root, files, text, seen)
    for leak, times in Counter(seen.leaks).most_common(8):
        print(f"  {name} {times}x {leak}", flush=True)
    figure = (
        f"{len(seen.leaks)} outside; {seen.carried:,} of {seen.heard:,} answers carried a text, "
        f"{seen.stored} sources hold it as words or title"
    )
    return Line(name, len(texts), figure, "0 outside", not seen.leaks and seen.carried > 0)
