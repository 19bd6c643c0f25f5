"""What the fields of several requests share."""

from __future__ import annotations

from typing import Annotated

from omni_core.codec import LOCAL_PATH
from omni_core.errors import BadRequestError

FilePath = Annotated[str, LOCAL_PATH]


def require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raises BadRequestError, with the choices, for a value that is none of them."""
    if value not in choices:
        raise BadRequestError(f"{name} is {value!r}; choose one of {', '.join(choices)}")
