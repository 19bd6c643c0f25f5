"""The whole server as mteb's `SearchProtocol`: a corpus is ingested, queries are asked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from anyio.from_thread import BlockingPortal, start_blocking_portal

from omni_core.engine import Engine
from omni_core.engine.results import IngestRequest, SearchRequest
from omni_core.errors import BadRequestError, OmniError
from omni_core.mteb_tasks import columns
from omni_core.mteb_tasks.encoder import meta
from omni_core.settings import Settings
from omni_core.types import EncoderInfo

DEPTH = 100
"""Hits of a question at most: measures at 1 to 100 are those of the server, deeper ones are not."""
PAGE = 20

Progress = Callable[[str, int, int], None]
"""Told what is being done, the number of the file or question, and of how many."""


class OmniLibrary:
    """Ingests each corpus into a library of its own, and answers mteb's queries from it.

    Every document is a file under a number, so that names are no evidence. A question is words or
    an example; hits are scored by their rank, since the server orders and does not score.
    """

    def __init__(self, settings: Settings, info: EncoderInfo, progress: Progress) -> None:
        self._settings, self._progress = settings, progress
        self.mteb_model_meta = meta(info, f"{info.name}-whole-server")
        self._resources = ExitStack()
        self._portal: BlockingPortal | None = None
        self._library: ExitStack | None = None
        self._engine: Engine | None = None
        self._folder = Path()
        self._documents: dict[str, list[str]] = {}

    def __enter__(self) -> Self:
        self._portal = self._resources.enter_context(start_blocking_portal())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave_library()
        self._resources.close()

    def index(
        self,
        corpus: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        encode_kwargs: Any,
        num_proc: int | None = None,
    ) -> None:
        """Ingest every document. Raises the error of one that cannot be ingested."""
        self._leave_library()
        engine = self._open_library()
        self._documents = {}
        rows = _as_stored(corpus)
        for number, row in enumerate(rows, 1):
            self._progress("ingest", number, len(rows))
            for path in columns.files(row, self._folder, f"{number:08d}"):
                request = IngestRequest(str(path), name=f"{number:08d}")
                status = self._here().call(engine.ingest, request)
                if status.failure is not None:
                    raise status.failure
                held = self._documents.setdefault(status.source_id, [])
                if (name := str(row["id"])) not in held:
                    held.append(name)  # documents of the same bytes are one source

    def search(
        self,
        queries: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        top_k: int,
        encode_kwargs: Any,
        top_ranked: Mapping[str, list[str]] | None = None,
        num_proc: int | None = None,
    ) -> dict[str, dict[str, float]]:
        """For each query its documents with 1/rank as score, among `top_ranked` where given."""
        found = {}
        rows = _as_stored(queries)
        for number, row in enumerate(rows, 1):
            self._progress("ask", number, len(rows))
            name = str(row["id"])
            allowed = None if top_ranked is None else set(top_ranked.get(name, ()))
            ranked = [d for d in self._ask(row) if allowed is None or d in allowed]
            best = ranked[: min(top_k, DEPTH)]
            found[name] = {document: 1 / rank for rank, document in enumerate(best, 1)}
        return found

    def _ask(self, row: columns.Row) -> list[str]:
        """Documents, best first."""
        media = columns.files({**row, "title": None}, self._folder, "query")
        words = str(row.get("text") or "")
        examples = [path for path in media if path.suffix != ".txt"]
        if bool(words) + len(examples) != 1:
            raise BadRequestError(
                "the server answers words or one example: a query of this task is "
                f"{bool(words) + len(examples)} things; measure the encoder alone"
            )
        request = SearchRequest(
            query=words, path="" if words else str(examples[0]), limit=PAGE, per_source=1
        )
        documents: dict[str, None] = {}
        try:
            while len(documents) < DEPTH:
                result = self._here().call(self._opened().search, request)
                for hit in result.hits:
                    documents |= dict.fromkeys(self._documents[hit.source_id])
                if not result.next_cursor:
                    break
                request = replace(request, cursor=result.next_cursor)
        finally:
            for path in media:
                path.unlink()
        return list(documents)

    def _open_library(self) -> Engine:
        library = ExitStack()
        self._library = library
        store = library.enter_context(tempfile.TemporaryDirectory(prefix="omni-mteb-"))
        self._folder = Path(library.enter_context(tempfile.TemporaryDirectory(prefix="omni-mteb-")))
        engine = self._here().call(Engine.open, replace(self._settings, store=store))
        library.callback(self._here().call, engine.close)
        self._engine = engine
        return engine

    def _leave_library(self) -> None:
        library, self._library, self._engine = self._library, None, None
        if library is not None:
            library.close()

    def _opened(self) -> Engine:
        if self._engine is None:
            raise OmniError("nothing is indexed")
        return self._engine

    def _here(self) -> BlockingPortal:
        if self._portal is None:
            raise OmniError("use it in a with statement")
        return self._portal


def _as_stored(rows: Any) -> Any:
    """A data set whose media come as bytes and paths, not decoded."""
    for name, feature in getattr(rows, "features", {}).items():
        if hasattr(feature, "decode") and name in columns.MODALITIES:
            rows = rows.cast_column(name, type(feature)(decode=False))
    return rows
