"""Asking all model workers at once what they run, and comparing what they say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from omni_core.encoders.remote.client import ModelServerClient
from omni_core.encoders.remote.member import Description, ask
from omni_core.encoders.remote.offer import ReadingOffer
from omni_core.encoders.remote.refusals import FOR_GOOD
from omni_core.errors import BadRequestError, OmniError, UnavailableError
from omni_core.settings import Settings

MAX_WORKERS = 64


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker as it answers now, for people."""

    name: str
    """Host and port."""
    state: str
    """up, down, or refused where it runs other models than the first one that answers."""
    why: str = ""
    model: str = ""
    """What embeds; empty where it is down."""
    offer: ReadingOffer | None = None
    """What hears and reads; None where nothing does."""


def clients_of(settings: Settings) -> list[ModelServerClient]:
    """A client for each address in `Settings.encoder_url`, which sends a request once. Raises
    BadRequestError for too many, for a wrong address, and for a CA file that cannot be read."""
    token, ca = settings.encoder_token, settings.encoder_ca
    return [ModelServerClient(url, token, ca=ca, attempts=1) for url in _addresses(settings)]


def _addresses(settings: Settings) -> list[str]:
    found = [url.strip().rstrip("/") for url in settings.encoder_url.split(",")]
    urls = list(dict.fromkeys(url for url in found if url))
    if len(urls) > MAX_WORKERS:
        raise BadRequestError(
            f"encoder_url names {len(urls)} workers; the most are {MAX_WORKERS}: put a balancer "
            "before them"
        )
    return urls


def look(settings: Settings) -> list[WorkerState]:
    """Every worker of these settings, asked once. Raises what `clients_of` raises."""
    clients = clients_of(settings)
    answers = ask_each(clients)
    for client in clients:
        client.close()
    found: list[WorkerState] = []
    up: list[tuple[str, Description]] = []
    for client, answer in zip(clients, answers, strict=True):
        if not isinstance(answer, Description):
            found.append(WorkerState(client.name, "down", str(answer)))
            continue
        why = difference(client.name, answer, up)
        if not why:
            up.append((client.name, answer))
        state = "refused" if why else "up"
        found.append(WorkerState(client.name, state, why, answer.info.name, answer.reading))
    return found


def may_change(answer: Description | OmniError) -> bool:
    """Whether the same question may soon be answered otherwise."""
    return isinstance(answer, UnavailableError) and answer.code not in FOR_GOOD


def ask_each(clients: Sequence[ModelServerClient]) -> list[Description | OmniError]:
    """What each worker runs, or why it does not say; all are asked at the same time."""

    def one(client: ModelServerClient) -> Description | OmniError:
        try:
            return ask(client)
        except OmniError as e:
            return e

    with ThreadPoolExecutor(max(1, min(16, len(clients)))) as threads:
        return list(threads.map(one, clients))


def difference(name: str, its: Description, others: Iterable[tuple[str, Description]]) -> str:
    """What a worker runs differently from others (name, description), in one line; "" where it
    runs the same."""
    for other, theirs in others:
        if its.info.fingerprint != theirs.info.fingerprint:
            return (
                f"{other} runs {theirs.info.fingerprint}, {name} runs {its.info.fingerprint}: "
                "start all with the same --encoder and settings"
            )
        if its.reading and theirs.reading and not its.reading.reads_as(theirs.reading):
            return (
                f"{other} reads {theirs.reading}, {name} reads {its.reading}: start all with the "
                "same omni-mcp and settings"
            )
    return ""
