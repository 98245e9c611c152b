"""``smscli doctor``: a sound set-up, and broken ones, each of which is told by its cause."""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (to damage a journal behind its back)
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from smscli import sandbox
from smscli.cli import findings
from smscli.cli.checks import Check, SkipCheck
from smscli.cli.clocks import Skew
from smscli.cli.findings import Finding, Level
from smscli.errors import ConfigError, ExitCode, UnreachableError
from smscli.journal import Health, Hints, Journal, look
from tests.accounts import NOBODY
from tests.certificates import Certificates, sign
from tests.client import SECRETS
from tests.conftest import Ran
from tests.vendor import BEHIND_PROXY, Step, Vendor, mute_port, refusing_port
from tests.vendors import environment

Run = Callable[..., Ran]
Examine = Callable[..., "Report"]

KEY = SECRETS["lightsms"]
CANARY = "zQ7-xJk9vW3-b8"
"""Something secret, wherever it is put."""
TO = "+37061234567"


class Report:
    """One run: what was found, by its id."""

    def __init__(self, ran: Ran) -> None:
        self.ran, self.code = ran, ran.code
        self.findings: dict[str, dict[str, Any]] = {one["id"]: one for one in ran.json["data"]["findings"]}

    def level(self, name: str) -> str:
        """Return how a check has ended."""
        return str(self.findings[name]["level"])

    def text(self, name: str) -> str:
        """Return all that a check has said."""
        return " | ".join(str(self.findings[name][part]) for part in ("what", "detail", "hint"))

    def problems(self) -> list[str]:
        """Return the checks that have failed."""
        return [name for name, one in self.findings.items() if one["level"] == "problem"]


@pytest.fixture
def examine(smscli: Run) -> Examine:
    """Run doctor for LightSMS in the environment alone; check that no secret is said."""

    def run(*argv: str, environ: Mapping[str, str] | None = None, **world: Any) -> Report:
        own = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "me", "SMSCLI_API_KEY": KEY}
        ran = smscli("doctor", "-o", "json", *argv, environ={**own, **(environ or {})}, **world)
        assert KEY not in ran.out + ran.err
        assert CANARY not in ran.out + ran.err
        assert "Traceback" not in ran.err
        report = Report(ran)
        assert ran.code == 0 or ran.json["error"]["message"] in ran.err
        return report

    return run


def dated(at: float | None = None) -> Step:
    """Return good answers with the header Date."""
    moment = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(at))
    return Step(on="any", headers=(("Date", moment),))


def config(tmp_path: Path, text: str, mode: int = 0o600) -> None:
    """Write the profile file."""
    file = tmp_path / "config.toml"
    file.write_text(text)
    file.chmod(mode)


PROFILE = '[profiles.work]\nprovider = "lightsms"\nlogin = "me"\n'


# --- sound ------------------------------------------------------------------------------------------------------------


def test_a_sound_account_over_tls(examine: Examine, vendor: Vendor, files: Certificates, tmp_path: Path) -> None:
    """Every check is ok, and nothing was sent or written."""
    before = sorted(tmp_path.rglob("*"))
    url = vendor.url("lightsms", dated(), listener="tls")
    report = examine(environ={"SMSCLI_BASE_URL": url, "SMSCLI_CA_FILE": files.ca})
    assert (report.code, report.ran.err) == (0, "")
    assert {name: one["level"] for name, one in report.findings.items()} == {
        "profile file": "skipped", "profile": "ok", "api_key": "ok", "journal": "ok", "network settings": "ok",
        "name": "ok", "tls": "ok", "connection": "ok", "date": "ok", "clock": "ok", "balance": "ok",
    }  # fmt: skip
    assert "29 days left" in report.text("tls")
    assert "150.50 EUR left" in report.text("balance")
    assert "environment SMSCLI_API_KEY" in report.text("api_key")
    assert sorted(tmp_path.rglob("*")) == before
    assert {request.path.rsplit("/", 1)[-1] for request in vendor.seen.requests} == {
        "", "timestamp.php", "balance.php",
    }  # fmt: skip


def test_a_sound_account_behind_a_proxy(examine: Examine, vendor: Vendor, files: Certificates) -> None:
    """The proxy's name is looked up, not the vendor's; TLS goes through it, and its password is not said."""
    url = vendor.url("lightsms", dated(), listener="tls", host=BEHIND_PROXY)
    proxy = vendor.origin().replace("//", f"//user:{CANARY}@")
    report = examine(environ={"SMSCLI_BASE_URL": url, "SMSCLI_CA_FILE": files.ca, "SMSCLI_PROXY": proxy})
    assert (report.code, report.problems()) == (0, [])
    assert "the proxy 127.0.0.1 is an address" in report.text("name")
    assert f"through the proxy {vendor.origin().removeprefix('http://')}" in report.text("connection")


@pytest.mark.parametrize("vendor_name", ["lightsms", "mainsms", "payforsms", "mesajlarim"])
def test_the_sandbox_is_always_sound(smscli: Run, vendor_name: str) -> None:
    """It needs no network: those checks say why they are left out."""
    report = Report(smscli("doctor", "--sandbox", "--provider", vendor_name, "-o", "json"))
    assert (report.code, report.problems()) == (0, [])
    assert {report.level(name) for name in ("network settings", "name", "tls", "connection", "date")} == {"skipped"}
    assert report.level("balance") == "ok"


def test_a_vendor_without_a_clock_is_not_asked_for_one(smscli: Run) -> None:
    """The check is skipped, not failed."""
    report = Report(smscli("doctor", "--sandbox", "--provider", "payforsms", "-o", "json"))
    assert (report.level("clock"), "has no clock to ask" in report.text("clock")) == ("skipped", True)


def test_a_profile_is_named_either_way_and_only_once(smscli: Run, tmp_path: Path) -> None:
    """The word behind the command is what -p is; two are a contradiction."""
    config(tmp_path, f'{PROFILE}api_key = "{CANARY}"\nsandbox = true\n')
    for argv in (("work",), ("-p", "work"), ("work", "-p", "work")):
        ran = smscli("doctor", *argv, "-o", "json")
        assert (ran.json["data"]["profile"], CANARY in ran.out) == ("work", False)
        assert Report(ran).level("profile file") == "ok"
    assert smscli("doctor", "work", "-p", "other").code == 2


def test_where_each_secret_comes_from_is_said_and_nothing_of_it(smscli: Run, tmp_path: Path) -> None:
    """A file by its path, a command by its program alone."""
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text(CANARY)
    ways = {f'api_key_file = "{key}"': str(key), f'api_key_command = ["echo", "{CANARY}"]': "echo ***"}
    for setting, shown in ways.items():
        config(tmp_path, f"{PROFILE}{setting}\nsandbox = true\n")
        ran = smscli("doctor", "work", "-o", "json")
        assert (Report(ran).level("api_key"), CANARY in ran.out + ran.err) == ("ok", False)
        assert shown in Report(ran).text("api_key")
        assert "profile work" in Report(ran).text("api_key")


@pytest.mark.parametrize("key", ["s\u0435cret", "secret\u00a0"])
def test_a_key_that_looks_mistyped_is_a_warning(smscli: Run, key: str) -> None:
    """The doubt that sign and balance have, with what to do; every other check is made."""
    environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "me", "SMSCLI_API_KEY": key, "SMSCLI_SANDBOX": "1"}
    report = Report(smscli("doctor", "-o", "json", environ=environ))
    assert (report.level("api_key"), report.problems()) == ("warning", [])
    assert "the key holds" in report.text("api_key")
    assert "copy the key anew" in report.text("api_key")
    assert key not in report.ran.out + report.ran.err


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("colours", ["", "1"])
def test_a_table_fits_and_says_the_verdict_first(smscli: Run, columns: int, colours: str) -> None:
    """One row a finding, the verdict above them; a level is coloured by its meaning."""
    environ = {"COLUMNS": str(columns), "FORCE_COLOR": colours, "TERM": "xterm-256color", "SMSCLI_CONFIG": "/nowhere"}
    ran = smscli("doctor", "--sandbox", terminal=bool(colours), environ={**environ, "SMSCLI_STATE_DIR": "/nowhere"})
    if not colours:
        ran = smscli("doctor", "--sandbox", "-o", "table", environ={**environ, "SMSCLI_STATE_DIR": "/nowhere"})
    plain = ran.out
    for code in {piece.split("m")[0] for piece in ran.out.split("\x1b[")[1:]}:
        plain = plain.replace(f"\x1b[{code}m", "")
    first, *lines = plain.splitlines()
    assert first == "all is well"
    assert all(len(line) <= columns for line in lines), plain
    assert ("\x1b[" in ran.out) == bool(colours)
    wanted = 11 if columns < 60 else sum(line.startswith("│") and line[2] != " " for line in lines) - 1
    assert sum(line.startswith("check: ") for line in lines) in (0, wanted)
    assert wanted == 11


def test_plain_is_one_check_a_line(smscli: Run) -> None:
    """Check, level, finding, and what to do."""
    ran = smscli("doctor", "--sandbox")
    assert {len(line) for line in ran.lines} == {4}
    assert [line[0] for line in ran.lines][-1] == "balance"


# --- broken settings: exit 3 ------------------------------------------------------------------------------------------


def test_no_account_at_all(smscli: Run) -> None:
    """What is missing is said, with what to do; the journal is looked at all the same."""
    report = Report(smscli("doctor", "-o", "json"))
    assert (report.code, report.problems()) == (3, ["profile"])
    assert "smscli profile add NAME" in report.text("profile")
    assert (report.level("journal"), report.level("connection")) == ("ok", "skipped")


def test_a_profile_file_that_others_can_read(smscli: Run, tmp_path: Path) -> None:
    """The mode, and the command that mends it."""
    config(tmp_path, f'{PROFILE}api_key = "{CANARY}"\n', 0o644)
    report = Report(smscli("doctor", "work", "-o", "json"))
    assert (report.code, report.problems(), report.level("profile")) == (3, ["profile file"], "skipped")
    assert "mode 0644" in report.text("profile file")
    assert "chmod 600" in report.text("profile file")


BROKEN: dict[str, tuple[str, str]] = {
    "an unknown key": ('api_key = "{canary}"\nloginn = "{canary}"', "loginn"),
    "a missing secret": ("", "api_key is missing"),
    "an unknown vendor": ('provider = "acme"', "there is no such provider"),
    "a bad address": ('api_key = "{canary}"\nbase_url = "http://sms.example/{canary}"', "base_url"),
    "bad recipients": ('api_key = "{canary}"\nsandbox = true\nto = ["12"]', "to: "),
}


@pytest.mark.parametrize(("setting", "cause"), BROKEN.values(), ids=BROKEN)
def test_a_broken_profile(smscli: Run, tmp_path: Path, setting: str, cause: str) -> None:
    """Each mistake is named, with nothing of what stands there."""
    text = PROFILE.replace('provider = "lightsms"\n', "") if "provider" in setting else PROFILE
    config(tmp_path, f"{text}{setting}\n".replace("{canary}", CANARY))
    ran = smscli("doctor", "work", "-o", "json", "--timeout", "1")
    report = Report(ran)
    assert (report.code, report.level("profile"), cause in report.text("profile")) == (3, "problem", True), ran.out
    assert CANARY not in ran.out + ran.err


def test_a_profile_without_its_secret_still_has_a_network(examine: Examine, vendor: Vendor) -> None:
    """Address and clock need no key; the balance is left out, and says why."""
    report = examine(environ={"SMSCLI_API_KEY": "", "SMSCLI_BASE_URL": vendor.url("lightsms", dated())})
    assert (report.code, report.problems()) == (3, ["profile"])
    assert (report.level("connection"), report.level("clock"), report.level("balance")) == ("ok", "ok", "skipped")
    assert "the check of profile" in report.text("balance")


SECRET_TROUBLE = {
    "a missing file": ('api_key_file = "/nonexistent/{canary}.key"', "does not exist"),
    "a file of others": ('api_key_file = "{open}"', "mode 0644"),
    "a directory": ('api_key_file = "/"', "not a regular file"),
    "a file that is none": ('api_key_file = "{open}/x"', "Not a directory"),
    "a file that is too large": ('api_key_file = "{large}"', "larger than"),
    "a command that fails": ('api_key_command = ["false", "{canary}"]', "ended with status 1"),
    "a command that hangs": ('api_key_command = ["sleep", "{long}"]', "took longer than 1 seconds"),
    "a command that is missing": ('api_key_command = ["/nonexistent/pass"]', "cannot be started"),
}


@pytest.mark.parametrize(("setting", "cause"), SECRET_TROUBLE.values(), ids=SECRET_TROUBLE)
def test_a_secret_that_cannot_be_had(smscli: Run, tmp_path: Path, setting: str, cause: str) -> None:
    """Which secret, and why; the balance cannot be asked for, everything else can."""
    (tmp_path / "open.key").write_text(CANARY)
    (tmp_path / "open.key").chmod(0o644)
    (tmp_path / "large.key").touch(0o600)
    (tmp_path / "large.key").write_text("k" * 70_000)
    for name in ("open", "large"):
        setting = setting.replace(f"{{{name}}}", str(tmp_path / f"{name}.key"))
    setting = setting.replace("{canary}", "x")
    long = f"61.{os.getpid()}"  # seconds that no other process of the tests sleeps
    config(tmp_path, f"{PROFILE}{setting.replace('{long}', long)}\nsandbox = true\n")
    began = time.monotonic()
    report = Report(smscli("doctor", "work", "-o", "json", "--timeout", "1"))
    assert (report.code, report.problems(), cause in report.text("api_key")) == (3, ["api_key"], True)
    assert report.findings["api_key"]["hint"], "and what to do"
    assert (report.level("clock"), report.level("balance")) == ("ok", "skipped")
    assert time.monotonic() - began < 5
    assert not [one for one in Path("/proc").glob("[0-9]*/cmdline") if _is(one, f"sleep\0{long}\0".encode())]


def test_secrets_of_the_stores_and_a_keyring_that_hangs(examine: Examine, vendor: Vendor, tmp_path: Path) -> None:
    """A credential of systemd is named as such; the keyring is waited for beside everything else, and only so long."""
    own = {"SMSCLI_BASE_URL": vendor.url("lightsms", dated()), "SMSCLI_API_KEY": ""}
    (tmp_path / "smscli.api_key").touch(0o600)
    (tmp_path / "smscli.api_key").write_text(KEY)
    report = examine(environ={**own, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert (report.code, "systemd credential" in report.text("api_key")) == (0, True)
    config(tmp_path, f'{PROFILE}base_url = "{own["SMSCLI_BASE_URL"]}"\n')
    keyring = {"PYTHON_KEYRING_BACKEND": "tests.keyrings.Hanging", "PYTHONPATH": str(Path(__file__).parents[1])}
    began = time.monotonic()
    report = examine("work", "--timeout", "1.5", environ={**os.environ, **own, **keyring})
    assert (report.code, report.problems(), "keyring" in report.text("profile")) == (3, ["profile"], True)
    assert (report.level("clock"), report.level("balance")) == ("ok", "skipped")
    assert time.monotonic() - began < 6


def _is(file: Path, command: bytes) -> bool:
    try:
        return file.read_bytes() == command
    except OSError:
        return False


@pytest.mark.parametrize(
    ("variable", "value", "cause"),
    [("CA_FILE", "/nonexistent/ca.pem", "/nonexistent/ca.pem"), ("PROXY", f"socks5://u:{CANARY}@h", "proxy")],
)
def test_network_settings_that_cannot_be_used(examine: Examine, variable: str, value: str, cause: str) -> None:
    """A file of authorities that is not there, and what is no proxy."""
    report = examine(environ={f"SMSCLI_{variable}": value})
    assert (report.code, report.level("connection")) == (3, "skipped")
    assert any(cause in report.text(name) for name in report.problems())


# --- a broken journal: exit 3 -----------------------------------------------------------------------------------------


@pytest.fixture
def journal(smscli: Run, tmp_path: Path) -> Path:
    """Return the sandbox's journal, with one message in it."""
    assert smscli("send", "--sandbox", "--to", TO, "hello").code == 0
    return tmp_path / "state" / "sandbox.sqlite3"


def looked_at(smscli: Run, journal: Path) -> Report:
    """Return what is found, and check that looking changed no byte of the journal."""
    files = {file: file.read_bytes() for file in journal.parent.iterdir()} if journal.parent.is_dir() else {}
    report = Report(smscli("doctor", "--sandbox", "-o", "json"))
    after = {file: file.read_bytes() for file in journal.parent.iterdir()} if journal.parent.is_dir() else {}
    assert after == files
    return report


def test_a_sound_journal_is_counted(smscli: Run, journal: Path) -> None:
    """Place, layout and how many are UNKNOWN."""
    report = looked_at(smscli, journal)
    assert (report.code, report.level("journal")) == (0, "ok")
    assert "1 recipient, 0 UNKNOWN" in report.text("journal")
    assert str(journal) in report.text("journal")


def test_unknown_recipients_are_a_warning(smscli: Run, journal: Path) -> None:
    """They wait for a person, and nothing is broken."""
    with closing(sqlite3.connect(journal)) as db, db:
        db.execute("UPDATE message SET state = 'UNKNOWN'")
    report = looked_at(smscli, journal)
    assert (report.code, report.level("journal"), "1 UNKNOWN" in report.text("journal")) == (0, "warning", True)
    assert "smscli journal resolve" in report.text("journal")


def _damage(journal: Path) -> None:
    data = bytearray(journal.read_bytes())
    data[4096:8192] = b"\xa5" * 4096
    journal.write_bytes(data)


def _newer(journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as db:
        db.execute("PRAGMA user_version = 99")


def _other_tables(journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as db:
        db.execute("CREATE TABLE more (x)")


JOURNAL_TROUBLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "damaged": (_damage, "is damaged"),
    "of other tables": (_other_tables, "is damaged"),
    "of a newer layout": (_newer, "layout 99, not 5"),
    "no journal": (lambda journal: journal.write_bytes(b"x" * 9000), "is damaged"),
    "gone": (lambda journal: journal.unlink(), "is gone"),
    "read by others": (lambda journal: journal.chmod(0o644), "mode 0644"),
    "in a directory of others": (lambda journal: journal.parent.chmod(0o777), "mode 0777"),
}


@pytest.mark.parametrize(("harm", "cause"), JOURNAL_TROUBLE.values(), ids=JOURNAL_TROUBLE)
def test_a_broken_journal(smscli: Run, journal: Path, harm: Callable[[Path], object], cause: str) -> None:
    """Each is told by its cause; the vendor is asked all the same."""
    harm(journal)
    report = looked_at(smscli, journal)
    assert (report.code, report.problems(), cause in report.text("journal")) == (3, ["journal"], True)
    assert report.level("balance") == "ok"


def test_a_journal_that_cannot_be_begun(smscli: Run, tmp_path: Path) -> None:
    """A file stands where its directory should be."""
    (tmp_path / "file").touch()
    environ = {"SMSCLI_STATE_DIR": str(tmp_path / "file" / "state")}
    report = Report(smscli("doctor", "--sandbox", "-o", "json", environ=environ))
    assert (report.code, report.problems()) == (3, ["journal"])
    assert "cannot be written" in report.text("journal")


@pytest.mark.parametrize("protected", ["file", "directory", "directory of none"])
def test_a_journal_that_cannot_be_written(protected: str) -> None:
    """The file, or its directory; root, who writes everywhere, looks as somebody else."""
    with tempfile.TemporaryDirectory() as name:
        path, user = Path(name) / "journal", os.geteuid()
        if protected != "directory of none":
            Journal(path, now=time.time).close()
        if user == 0:
            for file in (path.parent, *path.parent.iterdir()):
                os.chown(file, NOBODY, NOBODY)
        (path if protected == "file" else path.parent).chmod(0o400 if protected == "file" else 0o500)
        try:
            os.seteuid(user or NOBODY)
            with pytest.raises(ConfigError, match="cannot be written"):
                look(path, Hints(), 1)
        finally:
            os.seteuid(user)


def test_a_journal_of_an_earlier_layout_is_not_brought_up_to_date(smscli: Run, journal: Path) -> None:
    """The next send does that; looking leaves it as it is."""
    with closing(sqlite3.connect(journal)) as db:
        db.execute("PRAGMA user_version = 3")
    report = looked_at(smscli, journal)
    assert (report.code, report.level("journal"), "of layout 3" in report.text("journal")) == (0, "ok", True)
    assert "brings it up to date, and leaves a copy" in report.text("journal")
    of_server = findings.journal("journal", "postgresql://…", Health(4, is_old=True), sandbox=False)
    assert "copy" not in of_server.text, "of a server's there is none"


def test_a_journal_left_in_the_middle_of_a_change_is_not_played_back(smscli: Run, journal: Path) -> None:
    """A rollback journal beside it is the next send's to deal with."""
    beside = journal.with_name(f"{journal.name}-journal")
    beside.write_bytes(b"\xd9\xd5\x05\xf9 \xa1c\xd7" + bytes(600))
    os.utime(beside, (1, 1))
    report = looked_at(smscli, journal)
    assert (report.code, report.level("journal")) == (0, "warning")


def test_a_server_that_is_away(examine: Examine, vendor: Vendor) -> None:
    """A PostgreSQL journal is looked at by its own way; the password in its URL is not said."""
    with refusing_port() as port:
        url = f"postgresql://sms:{CANARY}@127.0.0.1:{port}/sms"
        report = examine(environ={"SMSCLI_JOURNAL": url, "SMSCLI_BASE_URL": vendor.url("lightsms", dated())})
    assert (report.code, report.problems(), "cannot be reached" in report.text("journal")) == (3, ["journal"], True)


def test_a_server_that_hangs_does_not_hold_the_others(examine: Examine, vendor: Vendor) -> None:
    """Its line ends at the limit, and says so; everything else has long been told."""
    with mute_port() as port:
        environ = {
            "SMSCLI_JOURNAL": f"postgresql://sms@127.0.0.1:{port}/sms",
            "SMSCLI_BASE_URL": vendor.url("lightsms", dated()),
        }
        began = time.monotonic()
        report = examine("--timeout", "1", environ=environ)
    assert time.monotonic() - began < 6
    assert (report.code, report.problems()) == (3, ["journal"])
    assert "it hangs: no answer within 1 s" in report.text("journal")


# --- a broken network: exit 6 -----------------------------------------------------------------------------------------


def test_a_name_that_nobody_knows(examine: Examine) -> None:
    """In the system's own words; what needs an address is skipped, each line with what it waits for."""
    report = examine(environ={"SMSCLI_BASE_URL": "https://nobody.invalid/sms/"})
    assert (report.code, report.problems()) == (6, ["name"])
    assert "nobody.invalid: its name cannot be looked up (" in report.text("name")
    assert {report.level(name) for name in ("tls", "connection", "date", "clock", "balance")} == {"skipped"}
    assert "the check of name" in report.text("tls")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_port_that_refuses(examine: Examine, scheme: str) -> None:
    """It is the connection's problem, not that of TLS."""
    with refusing_port() as port:
        report = examine(environ={"SMSCLI_BASE_URL": f"{scheme}://127.0.0.1:{port}/"})
    assert (report.code, report.problems()) == (6, ["connection"])
    assert f"127.0.0.1:{port}: it refused the connection" in report.text("connection")
    assert "nothing was sent" not in report.text("connection")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_port_that_is_mute(examine: Examine, scheme: str) -> None:
    """The limit holds, and is said."""
    with mute_port() as port:
        began = time.monotonic()
        report = examine("--timeout", "1", environ={"SMSCLI_BASE_URL": f"{scheme}://127.0.0.1:{port}/"})
    assert time.monotonic() - began < 5
    assert (report.code, report.problems(), "within 1 s" in report.text("connection")) == (6, ["connection"], True)


@pytest.mark.parametrize(
    ("listener", "cause"), [("stranger", "self-signed certificate"), ("elsewhere", "not valid for '127.0.0.1'")]
)
def test_a_certificate_that_is_not_accepted(
    examine: Examine, vendor: Vendor, files: Certificates, listener: str, cause: str
) -> None:
    """By our own authorities, as a send would see it."""
    environ = {"SMSCLI_BASE_URL": vendor.url("lightsms", listener=listener), "SMSCLI_CA_FILE": files.ca}
    report = examine(environ=environ)
    assert (report.code, report.problems(), cause in report.text("tls")) == (6, ["tls"], True)
    assert not vendor.seen.requests


def test_an_authority_that_is_not_ours(examine: Examine, vendor: Vendor) -> None:
    """Without ca_file the usual bundle decides."""
    report = examine(environ={"SMSCLI_BASE_URL": vendor.url("lightsms", listener="tls")})
    assert (report.code, report.problems(), "ca_file" in report.text("tls")) == (6, ["tls"], True)


def test_a_host_that_speaks_no_tls(examine: Examine, vendor: Vendor, files: Certificates) -> None:
    """Junk instead of a handshake, and a handshake that never ends."""
    environ = {"SMSCLI_BASE_URL": vendor.url("lightsms", listener="tls"), "SMSCLI_CA_FILE": files.ca}
    for accept, cause in (("junk", "TLS failed"), ("hello-stall", "TLS or the proxy's tunnel was not ready")):
        vendor.script(Step(accept=accept))
        report = examine("--timeout", "1", environ=environ)
        assert (report.code, report.problems(), cause in report.text("tls")) == (6, ["tls"], True), accept


def test_a_certificate_that_ends_soon_is_a_warning(examine: Examine, files: Certificates) -> None:
    """Days are left, and it says how many."""
    soon = sign(files, days=3)
    with Vendor(server_files={**asdict(files), "server": soon}, secrets=SECRETS) as vendor:
        environ = {"SMSCLI_BASE_URL": vendor.url("lightsms", dated(), listener="tls"), "SMSCLI_CA_FILE": files.ca}
        report = examine(environ=environ)
    assert (report.code, report.level("tls"), "2 days left" in report.text("tls")) == (0, "warning", True)


def test_a_proxy_that_refuses(examine: Examine) -> None:
    """The proxy is named, not the vendor."""
    with refusing_port() as port:
        proxy = f"http://u:{CANARY}@127.0.0.1:{port}"
        report = examine(environ={"SMSCLI_BASE_URL": f"https://{BEHIND_PROXY}/", "SMSCLI_PROXY": proxy})
    assert (report.code, report.problems()) == (6, ["connection"])
    assert f"the proxy 127.0.0.1:{port} refused the connection" in report.text("connection")


@pytest.mark.parametrize(("status", "cause"), [("407 Who", "wants a user name"), ("403 No", "refuses to connect")])
def test_a_proxy_that_lets_nobody_through(examine: Examine, vendor: Vendor, status: str, cause: str) -> None:
    """It wants a password, or does not like the host."""
    vendor.script(*[Step(on="connect", status=status)] * 2)
    report = examine(environ={"SMSCLI_BASE_URL": f"https://{BEHIND_PROXY}/", "https_proxy": vendor.origin()})
    assert (report.code, report.problems(), cause in report.text("connection")) == (6, ["connection"], True)


def test_a_vendor_that_is_in_trouble(examine: Examine, vendor: Vendor) -> None:
    """An answer is an answer: a status of 500 or more is a warning, and what it breaks is told by its own line."""
    report = examine(environ={"SMSCLI_BASE_URL": vendor.url("lightsms", Step(on="any", status="503 Busy", body=""))})
    assert (report.level("connection"), "HTTP status 503" in report.text("connection")) == ("warning", True)
    assert (report.code, report.problems()) == (6, ["clock", "balance"])


def test_an_answer_that_is_not_one(examine: Examine, vendor: Vendor) -> None:
    """Neither clock nor balance can be read; nothing of the answer is quoted."""
    url = vendor.url("lightsms", Step(on="any", body=f'{{"money": "{CANARY}"}}'))
    report = examine(environ={"SMSCLI_BASE_URL": url})
    assert (report.code, report.problems()) == (6, ["clock", "balance"])
    assert "not one that it documents" in report.text("balance")


# --- a wrong key: exit 4 ----------------------------------------------------------------------------------------------


def test_a_wrong_key(examine: Examine, vendor: Vendor) -> None:
    """The vendor's own word, graver than all else."""
    environ = {"SMSCLI_BASE_URL": vendor.url("lightsms", dated()), "SMSCLI_API_KEY": CANARY}
    report = examine(environ=environ)
    assert (report.code, report.problems()) == (4, ["balance"])
    assert report.ran.json["error"]["type"] == "AuthenticationError"


def test_an_empty_account_is_a_warning(smscli: Run) -> None:
    """Everything works, and the next send will be refused."""
    transport = sandbox.transport(sandbox.create_app(credit={"mainsms": Decimal(0)}))
    report = Report(smscli("doctor", "-o", "json", environ=environment("mainsms"), transport=transport))
    assert (report.code, report.level("balance"), "top up" in report.text("balance")) == (0, "warning", True)


@pytest.mark.parametrize("output", ["table", "plain", "json", "xml"])
def test_no_secret_is_said_whatever_goes_wrong(smscli: Run, vendor: Vendor, output: str) -> None:
    """Key, password of the proxy and of the journal, and an answer that repeats the request; told step by step."""
    with refusing_port() as port:
        environ = {
            "SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "me", "SMSCLI_API_KEY": CANARY,
            "SMSCLI_BASE_URL": vendor.url("lightsms", Step(on="any", body=CANARY)),
            "SMSCLI_PROXY": f"http://u:{CANARY}@127.0.0.1:{port}",
            "SMSCLI_JOURNAL": f"postgresql://u:{CANARY}@127.0.0.1:{port}/x?password={CANARY}",
        }  # fmt: skip
        inside = smscli("doctor", "-v", "-o", output, environ=environ)
        environ["SMSCLI_BASE_URL"] = f"https://{BEHIND_PROXY}/"
        outside = smscli("doctor", "-v", "-o", output, environ=environ)
    for ran in (inside, outside):
        assert ran.code == 3
        assert CANARY not in ran.out + ran.err
        assert "GET" in inside.err


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off(examine: Examine, vendor: Vendor, hours: int) -> None:
    """Both of the vendor's clocks say so. Where theirs stamps the signatures, it is a warning."""
    url = vendor.url("lightsms", dated())
    report = examine(environ={"SMSCLI_BASE_URL": url}, now=lambda: time.time() + 3600 * hours)
    assert (report.code, report.level("clock"), report.level("date")) == (0, "warning", "warning")
    side = "ahead of" if hours > 0 else "behind"
    for name in ("clock", "date"):
        assert f"s {side} that of" in report.text(name)
        assert "timedatectl" in report.text(name)


@pytest.mark.parametrize(("late", "agrees"), [(1.9, True), (2.1, False), (-0.1, False)])
def test_a_date_may_be_a_second_old(late: float, agrees: bool) -> None:
    """A web server writes it once a second, cut to the second; the round trip comes on top."""
    skew = Skew.of(1000.0, 1000.0 + late, 1000.0 + late, age=1.0)
    assert (skew.exceeds(0), skew.doubt) == (not agrees, 1.0)
    assert Skew.of(1000.0, 1000.0, 1000.4, age=1.0).doubt == pytest.approx(1.2)


def test_a_clock_that_stamps_the_signatures_must_be_right(examine: Examine, vendor: Vendor) -> None:
    """Then an hour is a problem, whatever the balance says."""
    environ = {"SMSCLI_BASE_URL": vendor.url("lightsms", dated()), "SMSCLI_CLOCK": "local"}
    report = examine(environ=environ, now=lambda: time.time() + 3600)
    assert (report.code, report.problems()) == (3, ["date", "clock", "balance"])
    assert "it stamps the signatures" in report.text("clock")


# --- checks and deadlines ---------------------------------------------------------------------------------------------


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """What nobody sets before the test is over."""
    event = threading.Event()
    yield event
    event.set()


def check(name: str, work: Callable[[], Finding], *after: Check, seconds: float = 5) -> Check:
    """Return a check of the network."""
    return Check(name, work, seconds, status=ExitCode.UNREACHABLE, hint="look there", after=after)


def test_a_check_that_hangs_is_told_as_such_and_holds_nobody(never: threading.Event) -> None:
    """A name server that never answers: no time-out of the system's bounds it."""

    def wait() -> Finding:
        never.wait()
        return findings.ok("slow", "late")

    began = time.monotonic()
    slow = check("slow", wait, seconds=0.2)
    quick = check("quick", lambda: findings.ok("quick", "at once"))
    behind = check("behind", lambda: findings.ok("behind", "never"), slow)
    assert quick.result().level is Level.OK
    assert slow.result() == Finding(
        "slow", Level.PROBLEM, "it hangs: no answer within 0.2 s", "", "look there", ExitCode.UNREACHABLE
    )
    assert behind.result() == findings.skipped("behind", "it needs the check of slow to end well")
    assert time.monotonic() - began < 3


def test_a_check_begins_when_those_before_it_have_ended_well() -> None:
    """What was left out for good reasons does not stop it; what has failed does."""

    def fail() -> Finding:
        raise UnreachableError("away; nothing was sent", hint="try again")

    def leave_out() -> Finding:
        raise SkipCheck("not here")

    first = check("first", leave_out)
    failed = check("failed", fail)
    assert first.result() == findings.skipped("first", "not here")
    assert failed.result() == Finding("failed", Level.PROBLEM, "away", "", "try again", ExitCode.UNREACHABLE)
    assert check("second", lambda: findings.ok("second", "done"), first).result().level is Level.OK
    assert check("third", lambda: findings.ok("third", "done"), first, failed).result().level is Level.SKIPPED


def test_a_bug_in_a_check_is_raised_where_its_result_is_asked_for() -> None:
    """The one boundary reports it, without its message."""
    with pytest.raises(ZeroDivisionError):
        check("bug", lambda: findings.ok("bug", str(1 // 0))).result()


@pytest.mark.parametrize(
    ("statuses", "code"),
    [((6, 3, 4), 4), ((6, 3), 3), ((6,), 6), ((), None)],
)
def test_the_gravest_problem_decides(statuses: tuple[int, ...], code: int | None) -> None:
    """A refused key, then settings, then the network; warnings never do."""
    all_found = [findings.warning("w", "odd", "look")]
    all_found += [Finding(f"p{status}", Level.PROBLEM, "bad", "", "mend", ExitCode(status)) for status in statuses]
    error = findings.gravest(all_found)
    assert (error.exit_code if error else None) == code
    assert error is None or f"p{code}: bad" in error.message


def test_the_verdict_counts() -> None:
    """One sentence for all."""
    bad = Finding("p", Level.PROBLEM, "bad")
    odd = findings.warning("w", "odd", "look")
    assert findings.verdict([bad, replace(bad), odd]) == "2 problems and 1 warning"
    assert findings.verdict([odd, odd]) == "2 warnings"
    assert findings.verdict([findings.ok("o", "fine"), findings.skipped("s", "why")]) == "all is well"
