"""A small share of `bench/trust.py` addresses and kills."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bench import trust_addresses
from bench.hostile.rounds import HASHING, Rounds
from bench.several_library import make_folder

pytestmark = pytest.mark.timeout(400)


async def test_no_hostile_address_and_no_name_that_turns_is_connected_to(tmp_path: Path) -> None:
    addresses, turned = (trust_addresses.Links(str(tmp_path)) for _ in range(2))
    await trust_addresses._addresses(addresses)
    await trust_addresses._rebindings(turned)
    assert (addresses.inside, turned.inside) == ([], [])
    assert addresses.tried >= 157 and turned.tried == 60
    assert set(addresses.ends) <= {"URL_BLOCKED", "NOT_FOUND"}


async def test_dripping_links_are_cut_at_their_deadline(tmp_path: Path) -> None:
    cut, _ = await trust_addresses._drips(str(tmp_path), 5)
    assert cut == 5


async def test_a_kill_costs_nothing_that_was_said_to_be_done(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    await asyncio.to_thread(make_folder, tmp_path / "media", 2)
    rounds = Rounds(tmp_path / "media", tmp_path, HASHING, 1)
    seen = await rounds.kill(1)
    assert seen.kills == 1 and seen.is_clean, str(seen)
