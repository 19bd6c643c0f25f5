"""A model hub: which files a repository has at a commit, their digests and their addresses.

It is asked over plain HTTPS, so that nothing needs to be installed for it. The variables of
huggingface_hub hold here too: HF_ENDPOINT, HF_TOKEN (or the file that `hf auth login` writes),
HF_HUB_OFFLINE.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from omni_core.downloads.pins import Pin
from omni_core.downloads.transfer import Source, Transfer, show
from omni_core.errors import UnavailableError

HOME = "https://huggingface.co"
_TRUE = ("1", "ON", "YES", "TRUE")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository at one commit."""

    commit: str
    """40 hexadecimal digits."""
    files: tuple[Pin, ...]

    def select(self, patterns: Sequence[str]) -> tuple[Pin, ...]:
        """The files that match one of the patterns (`*` also matches `/`)."""
        return tuple(f for f in self.files if any(fnmatch.fnmatchcase(f.path, p) for p in patterns))


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hub is, and who asks."""

    endpoint: str = HOME
    token: str = field(default="", repr=False)
    offline: bool = False
    """Whether the user forbids to ask it (HF_HUB_OFFLINE)."""
    cache: Path | None = None
    """Where huggingface_hub keeps what it has downloaded."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Hub:
        """The hub that the environment names."""
        offline = environ.get("HF_HUB_OFFLINE") or environ.get("TRANSFORMERS_OFFLINE") or ""
        endpoint = environ.get("HF_ENDPOINT", "").rstrip("/") or HOME
        cache = environ.get("HF_HUB_CACHE") or f"{_home(environ)}/hub"
        return cls(
            endpoint, _token(environ), offline.upper() in _TRUE, Path(os.path.expanduser(cache))
        )

    @property
    def headers(self) -> dict[str, str]:
        """Sent with each request; a redirect to another host gets them without the token."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def unreachable(self, timeout_s: float = 5.0) -> str:
        """Why the hub cannot be used now; empty when it answers."""
        if self.offline:
            return "HF_HUB_OFFLINE is set"
        try:
            answer = httpx2.head(self.endpoint, timeout=timeout_s, follow_redirects=True)
        except (httpx2.HTTPError, httpx2.InvalidURL) as e:
            return str(e) or type(e).__name__
        return f"it answers {answer.status_code}" if answer.status_code >= 500 else ""

    def source(self, repo: str, revision: str, path: str) -> Source:
        """Where the bytes of a file are."""
        self.check_allowed()
        url = f"{self.endpoint}/{quote(repo)}/resolve/{quote(revision, safe='')}/{quote(path)}"
        return Source(url, Refusal(repo, revision), self.headers)

    def cached(self, repo: str, revision: str, pin: Pin) -> Path | None:
        """The file as huggingface_hub has it already, by its size; its bytes are not read."""
        if self.cache is None:
            return None
        snapshot = self.cache / f"models--{repo.replace('/', '--')}" / "snapshots" / revision
        path = (snapshot / pin.path).resolve()
        return path if path.is_file() and path.stat().st_size == pin.size else None

    def listing(self, transfer: Transfer, repo: str, revision: str) -> Listing:
        """The repository's files with the digests that the hub publishes.

        Raises UnavailableError: forbidden, gated, absent, unreachable.
        """
        self.check_allowed()
        url = f"{self.endpoint}/api/models/{quote(repo)}/revision/{quote(revision, safe='')}"
        source = Source(f"{url}?blobs=true", Refusal(repo, revision), self.headers)
        answer = transfer.get(source)
        try:
            found: Any = answer.json()
            commit = str(found["sha"])
            files = tuple(_pin(f) for f in found["siblings"])
        except (ValueError, KeyError, TypeError) as e:
            raise UnavailableError(
                f"{show(url)} does not answer as a model hub does ({type(e).__name__}): check "
                "HF_ENDPOINT"
            ) from None
        if not _COMMIT.fullmatch(commit) or (_COMMIT.fullmatch(revision) and commit != revision):
            raise UnavailableError(
                f"{show(url)} answers for commit {commit[:40]!r} instead of {revision}"
            )
        return Listing(commit, files)

    def check_allowed(self) -> None:
        """Raise UnavailableError where the user forbids to ask the hub."""
        if self.offline:
            raise UnavailableError(
                "HF_HUB_OFFLINE is set, so nothing is downloaded from the hub: unset it, or copy "
                "the weights folder of a machine that has it (docs/setup.md)"
            )


class Refusal:
    """Turns a final answer about a repository into an error that says what to do."""

    def __init__(self, repo: str, revision: str) -> None:
        self._repo, self._revision = repo, revision

    def __call__(self, answer: httpx2.Response, url: str) -> UnavailableError:
        """By the hub's own code where it gives one, else by the status."""
        code, status = answer.headers.get("X-Error-Code", ""), answer.status_code
        if code == "GatedRepo" or (status == 403 and not code):
            return UnavailableError(
                f"{self._repo} is gated: accept its terms at {HOME}/{self._repo}, then set "
                "HF_TOKEN or run `hf auth login`"
            )
        if code == "RevisionNotFound":
            return UnavailableError(f"the hub has no revision {self._revision} of {self._repo}")
        if code == "EntryNotFound":
            return UnavailableError(f"the hub has no {url}")
        if status in (401, 403, 404):
            return UnavailableError(
                f"the hub has no model {self._repo!r}, or it is private: set HF_TOKEN to a token "
                "that may read it"
            )
        return UnavailableError(f"{url} answers {status}; try again later")


def _pin(sibling: Mapping[str, Any]) -> Pin:
    lfs = sibling.get("lfs")
    if lfs:
        return Pin(sibling["rfilename"], int(lfs["size"]), sha256=str(lfs["sha256"]))
    return Pin(sibling["rfilename"], int(sibling["size"]), blob=str(sibling["blobId"]))


def _token(environ: Mapping[str, str]) -> str:
    """HF_TOKEN, else the token that `hf auth login` has stored."""
    given = environ.get("HF_TOKEN") or environ.get("HUGGING_FACE_HUB_TOKEN") or ""
    if given.strip():
        return given.strip()
    stored = environ.get("HF_TOKEN_PATH") or f"{_home(environ)}/token"
    path = Path(os.path.expanduser(stored))
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _home(environ: Mapping[str, str]) -> str:
    """Where huggingface_hub keeps its files."""
    cache = environ.get("XDG_CACHE_HOME") or "~/.cache"
    return environ.get("HF_HOME") or f"{cache}/huggingface"
