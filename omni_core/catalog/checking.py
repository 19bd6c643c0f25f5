"""Looks at `catalog.sqlite` for damage, and makes a sound one of what can still be read of it."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from omni_core.catalog import rows, schema
from omni_core.catalog.address import to_read
from omni_core.catalog.tables import TABLES
from omni_core.errors import StoreError
from omni_core.files import put_in_place
from omni_core.unfinished import Unfinished

FILE = "catalog.sqlite"
RESTORING = "restoring"
"""There while a backup is being restored, with the path of that."""
MOST = 20
"""Lines of one kind that are named."""
_COUNTS = (
    "SELECT state, pipeline, count(*), sum(segments) FROM sources GROUP BY state, pipeline",
    "SELECT state, pipeline, sources, segments FROM library_counts WHERE sources > 0",
    "SELECT c.name, s.state, s.pipeline, count(*), sum(s.segments) FROM collections c"
    " JOIN sources s USING (sha256) GROUP BY c.name, s.state, s.pipeline",
    "SELECT name, state, pipeline, sources, segments FROM collection_counts WHERE sources > 0",
    "SELECT sha256 FROM collections GROUP BY sha256 HAVING count(*) > 1",
    "SELECT sha256 FROM shared_sources",
)
"""What the rows say and what triggers keep, in turns."""


def refuse_lost(store: Path) -> None:
    """Raise StoreError where the catalog of a library is gone while its index is there, or is not
    restored yet: a new one would make the whole library look empty."""
    if half := half_restored(store):
        raise StoreError(half)
    if why := _lost(store):
        raise StoreError(
            f"the catalog of this library is damaged: {store / FILE} {why}, and its index is still "
            "there; restore the file from a backup, or run `omni-mcp doctor --repair`"
        )


def faults(store: Path) -> list[str]:
    """What is wrong with the catalog as a whole, a line each; nothing is changed."""
    path = store / FILE
    if half := half_restored(store):
        return [half]
    if why := _lost(store):
        return [f"{FILE} {why}, though the library has an index"]
    if not path.exists():
        return []
    try:
        with closing(_open(path)) as db:
            return list(_faults(db))
    except sqlite3.Error as e:
        return [f"{FILE} cannot be read ({e})"]
    except StoreError as e:
        return [str(e)]


def half_restored(store: Path) -> str:
    """That restoring a backup into the store was interrupted, and what to do; "" where it was
    not."""
    if (store / FILE).exists():  # it comes last
        return ""
    try:
        backup = (store / RESTORING).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    again = shlex.join(["omni-mcp", "restore", backup, "--store", str(store)])
    return f"{store} is not restored yet, that was interrupted: run `{again}` again"


def is_newer(store: Path) -> bool:
    """Whether a newer version wrote it, so that this one must leave it alone."""
    try:
        with closing(_open(store / FILE)) as db:
            schema.version(db)
    except sqlite3.Error:
        return False
    except StoreError:
        return True
    return False


def salvage(store: Path, aside: Path) -> int:
    """Replace the catalog by a sound one with every row that can be read; returns the sources that
    are in it. The damaged file is moved to the folder `aside`. Hold the store's lock."""
    with ExitStack() as at_the_end:
        made = Unfinished(store / "salvage", folder=True, private=True)
        at_the_end.callback(made.remove)
        folder = made.make()
        new, old = folder / "new.sqlite", folder / FILE
        for suffix in ("", "-wal"):
            if (file := store / f"{FILE}{suffix}").is_file():
                shutil.copyfile(file, old.with_name(file.name))
        with closing(sqlite3.connect(new, isolation_level=None)) as db:
            schema.prepare_new(db)
            schema.migrate(db)
            _copy_readable(old, db)
            count = int(db.execute("SELECT count(*) FROM sources").fetchone()[0])
        aside.mkdir(parents=True, exist_ok=True)
        for suffix in ("", "-wal", "-shm"):
            if (file := store / f"{FILE}{suffix}").exists():
                put_in_place(file, aside / file.name)
        put_in_place(new, store / FILE)
    return count


def _lost(store: Path) -> str:
    path = store / FILE
    if not any((store / "index").glob("*/shard")):
        return ""
    if not path.exists():
        return "is gone"
    return "has 0 bytes" if path.is_file() and not path.stat().st_size else ""


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(to_read(path), uri=True, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.text_factory = lambda value: value.decode("utf-8", "surrogateescape")
    return db


def _faults(db: sqlite3.Connection) -> Iterator[str]:
    broken = [r[0] for r in db.execute(f"PRAGMA quick_check({MOST})") if r[0] != "ok"]
    yield from (f"{FILE} is damaged inside: {line}".splitlines()[0] for line in broken)
    if broken or schema.version(db) < len(schema.MIGRATIONS):  # what is older is migrated later
        return
    missing = _objects_of_a_new_one() - _objects(db)
    if missing:
        yield f"{FILE} lacks {', '.join(sorted(missing)[:MOST])}"
        return
    db.execute("BEGIN")  # one moment, also beside a server that writes
    left = sorted({str(r[0]) for r in db.execute("PRAGMA foreign_key_check")})
    if left:
        yield f"{FILE} has rows without their source in {', '.join(left)}"
    counts = [sorted(map(tuple, db.execute(sql)), key=repr) for sql in _COUNTS]
    if counts[::2] != counts[1::2]:
        yield f"{FILE} counts other sources than it holds"


def damaged_rows(store: Path) -> list[tuple[str, str, str]]:
    """Of each row with a value that makes no sense: its sha256, its title, what is wrong."""
    try:
        with closing(_open(store / FILE)) as db:
            read = db.execute(schema.SELECT)
            return [(r["sha256"], rows.row(r).title, why) for r in read if (why := rows.damage(r))]
    except sqlite3.Error:
        return []  # one of the faults


def take_row(store: Path, sha256: str | bytes) -> dict[str, object]:
    """Remove a row whose hash makes no sense from the catalog; returns its values."""
    key = sha256 if isinstance(sha256, bytes) else sha256.encode("utf-8", "surrogateescape")
    with closing(sqlite3.connect(store / FILE, isolation_level=None)) as db:
        db.row_factory, db.text_factory = sqlite3.Row, bytes_or_text
        found = db.execute("SELECT * FROM sources WHERE CAST(sha256 AS BLOB) = ?", (key,))
        values = dict(found.fetchone() or {})
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("DELETE FROM sources WHERE CAST(sha256 AS BLOB) = ?", (key,))
    return values


def _objects(db: sqlite3.Connection) -> set[str]:
    """The tables with their columns, and the triggers."""
    found = set()
    for kind, name in db.execute(
        "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'trigger')"
    ).fetchall():
        found.add(f"{kind} {name}")
        if kind == "table":
            columns = db.execute("SELECT name FROM pragma_table_info(?)", (name,))
            found |= {f"column {name}.{r[0]}" for r in columns}
    return found


def _objects_of_a_new_one() -> set[str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        schema.migrate(db)
        return _objects(db)


def _copy_readable(old: Path, db: sqlite3.Connection) -> None:
    """Insert what can be read of the old file. Rows whose source is gone are left out."""
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("BEGIN")
    with suppress(sqlite3.Error, StoreError), closing(sqlite3.connect(old)) as held:
        with suppress(sqlite3.Error):  # an older version's, as far as it can be migrated
            schema.migrate(held)
        for table, (key, others) in TABLES.items():
            there = _columns(held, table)
            columns = [name for name in (*key, *others) if name in there]
            if not set(key) <= set(columns):
                continue
            names = ", ".join(f'"{name}"' for name in columns)
            marks = ", ".join("?" * len(columns))
            insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - ours
            for row in _readable(held, table, names, key):
                with suppress(sqlite3.Error):
                    db.execute(insert, row)
    db.execute("COMMIT")


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    try:
        return {r[0] for r in db.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    except sqlite3.Error:
        return set()


def _readable(
    db: sqlite3.Connection, table: str, names: str, key: tuple[str, ...]
) -> Iterator[tuple[object, ...]]:
    """The rows from the first one to a damaged page, and from the last one back to it."""
    db.text_factory = bytes_or_text
    for order in ("ASC", "DESC"):
        by = ", ".join(f'"{name}" {order}' for name in key)
        try:
            yield from db.execute(f"SELECT {names} FROM {table} ORDER BY {by}")  # noqa: S608 - ours
        except sqlite3.Error:
            continue
        return


def bytes_or_text(value: bytes) -> str | bytes:
    """A text, or its bytes where they are no UTF-8: as they are, for `rows` to report."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
