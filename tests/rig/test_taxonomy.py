"""Rig: every way a send can fail, by every vendor, from argv to the exit status.

The rows of the network are those of ``test_transport_taxonomy``, here with the journal, the stamps and the retries
around them; then what an answer can say, and what can be wrong on this machine. Every send is looked up in the
journal afterwards and in the vendor's oracle: the status, the words and the two records must agree.
"""

from __future__ import annotations

import gc
import io
import json
import re
import sqlite3  # noqa: TID253  (to damage a journal)
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smscli.cli import run
from smscli.journal import APPLICATION_ID, Job, Journal, begin_anew
from smscli.model import MSISDN, Outcome
from smscli.providers import Stamp, get
from smscli.runtime import Runtime
from smscli.transport import HttpTransport
from smscli.wire import Request, Response
from tests import test_output
from tests.certificates import Certificates
from tests.client import VENDORS
from tests.documents import document
from tests.figures import add, figure
from tests.rig import test_environment, test_order, test_signals, test_syscalls, test_transport_taxonomy
from tests.rig.test_transport_taxonomy import ROWS, Row, real
from tests.vendor import Step, Vendor, mute_port, refusing_port
from tests.vendors import NOW, ORACLES, account, emulator, environment, message, needed_oracle, numbers, refusal

NUMBERS = {name: numbers(name)[:2] for name in VENDORS}
ATTEMPTS = 3


class Ran(NamedTuple):
    """How a command ended, and the one document it printed."""

    code: int
    tree: dict[str, Any]
    err: str

    @property
    def outcomes(self) -> list[str]:
        """What became of each recipient; empty when the send did not begin."""
        return [entry["outcome"] for entry in (self.tree["data"] or {}).get("recipients", [])]


class Desk:
    """One account, one state directory, and the commands run there."""

    def __init__(self, name: str, base_url: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.environ = {
            "HOME": str(folder),
            "SMSCLI_CONFIG": str(folder / "config.toml"),
            "SMSCLI_STATE_DIR": str(folder / "state"),
            **environment(name),
            "SMSCLI_BASE_URL": base_url,
        }

    @property
    def journal(self) -> Path:
        """Where sends to a vendor are recorded."""
        return self.folder / "state" / "journal.sqlite3"

    def __call__(self, *argv: str, environ: Mapping[str, str] | None = None, stdin: bytes = b"", **world: Any) -> Ran:
        """Run a command line in this process."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        environment = self.environ | dict(environ or {})
        # Pauses between tries are jittered up to seconds; here they only have to be.
        world = {"sleep": lambda seconds: time.sleep(seconds / 50), **world}
        given = io.TextIOWrapper(io.BytesIO(stdin))
        runtime = Runtime(environ=environment, stdin=given, stdout=out, stderr=err, **world)
        code = run([*argv, "-o", "json"], runtime)
        out.seek(0)
        err.seek(0)
        return Ran(code, document(out.read()), err.read())

    def send(self, *options: str, recipients: int = 1, batch: int = 9, **world: Any) -> Ran:
        """Send a text to the first recipients, under key ``k``."""
        to = [word for number in NUMBERS[self.name][:recipients] for word in ("--to", number)]
        return self("send", *to, "--key", "k", "--batch-size", str(batch), "hello", *options, **world)

    def recorded(self) -> list[str]:
        """Return the states in the journal."""
        return [entry["state"] for entry in self("journal", "list").tree["data"]["entries"]]


@pytest.fixture
def desk(vendor: Vendor, name: str, files: Certificates, tmp_path: Path) -> Desk:
    """The vendor's account, its certificates trusted."""
    made = Desk(name, vendor.url(name), tmp_path)
    made.environ["SMSCLI_CA_FILE"] = files.ca
    return made


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, str]]:
    """Ports that refuse and that hang, by the words that stand for them in a row."""
    with refusing_port() as refusing, mute_port() as mute:
        yield {"REFUSING": str(refusing), "MUTE": str(mute)}


def agreed(row: str, name: str) -> None:
    """Count a case of a row by a vendor."""
    told = "taxonomy by the command line: {cases} cases agreed ({rows.different} rows, {vendors.different} vendors)"
    add(told, cases=1, rows={row: 1}, vendors={name: 1})


def agree(desk: Desk, ran: Ran, outcomes: list[str], code: int, booked: int, vendor: Vendor) -> None:
    """Hold status, words, journal and oracle against what was wanted; ``booked`` is the oracle's length before."""
    assert (ran.code, ran.tree["exit_code"]) == (code, code), ran
    assert ran.outcomes == outcomes, ran
    assert "internal" not in ran.err
    assert desk.recorded() == outcomes, "the journal tells another story"
    accepted = len(vendor.oracle()) - booked
    assert accepted >= outcomes.count("SENT"), "a false SENT"
    assert accepted <= outcomes.count("SENT") + outcomes.count("UNKNOWN") + outcomes.count("REFUSED")
    if set(outcomes) <= {"NOT_SENT"}:
        assert [request.path for request in vendor.seen.requests if is_send(request.pairs)] == []


def is_send(pairs: list[list[str]]) -> bool:
    """Return whether a request names a text."""
    return any(name in ("text", "message") for name, _ in pairs)


# --- the network -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
# CPython forgets to close the socket of a handshake that was reset before it began.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_the_network_does(
    row: Row,
    name: str,
    desk: Desk,
    vendor: Vendor,
    ports: dict[str, str],
    request: pytest.FixtureRequest,
) -> None:
    """Outcome and exit status of the row, also after the retries that a proof of NOT_SENT allows."""
    attempt = row.attempt(vendor, name)
    world: dict[str, Any] = {}
    if attempt.not_after is not None or attempt.asks_first:
        stamp = get(name).stamp
        if not stamp.ages or (attempt.asks_first and stamp is not Stamp.VENDOR_CLOCK):
            pytest.skip("this vendor's signature does not age, or nothing is asked before a send")
        if attempt.not_after is not None:
            # A caller whose clock is behind the transport's signs what the transport finds too old.
            world["monotonic"] = lambda: time.monotonic() - 100
    # The send itself shall meet the fault, not the question for the time before it.
    clock = {} if attempt.asks_first else {"SMSCLI_CLOCK": "local"}
    steps = attempt.script if attempt.asks_first else attempt.script * ATTEMPTS
    vendor.script(*steps)
    desk.environ |= clock | {"SMSCLI_BASE_URL": real(attempt.url, ports)}
    if attempt.proxy:
        desk.environ["SMSCLI_PROXY"] = real(attempt.proxy, ports)
    before, start = len(vendor.oracle()), time.monotonic()
    ran = desk.send("--timeout", str(attempt.seconds), **world)
    took = time.monotonic() - start
    vendor.script()
    assert took <= attempt.seconds + 1
    # An address that cannot be one is refused before the send begins.
    early = ran.code == 3 and ran.tree["data"] is None
    agree(desk, ran, [] if early else [row.outcome], row.exit_code, before, vendor)
    agreed(request.node.callspec.id.removesuffix(f"-{name}"), name)
    gc.collect()


# --- the answer ------------------------------------------------------------------------------------------------------


class Said(NamedTuple):
    """What a vendor says and what it comes to; ``body`` gets the vendor's name and its good answer."""

    outcomes: list[str]
    code: int
    body: Callable[[str, str], str | None]
    step: dict[str, Any] = {}  # noqa: RUF012  (never changed)
    vendors: tuple[str, ...] = VENDORS
    recipients: int = 1


@cache
def good(name: str, to: tuple[str, ...]) -> str:
    """Return the vendor's documented success: that of its emulator."""
    sent = message(name)._replace(to=tuple(MSISDN(number.lstrip("+")) for number in to))
    return emulator()(get(name).send.build(sent, account(name), str(int(NOW))), 1.0).body.decode()


def unlisted(name: str) -> str:
    """Return a refusal by a code that stands in no list."""
    return re.sub(r'(?<=: )(?:"?[0-9]{1,3}"?|"Invalid[^"]*")(?=[,}])', '"77"', refusal(name))


def refuses_with(name: str, status: str) -> bool:
    """Return whether the vendor documents to refuse with this HTTP status."""
    response = Response(int(status), refusal(name).encode())
    return get(name).send.parse(response, message(name), "").submissions[0].outcome is Outcome.REFUSED


_IDS = r"\b[0-9]{15,22}\b"


def with_id(ok: str, value: str) -> str:
    """Return a success whose decisive value (id, or the state where there is none) is another JSON value."""
    return re.sub(rf'"?{_IDS}"?|"delivered"', lambda _: value, ok)


def half_refused(name: str, ok: str) -> str:
    """Return a success for two that refuses the second."""
    change = needed_oracle(name).half_refused
    assert change
    return json.dumps(change(json.loads(ok), NUMBERS[name][1].lstrip("+")))


def no_refusals(name: str, _ok: str) -> str:
    """Skip the test of a vendor whose documented refusals nobody has read a second time."""
    needed_oracle(name)
    raise AssertionError(f"the refusals of {name} have rows of their own")


def one_id(_name: str, ok: str) -> str:
    """Return a success that gives the first one's id to the second too."""
    first, second = re.findall(_IDS, ok)
    return ok.replace(second, first)


SENT, UNKNOWN = (["SENT"], 0), (["UNKNOWN"], 7)
BOTH_UNKNOWN = (["UNKNOWN", "UNKNOWN"], 7)
OF_MANY = tuple(name for name in VENDORS if get(name).batch_limit > 1)
WITH_IDS = tuple(name for name in VENDORS if re.search(_IDS, good(name, NUMBERS[name][:1])))
GIVING_EACH_AN_ID = tuple(name for name in WITH_IDS if name in OF_MANY)
LISTING_IDS = tuple(name for name in OF_MANY if re.search(rf", {_IDS}", good(name, NUMBERS[name])))
"""Vendors whose answers have the ids of several recipients in one list."""
HALVING = tuple(name for name, reading in ORACLES.items() if reading.half_refused)
"""Vendors that refuse one recipient of several."""
STALE = [(code, name) for name, reading in ORACLES.items() for code in reading.STALE]
NAMING = tuple(name for name in VENDORS if NUMBERS[name][0][3:] in good(name, NUMBERS[name][:1]))
"""Vendors whose answers repeat the number."""
STATUS = ("400", "401", "403", "404", "405", "408", "413", "414", "425", "429", "499", "500", "502", "503", "504")
RETRY_AFTER = ("2", "-1", "99999999", "soon", "Wed, 21 Oct 2031 07:28:00 GMT")
LAUGHS = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>'


def header(status: int, name: str, value: str) -> dict[str, Any]:
    """Return the step of an answer with this status and this header."""
    return {"status": f"{status} X", "headers": ((name, value),)}


ANSWERS: dict[str, Said] = {
    "B1 documented success": Said(*SENT, lambda _, ok: ok),
    **{
        f"B2 {body}": Said(["REFUSED"], code, lambda _name, _ok, body=body: body, vendors=(name,))  # type: ignore[misc]  # a default
        for name, reading in ORACLES.items()
        for body, code in reading.REFUSALS.items()
    },
    "B2 what is documented": Said([], 0, no_refusals, vendors=tuple(name for name in VENDORS if name not in ORACLES)),
    "B2 a code of no list": Said(*UNKNOWN, lambda name, _: unlisted(name)),
    "B3 HTML with 200": Said(*UNKNOWN, lambda *_: "<!DOCTYPE html><html><body>Log in</body></html>"),
    "B3 good answer within HTML": Said(*UNKNOWN, lambda _, ok: f"<pre>{ok}</pre>"),
    "B4 truncated": Said(*UNKNOWN, lambda _, ok: ok[:-1]),
    "B4 doubled": Said(*UNKNOWN, lambda _, ok: ok + ok),
    "B4 not UTF-8": Said(*UNKNOWN, lambda _, ok: ok[:-1] + ',"x":"\xff"}'),
    "B4 UTF-16": Said(*UNKNOWN, lambda _, ok: ok.encode("utf-16").decode("latin-1")),
    "B4 empty": Said(*UNKNOWN, lambda *_: ""),
    "B5 one BOM": Said(*SENT, lambda _, ok: "\xef\xbb\xbf" + ok),
    "B5 two BOMs": Said(*UNKNOWN, lambda _, ok: "\xef\xbb\xbf" * 2 + ok),
    "B6 one key twice": Said(*UNKNOWN, lambda _, ok: ok[:-1] + "," + ok[1:]),
    "B7 60 000 deep": Said(*UNKNOWN, lambda *_: "[" * 60_000),
    "B7 deep within an answer": Said(*UNKNOWN, lambda _, ok: ok[:-1] + ',"x":' + "[" * 200 + "]" * 200 + "}"),
    "B8 NaN": Said(*UNKNOWN, lambda _, ok: ok[:-1] + ',"x":NaN}'),
    "B8 5000 digits": Said(*UNKNOWN, lambda _, ok: ok[:-1] + ',"x":' + "9" * 5000 + "}"),
    "B8 half a surrogate pair where it counts": Said(*UNKNOWN, lambda _, ok: with_id(ok, '"\\ud800"')),
    "B8 1e999 where it counts": Said(*UNKNOWN, lambda _, ok: with_id(ok, "1e999")),
    "B8 true where it counts": Said(*UNKNOWN, lambda _, ok: with_id(ok, "true")),
    "B9 another Content-Type": Said(*SENT, lambda _, ok: ok, header(200, "Content-Type", "text/html")),
    **{
        f"B10-B15 {status} over a success": Said(*UNKNOWN, lambda _, ok: ok, {"status": f"{status} X"})
        for status in STATUS
    },
    **{
        f"B10-B15 {status} over a listed error": Said(
            *UNKNOWN,
            lambda name, _: refusal(name),
            {"status": f"{status} X"},
            tuple(name for name in VENDORS if not refuses_with(name, status)),
        )
        for status in STATUS
    },
    **{
        f"B13 Retry-After {value}": Said(*UNKNOWN, lambda *_: "slow down", header(429, "Retry-After", value))
        for value in RETRY_AFTER
    },
    "B16 500 x 100 Continue": Said(*SENT, lambda _, ok: ok, {"flood": 500}),
    **{
        f"B17 {status} to {where}": Said(*UNKNOWN, lambda _, ok: ok, header(status, "Location", where))
        for status in (301, 302, 303, 307, 308)
        for where in ("/again", "http://127.0.0.1:1/x", "//evil.invalid/")
    },
    "B18 gzip bomb": Said(*UNKNOWN, lambda *_: None, {"gzip_mib": 64, "headers": (("Content-Encoding", "gzip"),)}),
    "B18 endless": Said(*UNKNOWN, lambda *_: None, {"fill": ("x", 65536), "endless": True}),
    "B18 65 537 bytes": Said(*UNKNOWN, lambda _, ok: ok + " " * (65537 - len(ok))),
    "B18 65 536 bytes": Said(*SENT, lambda _, ok: ok + " " * (65536 - len(ok))),
    "B19 billion laughs": Said(*UNKNOWN, lambda *_: LAUGHS),
    "B20 XML in UTF-7": Said(*UNKNOWN, lambda *_: '<?xml version="1.0" encoding="utf-7"?><x>+AAA-</x>'),
    "B21 one is not mentioned": Said(
        ["SENT", "UNKNOWN"], 7, lambda name, _: good(name, NUMBERS[name][:1]), vendors=OF_MANY, recipients=2
    ),
    "B21 one is refused": Said(["SENT", "REFUSED"], 8, half_refused, vendors=HALVING, recipients=2),
    "B21 one too many": Said(*UNKNOWN, lambda name, _: good(name, NUMBERS[name]), vendors=NAMING),
    "B21 another's number": Said(*UNKNOWN, lambda name, _: good(name, NUMBERS[name][1:]), vendors=NAMING),
    "B22 one id for two": Said(*BOTH_UNKNOWN, one_id, vendors=GIVING_EACH_AN_ID, recipients=2),
    "B22 no id": Said(*UNKNOWN, lambda _, ok: with_id(ok, "0"), vendors=WITH_IDS),
    "B22 fewer ids": Said(*BOTH_UNKNOWN, lambda _, ok: re.sub(rf", {_IDS}", "", ok), vendors=LISTING_IDS, recipients=2),
}


@pytest.mark.parametrize(
    ("row", "name"),
    [pytest.param(row, name, id=f"{row} / {name}") for row, said in ANSWERS.items() for name in said.vendors],
)
def test_what_the_vendor_says(row: str, name: str, desk: Desk, vendor: Vendor) -> None:
    """SENT needs the whole documented success, REFUSED a listed error; all else is UNKNOWN and goes out once."""
    said = ANSWERS[row]
    body = said.body(name, good(name, NUMBERS[name][: said.recipients]))
    vendor.script(*[Step(body=body, **said.step)] * ATTEMPTS)
    before = len(vendor.oracle())
    ran = desk.send("--timeout", "5", recipients=said.recipients)
    agree(desk, ran, said.outcomes, said.code, before, vendor)
    sends = [request for request in vendor.seen.requests if is_send(request.pairs)]
    assert len(sends) == 1, "sent again"
    assert not any(request.path.endswith(("/again", "/x", "/")) for request in vendor.seen.requests), "followed"
    agreed(row, name)


@pytest.mark.parametrize(("code", "name"), STALE)
def test_b23_a_stale_timestamp_is_refused_and_signed_anew(code: int, name: str, desk: Desk, vendor: Vendor) -> None:
    """Once stale: cured by a new stamp. Stale again: refused, exit 6, and no third request."""
    stale = Step(body=needed_oracle(name).STALE[code], book=False)
    vendor.script(stale, *[Step()] * 2)
    assert desk.send().code == 0
    vendor.forget()
    vendor.script(*[stale] * ATTEMPTS)
    ran = desk("send", "--to", NUMBERS[name][1], "--key", "other", "hello")
    sends = [request for request in vendor.seen.requests if is_send(request.pairs)]
    assert (ran.code, ran.outcomes, len(sends)) == (6, ["REFUSED"], 2), (ran, vendor.seen)
    agreed(f"B23 {code}", name)


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("skew", [-86_400, -60, 60, 86_400])
def test_b24_b25_a_wrong_clock_does_no_harm(skew: int, name: str, desk: Desk) -> None:
    """The vendor's clock stamps the request; wall time that is off, or steps, changes nothing else."""
    steps = iter([skew, -skew, skew * 2] * 100)
    ran = desk.send(now=lambda: time.time() + next(steps))
    harm = get(name).stamp is Stamp.LOCAL_CLOCK
    assert (ran.code, ran.outcomes) == ((6, ["REFUSED"]) if harm else (0, ["SENT"]))
    if get(name).stamp is Stamp.VENDOR_CLOCK:
        ran = desk(
            "send", "--to", NUMBERS[name][1], "--key", "local", "hello", environ={"SMSCLI_CLOCK": "local"},
            now=lambda: time.time() + skew,
        )  # fmt: skip
        assert (ran.code, ran.outcomes) == (6, ["REFUSED"]), "the vendor takes no old stamps"
        assert "clock" in ran.err
    agreed(f"B24 {skew}", name)


# --- this machine ----------------------------------------------------------------------------------------------------


def damage(path: Path) -> None:
    """Overwrite the middle of the first page."""
    with path.open("r+b") as file:
        file.seek(40)
        file.write(b"\xff" * 200)


def truncate(path: Path) -> None:
    """Cut the file in the middle of a page."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 5000)


def make_newer(path: Path) -> None:
    """Give the file the layout of a later program."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


def make_foreign(path: Path) -> None:
    """Make it another program's database."""
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID + 1}")
    db.close()


def make_public(path: Path) -> None:
    """Let others read it."""
    path.chmod(0o644)


def empty(path: Path) -> None:
    """Leave nothing in it."""
    path.write_bytes(b"")


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("spoil", [damage, truncate, make_newer, make_foreign, make_public, empty])
def test_c12_c14_a_journal_that_cannot_be_trusted(
    spoil: Callable[[Path], None], name: str, desk: Desk, vendor: Vendor
) -> None:
    """Exit 3 with what to do, nothing sent, the file left as it is."""
    assert desk.send().code == 0
    spoil(desk.journal)
    kept, mode = desk.journal.read_bytes(), desk.journal.stat().st_mode
    vendor.forget()
    ran = desk.send()
    assert (ran.code, ran.outcomes) == (3, [])
    assert "hint:" in ran.err
    assert "internal" not in ran.err
    assert vendor.seen.connections == 0
    assert (desk.journal.read_bytes(), desk.journal.stat().st_mode) == (kept, mode)
    agreed(f"C12 {spoil.__name__}", name)


@pytest.mark.parametrize("name", VENDORS)
def test_c8_a_journal_that_breaks_behind_the_answer(name: str, desk: Desk, vendor: Vendor, files: Certificates) -> None:
    """The outcome is shown, the status says that it is not recorded; once mended, the file calls it unknown."""
    http = HttpTransport(ca_file=files.ca)
    claimed = b""

    def transport(request: Request, seconds: float) -> Response:
        nonlocal claimed
        response = http(request, seconds)
        if request.billable:
            claimed = desk.journal.read_bytes()
            desk.journal.write_bytes(b"\xff" * len(claimed))
        return response

    ran = desk.send(transport=transport)
    http.close()
    assert (ran.code, ran.outcomes) == (7, ["SENT"])
    assert "could not be recorded" in ran.err
    desk.journal.write_bytes(claimed)
    again = desk.send()
    assert (again.code, again.outcomes) == (7, ["UNKNOWN"])
    assert len([request for request in vendor.seen.requests if is_send(request.pairs)]) == 1
    agreed("C8", name)


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_c7_a_disk_that_takes_nothing(trouble: str, name: str, desk: Desk, vendor: Vendor, tmp_path: Path) -> None:
    """No claim, no request: exit 3 and nothing leaves."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    options = "size=16k,mode=0700" if trouble == "full" else "size=1m,mode=0700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(state)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        if trouble == "read-only":
            assert desk.send().code == 0
            subprocess.run(["mount", "-o", "remount,ro", str(state)], check=True)
        vendor.forget()
        ran = desk("send", "--to", NUMBERS[name][1], "--key", "new", "hello")
        assert (ran.code, ran.outcomes) == (3, [])
        assert "hint:" in ran.err
        assert [request for request in vendor.seen.requests if is_send(request.pairs)] == []
    finally:
        subprocess.run(["umount", "-l", str(state)], check=True)
    agreed(f"C7 {trouble}", name)


@pytest.mark.parametrize("name", VENDORS)
def test_c10_c1_a_key_in_flight_and_a_key_whose_sender_died(name: str, desk: Desk, vendor: Vendor) -> None:
    """Held by a living process: exit 9. Held by nobody: unknown, exit 7, until somebody decides. Never a request."""
    number = MSISDN(NUMBERS[name][0].lstrip("+"))
    assert desk.send().code == 0  # its journal tells the fingerprint of the same command
    vendor.forget()
    db = sqlite3.connect(desk.journal)
    (content,) = db.execute("SELECT fingerprint FROM job").fetchone()
    db.close()
    desk.journal.unlink()
    begin_anew(desk.journal)
    with Journal(desk.journal, now=time.time) as held:
        opened = held.begin(Job("k", name, "", "", "", ((number, "hello"),), content))
        held.claim(opened.key, opened.pending)
        ran = desk.send()
        assert (ran.code, ran.outcomes) == (9, [])
    ran = desk.send()
    assert (ran.code, ran.outcomes) == (7, ["UNKNOWN"])
    ran = desk("send", "--to", NUMBERS[name][0], "--key", "k", "other words")
    assert (ran.code, ran.outcomes) == (9, [])
    assert vendor.seen.requests == []
    assert desk("journal", "resolve", "k", "--not-sent").code == 0
    assert desk.send().code == 0
    agreed("C10", name)


BAD_PROFILES = {
    "not TOML": "default = ",
    "3000 deep": "a = " + "[" * 3000,
    "a number of 5000 digits": "a = " + "9" * 5000,
    "20 000 dotted parts": ".".join("a" * 20_000) + " = 1",
    "70 kB": "# " + "x" * 70_000,
    "a profile that is none": "[profiles]\nwork = 1",
    "a default that is none": 'default = "gone"',
}


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("content", [*BAD_PROFILES.values(), "\udcff"], ids=[*BAD_PROFILES, "not UTF-8"])
def test_c15_a_profile_file_that_is_broken(
    content: str, name: str, desk: Desk, vendor: Vendor, request: pytest.FixtureRequest
) -> None:
    """Exit 3 in an instant, with what to do, and not a word of the file."""
    path = desk.folder / "config.toml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    path.chmod(0o600)
    started = time.monotonic()
    ran = desk.send()
    assert time.monotonic() - started < 2
    assert ran.code == 3, ran
    assert "internal" not in ran.err
    assert vendor.seen.connections == 0
    agreed("C15 " + request.node.callspec.id.removesuffix(f"-{name}"), name)


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("data", [b"a\xff", b"\xed\xa0\x80", b"a\0b", b"", b"\n"])
def test_c18_a_text_that_is_none(data: bytes, name: str, desk: Desk, vendor: Vendor) -> None:
    """Bytes that are not UTF-8, NUL, nothing: exit 2."""
    ran = desk("send", "--to", NUMBERS[name][0], "-", stdin=data)
    assert (ran.code, vendor.seen.connections) == (2, 0), ran
    agreed(f"C18 {data!r}", name)


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("file", ["missing", "empty"])
def test_c20_a_ca_bundle_that_is_not_there(file: str, name: str, desk: Desk, vendor: Vendor, tmp_path: Path) -> None:
    """Exit 3 with the file's name, before anything is sent or recorded as sent."""
    path = tmp_path / file
    if file == "empty":
        path.touch()
    del desk.environ["SMSCLI_CA_FILE"]
    ran = desk.send(environ={"REQUESTS_CA_BUNDLE": str(path)})
    assert (ran.code, vendor.seen.connections) == (3, 0), ran
    assert str(path) in ran.err
    agreed(f"C20 {file}", name)


# What needs a world of its own, and the test that makes it.
ELSEWHERE = {
    "A2": test_transport_taxonomy.test_a2_a_name_server_that_never_answers,
    "C2": test_order.test_a_durable_claim_precedes_every_request,
    "C3": test_signals.test_a_signal_begins_no_request_and_the_rest_can_be_sent,
    "C4": test_signals.test_a_signal_begins_no_request_and_the_rest_can_be_sent,
    "C5": test_signals.test_no_output_error_changes_the_journal,
    "C6": test_signals.test_no_output_error_changes_the_journal,
    "C9": test_syscalls.test_an_error_at_every_system_call,
    "C11": test_syscalls.test_sigkill_at_every_system_call,
    "C16": test_environment.test_no_home_is_told_and_no_tilde_is_made,
    "C17": test_output.test_no_encoding_ends_in_a_traceback,
    "C19": test_environment.test_every_home_is_answered,
}
IMPOSSIBLE = {"C13": "a file system without locks cannot be made here"}


def test_every_row_of_the_taxonomy_has_its_test() -> None:
    """A1 to A22, B1 to B25, C1 to C20: in a table or a test's name above, in another file, or told to be impossible."""
    tests = [name.removeprefix("test_").upper().replace("_", " ") for name in globals() if name.startswith("test_")]
    here = {row for words in [*ROWS, *ANSWERS, *tests] for row in rows_of(words)}
    wanted = {row for rows in ("A1-A22", "B1-B25", "C1-C20") for row in rows_of(rows)}
    assert here | ELSEWHERE.keys() | IMPOSSIBLE.keys() == wanted
    shown = [f"{row} in {test.__module__.rpartition('.')[2]}" for row, test in ELSEWHERE.items()]
    shown += [f"{row} nowhere: {why}" for row, why in IMPOSSIBLE.items()]
    figure("taxonomy, shown elsewhere: " + "; ".join(shown))


def rows_of(words: str) -> Iterator[str]:
    """Yield the rows that a title begins with: ``B10-B15 503``, ``C12 C14 A journal``."""
    for word in words.split(" "):
        match = re.fullmatch(r"([ABC])([0-9]+)(?:-[ABC]([0-9]+))?", word)
        if match is None:
            return
        first, last = int(match[2]), int(match[3] or match[2])
        yield from (f"{match[1]}{number}" for number in range(first, last + 1))
