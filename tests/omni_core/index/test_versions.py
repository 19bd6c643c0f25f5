"""The files that say which index is used, where the disk does not let them be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from omni_core.encoders.hashing import HashingEncoder
from omni_core.engine.ingest.ledger import Ledger
from omni_core.errors import StoreError
from omni_core.index import versions
from omni_core.settings import Settings

INFO = HashingEncoder.describe(Settings())


def leave(store: Path) -> None:
    versions.leave_current(store)


def activate(store: Path) -> None:
    versions.activate(store, versions.slug(INFO))


@pytest.mark.parametrize("step", [leave, activate])
def test_each_step_of_another_index_that_the_disk_refuses_is_one_line(
    tmp_path: Path, step: Callable[[Path], None]
) -> None:
    versions.prepare(tmp_path, INFO)
    current = versions.folder(tmp_path) / "CURRENT"
    current.unlink()
    (current / "held").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"cannot write the index under .*: .*; free some") as e:
        step(tmp_path)
    assert "\n" not in str(e.value)


def test_a_ledger_that_cannot_be_written_or_removed_is_one_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, INFO)
    (ledger._path / "held").mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot write the index under"):
        ledger.write(INFO)
    with pytest.raises(StoreError, match="cannot write the index under") as e:
        ledger.remove()
    assert "\n" not in str(e.value)
