"""The prompt for each kind of content."""

from __future__ import annotations

from collections.abc import Mapping

from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.types import Content, ImageContent, VideoContent


class Prompts:
    """The prompts of the repository; where it has none, those of the model's description."""

    def __init__(self, spec: ModelSpec, own: Mapping[str, str], default: str | None) -> None:
        """`own` and `default`: `prompts` and `default_prompt_name` of the loaded model."""
        fallback = own.get(default or "", "")
        document = own.get("document") or own.get("passage") or spec.document_prompt or fallback
        self.question = own.get("query") or spec.query_prompt or fallback
        self._document = document
        self._image = spec.image_prompt or document
        self._video = spec.video_prompt or document

    def evidence(self, content: Content) -> str:
        """The prompt for evidence of this kind of content."""
        if isinstance(content, ImageContent):
            return self._image
        return self._video if isinstance(content, VideoContent) else self._document

    @property
    def longest(self) -> str:
        """The longest evidence prompt."""
        return max((self._document, self._image, self._video), key=len)
