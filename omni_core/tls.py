"""TLS with other servers: whose certificates are trusted, and what a failed connection says."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from omni_core.errors import BadRequestError


def certificates(path: str, setting: str) -> str:
    """The certificates (PEM) in the file that a setting names, with whatever stands around them.

    Raises BadRequestError, which names the setting, for a file that holds none.
    """
    try:
        text = Path(os.path.expanduser(path)).read_text(encoding="ascii", errors="ignore")
        trusting(text)
    except (OSError, ValueError, ssl.SSLError) as e:
        raise BadRequestError(
            f"{setting}: {path} holds no certificates in PEM form ({type(e).__name__})"
        ) from e
    return text


def trusting(text: str) -> ssl.SSLContext:
    """What checks a server by these certificates, and by no others. Raises ValueError or SSLError
    where there are none."""
    if not text:  # for which those of the system would be loaded
        raise ValueError("no certificates")
    return ssl.create_default_context(cadata=text)


def refusal_in(error: BaseException) -> ssl.SSLError | None:
    """The refusal of a certificate, or of TLS itself, that an error came from."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    return cause
