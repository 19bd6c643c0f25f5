"""Everything that can go wrong, as one tree. Each message says what happened and what to do.

OmniError                 .code names the case for machines: PATH_NOT_ALLOWED, CORRUPT_MEDIA ...
├── RefusedError          the caller asked for something it may not have
├── NotFoundError         no such file, source, segment, page or second
├── BadRequestError       an argument cannot be understood
│   └── AmbiguousError    several sources have the name; .choices lists them
├── UnreadableError       the file is broken, encrypted, or of no known kind
├── TooLargeError         a limit in Settings was passed
├── UnavailableError      a model, an extra wheel or a worker is missing or still loading
├── StoppedError          another caller cancelled work that this one was waiting for
└── StoreError            the index or the catalog cannot be opened or written
    ├── FullDiskError     there is too little room; what is stored is sound
    └── NotIndexedError   a collection lacks indexes of payloads; .lacks names the keys

`pack` and `unpack` carry an error across a process or a network with its class and its code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass


class OmniError(Exception):
    """Base of every error this package raises on purpose. One line, safe to show a model."""

    code = "ERROR"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        """`message` says what happened and what to do; `code` replaces the class's default code."""
        super().__init__(message)
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with class, message and code."""
        return _rebuild, (type(self), str(self), self.code)


def _rebuild(kind: type[OmniError], message: str, code: str) -> OmniError:
    return kind(message, code=code)


class RefusedError(OmniError):
    """PATH_NOT_ALLOWED, URL_DISABLED, URL_BLOCKED, NO_ROOTS, FORBIDDEN."""

    code = "PATH_NOT_ALLOWED"


class NotFoundError(OmniError):
    """NOT_FOUND, UNKNOWN_SOURCE, UNKNOWN_REF, UNKNOWN_COLLECTION, SOURCE_MISSING, OUT_OF_RANGE."""

    code = "NOT_FOUND"


class BadRequestError(OmniError):
    """BAD_ARGUMENT, BAD_WHEN, BAD_CURSOR, AMBIGUOUS_SOURCE, NO_VISUAL, EMPTY_INDEX, NOT_READY."""

    code = "BAD_ARGUMENT"


@dataclass(frozen=True, slots=True)
class Choice:
    """One source that an ambiguous name may mean."""

    ref: str
    """What to write instead of the name: `src_...`, with the span that was asked for."""
    title: str
    """Text from a file: show it as a quotation."""
    facts: str
    """What tells it from the others: `video, 48:10, 2026-11-17 (container), default`."""


class AmbiguousError(BadRequestError):
    """AMBIGUOUS_SOURCE. The message holds no titles, which are text from files; `choices` do."""

    code = "AMBIGUOUS_SOURCE"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        given: str = "",
        choices: Sequence[Choice] = (),
    ) -> None:
        """`given` is the argument as the caller wrote it."""
        super().__init__(message, code=code)
        self.given = given
        self.choices = tuple(choices)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the choices."""
        return _rebuild_ambiguous, (str(self), self.code, self.given, self.choices)


def _rebuild_ambiguous(
    message: str, code: str, given: str, choices: Sequence[Choice]
) -> AmbiguousError:
    return AmbiguousError(message, code=code, given=given, choices=choices)


class UnreadableError(OmniError):
    """CORRUPT_MEDIA, UNSUPPORTED_TYPE, ENCRYPTED, SOURCE_CHANGED."""

    code = "CORRUPT_MEDIA"


class TooLargeError(OmniError):
    """TOO_LARGE (bytes, pixels, pages), TOO_LONG (seconds of media or of decoding)."""

    code = "TOO_LARGE"


class UnavailableError(OmniError):
    """MODEL_UNAVAILABLE, WORKERS_UNREACHABLE, MODEL_MISMATCH (of model workers), TOKEN_REFUSED,
    NO_WORKER, MISSING_EXTRA, WORKER_DIED, BUSY."""

    code = "MODEL_UNAVAILABLE"


class StoppedError(OmniError):
    """CANCELLED. Not `asyncio.CancelledError`, which means that the caller itself is cancelled."""

    code = "CANCELLED"


class StoreError(OmniError):
    """STORE_BUSY, STORE_FAILED, MODEL_MISMATCH, FOREIGN_COLLECTION, INDEX_UNREACHABLE,
    KEY_REFUSED, READ_ONLY, BUSY, LEASE_LOST, CATALOG_MOVED, CATALOG_UNREACHABLE,
    CATALOG_READ_ONLY, CATALOG_POOLED, NO_LIBRARY, NOT_INDEXED."""

    code = "STORE_FAILED"


class FullDiskError(StoreError):
    """STORE_FAILED. There is too little room; what is stored is sound."""


class NotIndexedError(StoreError):
    """NOT_INDEXED. The collection lacks indexes of the payload keys `lacks`, and nothing may be
    written."""

    code = "NOT_INDEXED"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        collection: str = "",
        lacks: Sequence[str] = (),
    ) -> None:
        """`collection` is the name that Qdrant has for it."""
        super().__init__(message, code=code)
        self.collection = collection
        self.lacks = tuple(lacks)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the keys."""
        return _rebuild_not_indexed, (str(self), self.code, self.collection, self.lacks)


def _rebuild_not_indexed(
    message: str, code: str, collection: str, lacks: Sequence[str]
) -> NotIndexedError:
    return NotIndexedError(message, code=code, collection=collection, lacks=lacks)


WORKERS_UNREACHABLE = "WORKERS_UNREACHABLE"
"""Code of an UnavailableError: no model worker took a call for as long as it was waited for."""
_NO_WORKERS = (WORKERS_UNREACHABLE, "MODEL_MISMATCH", "TOKEN_REFUSED", "NO_WORKER")


def without_workers(error: BaseException | None) -> bool:
    """Whether it says that no model worker serves, for one reason or another: every further call
    would fail likewise, until one does."""
    return isinstance(error, UnavailableError) and error.code in _NO_WORKERS


_CAUSES = {
    "STORE_BUSY": "another process holds the store",
    "MODEL_MISMATCH": "the library was filled with another model",
    "CATALOG_MOVED": "the library has left this catalog for another one",
    "CATALOG_UNREACHABLE": "PostgreSQL gives no answer",
    "CATALOG_READ_ONLY": "PostgreSQL takes no writes",
    "CATALOG_POOLED": "a pooler before PostgreSQL shares its connections between transactions",
    "NO_LIBRARY": (
        "there is no library there yet, and this server may only read: it is ready as soon as one "
        "that may write has ingested something"
    ),
    "NOT_INDEXED": "the Qdrant collection lacks indexes, and nothing may be written",
    "FOREIGN_COLLECTION": "the Qdrant collection belongs to another library",
    "INDEX_UNREACHABLE": "Qdrant gives no answer",
    "KEY_REFUSED": "Qdrant refused the API key",
    "READ_ONLY": "the key for Qdrant may only read, and something must be written first",
    "MISSING_EXTRA": "a package is not installed",
    WORKERS_UNREACHABLE: "no model worker answers",
    "TOKEN_REFUSED": "the model workers refused the token",
    "NO_WORKER": "what is at the address of the model workers is none",
}


def cause(error: OmniError) -> str:
    """The code with a few words, for whoever may not see the message: no path, address or title."""
    words = _CAUSES.get(error.code)
    return f"{error.code} ({words})" if words else error.code


_TREE: dict[str, type[OmniError]] = {
    kind.__name__: kind
    for kind in (
        OmniError, RefusedError, NotFoundError, BadRequestError, AmbiguousError, UnreadableError,
        TooLargeError, UnavailableError, StoppedError, StoreError, FullDiskError,
        NotIndexedError,
    )
}  # fmt: skip


def pack(error: OmniError) -> dict[str, object]:
    """The error as JSON values: the name of its class, its code, its message and its fields.

    A subclass defined elsewhere (in a plug-in, or `WorkerDied`) is sent as its nearest ancestor in
    this module, so that the receiver imports nothing.
    """
    kind = next(k for k in type(error).__mro__ if _TREE.get(k.__name__) is k)
    packed: dict[str, object] = {
        "kind": kind.__name__, "code": error.code, "error": str(error)
    }  # fmt: skip
    if isinstance(error, AmbiguousError):
        packed |= {"given": error.given, "choices": [asdict(c) for c in error.choices]}
    if isinstance(error, NotIndexedError):
        packed |= {"collection": error.collection, "lacks": list(error.lacks)}
    return packed


def unpack(data: Mapping[str, object]) -> OmniError:
    """The inverse of `pack`. An unknown or missing class becomes a plain OmniError."""
    kind = _TREE.get(str(data.get("kind")), OmniError)
    code = data.get("code")
    if kind is AmbiguousError:
        return AmbiguousError(
            str(data.get("error", "no message")),
            code=str(code) if code else None,
            given=str(data.get("given", "")),
            choices=_choices(data.get("choices")),
        )
    if kind is NotIndexedError:
        lacks = data.get("lacks")
        return NotIndexedError(
            str(data.get("error", "no message")),
            code=str(code) if code else None,
            collection=str(data.get("collection", "")),
            lacks=[str(key) for key in lacks] if isinstance(lacks, list) else (),
        )
    return kind(str(data.get("error", "no message")), code=str(code) if code else None)


def _choices(packed: object) -> list[Choice]:
    each: Iterable[object] = packed if isinstance(packed, list) else ()
    return [
        Choice(*(str(c.get(key, "")) for key in ("ref", "title", "facts")))
        for c in each
        if isinstance(c, Mapping)
    ]
