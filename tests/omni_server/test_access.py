"""The gate: nothing outside the roots is read, whatever a caller writes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from omni_core.errors import BadRequestError, NotFoundError, OmniError, RefusedError, TooLargeError
from omni_core.settings import Settings
from omni_server import access as access_module
from omni_server.access import Access, windows_path_problem

SECRET = "the-secret-words"  # noqa: S105


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """root/ with media; beside it a secret, a twin, links, a pipe, a socket."""
    root = tmp_path / "root"
    (root / "sub" / "deep").mkdir(parents=True)
    for name in (
        "talk.mp4",
        "sub/page.pdf",
        "sub/deep/sound.wav",
        "with space.mp4",
        "12:30 a,b.mp4",
    ):
        (root / name).write_bytes(b"media")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "key.txt").write_text(SECRET)
    (root / ".env").write_text(SECRET)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.mp4").write_text(SECRET)
    twin = tmp_path / "root-twin"
    twin.mkdir()
    (twin / "secret.mp4").write_text(SECRET)
    (root / "link_out.mp4").symlink_to(outside / "secret.mp4")
    (root / "link_folder").symlink_to(outside)
    (root / "link_up").symlink_to("..")
    (root / "chain1").symlink_to("chain2")
    (root / "chain2").symlink_to("link_folder/secret.mp4")
    (root / "loop1").symlink_to("loop2")
    (root / "loop2").symlink_to("loop1")
    (root / "link_etc").symlink_to("/etc/passwd")
    (root / "link_proc").symlink_to("/proc/self/environ")
    (root / "link_dev").symlink_to("/dev/zero")
    (root / "link_missing_out").symlink_to(outside / "not-there.mp4")
    (root / "link_in.mp4").symlink_to("talk.mp4")
    os.mkfifo(root / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as s:
        at = os.getcwd()
        os.chdir(root)  # a socket's address may be only 108 bytes long
        try:
            s.bind("socket.mp4")
        finally:
            os.chdir(at)
    return tmp_path


@pytest.fixture
def access(home: Path) -> Access:
    return Access(Settings(store=str(home / "store"), roots=(str(home / "root"),)))


HOSTILE = [
    # up and out
    "../outside/secret.mp4", "../../etc/passwd", "sub/../../outside/secret.mp4",
    "sub/../../root-twin/secret.mp4", "./../outside/secret.mp4", "..", "../", "/", "//",
    "///etc/passwd",
    "//etc/passwd", "/etc/passwd", "/etc/../etc/passwd", "{root}/../outside/secret.mp4",
    "{root}/sub/../../outside/secret.mp4", "{root}//..//outside//secret.mp4", "{root}/./../outside",
    # twins of the prefix
    "{root}-twin/secret.mp4", "{root}-twin", "{root}x/secret.mp4", "{root}/../root-twin/secret.mp4",
    # links
    "link_out.mp4", "{root}/link_out.mp4", "link_folder", "link_folder/secret.mp4",
    "link_folder/../outside/secret.mp4", "link_up/outside/secret.mp4",
    "link_up/root-twin/secret.mp4",
    "chain1", "chain2", "loop1", "link_etc", "link_proc", "link_dev", "link_missing_out",
    # not files
    "pipe.mp4", "socket.mp4", "{root}/pipe.mp4",
    # NUL and friends
    "talk.mp4\0", "\0", "talk\0.mp4", "talk.mp4\0/../../outside/secret.mp4", "file:///x%00",
    # the system
    "/proc/self/environ", "/proc/self/root/etc/passwd", "/proc/self/cwd", "/proc/1/mem",
    "/dev/zero",
    "/dev/stdin", "/dev/fd/0", "/sys/kernel/notes", "/dev/null",
    # what a decoder takes for a protocol
    "concat:{root}/talk.mp4|/etc/passwd", "concat:/etc/passwd", "CONCAT:/etc/passwd",
    "subfile,,start,0,end,99,,:/etc/passwd", "subfile:/etc/passwd", "file:/etc/passwd",
    "file:///etc/passwd", "FILE:///etc/passwd", "file://localhost/etc/passwd",
    "file://evil/share/x.mp4",
    "file:///%2e%2e/%2e%2e/etc/passwd", "file://{root}/../outside/secret.mp4",
    "file://{root}/%2e%2e/outside/secret.mp4", "pipe:0", "pipe:", "fd:0", "data:text/plain,x",
    "cache:/etc/passwd", "crypto:/etc/passwd", "async:/etc/passwd", "tee:/tmp/x", "md5:/tmp/x",
    "hls:{root}/x.m3u8", "hls+file:///etc/passwd", "unix:/run/x.sock", "ftp://h/x", "sftp://h/x",
    "smb://h/x", "rtmp://h/x", "rtsp://h/x", "tcp://127.0.0.1:1", "udp://127.0.0.1:1",
    "gopher://h/x",
    "ipfs://x", "lavfi://x", "http:/etc/passwd", "javascript://x", "android://x",
    # hidden things under a root
    ".env", ".hidden/key.txt", "{root}/.hidden/key.txt", "sub/../.env", ".hidden",
    # home folders
    "~/.ssh/id_rsa", "~root/.bashrc", "~", "~/../../etc/passwd",
    # encodings are not decoded twice
    "%2e%2e/outside/secret.mp4", "..%2foutside%2fsecret.mp4", "..\\outside\\secret.mp4",
    "....//outside/secret.mp4", "\u2024\u2024/outside/secret.mp4",
    "\uff0e\uff0e/outside/secret.mp4",
    # uploads are named by tokens only
    "upload_../../outside/secret.mp4", "upload_" + "a" * 26, "upload_", "upload_" + "A" * 26,
    # too much
    "a" * 5000, "a/" * 2000 + "b", "", "   ", "\n",
]  # fmt: skip


@pytest.mark.parametrize("source", HOSTILE)
def test_what_lies_outside_the_roots_is_refused_in_one_line_that_tells_nothing(
    access: Access, home: Path, source: str
) -> None:
    named = source.replace("{root}", str(home / "root"))
    with pytest.raises((RefusedError, NotFoundError, BadRequestError)) as caught:
        access.check(named)
    message = str(caught.value)
    assert "\n" not in message
    for leak in (SECRET, "outside/", "root-twin", "/proc", "Errno"):
        assert leak not in message.replace(repr(named), "")


def test_there_are_enough_hostile_cases() -> None:
    assert len(set(HOSTILE)) >= 100


@pytest.mark.parametrize("source", [s for s in HOSTILE if s.strip()])
def test_hostile_words_are_no_files_for_the_other_doors_either(
    access: Access, home: Path, source: str
) -> None:
    named = source.replace("{root}", str(home / "root"))
    assert not access.holds(named)
    with pytest.raises(OmniError):
        access.file(named)


@pytest.mark.parametrize(
    "source",
    ["talk.mp4", "./talk.mp4", "sub/../talk.mp4", "sub//page.pdf", "with space.mp4",
    "12:30 a,b.mp4",
     "{root}/talk.mp4", "{root}/../root/talk.mp4", "file://{root}/talk.mp4",
     "file://localhost{root}/with%20space.mp4", "link_in.mp4", "link_up/root/talk.mp4"],
)  # fmt: skip
def test_files_under_a_root_are_found_by_every_honest_name(
    access: Access, home: Path, source: str
) -> None:
    allowed = access.check(source.replace("{root}", str(home / "root")))
    assert not allowed.many
    assert allowed.files[0].is_relative_to(home / "root")
    assert not allowed.files[0].is_symlink()


def test_the_answer_does_not_tell_whether_a_forbidden_file_exists(
    access: Access, home: Path
) -> None:
    messages = set()
    for name in ("secret.mp4", "not-there.mp4"):
        for source in (str(home / "outside" / name), f"../outside/{name}", f"link_folder/{name}"):
            with pytest.raises(RefusedError) as caught:
                access.check(source)
            messages.add(str(caught.value))
    assert len(messages) == 1


def test_a_root_may_itself_be_a_link_and_be_named_by_it(tmp_path: Path) -> None:
    real = tmp_path / "disk" / "videos"
    real.mkdir(parents=True)
    (real / "a.mp4").write_bytes(b"x")
    (tmp_path / "videos").symlink_to(real)
    access = Access(Settings(store=str(tmp_path / "s"), roots=(str(tmp_path / "videos"),)))
    for source in (f"{tmp_path}/videos/a.mp4", f"{real}/a.mp4", "a.mp4"):
        assert access.check(source).files == (real / "a.mp4",)


def test_without_roots_every_path_is_refused_and_the_way_out_is_named(tmp_path: Path) -> None:
    access = Access(Settings(store=str(tmp_path)))
    with pytest.raises(RefusedError, match="--root FOLDER") as caught:
        access.check("talk.mp4")
    assert caught.value.code == "NO_ROOTS"


def test_a_refusal_names_the_roots(access: Access, home: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        access.check("/etc/passwd")
    assert caught.value.code == "PATH_NOT_ALLOWED"
    assert str(home / "root") in str(caught.value)


def test_a_missing_file_suggests_near_names_of_the_same_root_only(
    access: Access, home: Path
) -> None:
    (home / "outside" / "talk1.mp4").write_bytes(b"x")
    with pytest.raises(NotFoundError) as caught:
        access.check("sub/tallk.mp4")
    assert caught.value.code == "NOT_FOUND"
    assert "'talk.mp4'" in str(caught.value)
    assert "talk1" not in str(caught.value)
    assert "link_out" not in str(caught.value)


def test_relative_names_are_tried_in_every_root(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "two" / "b.mp4").write_bytes(b"x")
    roots = (str(tmp_path / "one"), str(tmp_path / "two"))
    access = Access(Settings(store=str(tmp_path / "s"), roots=roots))
    assert access.check("b.mp4").files == (tmp_path / "two" / "b.mp4",)


def test_a_folder_is_listed_without_hidden_files_and_without_links_that_lead_out(
    access: Access, home: Path
) -> None:
    allowed = access.check(str(home / "root"))
    names = [str(p.relative_to(home / "root")) for p in allowed.files]
    assert allowed.many
    assert names == [
        "12:30 a,b.mp4", "talk.mp4", "with space.mp4", "sub/page.pdf", "sub/deep/sound.wav"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.mp4", ["12:30 a,b.mp4", "talk.mp4", "with space.mp4"]),
        ("**/*.wav", ["sub/deep/sound.wav"]),
        ("**/*.mp4", ["12:30 a,b.mp4", "talk.mp4", "with space.mp4"]),
        ("sub/**", ["sub/page.pdf", "sub/deep/sound.wav"]),
        ("sub/*", ["sub/page.pdf"]),
        ("t?lk.mp4", ["talk.mp4"]),
        ("[st]*/*/*.wav", ["sub/deep/sound.wav"]),
    ],
)
def test_globs_find_files_under_a_root(
    access: Access, home: Path, pattern: str, expected: list[str]
) -> None:
    allowed = access.check(pattern)
    assert allowed.many
    assert [str(p.relative_to(home / "root")) for p in allowed.files] == expected


@pytest.mark.parametrize(
    "pattern", ["../*", "../outside/*", "/etc/*", "link_folder/*", "/*", "*/../../outside/*"]
)
def test_globs_never_reach_outside(access: Access, pattern: str) -> None:
    with pytest.raises((RefusedError, NotFoundError)):
        access.check(pattern)


def test_a_glob_that_finds_nothing_says_so(access: Access) -> None:
    with pytest.raises(NotFoundError, match="no file fits"):
        access.check("*.flac")


def test_a_file_whose_name_looks_like_a_glob_is_that_file(access: Access, home: Path) -> None:
    (home / "root" / "what?[1].mp4").write_bytes(b"x")
    assert not access.check("what?[1].mp4").many


def test_a_glob_below_a_folder_whose_name_looks_like_one_finds_its_files(
    access: Access, home: Path
) -> None:
    folder = home / "root" / "talks [2024]"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"x")
    assert access.check("talks [2024]/*.mp4").files == (folder.resolve() / "a.mp4",)
    (home / "root" / "loop[1]").symlink_to("loop[1]")
    with pytest.raises((NotFoundError, RefusedError)):
        access.check("loop[1]")


def test_too_many_files_are_refused(
    access: Access, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "MAX_FILES", 3)
    with pytest.raises(TooLargeError):
        access.check(str(home / "root"))


def test_a_hard_link_is_a_file_of_the_folder_it_is_in(access: Access, home: Path) -> None:
    """Two names of one file are equal: who may link a file may read it."""
    os.link(home / "root" / "talk.mp4", home / "root" / "again.mp4")
    assert access.check("again.mp4").files == (home / "root" / "again.mp4",)


def test_a_file_that_becomes_a_link_after_the_look_is_not_followed(
    access: Access, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = home / "root" / "talk.mp4"
    real_lstat = os.lstat

    def swap(path: object) -> os.stat_result:
        seen = real_lstat(path)  # type: ignore[arg-type]
        if str(path) == str(target) and not target.is_symlink():
            target.unlink()
            target.symlink_to(home / "outside" / "secret.mp4")
        return seen

    monkeypatch.setattr(os, "lstat", swap)
    with pytest.raises(OmniError):
        access.file(str(target))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_says_what_is_missing(access: Access, home: Path) -> None:
    (home / "root" / "talk.mp4").chmod(0)
    with pytest.raises(RefusedError, match="permission"):
        access.check("talk.mp4")


def test_an_upload_is_named_by_its_token(access: Access) -> None:
    token = "upload_" + "a2" * 13
    folder = access.uploads / token
    folder.mkdir(parents=True)
    (folder / "film.mp4").write_bytes(b"x")
    assert access.check(token).files == (folder / "film.mp4",)
    with pytest.raises(NotFoundError, match="POST /upload"):
        access.check("upload_" + "b3" * 13)


@pytest.mark.parametrize("kind", [["catalog.sqlite", "lock"], ["catalog.sqlite", "backup.json"],
                                  ["restoring", "lock"], ["shared/lock"]])  # fmt: skip
def test_any_other_library_under_a_root_is_not_among_its_files_either(
    tmp_path: Path, kind: list[str]
) -> None:
    root, inner = tmp_path / "root", "talks/library/thumbs/film.jpg"
    for file in (inner, *(f"talks/library/{k}" for k in kind), "talks/talk.mp4", "catalog.sqlite"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"x")
    access = Access(Settings(roots=(str(root),), store=str(tmp_path / "own")))
    (root / "link.jpg").symlink_to(root / inner)
    for source in (inner, "link.jpg", "talks/library", "talks/library/**"):
        with pytest.raises(RefusedError) as refused:
            access.check(source)
        assert refused.value.code == "PATH_NOT_ALLOWED"
    for source in (".", "**", "talks/../**/*"):
        found = [f.name for f in access.check(source).files]
        assert found == ["catalog.sqlite", "talk.mp4"]
    with pytest.raises(NotFoundError) as absent:
        access.check("flim.jpg")
    assert "film" not in str(absent.value)
    chosen = str(root / "talks/library")
    for roots in ((chosen,), (chosen, str(root)), (str(root), chosen)):
        within = Access(Settings(roots=roots, store=str(tmp_path / "own")))
        assert within.check("thumbs/film.jpg").files  # it is a root that was chosen
    for pair in ((root, root / "talks/library/thumbs"), (root / "talks/library/thumbs", root)):
        both = Access(Settings(roots=tuple(map(str, pair)), store=str(tmp_path / "own")))
        assert both.check(str(root / inner)).files
        with pytest.raises(RefusedError):
            both.check(str(root / "talks/library"))


@pytest.mark.parametrize("name", ["store/uploads/upload_{}/film.mp4", "store/catalog.txt"])
def test_a_library_under_a_root_is_not_among_its_files(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    token = "a2" * 13
    for file in (name.format(token), "store-talk.mp4", "talk.mp4"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"x")
    access = Access(Settings(roots=(str(root),), store=str(root / "store")))
    (root / "link.mp4").symlink_to(root / name.format(token))
    for source in (name.format(token), "link.mp4", str(root / name.format(token))):
        with pytest.raises(RefusedError) as refused:
            access.check(source)
        assert refused.value.code == "PATH_NOT_ALLOWED"
    for source in (".", "**"):
        assert [f.name for f in access.check(source).files] == ["store-talk.mp4", "talk.mp4"]
    with pytest.raises(RefusedError):
        access.check("store")
    with pytest.raises(NotFoundError) as absent:
        access.check("flim.mp4")
    assert "film" not in str(absent.value)


@pytest.mark.parametrize(
    "name",
    ["NUL", "nul.mp4", "C:\\x\\CON", "com1.txt", "LPT9", "a.mp4:stream", "a.mp4::$DATA",
    "C:talk.mp4",
     "\\\\server\\share\\a.mp4", "//server/share/a.mp4", "\\\\?\\C:\\a.mp4", "\\\\.\\pipe\\x",
     "folder.\\a.mp4", "a.mp4 ", "a.mp4.", "CONIN$", "aux.tar.gz", "com¹"],
)  # fmt: skip
def test_names_that_windows_reads_in_its_own_way_are_odd(name: str) -> None:
    assert windows_path_problem(name)


@pytest.mark.parametrize(
    "name", ["C:\\media\\a.mp4", "a.mp4", "..\\a.mp4", "console.mp4", "nulls/a b.mp4"]
)
def test_plain_windows_names_are_not_odd(name: str) -> None:
    assert not windows_path_problem(name)
