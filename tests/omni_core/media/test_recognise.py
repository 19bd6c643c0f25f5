"""Files are known by their bytes, dated and named; what is unknown is refused in one line."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import NotFoundError, TooLargeError, UnreadableError
from omni_core.media.dates import in_name, parse
from omni_core.media.service import service
from omni_core.types import Modality


def test_a_wrong_suffix_does_not_matter(barcode_film: Path, tmp_path: Path, svc: Any) -> None:
    for name in ("film.txt", "film.jpg", "film", "film.mp3"):
        shutil.copy(barcode_film, tmp_path / name)
        assert svc.probe(str(tmp_path / name)).modality is Modality.VIDEO


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("plan.pdf"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("log.txt.gz", gzip.compress(b"words", mtime=0), "compressed file (gzip)"),
        ("log.bz2", bz2.compress(b"words"), "compressed file (bzip2)"),
        ("log.xz", lzma.compress(b"words"), "compressed file (xz)"),
        ("plans.tar", _tar(), "TAR archive"),
        ("plans.7z", b"7z\xbc\xaf\x27\x1c" + bytes(60), "7-Zip archive"),
        ("plans.rar", b"Rar!\x1a\x07\x01\0" + bytes(60), "RAR archive"),
    ],
)
def test_archives_are_named_for_what_they_are(
    name: str, data: bytes, what: str, tmp_path: Path, svc: Any
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableError, match=f"{re.escape(what)}; unpack it") as e:
        svc.probe(str(tmp_path / name))
    assert e.value.code == "UNSUPPORTED_TYPE"


def test_text_named_like_a_film_is_text(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("just words")
    assert svc.probe(str(path)).mime == "text/plain"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.exe", b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" * 20, "Supported: video"),
        ("a.zip", b"PK\3\4\x14\0\0\0\0\0" + b"\0" * 40, "cannot be decoded"),
        ("a.doc", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "cannot be decoded"),
        ("a.mp4", b"", "is empty"),
        ("a.ps", b"%!PS-Adobe-3.0\n1 setgray", "is PostScript, which is not read"),
        ("a.m3u8", b"#EXTM3U\n#EXTINF:10,\nother.ts\n", "is a playlist"),
        ("a.chm", b"ITSF\3\0\0\0" + bytes(90), "is a help file of Windows"),
        ("a.lit", b"ITOLITLS\1\0" + bytes(90), "is a book of Microsoft Reader"),
        ("a.kfx", b"CONT\2\0" + bytes(90), "is a Kindle book"),
        ("a.one", bytes.fromhex("e4525c7b8cd8a74d") + bytes(90), "is a section of OneNote"),
        ("a.db", b"SQLite format 3\0" + bytes(90), "is a database"),
        ("a.sav", b"$FL2@(#) SPSS DATA FILE" + bytes(90), "is data of SPSS"),
        ("a.dbf", bytes([3, 124, 1, 12]) + b" Swan" * 20, "is a database"),
        ("a.wpd", b"\xffWPC\x10\0" + bytes(90), "is a WordPerfect document"),
        ("a.ttf", b"\0\1\0\0\0\x0f\0\x80" + bytes(90), "is a font"),
        ("a.dwg", b"AC1032\0\0" + bytes(90), "is a drawing of AutoCAD"),
        ("a.torrent", b"d8:announce3:a:b4:infod12:piece lengthi1eee", "is a torrent"),
        ("a.fit", b"\x0e\x10\xd9\7\1\0\0\0.FIT" + bytes(90), "is a recording of a watch"),
        ("a.pem", b"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "is a key or a certificate"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(
    name: str, data: bytes, says: str, tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=says) as e:
        svc.probe(str(path))
    assert "\n" not in str(e.value)
    assert str(tmp_path) not in str(e.value)


def test_a_missing_file_and_one_over_the_limit_are_told_apart(tmp_path: Path, svc: Any) -> None:
    with pytest.raises(NotFoundError):
        svc.probe(str(tmp_path / "none.mp4"))
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * (3 << 20))
    with pytest.raises(TooLargeError, match="3 MB"):
        service(max_file_mb=2).probe(str(path))


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("IMG_20240131_184500.jpg", datetime(2024, 1, 31, 18, 45)),
        ("PXL_20240131_184500123.mp4", datetime(2024, 1, 31, 18, 45)),
        ("2024-01-31 18.45.00.mov", datetime(2024, 1, 31, 18, 45)),
        ("Screenshot 2024-01-31 at 18.45.07.png", datetime(2024, 1, 31, 18, 45, 7)),
        ("VID-20240131-WA0007.mp4", datetime(2024, 1, 31)),
        ("meeting 2024_01_31.mp3", datetime(2024, 1, 31)),
        ("order 9920240131551.pdf", None),
        ("20241399.txt", None),
        ("notes.txt", None),
    ],
)
def test_dates_in_names_are_found(name: str, when: datetime | None) -> None:
    found = in_name(name)
    assert found == (when.astimezone() if when else None)


def test_dates_of_tags_keep_their_zone_and_zeros_are_no_dates() -> None:
    assert parse("2024-01-31T18:45:00.000000Z") == datetime(2024, 1, 31, 18, 45, tzinfo=UTC)
    zoned = parse("2024:01:31 18:45:00+05:30")
    assert zoned is not None
    assert zoned.isoformat() == "2024-01-31T18:45:00+05:30"
    assert parse("1970-01-01T00:00:00Z") is None
    assert parse("1904-01-01T00:00:00Z") is None
    assert parse("2024-13-41") is None
    assert parse("") is None


def test_a_date_in_the_container_comes_before_the_name(film: Any, svc: Any, tools: Any) -> None:
    frames = [tools.barcode(n) for n in range(10)]
    tags = {"creation_time": "2022-05-06T07:08:09Z", "title": "Bees at work"}
    path = film(frames, tags=tags, name="VID_20240131_184500.mp4")
    info = svc.probe(str(path))
    assert info.recorded_at == datetime(2022, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert (info.recorded_at_from, info.title) == ("container", "Bees at work")
    plain = svc.probe(str(film(frames, name="20240131_184500_garden.mkv", suffix=".mkv")))
    assert plain.recorded_at_from == "file name"
    assert plain.title == "20240131 184500 garden"


def test_a_message_of_pgp_is_encrypted(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "letter.asc"
    path.write_text("-----BEGIN PGP MESSAGE-----\n\nhQEMA5\n-----END PGP MESSAGE-----\n")
    with pytest.raises(UnreadableError, match="decrypt it") as e:
        svc.probe(str(path))
    assert e.value.code == "ENCRYPTED"


def test_a_text_that_tells_of_such_files_is_a_text(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.md"
    path.write_text("SQLite format 3 is a file format.\n\n-----BEGIN PGP MESSAGE----- begins it.")
    assert svc.probe(str(path)).mime == "text/markdown"


@pytest.mark.parametrize("start", ["[playlist](songs.md) of the tide", "PAR1 of the tide",
                                   "BLENDER-v4 of the tide"])  # fmt: skip
def test_notes_that_begin_like_such_files_are_notes(start: str, tmp_path: Path, svc: Any) -> None:
    (file := tmp_path / "notes.md").write_text(f"{start}\n")
    assert svc.probe(str(file)).mime.startswith("text/")
