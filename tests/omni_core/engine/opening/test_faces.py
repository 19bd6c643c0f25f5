"""The faces of a picture are kept with it, said in its hit, and marked when it is opened."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from omni_core import IngestRequest, OpenRequest, SearchRequest
from omni_core.settings import Settings

PICTURES = Path(__file__).parents[4] / "samples" / "library" / "pictures"


@pytest.mark.models
async def test_the_face_of_a_portrait_is_said_marked_and_shown_close_up(
    opened: Callable[..., Any], settings: Settings
) -> None:
    settings = replace(
        settings, encoder="embedded", index="memory", speech="off", screen_text="off"
    )
    async with opened(settings) as engine:
        for name in ("astronaut.jpg", "coffee.jpg"):
            status = await engine.ingest(IngestRequest(str(PICTURES / name)))
            assert status.state == "ready"
        found = await engine.search(SearchRequest("a portrait of a person"))
        hit = found.hits[0]
        assert hit.title == "astronaut"
        assert hit.text.startswith("1 face")
        face = await engine.open_ref(OpenRequest(hit.ref, show=("marked", "closeup")))
        [place] = face.places
        [rect] = place.rects
        assert rect == pytest.approx((0.36, 0.12, 0.51, 0.34), abs=0.03)
        marked, closeup = (np.asarray(Image.open(io.BytesIO(i.jpeg))) for i in face.pictures)
        assert marked.shape[:2] == (512, 512)
        assert closeup.shape[0] < 400
