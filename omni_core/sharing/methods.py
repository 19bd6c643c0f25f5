"""The methods of `EngineApi`, read from its signatures: how each is called from elsewhere.

A method added there, or an argument of one, is carried without a line here, if it is of one of
two kinds:

* `async def method(self, ...) -> Result`. An argument may be a callback, `Callable[[Value],
  Awaitable[None]]`: it gets the newest value, not every one, as progress does.
* `def method(self, listener, ...) -> Callable[[], None]`, where `listener` is such a callback: it
  gets every value until the returned function is called.

`close` and `within` are of the object itself. Anything else is a TypeError when this module is
imported.
"""

from __future__ import annotations

import hashlib
import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from omni_core import __version__
from omni_core.codec import Codec, MalformedError, codec
from omni_core.engine.api import EngineApi

OWN = frozenset({"close", "within"})
"""Methods that are answered where they are called."""

Callback = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its arguments by name, its callbacks, its result."""

    name: str
    signature: inspect.Signature
    values: Mapping[str, Codec]
    callbacks: Mapping[str, Codec]
    """What each callback is called with."""
    result: Codec | None
    """None for a method that listens: it returns the function that ends it."""

    @property
    def listens(self) -> bool:
        """Whether it returns at once and its callback is called until it is stopped."""
        return self.result is None

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by name, without the defaults; TypeError as for any function."""
        bound = self.signature.bind(None, *args, **kwargs).arguments
        bound.pop("self")
        return bound

    def encode(self, arguments: Mapping[str, Any], blobs: list[bytes]) -> dict[str, Any]:
        """The arguments that are values, as JSON; a callback is sent as true."""
        sent: dict[str, Any] = {}
        for name, value in arguments.items():
            if name in self.values:
                sent[name] = self.values[name].encode(value, blobs)
            elif value is not None:
                sent[name] = True
        return sent

    def decode(
        self, sent: Mapping[str, Any], blobs: list[bytes], callback: Callable[[str], Callback]
    ) -> dict[str, Any]:
        """The arguments again; `callback(name)` makes each callback. Raises MalformedError."""
        arguments: dict[str, Any] = {}
        for name, value in sent.items():
            if name in self.values:
                arguments[name] = self.values[name].decode(value, blobs)
            elif name in self.callbacks:
                arguments[name] = callback(name)
            else:
                raise MalformedError(f"{self.name} has no argument {name!r:.80}")
        try:
            self.bind((), arguments)
        except TypeError as e:
            raise MalformedError(f"{self.name}: {e}") from None
        return arguments

    @property
    def shape(self) -> str:
        """The signature in words, down to the fields of its types."""
        values = ", ".join(f"{name}: {each.shape}" for name, each in self.values.items())
        callbacks = ", ".join(f"{name}: {each.shape}" for name, each in self.callbacks.items())
        result = "listens" if self.result is None else self.result.shape
        return f"{self.name}({values}; {callbacks}) -> {result}"


def methods_of(api: type) -> dict[str, Method]:
    """Every public method of a protocol; TypeError for one that cannot be carried."""
    found = {}
    for name, function in vars(api).items():
        if name.startswith("_") or name in OWN:
            continue
        if not inspect.isfunction(function):
            raise TypeError(f"{api.__name__}.{name} is no method: it cannot be carried")
        found[name] = _method(name, function)
    return found


def _method(name: str, function: Any) -> Method:
    signature = inspect.signature(function)
    hints = typing.get_type_hints(function, include_extras=True)
    values, callbacks = {}, {}
    for parameter in [p for p in signature.parameters.values() if p.name != "self"]:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{name}: {parameter} is not given by name: it cannot be carried")
        given = _called_with(hints[parameter.name])
        if given is None:
            values[parameter.name] = codec(hints[parameter.name])
        else:
            callbacks[parameter.name] = codec(given)
    if inspect.iscoroutinefunction(function):
        return Method(name, signature, values, callbacks, codec(hints["return"]))
    if hints["return"] != Callable[[], None] or len(callbacks) != 1:
        raise TypeError(f"{name} neither is async nor listens: it cannot be carried")
    return Method(name, signature, values, callbacks, None)


def _called_with(hint: Any) -> Any:
    """The type of a callback's one argument; None for what is no callback."""
    for member in (hint, *typing.get_args(hint)):
        arguments = typing.get_args(member)
        if len(arguments) == 2 and isinstance(arguments[0], list):  # of Callable[[X], Y] only
            if len(arguments[0]) != 1 or arguments[1] != Awaitable[None]:
                raise TypeError(f"{member!r} is not Callable[[Value], Awaitable[None]]")
            return arguments[0][0]
    return None


METHODS = methods_of(EngineApi)

_DIGEST = hashlib.sha256("\n".join(m.shape for m in METHODS.values()).encode()).hexdigest()
BUILD = f"{__version__} ({_DIGEST[:8]})"
"""Version and digest of all signatures and types: two processes talk only if it is equal."""
