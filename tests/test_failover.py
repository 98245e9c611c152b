"""One message along several accounts: who is tried, who never is, and what another round may repeat.

Real callers and a real journal, over vendors that answer to order; time passes only where somebody sleeps. After each
run the journal is held against the receipt: the same outcomes, by the same accounts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import repeat

import pytest

from smscli.dispatch import Caller, World
from smscli.errors import Cause, ConfigError, ConflictError, ExitCode, OutcomeUnknownError, UnreachableError
from smscli.failover import FIRST_PAUSE, LAST_TRY, LONGEST_PAUSE, Arrival, Leg, deliver, is_of_account
from smscli.journal import Job, Journal, JournalEntry, NoJournal
from smscli.model import MSISDN, Outcome, Reason, Submission
from smscli.providers import get
from smscli.wire import Request, Response
from tests.jobs import NOON, Place
from tests.test_dispatch import Clock
from tests.vendors import ORACLES, PLATFORMS, message
from tests.vendors import account as demo_account

ANNA, BERTA, CARLA = (MSISDN(f"7912123123{last}") for last in "456")

# What a vendor does to a request: it accepts, refuses with a code (all, or each with its own), or there is trouble.
Deed = str | Mapping[MSISDN, str] | BaseException
SENT = "0"
down = UnreachableError("it refused the connection; nothing was sent")
lost = OutcomeUnknownError("no answer within 30 s; the request had left")
certificate = ConfigError("the certificate was not accepted; nothing was sent")


class Killed(BaseException):
    """As sudden as SIGKILL to all that is above the transport."""


@dataclass
class Party:
    """One account of a vendor whose answers are scripted; ``refuses`` are whom it cannot take."""

    vendor: str
    deeds: Iterable[Deed] = ()
    name: str = "first"
    batch_size: int = 50
    refuses: frozenset[MSISDN] = frozenset()
    clock: Iterable[Exception] = ()
    to: list[MSISDN] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin the script."""
        self._deeds = iter(self.deeds)
        self._clock = iter(self.clock)

    def __call__(self, request: Request, _seconds: float) -> Response:
        """Do to a send what the script says, and tell the time unless that is in trouble."""
        if not request.billable:
            for trouble in self._clock:
                raise trouble
            return Response(200, b"1900000000")
        to = [MSISDN(digits) for digits in dict((*request.query, *request.form))[self._recipients].split(",")]
        self.to += to
        deed = next(self._deeds)  # more requests than the script has lines fail the test
        if isinstance(deed, BaseException):
            raise deed
        return Response(200, self._answer(to, deed).encode())

    @property
    def _recipients(self) -> str:
        return "phone" if self.vendor == "lightsms" else "recipients"

    def _answer(self, to: Sequence[MSISDN], deed: str | Mapping[MSISDN, str]) -> str:
        if self.vendor == "lightsms":
            codes = {number: deed if isinstance(deed, str) else deed.get(number, SENT) for number in to}
            entries = {n.digits: {"error": c} | ({"id_sms": f"4{n}"} if c == SENT else {}) for n, c in codes.items()}
            return json.dumps(entries).replace("+", "")
        if deed != SENT:
            return json.dumps({"status": "error", "error": deed})
        ids = [int(f"5{number.digits}") for number in to]
        return json.dumps({"status": "success", "recipients": [n.digits for n in to], "messages_id": ids})


class Road:
    """A job under key ``k`` and the accounts that may take it, in a journal of its own."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = Clock()
        self.lines: list[str] = []
        self.stopped = False
        self.jitter = 0.5
        self.seconds = 0.5  # too short for a second try inside a call: the rounds are what is looked at

    def go(
        self,
        *parties: Party,
        to: Sequence[MSISDN] = (ANNA,),
        patience: float = 0.0,
        spoil: Callable[[Journal], None] = lambda _journal: None,
    ) -> Arrival:
        """Send along these, as one process would, and hold the journal against what comes of it."""
        job = Job("k", parties[0].vendor, parties[0].name, "", "", tuple((n, "hi") for n in to), "the content")
        with closing(Journal(self.place, now=lambda: NOON)) as journal:
            opened = journal.begin(job, passes_on=len(parties) > 1)
            spoil(journal)
            arrival = deliver(
                [self._leg(party) for party in parties], opened.submissions, before=opened.by,
                refused_by=opened.refused_by, pending=opened.pending, journal=journal, key="k",
                world=self._world(parties[0]), patience=patience, watch=self.lines.append,
            )  # fmt: skip
        if not arrival.receipt.unrecorded:
            assert self.recorded() == {
                s.to: (s.outcome.value, arrival.by.get(s.to)) for s in arrival.receipt.submissions
            }, "receipt and journal tell two stories"
        return arrival

    def without_journal(self, *parties: Party) -> Arrival:
        """Send along these, and keep nothing."""
        nothing = [Submission(ANNA, Outcome.NOT_SENT)]
        return deliver(
            [self._leg(party) for party in parties], nothing, before={}, refused_by={}, pending=[ANNA],
            journal=NoJournal(), key="k", world=self._world(parties[0]),
        )  # fmt: skip

    def recorded(self) -> dict[MSISDN, tuple[str, tuple[str, str] | None]]:
        """Return state and account of each recipient, by the journal."""
        return {
            entry.submission.to: (
                entry.state.value,
                (entry.message.provider, entry.message.account or "") if entry.message.provider else None,
            )
            for entry in self.entries()
        }

    def attempts(self, to: MSISDN = ANNA) -> list[tuple[str | None, str | None, str]]:
        """Return vendor, account and state of every attempt at a recipient."""
        (entry,) = (entry for entry in self.entries() if entry.submission.to == to)
        return [(one.provider, one.account, one.state) for one in (*entry.earlier, entry.message)]

    def entries(self) -> tuple[JournalEntry, ...]:
        """Return the job's entries."""
        with closing(Journal(self.place, now=lambda: NOON)) as journal:
            return journal.show("k")

    def _leg(self, party: Party) -> Leg:
        provider = get(party.vendor)
        account = demo_account(party.vendor)
        if party.vendor == "lightsms" and not party.clock:
            account = account._replace(fields={**account.fields, "clock": "local"})
        caller = Caller(provider, account, self._world(party))
        return Leg(provider, party.name, caller, message(party.vendor, "hi"), party.batch_size, party.refuses)

    def _world(self, party: Party) -> World:
        return World(
            transport=party, seconds=self.seconds, now=lambda: NOON, monotonic=self.clock.monotonic,
            sleep=self.clock.sleep, jitter=lambda: self.jitter, nonce=lambda: "7", stopped=lambda: self.stopped,
        )  # fmt: skip


@pytest.fixture
def road(place: Place) -> Road:
    """A job that nobody has begun."""
    return Road(place)


def light(*deeds: Deed, name: str = "first", **more: object) -> Party:
    """Return an account of LightSMS, which answers number by number."""
    return Party("lightsms", deeds, name, **more)  # type: ignore[arg-type]


def main(*deeds: Deed, name: str = "second", **more: object) -> Party:
    """Return an account of MainSMS, which refuses all or none."""
    return Party("mainsms", deeds, name, **more)  # type: ignore[arg-type]


def outcomes(arrival: Arrival) -> list[str]:
    """Return how the recipients ended, in their order."""
    return [submission.outcome.value for submission in arrival.receipt.submissions]


FIRST, SECOND = ("lightsms", "first"), ("mainsms", "second")


# --- what goes on -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deed", [down, certificate, "24", "000", "8", "9", "10", "31", "32", "35", "1", "6", "7"])
def test_what_is_proved_unsent_or_the_account_s_own_fault_goes_on(deed: Deed, road: Road) -> None:
    """Network, certificate, login, sender, destination, funds, service: the next account takes it, and is named."""
    second = main(SENT)
    arrival = road.go(light(deed), second)
    assert outcomes(arrival) == ["SENT"]
    assert (arrival.by, second.to) == ({ANNA: SECOND}, [ANNA])
    first = "NOT_SENT" if isinstance(deed, Exception) else "REFUSED"
    assert road.attempts() == [(*FIRST, first), (*SECOND, "SENT")]
    assert road.lines[0].startswith(f"{ANNA} now through MainSMS: ")


@pytest.mark.parametrize("deed", [lost, "99", "3", "4", "11", "12", "13", "16", "27", "33", "34", "36"])
def test_what_may_have_gone_out_or_is_about_number_or_text_stays(deed: Deed, road: Road) -> None:
    """UNKNOWN never goes on, nor does a refusal that another vendor would only repeat, or that means 'do not text'."""
    second = main()
    arrival = road.go(light(deed), second, patience=600)
    assert outcomes(arrival) == ["UNKNOWN" if deed in (lost, "99") else "REFUSED"]
    assert (arrival.by, second.to, road.lines) == ({ANNA: FIRST}, [], [])


def test_each_recipient_goes_its_own_way(road: Road) -> None:
    """Of one answer one is sent, one goes on, and one stays: the second account gets that one alone."""
    second = main(SENT)
    arrival = road.go(light({BERTA: "31", CARLA: "13"}), second, to=(ANNA, BERTA, CARLA))
    assert outcomes(arrival) == ["SENT", "SENT", "REFUSED"]
    assert arrival.by == {ANNA: FIRST, BERTA: SECOND, CARLA: FIRST}
    assert second.to == [BERTA]
    assert arrival.receipt.exit_code is ExitCode.PARTIAL


def test_an_account_is_passed_over_for_whom_it_cannot_take(road: Road) -> None:
    """The one behind it gets them."""
    second, third = main(SENT, refuses=frozenset({ANNA})), main(SENT, name="third")
    arrival = road.go(light(down), second, third, to=(ANNA, BERTA))
    assert (second.to, third.to) == ([BERTA], [ANNA])
    assert arrival.by == {ANNA: ("mainsms", "third"), BERTA: SECOND}


def test_a_vendor_that_is_down_costs_five_tries_and_not_the_list(road: Road) -> None:
    """The rest of the list goes on with those that were tried, by the batches of the second account."""
    first, second = light(*repeat(down, 5), batch_size=1), main(SENT)
    crowd = [MSISDN(f"79121231{number}") for number in range(200, 220)]
    arrival = road.go(first, second, to=crowd)
    assert outcomes(arrival) == ["SENT"] * 20
    assert (len(first.to), second.to) == (5, crowd)


def test_without_another_account_nothing_is_handed_over(road: Road) -> None:
    """A refusal ends it, as it always did; another run is a replay."""
    assert outcomes(road.go(light("32"))) == ["REFUSED"]
    again = road.go(light())
    assert (outcomes(again), again.is_replay) == (["REFUSED"], True)


def test_the_last_word_is_that_of_the_last_account(road: Road) -> None:
    """Refused by one and out of reach of the other: nothing was sent, and another run may be made (6, not 5)."""
    assert road.go(light("32"), main(down)).receipt.exit_code is ExitCode.UNREACHABLE
    assert road.attempts() == [(*FIRST, "REFUSED"), (*SECOND, "NOT_SENT")]


def test_two_refusals_are_a_refusal(road: Road) -> None:
    """Login and funds: the status is that of who spoke last."""
    arrival = road.go(light("7"), main("7"))
    assert arrival.receipt.exit_code is ExitCode.REJECTED
    assert arrival.receipt.error
    assert "not enough money" in arrival.receipt.error.message


def test_a_second_account_that_loses_the_answer_ends_it(road: Road) -> None:
    """UNKNOWN with the last one as with the first: a third is not asked."""
    third = main(name="third")
    arrival = road.go(light(down), main(lost), third, patience=600)
    assert (outcomes(arrival), third.to) == (["UNKNOWN"], [])


def test_nothing_needs_to_be_kept_for_it(road: Road) -> None:
    """Without a journal the same way is gone."""
    arrival = road.without_journal(light("32"), main(SENT))
    assert (outcomes(arrival), arrival.by) == (["SENT"], {ANNA: SECOND})


# --- another run of the same key --------------------------------------------------------------------------------------


def test_another_run_begins_with_who_has_not_refused(road: Road) -> None:
    """A wrong key is not tried again, for that could lock the account; who was out of reach is."""
    road.go(light("6"), main(down))
    first, second = light(), main(SENT)
    assert outcomes(road.go(first, second)) == ["SENT"]
    assert first.to == []
    assert [state for *_, state in road.attempts()] == ["REFUSED", "NOT_SENT", "SENT"]


def test_another_run_does_not_go_back_to_who_refused(road: Road) -> None:
    """When all have refused, it is a replay, not a round."""
    road.go(light("32"), main("7"))
    again = road.go(light(), main())
    assert (outcomes(again), again.is_replay) == (["REFUSED"], True)
    assert again.by == {ANNA: SECOND}


def test_another_run_may_take_up_a_refusal_with_one_more_account(road: Road) -> None:
    """What one account refused for itself is not over when there is another now."""
    road.go(light("32"))
    arrival = road.go(light(), main(SENT))
    assert (outcomes(arrival), arrival.is_replay) == (["SENT"], False)


@pytest.mark.parametrize("parties", [(light,), (light, main)])
def test_what_another_account_took_is_never_sent_again(
    parties: tuple[Callable[..., Party], ...], road: Road
) -> None:  # fmt: skip
    """With the fallback or without: it is a receipt, and names who took it."""
    road.go(light(down), main(SENT))
    again = road.go(*(party() for party in parties))
    assert (outcomes(again), again.by, again.is_replay) == (["SENT"], {ANNA: SECOND}, True)


def test_what_the_second_refused_for_itself_waits_for_the_fallback(road: Road) -> None:
    """Without it only what is pending is tried: the refusal of another account stands."""
    road.go(light(down, down, batch_size=1), main(SENT, "7", batch_size=1), to=(ANNA, BERTA))
    first = light()
    again = road.go(first, to=(ANNA, BERTA))
    assert (outcomes(again), first.to) == (["SENT", "REFUSED"], [])


@pytest.mark.parametrize("sent", [False, True])
def test_a_decision_by_a_person_counts(sent: bool, road: Road) -> None:
    """'It was not sent' lets any account take it; 'it was' none."""
    road.go(light(lost), main())
    with closing(Journal(road.place, now=lambda: NOON)) as journal:
        journal.resolve("k", sent=sent)
    second = main(SENT)
    assert outcomes(road.go(light(*[] if sent else [down]), second)) == ["SENT"]
    assert second.to == ([] if sent else [ANNA])


def test_a_process_that_died_with_the_second_account_leaves_unknown(road: Road) -> None:
    """What was in flight when it died goes to nobody, whatever the first one had said."""
    with pytest.raises(Killed):
        road.go(light("32"), main(Killed()))
    assert outcomes(road.go(light(), main(), patience=60)) == ["UNKNOWN"]


# --- another process, a signal, a journal in trouble ------------------------------------------------------------------


def test_two_processes_do_not_both_take_up_a_refusal(road: Road) -> None:
    """The job is held by the first, as any that is not over; a run without a fallback has its receipt."""
    road.go(light("32"))
    one = Job("k", "lightsms", "first", "", "", ((ANNA, "hi"),), "the content")
    with (
        closing(Journal(road.place, now=lambda: NOON)) as first,
        closing(Journal(road.place, now=lambda: NOON)) as late,
    ):
        first.begin(one, passes_on=True)
        with pytest.raises(ConflictError):
            late.begin(one, passes_on=True)
        assert late.begin(one).replayed


def test_a_refusal_is_claimed_only_by_whom_it_was_handed_to(road: Road) -> None:
    """And what is SENT by nobody."""
    road.go(light("32"))
    one = Job("k", "lightsms", "first", "", "", ((ANNA, "hi"),), "the content")
    with closing(Journal(road.place, now=lambda: NOON)) as journal:
        journal.begin(one, passes_on=True)
        with pytest.raises(ConflictError):
            journal.claim("k", [ANNA])
        journal.hand_over("k", *SECOND, [ANNA])
        journal.claim("k", [ANNA])
        journal.settle("k", [Submission(ANNA, Outcome.SENT, "5")])
        with pytest.raises(ConflictError):
            journal.claim("k", [ANNA])
    assert road.attempts() == [(*FIRST, "REFUSED"), (*SECOND, "SENT")]


def test_a_signal_lets_no_other_account_begin(road: Road) -> None:
    """The running request ends, and that is all."""

    def deeds() -> Iterator[Deed]:
        road.stopped = True
        yield down

    second = main()
    arrival = road.go(Party("lightsms", deeds()), second, patience=600)
    assert (outcomes(arrival), second.to, road.clock.slept) == (["NOT_SENT"], [], [])


def test_a_signal_ends_the_waiting(road: Road) -> None:
    """Within two seconds, and no other round is made."""

    def sleep(seconds: float) -> None:
        road.stopped = True
        road.clock.slept.append(seconds)

    road.clock.sleep = sleep  # type: ignore[method-assign]  # the signal comes while it waits
    slow = UnreachableError("it is closed")
    slow.wait = 30.0
    arrival = road.go(light(slow), patience=600)
    assert (outcomes(arrival), road.clock.slept) == (["NOT_SENT"], [2.0])


def test_an_outcome_that_cannot_be_recorded_ends_it(road: Road) -> None:
    """Whatever the journal calls UNKNOWN from now on goes to nobody else; what happened is told."""

    def spoil(journal: Journal) -> None:
        def settle(*_: object) -> None:
            raise ConfigError("the disk is full")

        journal.settle = settle  # type: ignore[assignment, method-assign]  # a disk that fills up

    second = main()
    arrival = road.go(light("32", "32", batch_size=1), second, to=(ANNA, BERTA), spoil=spoil)
    assert second.to == []
    assert arrival.receipt.unrecorded_to == (ANNA,)
    assert arrival.receipt.exit_code is ExitCode.UNKNOWN


def test_a_journal_that_takes_no_claim_sends_nothing(road: Road) -> None:
    """By no account."""

    def spoil(journal: Journal) -> None:
        def claim(*_: object) -> None:
            raise ConfigError("the disk is full")

        journal.claim = claim  # type: ignore[assignment, method-assign]  # a disk that is full

    parties = light(), main()
    assert road.go(*parties, spoil=spoil).receipt.exit_code is ExitCode.CONFIG
    assert [party.to for party in parties] == [[], []]


def test_a_job_that_somebody_else_has_by_now_is_unknown_to_its_end(road: Road) -> None:
    """Refusals that were to be handed over included."""

    def spoil(journal: Journal) -> None:
        claim, asked = journal.claim, []

        def lose(key: str, recipients: Sequence[MSISDN]) -> None:
            asked.append(recipients)
            if len(asked) > 2:
                raise ConflictError("key 'k' is being sent by another process right now")
            claim(key, recipients)

        journal.claim = lose  # type: ignore[method-assign]  # a connection that was lost meanwhile

    second = main(batch_size=1)
    road.recorded = lambda: {  # type: ignore[method-assign]  # what the other one makes of it is not looked at
        ANNA: ("UNKNOWN", FIRST), BERTA: ("UNKNOWN", FIRST)
    }  # fmt: skip
    arrival = road.go(light("32", "32", batch_size=1), second, to=(ANNA, BERTA), spoil=spoil)
    assert (outcomes(arrival), second.to) == (["UNKNOWN", "UNKNOWN"], [])


# --- one that fails before its claim ----------------------------------------------------------------------------------


def silent(*deeds: Deed, times: int = 1) -> Party:
    """Return an account whose vendor does not tell the time, so often."""
    return light(*deeds, name="second", clock=[down] * times)


def test_a_try_before_the_claim_is_recorded_behind_a_refusal(road: Road) -> None:
    """The receipt says that nothing was sent, and so does the journal; the refusal is in its history."""
    arrival = road.go(main("7", name="first"), silent())
    assert (outcomes(arrival), arrival.receipt.exit_code) == (["NOT_SENT"], ExitCode.UNREACHABLE)
    assert road.attempts() == [("mainsms", "first", "REFUSED"), ("lightsms", "second", "NOT_SENT")]


@pytest.mark.parametrize(
    ("step", "error", "outcome"),
    [
        ("claim", ConfigError("the disk is full"), "REFUSED"),
        ("claim", ConflictError("key 'k' is being sent by another process right now"), "UNKNOWN"),
        ("settle", ConfigError("the disk is full"), "NOT_SENT"),
    ],
)
def test_where_that_cannot_be_recorded_nothing_false_is_told(
    step: str, error: Exception, outcome: str, road: Road
) -> None:
    """The refusal stands; or another process has it; or it is told that the journal says something else."""
    calls = []

    def spoil(journal: Journal) -> None:
        good = getattr(journal, step)

        def bad(*arguments: object) -> None:
            calls.append(arguments)
            if len(calls) > 1:
                raise error
            good(*arguments)

        setattr(journal, step, bad)

    if outcome == "UNKNOWN":
        road.recorded = lambda: {ANNA: ("UNKNOWN", ("mainsms", "first"))}  # type: ignore[method-assign]  # another's
    arrival = road.go(main("7", name="first"), silent(), spoil=spoil)
    assert outcomes(arrival) == [outcome]
    assert (arrival.receipt.unrecorded is not None) == (step == "settle")


# --- patience ---------------------------------------------------------------------------------------------------------


def test_the_pauses_double_up_to_a_minute(road: Road) -> None:
    """Each between half and whole of its length by jitter, here three quarters; the last one is cut to fit."""
    first = light(*repeat(down, 15))
    assert outcomes(road.go(first, patience=400)) == ["NOT_SENT"]
    wanted = [0.75 * min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(len(first.to) - 2)]
    assert 400 - LAST_TRY - 0.75 * LONGEST_PAUSE < sum(wanted) < 400 - LAST_TRY == pytest.approx(sum(road.clock.slept))
    assert len(first.to) == 15


@pytest.mark.parametrize("patience", [0.2, 1.0, 2.0, 6.0, 10.0, 61.0])
@pytest.mark.parametrize("jitter", [0.0, 0.3, 0.999])
def test_the_last_try_is_made_shortly_before_the_end(patience: float, jitter: float, road: Road) -> None:
    """However the pauses fall: nobody gives up with half of the time left, and none is begun behind it."""
    road.jitter = jitter
    first = light(*repeat(down, 20))
    began = road.clock.time
    assert outcomes(road.go(first, patience=patience)) == ["NOT_SENT"]
    took = road.clock.time - began
    assert len(first.to) > 1
    assert patience - 1.25 * min(LAST_TRY, patience / 2) - 1e-6 <= took <= patience


def test_it_ends_with_the_first_that_takes_it(road: Road) -> None:
    """Two rounds along both, and the second account has it."""
    first, second = light(down, down), main(down, SENT)
    arrival = road.go(first, second, patience=600)
    assert (outcomes(arrival), arrival.by) == (["SENT"], {ANNA: SECOND})
    assert [state for *_, state in road.attempts()] == ["NOT_SENT"] * 3 + ["SENT"]
    assert any("not sent, again in 1 s: it refused the connection" in line for line in road.lines)


@pytest.mark.parametrize(("wait", "tries"), [(30.0, 2), (61.0, 1)])
def test_a_wait_that_the_vendor_names_is_kept_if_there_is_time(wait: float, tries: int, road: Road) -> None:
    """Not sooner; and where it is longer than the patience nobody waits in vain."""
    slow = UnreachableError("it is closed")
    slow.wait = wait
    first = light(slow, SENT)
    assert outcomes(road.go(first, patience=60)) == (["SENT"] if tries == 2 else ["NOT_SENT"])
    assert (len(first.to), sum(road.clock.slept)) == (tries, wait if tries == 2 else 0)


def test_an_account_that_names_a_wait_does_not_keep_the_other_one(road: Road) -> None:
    """It rests for its time, and so beyond the patience for good; the other one goes on in rounds of its own."""
    slow = UnreachableError("it is closed")
    slow.wait = 300.0
    first, second = light(slow), main(down, down, SENT)
    arrival = road.go(first, second, patience=60)
    assert (outcomes(arrival), first.to, second.to) == (["SENT"], [ANNA], [ANNA] * 3)
    assert sum(road.clock.slept) == 0.75 + 1.5


def test_an_account_that_rests_comes_back_when_its_time_is_over(road: Road) -> None:
    """Not before: two rounds of the other one lie in between."""
    slow = UnreachableError("it is closed")
    slow.wait = 4.0
    first, second = light(slow, SENT), main(down, down, down)
    assert outcomes(road.go(first, second, patience=60)) == ["SENT"]
    assert (first.to, second.to) == ([ANNA] * 2, [ANNA] * 3)
    assert sum(road.clock.slept) == 0.75 + 1.5 + 3.0


def test_an_account_that_rests_until_shortly_before_the_end_gets_its_try(road: Road) -> None:
    """Behind the last one of the other, which is not asked again then."""
    slow = UnreachableError("it is closed")
    slow.wait = 5.5
    first, second = light(slow, SENT), main(down, down, down, down)
    assert outcomes(road.go(first, second, patience=6)) == ["SENT"]
    assert (first.to, second.to) == ([ANNA] * 2, [ANNA] * 4)
    assert sum(road.clock.slept) == 5.5


def test_with_patience_no_round_has_quick_tries(road: Road) -> None:
    """The pauses are those of the rounds, though the call has time for more; each try is an attempt in the journal."""
    road.seconds = 30.0
    first = light(down, down, down, SENT)
    assert outcomes(road.go(first, patience=600)) == ["SENT"]
    assert road.clock.slept == [0.75, 1.5, 2.0, 1.0]
    assert [state for *_, state in road.attempts()] == ["NOT_SENT"] * 3 + ["SENT"]


def test_who_was_out_of_reach_is_tried_again_when_the_last_one_has_refused(road: Road) -> None:
    """The refusal of one account says nothing of another; who refused is not asked twice."""
    first, second = light(down, down, SENT), main("7")
    arrival = road.go(first, second, patience=600)
    assert (outcomes(arrival), arrival.by, second.to) == (["SENT"], {ANNA: FIRST}, [ANNA])
    assert "again in 1 s: it refused the connection" in road.lines[1]


@pytest.mark.parametrize("deed", [lost, certificate, "32", "6", "13"])
def test_nothing_else_is_repeated(deed: Deed, road: Road) -> None:
    """Neither what may have gone out, nor what time does not cure."""
    first = light(deed)
    road.go(first, patience=600)
    assert (first.to, road.clock.slept) == ([ANNA], [])


def test_only_those_that_were_not_sent_are_tried_again(road: Road) -> None:
    """Of three batches the one that did not leave."""
    first = light(SENT, down, "13", SENT, batch_size=1)
    arrival = road.go(first, to=(ANNA, BERTA, CARLA), patience=60)
    assert outcomes(arrival) == ["SENT", "SENT", "REFUSED"]
    assert first.to == [ANNA, BERTA, CARLA, BERTA]


def test_a_stale_signature_is_repeated(road: Road) -> None:
    """It is documented as not processed."""
    assert outcomes(road.go(light("24", SENT), patience=60)) == ["SENT"]


# --- whose fault a refusal is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "is_of_its_account", "vendor"),
    [(*refusal, vendor) for vendor, reading in ORACLES.items() for refusal in reading.ACCOUNT_REFUSALS.items()],
)
def test_each_documented_refusal_goes_on_or_stays_as_it_was_read_twice(
    body: str, is_of_its_account: bool, vendor: str
) -> None:  # fmt: skip
    """The page's codes one by one: funds, sender, destination and login go on, number and text do not."""
    (submission,) = get(vendor).send.parse(Response(200, body.encode()), message(vendor), "").submissions
    assert submission.outcome is Outcome.REFUSED
    assert is_of_account(submission, vendor) == is_of_its_account


@pytest.mark.parametrize("vendor", ORACLES)
def test_no_code_is_in_the_list_that_nobody_has_read_twice(vendor: str) -> None:
    """Each is a documented refusal that goes on."""
    passed_on = {
        submission.reason.code
        for body, goes_on in ORACLES[vendor].ACCOUNT_REFUSALS.items()
        for submission in get(vendor).send.parse(Response(200, body.encode()), message(vendor), "").submissions
        if goes_on and submission.reason
    }
    assert get(vendor).account_codes <= passed_on


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_a_refusal_without_a_code_of_the_list_is_nobody_s_account(vendor: str) -> None:
    """Neither one without a reason, nor one that nobody has read, nor that of a vendor that is gone."""
    for reason in (None, Reason("no", Cause.REFUSED), Reason("no", Cause.REFUSED, "4711")):
        assert not is_of_account(Submission(ANNA, Outcome.REFUSED, reason=reason), vendor)
    assert not is_of_account(Submission(ANNA, Outcome.REFUSED, reason=Reason("no", Cause.REFUSED, "32")), "gone")
    assert is_of_account(Submission(ANNA, Outcome.REFUSED, reason=Reason("no", Cause.CREDENTIALS, "1")), vendor)
