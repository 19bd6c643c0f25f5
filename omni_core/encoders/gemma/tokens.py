"""Token ids of texts, and of media, whose tokens are places that feature rows fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MAX_TOKENS = 2048
"""Of one text; a longer one is cut, and the vectors of its parts are averaged. The model takes
8,192, at a cost that grows with their square."""

Medium = Literal["image", "video", "audio"]
_MARKS: dict[Medium, tuple[str, str, str]] = {
    "image": ("<|image>", "<|image|>", "<image|>"),
    "video": ("<|image>", "<|video|>", "<image|>"),
    "audio": ("<|audio>", "<|audio|>", "<audio|>"),
}
"""Before the places, each place, after them. A frame of a video is wrapped as a picture is."""


@dataclass(frozen=True, slots=True)
class Part:
    """A text, or a part of a long one."""

    ids: list[int]
    weight: int
    """Its own tokens, without the prompt."""


class Tokens:
    """The tokenizer of the model. Thread-safe."""

    def __init__(self, path: Path) -> None:
        """Reads `tokenizer.json`: half a second."""
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # a text that holds "<|image|>" is about these characters: it has no picture
        self._tokenizer.encode_special_tokens = True
        alone = self._tokenizer.encode("a")
        own = [i for i, special in enumerate(alone.special_tokens_mask) if not special]
        self._before, self._after = alone.ids[: own[0]], alone.ids[own[-1] + 1 :]
        self._marks = {medium: self._ids_of(marks) for medium, marks in _MARKS.items()}
        self._places = {place for _, place, _ in self._marks.values()}

    def text(self, prompt: str, text: str) -> list[Part]:
        """The token ids of a text after its prompt, in parts of at most `MAX_TOKENS`."""
        whole = self._encode(prompt + text)
        room = MAX_TOKENS - len(self._before) - len(self._after)
        if len(whole) <= room:
            return [Part(self._wrapped(whole), len(whole))]
        start, own = self._encode(prompt), self._encode(text)
        step = room - len(start)
        pieces = [own[i : i + step] for i in range(0, len(own), step)]
        return [Part(self._wrapped(start + piece), len(piece)) for piece in pieces]

    def media(self, medium: Medium, rows: Sequence[int]) -> list[int]:
        """The ids of media: for each picture, frame or sound as many places as it has rows."""
        before, place, after = self._marks[medium]
        inner = [i for count in rows for i in (before, *[place] * count, after)]
        return self._wrapped(inner)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return [i for i in ids if i not in self._places]

    def _wrapped(self, ids: list[int]) -> list[int]:
        return [*self._before, *ids, *self._after]

    def _ids_of(self, marks: tuple[str, str, str]) -> tuple[int, int, int]:
        before, place, after = (self._tokenizer.token_to_id(m) for m in marks)
        if before is None or place is None or after is None:
            raise ValueError(f"the tokenizer has no {', '.join(marks)}")
        return before, place, after
