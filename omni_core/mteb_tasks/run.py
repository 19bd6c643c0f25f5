"""Runs tasks of mteb by their names."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omni_core import encoders
from omni_core.errors import BadRequestError, UnavailableError
from omni_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one task."""

    task: str
    kind: str
    """Type of the task, by mteb's names: Any2AnyRetrieval, DocumentUnderstanding ..."""
    measure: str = ""
    """Its main measure: ndcg_at_10 ..."""
    score: float | None = None
    """Mean over splits and subsets; None when it could not be measured."""
    seconds: float = 0.0
    error: str = ""
    """Why it could not be measured."""


def run(
    settings: Settings,
    tasks: Sequence[Any],
    *,
    whole: bool = False,
    out: Path | None = None,
    batch_size: int = 16,
    bars: bool = False,
    before_each: Callable[[str], None] = lambda name: None,
    progress: Callable[[str, int, int], None] = lambda what, number, total: None,
) -> list[Measured]:
    """Measure the encoder, or with `whole` the server, on tasks: names of tasks, names of
    benchmarks, or task objects of mteb.

    `out`: folder for mteb's own result files, one for each task. `bars`: whether mteb draws
    progress bars. Blocks; data sets are downloaded. A task that fails is reported with its reason.
    Raises UnavailableError without mteb, BadRequestError for unknown names.
    """
    mteb = _mteb()
    chosen = [task for name in tasks for task in _tasks(mteb, name)]
    with ExitStack() as resources:
        if whole:
            from omni_core.mteb_tasks.library import OmniLibrary

            info = encoders.describe(settings)
            model: Any = resources.enter_context(OmniLibrary(settings, info, progress))
        else:
            from omni_core.mteb_tasks.encoder import OmniEncoder

            encoder = encoders.load(settings)
            resources.callback(encoder.close)
            model = OmniEncoder(encoder)
        found = []
        for task in chosen:
            before_each(task.metadata.name)
            found.append(_measure(mteb, model, task, out, batch_size, bars))
        return found


def names(word: str = "") -> tuple[list[str], list[str]]:
    """Benchmarks and tasks whose names contain the word. Raises UnavailableError without mteb."""
    mteb = _mteb()
    key = word.casefold()
    benchmarks = [b.name for b in mteb.get_benchmarks() if key in b.name.casefold()]
    tasks = [t.metadata.name for t in mteb.get_tasks() if key in t.metadata.name.casefold()]
    return sorted(set(benchmarks)), sorted(set(tasks))


def _mteb() -> Any:
    try:
        return importlib.import_module("mteb")
    except ImportError as e:
        raise UnavailableError(
            f"tasks of mteb need one more package ({e.name}): pip install 'omni-mcp[mteb]'",
            code="MISSING_EXTRA",
        ) from e


def _tasks(mteb: Any, name: Any) -> list[Any]:
    if not isinstance(name, str):
        return [name]
    if any(b.name == name for b in mteb.get_benchmarks()):
        return list(mteb.get_benchmark(name).tasks)
    try:
        return [mteb.get_task(name)]
    except (KeyError, ValueError) as e:
        raise BadRequestError(
            f"mteb knows no task or benchmark {name!r}; `omni-mcp mteb --list WORD` finds names"
        ) from e


def _measure(
    mteb: Any, model: Any, task: Any, out: Path | None, batch_size: int, bars: bool
) -> Measured:
    name, kind = task.metadata.name, str(task.metadata.type)
    try:
        result = mteb.evaluate(
            model,
            task,
            cache=None,
            co2_tracker=False,
            encode_kwargs={"batch_size": batch_size, "show_progress_bar": bars},
            show_progress_bar=bars,
        ).task_results[0]
    except Exception as e:  # a data set, its decoder or the model: the next task may work
        return Measured(name, kind, error=f"{type(e).__name__}: {str(e) or 'no message'}")
    finally:
        task.unload_data()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        result.to_disk(out / f"{name}.json")
    return Measured(
        name, kind, task.metadata.main_score, float(result.get_score()),
        float(result.evaluation_time or 0.0),
    )  # fmt: skip
