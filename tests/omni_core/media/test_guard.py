"""A shortage of memory is told as one, not as damage."""

from __future__ import annotations

import errno

import av.error
import pymupdf
import pytest

from omni_core.engine.decoder_death import decoder_error
from omni_core.errors import OmniError, TooLargeError, UnavailableError, UnreadableError
from omni_core.media.guard import guarded
from omni_core.worker import WorkerDied


def caused(by: BaseException) -> Exception:
    error = ValueError("a page cannot be made")
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        pymupdf.mupdf.FzErrorSystem("malloc of 2147483648 bytes failed"),
        av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("std::bad_alloc"),
        caused(MemoryError()),
    ],
    ids=lambda e: type(e).__name__,
)
def test_what_libraries_raise_without_memory_asks_for_more_of_it(error: Exception) -> None:
    with pytest.raises(TooLargeError, match="more memory than") as e, guarded("/a/film.mp4"):
        raise error
    assert (e.value.code, "damaged" in str(e.value)) == ("TOO_LARGE", False)


@pytest.mark.parametrize(
    "error", [ValueError("bad"), OSError(errno.EIO, "input"), pymupdf.mupdf.FzErrorFormat("x")]
)
def test_anything_else_is_damage(error: Exception) -> None:
    with pytest.raises(UnreadableError, match="damaged"), guarded("/a/film.mp4"):
        raise error


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("killed", UnavailableError), ("deadline", TooLargeError), ("crashed", UnreadableError)],
)
def test_a_decoder_that_was_killed_is_no_proof_of_damage(
    reason: str, kind: type[OmniError]
) -> None:
    error = decoder_error(WorkerDied("the decoder died", reason=reason))  # type: ignore[arg-type]
    assert isinstance(error, kind)
    assert ("damaged" in str(error)) == (reason != "killed")
