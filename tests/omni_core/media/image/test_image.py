"""Images of every kind, turned, dated, cropped and bounded."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from omni_core.errors import BadRequestError, NotFoundError, TooLargeError, UnreadableError
from omni_core.media.image.durations import durations
from omni_core.media.service import service
from omni_core.types import (
    Channel,
    CutOptions,
    FileLength,
    Modality,
    Segment,
    Source,
    Span,
    VideoContent,
)

RED, BLUE = (200, 30, 30), (30, 30, 200)


def _halves(width: int = 120, height: int = 80) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.png", "a.webp", "a.avif", "a.gif", "a.bmp", "a.tif", "a.jp2", "a.ppm"]
)
def test_every_still_format_is_one_segment(name: str, tmp_path: Path, cut: Any, svc: Any) -> None:
    path = tmp_path / name
    _halves().save(path)
    info = svc.probe(str(path))
    assert (info.modality, info.width, info.height) == (Modality.IMAGE, 120, 80)
    (segment,) = cut(path)
    assert segment.span == Span("second", 0, 0)
    pixels = segment.content.pixels
    assert pixels.shape == (80, 120, 3)
    assert pixels.dtype == np.uint8
    assert abs(int(pixels[40, 20, 0]) - 200) < 40
    assert abs(int(pixels[40, 100, 2]) - 200) < 40


@pytest.mark.parametrize("mode", ["CMYK", "L", "LA", "P", "1", "RGBA", "I;16", "F", "YCbCr"])
def test_every_mode_becomes_rgb(mode: str, tmp_path: Path, cut: Any) -> None:
    grey = Image.linear_gradient("L")
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        image = grey.convert("RGB").convert(mode) if mode not in ("F",) else grey.convert("F")
    path = tmp_path / "a.tif"
    image.save(path)
    (segment,) = cut(path)
    pixels = segment.content.pixels
    assert pixels.shape == (256, 256, 3)
    assert pixels[10].mean() < 70
    assert pixels[245].mean() > 185


def test_transparency_is_seen_on_white(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.png"
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(path)
    (segment,) = cut(path)
    assert segment.content.pixels.min() == 255


def test_exif_turn_and_date_are_read(tmp_path: Path, cut: Any, svc: Any) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    inner = exif.get_ifd(0x8769)
    inner[0x9003], inner[0x9011] = "2023:07:14 12:30:00", "+02:00"
    _halves().save(path, exif=exif)
    info = svc.probe(str(path))
    assert (info.width, info.height) == (80, 120)
    assert info.recorded_at_from == "exif"
    assert info.recorded_at == datetime(2023, 7, 14, 10, 30, tzinfo=UTC)
    (segment,) = cut(path)
    assert segment.content.pixels.shape == (120, 80, 3)
    assert segment.content.pixels[10, 40, 0] > 150  # what was left is on top


def test_pages_of_a_tiff_are_segments(tmp_path: Path, cut: Any, svc: Any) -> None:
    path = tmp_path / "a.tif"
    pages = [Image.new("RGB", (40, 30), c) for c in (RED, BLUE, RED)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    assert svc.probe(str(path)).pages == 3
    segments = cut(path)
    assert [s.span for s in segments] == [Span("page", n, n + 1) for n in (1, 2, 3)]
    assert svc.page(str(path), 2, 40)[0, 0, 2] > 150
    with pytest.raises(NotFoundError) as e:
        svc.page(str(path), 4, 40)
    assert e.value.code == "OUT_OF_RANGE"


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.avif"])
def test_an_animation_is_cut_like_a_video(name: str, tmp_path: Path, cut: Any, svc: Any) -> None:
    path = tmp_path / name
    frames = [Image.new("RGB", (96, 64), RED if n < 20 else (240, 250, 240)) for n in range(40)]
    for n, frame in enumerate(frames):
        frame.paste(BLUE, (n * 2, 10, n * 2 + 10, 40))
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    info = svc.probe(str(path))
    assert info.modality is Modality.VIDEO
    assert info.duration_s == pytest.approx(4.0, abs=0.2)
    segments = cut(path)
    assert [(s.span.start, s.span.end) for s in segments] == [(0, 2), (2, 4)]
    assert all(isinstance(s.content, VideoContent) for s in segments)
    got = svc.frames(str(path), [3.0, 0.55], 96)
    assert got[0][1][60, 90, 1] > 200
    assert got[1][0] == pytest.approx(0.5)
    assert got[1][1][60, 90, 0] > 150


def test_a_crop_is_taken_at_full_resolution(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.png"
    _halves(1200, 800).save(path)
    part = svc.image(str(path), 300, (0.5, 0.0, 1.0, 1.0))
    assert part.shape == (300, 225, 3)
    assert part[..., 2].min() > 150
    with pytest.raises(BadRequestError, match="left < right"):
        svc.image(str(path), 300, (0.5, 0, 0.4, 1))


def test_the_limit_of_pixels_is_checked_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    _halves(200, 100).save(path)
    with pytest.raises(TooLargeError, match="200 x 100") as e:
        service(max_pixels=10_000).probe(str(path))
    assert e.value.code == "TOO_LARGE"


def test_an_image_of_which_nothing_can_be_drawn_is_refused_in_one_line(
    tmp_path: Path, cut: Any
) -> None:
    path = tmp_path / "a.jpg"
    _halves(400, 300).save(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(UnreadableError) as e:
        cut(path)
    assert e.value.code == "CORRUPT_MEDIA"
    assert "\n" not in str(e.value)


def test_damaged_exif_is_logged_and_the_image_is_dated_by_its_file(
    tmp_path: Path, svc: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "2021-03-04.jpg"
    Image.new("RGB", (8, 8)).save(path)

    def damaged(_: Image.Exif, tag: int) -> None:
        raise SyntaxError(f"no such place: {tag}")

    monkeypatch.setattr(Image.Exif, "get_ifd", damaged)
    caplog.set_level(logging.DEBUG, "omni_core.media.image")
    info = svc.probe(str(path))
    assert info.recorded_at_from == "file name"
    assert "2021-03-04.jpg: EXIF is not read: SyntaxError" in caplog.text


def _described(path: Path, **exif: str | bytes) -> Path:
    data = Image.Exif()
    for name, value in exif.items():
        data[int(name[1:], 16)] = value
    _halves().save(path, exif=data)
    return path


def test_a_description_in_exif_follows_the_image_as_text(tmp_path: Path, cut: Any) -> None:
    title = "Sigrid an der Gerbe".encode("utf-16-le") + b"\0\0"
    path = _described(tmp_path / "a.jpg", x010E="Great-aunt Sigrid", x9C9B=title)
    image, text = cut(path)
    assert (image.channel, text.channel) == (Channel.VISUAL, Channel.TEXT)
    assert text.text == "Great-aunt Sigrid\nSigrid an der Gerbe"
    assert (text.origin, text.span) == ("image description", image.span)


def test_a_description_in_a_png_is_read_and_its_program_is_not(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.png"
    texts = PngInfo()
    texts.add_itxt("Description", "Ein Papageientaucher mit Schal")
    texts.add_text("Title", "Ein Papageientaucher mit Schal")
    texts.add_text("Comment", "Created with a program")
    _halves().save(path, pnginfo=texts)
    assert [s.text for s in cut(path)][1:] == ["Ein Papageientaucher mit Schal"]


@pytest.mark.parametrize(
    "written",
    [
        "OLYMPUS DIGITAL CAMERA         ",
        "SONY DSC",
        "KODAK Digital Still Camera",
        " \0",
        "Created with GIMP",
        "File written by Adobe Photoshop\xa8 4.0",
        "scan_0012.tif",
        "/home/a/Pictures/pier.tif",
        "Kofax PDF Filter - version 3.75.",
        "Screenshot",
        "CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 80",
    ],
)
def test_what_a_camera_writes_by_itself_is_no_description(
    written: str, tmp_path: Path, cut: Any
) -> None:
    assert len(cut(_described(tmp_path / "a.jpg", x010E=written))) == 1


@pytest.mark.parametrize(("ink", "ground"), [((255, 255, 255), 0), ((20, 20, 20), 255)])
def test_what_is_drawn_on_a_clear_ground_stands_out(
    ink: tuple[int, int, int], ground: int, tmp_path: Path, cut: Any
) -> None:
    image = Image.new("RGBA", (200, 100), (*ink, 0))
    image.paste((*ink, 255), (40, 40, 160, 60))
    image.save(tmp_path / "a.png")
    (segment,) = cut(tmp_path / "a.png")
    pixels = segment.content.pixels
    assert tuple(pixels[50, 100]) == ink
    assert tuple(pixels[5, 5]) == (ground,) * 3


@pytest.mark.parametrize("size", [(400, 4800), (6000, 500)])
def test_a_long_image_is_followed_by_readable_tiles_that_cover_it(
    size: tuple[int, int], tmp_path: Path, cut: Any, svc: Any
) -> None:
    Image.linear_gradient("L").resize(size).save(tmp_path / "a.png")
    whole, *tiles = cut(tmp_path / "a.png")
    assert whole.extra == {"tiles": len(tiles)}
    assert [t.part for t in tiles] == list(range(1, len(tiles) + 1))
    assert len({t.id for t in (whole, *tiles)}) == len(tiles) + 1
    axis = 0 if size[0] > size[1] else 1
    covered = 0.0
    for tile in tiles:
        low, high = tile.extra["crop"][axis], tile.extra["crop"][axis + 2]
        assert low < covered or covered == 0.0
        covered = high
        assert min(tile.content.pixels.shape[:2]) >= min(size) * 0.9
    assert covered == 1.0
    shown = svc.image(str(tmp_path / "a.png"), 1280, tuple(tiles[0].extra["crop"]))
    assert shown.shape == tiles[0].content.pixels.shape


@pytest.mark.parametrize(
    "written",
    ["Version of the bridge plan by A. Berg", "The pier, by night", "Digital cameras on sale"],
)
def test_what_a_person_writes_is_a_description(written: str, tmp_path: Path, cut: Any) -> None:
    assert cut(_described(tmp_path / "a.jpg", x010E=written))[1].text == written


def test_an_ordinary_image_has_no_tiles(tmp_path: Path, cut: Any) -> None:
    Image.new("RGB", (3000, 2000)).save(tmp_path / "a.png")
    (segment,) = cut(tmp_path / "a.png")
    assert segment.extra == {}


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.avif"])
def test_frames_of_an_animation_last_as_long_as_they_say(
    name: str, tmp_path: Path, cut: Any, svc: Any, slide: Any
) -> None:
    frames = [Image.fromarray(slide(f"{word}\n{word}")) for word in ("One", "Two", "Three")]
    path = tmp_path / name
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=[10_000, 2_500, 6_000],
        lossless=True,
    )  # fmt: skip
    assert svc.probe(str(path)).duration_s == 18.5
    assert [s.span.start for s in cut(path)] == [0.0, 10.0, 12.5]


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.avif"])
@pytest.mark.parametrize("out", ["clip.mp4", "clip.gif", "clip.webm"])
def test_a_stretch_of_an_animation_is_a_film_with_its_frames_and_times(
    name: str, out: str, tmp_path: Path, svc: Any, slide: Any
) -> None:
    slides = [slide(f"{word}\n{word}") for word in ("One", "Two", "Three")]
    path = tmp_path / name
    Image.fromarray(slides[0]).save(
        path, save_all=True, append_images=[Image.fromarray(s) for s in slides[1:]],
        duration=[10_000, 2_500, 6_000], lossless=True,
    )  # fmt: skip
    made = tmp_path / "made" / out
    made.parent.mkdir()
    mime, start, end = svc.clip(str(path), 9.0, 13.5, str(made))
    assert (mime, start, end) == ("video/webm" if "webm" in out else "video/mp4", 9.0, 13.5)
    assert svc.probe(str(made)).duration_s == pytest.approx(4.5, abs=0.05)
    for second, shown in ((0.2, 0), (0.9, 0), (1.1, 1), (3.4, 1), (3.6, 2), (4.4, 2)):
        ((_, pixels),) = svc.frames(str(made), [second], 4096)
        assert np.abs(pixels.astype(int) - slides[shown]).mean() < 8
    with pytest.raises(NotFoundError):
        svc.clip(str(path), 19.0, 20.0, str(made))


def test_of_a_still_picture_there_is_no_clip(tmp_path: Path, svc: Any) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.gif")
    with pytest.raises(BadRequestError, match="only video and audio"):
        svc.clip(str(tmp_path / "a.gif"), 0.0, 1.0, str(tmp_path / "b.mp4"))


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_an_animation_that_breaks_off_is_as_long_as_what_is_there(
    name: str, tmp_path: Path, svc: Any
) -> None:
    rng = np.random.default_rng(3)
    frames = [Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)) for _ in range(8)]
    path = tmp_path / name
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=500, lossless=True)
    data = path.read_bytes()
    whole = svc.probe(str(path))
    path.write_bytes(data[: len(data) * 5 // 8])
    source = Source("0" * 64, str(path), "a", whole.modality, whole.mime, 1, whole.duration_s)
    items = list(svc.decompose(str(path), source, CutOptions()))
    ends = [i.span.end for i in items if isinstance(i, Segment)]
    lengths = [i.seconds for i in items if isinstance(i, FileLength)]
    assert 1.0 < max(ends) < 4.0
    assert lengths == [max(ends)] or svc.probe(str(path)).duration_s == max(ends)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_an_animation_that_breaks_off_has_the_frames_that_are_there(
    name: str, tmp_path: Path
) -> None:
    frames = [Image.new("RGB", (64, 64), (n * 20, 0, 0)) for n in range(8)]
    path = tmp_path / name
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=500, lossless=True)
    kind = name[2:].upper()
    assert durations(str(path), kind) == [0.5] * 8
    data = path.read_bytes()
    for end in range(20, len(data), 7):
        path.write_bytes(data[:end])
        assert set(durations(str(path), kind)) <= {0.5}


def test_a_frame_that_stays_is_shown_and_not_the_flash_before_it(
    tmp_path: Path, cut: Any, slide: Any
) -> None:
    words = ("Opening\nremarks", "Flash", "Harvest\nof the north", "Thank\nyou all")
    frames = [Image.fromarray(slide(word)) for word in words]
    path = tmp_path / "a.gif"
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=[10_000, 100, 8000, 6000]
    )
    middle = cut(path)[1]
    assert middle.extra["key_time"] == pytest.approx(10.1)
    assert np.abs(middle.content.keyframe.astype(int) - slide(words[2])).mean() < 8


def test_a_picture_of_a_png_that_is_no_part_of_its_animation_is_not_shown(
    tmp_path: Path, cut: Any, svc: Any, slide: Any
) -> None:
    frames = [Image.fromarray(slide(f"{word}\n{word}")) for word in ("Cover", "One", "Two")]
    path = tmp_path / "a.png"
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=[3000, 2000], default_image=True
    )
    assert svc.probe(str(path)).duration_s == 5.0
    assert [(s.span.start, s.span.end) for s in cut(path)] == [(0.0, 3.0), (3.0, 5.0)]


def test_ink_both_light_and_dark_on_a_clear_ground_stands_out(tmp_path: Path, cut: Any) -> None:
    image = Image.new("RGBA", (200, 100))
    image.paste((255, 255, 255, 255), (20, 20, 180, 40))
    image.paste((0, 0, 0, 255), (20, 60, 180, 80))
    image.save(tmp_path / "a.png")
    (segment,) = cut(tmp_path / "a.png")
    light, dark, ground = (int(segment.content.pixels[y, 100, 0]) for y in (30, 70, 5))
    assert min(light - ground, ground - dark) > 64


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_light_ink_stands_out_in_every_mode_that_can_be_clear(
    mode: str, tmp_path: Path, cut: Any
) -> None:
    image = Image.new("RGBA", (200, 100))
    image.paste((255, 255, 255, 120), (40, 40, 160, 60))
    converted = image.quantize(8) if mode == "P" else image.convert("LA")
    converted.save(tmp_path / "a.png")
    (segment,) = cut(tmp_path / "a.png")
    pixels = segment.content.pixels
    assert int(pixels[50, 100, 0]) - int(pixels[5, 5, 0]) > 64


def test_light_letters_with_dark_edges_on_a_clear_colour_stand_out(
    tmp_path: Path, cut: Any
) -> None:
    image = Image.new("L", (200, 100), 0)
    for edge, tone in ((0, 40), (1, 255)):
        image.paste(tone, (40 + edge, 40 + edge, 160 - edge, 48 - edge))
    image.save(tmp_path / "a.png", transparency=0)
    (segment,) = cut(tmp_path / "a.png")
    assert tuple(segment.content.pixels[5, 5]) != (255, 255, 255)
