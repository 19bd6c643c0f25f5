"""Why a collection cannot be used or written, in words."""

from __future__ import annotations

from collections.abc import Sequence

from omni_core.errors import NotIndexedError, StoreError
from omni_core.types import EncoderInfo


def of_another_model(alias: str, where: str, theirs: str, ours: str) -> StoreError:
    """The vectors are of the model `theirs`."""
    return StoreError(
        f"the library {alias!r} on {where} was indexed by another model ({theirs}), not by {ours}: "
        "start with that encoder, or run `omni-mcp reindex`",
        code="MODEL_MISMATCH",
    )


def of_another_size(name: str, where: str, dim: int, info: EncoderInfo) -> StoreError:
    """The vectors have `dim` numbers, and those of this encoder others."""
    return StoreError(
        f"the collection {name!r} on {where} holds vectors of {dim} numbers, {info.name} makes "
        f"{info.dim}: choose another name with OMNI_QDRANT_COLLECTION",
        code="MODEL_MISMATCH",
    )


def foreign(alias: str, where: str, holder: str) -> StoreError:
    """It belongs to the library with the id `holder`."""
    return StoreError(
        f"the collection {alias!r} on {where} belongs to another library ({holder[:8]}): to share "
        "that one, use its --catalog or its --store; for one of your own choose another name with "
        "OMNI_QDRANT_COLLECTION; where its catalog is lost, `omni-mcp doctor --adopt` makes it "
        "this one's",
        code="FOREIGN_COLLECTION",
    )


def not_ours(alias: str, where: str) -> StoreError:
    """A collection has the name that the alias of a library should have."""
    return StoreError(
        f"{where} has a collection named {alias!r} that is not ours; choose another name with "
        "OMNI_QDRANT_COLLECTION"
    )


def gone(alias: str, where: str) -> StoreError:
    """The library was there, and is not any more."""
    return StoreError(
        f"the library {alias!r} is gone from {where}: restart omni-mcp to make it anew, then "
        "ingest again"
    )


def none_yet(alias: str, where: str, why_not: str) -> StoreError:
    """The library would have to be made, which a setting forbids (`why_not`)."""
    return StoreError(
        f"there is no library {alias!r} on {where} yet, and this server may only read "
        f"({why_not}): ingest something once without that setting and with a key that may write, "
        "and this server uses it without a restart",
        code="NO_LIBRARY",
    )


def not_indexed(collection: str, lacks: Sequence[str], why_not: str) -> NotIndexedError:
    """The collection lacks indexes of these payload keys, and a setting forbids to make them."""
    return NotIndexedError(
        _only_reads(f"{collection} lacks indexes of {', '.join(lacks)}", why_not),
        collection=collection,
        lacks=lacks,
    )


def only_reads(why: str, why_not: str) -> StoreError:
    """Something would have to be written (`why`), which a setting forbids (`why_not`)."""
    return StoreError(_only_reads(why, why_not), code="READ_ONLY")


def _only_reads(why: str, why_not: str) -> str:
    return (
        f"{why}, and this server may only read ({why_not}): do it with a store that can be "
        "written, without that setting, and with a key that may write"
    )
