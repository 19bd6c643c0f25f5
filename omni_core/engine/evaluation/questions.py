"""Files of questions with known answers.

A file is a JSON list of `{"id", "direction", "type", "query", "relevant": [{"item", "t0"?, "t1"?,
"page"?}], "lang"?}`. `type` is text, or image, audio, video, document when `query` is a file;
items and files are paths relative to the media folder. Nothing in the library answers a question
whose `relevant` is empty. Its language is `lang` (or `language`), else that of the file's name:
`queries.es.json`, else `und` (undetermined, ISO 639-2).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omni_core.errors import BadRequestError

UNDETERMINED = "und"
TYPES = ("text", "image", "audio", "video", "document")


@dataclass(frozen=True, slots=True)
class Expected:
    """Position of one right answer: a file, or seconds or a page of it."""

    item: str
    t0: float | None = None
    t1: float | None = None
    page: int | None = None

    def facts(self) -> dict[str, Any]:
        """As in a file of questions."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Query:
    """One question and its right answers; without any it is a null question."""

    id: str
    direction: str
    type: str
    query: str
    relevant: tuple[Expected, ...]
    language: str = UNDETERMINED


def load(paths: Sequence[str]) -> list[Query]:
    """The questions of all files. Raises BadRequestError with the file or entry that is wrong."""
    queries = [query for path in paths for query in _of_file(path)]
    if not queries:
        raise BadRequestError(f"no questions in {', '.join(paths)}; see `omni-mcp eval --help`")
    return queries


def language_of(path: str) -> str:
    """The language that a file's name says: `es` of `queries.es.json`; "" for none."""
    found = re.fullmatch(r".+\.([a-z]{2}(?:-[A-Za-z0-9]{2,8})*)\.json", Path(path).name)
    return found[1] if found else ""


def _of_file(path: str) -> list[Query]:
    try:
        data = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as e:
        raise BadRequestError(f"cannot read {path}: {e.strerror}") from e
    except ValueError as e:
        raise BadRequestError(f"{path} is not JSON: {e}") from e
    named = language_of(path)
    queries = []
    for number, entry in enumerate(data if isinstance(data, list) else [data]):
        try:
            queries.append(_of_entry(entry, number, named))
        except (KeyError, TypeError, AttributeError) as e:
            raise BadRequestError(f"{path}: entry {number} lacks {e}; see `--help`") from e
        except ValueError as e:
            raise BadRequestError(f"{path}: entry {number}: {e}") from e
    return queries


def _of_entry(entry: Mapping[str, Any], number: int, named: str) -> Query:
    kind = str(entry.get("type", "text"))
    if kind not in TYPES:
        raise ValueError(f"type is {kind!r}; choose one of {', '.join(TYPES)}")
    return Query(
        id=str(entry.get("id", number)),
        direction=str(entry.get("direction", "all")),
        type=kind,
        query=str(entry["query"]),
        relevant=tuple(
            Expected(r["item"], r.get("t0"), r.get("t1"), r.get("page")) for r in entry["relevant"]
        ),
        language=str(entry.get("lang") or entry.get("language") or named or UNDETERMINED),
    )
