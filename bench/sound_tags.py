"""Retrieval by sound tags: `python bench/sound_tags.py FOLDER QUERIES.json`.

The queries are `[[file, question], ...]`. For each question every file of the queries and ten
sentences of speech are candidates; prints recall and MRR, and those of a random ranking.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import av
import numpy as np

from omni_core.encoders.embedded.encoder import EmbeddedEncoder
from omni_core.readers import load
from omni_core.readers.sound_tags import SoundTagReader
from omni_core.settings import Settings
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Channel,
    Modality,
    Samples,
    Segment,
    Span,
    TextContent,
)

SPEECH = (
    "he was not an ill-disposed young man",
    "ten of clubs, four of clubs",
    "eight of spades, seven of hearts",
    "congratulations, the installation was successful",
    "he might have been made still more respectable",
    "the queen of diamonds",
    "please hold the line",
    "to be rather cold hearted and rather selfish",
    "his father had only seven thousand pounds",
    "front left",
)


def samples(path: Path) -> Samples:
    """The first 30 s, mono at 16 kHz."""
    to = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    with av.open(str(path)) as c:
        parts = [o.to_ndarray()[0] for f in c.decode(audio=0) for o in to.resample(f)]
    parts += [o.to_ndarray()[0] for o in to.resample(None)]
    return np.concatenate(parts)[: 30 * SAMPLE_RATE].astype(np.float32)


def main(folder: Path, queries: Path) -> None:
    """Print the figures."""
    settings = Settings(threads=2)
    pairs: list[tuple[str, str]] = [(str(f), str(q)) for f, q in json.loads(queries.read_text())]
    tags = next(r for r in load(settings)[0] if isinstance(r, SoundTagReader))
    tags.names(np.ones(SAMPLE_RATE, np.float32))  # calibrates, once
    texts, spent = [], time.process_time()
    for name, _ in pairs:
        sound = samples(folder / name)
        span = Span("second", 0.0, len(sound) / SAMPLE_RATE)
        tags.read([Segment(name, Modality.AUDIO, Channel.SOUND, span, AudioContent(sound))])
        found = tags.flush(name)
        content = found[0].content if found else None
        texts.append(content.text if isinstance(content, TextContent) else "")
        print(f"{name}: {texts[-1] or 'not tagged: taken for speech'}")
    spent = time.process_time() - spent
    encoder = EmbeddedEncoder.load(settings)
    items = encoder.encode([TextContent(t) for t in (*texts, *SPEECH)])
    vectors = np.stack([v if v is not None else np.zeros(384, np.float32) for v in items])
    vectors[[i for i, t in enumerate(texts) if not t]] = 0
    questions = encoder.encode_questions([TextContent(q) for _, q in pairs])
    cosines = np.stack([v for v in questions if v is not None]) @ vectors.T
    mine = cosines[np.arange(len(pairs)), np.arange(len(pairs))]
    rank = (cosines >= mine[:, None]).sum(1)
    n = len(pairs)
    print(
        f"{n} questions, {len(vectors)} items: R@1 {np.mean(rank <= 1):.3f}, "
        f"R@5 {np.mean(rank <= 5):.3f}, MRR {np.mean(1 / rank):.3f}; random among the sounds "
        f"{1 / n:.3f}, {5 / n:.3f}, {np.mean(1 / np.arange(1, n + 1)):.3f}; "
        f"{spent / n:.2f} s of CPU a sound"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
