"""The probe finds out whether an encoder looks: some that do and some that do not, no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from omni_core.encoders.transformer import probe
from omni_core.encoders.transformer.catalogue import known_models
from omni_core.encoders.transformer.description import encoder_info
from omni_core.encoders.transformer.looks import look, look_by_scores, similarity
from omni_core.encoders.transformer.probe_samples import pairs, speech
from omni_core.errors import UnavailableError
from omni_core.settings import Settings
from omni_core.types import (
    AudioContent,
    Channel,
    Content,
    ImageContent,
    TextContent,
    Vector,
    VideoContent,
)

DIM = 64
PARTS = {
    "text": "the words of a text",
    "image": "the pixels of an image",
    "audio": "the samples of a sound",
    "video": "the frames of a video",
}
See = Callable[[Content], Any]


def kind_of(content: Content) -> str:
    kinds = {TextContent: "text", ImageContent: "image", AudioContent: "audio"}
    return kinds.get(type(content), "video")


def random_unit(seed: str) -> Vector:
    digest = hashlib.sha256(seed.encode()).digest()
    made = np.random.default_rng(int.from_bytes(digest[:8], "big")).standard_normal(DIM)
    return np.asarray(made / np.linalg.norm(made), np.float32)


def features(content: Content) -> list[tuple[str, float]]:
    """What an honest encoder sees: words, colours of a raster, the course of the pitch."""
    if isinstance(content, TextContent):
        return [(w.strip(".?,").lower(), 1.0) for w in content.text.split()]
    if isinstance(content, AudioContent):
        crossings = np.abs(np.diff(np.sign(content.samples))).reshape(-1)
        return [
            (f"pitch {i}", 9 * float(c.mean())) for i, c in enumerate(np.array_split(crossings, 8))
        ]
    images = [content.pixels] if isinstance(content, ImageContent) else list(content.frames)
    small = np.mean([i[::16, ::16].astype(float) / 255 for i in images], axis=0)
    seen = [(f"{place} {channel}", float(v)) for (place, channel), v in raster(small)]
    if isinstance(content, VideoContent) and content.audio is not None:
        seen += features(AudioContent(content.audio))
    return seen


def raster(small: Any) -> list[tuple[tuple[int, int], float]]:
    flat = small.reshape(-1, 3)
    return [((i, c), flat[i, c]) for i in range(len(flat)) for c in range(3)]


def honest(content: Content) -> Vector:
    total = sum(weight * random_unit(name) for name, weight in features(content))
    return np.asarray(total / np.linalg.norm(total), np.float32)


class Encoder:
    """An encoder that sees by `see`, except the kinds in `other`."""

    def __init__(self, see: See = honest, other: dict[str, See] | None = None) -> None:
        info = encoder_info(known_models()["e5-omni-7b"], Settings(encoder="e5-omni-7b"))
        self.info = replace(info, dim=DIM)
        self._see, self._other = see, other or {}

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        return [self._other.get(kind_of(c), self._see)(c) for c in contents]

    encode_questions = encode

    def encode_one_batch(self, contents: Sequence[Content]) -> list[Vector]:
        return [v for v in self.encode(contents) if v is not None]


def by_text(content: Content) -> Vector:
    """Embeds the words that code makes of an array: the fault of a module fed the wrong form."""
    return random_unit(str(content))


def by_shape(content: Content) -> Vector:
    if isinstance(content, TextContent):
        return random_unit(f"text {len(content.text)}")
    if isinstance(content, ImageContent):
        return random_unit(f"image {content.pixels.shape}")
    if isinstance(content, AudioContent):
        return random_unit(f"audio {content.samples.shape}")
    return random_unit(f"video {content.frames.shape}")


def by_bytes(content: Content) -> Vector:
    """A hash of the whole content: it moves with everything, also with what nobody sees."""
    if isinstance(content, TextContent):
        return honest(content)
    arrays: tuple[Any, ...] = (getattr(content, "pixels", None), getattr(content, "samples", None))
    if isinstance(content, VideoContent):
        arrays = (content.frames, content.audio)
    return random_unit(repr([None if a is None else a.tobytes()[:200_000] for a in arrays]))


# ---- the samples ----------------------------------------------------------------------------


def test_the_contents_of_a_pair_differ_in_what_they_show_and_in_nothing_else() -> None:
    for pair in pairs(1.0):
        first, second = pair.contents
        if pair.kind != "text":
            assert str(first) == str(second), f"printing a {pair.kind} tells them apart"
            assert by_bytes(first) @ by_bytes(second) < 0.9
        assert by_shape(first) @ by_shape(second) == pytest.approx(1)
        assert similarity(honest(first), honest(second)) < 0.999
        if pair.copy is not None:
            assert similarity(honest(first), honest(pair.copy)) > 0.999


def test_the_voice_is_two_seconds_of_sound_between_silent_ends() -> None:
    samples = speech()
    assert len(samples) / 16000 == pytest.approx(2.0, abs=0.05)
    assert 0.3 < np.abs(samples).max() <= 1
    assert not samples[:3].any() and not samples[-3:].any()


# ---- what is refused ------------------------------------------------------------------------


def test_an_encoder_that_looks_passes_and_says_how_far_its_vectors_move() -> None:
    result = probe.require_valid(Encoder())
    assert result.looks.moves.keys() == {*PARTS, "page", "sound of a video"}
    assert all(-1 <= c < 0.999 for c in result.looks.moves.values())
    assert not result.looks.not_taken and len(result.looks.rankings) == 10


@pytest.mark.parametrize("see", [by_text, by_shape])
def test_an_encoder_that_never_looks_at_media_is_refused_and_told_what_it_misses(see: See) -> None:
    with pytest.raises(UnavailableError, match="does not look at") as error:
        probe.require_valid(Encoder(see))
    text = str(error.value)
    assert "\n" not in text
    for kind in ("image", "audio", "video"):
        assert PARTS[kind] in text
    assert (PARTS["text"] in text) == (see is by_shape)


@pytest.mark.parametrize("kind", PARTS)
def test_one_blind_modality_is_enough_to_refuse_and_only_that_one_is_named(kind: str) -> None:
    wrong = look(Encoder(other={kind: by_shape})).wrong
    assert PARTS[kind] in wrong
    assert not [part for other, part in PARTS.items() if other != kind and part in wrong]


def test_a_hash_of_the_bytes_moves_with_everything_and_is_refused_too() -> None:
    wrong = look(Encoder(by_bytes)).wrong
    assert "a change that nobody notices" in wrong and "as a hash does" in wrong
    assert all(PARTS[kind] in wrong for kind in ("image", "audio", "video"))


def test_an_encoder_that_promises_sound_and_gives_no_vector_is_refused() -> None:
    nothing: dict[str, See] = {"audio": lambda _: None}
    deaf = Encoder(other=nothing)
    assert "says that it takes audio and gives no vector" in look(deaf).wrong


# ---- what is skipped, and what is only told ---------------------------------------------------


def test_a_modality_that_a_model_does_not_take_is_skipped_and_named() -> None:
    nothing: dict[str, See] = {"audio": lambda _: None}
    reader = Encoder(other=nothing)
    info = encoder_info(known_models()["vlm2vec-v2"], Settings(encoder="vlm2vec-v2"))
    reader.info = replace(info, dim=DIM)
    assert Channel.SOUND not in info.channels
    seen = look(reader)
    assert not seen.wrong
    assert set(seen.not_taken) == {"audio", "sound of a video"}
    assert not {"audio", "sound of a video"} & seen.moves.keys()


def test_a_model_of_text_alone_is_asked_about_text_alone() -> None:
    nothing: dict[str, See] = {k: lambda _: None for k in ("image", "audio", "video")}
    reader = Encoder(other=nothing)
    channels = reader.info.channels - {Channel.VISUAL, Channel.SOUND}
    cut = replace(reader.info.cut, video_max_frames=1, video_audio=False)
    reader.info = replace(reader.info, channels=channels, cut=cut)
    seen = look(reader)
    assert not seen.wrong and seen.moves.keys() == {"text"}
    assert [r.ok for r in seen.rankings] == [True, True]


def test_words_that_find_the_wrong_one_are_told_and_refuse_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    swapped = {"Where does the fox sleep?": "tax form due", "When is the tax form due?": "fox"}

    class Confused(Encoder):
        def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
            texts = [c.text for c in contents if isinstance(c, TextContent)]
            return [honest(TextContent(swapped.get(t, t))) for t in texts]

    result = probe.require_valid(Confused())
    wrong = [w for w in result.looks.warnings if "fox" in w]
    assert wrong == [w for w in wrong if "finds the OTHER one" in w] and len(wrong) == 1
    assert "`omni-mcp models check` shows them" in caplog.text


def test_a_video_whose_sound_does_not_count_is_told_and_not_refused() -> None:
    def silent(content: Content) -> Any:
        assert isinstance(content, VideoContent)
        return honest(replace(content, audio=None))

    seen = look(Encoder(other={"video": silent}))
    assert not seen.wrong
    assert "it gives the same vector whatever the sound of a video" in seen.warnings


# ---- rerankers ------------------------------------------------------------------------------


def scores_by(see: See) -> Callable[[Content, Sequence[Content]], list[float | None]]:
    return lambda question, contents: [
        None if (v := see(c)) is None else float(see(question) @ v) for c in contents
    ]


def test_a_reranker_whose_scores_do_not_move_with_the_picture_is_refused() -> None:
    good = look_by_scores(scores_by(honest))
    assert not good.wrong and good.moves["image"] > 0
    blind = look_by_scores(scores_by(by_shape))
    assert PARTS["image"] in blind.wrong and PARTS["text"] in blind.wrong


def test_a_reranker_without_ears_is_not_asked_about_sound() -> None:
    seen = look_by_scores(scores_by(lambda c: None if kind_of(c) == "audio" else honest(c)))
    assert not seen.wrong and seen.not_taken == ("audio",)


# ---- many vectors ---------------------------------------------------------------------------


def test_token_vectors_are_compared_whatever_their_order_and_number() -> None:
    a = np.stack([random_unit(str(i)) for i in range(6)])
    assert similarity(a, a[::-1]) == pytest.approx(1)
    assert similarity(a, a[:4]) < 0.999
