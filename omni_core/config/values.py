"""One check for every value of a settings class; what a field accepts is its annotation.

A field is a bool, an int, a float, a str, a Literal of strs, or a tuple of strs. Its annotation
may carry bounds and predicates of `annotated_types`, a `doc` that says what is expected, and a
`Split`. A field with `repr=False` is a secret: no message holds its value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import DocInfo, Interval

from omni_core.errors import BadRequestError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import TypeAdapter

SHOWN = 80
"""Characters of a refused value that a message repeats."""

PASSWORD = re.compile(r"//[^/@\s]+@")
"""User and password in an address."""


@dataclass(frozen=True, slots=True)
class Split:
    """One text stands for several items of a list, parted by `by`."""

    by: str


class Field:
    """A field of a settings class: reads one value, or says what it expects."""

    def __init__(self, name: str, hint: Any, *, secret: bool) -> None:
        self.name, self.secret = name, secret
        self._hint = hint
        self._plain, *self._extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        self._kind: Any = get_origin(self._plain) or self._plain

    @property
    def is_list(self) -> bool:
        """Whether the value is a tuple of texts."""
        return self._kind is tuple

    @cached_property
    def separator(self) -> str:
        """What parts the items of a list that is written as one text; empty: nothing does."""
        return next((e.by for e in self._extras if isinstance(e, Split)), "")

    @cached_property
    def expects(self) -> str:
        """What a value must be, in words that follow "expected"."""
        docs = [e.documentation for e in self._extras if isinstance(e, DocInfo)]
        if docs:
            return docs[-1]
        if self._kind is Literal:
            *most, last = get_args(self._plain)
            return f"{', '.join(most)} or {last}"
        nouns = {bool: "true or false", int: "a whole number", float: "a number"}
        bounds = next((e for e in self._extras if isinstance(e, Interval)), Interval())
        return nouns.get(self._kind, "one line of text") + _range(bounds)

    def read(self, value: object) -> Any:
        """The value as the field's type; raises ValueError when it cannot have been meant."""
        return self._adapter.validate_python(self._as_meant(value))

    def shown(self, value: object) -> str:
        """A value for a message: on one line, cut, and nothing of a secret."""
        if self.secret:
            return f"{_kind(value)} (not shown, as it is a secret)"
        if isinstance(value, Mapping):
            return _kind(value)
        text = str(value).lower() if isinstance(value, bool) else repr(value)
        text = PASSWORD.sub("//...@", text)
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        # Imported when a value must be checked: 55 ms that child processes, which receive
        # checked settings by pickle, do not pay.
        from pydantic import ConfigDict, TypeAdapter

        return TypeAdapter(self._hint, config=ConfigDict(allow_inf_nan=False))

    def _as_meant(self, value: object) -> object:
        """Narrow what pydantic would take too readily: True for 1, 1 for True, bytes for text."""
        if self.is_list:
            return self._items(value)
        if self._kind is bool and not isinstance(value, (bool, str)):
            raise ValueError("not a bool")
        if self._kind in (int, float) and isinstance(value, bool):
            raise ValueError("a bool")
        if self._kind in (bool, int, float):
            return value.strip() if isinstance(value, str) else value
        return _text(value)

    def _items(self, value: object) -> object:
        if isinstance(value, (str, os.PathLike)):
            text = _text(value)
            return _parts(text, self.separator) if self.separator else (text,)
        if isinstance(value, (list, tuple)):
            return tuple(map(_text, value))
        raise ValueError("not a list")


class Checker:
    """The fields of a settings class, and the check that values of any origin must pass."""

    def __init__(self, of: type[DataclassInstance]) -> None:
        hints = get_type_hints(of, include_extras=True)
        self.fields = {f.name: Field(f.name, hints[f.name], secret=not f.repr) for f in fields(of)}

    def check(self, values: Mapping[str, object], where: Callable[[str], str]) -> dict[str, Any]:
        """The values as the types of their fields; `where(key)` says where one was written.

        Raises BadRequestError for the first value that is refused: one line that names the place,
        the key, the value (never that of a secret) and what is expected.
        """
        checked: dict[str, Any] = {}
        for name, value in values.items():
            if name not in self.fields:
                raise BadRequestError(f"{where(name)}: {self._unknown(name, value)}")
            field = self.fields[name]
            try:
                checked[name] = field.read(value)
            except ValueError:  # pydantic's own error is one; it would repeat a secret
                raise BadRequestError(
                    f"{where(name)}: {name} is {field.shown(value)}, expected {field.expects}"
                ) from None
        return checked

    def _unknown(self, name: str, value: object) -> str:
        line = f"unknown setting {name!r}; known: {', '.join(sorted(self.fields))}"
        if near := nearest(name, self.fields):
            line += f"; did you mean {near}?"
        elif isinstance(value, Mapping):
            line += "; settings stand at the top of the file, outside any [table]"
        return line


def nearest(name: str, known: Collection[str]) -> str:
    """The known name that `name` is most likely a misspelling of, or nothing."""
    import difflib  # only for a message

    plain = name.lower().replace("-", "_")
    by_lower = {k.lower(): k for k in known}
    found = difflib.get_close_matches(plain, by_lower, n=1, cutoff=0.75)
    return by_lower[found[0]] if found else ""


def split(text: str, separator: str) -> tuple[str, ...]:
    """The parts of a text, stripped; empty ones are dropped."""
    return tuple(p.strip() for p in text.split(separator) if p.strip())


def _parts(text: str, separator: str) -> tuple[str, ...]:
    found = split(text, separator)
    if not found:
        raise ValueError("empty")
    return found


def _text(value: object) -> str:
    """A str or a path, on one line: a line break in a token or a path is a slip of a tool."""
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str) or any(c < " " or c == "\x7f" for c in text):
        raise ValueError("not one line of text")
    return text


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    return "text with a control character" if isinstance(value, str) else type(value).__name__


def _range(bounds: Interval) -> str:
    low, high = bounds.ge, bounds.le
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f", {low} or more"
    return f" above {bounds.gt}" if bounds.gt is not None else ""
