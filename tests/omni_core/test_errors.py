"""Errors cross processes and networks as themselves: class, code and line."""

from __future__ import annotations

import json
import pickle

import pytest

from omni_core import errors
from omni_core.errors import OmniError, pack, unpack
from omni_core.worker import WorkerDied

CLASSES = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, OmniError)]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("code", [None, "SPECIAL"])
def test_an_error_comes_back_with_its_class_code_and_line(
    kind: type[OmniError], code: str | None
) -> None:
    error = kind("what happened; what to do", code=code)
    for back in (unpack(json.loads(json.dumps(pack(error)))), pickle.loads(pickle.dumps(error))):  # noqa: S301
        assert type(back) is kind
        assert (back.code, str(back)) == (error.code, str(error))


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_stands_in_the_tree_of_the_docstring(kind: type[OmniError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


def test_a_class_from_elsewhere_travels_as_its_nearest_ancestor() -> None:
    back = unpack(pack(WorkerDied("the decoder died", reason="killed")))
    assert type(back) is errors.UnavailableError
    assert back.code == "WORKER_DIED"


def test_a_stranger_with_the_name_of_one_of_ours_is_not_taken_for_it() -> None:
    stranger = type("StoreError", (errors.NotFoundError,), {})
    assert type(unpack(pack(stranger("x")))) is errors.NotFoundError


@pytest.mark.parametrize("data", [{}, {"kind": "Nonsense"}, {"kind": 3, "error": None}])
def test_an_answer_that_is_no_error_of_ours_becomes_a_plain_one(data: dict[str, object]) -> None:
    assert type(unpack(data)) is OmniError


def test_why_a_worker_died_survives_pickling() -> None:
    back = pickle.loads(pickle.dumps(WorkerDied("too slow", reason="deadline")))  # noqa: S301
    assert (type(back), back.reason, back.code) == (WorkerDied, "deadline", "WORKER_DIED")


def test_the_choices_of_an_ambiguous_name_travel_with_the_error() -> None:
    choices = [errors.Choice("src_a@0:05", "Q3 “review”\n", "video, 48:10")]
    error = errors.AmbiguousError("2 sources match", given="[Q3 @ 0:05]", choices=choices)
    for back in (unpack(json.loads(json.dumps(pack(error)))), pickle.loads(pickle.dumps(error))):  # noqa: S301
        assert isinstance(back, errors.AmbiguousError)
        assert (back.given, back.choices) == ("[Q3 @ 0:05]", tuple(choices))
    for odd in (None, 3, [3, {"ref": 1}]):
        assert isinstance(unpack({"kind": "AmbiguousError", "choices": odd}), errors.AmbiguousError)
