"""A migration of a catalog that is killed at any moment: the library is in one place, the other one
says where, and the same call ends the migration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from omni_core import Engine
from omni_core.engine import migrate
from omni_core.engine.moving import leaving, migrating
from omni_core.errors import BadRequestError, StoreError
from omni_core.settings import Settings

MOMENTS = [(leaving, "copy_catalog"), (leaving, "leave_for"), (migrating, "move_catalog")]
Opened = Callable[..., Any]


async def killed(
    monkeypatch: pytest.MonkeyPatch, moment: tuple[Any, str], settings: Settings, target: Settings
) -> None:
    """A migration that ends when what `moment` names is done and committed."""
    module, name = moment
    real = getattr(module, name)

    def then_killed(*given: Any) -> None:
        real(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, name, then_killed)
        with pytest.raises(KeyboardInterrupt):
            await migrate(settings, target, leave=True)


async def usable(*places: Settings) -> list[Settings]:
    """Of these, where the library can be opened; the others say where it is."""
    found = []
    for place in places:
        try:
            async with await Engine.open(place) as engine:
                assert len((await engine.sources()).sources) == 4
            found.append(place)
        except StoreError as e:
            assert e.code == "CATALOG_MOVED"
            assert "the same command ends it" in str(e)
    return found


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment[1])
async def test_a_migration_that_was_killed_is_ended_by_the_same_call_either_way(
    filled: Settings, there: Settings, postgres: str, monkeypatch: pytest.MonkeyPatch,
    moment: tuple[Any, str],
) -> None:  # fmt: skip
    shared = replace(there, catalog=postgres, catalog_schema=f"killed_{moment[1]}")
    for here, target in ((filled, shared), (shared, filled)):
        await killed(monkeypatch, moment, here, target)
        assert len(await usable(here, target)) <= 1

        done = await migrate(here, target, leave=True)

        assert (done.sources_done, done.stage) == (4, "done")
        assert await usable(here, target) == [target]
        again = await migrate(here, target, leave=True)
        assert again.already


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment[1])
async def test_it_is_ended_by_another_address_of_the_same_database_too(
    filled: Settings, there: Settings, postgres: str, monkeypatch: pytest.MonkeyPatch,
    moment: tuple[Any, str],
) -> None:  # fmt: skip
    url = postgres.replace("127.0.0.1", "localhost")
    shared = replace(there, catalog=postgres, catalog_schema=f"address_{moment[1]}")
    same = replace(shared, catalog=url)
    await killed(monkeypatch, moment, filled, shared)
    await migrate(filled, same, leave=True)
    await killed(monkeypatch, moment, shared, filled)
    await migrate(same, filled, leave=True)
    assert await usable(filled, shared) == [filled]


async def test_a_call_that_names_another_place_than_the_killed_one_is_refused(
    filled: Settings, there: Settings, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = replace(there, catalog=postgres, catalog_schema="named")
    await killed(monkeypatch, MOMENTS[1], filled, shared)
    for other in (
        replace(shared, qdrant_collection="other"),
        replace(shared, catalog_schema="other"),
    ):
        with pytest.raises(StoreError) as e:
            await migrate(filled, other, leave=True)
        assert e.value.code == "CATALOG_MOVED"
    await migrate(filled, shared, leave=True)
    assert await usable(filled, shared) == [shared]


async def test_a_catalog_that_went_back_and_is_still_set_says_where_it_is(
    filled: Settings, there: Settings, postgres: str
) -> None:
    shared = replace(there, catalog=postgres, catalog_schema="still_set")
    await migrate(filled, shared, leave=True)
    await migrate(shared, filled, leave=True)
    with pytest.raises(StoreError, match=r"moved to the folder .* \(without OMNI_CATALOG\)") as e:
        await Engine.open(replace(filled, catalog=postgres, catalog_schema="still_set"))
    assert e.value.code == "CATALOG_MOVED"
    with pytest.raises(BadRequestError, match="needs an index that they share"):
        await Engine.open(replace(filled, catalog=postgres, catalog_schema="never_there"))
