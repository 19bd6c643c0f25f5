"""Resumable uploads: tus 1.0, durable over restarts, and nothing half that looks whole."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from omni_core.settings import Settings
from tests.omni_server.http.conftest import AUTH, BASE, Running, Web

BYTES = {"content-type": "application/offset+octet-stream"}
FILE = bytes(range(256)) * 40
SHA = hashlib.sha256(FILE).hexdigest()


def described(**pairs: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in pairs.items())


async def begin(http: httpx2.AsyncClient, size: int = len(FILE), **pairs: str) -> str:
    headers = {"tus-resumable": "1.0.0", "upload-length": str(size),
               "upload-metadata": described(**({"filename": "talk.mp4"} | pairs))}  # fmt: skip
    answer = await http.post("/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def patch(
    http: httpx2.AsyncClient, place: str, offset: int, body: Any, **headers: str
) -> httpx2.Response:
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    return await http.patch(
        place, content=body, headers={**BYTES, "upload-offset": str(offset), **named}
    )


async def offset_of(http: httpx2.AsyncClient, place: str) -> int:
    return int((await http.head(place)).headers["upload-offset"])


def whole(settings: Settings, place: str) -> Path:
    return settings.store_path / "uploads" / place.rpartition("/")[2]


async def test_what_is_offered_is_said(web: Web) -> None:
    async with web() as http:
        answer = await http.options("/uploads")
        wrong = await http.post("/uploads", headers={"tus-resumable": "0.2.2"})
        without = await httpx2.AsyncClient(transport=http._transport, base_url=BASE).post(
            "/uploads"
        )
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert "creation" in answer.headers["tus-extension"].split(",")
    assert int(answer.headers["tus-max-size"]) == 20_000 << 20
    assert (wrong.status_code, wrong.headers["tus-version"]) == (412, "1.0.0")
    assert without.status_code == 401


async def test_an_upload_in_three_requests_is_whole_after_the_last(
    web: Web, settings: Settings
) -> None:
    async with web() as http:
        place = await begin(http, filename="../My talk.mp4")
        assert not whole(settings, place).exists()
        for start in (0, 4000, 8000):
            answer = await patch(http, place, start, FILE[start : start + 4000])
            assert answer.status_code == 204
            assert answer.headers["tus-resumable"] == "1.0.0"
            assert int(answer.headers["upload-offset"]) == min(len(FILE), start + 4000)
        assert "upload-expires" not in answer.headers
        row = (await http.get(place)).json()
    assert (row["complete"], row["name"], row["offset"]) == (True, "My talk.mp4", len(FILE))
    file = whole(settings, place) / "My talk.mp4"
    assert file.read_bytes() == FILE
    if os.name == "posix":
        assert file.stat().st_mode & 0o077 == 0
        assert file.parent.stat().st_mode & 0o077 == 0


async def test_what_broke_off_goes_on_after_a_restart_of_the_server(
    web: Web, settings: Settings
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield FILE[:3000]
        raise ConnectionError("gone")

    async with web() as http:
        place = await begin(http, sha256=SHA)
        await patch(http, place, 0, FILE[:1000])
        with pytest.raises(ConnectionError):
            await patch(http, place, 1000, broken())
        stored = await offset_of(http, place)
    assert 1000 <= stored <= 4000
    async with web() as http:
        assert await offset_of(http, place) == stored
        assert (await patch(http, place, stored, FILE[stored:])).status_code == 204
        listed = (await http.get("/uploads")).json()["uploads"]
    assert [(u["source"], u["complete"]) for u in listed] == [(whole(settings, place).name, True)]
    assert (whole(settings, place) / "talk.mp4").read_bytes() == FILE


async def test_a_sender_that_disconnects_leaves_what_came(
    running: Running, settings: Settings
) -> None:
    """As uvicorn reports it: the body's beginning, then a disconnect."""
    async with running() as app:
        http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url=BASE, headers=AUTH
        )
        place = await begin(http)
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": FILE[:2500], "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive() -> dict[str, Any]:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        sent: list[dict[str, Any]] = []
        headers = {**AUTH, **BYTES, "host": "127.0.0.1", "upload-offset": "0"}
        scope = {
            "type": "http", "method": "PATCH", "path": place, "query_string": b"",
            "root_path": "", "scheme": "http", "client": ("10.0.0.9", 1), "http_version": "1.1",
            "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
        }  # fmt: skip
        await app(scope, receive, send)
        assert await offset_of(http, place) == 2500
        await http.aclose()


async def test_a_wrong_offset_is_409_and_says_where_to_go_on(web: Web) -> None:
    async with web() as http:
        place = await begin(http)
        await patch(http, place, 0, FILE[:1000])
        for offset in (0, 999, 1001, 5000):
            answer = await patch(http, place, offset, FILE[offset:])
            assert answer.status_code == 409
            assert "1000" in answer.text
        assert await offset_of(http, place) == 1000


async def test_more_than_was_announced_is_refused_and_undone(web: Web) -> None:
    async with web() as http:
        place = await begin(http, size=1500)
        await patch(http, place, 0, FILE[:1000])
        assert (await patch(http, place, 1000, FILE)).status_code == 413
        assert await offset_of(http, place) == 1000


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_a_block_with_another_checksum_is_460_and_not_kept(web: Web, algorithm: str) -> None:
    def sum_of(data: bytes) -> str:
        digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
        return f"{algorithm} {base64.b64encode(digest).decode()}"

    async with web() as http:
        place = await begin(http)
        good = await patch(http, place, 0, FILE[:1000], upload_checksum=sum_of(FILE[:1000]))
        bad = await patch(http, place, 1000, FILE[1000:2000], upload_checksum=sum_of(b"else"))
        strange = await patch(http, place, 1000, b"x", upload_checksum="crc32 AAAA")
        assert (good.status_code, bad.status_code, strange.status_code) == (204, 460, 400)
        assert await offset_of(http, place) == 1000


@pytest.mark.parametrize("restart", [False, True])
async def test_a_file_with_another_sha256_is_removed_and_never_whole(
    web: Web, settings: Settings, restart: bool
) -> None:
    async with web() as http:
        place = await begin(http, sha256="0" * 64)
        await patch(http, place, 0, FILE[:5000])
        if not restart:
            answer = await patch(http, place, 5000, FILE[5000:])
    if restart:  # the running digest is lost, so the file is read again
        async with web() as http:
            answer = await patch(http, place, 5000, FILE[5000:])
    assert answer.status_code == 460
    assert not list((settings.store_path / "uploads").iterdir())


async def test_a_second_writer_is_423_while_the_first_goes_on(web: Web) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield FILE[:100]
        begun.set()
        await go.wait()
        yield FILE[100:]

    async with web() as http:
        place = await begin(http)
        first = asyncio.create_task(patch(http, place, 0, slow()))
        await asyncio.wait_for(begun.wait(), 30)
        second = await patch(http, place, 0, FILE)
        removal = await http.delete(place)
        go.set()
        assert (await asyncio.wait_for(first, 30)).status_code == 204
    assert (second.status_code, removal.status_code) == (423, 423)
    assert second.headers["retry-after"]


async def test_one_sender_may_send_so_many_at_once(web: Web) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield FILE
        begun.set()
        await go.wait()

    async with web(uploads_at_once=1) as http:
        places = [await begin(http), await begin(http)]
        first = asyncio.create_task(patch(http, places[0], 0, slow()))
        await asyncio.wait_for(begun.wait(), 30)
        second = await patch(http, places[1], 0, FILE)
        go.set()
        await asyncio.wait_for(first, 30)
        again = await patch(http, places[1], 0, FILE)
    assert (second.status_code, again.status_code) == (429, 204)


async def test_an_upload_can_be_removed_whole_or_not(web: Web, settings: Settings) -> None:
    async with web() as http:
        half, full = await begin(http), await begin(http)
        await patch(http, half, 0, FILE[:10])
        await patch(http, full, 0, FILE)
        for place in (half, full):
            assert (await http.delete(place)).status_code == 204
            assert (await http.head(place)).status_code == 404
            assert (await http.delete(place)).status_code == 404
    assert not list((settings.store_path / "uploads").iterdir())


async def test_unfinished_uploads_expire_and_whole_ones_stay(web: Web, settings: Settings) -> None:
    async with web(upload_expiry_h=2) as http:
        half, full = await begin(http), await begin(http)
        answer = await patch(http, half, 0, FILE[:10])
        assert answer.headers["upload-expires"].endswith("GMT")
        await patch(http, full, 0, FILE)
    uploads = settings.store_path / "uploads"
    for file in uploads.rglob("*"):
        os.utime(file, (time.time() - 7300,) * 2)
    (uploads / ("upload_" + "a" * 26 + ".part")).mkdir()  # just begun by somebody
    async with web(upload_expiry_h=2) as http:
        for _ in range(600):
            record = uploads / f"{half.rpartition('/')[2]}.json"
            if not await asyncio.to_thread(record.exists):  # the last that is removed
                break
            await asyncio.sleep(0.05)
        assert (await http.head(half)).status_code == 404
        assert (await http.head(full)).status_code == 200
    left = {p.name.partition(".")[0] for p in uploads.iterdir()}
    assert left == {full.rpartition("/")[2], "upload_" + "a" * 26}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"upload-length": "many"}, 400),
        ({"upload-length": "-1"}, 400),
        ({"upload-length": "٣"}, 400),
        ({"upload-length": "0"}, 400),
        ({"upload-length": str(2 << 20)}, 413),
        ({"upload-length": "9" * 18}, 413),
        ({"upload-length": "9" * 5000}, 400),
        ({"upload-defer-length": "1"}, 400),
        ({"upload-length": "10", "upload-metadata": "filename %%%"}, 400),
        ({"upload-length": "10", "upload-metadata": described(sha256="beef")}, 400),
    ],
)
async def test_a_wrong_beginning_is_one_line_and_leaves_nothing(
    web: Web, settings: Settings, headers: dict[str, str], status: int
) -> None:
    async with web(max_file_mb=1) as http:
        raw = [(k.encode(), v.encode()) for k, v in headers.items()]
        answer = await http.post("/uploads", headers=raw)
    assert answer.status_code == status
    assert len(answer.text.strip().splitlines()) == 1
    uploads = settings.store_path / "uploads"
    assert not uploads.exists() or not list(uploads.iterdir())


@pytest.mark.parametrize("id_", ["x", "upload_" + "a" * 26, "%2e%2e%2flinks.key", "a" * 3000])
async def test_an_unknown_upload_is_404(web: Web, id_: str) -> None:
    async with web() as http:
        for method in ("HEAD", "GET", "PATCH", "DELETE"):
            answer = await http.request(method, f"/uploads/{id_}", headers=BYTES)
            assert answer.status_code == 404


async def test_the_quota_is_over_all_uploads_and_counts_what_is_still_to_come(web: Web) -> None:
    async with web(uploads_mb=1) as http:
        place = await begin(http, size=700_000)
        second = await http.post("/uploads", headers={"upload-length": "700000"})
        once = await http.post("/upload?name=a.mp4", content=b"x" * 700_000)
        await http.delete(place)
        third = await http.post("/uploads", headers={"upload-length": "700000"})
    assert (second.status_code, once.status_code, third.status_code) == (507, 507, 201)
    assert second.text.startswith("UPLOADS_FULL: ")


async def test_a_body_of_unknown_length_stops_at_the_quota(web: Web, settings: Settings) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * (1 << 20)

    async with web(uploads_mb=2) as http:
        answer = await http.post("/upload?name=a.mp4", content=endless())
    assert (answer.status_code, answer.text[:12]) == (507, "UPLOADS_FULL")
    assert not list((settings.store_path / "uploads").iterdir())


async def test_a_server_may_take_no_uploads(web: Web) -> None:
    async with web(uploads_mb=0) as http:
        for path in ("/upload?name=a.mp4", "/uploads"):
            answer = await http.post(path, content=b"x", headers={"upload-length": "1"})
            assert (answer.status_code, answer.text[:10]) == (403, "NO_UPLOADS")


async def test_a_read_only_server_takes_and_removes_no_upload(web: Web, settings: Settings) -> None:
    async with web() as http:
        half, done = await begin(http), await begin(http)
        await patch(http, half, 0, FILE[:9])
        await patch(http, done, 0, FILE)
    before = await asyncio.to_thread(lambda: sorted(settings.store_path.rglob("uploads/**/*")))
    async with web(read_only=True, upload_expiry_h=1e-9) as http:
        answers = [
            await http.post("/upload?name=a.mp4", content=b"x"),
            await http.post("/uploads", headers={"upload-length": "1"}),
            await patch(http, half, 9, FILE[9:]),
            await http.delete(done),
        ]
        assert await offset_of(http, half) == 9
    assert [(a.status_code, a.text[:10]) for a in answers] == [(403, "READ_ONLY:")] * 4
    after = await asyncio.to_thread(lambda: sorted(settings.store_path.rglob("uploads/**/*")))
    assert after == before


async def test_a_file_in_one_request_is_checked_by_its_sha256(web: Web, settings: Settings) -> None:
    async with web() as http:
        good = await http.post(f"/upload?name=a.mp4&sha256={SHA.upper()}", content=FILE)
        bad = await http.post(f"/upload?name=b.mp4&sha256={'0' * 64}", content=FILE)
        listed = (await http.get("/uploads")).json()["uploads"]
    assert (good.status_code, bad.status_code) == (201, 460)
    assert [u["source"] for u in listed] == [good.json()["source"]]


async def test_the_first_bytes_may_come_with_the_creation(web: Web) -> None:
    async with web() as http:
        headers = {**BYTES, "upload-length": str(len(FILE))}
        answer = await http.post("/uploads/", headers=headers, content=FILE[:600])
        assert (answer.status_code, answer.headers["upload-offset"]) == (201, "600")
        place = answer.headers["location"]
        override = {"x-http-method-override": "PATCH", "upload-offset": "600"}
        rest = await http.post(place, headers={**BYTES, **override}, content=FILE[600:])
        assert (rest.status_code, rest.headers["upload-offset"]) == (204, str(len(FILE)))


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as a full disk would")
async def test_a_full_disk_is_one_line_and_the_rest_can_be_sent_later(web: Web) -> None:
    import resource

    big = os.urandom(3 << 20)
    async with web() as http:
        place = await begin(http, size=len(big), sha256=hashlib.sha256(big).hexdigest())
        once = "/upload?name=a.mp4"
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_500_000, hard))
        try:
            full = await patch(http, place, 0, big)
            at_once = await http.post(once, content=big)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        stored = await offset_of(http, place)
        rest = await patch(http, place, stored, big[stored:])
        listed = (await http.get("/uploads")).json()["uploads"]
    assert (full.status_code, at_once.status_code) == (507, 507)
    assert full.text.startswith("DISK_FULL: ")
    assert stored == 2_500_000
    assert rest.status_code == 204
    assert len(listed) == 1


async def test_uploads_of_others_are_not_there(web: Web, settings: Settings) -> None:
    """One store, two senders: the gate names them; here the one is known by its token."""
    async with web() as http:
        place = await begin(http)
        await patch(http, place, 0, FILE)
    async with web(token="") as nobody:
        assert (await nobody.get("/uploads")).json() == {"uploads": []}
        for method in ("HEAD", "GET", "PATCH", "DELETE"):
            answer = await nobody.request(method, place, headers={**BYTES, "upload-offset": "0"})
            assert answer.status_code == 404
    assert (whole(settings, place) / "talk.mp4").read_bytes() == FILE


@pytest.mark.parametrize("good", [True, False])
async def test_a_server_that_ended_after_the_last_byte_makes_the_file_whole_when_asked(
    web: Web, settings: Settings, good: bool
) -> None:
    async with web() as http:
        place = await begin(http, sha256=SHA)
        await patch(http, place, 0, FILE[:-1])
    part = settings.store_path / "uploads" / f"{whole(settings, place).name}.part" / "talk.mp4"
    with part.open("ab") as file:  # as if it had been killed before the rename
        file.write(FILE[-1:] if good else b"?")
    async with web() as http:
        assert (await http.head(place)).status_code == (200 if good else 460)
    assert (whole(settings, place) / "talk.mp4").exists() is good


async def test_the_last_block_may_be_empty_when_the_whole_file_is_there(web: Web) -> None:
    async with web() as http:
        place = await begin(http)
        await patch(http, place, 0, FILE)
        again = await patch(http, place, len(FILE), b"")
    assert (again.status_code, again.headers["upload-offset"]) == (204, str(len(FILE)))
