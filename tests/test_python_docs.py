"""The Python of docs/python.md runs as it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]
BLOCKS = re.findall(
    r"^```python\n(.*?)^```", (REPO / "docs" / "python.md").read_text(encoding="utf-8"), re.S | re.M
)
EXPECTED = (
    (r"(strong|fair) \[Mount Sarn field report p\.\d+\]",),
    (r"\d+\.\d-\d+\.\d s .*lava",),
    (r"ready \(\)", r"failed NOT_FOUND ", r"UNKNOWN_SOURCE no source"),
    (r"^library embedded$",),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the samples in it: the blocks share one library, as a reader's do."""
    here = tmp_path_factory.mktemp("python-docs")
    os.symlink(REPO / "samples", here / "samples")
    return here


@pytest.mark.models
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(len(EXPECTED)))
def test_a_block_prints_what_a_reader_expects(number: int, folder: Path) -> None:
    assert len(BLOCKS) == len(EXPECTED)
    ran = subprocess.run(
        [sys.executable, "-c", BLOCKS[number]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ran.returncode == 0, ran.stderr
    for pattern in EXPECTED[number]:
        assert re.search(pattern, ran.stdout, re.M | re.I), ran.stdout
