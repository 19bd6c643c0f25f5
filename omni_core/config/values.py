"""The check of every value of a settings class, against the annotation of its field.

A field is a bool, an int, a float, a str, a Literal of strs, or a tuple of strs. `Annotated` adds
`Bounds` to a number, `Rule` to a text and `ListOf` to a tuple. A field with `repr=False` is a
secret: no message holds its value.

Not by pydantic, for a measured reason: `load()` in a fresh process took 150 ms of CPU with it, 54
without. And as no bool may pass as a number and every message names the source, it would only
replace the parsing of numbers.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeGuard,
    get_args,
    get_origin,
    get_type_hints,
)

from omni_core.errors import BadRequestError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TRUTH_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
MAX_SHOWN = 80
"""Characters of a refused value that a message shows, at most."""
URL_CREDENTIALS = re.compile(r"//[^/@\s]+@")
"""User and password in a URL."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A number is at least `low` (or above it, with `open`) and at most `high`."""

    low: float
    high: float = math.inf
    open: bool = False

    def hold(self, number: float) -> bool:
        """Whether the number lies within."""
        return (self.low < number or (not self.open and self.low == number)) and number <= self.high

    def __str__(self) -> str:
        if self.open:
            return f" above {self.low:g}"
        return (
            f", {self.low} or more" if self.high == math.inf else f" from {self.low} to {self.high}"
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A text for which `accepts` is true; `description` names it in messages."""

    accepts: Callable[[str], object]
    description: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """The name of a list in messages, and the separator of its items in a single text."""

    description: str
    separator: str = ""


class Field:
    """A field of a settings class: checks and converts a value, or describes what it expects."""

    def __init__(self, hint: Any, *, secret: bool = False) -> None:
        self._plain, *extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        self._kind: Any = get_origin(self._plain) or self._plain
        self._bounds = next((e for e in extras if isinstance(e, Bounds)), None)
        self._rule = next((e for e in extras if isinstance(e, Rule)), None)
        self._list = next((e for e in extras if isinstance(e, ListOf)), ListOf("a list of texts"))
        self._secret = secret

    @property
    def is_list(self) -> bool:
        """Whether the value is a tuple of texts."""
        return self._kind is tuple

    @property
    def separator(self) -> str:
        """The separator of a list's items in a single text; empty: such a text is one item."""
        return self._list.separator

    @cached_property
    def expects(self) -> str:
        """What a value must be, to follow "expected" in a message."""
        if self._kind is tuple:
            return self._list.description
        if self._kind is Literal:
            *most, last = get_args(self._plain)
            return f"{', '.join(most)} or {last}"
        if self._kind is bool:
            return "true or false"
        if self._kind in (int, float):
            return f"{'a whole number' if self._kind is int else 'a number'}{self._bounds or ''}"
        return self._rule.description if self._rule else "one line of text"

    def read(self, value: object) -> Any:
        """The value converted to the field's type; ValueError when it is not valid."""
        if self._kind is tuple:
            item = Field(get_args(self._plain)[0])
            return tuple(item.read(v) for v in _items(value, self.separator))
        if self._kind is bool:
            return _truth(value)
        if self._kind in (int, float):
            number = _whole(value) if self._kind is int else _number(value)
            if self._bounds and not self._bounds.hold(number):
                raise ValueError("out of bounds")
            return number
        text = _text(value)
        if self._kind is Literal and text not in get_args(self._plain):
            raise ValueError("no choice")
        if self._rule and not self._rule.accepts(text):
            raise ValueError("breaks the rule")
        return text

    def shown(self, value: object) -> str:
        """A value for a message: one line, shortened; a secret only by its type."""
        if self._secret:
            return f"{_kind(value)} (not shown, as it is a secret)"
        if isinstance(value, Mapping):
            return _kind(value)
        text = str(value).lower() if isinstance(value, bool) else repr(value)
        text = URL_CREDENTIALS.sub("//...@", text)
        return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


class Checker:
    """The fields of a settings class, and the check of values from any source."""

    def __init__(self, settings_class: type[DataclassInstance]) -> None:
        hints = get_type_hints(settings_class, include_extras=True)
        self.fields = {
            f.name: Field(hints[f.name], secret=not f.repr) for f in fields(settings_class)
        }

    def check(self, values: Mapping[str, object], where: Callable[[str], str]) -> dict[str, Any]:
        """The values, converted to the types of their fields; `where(key)` is the place of one.

        Raises BadRequestError for the first invalid value: one line with the place, the key, the
        value (never that of a secret) and what is expected.
        """
        checked: dict[str, Any] = {}
        for name, value in values.items():
            if name not in self.fields:
                raise BadRequestError(f"{where(name)}: {self._unknown(name, value)}")
            field = self.fields[name]
            try:
                checked[name] = field.read(value)
            except (
                ValueError,
                OverflowError,
            ):  # not chained: int() quotes the text, which may be a secret
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
    """The known name that `name` most likely misspells; empty when none is close."""
    import difflib  # only for a message

    plain = name.lower().replace("-", "_")
    by_lower = {k.lower(): k for k in known}
    found = difflib.get_close_matches(plain, by_lower, n=1, cutoff=0.75)
    return by_lower[found[0]] if found else ""


def split(text: str, separator: str) -> tuple[str, ...]:
    """The parts of a text, stripped; empty ones are dropped."""
    return tuple(p.strip() for p in text.split(separator) if p.strip())


def _items(value: object, separator: str) -> tuple[object, ...]:
    """The items of a list; a single text is split if there is a separator, else one item."""
    if isinstance(value, (list, tuple)):
        return tuple(value)
    text = _text(value)
    return (separator and split(text, separator)) or (text,)


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in TRUTH_WORDS:
        return TRUTH_WORDS[value.strip().lower()]
    raise ValueError("neither true nor false")  # the numbers 1 and 0 may belong to another setting


def _whole(value: object) -> int:
    """An int, a float without a fraction, or one of them as text."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            value = float(value)
    if _is_number(value) and value == int(value):
        return int(value)
    raise ValueError("not a whole number")


def _number(value: object) -> float:
    number = float(value) if isinstance(value, str) or _is_number(value) else math.nan
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: object) -> str:
    """A str or a path, on one line, that is empty or not blank: a line break in a token or a path
    is an error of a tool, and so are spaces where an address should be."""
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str) or _has_control(text) or text.isspace():
        raise ValueError("not one line of text")
    return text


def _has_control(text: str) -> bool:
    return any(c < " " or c == "\x7f" for c in text)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text with a control character" if _has_control(value) else "another text"
    return type(value).__name__
