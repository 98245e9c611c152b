"""The order of events of a call: what is claimed before what leaves, what is tried again, what stops a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import pytest

from smscli import sandbox
from smscli.dispatch import ATTEMPTS, BREAK_AFTER_UNKNOWN, BREAK_AFTER_UNREACHABLE, Caller, World
from smscli.errors import (
    AuthenticationError,
    Cause,
    ConfigError,
    ConflictError,
    ExitCode,
    InputError,
    OutcomeUnknownError,
    RejectedError,
    UnreachableError,
)
from smscli.model import MSISDN, Account, Message, Outcome, Reason, Secret, SendReceipt, Submission
from smscli.providers import Stamp, get
from smscli.wire import Request, Response
from tests.vendors import PLATFORMS, message, refusal
from tests.vendors import account as demo_account
from tests.vendors import numbers as sample_numbers


def of_stamp(stamp: Stamp) -> str:
    """Return a vendor whose requests are made fresh so."""
    return next(vendor for vendor in PLATFORMS if get(vendor).stamp is stamp)


PLAIN, CLOCKED, NONCED = map(of_stamp, (Stamp.NONE, Stamp.VENDOR_CLOCK, Stamp.NONCE))

Answer = Response | Exception | None
"""What comes of a request; None: the vendor answers well."""
Script = Callable[[Request, float], Answer]


class Clock:
    """Seconds that pass only when somebody sleeps or the network takes its time."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.time += seconds


class Ledger:
    """A journal of one list of events; ``broken`` names the step that raises."""

    def __init__(self, events: list[str], broken: str = "") -> None:
        self.events = events
        self.broken = broken
        self.confirmed: list[tuple[object, ...]] = []
        self.settled: list[Submission] = []
        self.evidence: list[str | None] = []
        self.patience: list[float] = []

    def claim(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Note the claim."""
        self.events.append(f"claim {key} {len(recipients)}")
        if self.broken == "claim":
            raise ConfigError("the journal cannot grow: the disk is full", hint="free some space")
        if self.broken == "another's":
            raise ConflictError("key 'k' is being sent by another process right now", hint="let it finish")

    def confirm(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Note that it was asked for another try."""
        self.confirmed.append((key, *recipients))
        if self.broken == "confirm":
            raise ConflictError("key 'k' is being sent by another process right now", hint="let it finish")

    def settle(
        self, key: str, submissions: Sequence[Submission], evidence: str | None = None, seconds: float = 0.0
    ) -> None:
        """Note the ends, and how long it might have waited."""
        self.patience.append(seconds)
        self.events.append(f"settle {key} {' '.join(submission.outcome for submission in submissions)}")
        if self.broken == "settle":
            raise ConfigError("the journal cannot be written: disk I/O error", hint="look at the disk")
        self.settled += submissions
        self.evidence.append(evidence)


class Stage:
    """One caller with everything around it faked, and the list of what happened, in order.

    The vendor is its emulator, with a clock that begins at 1732809600; this machine's is five seconds ahead.
    """

    def __init__(
        self,
        vendor: str,
        answer: Script = lambda _request, _seconds: None,
        *,
        seconds: float = 30.0,
        broken: str = "",
        account: Account | None = None,
        jitter: float = 0.5,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.vendor = vendor
        self.account = account or demo_account(vendor)
        self.events: list[str] = []
        self.requests: list[Request] = []
        self.hung_up: list[int] = []
        self.clock = Clock()
        self.ledger = Ledger(self.events, broken)
        self._answer = answer
        app = sandbox.create_app({vendor: self.account}, only=vendor, clock=lambda: self._now)
        self._emulator = sandbox.transport(app)
        nonces = iter(str(number) for number in range(7001, 8000))
        self.world = World(
            transport=self._transport,
            seconds=seconds,
            now=lambda: self._now + 5,
            monotonic=self.clock.monotonic,
            sleep=self.clock.sleep,
            jitter=lambda: jitter,
            nonce=lambda: next(nonces),
            stopped=stopped,
            hang_up=lambda: self.hung_up.append(len(self.requests)),
        )
        self.caller = Caller(get(vendor), self.account, self.world)

    @property
    def _now(self) -> float:
        return 1_732_808_600.0 + self.clock.time

    def _transport(self, request: Request, seconds: float) -> Response:
        self.events.append(f"{kind(self.vendor, request)} within {seconds:g}")
        if request.billable:
            self.requests.append(request)
        answer = self._answer(request, seconds)
        if isinstance(answer, Exception):
            raise answer
        return self.well(request) if answer is None else answer

    def well(self, request: Request) -> Response:
        """Return the vendor's own answer."""
        return self._emulator(request, 1.0)

    def send(
        self, count: int = 1, batch_size: int = 1, done: Sequence[Submission] = (), text: str = "hello"
    ) -> SendReceipt:
        """Submit to ``count`` pending recipients after those that are done."""
        to = numbers(self.vendor, count)
        pending = tuple(Submission(number, Outcome.NOT_SENT) for number in to)
        return self.caller.submit(
            message(self.vendor, text)._replace(to=(*(s.to for s in done), *to)),
            (*done, *pending),
            pending=to,
            journal=self.ledger,
            key="k",
            batch_size=batch_size,
        )


def numbers(vendor: str, count: int) -> tuple[MSISDN, ...]:
    """Return so many recipients that the vendor takes, at most a hundred."""
    stem = sample_numbers(vendor)[0].lstrip("+")[:-2]
    return tuple(MSISDN(f"{stem}{index:02}") for index in range(count))


def kind(vendor: str, request: Request) -> str:
    """Return what a request is: a send, one for the vendor's clock, or another question."""
    clock = get(vendor).timestamp
    is_clock = clock is not None and request.url == clock.build(None, demo_account(vendor), "").url
    return "send" if request.billable else "clock" if is_clock else "ask"


def always(answer: Answer) -> Script:
    """Answer every send so, and all else well."""
    return lambda request, _: answer if request.billable else None


def in_turn(*answers: Answer) -> Script:
    """Answer the sends with these, one after the other, and all else well."""
    left = iter(answers)
    return lambda request, _: next(left) if request.billable else None


def accepted_id(vendor: str, body: bytes) -> str:
    """Return the id in an answer to a send to one recipient."""
    sent = message(vendor)._replace(to=numbers(vendor, 1))
    return get(vendor).send.parse(Response(200, body), sent, "").submissions[0].message_id or ""


def with_id(stage: Stage, request: Request, message_id: str) -> Response:
    """Return the vendor's good answer to a send, with another id."""
    body = stage.well(request).body
    return Response(200, body.replace(accepted_id(stage.vendor, body).encode(), message_id.encode()))


def stale(code: str = "24") -> Response:
    """Return LightSMS's refusal of an old timestamp."""
    return Response(200, json.dumps({"error": code}).encode())


unreachable = UnreachableError("it refused the connection; nothing was sent", hint="try again")
unknown = OutcomeUnknownError("no answer within 30 s; the request had left", hint="ask the vendor")
certificate = ConfigError("the certificate was not accepted; nothing was sent", hint="check base_url")


# --- the order of one send -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_stamp_then_claim_then_request_then_settle(vendor: str) -> None:
    """The claim is committed behind everything that may fail harmlessly and before the first byte that may cost."""
    stage = Stage(vendor)
    receipt = stage.send()
    clock = ["clock within 30"] if get(vendor).stamp is Stamp.VENDOR_CLOCK else []
    assert stage.events == [*clock, "claim k 1", "send within 30", "settle k SENT"]
    assert stage.ledger.patience == [30.0], "the journal may wait as long as the call"
    assert receipt.exit_code is ExitCode.OK
    assert receipt.submissions[0].message_id


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_a_claim_that_fails_sends_nothing(vendor: str) -> None:
    """Without a durable claim there is no request, no settling, and the rest of the job stops."""
    stage = Stage(vendor, broken="claim")
    receipt = stage.send(3)
    assert stage.requests == []
    assert [event.split()[0] for event in stage.events if event.split()[0] in ("claim", "settle")] == ["claim"]
    assert {s.outcome for s in receipt.submissions} == {Outcome.NOT_SENT}
    assert receipt.exit_code is ExitCode.CONFIG
    assert receipt.unrecorded is None


def test_what_another_process_has_claimed_is_unknown_here() -> None:
    """It may be sending at this moment: that nothing left from here proves nothing. Its journal entry is its own."""
    stage = Stage(PLAIN, broken="another's")
    receipt = stage.send()
    assert (stage.requests, stage.events) == ([], ["claim k 1"])
    (submission,) = receipt.submissions
    assert submission.outcome is Outcome.UNKNOWN
    assert submission.reason
    assert "another process" in submission.reason.text
    assert receipt.exit_code is ExitCode.UNKNOWN


def test_a_job_that_another_process_has_is_unknown_to_its_end() -> None:
    """Nothing more of it is tried here, and none of the rest is called 'certainly not sent'."""
    stage = Stage(PLAIN, broken="another's")
    receipt = stage.send(5)
    assert stage.events == ["claim k 1"]
    assert [s.outcome for s in receipt.submissions] == [Outcome.UNKNOWN] * 5


def test_another_try_asks_first_whether_the_claim_still_stands() -> None:
    """During the pause others may have taken this process for dead, and have sent themselves."""
    stage = Stage(PLAIN, always(UnreachableError("connection refused")), broken="confirm")
    receipt = stage.send()
    assert len(stage.requests) == 1
    assert stage.ledger.confirmed == [("k", *numbers(PLAIN, 1))]
    assert [s.outcome for s in receipt.submissions] == [Outcome.UNKNOWN]
    assert stage.ledger.settled == [], "it is another's to record"


def test_an_outcome_that_cannot_be_recorded_is_told_and_stops_the_job() -> None:
    """What the vendor accepted is shown as SENT; the status says that the journal will call it unknown."""
    stage = Stage(PLAIN, broken="settle")
    receipt = stage.send(3)
    assert len(stage.requests) == 1
    assert [s.outcome for s in receipt.submissions] == [Outcome.SENT, Outcome.NOT_SENT, Outcome.NOT_SENT]
    assert receipt.unrecorded is not None
    assert receipt.unrecorded_to == (receipt.submissions[0].to,)
    assert receipt.exit_code is ExitCode.UNKNOWN
    assert receipt.error is not None
    assert "disk I/O error" in receipt.error.message
    reason = receipt.submissions[1].reason
    assert reason is not None
    assert ("disk I/O error" in reason.text, reason.cause) == (True, Cause.CONFIG)


def test_not_sent_and_not_recorded_is_a_broken_journal() -> None:
    """Nothing left and nothing could be written: exit 3, and every recipient that waited says why."""
    stage = Stage(PLAIN, always(certificate), broken="settle")
    receipt = stage.send(2)
    assert receipt.exit_code is ExitCode.CONFIG
    assert "disk I/O error" in (receipt.submissions[1].reason or Reason("", Cause.UNKNOWN)).text


def test_what_is_done_already_keeps_its_place_and_its_state() -> None:
    """A resumed job sends the pending alone and tells the state of all, in the order asked for."""
    done = Submission(numbers(PLAIN, 100)[-1], Outcome.SENT, "1")
    stage = Stage(PLAIN)
    receipt = stage.send(2, done=[done])
    assert receipt.submissions[0] is done
    assert [submission.to for submission in receipt.submissions[1:]] == list(numbers(PLAIN, 2))
    assert [submission.to for submission in stage.ledger.settled] == list(numbers(PLAIN, 2))
    assert len(stage.requests) == 2


def test_batches_carry_at_most_batch_size_recipients() -> None:
    """Five recipients by twos are three requests, each claimed and settled for itself."""
    stage = Stage(NONCED)
    receipt = stage.send(5, batch_size=2)
    assert [event for event in stage.events if event.startswith("claim")] == ["claim k 2", "claim k 2", "claim k 1"]
    assert [s.outcome for s in receipt.submissions] == [Outcome.SENT] * 5
    assert receipt.balance is not None


def test_what_the_vendor_cannot_take_is_never_claimed() -> None:
    """A build that refuses leaves the recipient NOT_SENT with the reason, and no trace in the journal."""
    stage = Stage("mesajlarim")
    number = MSISDN("37061234567")
    receipt = stage.caller.submit(
        Message((number,), "hello"),
        [Submission(number, Outcome.NOT_SENT)],
        pending=[number],
        journal=stage.ledger,
        key="k",
        batch_size=1,
    )
    assert stage.events == []
    assert receipt.exit_code is ExitCode.INPUT


# --- what is tried again ---------------------------------------------------------------------------------------------


def test_a_proof_of_not_sent_is_tried_again_at_most_twice() -> None:
    """Three requests, one claim, one settling; then NOT_SENT."""
    stage = Stage(PLAIN, always(unreachable))
    receipt = stage.send()
    assert len(stage.requests) == ATTEMPTS == 3
    assert [event for event in stage.events if not event.startswith("send")] == ["claim k 1", "settle k NOT_SENT"]
    assert receipt.exit_code is ExitCode.UNREACHABLE
    assert stage.clock.slept == [0.5, 1.0]


def test_a_second_try_that_works_is_a_send() -> None:
    """One failure to connect is cured and not told."""
    stage = Stage(PLAIN, in_turn(unreachable, None))
    assert stage.send().exit_code is ExitCode.OK
    assert len(stage.requests) == 2


@pytest.mark.parametrize("code", ["5", "24"])
def test_a_stale_timestamp_gets_a_new_one(code: str) -> None:
    """The refusal is documented as unprocessed: signed again with a clock asked anew."""
    stage: Stage

    def answer(request: Request, _: float) -> Answer:
        if not request.billable or len(stage.requests) > 1:
            return None
        stage.clock.time += 11
        return stale(code)

    stage = Stage("lightsms", answer)
    assert stage.send().exit_code is ExitCode.OK
    assert [dict(request.query)["timestamp"] for request in stage.requests] == ["1732809600", "1732809611"]
    assert len({dict(request.query)["signature"] for request in stage.requests}) == 2


def test_a_timestamp_that_is_stale_again_is_not_signed_a_third_time() -> None:
    """One fresh signature cures a slow network; what is still stale has another cause."""
    stage = Stage("lightsms", always(stale()))
    assert stage.send().exit_code is ExitCode.UNREACHABLE
    assert len(stage.requests) == 2


def test_a_nonce_is_new_for_every_try() -> None:
    """No rand is used twice, also when the first try never left."""
    stage = Stage(NONCED, in_turn(unreachable, unreachable, None))
    assert stage.send().exit_code is ExitCode.OK
    stamps = [dict((*request.query, *request.form))[get(NONCED).stamp_name or ""] for request in stage.requests]
    assert stamps == ["7001", "7002", "7003"]


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (unknown, Outcome.UNKNOWN, ExitCode.UNKNOWN),
        (certificate, Outcome.NOT_SENT, ExitCode.CONFIG),
        (Response(502, b"<html>Bad gateway</html>"), Outcome.UNKNOWN, ExitCode.UNKNOWN),
        (Response(200, b'{"error":6}'), Outcome.REFUSED, ExitCode.AUTHENTICATION),
        (Response(200, b'{"error":13}'), Outcome.REFUSED, ExitCode.REJECTED),
    ],
    ids=["unknown", "certificate", "502", "wrong signature", "stop list"],
)
def test_nothing_else_is_tried_again(answer: Answer, outcome: Outcome, code: ExitCode) -> None:
    """What may have been processed, what repeating cannot cure and what could lock an account goes out once."""
    stage = Stage("lightsms", always(answer))
    receipt = stage.send()
    assert len(stage.requests) == 1
    assert (receipt.submissions[0].outcome, receipt.exit_code) == (outcome, code)
    assert stage.clock.slept == []


def test_a_batch_that_is_stale_in_part_is_not_tried_again() -> None:
    """One recipient went out: a second request would send to it twice."""
    first, second = numbers("lightsms", 2)
    body = {first.digits: {"error": "0", "id_sms": "5"}, second.digits: {"error": "24"}}
    stage = Stage("lightsms", always(Response(200, json.dumps(body).encode())))
    receipt = stage.send(2, batch_size=2)
    assert len(stage.requests) == 1
    assert receipt.exit_code is ExitCode.PARTIAL


def test_a_refusal_stays_a_refusal_when_the_second_try_never_leaves() -> None:
    """NOT_SENT would say that no request named this recipient; one did, and was refused."""
    stage = Stage("lightsms", in_turn(stale(), unreachable, unreachable))
    receipt = stage.send()
    assert receipt.submissions[0].outcome is Outcome.REFUSED
    assert receipt.exit_code is ExitCode.UNREACHABLE


def test_tries_share_one_deadline() -> None:
    """Each request gets what is left of the seconds; no try begins when a pause would use them up."""

    def slow(_request: Request, _seconds: float) -> Answer:
        stage.clock.time += 4
        return unreachable

    stage = Stage(PLAIN, slow, seconds=10, jitter=1.0)
    stage.send()
    assert [event for event in stage.events if event.startswith("send")] == ["send within 10", "send within 5"]
    assert stage.clock.time <= 1010


@pytest.mark.parametrize(("seconds", "tries"), [(1.0, 1), (1.1, 2)])
def test_a_pause_that_uses_up_the_time_is_not_begun(seconds: float, tries: int) -> None:
    """Behind it there would be nothing left for a request."""
    stage = Stage(PLAIN, always(unreachable), seconds=seconds, jitter=1.0)
    stage.send()
    assert len(stage.requests) == tries


def test_the_pause_is_jittered_in_full() -> None:
    """With no jitter there is no pause: the delay is uniform from zero on."""
    stage = Stage(PLAIN, always(unreachable), jitter=0.0)
    stage.send()
    assert stage.clock.slept == [0.0, 0.0]


def test_a_clock_that_cannot_be_asked_sends_nothing() -> None:
    """Also an unknown outcome of asking the time is no unknown outcome of a send; nothing was claimed."""
    stage = Stage(CLOCKED, lambda _request, _seconds: unknown)
    receipt = stage.send()
    assert stage.requests == []
    assert stage.events == ["clock within 30", "clock within 29.5", "clock within 28.5"]
    assert receipt.exit_code is ExitCode.UNREACHABLE
    assert receipt.submissions[0].outcome is Outcome.NOT_SENT


def test_a_wait_that_comes_with_the_clocks_answer_is_kept() -> None:
    """A vendor that is overloaded says so before anything is sent; the next question comes no sooner than it asks."""
    answers: Iterator[Answer] = iter((Response(503, b"", {"retry-after": "4"}), None))
    stage = Stage(CLOCKED, lambda request, _: None if request.billable else next(answers), jitter=0.0)
    assert stage.send().exit_code is ExitCode.OK
    assert stage.clock.slept == [2.0, 2.0]
    assert [event.split()[0] for event in stage.events] == ["clock", "clock", "claim", "send", "settle"]


def test_a_wait_that_is_longer_than_the_call_is_told_to_whoever_has_more_time() -> None:
    """With the reason why nothing was sent."""
    stage = Stage(CLOCKED, lambda _request, _seconds: Response(429, b"", {"retry-after": "300"}))
    (submission,) = stage.send().submissions
    assert (submission.outcome, stage.clock.slept) == (Outcome.NOT_SENT, [])
    assert submission.reason is not None
    assert submission.reason.wait == 300.0


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_in_the_answer_to_the_send_proves_nothing(status: int) -> None:
    """It stays UNKNOWN, and is not tried again."""
    stage = Stage(PLAIN, always(Response(status, b"", {"retry-after": "1"})))
    assert stage.send().exit_code is ExitCode.UNKNOWN
    assert (len(stage.requests), stage.clock.slept) == (1, [])


# --- stamps ----------------------------------------------------------------------------------------------------------


def test_a_fetched_stamp_serves_while_it_is_young() -> None:
    """Ten sends within two seconds ask the clock once; one that comes later asks again."""
    stage = Stage(CLOCKED)
    stage.send(10)
    assert sum(event.startswith("clock") for event in stage.events) == 1
    assert {request.not_after for request in stage.requests} == {1008.0}
    stage.clock.time += 2.0
    stage.send(1)
    assert sum(event.startswith("clock") for event in stage.events) == 1
    stage.clock.time += 0.1
    stage.send(1)
    assert sum(event.startswith("clock") for event in stage.events) == 2
    assert stage.requests[-1].not_after == pytest.approx(1010.1)


def test_a_stamp_is_as_old_as_the_question_for_it() -> None:
    """The vendor read its clock somewhere on the way: its life and its age count from before it was asked."""
    stage: Stage

    def slow(request: Request, _seconds: float) -> Answer:
        if not request.billable:
            stage.clock.time += 1.5
        return None

    stage = Stage(CLOCKED, slow)
    stage.send()
    assert stage.requests[0].not_after == 1008.0
    stage.clock.time = 1002.2
    stage.send()
    assert sum(event.startswith("clock") for event in stage.events) == 2, "2.2 seconds old, 0.7 after the answer"


def test_the_local_clock_needs_no_network() -> None:
    """With clock = "local" the stamp is this machine's, of the same life."""
    demo = demo_account("lightsms")
    stage = Stage("lightsms", account=demo._replace(fields={**demo.fields, "clock": "local"}))
    stage.send()
    assert [event.split()[0] for event in stage.events] == ["claim", "send", "settle"]
    assert dict(stage.requests[0].query)["timestamp"] == "1732809605"
    assert stage.requests[0].not_after == 1008.0


def test_what_does_not_name_its_recipient_is_the_last_answer_of_its_connection() -> None:
    """A second answer to one request would be taken for the next one's, and each of those for the one behind.

    So a refusal would be given to somebody whose text was accepted, and he would get it again.
    """
    answers = iter((None, Response(200, b'{"error": "9"}'), None))
    stage = Stage("lightsms", lambda request, _seconds: next(answers) if request.billable else None)
    outcomes = [submission.outcome for submission in stage.send(3).submissions]
    assert outcomes == [Outcome.SENT, Outcome.REFUSED, Outcome.SENT]
    assert stage.hung_up == [2]


@pytest.mark.parametrize(("wait", "pieces"), [(5.0, [2.0, 2.0, 1.0]), (4.0, [2.0, 2.0])])
def test_a_vendor_that_asks_for_patience_gets_it(wait: float, pieces: list[float]) -> None:
    """As long as it asks for, in pieces that a signal can end; then a new request, in the same claim."""
    stage = Stage(PLAIN, always(Response(200, b"")), jitter=0.0)
    busy = Reason("too fast", Cause.BUSY, wait=wait)
    ends = iter([Outcome.REFUSED, Outcome.SENT])

    def parse(_response: Response, message: Message, _stamp: str) -> SendReceipt:
        end = next(ends)
        return SendReceipt(tuple(Submission(to, end, "1", reason=busy) for to in message.to))

    provider = get(PLAIN)
    patient = provider._replace(send=provider.send._replace(parse=parse))
    stage.caller = Caller(patient, stage.account, stage.world)
    assert stage.send().exit_code is ExitCode.OK
    assert stage.clock.slept == pieces
    assert [event.split()[0] for event in stage.events] == ["claim", "send", "send", "settle"]


# --- what stops a job ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "limit", "words"),
    [
        (unknown, BREAK_AFTER_UNKNOWN, "stopped after 3 unknown outcomes in a row"),
        (unreachable, BREAK_AFTER_UNREACHABLE, "stopped after 5 failures to reach the vendor in a row"),
    ],
    ids=["unknown", "unreachable"],
)
def test_failures_in_a_row_break_the_circuit(answer: Answer, limit: int, words: str) -> None:
    """Three unknown outcomes or five failures to get through end the job; the rest is NOT_SENT and resumable."""
    stage = Stage(PLAIN, always(answer))
    receipt = stage.send(10)
    assert [event for event in stage.events if event.startswith("claim")] == ["claim k 1"] * limit
    left = receipt.submissions[limit:]
    assert {s.outcome for s in left} == {Outcome.NOT_SENT}
    assert all(s.reason and s.reason.text == words and "--key" in (s.reason.hint or "") for s in left)


@pytest.mark.parametrize("answer", [unknown, Response(200, refusal(PLAIN).encode())], ids=["unknown", "refused"])
def test_failures_with_a_success_between_do_not(answer: Answer) -> None:
    """The circuit counts in a row, and refusals of single numbers not at all."""
    stage = Stage(PLAIN, in_turn(*([answer, answer, None] * 3)))
    receipt = stage.send(9)
    assert len(stage.requests) == 9
    assert all(s.reason is None or "in a row" not in s.reason.text for s in receipt.submissions)


def test_a_certificate_that_is_not_trusted_stops_the_job() -> None:
    """What no try can cure is not tried for each recipient; all are told the same."""
    stage = Stage(PLAIN, always(certificate))
    receipt = stage.send(4)
    assert len(stage.requests) == 1
    assert {s.reason.text for s in receipt.submissions if s.reason} == {certificate.message}


def test_a_signal_lets_the_running_request_end_and_begins_no_other() -> None:
    """The first is settled, the others are NOT_SENT with the reason, and the command can be run again."""
    signalled: list[bool] = []

    def answer(_request: Request, _seconds: float) -> Answer:
        signalled.append(True)
        return None

    stage = Stage(PLAIN, answer, stopped=lambda: bool(signalled))
    receipt = stage.send(3)
    assert [s.outcome for s in receipt.submissions] == [Outcome.SENT, Outcome.NOT_SENT, Outcome.NOT_SENT]
    assert "signal" in (receipt.submissions[2].reason or Reason("", Cause.UNKNOWN)).text
    assert stage.events[-1] == "settle k SENT"


@pytest.mark.parametrize("step", ["clock", "claim"])
def test_a_signal_while_the_request_is_prepared_still_stops_it(step: str) -> None:
    """Asking the clock and writing the claim take time; nothing has left yet, and the claim is given back."""
    stage: Stage
    stage = Stage(CLOCKED, stopped=lambda: any(event.startswith(step) for event in stage.events))
    receipt = stage.send(2)
    assert stage.requests == []
    assert stage.events[-2:] == ["claim k 1", "settle k NOT_SENT"]
    assert receipt.exit_code is ExitCode.UNREACHABLE


def test_a_signal_before_the_vendors_clock_is_asked_asks_nothing() -> None:
    """One of many workers may have waited for its turn to ask."""
    stage = Stage(CLOCKED, stopped=lambda: True)
    receipt = stage.caller.submit_batch(message(CLOCKED), stage.ledger, "k")
    assert (receipt.exit_code, stage.events) == (ExitCode.UNREACHABLE, [])


@pytest.mark.parametrize("when", ["before the pause", "during the pause"])
def test_a_signal_ends_the_tries(when: str) -> None:
    """Nothing is tried again once somebody asked to stop."""
    stage: Stage

    def stopped() -> bool:
        return bool(stage.requests if when == "before the pause" else stage.clock.slept)

    stage = Stage(CLOCKED, always(unreachable), stopped=stopped)
    assert stage.send().exit_code is ExitCode.UNREACHABLE
    assert [event.split()[0] for event in stage.events] == ["clock", "claim", "send", "settle"]


def test_a_refusal_from_an_earlier_run_stays_when_the_job_stops() -> None:
    """What was refused as unprocessed is not turned into NOT_SENT because its turn did not come."""
    (number,) = numbers(PLAIN, 1)
    refused = Submission(number, Outcome.REFUSED, reason=Reason("stale", Cause.STALE))
    stage = Stage(PLAIN, stopped=lambda: True)
    receipt = stage.caller.submit(
        Message((number,), "hello"), [refused], pending=[number], journal=stage.ledger, key="k", batch_size=1
    )
    assert receipt.submissions == (refused,)
    assert stage.events == []


# --- questions -------------------------------------------------------------------------------------------------------


def test_a_question_brings_its_answer() -> None:
    """A balance is one call, stamped like any other."""
    stage = Stage(CLOCKED)
    assert stage.caller.call(get(CLOCKED).balance, None).amount > 0
    assert [event.split()[0] for event in stage.events] == ["clock", "ask"]


def asking(vendor: str, answer: Answer) -> Script:
    """Answer every question so, and the vendor's clock well."""
    return lambda request, _: None if kind(vendor, request) == "clock" else answer


@pytest.mark.parametrize("answer", [unknown, unreachable, Response(200, b"<html>"), Response(500, b"{}")])
@pytest.mark.parametrize("vendor", PLATFORMS)
def test_a_question_is_never_unknown(vendor: str, answer: Answer) -> None:
    """An answer lost on the way has cost nothing: three tries, then exit 6."""
    stage = Stage(vendor, asking(vendor, answer))
    with pytest.raises(UnreachableError):
        stage.caller.call(get(vendor).balance, None)
    assert sum(not event.startswith("clock") for event in stage.events) == ATTEMPTS


@pytest.mark.parametrize(
    ("body", "error"),
    [({"error": 6}, AuthenticationError), ({"error": 0}, UnreachableError), ({"error": 36}, RejectedError)],
)
def test_a_refused_question_is_not_asked_again(body: object, error: type[Exception]) -> None:
    """The vendor's no is told at once; only what is no documented answer is asked again."""
    stage = Stage("lightsms", asking("lightsms", Response(200, json.dumps(body).encode())))
    with pytest.raises(error):
        stage.caller.call(get("lightsms").balance, None)
    asked = sum(event.startswith("ask") for event in stage.events)
    assert asked == (ATTEMPTS if error is UnreachableError else 1)


def test_a_question_refused_as_stale_is_asked_with_a_new_stamp() -> None:
    """A balance with an old timestamp is signed anew, not repeated."""
    stage: Stage
    stamps = []

    def answer(request: Request, _: float) -> Answer:
        if kind("lightsms", request) == "clock":
            return None
        stamps.append(dict(request.query)["timestamp"])
        if len(stamps) > 1:
            return None
        stage.clock.time += 11
        return stale()

    stage = Stage("lightsms", answer)
    assert stage.caller.call(get("lightsms").balance, None).unit == "EUR"
    assert stamps == ["1732809600", "1732809611"]


def test_a_question_and_its_stamps_share_one_deadline() -> None:
    """Also when they are asked again; and a stamp that has grown old on the way is not sent."""
    latest = []

    def answer(request: Request, _: float) -> Answer:
        latest.append(request.not_after)
        return None if kind(CLOCKED, request) == "clock" else unreachable

    stage = Stage(CLOCKED, answer, jitter=1.0)
    with pytest.raises(UnreachableError):
        stage.caller.call(get(CLOCKED).balance, None)
    assert stage.events == [
        "clock within 30", "ask within 30", "clock within 29", "ask within 29", "clock within 27", "ask within 27",
    ]  # fmt: skip
    assert latest == [None, 1008.0, None, 1009.0, None, 1011.0]


def test_a_question_is_asked_again_at_once_unless_the_vendor_wants_a_pause() -> None:
    """With no jitter nothing else is a reason to wait."""
    stage = Stage(PLAIN, asking(PLAIN, unreachable), jitter=0.0)
    with pytest.raises(UnreachableError):
        stage.caller.call(get(PLAIN).balance, None)
    assert stage.clock.slept == [0.0, 0.0]


def test_what_a_question_cannot_be_built_from_is_raised_as_it_is() -> None:
    """An error of the caller's own making is neither hidden nor repeated."""
    stage = Stage("mainsms")
    with pytest.raises(InputError):
        stage.caller.call(get("mainsms").send, Message((MSISDN("89121231234"),), "hello"))
    assert stage.events == []


# --- secrets ---------------------------------------------------------------------------------------------------------


def gives_ids(vendor: str) -> bool:
    """Return whether the vendor's answers hold ids, and not the request alone."""
    stage = Stage(vendor)
    stage.send()
    body = stage.well(stage.requests[0]).body
    return accepted_id(vendor, body).encode() in body


GIVING_IDS = tuple(filter(gives_ids, PLATFORMS))


@pytest.mark.parametrize(
    ("key", "text", "message_id"),
    [
        ("4711", "hello", "4711"),
        ("47110815", "hello", "390047110815001"),
        ("47110815", "hello", "5180117400"),
        ("test", "hello", "974657374"),
        ("key", "hello", "107101121"),
        ("secret", "123456", "123456"),
    ],
    ids=["the key", "the key inside", "the key backwards", "in hex", "as character codes", "the text"],
)
@pytest.mark.parametrize("vendor", GIVING_IDS)
def test_an_id_that_repeats_the_request_is_no_id(vendor: str, key: str, text: str, message_id: str) -> None:
    """Ids are shown and kept as they come; one that spells key or text in digits proves nothing and is not told."""
    stage: Stage
    stage = Stage(
        vendor,
        lambda request, _: with_id(stage, request, message_id) if request.billable else None,
        account=demo_account(vendor)._replace(secret=Secret(key)),
    )
    (submission,) = stage.send(text=text).submissions
    assert (submission.outcome, submission.message_id) == (Outcome.UNKNOWN, None)
    assert stage.ledger.settled == [submission]
    assert message_id not in str(submission)


@pytest.mark.parametrize("vendor", GIVING_IDS)
def test_an_id_that_holds_a_short_text_by_chance_is_an_id(vendor: str) -> None:
    """A text of some digits stands in many ids; to doubt those would cost a person's time for nothing."""
    stage: Stage
    stage = Stage(vendor, lambda request, _: with_id(stage, request, "970612345670") if request.billable else None)
    assert stage.send(text="7061234").submissions[0].message_id == "970612345670"


def test_an_id_that_the_request_itself_holds_may_stand_in_its_text() -> None:
    """Mesajlarim's names the number: a text that is the number is no echo."""
    number = numbers("mesajlarim", 1)[0]
    assert Stage("mesajlarim").send(text=number.digits).submissions[0].outcome is Outcome.SENT


def test_a_refusal_has_no_evidence() -> None:
    """Only what was not understood is kept."""
    stage = Stage(PLAIN, always(Response(200, refusal(PLAIN).encode())))
    stage.send()
    assert stage.ledger.evidence == [None]


def test_evidence_is_the_shape_of_the_answer() -> None:
    """Status, length and kind are kept of what came, and nothing that came."""
    stage = Stage(PLAIN, always(Response(503, b"\x1b[31m\xff" + b"y" * 65536)))
    stage.send()
    assert stage.ledger.evidence == ["HTTP 503, 65542 bytes: the answer is not UTF-8"]
