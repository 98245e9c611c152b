"""Rig: connections to the server cut in the middle of COMMIT, by a relay between the journal and the server."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from smscli.errors import Cause, ConflictError
from smscli.journal import State
from smscli.model import Outcome
from smscli.transport import HttpTransport
from tests.figures import figure
from tests.servers.cluster import Cluster
from tests.servers.relay import Cut, Relay, relay
from tests.servers.rig.worker import Work, deliver, unknown, way_to
from tests.vendor import Step, Vendor

ROUNDS, CUTS_OF_A_PROGRAM = 10, 100
# Where nobody comes back in, each case takes the ten seconds of its patience.
CASES = [(cut, ROUNDS, False) for cut in Cut] + [(cut, 1, True) for cut in (Cut.REQUEST, Cut.REPLY)]


@pytest.mark.parametrize(("cut", "rounds", "refusing"), CASES)
def test_a_claim_that_nobody_can_tell_of_sends_nothing(
    cut: Cut, rounds: int, refusing: bool, server: Cluster, vendor: Vendor, tmp_path: Path
) -> None:
    """Its recipients are free again at once, or UNKNOWN when the server cannot be asked either."""
    ends, started = Counter[str](), time.monotonic()
    with relay(server.port) as between:
        for number in range(rounds):
            work = _work(server, between, vendor, tmp_path, f"claim {cut} {refusing} {number}", 3)
            with work.open() as journal:
                journal.begin(work.job, together=bool(number % 2))
                between.choose = _at(between, 0, cut, refusing=refusing)
                way = way_to(work.base_url, HttpTransport())
                receipt = deliver(way, journal, work.key, work.recipients)
                assert {one.outcome for one in receipt.submissions} == {Outcome.NOT_SENT}
                assert receipt.cause is Cause.CONFIG
                assert not [one for one in vendor.oracle() if one.text == work.key]
                between.refusing = False
                state = _state(server, work)
                ends["free again" if state == State.NOT_SENT else state] += 1
                if not refusing:
                    again = deliver(way, journal, work.key, work.recipients)
                    assert {one.outcome for one in again.submissions} == {Outcome.SENT}, again
            work.tally(vendor)
        assert between.cuts == rounds
    allowed = {"free again", "UNKNOWN"} if refusing else {"free again"}
    assert ends.keys() <= allowed, ends
    figure(f"claim, {_words(cut, ends, refusing, started)}, nothing sent")


@pytest.mark.parametrize(("cut", "rounds", "refusing"), CASES)
def test_an_outcome_is_recorded_once_or_said_to_be_unrecorded(
    cut: Cut, rounds: int, refusing: bool, server: Cluster, vendor: Vendor, tmp_path: Path
) -> None:
    """It is recorded over a new connection, whatever became of the old one, if there is one."""
    ends, started = Counter[str](), time.monotonic()
    with relay(server.port) as between:
        for number in range(rounds):
            work = _work(server, between, vendor, tmp_path, f"settle {cut} {refusing} {number}", 3)
            with work.open() as journal:
                journal.begin(work.job, together=bool(number % 2))
                between.choose = _at(between, 1, cut, refusing=refusing)  # the first one is the claim's
                receipt = deliver(way_to(work.base_url, HttpTransport()), journal, work.key, work.recipients)
                between.refusing = False
                assert {one.outcome for one in receipt.submissions} == {Outcome.SENT}
            ends["unrecorded" if receipt.unrecorded else "recorded"] += 1
            tally = work.tally(vendor)
            assert tally[State.SENT] == 3 or (receipt.unrecorded and tally[State.UNKNOWN] == 3), tally
        assert between.cuts == rounds
    assert ends == {"unrecorded" if refusing else "recorded": rounds}
    figure(f"settle, {_words(cut, ends, refusing, started)}")


def test_a_job_of_its_own_is_held_again(server: Cluster, vendor: Vendor, tmp_path: Path) -> None:
    """Who comes back after a cut has the job to himself again, also when what was cut is given back."""
    with relay(server.port) as between:
        work = _work(server, between, vendor, tmp_path, "alone", 3)
        one, two, three = work.recipients
        way = way_to(work.base_url, HttpTransport())
        with work.open() as journal, replace(work, place=server.url).open() as other:
            journal.begin(work.job)
            between.choose = _at(between, 1, Cut.REPLY, refusing=False)
            assert deliver(way, journal, work.key, (one,)).submissions[0].outcome is Outcome.SENT
            assert deliver(way, journal, work.key, (two,)).submissions[0].outcome is Outcome.SENT
            with pytest.raises(ConflictError):
                other.begin(work.job)
            between.choose = _at(between, 0, Cut.REPLY, refusing=False)
            assert deliver(way, journal, work.key, (three,)).cause is Cause.CONFIG
            with pytest.raises(ConflictError):
                other.begin(work.job)
            journal.close()
            assert other.begin(work.job).pending == (three,)
        assert work.tally(vendor) == {State.SENT: 2, State.NOT_SENT: 1}


def test_a_program_of_four_workers_survives_a_hundred_cuts(server: Cluster, vendor: Vendor, tmp_path: Path) -> None:
    """Each recipient once in the oracle, and every outcome recorded that was said to be."""
    dice, started = random.Random(9), time.monotonic()  # noqa: S311  (not for secrets)
    cuts, tallies = Counter[Cut](), list[Counter[str]]()

    def choose() -> Cut | None:
        cut = dice.choice(tuple(Cut)) if dice.random() < 0.2 and cuts.total() < CUTS_OF_A_PROGRAM else None
        cuts.update([cut] if cut else [])
        return cut

    with relay(server.port) as between:
        while cuts.total() < CUTS_OF_A_PROGRAM:
            work = _work(server, between, vendor, tmp_path, f"cuts {len(tallies)}", 1000)
            with work.open() as journal:
                journal.begin(work.job, together=True)
            between.choose = choose
            work.run()
            between.choose = lambda: None
            tallies.append(work.tally(vendor))
    assert all(tally[State.NOT_SENT] == 0 for tally in tallies), tallies
    assert unknown(tallies) <= cuts.total() * work.batch
    figure(
        f"COMMIT cut under 4 workers: {cuts.total()} cuts ({', '.join(f'{n} {cut}' for cut, n in cuts.items())}),"
        f" {sum(tally.total() for tally in tallies)} recipients, 0 duplicates, 0 unaccounted,"
        f" {unknown(tallies)} UNKNOWN, {time.monotonic() - started:.0f} s"
    )


def test_the_server_looks_whether_a_client_is_still_there(server: Cluster, vendor: Vendor, tmp_path: Path) -> None:
    """Its own keepalives tell it of a host that is gone: by default they begin after two hours, and it looks alive."""
    with relay(server.port) as between, _work(server, between, vendor, tmp_path, "idle", 1).open() as journal:
        names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
        words = [journal._db.execute(f"SELECT current_setting('{name}')").fetchone()[0] for name in names]
    assert words == ["30", "10", "3", "60000"]


def _work(server: Cluster, between: Relay, vendor: Vendor, place: Path, key: str, size: int) -> Work:
    said = place / "said"
    said.write_text("")
    url = server.url.replace(f":{server.port}/", f":{between.port}/")
    return Work(url, vendor.url("mainsms", Step(delay=0.005)), said, key, size)


def _at(between: Relay, before: int, cut: Cut, *, refusing: bool) -> Callable[[], Cut | None]:
    """Return who chooses this cut once, behind so many COMMITs; nobody comes in after it when it is ``refusing``."""
    left = [None] * before + [cut]

    def choose() -> Cut | None:
        chosen = left.pop(0) if left else None
        between.refusing = refusing and chosen is not None
        return chosen

    return choose


def _state(server: Cluster, work: Work) -> State:
    """Return the one state that all recipients have, asked by another."""
    with replace(work, place=server.url).open() as journal:
        (state,) = {entry.state for entry in journal.show(work.key)}
    return state


def _words(cut: Cut, ends: Counter[str], refusing: bool, started: float) -> str:
    words = ", ".join(f"{count} {end}" for end, count in ends.items())
    return f"{cut}{', and no way back' if refusing else ''}: {words}, {time.monotonic() - started:.0f} s"
