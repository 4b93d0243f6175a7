"""Downloads from a server on this machine: resumed, checked, refused."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from chemscale.base.errors import DataError
from chemscale.chem import sources
from chemscale.chem.download import download, download_source
from chemscale.chem.sources import Source

CONTENT = bytes(range(256)) * 4_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    tag: str | None = '"one"'
    status: int = 200
    content_type: str = "application/octet-stream"
    cut_after: list[int] = field(default_factory=list)
    ranges: bool = True
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[tuple[str, Behaviour]]:
    behaviour = Behaviour()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            behaviour.asked.append(asked)
            same = behaviour.tag is not None and self.headers.get("If-Range") == behaviour.tag
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and same and behaviour.ranges else 0
            body = behaviour.content[start:]
            self.send_response(206 if start else behaviour.status)
            if start:
                total = len(behaviour.content)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            if behaviour.tag:
                self.send_header("ETag", behaviour.tag)
            self.send_header("Content-Type", behaviour.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if behaviour.cut_after:
                body = body[: behaviour.cut_after.pop(0)]
                self.close_connection = True
            self.wfile.write(body)

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/file.bin", behaviour
    httpd.shutdown()
    httpd.server_close()


def source(*urls: str, size: int | None = len(CONTENT), sha256: str | None = SHA256) -> Source:
    return Source("test", "smiles", "file.bin", urls, size, sha256, None, None, "MIT", "none")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_file_is_downloaded_whole(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    path = download(source(server[0]), "test", tmp_path)
    assert path == tmp_path / "file.bin" and path.read_bytes() == CONTENT
    assert names(tmp_path) == ["file.bin"]


def test_a_cut_download_goes_on_where_it_was(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.cut_after = [100_000, 200_000]
    path = download(source(url), "test", tmp_path)
    assert path.read_bytes() == CONTENT
    assert behaviour.asked == ["", "bytes=100000-", "bytes=300000-"]


def test_another_run_goes_on_where_the_first_was_cut(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, behaviour = server
    behaviour.cut_after = [100_000, 0, 0, 0, 0]
    with pytest.raises(DataError, match="100,000 bytes are kept"):
        download(source(url), "test", tmp_path)
    assert names(tmp_path) == ["file.bin.part", "file.bin.part.validator"]
    behaviour.cut_after, behaviour.asked = [], []
    assert download(source(url), "test", tmp_path).read_bytes() == CONTENT
    assert behaviour.asked == ["bytes=100000-"]
    assert names(tmp_path) == ["file.bin"]


@pytest.mark.parametrize("change", ["other version", "no validator", "no ranges"])
def test_a_part_that_cannot_be_continued_is_begun_again(
    server: tuple[str, Behaviour], tmp_path: Path, change: str
) -> None:
    url, behaviour = server
    behaviour.tag = None if change == "no validator" else behaviour.tag
    behaviour.cut_after = [1000, 0, 0, 0]
    with pytest.raises(DataError):
        download(source(url, size=None, sha256=None), "test", tmp_path)
    behaviour.cut_after = []
    behaviour.ranges = change != "no ranges"
    behaviour.content = CONTENT[::-1]
    if change == "other version":
        behaviour.tag = '"two"'
    assert download(source(url, size=None, sha256=None), "test", tmp_path).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize(
    ("changes", "given", "message"),
    [
        ({}, {"sha256": "0" * 64}, f"sha256 {SHA256}, expected 0000"),
        ({}, {"size": 7}, "got 1,024,000 bytes, expected 7"),
        ({"content": b""}, {"size": None, "sha256": None}, "empty file"),
        ({"content": b"", "status": 202}, {}, "202 .*try again later"),
        ({"status": 404}, {}, "404 Not Found"),
        ({"status": 503}, {}, "503"),
        ({"content_type": "text/html; charset=utf-8"}, {"size": None, "sha256": None}, "web page"),
    ],
)
def test_what_is_not_the_file_is_refused(
    server: tuple[str, Behaviour],
    tmp_path: Path,
    changes: dict[str, object],
    given: dict[str, object],
    message: str,
) -> None:
    url, behaviour = server
    for name, value in changes.items():
        setattr(behaviour, name, value)
    with pytest.raises(DataError, match=message) as caught:
        download(source(url, **given), "test", tmp_path)  # type: ignore[arg-type]
    assert str(tmp_path / "file.bin") in str(caught.value) and url in str(caught.value)
    assert names(tmp_path) == []


def test_the_second_address_is_tried_where_the_first_fails(server: tuple[str, Behaviour], tmp_path: Path) -> None:
    url, _ = server
    assert download(source("http://127.0.0.1:9/none", url), "test", tmp_path).read_bytes() == CONTENT


def test_without_a_network_the_error_says_which_file_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEMSCALE_DATA", str(tmp_path))
    monkeypatch.setattr(sources, "SOURCES", {"test": source("http://127.0.0.1:9/file.bin")})
    with pytest.raises(DataError) as caught:
        download_source("test")
    message = str(caught.value)
    assert "is there a network?" in message
    assert "http://127.0.0.1:9/file.bin" in message and str(tmp_path / "file.bin") in message


def test_a_file_that_is_here_is_not_downloaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEMSCALE_DATA", str(tmp_path))
    monkeypatch.setattr(sources, "SOURCES", {"test": source("http://127.0.0.1:9/file.bin")})
    (tmp_path / "file.bin").write_bytes(b"mine")
    assert download_source("test").read_bytes() == b"mine"
