"""Rewrite omni_core/encoders/embedded/data/labels.json from a WordNet 3.0 `data.noun`.

    python scripts/make_labels.py /usr/share/wordnet/data.noun

The 1000 synsets are kept in the file's own order (the order of the ImageNet-1k classes); their
names, the first part of their gloss, and their groups (hypernyms) come from WordNet.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

LABELS = Path(__file__).parents[1] / "omni_core/encoders/embedded/data/labels.json"

MAX_CLASSES = 450
"""Larger groups are too general ("entity", "artifact")."""


class Synset(NamedTuple):
    """A synset: its lemmas, the offsets of its hypernyms, and its gloss."""

    words: list[str]
    kinds: list[str]
    gloss: str


def nouns(path: Path) -> dict[str, Synset]:
    """Every noun of WordNet by its offset; the format is wndb(5WN)."""
    out = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith("  "):
            continue
        fields, _, gloss = line.partition("|")
        f = fields.split()
        words = int(f[3], 16)
        names = [f[4 + 2 * i].replace("_", " ") for i in range(words)]
        first = 5 + 2 * words
        pointers = [f[first + 4 * i : first + 4 * i + 4] for i in range(int(f[first - 1]))]
        kinds = [to for symbol, to, part, _ in pointers if symbol in ("@", "@i") and part == "n"]
        out[f[0]] = Synset(names, kinds, gloss.strip())
    return out


def with_hypernyms(synset: str, all_nouns: dict[str, Synset]) -> set[str]:
    """The synset and all its hypernyms."""
    seen: set[str] = set()
    stack = [synset]
    while stack:
        x = stack.pop()
        if x not in seen:
            seen.add(x)
            stack += all_nouns[x].kinds
    return seen


def main(path: Path) -> None:
    """Write the file."""
    old = json.loads(LABELS.read_text(encoding="utf-8"))
    too_general = frozenset(old["too_general"])
    all_nouns = nouns(path)
    synsets = [row["synset"] for row in old["classes"]]
    members: dict[str, set[int]] = defaultdict(set)
    for i, synset in enumerate(synsets):
        for kind in with_hypernyms(synset[1:], all_nouns):
            members[kind].add(i)
    groups: dict[tuple[int, ...], list[str]] = {}
    for kind in sorted(members):
        rows, words = tuple(sorted(members[kind])), all_nouns[kind].words
        if not 2 <= len(rows) <= MAX_CLASSES or words[0] in too_general:
            continue
        if rows not in groups or len(words[0]) < len(groups[rows][0]):
            groups[rows] = words  # of two names for the same classes the shorter
    found = [all_nouns[s[1:]] for s in synsets]
    new = {
        "too_general": sorted(too_general),
        "classes": [
            {"synset": s, "names": n.words, "gloss": n.gloss.split(";")[0]}
            for s, n in zip(synsets, found, strict=True)
        ],
        "groups": [
            {"names": words[:2], "classes": rows}
            for rows, words in sorted(groups.items(), key=lambda item: (-len(item[0]), item[0]))
        ],
    }
    parts = (
        f' "{key}": [\n  ' + ",\n  ".join(json.dumps(row) for row in value) + "\n ]"
        for key, value in new.items()
    )
    LABELS.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
