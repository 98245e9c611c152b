"""Rig: six canaries and every way to fail. None of them sings where it should not.

The canaries are an API key, a proxy password, a netrc password, every signature that was made, the text and the
number. They are looked for as they are, URL-encoded, in base64 at every alignment, and in hex: on stdout, on stderr
(with ``-vv``), in the bytes of the journal, in the command lines of children and of the program, in the environment
of children, and in every file that was left behind.

What is allowed: the number and the text are what a send is about, so its own output shows them, and the journal
keeps the number (never the text). ``sign`` and ``send --dry-run`` exist to show signatures.
"""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from smscli import sandbox
from smscli.cli import run
from smscli.providers import get
from smscli.runtime import Runtime
from smscli.wire import Request, Response
from tests.certificates import Certificates
from tests.client import VENDORS
from tests.documents import hold_output
from tests.figures import add
from tests.vendor import BEHIND_PROXY, Step, Vendor, refusing_port
from tests.vendors import account, numbers

KEY = "cAnaRy/KEY+7f3a;é=90"
PROXY_PASSWORD = "cAnaRy-pr0xy-pa55"
NETRC_PASSWORD = "cAnaRy-n3trc-pa55"
TEXT = "cAnaRy the text & nothing + else"
NUMBERS = {name: numbers(name)[0][1:-6] + "239871" for name in VENDORS}
SIGNATURES = {name: get(name).rule.signature for name in VENDORS}
SECRET_FIELD = {name: get(name).secret_field.name for name in VENDORS}


def fields(name: str) -> dict[str, str]:
    """Return the values of the vendor's account, all but the key."""
    sent = {field: secret.reveal() for field, secret in account(name).sent_secrets.items()}
    sender = sandbox.demo(name).sender
    return {**account(name).fields, **sent, **({"sender": sender} if sender else {})}


def spellings(canary: str) -> set[bytes]:
    """Return the ways a canary can hide in a stream of bytes."""
    raw = canary.encode()
    forms = {raw, quote(canary).encode(), quote_plus(canary).encode(), quote(canary, safe="").encode()}
    forms |= {raw.hex().encode(), raw.hex().upper().encode(), canary.encode("unicode_escape")}
    for shift in range(3):
        # What stands before and after changes the first and the last characters; the middle stays.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(b"\0" * shift + raw)[4 if shift else 0 :].rstrip(b"=")[:-2])
    return {form for form in forms if len(form) > 5}


class Watch:
    """The places where canaries were looked for, and what was found."""

    def __init__(self) -> None:
        self.pairs: Counter[str] = Counter()
        self.searches = 0

    def search(self, what: str, data: bytes, canaries: dict[str, str], context: object) -> None:
        """Look for each canary in each spelling."""
        for name, canary in canaries.items():
            for form in spellings(canary):
                self.searches += 1
                at = data.find(form)
                assert at < 0, f"{name} in {what} of {context}: …{data[max(0, at - 80) : at + 80]!r}…"


@pytest.fixture
def watch() -> Iterator[Watch]:
    """The watch of one test, its share of the figure at the end."""
    made = Watch()
    yield made
    told = "canaries: 6 secrets, {pairs} command/failure pairs with -vv ({commands}), {searches} searches, 0 hits"
    add(told, pairs=made.pairs.total(), commands=dict(made.pairs), searches=made.searches)


@pytest.fixture(scope="module")
def running(files: Certificates) -> Iterator[Vendor]:
    """A vendor that knows the canary."""
    with Vendor(server_files=asdict(files), secrets=dict.fromkeys(VENDORS, KEY)) as vendor:
        yield vendor


class Place:
    """One home directory with everything in it that could leak, and the commands run there."""

    def __init__(self, folder: Path, vendor: Vendor, name: str, files: Certificates, watch: Watch) -> None:
        self.folder, self.vendor, self.name, self.watch = folder, vendor, name, watch
        self.number = NUMBERS[name]
        (folder / ".netrc").write_text(f"default login me password {NETRC_PASSWORD}\n")
        (folder / ".netrc").chmod(0o600)
        (folder / "key").write_text(KEY)
        (folder / "key").chmod(0o600)
        self.environ = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "SMSCLI_CONFIG": str(folder / "config.toml"),
            "SMSCLI_STATE_DIR": str(folder / "state"),
            "SMSCLI_CA_FILE": files.ca,
        }
        self.account = {
            "SMSCLI_PROVIDER": name,
            f"SMSCLI_{SECRET_FIELD[name].upper()}": KEY,
            "SMSCLI_BASE_URL": vendor.url(name),
            **{f"SMSCLI_{field.upper()}": value for field, value in fields(name).items()},
        }

    def run(
        self, *argv: str, environ: dict[str, str] | None = None, shows_signature: bool = False, **world: Any
    ) -> tuple[int, str]:
        """Run a command line with ``-vv`` and watch everything; return its status and stderr."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        given = io.TextIOWrapper(io.BytesIO(TEXT.encode()))
        environment = self.environ | (self.account if environ is None else environ)
        settings = {"sleep": lambda _: None, **world}
        runtime = Runtime(environ=environment, stdin=given, stdout=out, stderr=err, **settings)
        code = run([*argv, "-vv"], runtime)
        stdout, stderr = (read(stream) for stream in (out, err))
        hold_output(stdout.decode())
        self.check(argv, stdout, stderr, shows_signature=shows_signature)
        self.watch.pairs[argv[0]] += 1
        return code, stderr.decode()

    def check(self, context: object, stdout: bytes, stderr: bytes, *, shows_signature: bool = False) -> None:
        """Look for all canaries in all places."""
        secrets = {"the key": KEY, "the proxy password": PROXY_PASSWORD, "the netrc password": NETRC_PASSWORD}
        if not shows_signature:
            secrets |= {f"signature {one[:4]}…": one for one in self.signatures()}
        own = {"the text": TEXT}
        self.watch.search("stdout", stdout, secrets, context)
        self.watch.search("stderr", stderr, secrets | own, context)
        for path in self.left_behind():
            data = path.read_bytes()
            # The journal needs the number, to send to nobody twice; nothing else of a message.
            stranger: dict[str, str] = {} if path.parent.name == "state" else {"the number": self.number}
            self.watch.search(path.name, data, {**secrets, **own, **stranger}, context)

    def signatures(self) -> set[str]:
        """Return every signature that reached the vendor."""
        wanted = SIGNATURES[self.name]
        return {value for seen in self.vendor.seen.requests for name, value in seen.pairs if name == wanted}

    def left_behind(self) -> Iterator[Path]:
        """Yield every file that the commands made."""
        mine = {".netrc", "key", "config.toml"}
        yield from (path for path in self.folder.rglob("*") if path.is_file() and path.name not in mine)

    def profile(self, **more: object) -> None:
        """Write the account as a profile."""
        values = {"provider": self.name, "base_url": self.account["SMSCLI_BASE_URL"], **fields(self.name), **more}
        lines = [f"{key} = {toml(value)}" for key, value in values.items()]
        path = self.folder / "config.toml"
        path.write_text("\n".join(['default = "work"', "[profiles.work]", *lines, ""]))
        path.chmod(0o600)


def read(stream: io.TextIOWrapper) -> bytes:
    """Return the bytes of a stream in memory."""
    memory = stream.detach()
    assert isinstance(memory, io.BytesIO)
    return memory.getvalue()


def toml(value: object) -> str:
    """Return a value as TOML: text, list of texts, number."""
    return repr(value) if isinstance(value, int | float | list) else f'"{value}"'


@pytest.fixture
def place(
    tmp_path: Path, vendor: Vendor, name: str, files: Certificates, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> Place:
    """A home of one vendor's user, which is this process's home too (the HTTP library would look there)."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    return Place(tmp_path, vendor, name, files, watch)


# --- failures of the network and of the vendor -----------------------------------------------------------------------


def echo(name: str, text: str, key: str) -> str:
    """Return a page that repeats everything the vendor could know, and more."""
    words = [key, quote(key), quote_plus(key), text, quote_plus(text), NUMBERS[name]]
    return "<html>" + " ".join(words) + " " * 4000 + f"{key}{text}</html>"


def latin(text: str) -> str:
    """Return a text as the vendor's steps want its UTF-8."""
    return text.encode().decode("latin-1")


def network_failures(name: str, text: str, key: str = KEY) -> dict[str, Step]:
    """Return what can go wrong once the vendor has the request; it repeats text and key."""
    said = f"bad key {key} for {text}"
    error = f'{{"status":"error","error":2,"message":"{said}"}}' if name == "mainsms" else f'{{"error":"{said}"}}'
    return {
        "nothing": Step(on="any"),
        "a page that repeats the request": Step(on="any", body=latin(echo(name, text, key))),
        "the key alone": Step(on="any", body=latin(key)),
        "the key at the limit of a quotation": Step(on="any", body=latin("x" * 70 + " " + key)),
        "an error that quotes the key": Step(on="any", body=latin(error)),
        "500": Step(on="any", status="500 Oops", body=latin(echo(name, text, key))),
        "a status line that repeats the key": Step(on="any", status=f"400 {latin(key)}", body=""),
        "a redirect to the request": Step(on="any", status="302 X", headers=(("Location", f"/?{latin(key)}"),)),
        "a cut": Step(on="any", cut=40, then="fin"),
        "a reset": Step(on="any", cut=0, then="rst"),
        "garbage": Step(on="any", raw=f"{latin(key)}\r\n\r\n", then="fin"),
        "silence": Step(on="any", cut=0, then="stall"),
    }


FAILURES = (*network_failures("mainsms", ""), "nobody listens", "no such name", "a stranger's certificate")
FAILURES += ("a dead proxy", "a proxy that wants a password", "a proxy that works", "a malformed address", "a full key")


def world_of(failure: str, place: Place, port: int, text: str = TEXT, key: str = KEY) -> dict[str, str]:
    """Order this failure, and return the environment in which it happens."""
    vendor, name = place.vendor, place.name
    vendor.script(*[network_failures(name, text, key).get(failure, Step())] * 6)
    proxy = {
        "a dead proxy": f"http://user:{PROXY_PASSWORD}@127.0.0.1:{port}",
        "a proxy that wants a password": vendor.origin().replace("//", f"//user:{PROXY_PASSWORD}@"),
        "a proxy that works": vendor.origin().replace("//", f"//user:{PROXY_PASSWORD}@"),
    }.get(failure)
    url = {
        "nobody listens": f"http://127.0.0.1:{port}/",
        "no such name": "https://sms.invalid/",
        "a stranger's certificate": vendor.url(name, listener="stranger"),
        "a malformed address": f"https://me:{PROXY_PASSWORD}@vendor.example/",
    }.get(failure, vendor.url(name, listener="tls", host=BEHIND_PROXY) if proxy else vendor.url(name))
    if failure == "a proxy that wants a password":
        vendor.script(*[Step(on="connect", status="407 Auth", body="", then="fin")] * 3)
    world = place.account | {"SMSCLI_BASE_URL": url}
    if failure == "a full key":
        world[f"SMSCLI_{SECRET_FIELD[name].upper()}"] = f"{KEY}\nsecond line"
    return world | ({"SMSCLI_PROXY": proxy} if proxy else {})


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_failure_of_a_call_tells_a_secret(failure: str, place: Place) -> None:
    """Send, balance and timestamp in every format, the key in the environment; and what the journal then shows."""
    with refusing_port() as port:
        world = world_of(failure, place, port)
        timeout = ["--timeout", "0.3"] if failure == "silence" else []
        to = ["--to", f"+{place.number}"]
        for key, output in (("one", "plain"), ("two", "json"), ("three", "table")):
            world_of(failure, place, port)  # orders the same fault again
            code, _ = place.run("send", *to, "--key", key, "-o", output, *timeout, environ=world)
            assert code != 1
        # Nobody can repeat what he was not told: no text in a question, and to read a clock not even a key.
        for command, output, key in (("balance", "xml", KEY), ("timestamp", "json", "no-key")):
            world_of(failure, place, port, "another text", key)
            place.run(command, "-o", output, *timeout, environ=world)
        place.run("journal", "list", "-o", "json", environ=world)
        place.run("journal", "show", "one", "-o", "xml", environ=world)
    headers = [header for seen in place.vendor.seen.requests for header in seen.headers]
    assert "authorization" not in [header for header, _ in headers], "netrc was read"


# --- failures of this machine ----------------------------------------------------------------------------------------


def profiles(place: Place) -> dict[str, dict[str, object]]:
    """Return profiles that are right and wrong in every way that could put the key into a message."""
    secret = SECRET_FIELD[place.name]
    tells = place.folder / "tell"
    tells.write_text(f"#!/bin/sh\ncd {place.folder}\ncat /proc/$$/cmdline >argv\nenv >env\ncat key\n")
    tells.chmod(0o700)
    proxy = f"http://me:{PROXY_PASSWORD}@127.0.0.1:1"
    return {
        "key in the file": {secret: KEY},
        "key from a command": {f"{secret}_command": [str(tells)]},
        "key from a file": {f"{secret}_file": str(place.folder / "key")},
        "proxy in the file": {secret: KEY, "proxy": proxy},
        "two keys": {secret: KEY, f"{secret}_file": str(place.folder / "key")},
        "key with a line break": {secret: f"{KEY}\\n{KEY}"},
        "key as a number of a list": {secret: [KEY]},
        "key under a wrong name": {"api_kee": KEY},
        "key where a region belongs": {secret: KEY, "region": KEY},
        "key where a time-out belongs": {secret: KEY, "timeout": KEY},
        "key where a proxy belongs": {secret: KEY, "proxy": KEY},
        "command that fails": {f"{secret}_command": ["sh", "-c", f"cat {place.folder}/key; exit 3"]},
        "command that is none": {f"{secret}_command": [str(place.folder / "gone")]},
        "command that says too much": {f"{secret}_command": ["sh", "-c", f"yes $(cat {place.folder}/key)"]},
        "command that says two lines": {f"{secret}_command": ["sh", "-c", f"cat {place.folder}/key; echo; echo x"]},
    }  # fmt: skip


@pytest.mark.parametrize("name", VENDORS)
def test_no_profile_tells_a_secret(name: str, place: Place) -> None:
    """Every command that reads a profile, on profiles that are right, wrong and beyond repair."""
    commands: list[tuple[str, ...]] = [
        ("send", "--to", f"+{place.number}", "-o", "json"),
        ("balance", "-o", "json"),
        ("profile", "show", "-o", "json"),
        ("profile", "list", "-o", "json"),
        ("profile", "check", "-o", "xml"),
        ("profile", "use", "work"),
        ("profile", "add", "work"),
    ]
    for values in profiles(place).values():
        place.profile(**values)
        for argv in commands:
            code, stderr = place.run(*argv, environ={})
            assert code != 1, (values, argv, stderr)
        place.run("sign", "a=b", environ={}, shows_signature=True)
        place.run("send", "--to", f"+{place.number}", "--dry-run", "-o", "json", environ={}, shows_signature=True)
        place.run("send", "--to", f"+{place.number}", "--dry-run", environ={}, shows_signature=True)
    secret = SECRET_FIELD[name]
    for content in (
        f'default = "{KEY}"\n', f"{KEY}\n", f'[profiles.work]\n{secret} = "{KEY}\n', f'[profiles."{KEY}"]\n',
        f'[profiles.work]\n"{KEY}" = 1\n', f'"{KEY}" = 1\n', f'profiles = "{KEY}"\n', f'{secret} = "{KEY}"\n',
        f'[profiles.work]\nprovider = "{KEY}"\n', f'[profiles.work]\n{secret} = ["{KEY}", {{x = "{KEY}"}}]\n',
    ):  # fmt: skip
        (place.folder / "config.toml").write_text(content)
        for argv in commands:
            code, stderr = place.run(*argv, environ={})
            assert code != 1, (content, argv, stderr)
    place.profile(**{secret: KEY})
    (place.folder / "config.toml").chmod(0o644)
    for argv in commands:
        place.run(*argv, environ={})


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("where", ["transport", "clock", "monotonic"])
def test_a_bug_tells_where_and_nothing_else(where: str, name: str, place: Place) -> None:
    """An exception full of secrets, from below and from the side: exit 1, no value, and the journal says unknown."""

    def broken(request: Request, _seconds: float) -> Response:
        raise RuntimeError(f"{request.target} {request.form} {KEY} {TEXT} {place.number}")

    def clock() -> float:
        raise LookupError(f"{KEY} {TEXT}")

    worlds: dict[str, dict[str, Any]] = {
        "transport": {"transport": broken},
        "clock": {"now": clock},
        "monotonic": {"monotonic": clock},
    }
    world = worlds[where]
    to = ("--to", f"+{place.number}")
    for output in ("plain", "json", "xml"):
        code, stderr = place.run("send", *to, "--key", output, "-o", output, environ=None, **world)
        assert code == 1, stderr
        assert "internal error: " in stderr
        # The clock of the profile's vendor is asked by nobody when nothing is stamped or written.
        code, stderr = place.run("balance", "-o", output, **world)
        assert code == 1 or where == "clock"
    if where == "transport":
        account = {"SMSCLI_CLOCK": "local"} if name == "lightsms" else {}
        code, _ = place.run("send", *to, "--key", "again", environ=place.account | account, **world)
        assert code == 1
        code, _ = place.run("send", *to, "--key", "again", environ=place.account | account)
        assert code == 7, "what a bug interrupted may have been sent"


# --- the real program ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("failure", ["nothing", "a page that repeats the request", "a reset"])
def test_no_command_line_and_no_temporary_file_holds_a_secret(failure: str, name: str, place: Place) -> None:
    """A secret command looks at its own command line and environment and at its parent's, as another user could."""
    secret = SECRET_FIELD[name]
    looks = place.folder / "look"
    looks.write_text(
        f"#!/bin/sh\ncd {place.folder}\ncat /proc/$$/cmdline /proc/$PPID/cmdline >argv\nenv >env\ncat key\n"
    )
    looks.chmod(0o700)
    place.profile(**{f"{secret}_command": [str(looks)], "to": [f"+{place.number}"]})
    (place.folder / "tmp").mkdir()
    inherited = {"SMSCLI_SECRET": KEY, "SMSCLI_API_KEY": KEY, "TMPDIR": str(place.folder / "tmp")}
    inherited["PYTHONPATH"] = str(Path(__file__).parents[2])
    program = shutil.which("smscli", path=str(Path(sys.executable).parent))
    assert program
    for argv in (["send", "-"], ["balance"], ["profile", "check"]):
        text = TEXT if argv[0] == "send" else "another text"
        place.vendor.script(*[network_failures(name, text)[failure]] * 6)
        ran = subprocess.run(
            [program, *argv, "-vv", "-p", "work"] if argv[0] != "profile" else [program, *argv],
            env=place.environ | inherited,
            input=TEXT.encode(),
            capture_output=True,
            timeout=60,
        )
        assert ran.returncode in (0, 2, 3, 6, 7), ran.stderr
        assert b"Traceback" not in ran.stderr
        place.check(argv, ran.stdout, ran.stderr)
        place.watch.pairs[f"{argv[0]} (real program)"] += 1
    assert (place.folder / "argv").exists(), "the command never looked"
    assert list((place.folder / "tmp").iterdir()) == []
