"""The corpus of captures: what people have in hand, each with what was really sent.

``captures/expectations.json`` names for each file where it comes from, and the requests in it. What has ``run`` was run
where the corpus was made, against a socket that kept the bytes; the pairs are those that the standard library reads in
them. The shell lines of curl and wget are run again here, where the programs are installed.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smscli.capture import Captured, decode, read_all

CORPUS = Path(__file__).parent / "captures"
EXPECTATIONS: dict[str, dict[str, Any]] = json.loads((CORPUS / "expectations.json").read_text())


def captures(name: str) -> list[Captured]:
    """Return what is read in a file of the corpus."""
    return read_all(decode((CORPUS / name).read_bytes()))


def wire(data: bytes | None) -> str | None:
    """Return bytes as the corpus writes them: the digits of an escape have no case, and an address no fragment."""
    if data is None:
        return None
    text = data.decode("utf-8", "surrogateescape")
    return re.sub("%[0-9A-Fa-f]{2}", lambda match: match[0].lower(), text)


@pytest.fixture(scope="module")
def sent() -> Iterator[tuple[str, list[bytes]]]:
    """Give a proxy on this machine that answers all requests itself, and the list of what it gets."""
    requests: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=50)

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                head = b"".join(iter(stream.readline, b"\r\n"))
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                requests.append(head + b"\r\n" + stream.read(int(length[1]) if length else 0))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    thread = threading.Thread(target=answer)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_the_corpus_is_whole() -> None:
    """Every file has its expectation, and there are enough of every kind."""
    files = {path.name for path in CORPUS.iterdir()} - {"expectations.json"}
    assert files == set(EXPECTATIONS)
    assert len(files) >= 200
    kinds = {request["kind"] for expected in EXPECTATIONS.values() for request in expected["requests"]}
    assert kinds >= {
        "curl command", "wget command", "HTTPie command", "PowerShell command", "fetch call", "HTTP request",
        "list of headers", "HAR entry", "access-log line", "URL", "form body", "line of Go", "line of Java",
        "line of Python requests",
    }  # fmt: skip


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_a_capture_is_read_as_it_was_sent(name: str) -> None:
    """All requests of the file, each with its method, address, bytes and pairs; what is odd about it is said."""
    expected = EXPECTATIONS[name]
    got = captures(name)
    assert len(got) == len(expected["requests"]), got
    for one, request in zip(got, expected["requests"], strict=True):
        assert one.kind == request["kind"]
        assert request.get("place") in (None, one.place)
        if "fault" in request:
            assert request["fault"] in one.fault
            continue
        assert not one.fault
        assert [list(pair) for pair in one.params] == request["params"]
        assert (one.method, one.host, one.path) == (request["method"], request["host"], request["path"])
        sent = (wire(one.raw_query) or "").partition("#")[0]
        assert sent == (wire(request["raw_query"].encode("utf-8", "surrogateescape")) or "").partition("#")[0]
        form = request["raw_form"]
        if form is None or form.startswith(("{", "--")):
            assert one.raw_form is None
        else:
            assert wire(one.raw_form) == wire(form.encode("utf-8", "surrogateescape"))
        assert request.get("seen_at") in (None, one.seen_at)
        assert one.readings
    said = "\n".join(note for one in got for note in one.notes)
    notes = expected.get("notes", [])
    assert all(note in said for note in notes), said
    assert bool(said) == bool(notes)


@pytest.mark.parametrize("tool", ["curl", "wget"])
def test_a_command_is_read_as_the_program_runs_it(tool: str, tmp_path: Path, sent: tuple[str, list[bytes]]) -> None:
    """Each shell line of the corpus is run: method, query and form are those that really left, byte by byte."""
    if not (shutil.which(tool) and shutil.which("bash")):
        pytest.skip(f"{tool} is not installed")
    proxy, requests = sent
    names = [name for name, expected in EXPECTATIONS.items() if expected.get("run") and name.startswith(tool)]
    assert len(names) >= {"curl": 60, "wget": 5}[tool]
    for name in names:
        requests.clear()
        script = (CORPUS / name).read_bytes().replace(b"https://", b"http://")
        environ = {
            "http_proxy": proxy,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
        }
        subprocess.run(
            [b"bash", b"-c", script], env=environ, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=20, check=False,
        )  # fmt: skip
        got = captures(name)
        assert len(got) == len(requests), name
        for one, request in zip(got, requests, strict=True):
            head, _, body = request.partition(b"\r\n\r\n")
            method, target = head.split(b"\r\n")[0].rpartition(b" ")[0].split(b" ", 1)
            assert (one.method or "").encode() == method, name
            assert (wire(one.raw_query) or "").partition("#")[0] == wire(target.partition(b"?")[2]), name
            assert wire(one.raw_form) in (None, wire(body)), name


def test_every_option_of_the_curl_that_is_installed_is_known() -> None:
    """By name, letter and whether a value follows: none is passed over, none takes an address for its value."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    listed = subprocess.run(["curl", "--help", "all"], capture_output=True, text=True, check=True).stdout
    # The protocol of a proxy is optional, and in brackets; the proxy is not.
    lines = re.findall(r"^ *(?:(-\S), )? *--(\S+)(?: ([<\[]))?", listed, re.MULTILINE)
    assert len(lines) > 200
    for letter, name, value in lines:
        if name in ("next", "help", "request-target"):
            continue
        for option in (f"--{name}", *([letter] if letter else ())):
            words = f"{option} https://value.example/?v=1" if value else option
            got = read_all(f"curl {words} 'https://sms.example/?login=a' --url https://x.example/?b=1")
            hosts = [one.host for one in got if one.host]
            assert hosts == [*(["value.example"] if name == "url" else []), "sms.example", "x.example"], option
            assert not [note for note in got[-1].notes if "no option" in note], option
