"""Subtitles that are pictures of words are named for what they are, and never read as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import UnreadableError

INDEX = "# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\n"


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [("a.idx", INDEX.encode(), "VobSub"), ("a.idx", b"\xef\xbb\xbf" + INDEX.encode(), "VobSub"),
     ("a.txt", INDEX.encode(), "VobSub"), ("a.sub", b"\0\0\1\xba" + bytes(4000), "VobSub"),
     ("a.sup", b"PG" + bytes(40), "PGS"), ("a.sup", b"SP" + bytes(40), "DVD SUP"),
     ("a.xml", b"<?xml version='1.0'?>\n<BDN Version='0.93'><Events/></BDN>", "BDN")],
)  # fmt: skip
def test_unread_subtitles_are_refused_by_name(
    name: str, data: bytes, kind: str, tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=rf"pictures of words \({kind}\)") as e:
        svc.probe(str(path))
    assert e.value.code == "UNSUPPORTED_TYPE"


def test_a_text_named_as_an_index_is_a_text(tmp_path: Path, cut: Any) -> None:
    path = tmp_path / "a.idx"
    path.write_text("All boats, by their names.\n")
    assert [s.text for s in cut(path)] == ["All boats, by their names."]


def test_captions_in_bytes_are_refused_by_name(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.mcc"
    path.write_text("File Format=MacCaption_MCC V1.0\n\nUUID=x\n\n00:00:01;00\tT52S524F67ZZ\n")
    with pytest.raises(UnreadableError, match=r"closed captions as bytes \(MCC\)") as e:
        svc.probe(str(path))
    assert e.value.code == "UNSUPPORTED_TYPE"
