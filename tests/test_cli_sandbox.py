"""`smscli sandbox`: what it prints, the files it writes for others, and the line about each message."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smscli import render, sandbox
from smscli.cli import arrivals
from smscli.cli import sandbox as cli_sandbox
from smscli.cli.arrivals import line
from smscli.cli.invocation import Invocation
from smscli.model import Account, Secret
from smscli.render import Output
from smscli.runtime import Runtime
from smscli.sandbox import Caught
from smscli.testing import SandboxServer
from smscli.wire import Request
from tests.conftest import Ran
from tests.documents import document

BINARY = Path(sys.executable).with_name("smscli")
SEND = "/api/mainsms/message/send?project=demo-payforsms&recipients=9121231234&message=Hello&"

Run = Callable[..., Ran]


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[list[list[str]], subprocess.Popen[str]]]:
    """Start the command on any port; give the lines that it has printed by the time it is ready, and itself."""
    environ = {**os.environ, "SMSCLI_CONFIG": str(home / "config.toml"), "SMSCLI_STATE_DIR": str(home / "state")}
    argv = [str(BINARY), "sandbox", "--port", "0", *options]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home, env=environ
    ) as server:
        try:
            assert server.stdout is not None
            yield [server.stdout.readline().rstrip("\n").split("\t") for _ in sandbox.demo_accounts()], server
        finally:
            server.kill()


def await_text(path: Path, old: str = "") -> str:
    """Return what a file holds as soon as it is there, and no longer holds ``old``."""
    deadline = time.monotonic() + 10
    while not path.exists() or path.read_text() == old:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return path.read_text()


def get(url: str) -> Any:
    """Return the JSON of an answer."""
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310  (our own sandbox)
        return json.load(reply)


def stop(server: subprocess.Popen[str]) -> str:
    """End it; return what it has said on stderr. It must end well."""
    server.send_signal(signal.SIGTERM)
    _, err = server.communicate(timeout=10)
    assert server.returncode == 0, err
    return err


@pytest.mark.usefixtures("heeded_signals")
def test_others_find_the_sandbox_and_its_messages_in_files(tmp_path: Path) -> None:
    """The URL while it serves, a file and a line for each message, profiles that lead there, the credit as said."""
    ready, messages, profiles = tmp_path / "url", tmp_path / "new" / "messages", tmp_path / "sandbox.toml"
    ready.write_text("http://127.0.0.1:1\n")
    options = ("--credit", "3", "--credit", "payforsms=9.04", "--ready-file", "url", "--export", "new/messages")
    with serving(tmp_path, *options, "--write-profile", "sandbox.toml") as (_, server):
        root = await_text(ready, "http://127.0.0.1:1\n").strip()
        assert get(f"{root}/api/balance") == {
            "lightsms": "3", "mainsms": "3", "payforsms": "9.04", "mesajlarim": "3",
        }  # fmt: skip
        tables = tomllib.loads(profiles.read_text())["profiles"]
        assert {name: table["base_url"] for name, table in tables.items()} == sandbox.base_urls(root)
        assert all(table["sandbox"] is True for table in tables.values())
        argv = [str(BINARY), "send", "-p", "payforsms", "--to", "+79121231234", "Hello", "--no-journal"]
        environ = {**os.environ, "SMSCLI_CONFIG": str(profiles), "SMSCLI_STATE_DIR": str(tmp_path)}
        assert subprocess.run(argv, env=environ, capture_output=True, check=False).returncode == 0
        assert get(f"{root}{SEND}sign={'0' * 32}")["error"] == "2"
        err = stop(server)
    assert not ready.exists()
    lines = [row for row in err.splitlines() if row.startswith("smscli: message ")]
    assert lines[0] == "smscli: message 1: payforsms send to 79121231234: accepted, 1 part: Hello"
    why = "sign is not that of the parameters that came"
    assert lines[1] == f"smscli: message 2: payforsms send to 9121231234: refused, error 2 ({why}): Hello"
    assert lines[2].startswith("smscli: message 2: No known mistake explains it")
    files = sorted(messages.iterdir())
    first, second = (json.loads(file.read_text()) for file in files)
    assert (first["number"], first["text"], first["accepted"], "raw" in first) == (1, "Hello", True, True)
    assert second["diagnosis"].startswith("No known mistake")
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


@pytest.mark.usefixtures("heeded_signals")
def test_quiet_says_nothing_of_messages(tmp_path: Path) -> None:
    """Nor anything else on stderr; profiles of an earlier sandbox are replaced, and a file of another one stays."""
    config = tmp_path / "config.toml"
    config.touch(0o600)
    old = '[profiles.box-lightsms]\nprovider = "lightsms"\nsandbox = true\nbase_url = "http://127.0.0.1:1/"\n'
    config.write_text(f'# mine\ndefault = "box-lightsms"\n{old}')
    ready = tmp_path / "url"
    with serving(tmp_path, "-q", "--write-profile", "box", "--ready-file", "url") as (rows, server):
        url = {row[0]: row[1] for row in rows}["lightsms"]
        urllib.request.urlopen(f"{url}balance.php", timeout=10).close()  # noqa: S310  (our own sandbox)
        with serving(tmp_path, "-q", "--ready-file", "other") as (_, second):
            other = await_text(tmp_path / "other")
            await_text(ready)
            ready.write_text(other)  # as if that one had the file by now
            assert stop(server) == ""
            assert ready.exists(), "the file of another sandbox stays"
            stop(second)
    document = tomllib.loads(config.read_text())
    assert ("# mine\n" in config.read_text(), document["default"]) == (True, "box-lightsms")
    tables = document["profiles"]
    assert tables["box-lightsms"]["base_url"] == url
    assert len(tables) == len(rows)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--credit", "much"), 2, "an amount is a number"),
        (("--credit", "nobody=1"), 2, "there is no vendor 'nobody'"),
        (("--reports", "http://127.0.0.1/"), 2, "names no vendor"),
        (("--reports", "nobody=http://127.0.0.1/"), 2, "nobody has no delivery reports"),
        (("--reports", "mainsms=http://192.0.2.1/"), 2, "they go to this machine alone"),
        (("--export", "/dev/null/x"), 2, "cannot be made"),
        (("--ready-file", "/dev/null/x"), 3, "cannot be"),
        (("--ready-file", "/nonexistent/x"), 3, "--ready-file '/nonexistent/x' cannot be written: No such file"),
        (("--write-profile", "a b"), 2, "a profile's name"),
    ],
)
def test_what_cannot_be_done_ends_before_it_serves(
    smscli: Run, options: tuple[str, ...], code: int, words: str
) -> None:
    """With a sentence."""
    ran = smscli("sandbox", "--port", "0", *options)
    assert (ran.code, words in ran.err) == (code, True), ran.err


def test_a_profile_of_that_name_that_is_no_sandbox_s_stays(smscli: Run, tmp_path: Path) -> None:
    """It may be an account with money in it."""
    config = tmp_path / "config.toml"
    config.touch(0o600)
    config.write_text('[profiles.box-lightsms]\nprovider = "lightsms"\nlogin = "mine"\n')
    ran = smscli("sandbox", "--port", "0", "--write-profile", "box")
    assert (ran.code, "there is a profile box-lightsms already" in ran.err) == (2, True), ran.err
    assert "mine" in config.read_text()


def drawn(root: str, width: int, output: Output = Output.TABLE, accounts: Mapping[str, Account] | None = None) -> str:
    """Return what the command prints at its start."""
    own = {**sandbox.demo_accounts(), **(accounts or {})}
    result = cli_sandbox._result(root, own, "work" if accounts else None, ())
    return "".join(render.pieces(result, "sandbox", output, width=width))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_what_is_printed_at_the_start_can_be_pasted(smscli_sandbox: SandboxServer, tmp_path: Path, width: int) -> None:
    """Each vendor's settings, one after the other in one shell: what it sends then is caught."""
    script, home = [], f"export SMSCLI_CONFIG={tmp_path}/none.toml SMSCLI_STATE_DIR={tmp_path}"
    for block in re.split(r"\n(?! )", drawn(smscli_sandbox.url, width).strip()):
        title, *lines = block.splitlines()
        number = sandbox.demo(title).numbers[0]
        script += [*lines, f"{BINARY} send --to {number} 'by {title}' || exit"]
    subprocess.run(["bash", "-c", "\n".join([home, *script])], check=True, capture_output=True)
    caught = {message.vendor: message.text for message in smscli_sandbox.messages()}
    assert caught == {name: f"by {name}" for name in sandbox.demo_accounts()}


@pytest.mark.parametrize("vendor", sorted(sandbox.demo_accounts()))
def test_what_is_printed_for_a_profile_leads_to_the_sandbox_by_that_profile(tmp_path: Path, vendor: str) -> None:
    """Behind all the other vendors' settings and before them again: its own credentials are accepted, nobody else's."""
    config, demo = tmp_path / "config.toml", sandbox.demo(vendor)
    table = {"provider": vendor, **sandbox.settings(vendor), "base_url": "https://vendor.example/"}
    if demo.sender:
        table["sender"] = demo.sender
    secret = next(name for name, value in table.items() if value == demo.account.secret.reveal())
    table[secret] = "precious"
    config.touch(0o600)
    config.write_text("[profiles.work]\n" + "".join(f'{name} = "{value}"\n' for name, value in table.items()))
    own = demo.account._replace(secret=Secret("precious"))
    with serving(tmp_path, "-q", "-p", "work") as (rows, _):
        root = "/".join(rows[0][1].split("/")[:3])
        script = [f"export SMSCLI_CONFIG={config} SMSCLI_STATE_DIR={tmp_path}"]
        for block in re.split(r"\n(?! )", drawn(root, 80, accounts={vendor: own}).strip()) * 2:
            title, *lines = block.splitlines()
            name = title.partition(",")[0]
            script += [*lines, f"{BINARY} send --to {sandbox.demo(name).numbers[0]} 'by {name}' || exit"]
        subprocess.run(["bash", "-c", "\n".join(script)], check=True, capture_output=True)
        caught = [(entry["vendor"], entry["accepted"]) for entry in get(f"{root}/api/messages")]
    assert caught == [(name, True) for name in sandbox.demo_accounts()] * 2


def test_a_profile_that_falls_back_on_a_real_account_says_what_makes_it_usable(tmp_path: Path) -> None:
    """No send under the printed variables would reach the sandbox; what is named instead does."""
    own = 'provider = "payforsms"\nproject = "mine"\napi_key = "precious"\nsender = "Demo"\n'
    table = sandbox.profile_table("lightsms", "")
    emulator = "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items() if value)
    config = tmp_path / "config.toml"
    config.touch(0o600)
    config.write_text(
        f'[profiles.work]\n{own}fallback = ["spare", "box", "gone"]\n'
        f"[profiles.spare]\n{own.replace('mine', 'other')}[profiles.box]\n{emulator}"
    )
    with serving(tmp_path, "-p", "work") as (rows, server):
        (url,) = (row[1] for row in rows if row[0] == "payforsms")
        environ = {**os.environ, "SMSCLI_CONFIG": str(config), "SMSCLI_STATE_DIR": str(tmp_path)}
        environ |= {"SMSCLI_PROFILE": "work", "SMSCLI_SANDBOX": "true", "SMSCLI_BASE_URL": url}
        for instead, code in (("", 3), ("box", 0)):
            argv = [str(BINARY), "send", "--to", sandbox.demo("payforsms").numbers[0], "Hello"]
            ran = subprocess.run(argv, env=environ | {"SMSCLI_FALLBACK": instead}, capture_output=True, check=False)
            assert ran.returncode == code, ran.stderr
        said = stop(server)
    assert "profile work falls back on spare, and a real account cannot stand in for the sandbox" in said
    assert "SMSCLI_FALLBACK or --fallback names profiles with sandbox = true" in said


def test_a_profile_s_credentials_come_with_what_they_leave_out(smscli: Run, tmp_path: Path) -> None:
    """No profile is written for that vendor, variables do not lead there beside -p, and two are too many."""
    own = {**sandbox.demo_accounts(), "lightsms": Account("https://vendor.example/get/", Secret("x"), {"login": "y"})}
    call = Invocation(Runtime({"SMSCLI_CONFIG": str(tmp_path / "c.toml")}, None, None, None), lambda _: None, print)
    notes = cli_sandbox._write_profiles(call, "box", "http://127.0.0.1:1", own, "work")
    assert notes[-1] == "none was written for lightsms: its account here is that of profile work"
    notes = cli_sandbox._result("http://127.0.0.1:1", own, "work", ()).notes
    assert "profile work leads here by SMSCLI_PROFILE alone: beside -p work no such variables are read" in notes
    ran = smscli("sandbox", "-p", "a", "-p", "b")
    assert (ran.code, "not those of several" in ran.err) == (2, True), ran.err


@pytest.mark.parametrize("width", [40, 80, 120])
def test_what_is_printed_at_the_start_is_short_and_fits(width: int) -> None:
    """Lines are broken between settings, and a screen of 24 lines and 80 columns holds all, with the notes."""
    text = drawn("http://127.0.0.1:65535", width)
    assert all(len(row) <= width or len(row.rstrip(" \\").split()) == 1 for row in text.splitlines())
    assert width < 80 or len(text.splitlines()) <= 20


@pytest.mark.parametrize("output", Output)
def test_the_start_tells_no_secret_of_a_profile(output: Output) -> None:
    """Only where its vendor is; all of the invented accounts is there, for programs as variables."""
    own = Account("https://vendor.example/get/", Secret("precious-key"), {"login": "precious-login", "clock": "vendor"})
    text = drawn("http://127.0.0.1:65535", 80, output, {"lightsms": own})
    assert "precious" not in text
    assert "profile work" in text
    assert "http://127.0.0.1:65535/external/get/" in text
    assert "demo-key-payforsms" in text
    if output is Output.JSON:
        listed = {one["provider"]: one["environment"] for one in document(text)["data"]["providers"]}
        assert listed["lightsms"].keys() == {
            "SMSCLI_PROFILE", "SMSCLI_PROVIDER", "SMSCLI_SANDBOX", "SMSCLI_BASE_URL",
        }  # fmt: skip
        assert listed["lightsms"]["SMSCLI_PROFILE"] == "work"
        assert listed["payforsms"] == SandboxServer(sandbox.create_app(), "http://127.0.0.1:65535").environ("payforsms")


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_help_lists_the_numbers_that_fail(smscli: Run, columns: int) -> None:
    """Of every vendor: how they end, and the vendor's code, or its words where it has none."""
    page = smscli("sandbox", "--help", environ={"COLUMNS": str(columns)}).out
    numbers = " ".join(page.partition("Numbers that fail, by their last digits:")[2].partition("Examples:")[0].split())
    for emulator in sandbox.emulators():
        vendors = ", ".join(emulator.demo)
        told = numbers.partition(f"{vendors} ")[2]
        for ending, failure in emulator.failures.items():
            assert re.search(
                rf"{ending}=(?:{re.escape(failure.code)}|[^;]*{re.escape(failure.code)}\)?)(?:;| |$)", told
            )
    assert "555320=32;" in numbers
    assert "555030=Invalid IP Address;" in numbers


def catch_thirty(directory: Path, write: Callable[[str], object]) -> int:
    """Catch thirty messages, write a line about each and export them; return how many files there are in the end."""
    app = sandbox.create_app()

    def write_note(line: str) -> None:
        write(line)

    call = Invocation(Runtime({}, None, None, None), lambda _: None, write_note)
    with arrivals.followed(call, app, directory), app.desk.lock:
        app.desk.keep(Caught(vendor="x", operation="send", now=0.0, signature=None) for _ in range(30))
    return len(list(directory.glob("1970-*.json")))


def test_who_does_not_read_the_lines_holds_up_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is never taken is waited for in the end, for a moment."""
    monkeypatch.setattr(arrivals, "_LAST", 0.01)
    reads = threading.Event()
    assert catch_thirty(tmp_path, lambda _: reads.wait()) == 30
    reads.set()


def test_what_waits_in_the_end_is_still_written(tmp_path: Path) -> None:
    """Lines as well as files."""
    lines = list[str]()

    def write(line: str) -> None:
        time.sleep(0.005)
        lines.append(line)

    assert (catch_thirty(tmp_path, write), len(lines)) == (30, 30)


def test_what_is_not_exported_in_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many, where a disk does not answer; the lines are all there."""
    monkeypatch.setattr(arrivals, "_LAST_EXPORT", 0.2)
    lines, stuck = list[str](), tmp_path / f".1970-01-01T000000.000Z-000005.json.{os.getpid()}"
    os.mkfifo(stuck)  # to open it waits for somebody who reads
    assert (catch_thirty(tmp_path, lines.append), len(lines)) == (4, 31)
    assert lines[-1] == "warning: 26 entries were not exported: there was no more time"
    os.close(os.open(stuck, os.O_RDONLY | os.O_NONBLOCK))


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """A directory that is full, or where a name is taken, must not fill up with halves of files."""
    taken = tmp_path / "taken"
    taken.mkdir()
    with pytest.raises(OSError, match="taken"):
        arrivals.write_whole(taken, b"x", 0o600)
    assert list(tmp_path.iterdir()) == [taken]


def test_a_line_is_a_line() -> None:
    """Whatever was sent; a long text is cut, and a request without a message says what it was."""
    app = sandbox.create_app()
    noted = Caught(vendor="lightsms", operation="send", now=0.0, signature=None)
    with app.desk.lock:
        app.desk.refuse(noted, "error 6", ["1\n2"])
        app.desk.keep([replace(noted, to="3", text="\x1b[31m" + "x" * 99, parts=2)])
        app.desk.chaos = "delay=1"
        app.desk.keep([replace(noted, to="4", text="y", parts=1)])
        app.desk.chaos = None
    sandbox.transport(app)(Request("GET", "http://sandbox.invalid/wrong"), 1.0)
    first, second, third, fourth = (line(sandbox.written(app, entry)) for entry in app.desk.caught)
    assert first == "message 1: lightsms send to 1\\n2: refused, error 6"
    assert second == f"message 2: lightsms send to 3: accepted, 2 parts: \\x1b[31m{'x' * 49}..."
    assert third == "message 3: lightsms send to 4: accepted, 1 part [delay=1]: y"
    assert fourth.startswith("message 4: a request to no vendor: refused, HTTP 404 (/wrong is no vendor's address; ")
