"""`codec(hint)`: how values of one type become JSON, bytes and arrays, and back."""

from __future__ import annotations

import collections.abc
import dataclasses
import os
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union

from omni_core.codec.arrays import array_codec, is_array
from omni_core.codec.base import LOCAL_PATH, Array, Blob, Codec, MalformedError
from omni_core.errors import OmniError, pack, unpack


@cache
def codec(hint: Any) -> Codec:
    """The codec of a type; raises TypeError for a type that cannot be carried."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        if is_array(arguments[0]):
            return array_codec(arguments[0], *(a for a in arguments[1:] if isinstance(a, Array)))
        inner = codec(arguments[0])
        return _local_path(inner) if LOCAL_PATH in arguments[1:] else inner
    if is_array(hint):
        return array_codec(hint)
    if origin is Literal:
        return _choice(f"Literal{arguments!r}", {value: value for value in arguments})
    if origin in (Union, types.UnionType):
        return _union([codec(each) for each in arguments], arguments)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return _fixed_tuple([codec(each) for each in arguments])
    if origin in _COLLECTIONS:
        return _collection(codec(arguments[0]), _COLLECTIONS[origin])
    if origin in (dict, collections.abc.Mapping) and arguments[0] is str:
        return _mapping(codec(arguments[1]))
    if isinstance(hint, type):
        if issubclass(hint, Enum):
            return _choice(hint.__name__, {member.value: member for member in hint})
        if issubclass(hint, OmniError):
            return _error(hint)
        if dataclasses.is_dataclass(hint):
            return _dataclass(hint)
    raise TypeError(f"{hint!r} cannot be carried between processes; see omni_core.codec")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(shape: str, check: Callable[[Any], bool], encode: Callable[[Any], Any]) -> Codec:
    def decode(value: Any, _: Sequence[Blob]) -> Any:
        if not check(value):
            raise MalformedError(f"not {shape}: {value!r:.80}")
        return value

    return Codec(shape, lambda value, _: encode(value), decode)


def _number(value: Any) -> float:
    return value if type(value) in (int, float) else float(value)  # NumPy's scalars are no JSON


def _bytes() -> Codec:
    def encode(value: bytes, blobs: list[Any]) -> int:
        blobs.append(bytes(value))
        return len(blobs) - 1

    def decode(value: Any, blobs: Sequence[Blob]) -> bytes:
        if not _is_int(value) or not 0 <= value < len(blobs):
            raise MalformedError(f"not the position of bytes: {value!r:.80}")
        return bytes(blobs[value])

    return Codec("bytes", encode, decode)


def _datetime() -> Codec:
    def decode(value: Any, _: Sequence[Blob]) -> datetime:
        try:
            return datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise MalformedError(f"not a date: {value!r:.80}") from None

    return Codec("datetime", lambda value, _: value.isoformat(), decode)


_PLAIN: dict[Any, Codec] = {
    Any: Codec("json", lambda value, _: value, lambda value, _: value),
    type(None): _plain("None", lambda value: value is None, lambda value: value),
    bool: _plain("bool", lambda value: isinstance(value, bool), bool),
    int: _plain("int", _is_int, int),
    float: _plain("float", lambda v: _is_int(v) or isinstance(v, float), _number),
    str: _plain("str", lambda value: isinstance(value, str), str),
    bytes: _bytes(),
    datetime: _datetime(),
}
_COLLECTIONS: dict[Any, Callable[[Any], Any]] = {
    tuple: tuple,
    list: list,
    set: set,
    frozenset: frozenset,
    collections.abc.Sequence: tuple,
    collections.abc.Collection: tuple,
    collections.abc.Iterable: tuple,
}


def _local_path(inner: Codec) -> Codec:
    """A path, made absolute where it is sent: the receiver works in another folder."""

    def encode(value: Any, blobs: list[Any]) -> Any:
        return inner.encode(absolute(value) if value else value, blobs)

    return Codec(f"path {inner.shape}", encode, inner.decode)


def absolute(path: str) -> str:
    """The path as it is seen from any folder."""
    return path if os.path.isabs(path) else os.path.abspath(path)


def _choice(shape: str, values: dict[Any, Any]) -> Codec:
    def decode(value: Any, _: Sequence[Blob]) -> Any:
        try:
            return values[value]
        except (KeyError, TypeError):
            raise MalformedError(f"not one of {shape}: {value!r:.80}") from None

    plain = {member: value for value, member in values.items()}
    return Codec(f"{shape}{sorted(map(str, values))}", lambda value, _: plain[value], decode)


def _union(members: list[Codec], hints: tuple[Any, ...]) -> Codec:
    """None travels as null; the others with their position where there are several."""
    optional = type(None) in hints
    others = [(h, c) for h, c in zip(hints, members, strict=True) if h is not type(None)]
    shape = f"({' | '.join(c.shape for c in members)})"
    if len(others) > 1:
        kinds = tuple(typing.get_origin(hint) or hint for hint, _ in others)
        if not all(isinstance(kind, type) for kind in kinds):
            raise TypeError(f"{hints!r} cannot be told apart between processes")

    def encode(value: Any, blobs: list[Any]) -> Any:
        if value is None and optional:
            return None
        if len(others) == 1:
            return others[0][1].encode(value, blobs)
        at = next(
            (i for i, kind in enumerate(kinds) if type(value) is kind),
            next((i for i, kind in enumerate(kinds) if isinstance(value, kind)), None),
        )
        if at is None:
            raise TypeError(f"{value!r:.80} is none of {shape}")
        return [at, others[at][1].encode(value, blobs)]

    def decode(value: Any, blobs: Sequence[Blob]) -> Any:
        if value is None and optional:
            return None
        if len(others) == 1:
            return others[0][1].decode(value, blobs)
        at, inner = _pair(value)
        if not _is_int(at) or not 0 <= at < len(others):
            raise MalformedError(f"none of {shape}")
        return others[at][1].decode(inner, blobs)

    return Codec(shape, encode, decode)


def _pair(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise MalformedError(f"not a pair: {value!r:.80}")
    return value[0], value[1]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise MalformedError(f"not a list: {value!r:.80}")
    return value


def _collection(inner: Codec, build: Callable[[Any], Any]) -> Codec:
    def encode(value: Any, blobs: list[Any]) -> list[Any]:
        return [inner.encode(each, blobs) for each in value]

    def decode(value: Any, blobs: Sequence[Blob]) -> Any:
        return build(inner.decode(each, blobs) for each in _list(value))

    return Codec(f"[{inner.shape}]", encode, decode)


def _fixed_tuple(members: list[Codec]) -> Codec:
    def encode(value: Any, blobs: list[Any]) -> list[Any]:
        return [m.encode(each, blobs) for m, each in zip(members, value, strict=True)]

    def decode(value: Any, blobs: Sequence[Blob]) -> tuple[Any, ...]:
        if len(_list(value)) != len(members):
            raise MalformedError(f"{len(value)} values where {len(members)} belong")
        return tuple(m.decode(each, blobs) for m, each in zip(members, value, strict=True))

    return Codec(f"({', '.join(m.shape for m in members)})", encode, decode)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedError(f"not an object: {value!r:.80}")
    return value


def _mapping(inner: Codec) -> Codec:
    def encode(value: Any, blobs: list[Any]) -> dict[str, Any]:
        return {str(key): inner.encode(each, blobs) for key, each in value.items()}

    def decode(value: Any, blobs: Sequence[Blob]) -> dict[str, Any]:
        return {key: inner.decode(each, blobs) for key, each in _object(value).items()}

    return Codec(f"{{str: {inner.shape}}}", encode, decode)


def _error(kind: type[OmniError]) -> Codec:
    def decode(value: Any, _: Sequence[Blob]) -> OmniError:
        error = unpack(_object(value))
        if not isinstance(error, kind):
            raise MalformedError(f"not a {kind.__name__}: {value!r:.80}")
        return error

    return Codec(kind.__name__, lambda value, _: pack(value), decode)


def _dataclass(kind: Any) -> Codec:
    """By its fields; derived ones are derived again."""
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {f.name: codec(hints[f.name]) for f in dataclasses.fields(kind) if f.init}

    def encode(value: Any, blobs: list[Any]) -> dict[str, Any]:
        if type(value) is not kind:
            raise TypeError(f"{value!r:.80} is no {kind.__name__}")
        return {name: each.encode(getattr(value, name), blobs) for name, each in fields.items()}

    def decode(value: Any, blobs: Sequence[Blob]) -> Any:
        if _object(value).keys() != fields.keys():
            raise MalformedError(f"not a {kind.__name__}: {value!r:.80}")
        return kind(**{name: each.decode(value[name], blobs) for name, each in fields.items()})

    inside = ", ".join(f"{name}: {each.shape}" for name, each in fields.items())
    return Codec(f"{kind.__name__}({inside})", encode, decode)


def answers_of(kind: type) -> Mapping[str, Any]:
    """The type of what each method of a class returns, by its name; abstract ones as well."""
    return {
        name: typing.get_type_hints(method, include_extras=True)["return"]
        for name, method in vars(kind).items()
        if isinstance(method, types.FunctionType) and not name.startswith("_")
    }


def codecs(answers: Mapping[str, Any]) -> Mapping[str, Codec]:
    """The codec of each of these types by the same names; of an iterator, that of its items."""
    return {
        name: codec(
            typing.get_args(hint)[0]
            if typing.get_origin(hint) is collections.abc.Iterator
            else hint
        )
        for name, hint in answers.items()
    }
