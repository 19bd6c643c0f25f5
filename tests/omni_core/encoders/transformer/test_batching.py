"""Token-budget batches, long contents in pieces, and odd inputs: no torch needed."""

from __future__ import annotations

import numpy as np
import pytest

from omni_core.encoders.transformer.batching import plan_batches
from omni_core.encoders.transformer.catalogue import known_models
from omni_core.encoders.transformer.frames import at_most
from omni_core.encoders.transformer.inputs import Inputs, Item, processing_kwargs
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Content,
    ImageContent,
    TextContent,
    VideoContent,
)

E5 = known_models()["e5-omni-7b"]


def items_of(*contents: Content, spec: object = None) -> list[Item]:
    made = Inputs(spec or E5, lambda text: len(text.split()), 12)  # type: ignore[arg-type]
    return [item for n, c in enumerate(contents) for item in made.items(n, c)]


def realistic(count: int) -> list[Item]:
    """The lengths of an ingest: shots with audio, pages, windows of audio, passages."""
    rng = np.random.default_rng(5)
    tokens = {
        "video": lambda: int(rng.integers(3, 16)) // 2 * 60 + int(rng.integers(3, 16)) * 25 + 20,
        "page": lambda: int(rng.choice([1180, 1280, 1280])),
        "audio": lambda: int(rng.choice([750, 750, 750, 300])) + 20,
        "text": lambda: int(rng.integers(40, 260)),
    }
    kinds = rng.choice(list(tokens), count, p=[0.3, 0.15, 0.15, 0.4])
    return [Item(i, {}, tokens[k](), 1.0 if k == "video" else 0.0) for i, k in enumerate(kinds)]


@pytest.mark.parametrize("budget", [2048, 8192, 32768])
def test_a_realistic_mix_wastes_less_than_a_tenth_on_padding(budget: int) -> None:
    items = realistic(300)
    batches = plan_batches(items, budget)
    assert sorted(i for b in batches for i in b) == list(range(300))
    padded = sum(len(b) * max(items[i].tokens for i in b) for b in batches)
    assert 1 - sum(i.tokens for i in items) / padded < 0.10
    assert all(len(b) == 1 or len(b) * max(items[i].tokens for i in b) <= budget for b in batches)


def test_a_model_that_takes_one_item_at_a_time_gets_one() -> None:
    assert all(len(b) == 1 for b in plan_batches(realistic(20), 8192, max_items=1))


def test_an_item_beyond_the_budget_goes_alone() -> None:
    items = [Item(0, {}, 5000), Item(1, {}, 10)]
    assert sorted(map(tuple, plan_batches(items, 1000))) == [(0,), (1,)]


def test_videos_of_different_frame_rates_never_share_a_batch() -> None:
    items = [Item(i, {}, 100, fps) for i, fps in enumerate((1.0, 2.0, 1.0, 0.0, 2.0, 0.5))]
    for batch in plan_batches(items, 10_000):
        assert len({items[i].fps for i in batch if items[i].fps}) == 1


def test_nothing_long_is_truncated_but_cut_into_weighted_pieces() -> None:
    audio = np.zeros(int(700 * SAMPLE_RATE), np.float32)
    pieces = items_of(AudioContent(audio))
    assert len(pieces) == 3
    assert sum(p.samples for p in pieces) == len(audio)
    assert max(p.samples for p in pieces) <= E5.audio_max_s * SAMPLE_RATE
    words = items_of(TextContent("word " * 80_000))
    assert len(words) > 2
    assert sum(p.weight for p in words) == 80_000
    assert max(p.tokens for p in words) <= E5.text_max_tokens
    endless = items_of(TextContent("x" * 10), spec=E5)
    assert len(endless) == 1


def test_the_processor_is_told_sizes_one_rate_and_the_longest_audio() -> None:
    frames = np.zeros((3, 40, 60, 3), np.uint8)
    video = VideoContent(frames, (0.0, 1.0, 2.0), 1.0, frames[0], np.zeros(48_000, np.float32))
    batch = items_of(video, AudioContent(np.zeros(80_000, np.float32)), TextContent("a"))
    made = processing_kwargs(E5, batch)
    assert made["video"]["fps"] == 1.0
    assert made["video"]["do_sample_frames"] is False
    assert made["video"]["size"]["longest_edge"] == 50176
    assert made["audio"]["max_length"] >= 80_000 + 400
    assert made["audio"]["max_length"] % 160 == 0
    assert made["image"]["size"]["longest_edge"] == 1003520


def test_a_video_with_more_frames_than_the_model_takes_is_thinned_evenly() -> None:
    frames = np.arange(100, dtype=np.uint8)[:, None, None, None]
    kept, fps = at_most(frames, 2.0, 10)
    assert len(kept) == 10 and kept[0, 0, 0, 0] == 0 and kept[-1, 0, 0, 0] == 99
    assert fps == pytest.approx(0.2)


def test_odd_inputs_become_something_the_processors_take() -> None:
    one = np.zeros((1, 8, 8, 3), np.uint8)
    (video,) = items_of(VideoContent(one, (0.0,), 1.0, one[0]))
    assert video.value["video"]["array"].shape == (2, 3, 8, 8)
    (strip,) = items_of(ImageContent(np.zeros((3, 2000, 3), np.uint8)))
    width, height = strip.value["image"].size
    assert width / height <= 100
    (click,) = items_of(AudioContent(np.zeros(10, np.float32)))
    assert click.samples == SAMPLE_RATE // 5
    (nothing,) = items_of(TextContent("  "))
    assert nothing.value == {"text": "NULL"}
    (still,) = items_of(VideoContent(one[:0], (), 1.0, one[0]))
    assert "image" in still.value


def test_text_travels_wrapped_so_that_no_path_or_url_is_ever_opened() -> None:
    for text in ("/etc/passwd.png", "https://example.org/a.mp4", "data:image/png;base64,AAAA"):
        (item,) = items_of(TextContent(text))
        assert item.value == {"text": text}


def test_a_model_without_a_modality_makes_no_item_of_it() -> None:
    vlm = known_models()["vlm2vec-v2"]
    frames = np.zeros((2, 40, 60, 3), np.uint8)
    audio = np.zeros(32_000, np.float32)
    assert items_of(AudioContent(audio), spec=vlm) == []
    (video,) = items_of(VideoContent(frames, (0.0, 1.0), 1.0, frames[0], audio), spec=vlm)
    assert set(video.value) == {"video"}
