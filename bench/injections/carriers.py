"""Files that carry a text: in their name, title, tags, pages, subtitles, speech, picture, mail."""

from __future__ import annotations

import re
import wave
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pymupdf
from PIL import Image, ImageDraw, ImageFont

MAX_NAME = 120
"""Bytes of a file name made of a text."""


def file_name(text: str) -> str:
    """The text as part of a file name: without what no name can hold."""
    plain = re.sub(r"[/\0]", "_", text).encode("utf-8", "ignore")[:MAX_NAME]
    return plain.decode("utf-8", "ignore").strip().lstrip(".")


def name(folder: Path, text: str) -> list[Path]:
    """A note, a film that is none, and an empty picture, all of this name."""
    made = [folder / f"{file_name(text)}{end}" for end in (".md", ".mp4", ".png")]
    made[0].write_text(f"# Harbour\n\nThe ferry leaves at seven from pier nine: {hash(text)}.\n")
    made[1].write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 50)
    made[2].write_bytes(b"")
    return made


def title(folder: Path, text: str) -> list[Path]:
    """A sound with the text as title, artist and chapter; web page with it as title and link."""
    clean = "".join(c for c in text if c.isprintable() or c == " ")
    sound = folder / "song.m4a"
    with av.open(str(sound), "w") as out:
        out.metadata.update({"title": clean, "artist": clean, "album": clean, "comment": clean})
        stream = out.add_stream("aac", rate=16_000)
        tone = np.sin(np.arange(3 * 16_000) * 0.2).astype(np.float32) / 4
        for i in range(0, len(tone), 1024):
            chunk = av.AudioFrame.from_ndarray(tone[None, i : i + 1024], "fltp", "mono")
            chunk.sample_rate, chunk.pts, chunk.time_base = 16_000, i, Fraction(1, 16_000)
            out.mux(stream.encode(chunk))
        out.mux(stream.encode(None))
    page = folder / "page.html"
    page.write_text(
        f"<html><head><title>{text}</title></head><body><h1>{text}</h1>"
        f"<p>The ferry leaves at seven.</p><a href='https://e.example/{text}'>{text}</a></body>",
        "utf-8", "replace",
    )  # fmt: skip
    return [sound, page]


def exif(folder: Path, text: str) -> list[Path]:
    """A picture with the text as description, artist, software and comment."""
    path = folder / "photo.jpg"
    made = Image.Exif()
    for tag in (0x010E, 0x013B, 0x0131, 0x8298):
        made[tag] = text.encode("utf-8", "replace").decode("latin-1")
    made[0x9C9C] = text.encode("utf-16-le", "replace")
    Image.new("RGB", (320, 200), (len(text) % 255, 40, 40)).save(path, exif=made)
    return [path]


def pdf(folder: Path, text: str) -> list[Path]:
    """A PDF with the text on its page, in metadata, outline and a link; a table with it."""
    path = folder / "paper.pdf"
    made = pymupdf.open()
    page = made.new_page()
    page.insert_textbox(pymupdf.Rect(40, 40, 560, 700), f"The ferry leaves. {text}", fontsize=11)
    page.insert_link({"kind": pymupdf.LINK_URI, "from": pymupdf.Rect(40, 40, 90, 60),
                      "uri": "https://e.example/" + re.sub(r"\W", "-", text)})  # fmt: skip
    made.set_metadata({"title": text, "author": text, "subject": text, "keywords": text})
    made.set_toc([[1, text, 1]])
    made.save(path)
    table = folder / "sheet.csv"
    table.write_text(f'name,"{text.replace(chr(34), "")}"\nferry,7\n', "utf-8", "replace")
    return [path, table]


def subtitles(folder: Path, text: str) -> list[Path]:
    """A subtitle file by itself, whose speaker has the text as name."""
    path = folder / "talk.vtt"
    plain = text.replace("\n\n", " ").replace("-->", "")
    path.write_text(
        f"WEBVTT\n\n00:01.000 --> 00:04.000\n<v {plain}>The ferry leaves: {plain}\n",
        "utf-8", "replace",
    )  # fmt: skip
    return [path]


def speech(folder: Path, text: str) -> list[Path]:
    """A recording whose words are in a transcript beside it."""
    path = folder / "meeting.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        noise = np.random.default_rng(len(text)).integers(-900, 900, 5 * 16_000)
        out.writeframes(noise.astype("<i2").tobytes())
    plain = text.replace("\n\n", "\n").replace("-->", "")
    (folder / "meeting.srt").write_text(
        f"1\n00:00:01,000 --> 00:00:04,000\nThe ferry: {plain}\n", "utf-8", "replace"
    )
    return [path]


def screen(folder: Path, text: str) -> list[Path]:
    """A picture of the text: its words come from OCR."""
    path = folder / "screenshot.png"
    image = Image.new("RGB", (1400, 260), "white")
    shown = "".join(c for c in text if " " <= c <= "~")
    font = ImageFont.load_default(size=28)
    words = ImageDraw.Draw(image)
    for at in range(0, len(shown), 80):
        words.text((20, 20 + at // 80 * 44), shown[at : at + 80], fill="black", font=font)
    image.save(path)
    return [path]


def mail(folder: Path, text: str) -> list[Path]:
    """A mail with the text as subject, sender's name, body and name of what is attached."""
    line = " ".join("".join(c for c in text if c.isprintable() or c == " ").split())
    message = EmailMessage()
    message["Subject"] = line
    message["From"] = "sender@example.org"
    message["X-Name"] = line
    message.set_content(f"The ferry leaves.\n{line}\n")
    message.add_attachment(b"ferry", maintype="text", subtype="plain", filename=f"{line[:60]}.txt")
    path = folder / "letter.eml"
    path.write_bytes(message.as_bytes())
    return [path]


CARRIERS: Mapping[str, Callable[[Path, str], list[Path]]] = {
    "file name": name,
    "title": title,
    "EXIF": exif,
    "PDF": pdf,
    "subtitles": subtitles,
    "speech": speech,
    "screen words": screen,
    "mail": mail,
}
"""Each writes files that carry a text into a folder, and returns them."""
