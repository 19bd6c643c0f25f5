"""What a killed process was writing goes; what a living one writes stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from omni_core.unfinished import Unfinished, sweep

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no locks of folders")

REPO = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from omni_core.unfinished import Unfinished
for folder in (False, True):
    made = Unfinished(Path(sys.argv[1]), folder=folder)
    path = made.make()
    (path / "part" if folder else path).write_text("half")
    globals()[f"kept{folder}"] = made
print("made", flush=True)
sys.stdin.read()
"""


def test_what_a_process_writes_stays_until_it_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "backup")], cwd=REPO,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as writer:  # fmt: skip
        assert writer.stdout is not None and writer.stdout.readline() == b"made\n"
        assert sweep(tmp_path) == 0 and len(os.listdir(tmp_path)) == 2
        writer.send_signal(signal.SIGKILL)
        writer.wait(timeout=30)
    assert sweep(tmp_path, "another") == 0
    assert sweep(tmp_path, "backup") == 2 and os.listdir(tmp_path) == []


def test_names_that_are_none_of_ours_and_links_stay(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    for name in (".a.0123456789a", ".a.0123456789AB", "a.0123456789ab", ".0123456789ab"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".b.0123456789ab").symlink_to(target)
    before = sorted(os.listdir(tmp_path))
    assert sweep(tmp_path) == 0 and sorted(os.listdir(tmp_path)) == before
    assert sweep(tmp_path / "not there") == 0


@pytest.mark.parametrize("folder", [False, True])
def test_what_got_its_name_is_no_longer_swept_and_not_removed(tmp_path: Path, folder: bool) -> None:
    made = Unfinished(tmp_path / "a", folder=folder)
    os.replace(made.make(), tmp_path / "a")
    made.remove()
    assert sweep(tmp_path) == 0 and os.listdir(tmp_path) == ["a"]
