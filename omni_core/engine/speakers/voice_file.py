"""The voices of speakers, kept where the setting `voices` asks for it: a file of its own.

A voice is personal data. It is kept apart from the index and the catalog, readable by its owner
alone, and gone as a whole when the file is deleted.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from omni_core.errors import StoreError
from omni_core.types import Vector

VoiceKey = tuple[str, int]
"""A speaker: id of its source, and number there."""
SAME_VOICE = 0.88
"""Cosine from which on two speakers of different files are taken for one person. In the development
set means of one voice have .92 or more, of two people .74 or less (bench/speakers.py); two women
recorded for one telephone system had .82 in a trial."""
CLEARER = 0.03
"""By so much the nearest name must be nearer than the next one."""


class VoiceFile:
    """`voices.sqlite` of a store; opened for each call, since it is seldom used."""

    def __init__(self, store: Path) -> None:
        self._path = store / "voices.sqlite"

    @property
    def exists(self) -> bool:
        """Whether any voice was ever kept."""
        return self._path.is_file()

    def keep(self, source: str, vectors: Mapping[int, Vector]) -> None:
        """Replace the voices of a source."""
        with self._open() as db:
            db.execute("DELETE FROM voices WHERE source = ?", (source,))
            db.executemany(
                "INSERT INTO voices VALUES (?, ?, ?)",
                [(source, n, v.astype(np.float16).tobytes()) for n, v in vectors.items()],
            )

    def all(self) -> dict[VoiceKey, Vector]:
        """Every voice."""
        if not self.exists:
            return {}
        with self._open() as db:
            rows = db.execute("SELECT source, number, vector FROM voices").fetchall()
        return {(s, n): np.frombuffer(v, np.float16).astype(np.float32) for s, n, v in rows}

    def remove(self, keys: list[VoiceKey]) -> None:
        """Remove some voices; the freed space is overwritten."""
        with self._open() as db:
            db.executemany("DELETE FROM voices WHERE source = ? AND number = ?", keys)

    def forget_source(self, source: str) -> None:
        """Remove the voices of a source."""
        if self.exists:
            with self._open() as db:
                db.execute("DELETE FROM voices WHERE source = ?", (source,))

    def delete(self) -> None:
        """Delete the file with all voices."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as e:
            raise StoreError(f"{self._path} cannot be deleted: {e.strerror}") from e

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self.exists:
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            db = sqlite3.connect(self._path)
            try:
                with db:
                    db.execute("PRAGMA secure_delete = ON")
                    db.execute(
                        "CREATE TABLE IF NOT EXISTS voices (source TEXT, number INTEGER,"
                        " vector BLOB NOT NULL, PRIMARY KEY (source, number)) WITHOUT ROWID"
                    )
                    yield db
            finally:
                db.close()
        except (sqlite3.Error, OSError) as e:
            raise StoreError(
                f"the voices in {self._path.name} cannot be used ({e}); "
                "`omni-mcp voices forget` deletes them"
            ) from e


def recognised(
    voices: Mapping[VoiceKey, Vector], named: Mapping[VoiceKey, str]
) -> dict[VoiceKey, str]:
    """The names of speakers by their voices: of each that has none the one of the most similar
    voice with a name, where it is similar enough and no other name is about as near."""
    known = [key for key in named if key in voices]
    names = sorted({named[key] for key in known})
    found: dict[VoiceKey, str] = {}
    if not known:
        return found
    stack = np.stack([voices[key] for key in known])
    for key, vector in voices.items():
        if key in named:
            continue
        alike = stack @ vector
        best = {
            name: max(a for a, k in zip(alike.tolist(), known, strict=True) if named[k] == name)
            for name in names
        }
        first, *rest = sorted(best.items(), key=lambda item: -item[1])
        if first[1] >= SAME_VOICE and (not rest or first[1] - rest[0][1] >= CLEARER):
            found[key] = first[0]
    return found
