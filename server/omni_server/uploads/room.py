"""How much uploads may hold: one file, all together, and what the disk has left."""

from __future__ import annotations

from dataclasses import dataclass

from omni_core.errors import StoreError, TooLargeError

SPARE = 256 << 20
"""Bytes of the disk that uploads leave free, for the library itself."""


@dataclass(frozen=True, slots=True)
class Room:
    """Limits in bytes."""

    one: int
    """Of one file."""
    all: int
    """Of all uploads together; 0: none are taken."""

    def check(self, size: int, used: int, free: int) -> None:
        """Raise when a file of `size` (-1: unknown) does not fit beside `used` bytes of uploads
        and `free` bytes of the disk: TooLargeError (TOO_LARGE, UPLOADS_FULL, NO_UPLOADS),
        StoreError (DISK_FULL)."""
        if size > self.one:
            raise self.too_large()
        if used + max(size, 1) > self.all:
            raise self.full()
        if max(size, 1) + SPARE > free:
            raise StoreError(
                f"the server's disk has {free >> 20:,} MB left, too few for this file: free some "
                "space there",
                code="DISK_FULL",
            )

    def too_large(self) -> TooLargeError:
        """The error of a file that is too large."""
        return TooLargeError(f"an upload may have {self.one >> 20:,} MB (max_file_mb)")

    def full(self) -> TooLargeError:
        """The error of a file that does not fit beside the others."""
        if not self.all:
            why = "this server takes no uploads (uploads_mb is 0)"
            return TooLargeError(why, code="NO_UPLOADS")
        return TooLargeError(
            f"all uploads together may have {self.all >> 20:,} MB (uploads_mb): "
            "remove some, with DELETE /uploads/ID",
            code="UPLOADS_FULL",
        )
