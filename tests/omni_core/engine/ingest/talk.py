"""Sound without end or pause, and a reader that buffers what it hears."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

LISTENER = '''
import json
from omni_core.protocols import Reader
from omni_core.types import Channel, ReaderInfo, Segment, Span, TextContent

class Listener(Reader):
    """Writes down each ten seconds of sound, across the ends of the windows, and its run."""
    name, rank, loss = "listener", 5, "nothing is written down"

    @classmethod
    def describe(cls, settings): return ReaderInfo(cls.name, "none", "present")
    @classmethod
    def load(cls, settings, loaded): return cls()
    @classmethod
    def select(cls, segments): return [s for s in segments if s.channel is Channel.SOUND]

    def __init__(self): self.open = {}; self.reads = 0

    def read(self, segments):
        found = []
        for s in segments:
            start, end = self.open.get(s.source_id, s.span.start), s.span.end
            while end - start >= 10:
                found.append(self.words(s, start, start + 10)); start += 10
            self.open[s.source_id] = start
            self.last = s
        return found

    def words(self, s, a, b):
        text = f"from {a:g} to {b:g}"
        return Segment(s.source_id, s.modality, Channel.SPEECH, Span("second", a, b),
                       TextContent(text), text, "listener")

    def flush(self, source_id):
        start = self.open.pop(source_id, None)
        if start is None or start >= self.last.span.end: return []
        return [self.words(self.last, start, self.last.span.end)]

    def save(self, source_id):
        return json.dumps(self.open[source_id]).encode() if source_id in self.open else b""

    def restore(self, source_id, state):
        self.open.pop(source_id, None)
        if state: self.open[source_id] = json.loads(state)

    def pending_from(self, source_id): return self.open.get(source_id)
'''


def talk(path: Path, seconds: int = 300) -> Path:
    """A hum that never stops, so that windows end anywhere."""
    t = np.arange(seconds * 8000) / 8000
    hum = (9000 * np.sin(2 * np.pi * 300 * t) * (0.6 + 0.4 * np.sin(t))).astype(np.int16)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(hum.tobytes())
    return path
