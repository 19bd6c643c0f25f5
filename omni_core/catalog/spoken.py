"""Who speaks when: the turns and the speakers of each source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from omni_core.catalog.begun import Begun
from omni_core.catalog.rows import numbers, shown
from omni_core.catalog.schema import NAME, NAMED
from omni_core.types import NameFrom, Speaker, Turn

_SPEAKERS = (
    "SELECT s.id, p.number, p.given, p.found, p.found_from, 0 AS seconds, 0 AS turns, 0 AS first"
    " FROM speakers p JOIN sources s USING (sha256)"
)
_WITH_TIMES = (
    'SELECT s.id, p.number, p.given, p.found, p.found_from, sum(t."end" - t.start) AS'
    " seconds, count(*) AS turns, min(t.start) AS first"
    " FROM speakers p JOIN sources s USING (sha256)"
    " JOIN turns t ON t.sha256 = p.sha256 AND t.speaker = p.number"
)
_IDS = "SELECT DISTINCT s.id FROM speakers p JOIN sources s USING (sha256)"


@dataclass(frozen=True, slots=True)
class FoundName:
    """A name that no person gave."""

    name: str
    name_from: NameFrom


class Spoken(Begun):
    """Turns are replaced when a source is read; the names that people gave stay until they are
    taken back."""

    def put_turns(
        self,
        source: str,
        turns: Sequence[Turn],
        given: Mapping[int, str],
        found: Mapping[int, FoundName],
    ) -> None:
        """Replace what is known of a source: its turns, and the names of its speakers by number,
        given by people and found otherwise."""
        sha256 = self._sha256(source)
        none = FoundName("", "")
        rows = [
            (sha256, n, given.get(n, ""), (name := found.get(n, none)).name, name.name_from)
            for n in sorted({t.speaker for t in turns})
        ]
        with self._writing() as db:
            db.execute("DELETE FROM turns WHERE sha256 = ?", (sha256,))
            db.execute("DELETE FROM speakers WHERE sha256 = ?", (sha256,))
            db.executemany("INSERT INTO speakers VALUES (?, ?, ?, ?, ?)", rows)
            db.executemany(
                "INSERT INTO turns VALUES (?, ?, ?, ?) ON CONFLICT (sha256, start)"
                ' DO UPDATE SET "end" = excluded."end", speaker = excluded.speaker',
                [(sha256, t.start, t.end, t.speaker) for t in turns],
            )

    def turns(
        self, source: str, start: float | None = None, end: float | None = None
    ) -> list[Turn]:
        """The turns of a source in order of time; those that overlap [start, end) seconds."""
        sql = 'SELECT start, "end", speaker FROM turns WHERE sha256 ='
        sql += " (SELECT sha256 FROM sources WHERE id = ? OR sha256 = ?)"
        values: list[object] = [source, source]
        if start is not None:
            sql, values = sql + ' AND "end" > ?', [*values, start]
        if end is not None:
            sql, values = sql + " AND start < ?", [*values, end]
        rows = self._all(sql + " ORDER BY start", *values)
        return [Turn(*r[:3]) for r in rows if numbers(*r[:3])]

    def speakers(self, ids: Collection[str], *, times: bool = False) -> dict[str, list[Speaker]]:
        """The speakers of these sources (`src_...`), by id and in order of number; with `times`
        how long each speaks, which takes longer to find out."""
        if not ids:
            return {}
        marks = ", ".join("?" * len(ids))
        return self._speakers(f"WHERE s.id IN ({marks})", *ids, times=times)

    def speaker_names(self) -> set[str]:
        """The names of all speakers, of every source."""
        rows = self._all(f"SELECT DISTINCT {NAME} AS name FROM speakers p WHERE {NAMED}")  # noqa: S608 - ours
        return {shown(r["name"]) for r in rows}

    def speaking(self, name: str) -> list[str]:
        """The ids of the sources with a speaker of exactly this name."""
        rows = self._all(
            f"{_IDS} WHERE {NAME} = ? AND {NAMED} ORDER BY s.id",
            name,
        )
        return [r[0] for r in rows]

    def named_speakers(self) -> dict[str, list[Speaker]]:
        """The speakers with a name, of every source, by its id."""
        return self._speakers(f"WHERE {NAMED}")

    def name_speaker(self, source: str, number: int, name: str) -> None:
        """Record the name that a person gave; "" takes it back."""
        with self._writing() as db:
            db.execute(
                "UPDATE speakers SET given = ? WHERE sha256 = ? AND number = ?",
                (name, self._sha256(source), number),
            )

    def given_names(self, source: str) -> dict[int, str]:
        """The names that people gave to the speakers of a source, by number."""
        rows = self._all(
            "SELECT number, given FROM speakers WHERE sha256 = ? AND given <> ''",
            self._sha256(source),
        )
        return {r["number"]: r["given"] for r in rows}

    def recognise(self, names: Mapping[tuple[str, int], str]) -> None:
        """Replace every name that was recognised by voice by these, by source id and number; names
        of subtitles stay."""
        with self._writing() as db:
            db.execute("UPDATE speakers SET found = '', found_from = '' WHERE found_from = 'voice'")
            db.executemany(
                "UPDATE speakers SET found = ?, found_from = 'voice' WHERE found = ''"
                " AND number = ? AND sha256 = (SELECT sha256 FROM sources WHERE id = ?)",
                [(name, number, source) for (source, number), name in names.items()],
            )

    def _speakers(self, where: str, *values: str, times: bool = False) -> dict[str, list[Speaker]]:
        select = _WITH_TIMES if times else _SPEAKERS
        group = " GROUP BY s.id, p.sha256, p.number" if times else ""
        found: dict[str, list[Speaker]] = defaultdict(list)
        rows = self._all(f"{select} {where}{group}", *values)
        # sorted here: for an ORDER BY SQLite reads every source, not every speaker
        whole = (r for r in rows if numbers(r["number"], r["seconds"], r["first"]))
        for r in sorted(whole, key=lambda r: (r["id"], r["number"])):
            given, other = shown(r["given"]), shown(r["found"])
            found[r["id"]].append(
                Speaker(
                    r["number"],
                    given or other,
                    "person" if given else r["found_from"],
                    other if r["found_from"] == "subtitles" else "",
                    round(r["seconds"], 1),
                    r["turns"],
                    r["first"],
                )
            )
        return dict(found)
