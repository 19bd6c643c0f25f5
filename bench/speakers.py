"""How well speakers are told apart, in conversations cut together from single recordings.

    python bench/speakers.py MEDIA [--weights DIR] [--turns 24] [--seeds 3] [--rules same=0.7]
    python bench/speakers.py RECORDING --rttm RECORDING.rttm [--weights DIR]

MEDIA is the development set's folder. Its human voices (a man reading cards, a woman reading Jane
Austen, a woman speaking French) and one synthetic voice take turns of 2 to 9 seconds, .15 to .5 s
apart, made equally loud; sounds without speech stand between some turns. Each recording alone is a
monologue, in which one speaker is to be found. What is said is taken as known: the words of the
reader are the spans of the recordings.

Reported as shares of the time that is spoken, without a collar: `wrong` speaker (after the best
matching of numbers to people), `missed` (nobody named), `false` (somebody named where nobody
speaks); their sum is the diarization error rate (DER). `turns`: share of turns of which most is
given to the right speaker. With --rttm a recording of your own is scored by its reference; people
who talk at the same time count as the one who began last.

Wants the weights: `omni-mcp setup --speakers`, or --weights DIR with DIR/speakers/pretrained.pt.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

REPO = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPO), str(REPO / "server")]

from omni_core.media.service import service  # noqa: E402
from omni_core.readers import speaker_clusters  # noqa: E402
from omni_core.readers.speaker_clusters import ClusterRules  # noqa: E402
from omni_core.readers.speaker_model import SpeakerModel  # noqa: E402
from omni_core.readers.speakers import SpeakerReader, window_starts  # noqa: E402
from omni_core.readers.whisper import detect_speech  # noqa: E402
from omni_core.settings import Settings  # noqa: E402
from omni_core.types import (  # noqa: E402
    SAMPLE_RATE,
    AudioContent,
    Channel,
    Modality,
    Samples,
    Segment,
    Span,
    TextContent,
    Turn,
)

VOICES = {
    "cards": "audio/00*.wav",
    "austen": "audio/sense_*.wav",
    "french": "audio/fr_*.wav",
    "synthetic": "video/narrated_slides.mp4",
}
NOISE = ("audio/phone-incoming-call.oga", "audio/alarm-clock-elapsed.oga", "audio/bell.oga")
TALKS: tuple[tuple[str, ...], ...] = (
    ("cards", "austen"), ("austen", "french"), ("cards", "french"), ("austen", "synthetic"),
    ("cards", "austen", "french"), ("cards", "austen", "french", "synthetic"),
)  # fmt: skip
LOUDNESS = 0.05
WINDOW_S = 25.0
STEP_S = 0.01
PAUSE_S = 0.5
"""A longer pause in a recording is no speech."""

Said = tuple[float, float, str]


@dataclass(frozen=True)
class Score:
    """One conversation."""

    wrong: float
    missed: float
    false: float
    turns: float
    found: int
    people: int


class Voices:
    """The recordings by speaker, cut at their pauses."""

    def __init__(self, media: Path) -> None:
        decoder = service()

        def sound(path: Path) -> Samples:
            length = decoder.probe(str(path)).duration_s or 0.0
            return loud(decoder.audio(str(path), 0.0, length))

        self.pieces = {
            name: [p for path in sorted(media.glob(glob)) for p in _pieces(sound(path))]
            for name, glob in VOICES.items()
        }
        self.noise = [sound(media / name)[: 3 * SAMPLE_RATE] for name in NOISE]
        missing = [name for name, pieces in self.pieces.items() if not pieces]
        if missing:
            raise SystemExit(f"{media} has no recordings of {', '.join(missing)}")

    def talk(self, names: Sequence[str], turns: int, seed: int) -> tuple[Samples, list[Said]]:
        """A conversation, and who says what when; of one name its recordings in order."""
        rng = random.Random(seed)
        supply = {
            n: itertools.cycle(rng.sample(self.pieces[n], len(self.pieces[n]))) for n in names
        }
        parts: list[Samples] = []
        said: list[Said] = []
        at, last = 0, ""
        rounds = turns if len(names) > 1 else 6
        for _ in range(rounds):
            last = rng.choice([n for n in names if n != last or len(names) == 1])
            wanted, length = rng.uniform(2, 9) * SAMPLE_RATE, 0
            while length < wanted:
                piece = next(supply[last])
                pause = np.zeros(round(rng.uniform(0.15, 0.5) * SAMPLE_RATE), np.float32)
                said.append((at / SAMPLE_RATE, (at + len(piece)) / SAMPLE_RATE, last))
                parts += [piece, pause]
                at += len(piece) + len(pause)
                length += len(piece)
            if rng.random() < 0.25:
                parts.append(rng.choice(self.noise))
                at += len(parts[-1])
        whole = np.concatenate(parts)
        hiss = np.random.default_rng(seed).normal(0, 1e-4, len(whole)).astype(np.float32)
        return whole + hiss, said


def _recording(path: Path) -> Samples:
    decoder = service()
    return decoder.audio(str(path), 0.0, decoder.probe(str(path)).duration_s or 0.0)


def _reference(path: Path) -> list[Said]:
    """The turns of an RTTM file."""
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    turns = [(float(r[3]), float(r[3]) + float(r[4]), r[7]) for r in rows if r[:1] == ["SPEAKER"]]
    return sorted(turns)


def loud(samples: Samples) -> Samples:
    """The samples at one loudness."""
    rms = max(1e-6, float(np.sqrt(np.mean(np.square(samples)))))
    return (samples * (LOUDNESS / rms)).astype(np.float32)


def _pieces(samples: Samples, longest_s: float = 9.0) -> list[Samples]:
    found: list[tuple[float, float]] = []
    for start, end in detect_speech(samples, longest_s=longest_s):
        if found and end - found[-1][0] <= longest_s and start - found[-1][1] <= PAUSE_S:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return [samples[round(a * SAMPLE_RATE) : round(b * SAMPLE_RATE)] for a, b in found]


def heard(reader: SpeakerReader, samples: Samples, said: Sequence[Said]) -> tuple[Turn, ...]:
    """What the reader makes of a conversation, in windows as ingest cuts them."""

    def segment(channel: Channel, start: float, end: float, content: object) -> Segment:
        span = Span("second", start, end)
        return Segment("talk", Modality.AUDIO, channel, span, content)  # type: ignore[arg-type]

    length = len(samples) / SAMPLE_RATE
    for start in np.arange(0.0, length, WINDOW_S).tolist():
        end = min(length, start + WINDOW_S)
        window = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        reader.read([segment(Channel.SOUND, start, end, AudioContent(window))])
    reader.read([segment(Channel.SPEECH, a, b, TextContent("words")) for a, b, _ in said])
    voices = reader.voices("talk")
    return voices.turns if voices is not None else ()


def score(said: Sequence[Said], turns: Sequence[Turn]) -> Score:
    """Shares of the spoken time, with the best matching of speakers to people."""
    people = sorted({name for _, _, name in said})
    steps = round(max(*(b for _, b, _ in said), *(t.end for t in turns), 0.0) / STEP_S) + 1
    truth, found = np.full(steps, -1), np.full(steps, -1)
    for start, end, name in said:
        truth[round(start / STEP_S) : round(end / STEP_S)] = people.index(name)
    for turn in turns:
        found[round(turn.start / STEP_S) : round(turn.end / STEP_S)] = turn.speaker
    speakers = max((t.speaker for t in turns), default=-1) + 1
    shared = np.array(
        [[((truth == p) & (found == s)).sum() for s in range(speakers)] for p in range(len(people))]
    ).reshape(len(people), speakers)
    whose = _matching(shared)
    spoken = int((truth >= 0).sum())
    named = (truth >= 0) & (found >= 0)
    right = named & (np.array([*(whose.get(s, -2) for s in range(speakers)), -1])[found] == truth)
    correct = sum(
        bool(right[round(a / STEP_S) : round(b / STEP_S)].mean() > 0.5) for a, b, _ in said
    )
    return Score(
        float((named & ~right).sum() / spoken),
        float(((truth >= 0) & (found < 0)).sum() / spoken),
        float(((truth < 0) & (found >= 0)).sum() / spoken),
        correct / len(said),
        speakers,
        len(people),
    )


def _matching(shared: NDArray[np.int64]) -> dict[int, int]:
    """Speaker to person, at most one each, with the most time in common."""
    people, speakers = shared.shape
    best: tuple[int, dict[int, int]] = (-1, {})
    few = min(people, speakers)
    for chosen in itertools.permutations(range(speakers), few):
        for who in itertools.combinations(range(people), few):
            time_ = int(sum(shared[p, s] for p, s in zip(who, chosen, strict=True)))
            if time_ > best[0]:
                best = (time_, dict(zip(chosen, who, strict=True)))
    return best[1]


def alike(model: SpeakerModel, voices: Voices) -> tuple[float, float]:
    """(least cosine of the two halves of one person's recordings, greatest of two people)."""
    means: dict[str, list[NDArray[np.float32]]] = {}
    for name, pieces in voices.pieces.items():
        for half in (pieces[::2], pieces[1::2]):
            vectors = np.concatenate([model(p, window_starts(len(p))) for p in half])
            mean = vectors.mean(0)
            means.setdefault(name, []).append(mean / np.linalg.norm(mean))
    same = min(float(a @ b) for a, b in means.values())
    pairs = itertools.combinations(means.values(), 2)
    return same, max(float(a @ b) for x, y in pairs for a in x for b in y)


def _rules(given: Sequence[str]) -> ClusterRules:
    known = {f.name for f in fields(ClusterRules)}
    values = {}
    for each in given:
        name, _, value = each.partition("=")
        if name not in known:
            raise SystemExit(f"no rule {name!r}; there are {', '.join(sorted(known))}")
        values[name] = float(value)
    return replace(ClusterRules(), **values)


def main() -> None:
    """Print a line for each kind of conversation, and the means."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("media", type=Path, help="folder of the development set, or a recording")
    parser.add_argument("--rttm", type=Path, help="who speaks when in the recording")
    parser.add_argument("--weights", default="", help="folder with speakers/pretrained.pt")
    parser.add_argument("--turns", type=int, default=24, help="of each conversation")
    parser.add_argument("--seeds", type=int, default=3, help="conversations of each kind")
    parser.add_argument("--rules", nargs="*", default=[], metavar="NAME=VALUE")
    args = parser.parse_args()
    rules = _rules(args.rules)
    speaker_clusters.DEFAULT = rules
    voices = None if args.rttm else Voices(args.media)
    print(f"{'speakers':34} {'s':>5} {'wrong':>6} {'missed':>6} {'false':>6} {'DER':>6} "
          f"{'turns':>6} {'found':>9}")  # fmt: skip
    with tempfile.TemporaryDirectory() as store:
        model = SpeakerModel.load(Settings(store=store, weights_dir=args.weights, threads=1))
        if voices is None:
            samples, said = _recording(args.media), _reference(args.rttm)
            found = score(said, heard(SpeakerReader(model), samples, said))
            _row(args.media.name, len(samples) / SAMPLE_RATE, [found])
            return
        seconds, spent, scores = 0.0, 0.0, []
        for names in (*TALKS, *((name,) for name in VOICES)):
            group = []
            length = 0.0
            for seed in range(args.seeds):
                samples, said = voices.talk(names, args.turns, seed)
                began = time.process_time()
                group.append(score(said, heard(SpeakerReader(model), samples, said)))
                spent += time.process_time() - began
                length += len(samples) / SAMPLE_RATE
            seconds += length
            scores += group
            _row("+".join(names), length, group)
        _row("all", seconds, scores)
        counted = sum(s.found == s.people for s in scores)
        print(f"right number of speakers: {counted} of {len(scores)} conversations")
        same, other = alike(model, voices)
        print(f"means of one voice {same:.2f} alike or more, of two people {other:.2f} or less")
        print(f"{spent / seconds:.4f} CPU seconds for a second of sound")


def _row(name: str, seconds: float, scores: Sequence[Score]) -> None:
    wrong, missed, false, turns = (
        float(np.mean([getattr(s, key) for s in scores]))
        for key in ("wrong", "missed", "false", "turns")
    )
    found = " ".join(str(s.found) for s in scores) if len(scores) < 9 else ""
    print(f"{name:34} {seconds:5.0f} {wrong:6.1%} {missed:6.1%} {false:6.1%} "
          f"{wrong + missed + false:6.1%} {turns:6.1%} {found:>9}")  # fmt: skip


if __name__ == "__main__":
    main()
