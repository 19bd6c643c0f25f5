"""Which processes live: told by a lock that the system releases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from omni_core.errors import StoreError
from omni_server.durable_tasks.owners import Owner, is_alive

HOLDS = """
import sys, time
from pathlib import Path
from omni_server.durable_tasks.owners import Owner
owner = Owner(Path(sys.argv[1]))
print(owner.id, flush=True)
sys.stdin.read()
"""


def test_an_owner_lives_until_it_releases(tmp_path: Path) -> None:
    owner, other = Owner(tmp_path), Owner(tmp_path)
    assert is_alive(tmp_path, owner.id)
    owner.release()
    assert not is_alive(tmp_path, owner.id)
    assert is_alive(tmp_path, other.id)
    other.release()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_is_seen_to_be_gone_and_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert process.stdout is not None
    id = process.stdout.readline().strip()
    assert is_alive(tmp_path, id)
    process.kill()
    process.communicate(timeout=30)
    assert not is_alive(tmp_path, id)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write in"):
        Owner(tmp_path / "missing")
