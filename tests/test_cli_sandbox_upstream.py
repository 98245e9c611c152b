"""`smscli sandbox --upstream`: what it says, what it refuses, and that nobody learns a key by it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ran
from tests.documents import document
from tests.upstreams import upstream

BINARY = Path(sys.executable).with_name("smscli")
KEY = "zQ7/xJ+k9vW3=b8"

Run = Callable[..., Ran]


def write_profiles(home: Path, **urls: str) -> None:
    """Write profiles of one account, each with its own address; those named ``real...`` are no sandbox's."""
    config = home / "config.toml"
    config.touch(0o600)
    tables = (
        f'[profiles.{name}]\nprovider = "lightsms"\nsandbox = {str(not name.startswith("real")).lower()}\n'
        f'login = "acme"\napi_key = "{KEY}"\nsender = "Demo"\n' + (f'base_url = "{url}"\n' if url else "")
        for name, url in urls.items()
    )
    config.write_text("\n".join(tables))


def environ(home: Path) -> dict[str, str]:
    """Return the variables of a command at home there."""
    own = {"SMSCLI_CONFIG": str(home / "config.toml"), "SMSCLI_STATE_DIR": str(home / "state")}
    return {**{name: value for name, value in os.environ.items() if not name.startswith("SMSCLI_")}, **own}


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the command on any port; give its root when it is ready, and itself."""
    ready = home / f"url{len(list(home.glob('url*')))}"
    argv = [str(BINARY), "sandbox", "--port", "0", "--ready-file", str(ready), *options]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home, env=environ(home)
    ) as server:
        try:
            deadline = time.monotonic() + 20
            while not ready.exists():
                assert time.monotonic() < deadline
                assert server.poll() is None, server.communicate()
                time.sleep(0.02)
            yield ready.read_text().strip(), server
        finally:
            server.kill()


def stop(server: subprocess.Popen[str]) -> tuple[str, str]:
    """End it well; return all that it has said."""
    server.send_signal(signal.SIGTERM)
    out, err = server.communicate(timeout=10)
    assert server.returncode == 0, err
    return out, err


def get(url: str) -> str:
    """Return the body of an answer, whatever its status."""
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310  (our own sandbox)
            return str(reply.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


def send(home: Path, profile: str) -> subprocess.CompletedProcess[str]:
    """Send a text by our own command."""
    argv = [str(BINARY), "send", "-p", profile, "--to", "+37061234567", "Labas", "--no-journal"]
    return subprocess.run(argv, env=environ(home), capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("heeded_signals")
def test_a_command_sends_through_it_and_the_key_is_nowhere(tmp_path: Path) -> None:
    """One message arrives behind it; neither list, page, files nor what is printed has the key, also with -vv."""
    write_profiles(tmp_path, account="http://127.0.0.1:1/external/get/")
    with serving(tmp_path, "-p", "account") as (behind, _):
        write_profiles(tmp_path, box=f"{behind}/external/get/")
        with serving(tmp_path, "--upstream", "box", "--export", "new", "-vv", "-o", "json") as (root, server):
            config = tmp_path / "config.toml"
            own = f'\n[profiles.own]\nprovider = "lightsms"\nsandbox = true\nbase_url = "{root}/external/get/"\n'
            config.write_text(config.read_text() + own + f'login = "acme"\napi_key = "{KEY}"\nsender = "Demo"\n')
            ran = send(tmp_path, "own")
            assert ran.returncode == 0, ran.stderr
            get(f"{root}/external/get/send.php?login=acme&text=a&phone=37061234567&signature={'0' * 32}&key={KEY}")
            theirs: list[dict[str, Any]] = json.loads(get(f"{behind}/api/messages?accepted=true"))
            paths = [
                "/",
                "/page/setup",
                "/api/messages",
                "/api/state",
                "/api/balance",
                "/api/chaos",
                "/api/openapi.json",
            ]
            paths += [f"/{which}/messages/{number}" for which in ("api", "page") for number in (1, 2, 3)]
            told = [get(f"{root}{path}") for path in paths]
            out, err = stop(server)
    entries = json.loads(told[paths.index("/api/messages")])
    sends = [entry for entry in entries if entry["accepted"] and entry["operation"] == "send"]
    assert [(one["to"], one["message_id"]) for one in sends] == [(one["to"], one["message_id"]) for one in theirs]
    assert len(theirs) == 1
    files = [file.read_text() for file in (tmp_path / "new").iterdir()]
    assert len(files) == 3
    for text in (*told, *files, out, err):
        assert KEY not in text
    assert document(out)["data"]["upstream"] == {"profile": "box", "base_url": f"{behind}/external/get/"}
    assert f"smscli: warning: every request is passed on to {behind}/external/get/, another sandbox\n" in err
    assert "smscli: message 1: lightsms timestamp: answered\n" in err
    assert "smscli: message 2: lightsms send to 37061234567: accepted, 1 part: Labas\n" in err


@pytest.mark.usefixtures("heeded_signals")
def test_it_says_that_it_costs_money_also_when_it_is_to_be_quiet(tmp_path: Path) -> None:
    """And what became of a request that reached nobody."""
    with upstream(None) as server:
        write_profiles(tmp_path, real=f"{server.root}/external/get/")
        with serving(tmp_path, "--upstream", "real", "-q") as (root, quiet):
            out, err = stop(quiet)
        assert out == f"lightsms\t{root}/external/get/\tprofile real\n"
        assert err == f"smscli: warning: every request is passed on to {server.root}/external/get/ and costs money\n"
        with serving(tmp_path, "--upstream", "real") as (root, loud):
            assert get(f"{root}/external/get/send.php?text=Hi&phone=37061234567").startswith("UNKNOWN: ")
            _, err = stop(loud)
        assert "message 1: lightsms send to 37061234567: UNKNOWN (127.0.0.1:" in err
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--profile", "box"), ("--credit", "1"), ("--write-profile", "x.toml"), ("--seed", "a"),
        ("--reports", "lightsms=http://127.0.0.1/"), ("--chaos", "lightsms send error=32"),
    ],
)  # fmt: skip
def test_what_has_nothing_to_do_with_it_is_refused(smscli: Run, tmp_path: Path, options: tuple[str, str]) -> None:
    """Nothing is emulated, so nothing can be set up or fail on purpose."""
    write_profiles(tmp_path, box="http://127.0.0.1:1/")
    ran = smscli("sandbox", "--port", "0", "--upstream", "box", *options)
    assert (ran.code, f"{options[0]} has nothing to do with --upstream" in ran.err) == (2, True), ran.err


def test_a_profile_that_leads_nowhere_or_back_is_refused(smscli: Run, tmp_path: Path) -> None:
    """With a sentence, before anything is passed on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    write_profiles(tmp_path, inside="", back=f"http://localhost:{port}/external/get/")
    ran = smscli("sandbox", "--port", "0", "--upstream", "inside")
    assert (ran.code, "profile inside has no address" in ran.err) == (2, True), ran.err
    ran = smscli("sandbox", "--port", str(port), "--upstream", "back")
    assert (ran.code, "profile back leads back to this sandbox" in ran.err) == (3, True), ran.err
    ran = smscli("sandbox", "--port", "0", "--upstream", "nobody")
    assert (ran.code, ran.out) == (3, "")
