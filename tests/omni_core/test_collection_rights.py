"""What a list of rights on collections means, however it is written."""

from __future__ import annotations

import pytest

from omni_core.collection_rights import CollectionRights
from omni_core.errors import BadRequestError


@pytest.mark.parametrize("given", ["hr:read", "HR:READ", " Hr :Read ", "hr\uff1aread"])
def test_the_mark_of_reading_counts_in_every_spelling(given: str) -> None:
    rights = CollectionRights.of([given])
    assert (rights.seen, rights.changed) == (("hr",), ())


@pytest.mark.parametrize("given", [["hr"], ["HR:Read"], ["a:read:read", "b"], ["x", "x:read"]])
def test_rights_are_the_same_after_they_are_written(given: list[str]) -> None:
    rights = CollectionRights.of(given)
    assert CollectionRights.of(rights.written) == rights


@pytest.mark.parametrize("given", [[], [""], [" :read "], ["\u2800"], ["a", "", "b"]])
def test_a_list_without_a_name_gives_no_rights(given: list[str]) -> None:
    with pytest.raises(BadRequestError):
        CollectionRights.of(given)
