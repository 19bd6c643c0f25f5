"""Classes whose methods of `EngineApi` are all alike: bind the arguments, pass them on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from omni_core.engine.api import EngineApi
from omni_core.sharing.methods import METHODS, Method

Kind = TypeVar("Kind", bound=type)


class Forwards(Protocol):
    """What such a class does with a call."""

    async def _call(self, method: Method, arguments: Mapping[str, Any]) -> Any:
        """The result of a method, of these arguments by name."""
        ...

    def _listen(self, method: Method, arguments: Mapping[str, Any]) -> Callable[[], None]:
        """Begin to listen; the function that ends it."""
        ...


def forwarding(kind: Kind) -> Kind:
    """Class decorator: every method of `EngineApi` that the class does not define itself goes to
    its `_call` or `_listen`."""
    for method in METHODS.values():
        if method.name not in vars(kind):
            setattr(kind, method.name, _listener(method) if method.listens else _caller(method))
    return kind


def _caller(method: Method) -> Callable[..., Any]:
    @functools.wraps(getattr(EngineApi, method.name))
    async def call(self: Forwards, *args: Any, **kwargs: Any) -> Any:
        return await self._call(method, method.bind(args, kwargs))

    return call


def _listener(method: Method) -> Callable[..., Any]:
    @functools.wraps(getattr(EngineApi, method.name))
    def listen(self: Forwards, *args: Any, **kwargs: Any) -> Callable[[], None]:
        return self._listen(method, method.bind(args, kwargs))

    return listen
