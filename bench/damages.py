"""Kinds of damage to a store at rest, each a function of the store's folder."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

Damage = Callable[[Path], None]
CATALOG = "catalog.sqlite"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind; `whole`: whether every answer must be as before once it is mended."""

    name: str
    do: Damage
    whole: bool = True


def _sql(script: str, store: Path) -> None:
    with closing(sqlite3.connect(store / CATALOG)) as db:
        db.executescript(script)
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _row(column: str, value: str, store: Path) -> None:
    """Put a value, written in SQL, into one row."""
    first = "(SELECT min(sha256) FROM sources)"
    change = f"UPDATE sources SET {column} = {value} WHERE sha256 = {first}"  # noqa: S608 - ours
    _sql(f"PRAGMA foreign_keys = OFF; {change}", store)


def _bytes(name: str, how: str, store: Path) -> None:
    """Damage the files that a pattern finds: emptied, cut, their beginning or their middle."""
    for path in sorted(p for p in store.glob(name) if p.is_file()):
        data = bytearray(path.read_bytes())
        noise = random.Random(1).randbytes(4096)
        if how == "emptied":
            data.clear()
        elif how == "cut":
            del data[len(data) // 2 :]
        elif how == "zeroed":
            data = bytearray(len(data))
        elif how == "noise":
            data[:] = random.Random(1).randbytes(min(len(data), 1 << 20)) + data[1 << 20 :]
        else:
            at = {"beginning": 0, "middle": len(data) // 2, "end": max(0, len(data) - 4096)}[how]
            data[at : at + 4096] = noise[: len(data) - at]
        path.write_bytes(data)


def _remove(name: str, store: Path) -> None:
    for path in list(store.glob(name)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _put(name: str, data: bytes, store: Path) -> None:
    path = store / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _folder_instead(name: str, store: Path) -> None:
    _remove(name, store)
    (store / name).mkdir()


def _unreadable(name: str, store: Path) -> None:
    for path in store.glob(name):
        path.chmod(0)


def _swapped(store: Path) -> None:
    """Two thumbnails in each other's place."""
    one, two = sorted(store.glob("thumbs/*/*.jpg"))[:2]
    os.rename(one, two.with_suffix(".tmp"))
    os.rename(two, one)
    os.rename(two.with_suffix(".tmp"), two)


ROWS = (
    ("modality", "'nonsense'"), ("modality", "x'ff'"), ("recorded_at", "'never'"),
    ("ingested_at", "'yesterday'"), ("warnings", "'{'"), ("warnings", "'[1]'"),
    ("segments", "'many'"), ("segments", "-5"), ("progress", "7"), ("progress", "'half'"),
    ("duration_s", "'long'"), ("duration_s", "-1"), ("pages", "-1"), ("size", "x'00'"),
    ("title", "x'fffe'"), ("title", "CAST(x'41ff42' AS TEXT)"), ("mime", "x'80'"),
    ("state", "'odd'"), ("pipeline", "x'80'"), ("uri", "CAST(x'2fff' AS TEXT)"),
    ("id", "'src_wrong'"),
)  # fmt: skip
"""Nonsense in one row: its column, and the value in SQL."""

KINDS = (
    Kind("catalog: gone", partial(_remove, f"{CATALOG}*"), whole=False),
    Kind("catalog: emptied", partial(_bytes, CATALOG, "emptied"), whole=False),
    Kind("catalog: noise", partial(_bytes, CATALOG, "noise"), whole=False),
    Kind("catalog: its beginning", partial(_bytes, CATALOG, "beginning"), whole=False),
    Kind("catalog: its middle", partial(_bytes, CATALOG, "middle"), whole=False),
    Kind("catalog: cut", partial(_bytes, CATALOG, "cut"), whole=False),
    Kind("catalog: a newer version", partial(_sql, "PRAGMA user_version = 9999"), whole=False),
    *(
        Kind(f"catalog: no table {name}", partial(_sql, f"DROP TABLE {name}"), name == "turns")
        for name in ("paths", "collections", "meta", "turns")
    ),
    Kind("catalog: no table sources", partial(_sql, "DROP TABLE sources"), whole=False),
    Kind("catalog: no trigger", partial(_sql, "DROP TRIGGER source_recounted")),
    Kind("catalog: a column renamed",
         partial(_sql, "ALTER TABLE passed_over RENAME COLUMN code TO other")),
    Kind("catalog: wrong counts", partial(_sql, "UPDATE library_counts SET sources = 99")),
    Kind("catalog: paths of nothing",
         partial(_sql, "INSERT INTO paths VALUES ('/x', 'none', 1, 1, 'x', NULL)")),
    Kind("catalog: a row less", partial(_sql, "PRAGMA foreign_keys = ON; DELETE FROM sources"
         " WHERE sha256 = (SELECT min(sha256) FROM sources)"), whole=False),
    Kind("catalog: a folder", partial(_folder_instead, CATALOG), whole=False),
    *(Kind(f"row: {column} = {value}", partial(_row, column, value)) for column, value in ROWS),
    Kind("row: sha256 = 'nonsense'", partial(_row, "sha256", "'nonsense'"), whole=False),
    Kind("meta: another model", partial(_sql,
         "UPDATE meta SET value = 'nonsense' WHERE key = 'fingerprint'")),
    Kind("index: CURRENT is noise", partial(_put, "index/CURRENT", b"\xff\x00nonsense")),
    Kind("index: CURRENT is gone", partial(_remove, "index/CURRENT")),
    Kind("index: CURRENT is empty", partial(_put, "index/CURRENT", b"")),
    Kind("index: CURRENT is a folder", partial(_folder_instead, "index/CURRENT")),
    Kind("index: index.json is noise", partial(_bytes, "index/*/index.json",
         "beginning")),
    Kind("index: index.json is gone", partial(_remove, "index/*/index.json")),
    Kind("index: gone", partial(_remove, "index")),
    Kind("index: no shard", partial(_remove, "index/*/shard")),
    Kind("index: no segment", partial(_remove, "index/*/shard/segments/*")),
    Kind("index: configuration is noise",
         partial(_bytes, "index/*/shard/edge_config.json", "beginning")),
    Kind("index: a segment's configuration is noise",
         partial(_bytes, "index/*/shard/segments/*/segment.json", "beginning")),
    Kind("index: vectors zeroed",
         partial(_bytes, "index/*/shard/segments/*/vector_storage-dense/vectors/chunk*", "zeroed")),
    Kind("index: vectors are noise",
         partial(_bytes, "index/*/shard/segments/*/vector_storage-dense/vectors/chunk*", "noise")),
    Kind("index: payloads are noise",
         partial(_bytes, "index/*/shard/segments/*/payload_storage/page*", "noise")),
    Kind("index: payloads emptied",
         partial(_bytes, "index/*/shard/segments/*/payload_storage/page*", "emptied")),
    Kind("index: ids emptied",
         partial(_bytes, "index/*/shard/segments/*/mutable_id_tracker.mappings", "emptied")),
    Kind("thumbnails: emptied", partial(_bytes, "thumbs/*/*.jpg", "emptied")),
    Kind("thumbnails: cut", partial(_bytes, "thumbs/*/*.jpg", "cut")),
    Kind("thumbnails: noise", partial(_bytes, "thumbs/*/*.jpg", "noise")),
    Kind("thumbnails: their middle", partial(_bytes, "thumbs/*/*.jpg", "middle")),
    Kind("thumbnails: swapped", _swapped),
    Kind("files: voices are noise", partial(_put, "voices.sqlite", b"nonsense" * 999)),
    Kind("files: tasks are noise", partial(_put, "tasks/tasks.sqlite", b"nonsense" * 999)),
    Kind("files: the catalog may not be read", partial(_unreadable, CATALOG)),
    Kind("files: the index may not be read", partial(_unreadable, "index/*/index.json")),
    Kind("files: thumbnails may not be read", partial(_unreadable, "thumbs/*")),
    Kind("cache: a graph is torn", partial(_put, "the-cache/graphs/x.onnx", b"torn")),
    Kind("cache: labels are torn", partial(_put, "the-cache/labels-x.npy", b"torn")),
)  # fmt: skip
