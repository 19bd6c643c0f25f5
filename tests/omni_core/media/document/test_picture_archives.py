"""Comics and other archives of pictures."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from omni_core.errors import NotFoundError, UnreadableError
from omni_core.media.document.picture_files import is_pictures
from omni_core.media.service import MediaService
from omni_core.types import CutOptions, FileWarning, ImageContent, Limits, Segment, Source

INFO = b"""<?xml version="1.0"?><ComicInfo><Series>The Lighthouse</Series><Number>3</Number>
<Title>Storm</Title><Summary>A keeper counts ships.</Summary><Writer>Ada Marin</Writer>
<Year>1987</Year><Month>5</Month><Pages><Page Image="0" Type="FrontCover"/>
<Page Image="1" Bookmark="The first night"/></Pages></ComicInfo>"""


def _picture(red: int, kind: str = "JPEG", size: tuple[int, int] = (200, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (red, 0, 0)).save(out, kind)
    return out.getvalue()


def _zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as z:
        for name, data in files.items():
            z.writestr(name, data)
    return path


def _tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as t:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            t.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def service() -> Iterator[MediaService]:
    service = MediaService(Limits())
    yield service
    service.close()


def _read(service: MediaService, path: Path) -> tuple[list[Segment], list[str]]:
    info = service.probe(str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source = Source(digest, str(path), info.title, info.modality, info.mime, 1, pages=info.pages)
    items = list(service.decompose(str(path), source, CutOptions()))
    return (
        [item for item in items if isinstance(item, Segment)],
        [item.message for item in items if isinstance(item, FileWarning)],
    )


def _reds(segments: list[Segment]) -> list[tuple[float, int]]:
    """(page, red of its middle) of each picture."""
    return [
        (s.span.start, round(int(s.content.pixels[20, 20, 0]), -1))
        for s in segments
        if isinstance(s.content, ImageContent)
    ]


@pytest.mark.parametrize("make", [_zip, _tar])
def test_a_comic_is_read_page_by_page_in_the_order_of_its_numbers(
    make: type, service: MediaService, tmp_path: Path
) -> None:
    path = make(
        tmp_path / ("a.cbz" if make is _zip else "a.cbt"),
        {
            "Vol 10/page 1.png": _picture(200, "PNG"),
            "Vol 2/page 10.jpg": _picture(100),
            "Vol 2/page 2.webp": _picture(50, "WEBP"),
            "ComicInfo.xml": INFO,
        },
    )

    info = service.probe(str(path))
    segments, warnings = _read(service, path)

    assert (info.pages, info.title) == (3, "The Lighthouse 3: Storm")
    assert info.recorded_at is not None
    assert (info.recorded_at.year, info.recorded_at.month) == (1987, 5)
    assert _reds(segments) == [(1, 50), (2, 100), (3, 200)]
    words = [s for s in segments if s.text]
    assert "A keeper counts ships." in words[0].text
    assert "Writer: Ada Marin" in words[0].text
    assert [s.extra.get("heading") for s in segments[1:]] == [None, "The first night", None]
    assert warnings == []
    assert service.page(str(path), 3, 100).shape == (100, 67, 3)
    with pytest.raises(NotFoundError):
        service.page(str(path), 4, 100)


@pytest.mark.parametrize(("make", "name"), [(_zip, "photos.zip"), (_tar, "photos.tar")])
def test_an_archive_of_nothing_but_pictures_is_read(
    make: type, name: str, service: MediaService, tmp_path: Path
) -> None:
    path = make(
        tmp_path / name,
        {
            "IMG_2.JPG": _picture(100),
            "IMG_1.JPG": _picture(50),
            "__MACOSX/._IMG_1.JPG": b"\0\5\x16\7",
            ".DS_Store": b"\0\0\0\1Bud1",
            "Thumbs.db": b"\xd0\xcf\x11\xe0",
        },
    )

    segments, warnings = _read(service, path)

    assert _reds(segments) == [(1, 50), (2, 100)]
    assert warnings == []


@pytest.mark.parametrize(("make", "name"), [(_zip, "all.zip"), (_tar, "all.tar")])
def test_an_archive_with_other_files_is_refused_with_what_to_do(
    make: type, name: str, service: MediaService, tmp_path: Path
) -> None:
    path = make(tmp_path / name, {"a.jpg": _picture(50), "notes.txt": b"words"})

    with pytest.raises(UnreadableError, match="unpack it and ingest what is inside"):
        service.probe(str(path))


def test_what_a_comic_holds_beside_its_pages_and_what_is_damaged_is_named(
    service: MediaService, tmp_path: Path
) -> None:
    path = _zip(
        tmp_path / "a.cbz",
        {
            "1.jpg": _picture(50),
            "2.jxl": b"\xff\x0a" + bytes(90),
            "3.jpg": _picture(100),
            "readme.txt": b"x",
        },
    )

    segments, warnings = _read(service, path)

    assert _reds(segments) == [(1, 50), (3, 100)]
    assert any("page 2: '2.jxl' is" in line and "JPEG XL" in line for line in warnings)
    assert any("readme.txt" in line for line in warnings)
    assert len(warnings) == 2


def test_a_comic_that_breaks_off_keeps_its_first_pages(
    service: MediaService, tmp_path: Path
) -> None:
    files = {f"{n}.jpg": _picture(n * 50) for n in (1, 2, 3)}
    for path in (_zip(tmp_path / "a.cbz", files), _tar(tmp_path / "a.cbt", files)):
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rindex(_picture(150)) + 100])

        segments, warnings = _read(service, path)

        assert _reds(segments)[:2] == [(1, 50), (2, 100)]
        assert any("cut short" in line for line in warnings)


def test_a_comic_whose_description_cannot_be_read_keeps_its_pages(
    service: MediaService, tmp_path: Path
) -> None:
    entity = b'<!DOCTYPE a [<!ENTITY x "y">]><ComicInfo><Title>&x;</Title></ComicInfo>'
    path = _zip(tmp_path / "storm.cbz", {"1.jpg": _picture(50), "ComicInfo.xml": entity})

    segments, warnings = _read(service, path)

    assert _reds(segments) == [(1, 50)]
    assert len(warnings) == 1
    assert "ComicInfo.xml" in warnings[0]


def test_a_damaged_description_costs_itself(service: MediaService, tmp_path: Path) -> None:
    path = _zip(tmp_path / "storm.cbz", {"1.jpg": _picture(50), "ComicInfo.xml": INFO})
    path.write_bytes(path.read_bytes().replace(b"A keeper", b"A k\0eper"))

    segments, warnings = _read(service, path)

    assert _reds(segments) == [(1, 50)]
    assert warnings == ["ComicInfo.xml is damaged and not read (BadZipFile)"]


def test_a_long_page_is_followed_by_its_tiles(service: MediaService, tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.cbz", {"1.png": _picture(50, "PNG", (400, 8000))})

    segments, warnings = _read(service, path)

    crops = [s.extra["crop"] for s in segments if "crop" in s.extra]
    assert (crops[0][1], crops[-1][3]) == (0.0, 1.0)
    assert [s.extra["tiles"] for s in segments if "tiles" in s.extra] == [len(crops)]
    assert len({(s.channel, s.span, s.part) for s in segments}) == len(segments)
    assert warnings == []


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [("a.cbr", b"Rar!\x1a\x07\x01\0", "RAR"), ("a.cb7", b"7z\xbc\xaf\x27\x1c\0\4", "7-Zip")],
)
def test_comics_in_other_archives_are_named(
    name: str, head: bytes, kind: str, service: MediaService, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(head + bytes(4000))

    with pytest.raises(UnreadableError, match=f"is a comic in a {kind} archive; save it as CBZ"):
        service.probe(str(path))


def test_a_page_under_a_second_name_is_one_and_a_link_is_named(
    service: MediaService, tmp_path: Path
) -> None:
    path = tmp_path / "a.cbt"
    with tarfile.open(_tar(path, {"1.jpg": _picture(50)}), "a") as t:
        for name, kind, target in (
            ("2.jpg", tarfile.LNKTYPE, "1.jpg"), ("3.jpg", tarfile.SYMTYPE, "/etc/passwd"),
        ):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            t.addfile(member)

    segments, warnings = _read(service, path)

    assert _reds(segments) == [(1, 50), (2, 50)]
    assert ["3.jpg" in line for line in warnings] == [True]


def test_a_damaged_header_between_pages_is_no_end(service: MediaService, tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.cbt", {f"{n}.jpg": _picture(n * 50) for n in (1, 2, 3)})
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"2.jpg\0", b"?????\0"))

    segments, warnings = _read(service, path)

    assert _reds(segments) == [(1, 50)]
    assert any("cut short or damaged" in line for line in warnings)


def test_names_of_other_systems_and_of_any_number_are_read(
    service: MediaService, tmp_path: Path
) -> None:
    path = tmp_path / "a.cbt"
    files = {"1" * 5_000 + ".jpg": _picture(100), "2.jpg": _picture(50), "caf\udce9.txt": b"x"}
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as t:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            t.addfile(member, io.BytesIO(data))

    segments, warnings = _read(service, path)

    assert len(_reds(segments)) == 2
    assert any("café.txt" in line for line in warnings)


def test_a_number_of_no_year_costs_itself(service: MediaService, tmp_path: Path) -> None:
    info = b"<ComicInfo><Title>Storm</Title><Year>" + b"9" * 5_000 + b"</Year></ComicInfo>"
    path = _zip(tmp_path / "a.cbz", {"1.jpg": _picture(50), "ComicInfo.xml": info})

    assert service.probe(str(path)).title == "Storm"


def test_what_a_photo_service_says_of_pictures_keeps_none_of_them_from_being_seen() -> None:
    photos = {"a/x.jpg", "a/y.png"}
    about = {"a/x.jpg.json", "a/x.jpg.supplemental-metadata.json", "a/y.xmp", "a/metadata.json"}

    assert is_pictures("takeout.zip", photos | about)
    assert not is_pictures("site.zip", photos | {"a/data.json"})
    assert not is_pictures("about.zip", about)
