"""Values of the engine's types travel exactly as they are, and nothing else is accepted."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import types
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union

import numpy as np
import pytest

from omni_core.codec import Codec, MalformedError, codec
from omni_core.engine import Engine
from omni_core.engine.api import EngineApi
from omni_core.engine.results import FolderStatus, IngestRequest, IngestStatus, Opened
from omni_core.errors import OmniError, TooLargeError
from omni_core.sharing.link import from_bytes, to_bytes
from omni_core.sharing.methods import METHODS, OWN, methods_of

WORDS = ("", "boat", "Ärger 東京 \U0001f6a4", "line\nline", "/media/\udcff.mp4", '"sizes"')


def hints() -> list[Any]:
    """The type of every argument, result and callback of the engine."""
    found: list[Any] = []
    for name in METHODS:
        given = typing.get_type_hints(getattr(EngineApi, name), include_extras=True)
        for hint in given.values():
            callback = next((a for a in (hint, *typing.get_args(hint)) if _is_callable(a)), None)
            value = hint if callback is None else typing.get_args(callback)[0]
            found += value if isinstance(value, list) else [value]
    return found


def _is_callable(hint: Any) -> bool:
    arguments = typing.get_args(hint)
    return bool(arguments) and isinstance(arguments[0], list)


def example(hint: Any, dice: random.Random) -> Any:
    """Some value of a type; a different one each time."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return os.path.abspath(dice.choice(("a", "b/c")))
    if hint is Any:
        return dice.choice([None, True, 1, 0.5, "x", [1, "y"], {"a": [None]}])
    if origin in (Union, types.UnionType):
        return example(dice.choice(arguments), dice)
    if origin is Literal:
        return dice.choice(arguments)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return tuple(example(a, dice) for a in arguments)
    if origin in (dict, Mapping):
        return {w: example(arguments[1], dice) for w in WORDS[: dice.randrange(3)]}
    if origin in (tuple, Sequence, list, frozenset):
        kind = {Sequence: tuple}.get(origin, origin)
        return kind(example(arguments[0], dice) for _ in range(dice.randrange(3)))
    if dataclasses.is_dataclass(hint):
        named = typing.get_type_hints(hint, include_extras=True)
        return hint(  # type: ignore[operator]
            **{f.name: example(named[f.name], dice) for f in dataclasses.fields(hint) if f.init}
        )
    if isinstance(hint, type) and issubclass(hint, Enum):
        return dice.choice(list(hint))
    if isinstance(hint, type) and issubclass(hint, OmniError):
        return TooLargeError("too long; cut it", code="TOO_LONG")
    simple: dict[Any, Any] = {
        str: dice.choice(WORDS), int: dice.randrange(-5, 10**12), bool: dice.random() < 0.5,
        float: dice.choice((0.0, -1.5, 1e300, 3, float("inf"))), type(None): None,
        bytes: dice.randbytes(dice.randrange(5)),
        datetime: datetime(2026, 11, dice.randrange(1, 28), 9, 30, 1, 5, tzinfo=UTC),
    }  # fmt: skip
    return simple[hint]


def carried(used: Codec, value: Any) -> Any:
    """The value after it was sent and received."""
    blobs: list[bytes] = []
    message = to_bytes({"value": used.encode(value, blobs)}, blobs)
    text, after = int.from_bytes(message[:4]), int.from_bytes(message[4:8])
    body, received = from_bytes(message[8 : 8 + text], message[8 + text :])
    assert len(message) == 8 + text + after
    return used.decode(body["value"], received)


@pytest.mark.parametrize("hint", hints(), ids=str)
def test_every_argument_result_and_report_of_the_engine_comes_back_equal(hint: Any) -> None:
    dice = random.Random(str(hint))  # noqa: S311 - the same each time
    for _ in range(50):
        value = example(hint, dice)
        back = carried(codec(hint), value)
        assert back == value
        assert type(back) is type(value)


def test_the_failure_of_a_file_keeps_its_class_code_and_line() -> None:
    failed = IngestStatus("/a.mp4", "failed", failure=TooLargeError("too long", code="TOO_LONG"))
    folder = FolderStatus(1, 1, None, (failed,), True)
    (back,) = carried(codec(FolderStatus), folder).done
    assert type(back.failure) is TooLargeError
    assert (back.error_code, back.error) == ("TOO_LONG", "too long")


def test_pictures_travel_as_they_are_and_not_as_text() -> None:
    hint = codec(Opened)
    dice = random.Random(1)  # noqa: S311 - the same each time
    value = dataclasses.replace(example(Opened, dice), audio_wav=b"\0" * 100_000)
    blobs: list[bytes] = []
    assert len(to_bytes({"value": hint.encode(value, blobs)}, blobs)) < 110_000
    assert b"\0" * 100_000 in blobs


def test_a_relative_path_is_that_of_the_process_that_asks() -> None:
    request = IngestRequest("talk.mp4", transcript="../talk.srt", title="talk.mp4")
    back = carried(codec(IngestRequest), request)
    assert back.path == str(Path.cwd() / "talk.mp4")
    assert back.transcript == str(Path.cwd().parent / "talk.srt")
    assert back.title == "talk.mp4"
    assert carried(codec(IngestRequest), IngestRequest("/media/talk.mp4")).transcript is None


def test_numbers_of_numpy_travel_as_numbers() -> None:
    assert carried(codec(float), np.float32(0.5)) == 0.5
    assert carried(codec(int), np.int64(7)) == 7


@pytest.mark.parametrize("hint", hints(), ids=str)
def test_what_is_no_value_of_the_type_is_malformed_and_nothing_worse(hint: Any) -> None:
    dice = random.Random(f"malformed {hint}")  # noqa: S311 - the same each time
    used = codec(hint)
    for _ in range(200):
        blobs: list[bytes] = []
        sent = json.loads(json.dumps(used.encode(example(hint, dice), blobs)))
        try:
            used.decode(damaged(sent, dice), blobs)
        except (MalformedError, OmniError):  # OmniError: a request checks itself
            continue


def damaged(value: Any, dice: random.Random) -> Any:
    """The JSON value with something in it replaced, removed or added."""
    if isinstance(value, dict) and value and dice.random() < 0.8:
        key = dice.choice(list(value))
        if dice.random() < 0.2:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: damaged(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.8:
        at = dice.randrange(len(value))
        return [*value[:at], damaged(value[at], dice), *value[at + 1 :]]
    return dice.choice([None, True, -1, 10**40, 0.5, float("nan"), "x", [], [[]], {}, {"a": {}}])


@pytest.mark.parametrize(
    "hint", [Path, complex, object, Callable[[int], int], AsyncIterator[int], dict[int, str]]
)
def test_a_type_that_cannot_be_carried_is_said_when_the_signatures_are_read(hint: Any) -> None:
    with pytest.raises(TypeError, match="cannot be carried"):
        codec(hint)


# The methods of the engine


WITHIN = {"apart"}
"""Said by an engine that shows some collections alone to the whole one, never by a caller."""


def test_every_method_of_the_engine_is_carried_under_the_names_of_its_arguments() -> None:
    public = {n for n in vars(EngineApi) if not n.startswith("_")}
    assert METHODS.keys() == public - OWN
    for name, method in METHODS.items():
        own = typing.get_type_hints(getattr(Engine, name))
        assert {*method.values, *method.callbacks} == own.keys() - {"return", *WITHIN}, name


@dataclass(frozen=True)
class Added:
    """A type that somebody may add."""

    name: str
    parts: tuple[bytes, ...] = ()


class Grown(typing.Protocol):
    """An engine with methods that are not written yet."""

    async def stop(self, source: str, *, gently: bool = True) -> Added | None: ...

    async def watch(self, progress: Callable[[Added], Awaitable[None]] | None = None) -> None: ...

    def on_job(self, listener: Callable[[Added], Awaitable[None]]) -> Callable[[], None]: ...


def test_a_method_that_is_added_needs_nothing_written_for_it() -> None:
    found = methods_of(Grown)
    assert found.keys() == {"stop", "watch", "on_job"}
    assert found["on_job"].listens and not found["watch"].listens
    result = found["stop"].result
    assert result is not None
    assert carried(result, Added("a", (b"x", b""))) == Added("a", (b"x", b""))
    assert carried(result, None) is None


class Streams(typing.Protocol):
    async def all(self) -> AsyncIterator[int]: ...


class Answers(typing.Protocol):
    async def ask(self, choose: Callable[[str], Awaitable[bool]]) -> None: ...


class Waits(typing.Protocol):
    def wait(self) -> int: ...


class Spreads(typing.Protocol):
    async def call(self, *paths: str) -> None: ...


@pytest.mark.parametrize("api", [Streams, Answers, Waits, Spreads])
def test_a_method_that_cannot_be_carried_is_refused_when_it_is_read(api: type) -> None:
    with pytest.raises(TypeError, match=r"carried|not Callable"):
        methods_of(api)
