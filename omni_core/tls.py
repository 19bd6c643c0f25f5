"""What a failed connection says of TLS."""

from __future__ import annotations

import ssl


def refusal_in(error: BaseException) -> ssl.SSLError | None:
    """The refusal of a certificate, or of TLS itself, that an error came from."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    return cause
