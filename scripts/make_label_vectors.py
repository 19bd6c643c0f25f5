"""Rewrite the vectors of the label texts: omni_core/encoders/embedded/data/label_vectors.npz.

    python scripts/make_label_vectors.py

They are stored as float16. Run it after a change of labels.json, scenes.toml or the pinned text
weights; a test fails until then.
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


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as store:
        settings = Settings(store=store)
        text = TextSpace(settings)
        labels = LabelSpace(text, settings)
        vectors = text(labels.texts, known_english=True).astype(np.float16)
    out = ROOT / "omni_core" / "encoders" / "embedded" / "data" / "label_vectors.npz"
    np.savez(out, key=np.array(labels.key), places=vectors)


if __name__ == "__main__":
    main()
