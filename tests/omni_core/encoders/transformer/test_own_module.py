"""A repository whose own input module wants bare media: the rows of jina-embeddings-v5-omni."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from omni_core.encoders.transformer.check import check
from omni_core.encoders.transformer.encoder import TransformerEncoder
from omni_core.errors import UnavailableError
from omni_core.settings import Settings
from omni_core.types import Content, ImageContent, TextContent, VideoContent

pytestmark = pytest.mark.omni


def settings_of(folder: Path) -> Settings:
    return Settings(encoder=str(folder), device="cpu", trust_remote_code=True)


@pytest.fixture
def encoder(own_module: ModuleType, tmp_path: Path) -> Iterator[Any]:
    loaded = TransformerEncoder.load(settings_of(own_module.build(tmp_path / "own")))
    yield loaded
    loaded.close()


def test_media_reach_the_module_bare_and_each_is_looked_at(encoder: Any) -> None:
    moves = encoder.probed.looks.moves
    assert {"text", "image", "audio", "video"} <= moves.keys()
    assert all(moves[kind] < 0.999 for kind in ("image", "audio", "video"))


def test_the_wrapped_form_would_become_words_and_the_probe_refuses_it(
    own_module: ModuleType, tmp_path: Path
) -> None:
    folder = own_module.build(tmp_path / "own", input_form="wrapped")
    with pytest.raises(UnavailableError) as error:
        TransformerEncoder.load(settings_of(folder))
    for part in ("the samples of a sound", "the frames of a video"):
        assert part in str(error.value)


def test_every_content_has_the_vector_of_its_kind_in_a_mixed_call(
    encoder: Any, media: dict[str, Content]
) -> None:
    contents = list(media.values())
    together = encoder.encode(contents)
    for (name, content), vector in zip(media.items(), together, strict=True):
        np.testing.assert_allclose(vector, encoder.encode([content])[0], atol=1e-5, err_msg=name)
    page, video = media["a page"], media["a video"]
    assert isinstance(page, ImageContent) and isinstance(video, VideoContent)
    kinds, prompt, task = encoder._runner._model[0].seen[-1]
    assert set(kinds) == {"video"} and prompt == "Document: " and task == "retrieval"


def test_a_text_carries_its_prompt_so_that_no_path_or_url_is_ever_opened(encoder: Any) -> None:
    seen = encoder._runner._model[0].seen
    for text in ("/etc/passwd", "https://example.org/a.png", "data:image/png;base64,AAAA"):
        assert encoder.encode([TextContent(text)])[0] is not None  # the module asserts it
        assert encoder.encode_questions([TextContent(text)])[0] is not None
    assert all(prompt == "" for kinds, prompt, _ in seen if "text" in kinds)


def test_a_question_and_evidence_of_the_same_words_differ_by_their_prompts(encoder: Any) -> None:
    asked = encoder.encode_questions([TextContent("a fox")])[0]
    held = encoder.encode([TextContent("a fox")])[0]
    assert float(asked @ held) < 0.9999


def test_the_check_tells_a_person_what_it_looks_at_and_what_words_find(
    own_module: ModuleType, tmp_path: Path
) -> None:
    report = check(str(own_module.build(tmp_path / "own")), settings_of(tmp_path))
    lines = report.lines()
    assert report.ok, "ranking by random weights is no failure"
    assert any(line.startswith("looks at image: ") for line in lines)
    assert "takes no sound of a video" in lines
    assert any("against" in line for line in lines)
    assert any(line.startswith("patches: ") for line in lines)
