"""Rewrite the affine map between the two text models, data/text_map.npz of the embedded encoder.

    python scripts/make_text_map.py SENTENCES.txt

SENTENCES.txt holds English sentences, one a line, of as many subjects as possible. The stored map
was computed from the label texts and from 16,000 sentences of the Debian packages fortunes and
fortunes-min and of the docstrings of Python's standard library, 5,000 of them also cut to their
first 3 to 8 words, as questions are short. Run `make_label_vectors.py` after it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from omni_core.encoders.embedded.label_space import LabelSpace  # noqa: E402
from omni_core.encoders.embedded.text_space import TextSpace  # noqa: E402
from omni_core.settings import Settings  # noqa: E402

RIDGE = 10.0
"""From 1 to 200, held-out sentences agree best at 1 and 10 (median cosine .68 and .67)."""
SHORT = 5000


def main() -> None:
    """Write the file."""
    sentences = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    lengths = np.random.default_rng(0).integers(3, 9, SHORT)
    short = [" ".join(s.split()[:n]) for s, n in zip(sentences, lengths, strict=False)]
    with tempfile.TemporaryDirectory() as store:
        settings = Settings(store=store)
        text = TextSpace(settings)
        texts = [*LabelSpace(text, settings).texts, *sentences, *short]
        if text.multilingual is None or text.english is None:
            raise SystemExit("; ".join(text.lost))
        from_, to = text.multilingual(texts), text.english(texts)
    means = from_.mean(0), to.mean(0)
    from_, to = from_ - means[0], to - means[1]
    linear = np.linalg.solve(from_.T @ from_ + RIDGE * np.eye(from_.shape[1]), from_.T @ to)
    out = ROOT / "omni_core" / "encoders" / "embedded" / "data" / "text_map.npz"
    np.savez(out, map=linear.astype(np.float16), from_mean=means[0], to_mean=means[1])


if __name__ == "__main__":
    main()
