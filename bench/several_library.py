"""What `bench/several.py` works on: a folder of small files, servers, and what a library holds."""

from __future__ import annotations

import asyncio
import os
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from bench.folder import PAGE
from bench.serving import PLAIN, environment
from omni_core import encoders
from omni_core.catalog import open_catalog
from omni_core.index.server import ServerIndex
from omni_core.points import Point
from omni_core.settings import Settings, load
from tests.omni_core.catalog import postgres_server
from tests.omni_core.index import real_qdrant

WORDS = [f"word{n}" for n in range(3000)]
FILM_S = 100
"""Long enough for two groups: who takes over goes on in the middle of it."""


def make_folder(folder: Path, files: int, seed: int = 1) -> list[Path]:
    """So many files, all different: texts, pictures, and films with subtitles beside them."""
    rnd = random.Random(seed)
    made: list[Path] = []
    for n in range(files):
        at = folder / f"part{n % 3}"
        at.mkdir(parents=True, exist_ok=True)
        stem = at / f"file {n:03d}"
        if n % 3 == 0:
            made.append(_film(stem, rnd))
        elif n % 3 == 1:
            made.append(_text(stem, rnd))
        else:
            made.append(_picture(stem, rnd))
    return made


def _text(stem: Path, rnd: random.Random) -> Path:
    path = stem.with_suffix(".txt")
    paragraphs = (" ".join(rnd.choices(WORDS, k=60)) for _ in range(120))
    path.write_text("\n\n".join(paragraphs), encoding="utf-8")
    return path


def _picture(stem: Path, rnd: random.Random) -> Path:
    path = stem.with_suffix(".png")
    blocks = np.random.default_rng(rnd.randrange(2**32)).integers(0, 255, (6, 8, 3), np.uint8)
    Image.fromarray(blocks).resize((320, 240), Image.Resampling.NEAREST).save(path)
    return path


def _film(stem: Path, rnd: random.Random) -> Path:
    path = stem.with_suffix(".mp4")
    colours = np.random.default_rng(rnd.randrange(2**32))
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        for n in range(FILM_S * 5):
            if n % 10 == 0:  # another shot every two seconds
                shot = colours.integers(0, 255, (3, 4, 3), np.uint8).repeat(40, 0).repeat(40, 1)
            frame = av.VideoFrame.from_ndarray(shot, format="rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 5)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    cues = (
        f"{n}\n00:{s // 60:02d}:{s % 60:02d},000 --> 00:{s // 60:02d}:{s % 60:02d},900\n"
        f"{' '.join(rnd.choices(WORDS, k=8))}\n"
        for n, s in enumerate(range(0, FILM_S, 4), 1)
    )
    stem.with_suffix(".srt").write_text("\n".join(cues), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Servers:
    """A PostgreSQL database and a Qdrant server."""

    catalog: str
    qdrant: real_qdrant.Server

    def library(self, folder: Path, lease_s: float) -> Library:
        """A new, empty library."""
        return Library(self, folder, uuid.uuid4().hex[:8], lease_s)


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Both, started here unless the environment names some."""
    with postgres_server.server() as catalog, real_qdrant.server(folder / "qdrant") as qdrant:
        yield Servers(catalog, qdrant)


def why_not() -> str:
    """Why there are no servers; "" where there are."""
    if why := postgres_server.why_not():
        return why
    if not os.environ.get(real_qdrant.URL) and not os.environ.get(real_qdrant.BINARY):
        return f"no Qdrant server: set {real_qdrant.BINARY} to its executable"
    return ""


@dataclass(frozen=True)
class Library:
    """One library of several processes, each of which has a store of its own."""

    servers: Servers
    folder: Path
    name: str
    lease_s: float

    def environment(self, store: str) -> dict[str, str]:
        """The environment of a process of this library."""
        own = {
            "OMNI_STORE": str(self.folder / self.name / store),
            "OMNI_CATALOG": self.servers.catalog,
            "OMNI_CATALOG_SCHEMA": f"several {self.name}",
            "OMNI_CATALOG_LEASE_S": str(self.lease_s),
            "OMNI_INDEX": "server",
            "OMNI_QDRANT_URL": self.servers.qdrant.url,
            "OMNI_QDRANT_API_KEY": self.servers.qdrant.key,
            "OMNI_QDRANT_COLLECTION": f"several-{self.name}",
        }
        return environment(PLAIN | own)

    def settings(self, store: str = "looking") -> Settings:
        """The settings of a process of this library."""
        return load(environ=self.environment(store))

    def owned_by(self, pid: int) -> int:
        """How many files a process has under way."""
        import psycopg  # an extra

        schema = f'"several {self.name}"'
        with psycopg.connect(self.servers.catalog) as db:
            there = db.execute("SELECT to_regclass(%s)", (f"{schema}.sources",)).fetchone()
            if there is None or there[0] is None:
                return 0
            found = db.execute(
                f"SELECT count(*) FROM {schema}.sources WHERE owner <> ''"  # noqa: S608 - ours
                " AND worker LIKE %s", (f"% pid {pid} on %",),
            ).fetchone()  # fmt: skip
            return int(found[0]) if found else 0

    def holds(self) -> Holds:
        """All that is in it."""
        return asyncio.run(self._holds())

    async def _holds(self) -> Holds:
        settings = self.settings()
        info = await asyncio.to_thread(encoders.describe, settings)
        found = Holds()
        with open_catalog(settings, read_only=True) as catalog:
            found.library = catalog.get_meta("library") or ""
            for r in catalog._all(
                "SELECT sha256, id, uri, title, state, segments, duration_s, pages, attempt, owner"
                " FROM sources"
            ):
                paths, names = catalog.paths(r["sha256"]), catalog.collections_of(r["sha256"])
                row = {c: r[c] for c in ("uri", "title", "segments", "duration_s", "pages")}
                found.sources[r["id"]] = row | {"paths": paths, "collections": list(names)}
                found.states[r["state"]] += 1
                found.owned += bool(r["owner"])
                found.attempts += int(r["attempt"])
            found.totals = catalog.totals("default")
        held = ServerIndex(settings, info)
        await held.open()
        found.owner = (await held._described(held.collection)).library
        offset = None
        while True:
            page, offset = await held.scroll(limit=PAGE, offset=offset)
            found.points |= {p.id: p for p in await held.get([p.id for p in page], vectors=True)}
            found.scrolled += len(page)
            if offset is None:
                break
        await held.close()
        return found


@dataclass
class Holds:
    """What a library holds, to be compared with another one."""

    library: str = ""
    """Id of the library in the catalog."""
    owner: str = ""
    """The same in the collection."""
    sources: dict[str, Any] = field(default_factory=dict)
    """Rows of the catalog by id."""
    states: Counter[str] = field(default_factory=Counter)
    owned: int = 0
    """Rows that a process still has a lease on."""
    attempts: int = 0
    """How often a process began a source; one for each where nothing went wrong."""
    totals: tuple[int, int] = (0, 0)
    """Sources and segments, as they are counted."""
    points: dict[str, Point] = field(default_factory=dict)
    scrolled: int = 0

    def differs(self, truth: Holds) -> dict[str, Any]:
        """What is wrong, against the same files ingested by one process that nothing disturbed."""
        uris = Counter(row["uri"] for row in self.sources.values())
        return {
            "sources lost": len(truth.sources.keys() - self.sources.keys()),
            "sources doubled": sum(n - 1 for n in uris.values())
            + len(self.sources.keys() - truth.sources.keys()),
            "rows that differ": sum(
                self.sources[id] != row for id, row in truth.sources.items() if id in self.sources
            ),
            "rows not ready": self.states.total() - self.states["ready"],
            "leases left": self.owned,
            "ids of the library": int(not self.library or self.library != self.owner),
            "counts differ": int(self.totals != truth.totals),
            "points lost": len(truth.points.keys() - self.points.keys()),
            "points too many": len(self.points.keys() - truth.points.keys())
            + self.scrolled - len(self.points),
            "payloads that differ": sum(
                p.stored != self.points[id].stored
                for id, p in truth.points.items() if id in self.points
            ),
            "vectors that differ": sum(
                not np.array_equal(_dense(p), _dense(self.points[id]))
                for id, p in truth.points.items() if id in self.points
            ),
        }  # fmt: skip


def _dense(point: Point) -> Any:
    return np.zeros(0) if point.dense is None else point.dense
