"""From a distribution over the 1000 ImageNet classes to words and to the text space.

Two ways, added: a sentence of the likeliest names ("a photo of a tabby, cat, domestic animal")
is embedded as text; and ConSE (Norouzi et al. 2014), the mean of the classes' own embeddings
weighted by their probability, which keeps what no single name says.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from omni_core.encoders._minilm import DIM, MiniLM
from omni_core.settings import Settings
from omni_core.weights import write_atomically

RECIPE = "1"
"""Part of the encoder's fingerprint: raise it when vectors of pictures change."""

NAMES, NAME_LEAST = 5, 0.03
GROUPS, GROUP_LEAST = 3, 0.4

_FILE = Path(__file__).with_name("data") / "labels.json"

Probabilities = NDArray[np.float32]
"""(1000,), summing to 1."""


class Labels:
    """The classes, their groups, and their place in the text space."""

    def __init__(self, text: MiniLM, settings: Settings) -> None:
        """Embeds "<name>, <gloss>" of each class once; the cache keeps it."""
        data = _FILE.read_bytes()
        table = json.loads(data)
        self._text = text
        self._names: list[str] = [", ".join(row["names"][:2]) for row in table["classes"]]
        self._groups: list[str] = [row["names"][0] for row in table["groups"]]
        members = np.zeros((len(self._groups), len(self._names)), np.float32)
        for i, row in enumerate(table["groups"]):
            members[i, row["classes"]] = 1
        self._members = members
        self._information = -np.log(members.sum(1) / len(self._names))
        described = [f"{row['names'][0]}, {row['gloss']}" for row in table["classes"]]
        key = hashlib.sha256(data + text.fingerprint.encode()).hexdigest()[:16]
        self._places = _kept(
            settings.store_path / "cache" / f"labels-{key}.npy", lambda: text(described)
        )

    def say(self, p: Probabilities) -> str:
        """The likeliest names, then what they are kinds of: "tabby, tabby cat, feline"."""
        likely = [i for i in np.argsort(-p)[:NAMES] if p[i] > NAME_LEAST] or [int(p.argmax())]
        words = [self._names[i] for i in likely]
        mass = self._members @ p
        sure = [i for i in np.argsort(-mass * self._information) if mass[i] > GROUP_LEAST]
        words += [self._groups[i] for i in sure[:GROUPS]]
        return ", ".join(dict.fromkeys(words))

    def embed(self, distributions: Sequence[Probabilities]) -> NDArray[np.float32]:
        """(pictures, 384), L2-normalised."""
        if not distributions:
            return np.empty((0, DIM), np.float32)
        said = self._text([f"a photo of {self.say(p)}" for p in distributions])
        mixed = np.stack(distributions) @ self._places
        return unit(said + unit(mixed))


def _kept(path: Path, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """What `make` returns, from the file when it was made before."""
    if path.is_file():
        kept: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return kept
    made, buffer = make(), io.BytesIO()
    np.save(buffer, made, allow_pickle=False)
    write_atomically(path, buffer.getvalue())
    return made


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row scaled to length 1."""
    out: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return out.astype(np.float32)
