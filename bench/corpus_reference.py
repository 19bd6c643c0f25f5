"""What other tools read of a file, each optional. A tool that is a Python module runs in a process
of its own, this file as a script, since it may hang or crash on a file too.

    python bench/corpus_reference.py TOOL FILE      prints JSON: text, starts, seconds, date
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).parent]
else:
    from bench.corpus_files import WORD, Found, Result

LIMIT_S = 60
DECODED_MB = 64
"""Files up to this size are decoded by ffprobe; of larger ones the header is believed."""
Facts = dict[str, Any]
"""What a tool says: text; starts (of cues, seconds); seconds (length); date (ISO 8601)."""

VIDEO = "mp4 m4v mov mkv webm avi ts mts mpg mpeg flv wmv ogv mxf 3gp"
AUDIO = "mp3 m4a m4b aac flac ogg oga opus wav aif aiff wma amr ac3 caf wv tta ape mka spx"
IMAGES = "jpg jpeg png gif webp tif tiff heic heif avif jp2 bmp"
SUBTITLES = "srt ass ssa vtt ttml sami smi"


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False)
    return done.stdout.decode("utf-8", "replace")


_CROP = re.compile(r"CropBox:\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)")


def _pdftotext(path: str) -> Facts:
    """The words within the crop box, which is what a viewer shows."""
    boxes = _CROP.findall(_run("pdfinfo", "-box", "-f", "1", "-l", "100000", path))
    sides = [(float(x1) - float(x0), float(y1) - float(y0)) for x0, y0, x1, y1 in boxes]
    wide, high = (max((round(side[n]) for side in sides), default=0) for n in (0, 1))
    if re.search(r"rot:\s+(90|270)", _run("pdfinfo", "-f", "1", "-l", "100000", path)):
        wide = high = max(wide, high)
    crop = ["-x", "0", "-y", "0", "-W", str(wide), "-H", str(high)] if wide and high else []
    return {"text": _run("pdftotext", "-q", "-cropbox", *crop, "-enc", "UTF-8", path, "-")}


def _ffprobe(path: str) -> Facts:
    header = json.loads(_run("ffprobe", "-v", "quiet", "-of", "json", "-show_format", path) or "{}")
    stated = header.get("format", {}).get("duration")
    if stated is None:
        return {}
    if os.path.getsize(path) > DECODED_MB << 20:
        return {"seconds": float(stated)}
    entries = "frame=media_type,pts_time,duration_time,pkt_duration_time"
    frames = _run("ffprobe", "-v", "quiet", "-of", "json", "-show_entries", entries, path)
    spans = [
        (float(f["pts_time"]), float(f.get("duration_time") or f.get("pkt_duration_time") or 0))
        for f in json.loads(frames or "{}").get("frames", [])
        if f.get("media_type") in ("video", "audio") and "pts_time" in f
    ]
    if not spans:
        return {}
    return {"seconds": max(at + length for at, length in spans) - min(at for at, _ in spans)}


def _exiftool(path: str) -> Facts:
    tags = "-DateTimeOriginal", "-CreateDate"
    said = json.loads(_run("exiftool", "-j", "-d", "%Y-%m-%dT%H:%M:%S", *tags, path) or "[{}]")[0]
    date = said.get("DateTimeOriginal") or said.get("CreateDate") or ""
    return {"date": date} if str(date)[:4].strip("0").isdigit() else {}


def _mutagen(path: str) -> Facts:
    found = importlib.import_module("mutagen").File(path)
    return {"seconds": float(found.info.length)} if found is not None else {}


def _docx(path: str) -> Facts:
    document = importlib.import_module("docx").Document(path)
    cells = [c.text for t in document.tables for row in t.rows for c in row.cells]
    return {"text": "\n".join([*(p.text for p in document.paragraphs), *cells])}


def _pptx(path: str) -> Facts:
    shapes = [s for slide in importlib.import_module("pptx").Presentation(path).slides
              for s in slide.shapes]  # fmt: skip
    cells = [c.text for s in shapes if s.has_table for row in s.table.rows for c in row.cells]
    return {"text": "\n".join([*(s.text_frame.text for s in shapes if s.has_text_frame), *cells])}


def _openpyxl(path: str) -> Facts:
    book = importlib.import_module("openpyxl").load_workbook(path, read_only=True, data_only=True)
    cells = (c for sheet in book.worksheets for row in sheet.iter_rows(values_only=True)
             for c in row if isinstance(c, str))  # fmt: skip
    return {"text": "\n".join(cells)}


def _pysubs2(path: str) -> Facts:
    events = importlib.import_module("pysubs2").load(path, errors="surrogateescape")
    shown = [e for e in events if not e.is_comment and not e.is_drawing and e.plaintext.strip()]
    return {"starts": [e.start / 1000 for e in shown if e.end > e.start]}


@dataclass(frozen=True)
class Tool:
    """A reference tool: a command, or a module of Python."""

    name: str
    formats: frozenset[str]
    read: Callable[[str], Facts]
    command: bool = False

    @property
    def installed(self) -> bool:
        """Whether it can be used here."""
        if self.command:
            return shutil.which(self.name) is not None
        return importlib.util.find_spec(self.name) is not None


def _tool(name: str, formats: str, read: Callable[[str], Facts], *, command: bool = False) -> Tool:
    return Tool(name, frozenset(formats.split()), read, command)


TOOLS = (
    _tool("pdftotext", "pdf", _pdftotext, command=True),
    _tool("ffprobe", f"{VIDEO} {AUDIO}", _ffprobe, command=True),
    _tool("exiftool", f"{VIDEO} {IMAGES}", _exiftool, command=True),
    _tool("mutagen", AUDIO, _mutagen),
    _tool("docx", "docx docm", _docx),
    _tool("pptx", "pptx pptm", _pptx),
    _tool("openpyxl", "xlsx xlsm", _openpyxl),
    _tool("pysubs2", SUBTITLES, _pysubs2),
)


def _in_a_process(tool: Tool, path: Path) -> Facts:
    """Raises ValueError with what the process printed last."""
    command = [sys.executable, str(Path(__file__).resolve()), tool.name, str(path)]
    done = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ValueError(lines[-1][:200] if lines else f"exit status {done.returncode}")
    facts: Facts = json.loads(done.stdout)
    return facts


_UNSEEN = re.compile("[\u00ad\u061c\u0640\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Soft hyphens, marks of direction and joiners, and the stroke that stretches Arabic words."""
_DIVIDED = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad]\n\s*(?=[^\W\d_])")
_NOT_LETTERS = re.compile(r"[\W_]+")
SPACED_LETTERS = 4
"""Letters that words divided in another way have together, at least."""


def shared(words_of: str, text: str) -> tuple[int, int]:
    """How many of the words of a tool's text are in `text`, and how many there are.

    Case, ligatures and forms of the same character (NFKC), characters that show nothing, and
    hyphens at line ends make no difference. Where a word ends is a guess of either side: words
    that follow each other and are missing count as found where `text` has their letters, at least
    SPACED_LETTERS, in that order, or where they make a word of it together with their neighbours.
    """
    wanted = WORD.findall(_plain(words_of))
    plain = _plain(text)
    ours = WORD.findall(plain)
    left, whole = Counter(ours), frozenset(ours)
    letters = _NOT_LETTERS.sub("", plain)
    present = []
    for word in wanted:
        present.append(left[word] > 0)
        left[word] -= 1
    found = sum(present)
    at = 0
    for here, run in groupby(present):
        end = at + len(list(run))
        if not here and not whole.issuperset(wanted[at:end]):
            ways = ((a, b) for a in (at, max(0, at - 1)) for b in (end, end + 1))
            joined = ["".join(wanted[a:b]).replace("_", "") for a, b in ways]
            long = [part for part in joined if len(part) >= SPACED_LETTERS]
            if any(left[part] > 0 for part in joined) or any(part in letters for part in long):
                found += end - at
        at = end
    return found, len(wanted)


def _plain(text: str) -> str:
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", _DIVIDED.sub("", text))).lower()


def compare(tool: Tool, path: Path, result: Result, found: Found) -> dict[str, float | str]:
    """Differences between a file's result and what the tool reads of it.

    words: share of the tool's words that were found (0 to 1), of `of` words (see `shared`).
    cues: share of the tool's cues that begin where one was found, of `of` cues. seconds:
    difference of the lengths. date: the tool's, where it is another. failed: why the tool says
    nothing.
    """
    try:
        facts = tool.read(str(path)) if tool.command else _in_a_process(tool, path)
    except subprocess.TimeoutExpired:
        return {"failed": "took too long"}
    except (ValueError, LookupError) as e:
        return {"failed": str(e)}
    said: dict[str, float | str] = {}
    both, words = shared(facts.get("text", ""), found.text)
    if words:
        said |= {"words": round(both / words, 4), "of": words}
    if starts := facts.get("starts", []):
        at = {round(s, 2) for s in found.starts}
        hits = sum(any(round(s + d, 2) in at for d in (0, -0.01, 0.01)) for s in starts)
        said |= {"cues": round(hits / len(starts), 4), "of": len(starts)}
    if "seconds" in facts and result.duration_s is not None:
        said["seconds"] = round(result.duration_s - facts["seconds"], 3)
    if "date" in facts and result.recorded_at != facts["date"]:
        said["date"] = facts["date"]
    return said


if __name__ == "__main__":
    _name, _path = sys.argv[1:]
    print(json.dumps(next(t for t in TOOLS if t.name == _name).read(_path)))
