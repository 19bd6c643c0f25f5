"""Settings written into a TOML file; what a person wrote there stays, comments included."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

import tomlkit
from tomlkit.exceptions import TOMLKitError

from omni_core.errors import BadRequestError

Value = str | bool | int | float
BOM = "\ufeff"


def changed(text: str, values: Mapping[str, Value]) -> str:
    """The text of a settings file with these values at its top; it may be empty.

    Raises BadRequestError where the text is not TOML.
    """
    bom = BOM if text.startswith(BOM) else ""
    try:
        document = tomlkit.parse(text.removeprefix(BOM))
        for key, value in values.items():
            if document.get(key) != value:
                document[key] = value
    except TOMLKitError as e:
        raise BadRequestError(f"it is not TOML: {e}") from None
    new = tomlkit.dumps(document)
    held = tomllib.loads(new)
    if any(held.get(key) != value for key, value in values.items()):
        raise BadRequestError("it cannot be edited safely")
    return bom + new
