"""The running model: questions ahead of evidence, batches that do not fit, refusals, the check."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from omni_core import encoders
from omni_core.encoders.transformer import probe, scheduler
from omni_core.encoders.transformer.check import check
from omni_core.encoders.transformer.encoder import TransformerEncoder
from omni_core.errors import UnavailableError
from omni_core.settings import Settings
from omni_core.types import AudioContent, Content, ImageContent, TextContent

pytestmark = pytest.mark.omni
ROW = {"dim": 32, "video_pixels": [3136, 12544], "image_pixels": [3136, 12544], "memory_gb": 0}
WAIT = 30.0


@pytest.fixture(scope="module")
def e5(tiny: ModuleType, checkpoints: Callable[..., Path], tmp_path_factory: Any) -> Path:
    out = tmp_path_factory.mktemp("e5") / "e5-tiny"
    tiny.save_dense(checkpoints("thinker"), out, prompts={"query": "Query: ", "document": ""})
    return Path(tiny.describe(out, "e5-omni-3b", **ROW))


@pytest.fixture
def encoder(e5: Path) -> Iterator[Any]:
    loaded = TransformerEncoder.load(Settings(encoder=str(e5), device="cpu"))
    yield loaded
    loaded.close()


def test_the_factory_finds_a_folder_and_the_model_counts_from_zero(e5: Path) -> None:
    loaded: Any = encoders.load(Settings(encoder=str(e5), device="cpu"))
    assert loaded.info == encoders.describe(Settings(encoder=str(e5)))
    assert (loaded.stats.items, loaded.stats.questions) == (0, 0)
    loaded.close()


def test_a_question_is_answered_in_the_middle_of_a_batch_of_evidence(
    encoder: Any, media: dict[str, Content]
) -> None:
    """The batch stops between two of its layers until the question has its vector."""
    alone = encoder.encode_questions([TextContent("where is the fox?")])[0]
    every = scheduler.repeated_layers(encoder._runner._model)
    blocks = [b for b in every if "Decoder" in type(b).__name__]
    reached, asked, order = threading.Event(), threading.Event(), []

    def hold(_module: Any, _inputs: Any) -> None:
        if threading.current_thread().name == "ingest" and not reached.is_set():
            reached.set()
            assert asked.wait(WAIT)

    def note(_module: Any, _inputs: Any, _output: Any) -> None:
        order.append(threading.current_thread().name)

    handles = [blocks[0].register_forward_pre_hook(hold), blocks[-1].register_forward_hook(note)]
    done: list[Any] = []
    ingest = threading.Thread(
        target=lambda: done.extend(encoder.encode([media["a paragraph"]])), name="ingest"
    )
    ingest.start()
    assert reached.wait(WAIT)
    found: list[Any] = []

    def ask() -> None:
        found.extend(encoder.encode_questions([TextContent("where is the fox?")]))

    question = threading.Thread(target=ask, name="question")
    with encoder._runner.scheduler.question():  # as one that has arrived before the batch goes on
        asked.set()
        ingest.join(0.2)
        assert ingest.is_alive(), "the batch stands aside"
    question.start()
    question.join(WAIT)
    ingest.join(WAIT)
    for handle in handles:
        handle.remove()
    np.testing.assert_allclose(found[0], alone, atol=1e-5)
    assert done[0] is not None
    assert set(order) == {"ingest", "question"}


def test_many_threads_get_the_vectors_that_one_gets(
    encoder: Any, media: dict[str, Content]
) -> None:
    contents = list(media.values())
    expected = encoder.encode(contents)
    question = encoder.encode_questions([TextContent("fox")])[0]
    failed: list[str] = []

    def ingest() -> None:
        for a, b in zip(encoder.encode(contents), expected, strict=True):
            if not np.allclose(a, b, atol=1e-5):
                failed.append("evidence")

    def ask() -> None:
        vectors = [encoder.encode_questions([TextContent("fox")])[0] for _ in range(5)]
        failed.extend("question" for v in vectors if not np.allclose(v, question, atol=1e-5))

    threads = [threading.Thread(target=t) for t in (ingest, ask, ingest, ask)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert not failed and not any(t.is_alive() for t in threads)


def test_a_batch_that_does_not_fit_is_halved_and_the_next_ones_are_smaller(
    encoder: Any, media: dict[str, Content]
) -> None:
    import torch

    contents = [media["a paragraph"]] * 3 + [media["a word"]] * 4
    expected = encoder.encode(contents)
    runner = encoder._runner
    plain = runner._forward

    def small_device(features: Any, task: str) -> Any:
        if features["input_ids"].shape[0] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return plain(features, task)

    runner._forward = small_device
    before = runner.stats.budget
    for a, b in zip(encoder.encode(contents), expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert runner.stats.halved >= 1 and runner.stats.budget < before
    runner._forward = lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("no"))
    with pytest.raises(UnavailableError, match=r"one item of .* does not fit"):
        encoder.encode([media["a word"]])


def test_a_long_audio_is_the_average_of_its_windows(encoder: Any) -> None:
    rng = np.random.default_rng(2)
    long = rng.standard_normal(16000 * 8).astype(np.float32) * 0.1
    encoder._inputs._spec = replace(encoder.spec, audio_max_s=5.0)
    first, second = encoder.encode([AudioContent(long[:64000]), AudioContent(long[64000:])])
    joined = encoder.encode([AudioContent(long)])[0]
    expected = first + second
    np.testing.assert_allclose(joined, expected / np.linalg.norm(expected), atol=1e-5)


def test_the_stats_tell_padding_and_where_the_time_went(
    encoder: Any, media: dict[str, Content]
) -> None:
    encoder.reset_stats()
    encoder.encode(list(media.values()) * 3)
    stats = encoder.stats.as_dict()
    assert stats["items"] == 30 and stats["batches"] < 30
    assert 0 <= stats["waste"] < 0.15
    assert stats["padded"] >= stats["tokens"] > 0
    assert stats["device_s"] > 0 and stats["prepare_s"] > 0


# ---- refusals -------------------------------------------------------------------------------


def broken(e5: Path, tmp_path: Path, change: Callable[[Path], None]) -> Settings:
    folder = tmp_path / "broken"
    shutil.copytree(e5, folder)
    change(folder)
    return Settings(encoder=str(folder), device="cpu")


def cut_weights(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])


def poison_weights(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    file = folder / "model.safetensors"
    weights = {k: v * np.float32("nan") for k, v in load_file(file).items()}
    save_file(weights, file, metadata={"format": "pt"})


def blind_tower(folder: Path) -> None:
    """Weights of zero, as a conversion leaves them that misses the names of a tower."""
    from safetensors.numpy import load_file, save_file

    file = folder / "model.safetensors"
    weights = load_file(file)
    seeing = [name for name in weights if "visual" in name]
    assert seeing
    save_file(
        {k: v * np.float32(k not in seeing) for k, v in weights.items()},
        file,
        metadata={"format": "pt"},
    )


def blind_and_unknown(folder: Path) -> None:
    """The same in a folder or hub repository that no table describes."""
    blind_tower(folder)
    (folder / "omni.toml").unlink()


def lose_modules(folder: Path) -> None:
    (folder / "modules.json").unlink()


def promise_more(folder: Path) -> None:
    own = folder / "omni.toml"
    own.write_text(own.read_text().replace("dim = 32", "dim = 64"))


def spoil_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def bring_code(folder: Path) -> None:
    """A configuration class that only the repository's own Python file knows."""
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "configuration.OwnConfig"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "configuration.py").write_text("raise SystemExit('this ran')")


def other_kind(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "no_such_type"}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (cut_weights, "files are broken .* download it again"),
        (poison_weights, "was refused: its vector of .* holds NaN"),
        (
            blind_tower,
            "was refused: it does not look at the pixels of an image and the frames of a video: "
            "others give the same vector; update",
        ),
        (blind_and_unknown, "was refused: it does not look at the pixels of an image and the "),
        (lose_modules, "has no sentence-transformers files: name a newer revision"),
        (promise_more, "was refused: .* has shape .* the table says 64"),
        (spoil_config, "did not load"),
        (bring_code, "brings Python code of its own: read it and set trust_remote_code=true"),
        (other_kind, "did not load, its files are broken or of another kind"),
    ],
)
def test_a_bad_checkpoint_is_refused_in_one_line(
    e5: Path, tmp_path: Path, change: Callable[[Path], None], says: str
) -> None:
    with pytest.raises(UnavailableError, match=says) as error:
        TransformerEncoder.load(broken(e5, tmp_path, change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("device", "says"),
    [("cuda:7", "this machine has no cuda:7"), ("tpu", "no device is called 'tpu'")],
)
def test_a_device_that_is_not_there_is_one_line(e5: Path, device: str, says: str) -> None:
    with pytest.raises(UnavailableError, match=says):
        TransformerEncoder.load(Settings(encoder=str(e5), device=device))


def test_a_model_whose_vectors_depend_on_their_batch_mates_is_refused(encoder: Any) -> None:
    plain = encoder.encode_one_batch

    def careless(contents: list[Content]) -> list[Any]:
        vectors = plain(contents)
        mixed = [v + 0.5 * sum(vectors) for v in vectors]
        return [v / np.linalg.norm(v) for v in mixed]

    encoder.encode_one_batch = careless
    with pytest.raises(UnavailableError, match="depends on its batch-mates"):
        probe.require_valid(encoder)


# ---- the check of real weights --------------------------------------------------------------


def test_the_check_compares_with_the_scores_on_the_card(
    tiny: ModuleType, e5: Path, tmp_path: Path, encoder: Any
) -> None:
    from PIL import Image

    folder = tmp_path / "carded"
    shutil.copytree(e5, folder)
    rng = np.random.default_rng(0)
    pages = []
    for name in ("first.png", "second.png"):
        pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
        pages.append(pixels)
    asked = encoder.encode_questions([TextContent("how many?")])[0]
    scores = [float(asked @ v) for v in encoder.encode([ImageContent(p) for p in pages])]
    card = (
        '[[reference]]\nquery = "how many?"\nkind = "image"\nassets = ["first.png", "second.png"]'
    )
    own = (folder / "omni.toml").read_text()
    for shown, ok in ((scores, True), ([scores[0] + 0.2, scores[1]], False)):
        (folder / "omni.toml").write_text(f"{own}\n{card}\nscores = {shown}\n")
        report = check(str(folder), Settings(device="cpu"))
        assert report.ok is ok
        assert len(report.compared) == 1 and len(report.cosines) == 8
        assert any("card" in line for line in report.lines())
