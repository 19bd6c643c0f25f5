"""Tasks of our own, offline, through mteb: the encoder alone and the whole server."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from omni_core.settings import Settings, load

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of torch and of data sets, at import
    mteb = pytest.importorskip("mteb", reason="needs the extra: pip install 'omni-mcp[mteb]'")
    datasets = pytest.importorskip("datasets")
    from mteb.abstasks import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

from omni_core.errors import BadRequestError
from omni_core.mteb_tasks import Measured, run

pytestmark = pytest.mark.filterwarnings("ignore")

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 40), "blue": (20, 40, 220)}
TEXTS = {
    "tea": "Green tea is brewed at eighty degrees.",
    "boat": "The launch of the boat is postponed to March.",
    "lava": "The magma chamber lies four kilometres below the crater.",
}
ASKED = {
    "tea": "how hot should green tea be brewed",
    "boat": "when is the launch of the boat",
    "lava": "how deep is the magma chamber",
}


def metadata(name: str, modalities: list[str], category: str, kind: str) -> Any:
    return TaskMetadata(
        name=name, description="offline", type=kind, category=category, modalities=modalities,
        dataset={"path": "local/none", "revision": "1"}, eval_splits=["test"],
        eval_langs=["eng-Latn"], main_score="ndcg_at_10", date=("2026-01-01", "2026-01-02"),
        domains=["Constructed"], task_subtypes=[], license="mit", annotations_creators="derived",
        dialect=[], sample_creation="created", bibtex_citation="", reference=None,
    )  # fmt: skip


class Local(AbsTaskRetrieval):  # type: ignore[misc]
    """Documents and questions that are made here."""

    data_loaded: bool = False

    def load_data(self, *args: Any, **kwargs: Any) -> None:
        if self.data_loaded:
            return
        corpus, queries = self.rows()
        relevant = {row["id"]: {row["id"]: 1} for row in queries}
        self.dataset = {"default": {"test": {
            "corpus": corpus, "queries": datasets.Dataset.from_list(queries),
            "relevant_docs": relevant, "top_ranked": None,
        }}}  # fmt: skip
        self.data_loaded = True

    def rows(self) -> tuple[Any, list[dict[str, str]]]:
        raise NotImplementedError


class TextTask(Local):
    metadata = metadata("LocalText", ["text"], "t2t", "Retrieval")

    def rows(self) -> tuple[Any, list[dict[str, str]]]:
        corpus = [{"id": k, "title": "", "text": v} for k, v in TEXTS.items()]
        return datasets.Dataset.from_list(corpus), [{"id": k, "text": v} for k, v in ASKED.items()]


class ImageTask(Local):
    metadata = metadata("LocalImages", ["text", "image"], "t2i", "Any2AnyRetrieval")

    def rows(self) -> tuple[Any, list[dict[str, str]]]:
        corpus = datasets.Dataset.from_dict(
            {
                "id": list(COLOURS),
                "image": [Image.new("RGB", (64, 48), c) for c in COLOURS.values()],
            }
        ).cast_column("image", datasets.Image())
        return corpus, [{"id": name, "text": f"a {name} picture"} for name in COLOURS]


class NoData(Local):
    metadata = metadata("LocalNothing", ["text"], "t2t", "Retrieval")

    def rows(self) -> tuple[Any, list[dict[str, str]]]:
        raise OSError("the hub cannot be reached")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given = {
        "store": str(tmp_path / "store"), "encoder": "hashing", "speech": "off",
        "screen_text": "off", "index": "memory",
    }  # fmt: skip
    return load(given, environ={})


@pytest.mark.parametrize("whole", [False, True])
def test_tasks_run_through_mteb_and_leave_its_result_files(
    settings: Settings, tmp_path: Path, whole: bool
) -> None:
    seen: list[str] = []
    found = run(
        settings,
        [TextTask(), ImageTask()],
        whole=whole,
        out=tmp_path / "results",
        before_each=seen.append,
    )
    assert seen == ["LocalText", "LocalImages"]
    assert [(m.task, m.measure, m.error) for m in found] == [
        ("LocalText", "ndcg_at_10", ""),
        ("LocalImages", "ndcg_at_10", ""),
    ]
    assert all(m.score is not None and m.score > 0.9 for m in found)
    written = json.loads((tmp_path / "results" / "LocalText.json").read_text())
    assert written["scores"]["test"][0]["main_score"] == pytest.approx(found[0].score, abs=1e-4)


def test_a_task_without_data_says_why_and_the_next_one_is_measured(settings: Settings) -> None:
    failed, measured = run(settings, [NoData(), TextTask()])
    assert failed == Measured(
        "LocalNothing", "Retrieval", error="OSError: the hub cannot be reached"
    )
    assert measured.score is not None


def test_an_unknown_task_is_named(settings: Settings) -> None:
    with pytest.raises(BadRequestError, match="no task or benchmark 'NoSuchTask'"):
        run(settings, ["NoSuchTask"])
