"""Numbers of things in a message."""


def counted(number: int, noun: str) -> str:
    """`1 line`, `0 lines`, `12 lines`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
