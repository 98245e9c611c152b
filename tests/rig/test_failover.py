"""Rig: a second account behind every fault of the first, and patience; both vendors together never have anybody twice.

The rows are those of the taxonomies. The second vendor is well: what it got although the first may have it is a
duplicate, what it did not get although the first surely has not is a lost alert.
"""

from __future__ import annotations

import io
import json
import random
import time
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smscli.cli import run
from smscli.model import Outcome
from smscli.providers import Stamp, get
from smscli.runtime import Runtime
from tests.certificates import Certificates
from tests.client import SECRETS
from tests.documents import document
from tests.figures import add, figure
from tests.rig.checker import Tally, check
from tests.rig.forks import Forks
from tests.rig.job import Job
from tests.rig.test_taxonomy import ANSWERS, ATTEMPTS, NUMBERS, Ran, good, is_send
from tests.rig.test_transport_taxonomy import ROWS, Row, real
from tests.vendor import BEHIND_PROXY, Step, Vendor, mute_port, refusing_port
from tests.vendors import environment

PAIRS = {"lightsms": "mainsms", "mainsms": "lightsms"}
"""Whose send meets the fault, and who stands behind it."""
MODES = {
    "fallback": ("--fallback", "second"),
    "retry": ("--retry-for", "6s"),
    "both": ("--fallback", "second", "--retry-for", "6s"),
}


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, str]]:
    """Ports that refuse and that hang, by the words that stand for them in a row."""
    with refusing_port() as refusing, mute_port() as mute:
        yield {"REFUSING": str(refusing), "MUTE": str(mute)}


@pytest.fixture(scope="module")
def spare() -> Iterator[Vendor]:
    """The second vendor, in a process of its own: no fault reaches it."""
    with Vendor() as made:
        yield made


class Duo(NamedTuple):
    """Two accounts, their two vendors, and the commands run with both."""

    folder: Path
    first: str
    vendor: Vendor
    spare: Vendor

    def send(self, mode: str, settings: dict[str, str], *argv: str, recipients: int = 1, ahead: float = 0.0) -> Ran:
        """Send in this mode; ``settings`` are the first profile's own. Nobody sleeps: the clock is moved instead."""
        second = PAIRS[self.first]
        lines = ['default = "first"']
        for name, vendor, own in (("first", self.first, settings), ("second", second, {})):
            values = {**environment(vendor), "SMSCLI_BASE_URL": self.spare.url(vendor)}
            values = {key.removeprefix("SMSCLI_").lower(): value for key, value in values.items() if value} | own
            lines += [f"[profiles.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        config = self.folder / "config.toml"
        config.touch(0o600)
        config.write_text("\n".join([*lines, ""]))
        to = [word for number in NUMBERS[self.first][:recipients] for word in ("--to", number)]
        slept: list[float] = []
        return self("send", *to, "--key", "k", "hello", *MODES[mode], *argv, sleep=slept.append,
                    monotonic=lambda: time.monotonic() + sum(slept) - ahead)  # fmt: skip

    def __call__(self, *argv: str, **world: Any) -> Ran:
        """Run a command line in this process."""
        environ = {
            "HOME": str(self.folder),
            "SMSCLI_CONFIG": str(self.folder / "config.toml"),
            "SMSCLI_STATE_DIR": str(self.folder / "state"),
        }
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        code = run([*argv, "-o", "json"], Runtime(environ=environ, stdin=None, stdout=out, stderr=err, **world))
        out.seek(0)
        err.seek(0)
        return Ran(code, document(out.read()), err.read())

    def agree(self, ran: Ran, before: tuple[int, int], refused: Collection[str] = ()) -> None:
        """Hold receipt, journal and both oracles against each other.

        ``refused`` are the digits of those to whom the first vendor has said no, as documented: what it did all the
        same is its own affair.
        """
        assert "internal" not in ran.err
        told = {one["to"].lstrip("+"): one for one in (ran.tree["data"] or {}).get("recipients", [])}
        recorded = {
            one["to"].lstrip("+"): one["state"] for one in self("journal", "list").tree["data"]["entries"]
        } if told else {}  # fmt: skip
        assert recorded == {number: one["outcome"] for number, one in told.items()}, "the journal tells another story"
        having = Counter(one.recipient for one in self.spare.oracle()[before[1] :])
        having.update(one.recipient for one in self.vendor.oracle()[before[0] :] if one.recipient not in refused)
        assert all(count == 1 for count in having.values()), f"twice: {having}"
        for number, one in told.items():
            assert not (one["outcome"] == "SENT" and not having[number]), "a false SENT"
            assert not (one["outcome"] in ("NOT_SENT", "REFUSED") and having[number]), f"a false {one['outcome']}"


@pytest.fixture(params=PAIRS)
def duo(request: pytest.FixtureRequest, vendor: Vendor, spare: Vendor, tmp_path: Path) -> Duo:
    """Two accounts that nobody has used."""
    spare.forget()
    return Duo(tmp_path, request.param, vendor, spare)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
# CPython forgets to close the socket of a handshake that was reset before it began.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_the_network_does_to_the_first(
    row: Row, mode: str, duo: Duo, files: Certificates, ports: dict[str, str]
) -> None:
    """NOT_SENT goes on, or round; UNKNOWN does neither: the second vendor is not even connected to."""
    attempt = row.attempt(duo.vendor, duo.first)
    stamp = get(duo.first).stamp
    if (attempt.not_after is not None and not stamp.ages) or (attempt.asks_first and stamp is not Stamp.VENDOR_CLOCK):
        pytest.skip("this vendor's signature does not age, or nothing is asked before a send")
    duo.vendor.script(*attempt.script * (1 if attempt.asks_first else 40))
    settings = {"base_url": real(attempt.url, ports), "ca_file": files.ca}
    if attempt.proxy:
        settings["proxy"] = real(attempt.proxy, ports)
    if duo.first == "lightsms" and not attempt.asks_first:
        settings["clock"] = "local"  # the send itself shall meet the fault
    before = len(duo.vendor.oracle()), len(duo.spare.oracle())
    # A caller whose clock is behind the transport's signs what the transport finds too old.
    ahead = 0.0 if attempt.not_after is None else 100.0
    ran = duo.send(mode, settings, "--timeout", str(attempt.seconds), ahead=ahead)
    duo.vendor.script()
    duo.agree(ran, before)
    passes_on = row.outcome is Outcome.NOT_SENT and mode != "retry" and ran.tree["data"] is not None
    if passes_on:
        assert (ran.code, ran.outcomes) == (0, ["SENT"]), ran
        assert ran.tree["data"]["recipients"][0]["provider"] == PAIRS[duo.first]
    else:
        assert ran.code == row.exit_code, ran
        assert duo.spare.seen.connections == 0
    if row.outcome is not Outcome.NOT_SENT:
        assert sum(is_send(request.pairs) for request in duo.vendor.seen.requests) <= 1, "sent again"
    assert ("again in" in ran.err) == (mode == "retry" and row.exit_code == 6), ran.err
    add("failover, the network: {cases} cases, {on} went on, 0 duplicates over both vendors", cases=1, on=passes_on)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("row", "duo"),
    [pytest.param(row, name, id=f"{row} / {name}") for row, said in ANSWERS.items() for name in said.vendors
     if name in PAIRS],
    indirect=["duo"],
)  # fmt: skip
def test_what_the_first_vendor_says(row: str, mode: str, duo: Duo) -> None:
    """A documented refusal of the account goes on; what is not understood, or about the number, does not."""
    said = ANSWERS[row]
    duo.vendor.script(*[Step(body=said.body(duo.first, good(duo.first, NUMBERS[duo.first][: said.recipients])),
                             **said.step)] * ATTEMPTS)  # fmt: skip
    before = len(duo.vendor.oracle()), len(duo.spare.oracle())
    ran = duo.send(mode, {"base_url": duo.vendor.url(duo.first)}, "--timeout", "5", recipients=said.recipients)
    numbers = (number.lstrip("+") for number in NUMBERS[duo.first])
    refused = {number for number, outcome in zip(numbers, said.outcomes, strict=False) if outcome == "REFUSED"}
    duo.agree(ran, before, refused)
    assert sum(is_send(request.pairs) for request in duo.vendor.seen.requests) == 1, "sent again"
    went_on = ran.outcomes != said.outcomes
    if went_on:
        assert mode != "retry"
        assert {(was, is_) for was, is_ in zip(said.outcomes, ran.outcomes, strict=True) if was != is_} == {
            ("REFUSED", "SENT")
        }
    else:
        assert ran.code == said.code
        assert sum(is_send(request.pairs) for request in duo.spare.seen.requests) == 0
    add("failover, the answers: {cases} cases, {on} went on, 0 duplicates over both vendors", cases=1, on=went_on)


# --- kills ------------------------------------------------------------------------------------------------------------

KILLS, SIZE = 150, 300
WELL = Step(delay=0.005)


@pytest.mark.waits
@pytest.mark.parametrize("seed", range(3))
def test_no_kill_sends_to_both(seed: int, tmp_path: Path, loaded: Forks) -> None:
    """Jobs with a fallback, killed with either account and between them: each recipient once over both vendors.

    The first account refuses every other recipient for want of money, or all of them, or its proxy is gone.
    """
    started = time.monotonic()
    dice = random.Random(seed)  # noqa: S311  (not for secrets)
    first, second = list(PAIRS.items())[seed % 2]
    kills, tallies = 0, list[Tally]()
    both = Counter[str]()
    with Vendor(secrets=SECRETS, oracle=tmp_path / "oracle") as vendor, refusing_port() as port:
        poor = Step(body='{"error":"32"}' if first == "lightsms" else '{"status":"error","error":"7"}', book=False)
        while kills < KILLS:
            job = _job(tmp_path / f"{seed}-{len(tallies)}", first, second, vendor, seed, poor, port)
            if seed == 0:
                vendor.script(*[WELL, poor] * SIZE)
            while kills < KILLS and _killed(job, dice, loaded):
                kills += 1
            code = job.start().wait(timeout=300)
            accepted = job.accepted(vendor)
            both.update(one.provider for one in accepted)
            tallies.append(check(job.journal, job.key, job.recipients, accepted))
            assert tallies[-1].not_sent == tallies[-1].refused == 0, f"{job.key} ended with {code}: {tallies[-1]}"
            assert code == (7 if tallies[-1].unknown else 0)
    unknown = sum(tally.unknown for tally in tallies)
    assert unknown <= kills == KILLS
    assert both[second] > SIZE / 4, f"hardly anybody went on: {both}"
    figure(
        f"SIGKILL with a fallback, seed {seed}: {kills} kills, {sum(t.planned for t in tallies)} recipients "
        f"({both[first]} by the first vendor, {both[second]} by the second), 0 duplicates over both, 0 unaccounted, "
        f"{unknown} UNKNOWN, {time.monotonic() - started:.0f} s"
    )


def _job(
    home: Path, first: str, second: str, vendor: Vendor, seed: int, poor: Step, port: int, size: int = SIZE
) -> Job:  # fmt: skip
    url = (vendor.url(first), vendor.url(first, poor), f"https://{BEHIND_PROXY}/")[seed]
    values = {**environment(second), "SMSCLI_BASE_URL": vendor.url(second, WELL), "SMSCLI_BATCH_SIZE": "1"}
    settings = {key.removeprefix("SMSCLI_").lower(): value for key, value in values.items() if value}
    lines = [f"{name} = {value if value.isdigit() else json.dumps(value)}" for name, value in settings.items()]
    proxy = [f'proxy = "http://127.0.0.1:{port}"'] if seed == 2 else []
    profile = "\n".join(['fallback = ["second"]', *proxy, "[profiles.second]", *lines])
    return Job(home, first, url, size, home.name, profile=profile)


def _killed(job: Job, dice: random.Random, loaded: Forks) -> bool:
    """Kill the command: one in eight from the start of the real binary on, forks for the others, while they work."""
    anytime, seconds = dice.random() < 0.125, dice.uniform(0, 0.25)
    before = _changed(job.journal)
    with job.start() if anytime else loaded.started(job.argv, job.environ) as process:
        while not anytime and _changed(job.journal) == before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(3 * seconds if anytime else seconds)
        process.kill()
        return process.wait(timeout=60) < 0


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


# --- a race -----------------------------------------------------------------------------------------------------------


@pytest.mark.waits
def test_processes_that_race_for_one_key_send_it_once(tmp_path: Path, loaded: Forks) -> None:
    """All begin together, each with the fallback: one hands it over, the others get exit 9 or the receipt."""
    rounds, count = 12, 6
    codes = Counter[int]()
    with Vendor(secrets=SECRETS, oracle=tmp_path / "oracle") as vendor, refusing_port() as port:
        for number in range(rounds):
            first, second = list(PAIRS.items())[number % 2]
            poor = Step(body='{"error":"32"}' if first == "lightsms" else '{"status":"error","error":"7"}', book=False)
            job = _job(tmp_path / f"race-{number}", first, second, vendor, 1, poor, port, size=1)
            ended = loaded.race(job.argv, job.environ, tmp_path, count, lambda _processes: time.sleep(0.1))
            codes.update(code for code, _, _ in ended)
            tally = check(job.journal, job.key, job.recipients, job.accepted(vendor))
            assert (tally.sent, tally.accepted) == (1, 1), ended
            assert {code for code, _, _ in ended} <= {0, 9}, ended
            assert any(code == 0 for code, _, _ in ended), ended
    figure(f"one key with a fallback: {rounds} rounds of {count} processes, each sent once, statuses {dict(codes)}")
