"""What a program may ask: its own words for a kind are taken, nonsense is one line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from omni_core import BadRequestError, Engine, Modality, OpenRequest, SearchRequest


def test_a_modality_may_be_given_by_its_name() -> None:
    asked: Any = ("video", Modality.IMAGE)
    assert SearchRequest("x", modality=asked).modality == (Modality.VIDEO, Modality.IMAGE)


@pytest.mark.parametrize(
    ("request_class", "wrong", "line"),
    [
        (SearchRequest, {"modality": ("film",)}, "modality is 'film'; choose one of video"),
        (SearchRequest, {"order": "odd"}, "order is 'odd'; choose one of relevance"),
        (OpenRequest, {"size": "huge"}, "size is 'huge'; choose one of small"),
    ],
)
def test_what_is_no_choice_is_refused_with_the_choices(
    request_class: Callable[..., object], wrong: dict[str, Any], line: str
) -> None:
    with pytest.raises(BadRequestError, match=line):
        request_class("x", **wrong)


@pytest.mark.parametrize(
    ("ask", "line"),
    [
        (lambda e: e.sources(limit=0), "limit is 0"),
        (lambda e: e.sources(limit=-1), "limit is -1"),
        (lambda e: e.sources(state="odd"), "state is 'odd'; choose one of queued"),
    ],
)
async def test_a_page_of_the_library_that_cannot_be_is_refused(
    engine: Engine, ask: Callable[[Engine], Awaitable[object]], line: str
) -> None:
    with pytest.raises(BadRequestError, match=line):
        await ask(engine)
