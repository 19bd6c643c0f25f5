"""Requests to stop ingests, from one process of a library to the others: rows of `meta`.

Each row is for one process: what is to be stopped, later its answer. Whoever asks removes it; where
that process stands still, the row waits for it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omni_core import processes
from omni_core.catalog.rows import mapping
from omni_core.catalog.store import Catalog
from omni_core.files import Chosen

PREFIX = "stop/"
OLD_S = 86_400
"""After so long a request is removed whose process never came back."""
HELD = "owner <> '' AND lease_until > clock_timestamp()"


class PostgresStops(Catalog):
    """Asks the owners of leases, and finds what this process is asked."""

    _owner: str

    def ask_to_stop(
        self, paths: Sequence[str] | None, collections: Iterable[str] | None
    ) -> tuple[str, ...]:
        """Ask every other process that ingests some of these files; as `Begun.ask_to_stop`."""
        wanted, names = Chosen(paths), None if collections is None else sorted(collections)
        now = self.now()
        asked = json.dumps(
            {"paths": paths if paths is None else list(paths), "collections": names, "at": now}
        )
        keys = [
            f"{PREFIX}{owner}/{uuid.uuid4().hex}"
            for owner, files in self._at_work(names).items()
            if any(path in wanted for path in files)
        ]
        rows = self._all("SELECT key, value FROM meta WHERE starts_with(key, ?)", PREFIX)
        old = [(r["key"],) for r in rows if _asked_at(mapping(r["value"])) < now - OLD_S]
        with self._writing() as db:
            db.executemany("DELETE FROM meta WHERE key = ?", old)
            db.executemany("INSERT INTO meta VALUES (?, ?)", [(key, asked) for key in keys])
        return tuple(keys)

    def stop_answers(self, keys: Iterable[str]) -> tuple[dict[str, object], set[str]]:
        """The answers that are there, by key, and the keys of processes that have nothing under
        way any more."""
        answers: dict[str, object] = {}
        at_work = set(self._owners())
        idle = {key for key in keys if (owner := _owner_of(key)) not in at_work or has_ended(owner)}
        for key in keys:  # after that look: an answer is written after the work has ended
            row = self._one("SELECT value FROM meta WHERE key = ?", key)
            said = {} if row is None else mapping(row["value"])
            if "answer" in said:
                answers[key] = said["answer"]
        return answers, idle - answers.keys()

    def end_stops(self, keys: Iterable[str]) -> None:
        """Ask no more."""
        with self._writing() as db:
            db.executemany("DELETE FROM meta WHERE key = ?", [(key,) for key in keys])

    def stops_asked(self, within_s: float) -> dict[str, Mapping[str, Any]]:
        """What this process is asked to stop; as `Begun.stops_asked`. A row that does not say what
        asks nothing."""
        mine = f"{PREFIX}{self._owner}/"
        rows = self._all("SELECT key, value FROM meta WHERE starts_with(key, ?)", mine)
        read = {str(row["key"]): mapping(row["value"]) for row in rows}
        asked = {key: value for key, value in read.items() if _is_request(value)}
        since = self.now() - within_s if asked else 0.0
        return {key: value for key, value in asked.items() if _asked_at(value) >= since}

    def answer_stop(self, key: str, answer: object) -> None:
        """Say what was stopped, as JSON values."""
        with self._writing() as db:
            db.execute(
                "UPDATE meta SET value = ? WHERE key = ?",
                (json.dumps({"answer": answer, "at": self.now()}), key),
            )

    def _owners(self) -> list[str]:
        """The other processes that own something."""
        rows = self._all(
            f"SELECT owner FROM sources WHERE {HELD} AND owner <> ?"  # noqa: S608 - ours
            f" UNION SELECT owner FROM begun WHERE {HELD} AND owner <> ?",
            self._owner, self._owner,
        )  # fmt: skip
        return [str(r["owner"]) for r in rows]

    def _at_work(self, names: Sequence[str] | None) -> dict[str, list[str]]:
        """The files that each other process ingests, or has taken to ingest them; into these
        collections alone where given, so that what others do is not felt."""
        found: dict[str, list[str]] = {}
        held = f"{HELD} AND owner <> ?"
        rows = self._all(
            f"SELECT s.owner, s.uri, c.name FROM sources s LEFT JOIN collections c"  # noqa: S608
            f" ON c.sha256 = s.sha256 WHERE {held}",
            self._owner,
        )
        each = [(str(r["owner"]), r["name"], [str(r["uri"])]) for r in rows]
        for row in self._all(f"SELECT owner, request FROM begun WHERE {held}", self._owner):  # noqa: S608 - ours
            request = mapping(row["request"])
            files = request["paths"] if "paths" in request else [request.get("path", "")]
            each.append((str(row["owner"]), request.get("collection"), files))
        for owner, name, files in each:
            if names is None or name in names:
                found.setdefault(owner, []).extend(files)
        return {owner: files for owner, files in found.items() if not has_ended(owner)}


def _is_request(value: Mapping[str, Any]) -> bool:
    return all(
        name in value and (value[name] is None or _is_texts(value[name]))
        for name in ("paths", "collections")
    )


def _asked_at(value: Mapping[str, Any]) -> float:
    """Seconds since 1970; 0 where it does not say when."""
    at = value.get("at")
    return float(at) if isinstance(at, int | float) else 0.0


def _is_texts(value: object) -> bool:
    """Whether it is a list of texts."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _owner_of(key: str) -> str:
    return key.removeprefix(PREFIX).rpartition("/")[0]


def has_ended(owner: str) -> bool:
    """Whether an owner is a process of this machine that runs no more."""
    return processes.has_ended(owner.partition("@")[2])
