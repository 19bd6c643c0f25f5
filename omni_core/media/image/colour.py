"""Colours as an ordinary screen shows them: ICC profiles, printing inks, gamma."""

from __future__ import annotations

import io
import logging

from PIL import Image, ImageCms

from omni_core.media.geometry import fit
from omni_core.media.rgb import to_rgb

log = logging.getLogger(__name__)

_OF_PROFILE = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}
_SCREEN_GAMMA = 1 / 2.2


def shown(image: Image.Image, edge: int) -> Image.Image:
    """8-bit sRGB with the long edge at most `edge`.

    Colours are converted after scaling: a transform of twelve million pixels takes longer than to
    decode them.
    """
    profile = _profile(image)
    if image.mode == "LAB" or (profile is not None and image.mode in ("CMYK", "L")):
        return _converted(_scaled(image, edge), profile)
    rgb = _scaled(to_rgb(image), edge)
    if profile is not None:
        return _converted(rgb, profile)
    gamma = image.info.get("gamma")
    if gamma and "srgb" not in image.info:
        return _with_gamma(rgb, float(gamma))
    return rgb


def _scaled(image: Image.Image, edge: int) -> Image.Image:
    size = fit(image.width, image.height, edge)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The picture's profile, unless it is sRGB, does not fit its channels, or is damaged."""
    data = image.info.get("icc_profile")
    if not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        channels = _OF_PROFILE.get(profile.profile.xcolor_space, "")
        if channels != (image.mode if image.mode in ("CMYK", "L", "LAB") else "RGB"):
            return None
        return None if "sRGB" in ImageCms.getProfileDescription(profile) else profile
    except (OSError, ImageCms.PyCMSError, ValueError, TypeError) as e:
        log.debug("a colour profile is not read: %s", e)
        return None


def _converted(image: Image.Image, profile: ImageCms.ImageCmsProfile | None) -> Image.Image:
    source = profile or ImageCms.createProfile("LAB")
    try:
        found = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, ValueError) as e:
        log.debug("a colour profile is not applied: %s", e)
        return image.convert("RGB") if image.mode != "LAB" else image.getchannel(0).convert("RGB")
    return found if found is not None else image


def _with_gamma(image: Image.Image, gamma: float) -> Image.Image:
    """PNG: sample = light ** gamma."""
    if not 0.05 < gamma < 5 or abs(gamma / _SCREEN_GAMMA - 1) < 0.1:
        return image
    curve = [round(255 * (v / 255) ** (_SCREEN_GAMMA / gamma)) for v in range(256)]
    return image.point(curve * 3)
