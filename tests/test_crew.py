"""Many messages at once: workers with real callers over a vendor to order, a real journal, and what makes them stop."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qs

import pytest

from smscli import sandbox
from smscli.crew import Crew, Desk, ahead
from smscli.dispatch import BREAK_AFTER_UNKNOWN, BREAK_AFTER_UNREACHABLE, Caller, Stamps, World
from smscli.errors import Cause, ConfigError, OutcomeUnknownError, UnreachableError
from smscli.journal import Batch, Ending, JournalEntry, News, TeamJournal
from smscli.model import DeliveryReport, DeliveryState, Message, Money, Outcome, Reason, SendReceipt, Submission, all_of
from smscli.pacing import BREAK_AFTER_BUSY, Limits, Tally, batch_size
from smscli.providers import Operation, Provider, get
from smscli.transport import HttpTransport
from smscli.wire import Request, Response
from tests.jobs import NOON
from tests.test_journal_team import KEY, Messages, people, plan, states
from tests.vendors import account, message

Answer = Response | BaseException | None
"""What comes of a request; None: the vendor accepts it."""


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """Fail what hangs, at every place where it hangs."""

    def hung(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError("a crew hangs")

    before = signal.signal(signal.SIGALRM, hung)
    signal.setitimer(signal.ITIMER_REAL, 60, 1)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


class Vendor:
    """A vendor that answers many at a time: ``answer`` is given the number of the request and its recipients.

    ``accepted`` counts what it took, ``events`` says when requests came and were answered, ``most`` how many of them
    were there at once.
    """

    def __init__(self, answer: Callable[[int, list[str]], Answer] = lambda _number, _to: None) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self._here = 0
        self.accepted: Counter[tuple[str, str]] = Counter()
        self.events: list[str] = []
        self.most = 0

    @property
    def requests(self) -> int:
        """How many have come."""
        return sum(event.startswith("begin") for event in self.events)

    def __call__(self, request: Request, _seconds: float) -> Response:
        form = dict(request.form)
        to = form["recipients"].split(",")
        with self._lock:
            number = self.requests + 1
            self.events.append(f"begin {number}")
            self._here += 1
            self.most = max(self.most, self._here)
        try:
            answer = self._answer(number, to)
            if isinstance(answer, BaseException):
                raise answer
            if answer is None:
                with self._lock:
                    self.accepted.update((one, form["message"]) for one in to)
            return answer or accepted(to)
        finally:
            with self._lock:
                self._here -= 1
                self.events.append(f"end {number}")


def accepted(to: Sequence[str]) -> Response:
    """Return MainSMS's word that it takes these."""
    words = {"status": "success", "recipients": to, "messages_id": [str(int(one)) for one in to], "count": len(to),
             "parts": 1, "balance": "9.5", "price": "0.5", "test": 0}  # fmt: skip
    return Response(200, json.dumps(words).encode())


def refused(code: str) -> Response:
    """Return a refusal of MainSMS: 2 is of the signature, 6 of the numbers."""
    return Response(200, json.dumps({"status": "error", "error": code, "message": "no"}).encode())


def later(wait: str = "") -> Response:
    """Return what the tests' vendor means as "not now": it has processed nothing."""
    return Response(429, b"", {"retry-after": wait} if wait else {})


def _parse(response: Response, message: Message, stamp: str) -> SendReceipt:
    if response.status != 429:
        return get("mainsms").send.parse(response, message, stamp)
    wait = float(response.headers.get("retry-after", "0")) or None
    return SendReceipt(all_of(message.to, Outcome.REFUSED, Reason("too many requests", Cause.BUSY, wait=wait)))


VENDOR = get("mainsms")._replace(send=Operation(get("mainsms").send.build, _parse))
"""MainSMS, if it knew how to ask for patience."""


def _parse_states(response: Response, message: Message, stamp: str) -> SendReceipt:
    receipt = _parse(response, message, stamp)
    told = [DeliveryReport(s.message_id or "", DeliveryState.ACCEPTED, "taken") for s in receipt.submissions]
    submissions = (s._replace(delivery=one) for s, one in zip(receipt.submissions, told, strict=True))
    return receipt._replace(submissions=tuple(submissions))


TALKATIVE = VENDOR._replace(send=Operation(VENDOR.send.build, _parse_states))
"""The same, if its answer to a send told where each message stands."""

unreachable = UnreachableError("it refused the connection; nothing was sent", hint="try again")
unknown = OutcomeUnknownError("no answer within 30 s; the request had left", hint="ask the vendor")


class Watched:
    """The journal as a desk, with everything that is asked of it; ``breaks`` may raise before it is."""

    def __init__(self, journal: TeamJournal, breaks: Callable[[str, int], object] = lambda _what, _time: None) -> None:
        self._journal = journal
        self._breaks = breaks
        self.asked: list[str] = []
        self.confirmed: list[list[int]] = []

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        self._breaks(what, self.asked.count(what))

    def advance(self, key: str, endings: Sequence[Ending], count: int) -> tuple[list[Batch], list[JournalEntry]]:
        """Ask the journal."""
        self._ask("advance")
        return self._journal.advance(key, endings, count)

    def confirm_places(self, key: str, places: Sequence[int]) -> None:
        """Ask the journal."""
        self._ask("confirm")
        self.confirmed.append(list(places))
        self._journal.confirm_places(key, places)

    def finish(self, key: str, endings: Sequence[Ending]) -> list[JournalEntry]:
        """Ask the journal."""
        self._ask("finish")
        return self._journal.finish(key, endings)

    def learn(self, key: str, news: Sequence[News]) -> None:
        """Ask the journal."""
        self._ask("learn")
        self._journal.learn(key, news)


def world(transport: Callable[[Request, float], Response], **others: Any) -> World:
    """Return a world that never waits long."""
    usual: dict[str, Any] = {
        "seconds": 20.0, "now": lambda: NOON, "monotonic": time.monotonic, "sleep": lambda _seconds: None,
        "jitter": lambda: 0.0, "nonce": lambda: "1",
    }  # fmt: skip
    return World(transport, **{**usual, **others})


_FREE = Limits()


def crew(
    journal: Desk, vendor: Callable[[Request, float], Response], jobs: int = 4, *, provider: Provider = VENDOR,
    limits: Limits = _FREE, monotonic: Callable[[], float] = time.monotonic, stamps: Stamps | None = None,
    stopped: Callable[[], bool] = lambda: False, watch: Callable[[Tally], object] = lambda _tally: None,
    outside: Mapping[str, Any] = {},
) -> Crew:  # fmt: skip
    """Return so many workers at the job that is planned."""
    stamps = stamps or Stamps()
    callers = [
        Caller(provider, account(provider.name), world(vendor, stopped=stopped, **outside), stamps) for _ in range(jobs)
    ]
    return Crew(
        callers, message(provider.name)._replace(to=(), text=""), journal, KEY, tally=Tally(), limits=limits,
        monotonic=monotonic, stopped=stopped, watch=watch,
    )  # fmt: skip


@pytest.fixture
def journal(path: Path) -> Iterator[TeamJournal]:
    """Return a journal for large jobs."""
    with closing(TeamJournal(path, now=lambda: NOON)) as one:
        yield one


def fast() -> float:
    """Return the time of a clock that makes a second of a hundredth."""
    return time.monotonic() * 100


def each_once(messages: Messages) -> Counter[tuple[str, str]]:
    """Return what a vendor has to have taken."""
    return Counter((number.digits, text) for _, number, text in messages)


# --- all goes well ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("jobs", [1, 4, 8])
def test_everybody_gets_the_text_once(journal: TeamJournal, jobs: int, size: int) -> None:
    """And the journal knows it."""
    messages, vendor = people(40, "a", "b"), Vendor()
    plan(journal, messages, batch_size=size)
    tally = crew(journal, vendor, jobs).work()
    assert vendor.accepted == each_once(messages)
    assert vendor.most <= jobs
    assert states(journal) == ["SENT"] * 40
    assert {entry.message.attempt for entry in journal.show(KEY)} == {1}
    assert (tally.done, tally.failures, tally.in_flight, tally.stop, tally.trouble) == (40, 0, 0, None, None)
    assert not tally.unrecorded
    assert journal.check() == ()


def test_what_it_cost_is_counted(journal: TeamJournal) -> None:
    """As the vendor says: by currency, and in parts."""
    plan(journal, people(3))
    tally = crew(journal, Vendor()).work()
    assert (tally.parts, tally.cost) == (3, {"RUB": Money(Decimal("1.5"), "RUB")})


@pytest.mark.parametrize("breaks", [False, True])
def test_the_word_of_an_answer_on_where_a_message_stands_is_kept(journal: TeamJournal, breaks: bool) -> None:
    """Where that cannot be recorded, no outcome hangs on it."""

    def fail(what: str, _time: int) -> None:
        if breaks and what == "learn":
            raise ConfigError("the disk is full")

    plan(journal, people(3))
    desk = Watched(journal, fail)
    tally = crew(desk, Vendor(), provider=TALKATIVE).work()
    assert (tally.outcomes, tally.trouble, "learn" in desk.asked) == ({Outcome.SENT: 3}, None, True)
    words = [entry.delivery and entry.delivery.word for entry in journal.show(KEY)]
    assert words == [None if breaks else "taken"] * 3


def test_who_is_in_flight_does_not_wait_for_the_word_on_others(journal: TeamJournal) -> None:
    """What was claimed is sent while that is recorded."""
    second, waits = threading.Event(), list[bool]()
    vendor = Vendor(lambda number, _to: second.set() if number == 2 else None)

    def wait(what: str, time: int) -> None:
        if (what, time) == ("learn", 1):
            waits.append(second.wait(20))

    plan(journal, people(3))
    tally = crew(Watched(journal, wait), vendor, provider=TALKATIVE).work()
    assert (tally.outcomes, waits) == ({Outcome.SENT: 3}, [True])


def test_workers_send_at_the_same_time(journal: TeamJournal) -> None:
    """Once the first request has told that the account is in order."""
    everybody = threading.Barrier(4)

    def meet(number: int, _to: list[str]) -> None:
        if 2 <= number <= 5:
            everybody.wait(20)

    vendor = Vendor(meet)
    plan(journal, people(12))
    assert crew(journal, vendor).work().outcomes == {Outcome.SENT: 12}
    assert vendor.most == 4
    assert vendor.events[:2] == ["begin 1", "end 1"]


def test_two_crews_at_one_job_send_each_message_once(path: Path, journal: TeamJournal) -> None:
    """As two processes do that know nothing of each other."""
    messages, vendor = people(60), Vendor()
    plan(journal, messages)
    dones: list[int] = []

    def help_out() -> None:
        with closing(TeamJournal(path, now=lambda: NOON)) as another:
            another.join(KEY, "demo")
            dones.append(crew(another, vendor, 2).work().done)

    helper = threading.Thread(target=help_out)
    helper.start()
    dones.append(crew(journal, vendor, 2).work().done)
    helper.join(30)
    assert sum(dones) == 60
    assert vendor.accepted == each_once(messages)


def test_whoever_watches_sees_what_is_done_and_in_flight(journal: TeamJournal) -> None:
    """At the end nothing is."""
    seen: list[tuple[int, int]] = []
    plan(journal, people(5))
    crew(journal, Vendor(), 2, watch=lambda tally: seen.append((tally.done, tally.in_flight))).work()
    assert seen[0] == (0, 1)
    assert seen[-1] == (5, 0)
    assert max(count for _, count in seen) == 2


# --- what stops a job -------------------------------------------------------------------------------------------------


def test_an_account_that_is_refused_costs_one_request(journal: TeamJournal) -> None:
    """However many workers there are."""
    vendor = Vendor(lambda _number, _to: refused("2"))
    plan(journal, people(20))
    tally = crew(journal, vendor, 8).work()
    assert vendor.requests == 1
    assert tally.stop is not None
    assert (tally.stop.cause, tally.stop.text[:22]) == (Cause.CREDENTIALS, "stopped: error 2: the ")
    assert tally.stop.hint
    assert states(journal) == ["REFUSED"] + ["NOT_SENT"] * 19


def test_an_account_that_is_refused_in_the_middle_stops_the_job(journal: TeamJournal) -> None:
    """It costs at most one request a worker."""
    vendor = Vendor(lambda number, _to: refused("10") if number > 5 else None)
    plan(journal, people(40))
    tally = crew(journal, vendor).work()
    assert tally.stop is not None
    assert tally.stop.cause is Cause.CREDENTIALS
    assert 6 <= vendor.requests <= 9


@pytest.mark.parametrize(
    ("error", "limit", "words", "state"),
    [
        (unknown, BREAK_AFTER_UNKNOWN, "stopped after 3 unknown outcomes in a row", "UNKNOWN"),
        (unreachable, BREAK_AFTER_UNREACHABLE, "stopped after 5 failures to reach the vendor in a row", "NOT_SENT"),
    ],
)
def test_a_vendor_that_is_down_from_the_beginning_costs_no_more_than_it_must(
    journal: TeamJournal, error: Exception, limit: int, words: str, state: str
) -> None:
    """Until one request has been answered there is one at a time."""
    plan(journal, people(20))
    tally = crew(journal, Vendor(lambda _number, _to: error), 8).work()
    assert tally.stop is not None
    assert tally.stop.text == words
    assert tally.done == limit
    assert [entry.message.attempt for entry in journal.show(KEY)] == [1] * limit + [0] * (20 - limit)
    assert states(journal)[:limit] == [state] * limit
    assert journal.standing(KEY).pending == (20 - limit if state == "UNKNOWN" else 20)


@pytest.mark.parametrize(("error", "limit"), [(unknown, BREAK_AFTER_UNKNOWN), (unreachable, BREAK_AFTER_UNREACHABLE)])
def test_a_vendor_that_goes_down_stops_the_job(journal: TeamJournal, error: Exception, limit: int) -> None:
    """What is in flight then is all that is lost besides."""
    plan(journal, people(60))
    tally = crew(journal, Vendor(lambda number, _to: error if number > 10 else None)).work()
    assert tally.stop is not None
    assert "in a row" in tally.stop.text
    assert tally.outcomes[Outcome.SENT] == 10
    assert limit <= tally.failures <= limit + 3


def test_failures_that_do_not_follow_each_other_stop_nothing(journal: TeamJournal) -> None:
    """One good answer between them is enough."""
    plan(journal, people(24))
    tally = crew(journal, Vendor(lambda number, _to: unknown if number % 3 else None), 1).work()
    assert (tally.stop, tally.outcomes) == (None, {Outcome.UNKNOWN: 16, Outcome.SENT: 8})


def test_a_job_stops_after_as_many_failures_as_its_owner_allows(journal: TeamJournal) -> None:
    """Whatever they are."""
    plan(journal, people(60))
    vendor = Vendor(lambda number, _to: None if number % 2 else refused("6"))
    tally = crew(journal, vendor, 1, limits=Limits(failures=4)).work()
    assert tally.stop is not None
    assert tally.stop.text == "stopped after 4 failures, as asked"
    assert (tally.failures, tally.done, vendor.requests) == (4, 8, 8)


def test_a_certificate_that_is_not_trusted_stops_the_job(journal: TeamJournal) -> None:
    """Another try would meet the same one."""
    plan(journal, people(20))
    error = ConfigError("the certificate was not accepted; nothing was sent", hint="check base_url")
    tally = crew(journal, Vendor(lambda _number, _to: error), 1).work()
    assert tally.stop == Reason(f"stopped: {error.message}", Cause.CONFIG, hint="check base_url")
    assert tally.done == 1


def test_a_signal_lets_end_what_is_in_flight_and_begins_nothing(journal: TeamJournal) -> None:
    """Each answer is waited for and recorded."""
    asked = threading.Event()
    together = threading.Barrier(4)

    def answer(number: int, _to: list[str]) -> None:
        if 2 <= number <= 5:
            together.wait(20)  # four are in flight
            asked.set()
            time.sleep(0.3)

    vendor = Vendor(answer)
    plan(journal, people(30))
    tally = crew(journal, vendor, stopped=asked.is_set).work()
    assert tally.stop == Reason("stopped by a signal", Cause.UNREACHABLE)
    assert (vendor.requests, tally.outcomes, tally.in_flight) == (5, {Outcome.SENT: 5}, 0)
    assert Counter(states(journal)) == {"SENT": 5, "NOT_SENT": 25}


def test_what_fails_after_a_signal_is_not_blamed_on_the_vendor(journal: TeamJournal) -> None:
    """Requests that had not left are given up, as many as there are workers, and heard of all at once."""
    asked = threading.Event()
    together = threading.Barrier(7)

    def answer(number: int, _to: list[str]) -> Answer:
        if number == 1:
            return None
        together.wait(20)
        asked.set()
        return unreachable

    def watch(tally: Tally) -> None:
        if tally.in_flight == 6:
            together.wait(20)
            time.sleep(0.3)

    plan(journal, people(30))
    tally = crew(journal, Vendor(answer), 6, stopped=asked.is_set, watch=watch).work()
    assert tally.stop is not None
    assert tally.stop.text == "stopped by a signal"
    assert journal.standing(KEY).pending == 29


def test_a_signal_is_heard_during_a_long_pause(journal: TeamJournal) -> None:
    """The vendor asked for an hour."""
    ask = threading.Event()
    plan(journal, people(3))

    def answer(_number: int, _to: list[str]) -> Answer:
        ask.set()
        return later("3600")

    tally = crew(journal, Vendor(answer), stopped=ask.is_set).work()
    assert tally.stop is not None
    assert tally.stop.text == "stopped by a signal"
    assert journal.standing(KEY).pending == 3


# --- how fast ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "rate", "size"),
    [(50, inf, 50), (50, 100.0, 50), (50, 20.0, 20), (50, 0.5, 1), (100, 19.5, 20), (1, 9, 1)],
)
def test_a_request_holds_no_more_than_may_leave_in_a_second(limit: int, rate: float, size: int) -> None:
    """Nor than the vendor takes."""
    assert batch_size(limit, rate) == size


@pytest.mark.parametrize("size", [1, 4])
def test_a_rate_is_never_exceeded_and_is_reached(journal: TeamJournal, size: int) -> None:
    """Counted in recipients, by a clock that goes on with each look at it; a tenth of a second is made up for."""
    moments: list[float] = []
    now = [0.0]

    def clock() -> float:
        now[0] += 0.01
        return now[0]

    class Timed(Watched):
        def advance(self, key: str, endings: Sequence[Ending], count: int) -> tuple[list[Batch], list[JournalEntry]]:
            batches, others = super().advance(key, endings, count)
            moments.extend(now[0] for batch in batches for _ in batch.places)
            return batches, others

    plan(journal, people(24), batch_size=size)
    tally = crew(Timed(journal), Vendor(), limits=Limits(rate=20.0), monotonic=clock).work()
    assert tally.outcomes == {Outcome.SENT: 24}
    for first in range(24):
        for last in range(first + 1, 24):
            assert last - first <= 20.0 * (moments[last] - moments[first] + 0.1) + size - 1 + 1e-6
    assert moments[-1] - moments[0] < 1.5 * 24 / 20


def test_what_a_busy_vendor_had_no_time_for_is_sent_when_it_asks_for_it(journal: TeamJournal) -> None:
    """By the same run, as another attempt; nothing is begun meanwhile."""
    began: list[float] = []

    def answer(number: int, _to: list[str]) -> Answer:
        began.append(fast())
        return later("50") if number == 2 else None

    messages, vendor = people(6), Vendor(answer)
    plan(journal, messages)
    tally = crew(journal, vendor, 1, monotonic=fast).work()
    assert (tally.outcomes, tally.stop) == ({Outcome.SENT: 6}, None)
    assert vendor.accepted == each_once(messages)
    assert Counter(entry.message.attempt for entry in journal.show(KEY)) == {1: 5, 2: 1}
    assert began[2] - began[1] >= 50


def test_a_pause_that_is_over_at_once_keeps_nobody_from_being_sent_to(journal: TeamJournal) -> None:
    """Also the last of the list, of whom the journal learns only then that he may be sent to again."""
    plan(journal, people(1))
    # As often as one request is tried.
    tally = crew(journal, Vendor(lambda number, _to: later("0.000001") if number <= 3 else None)).work()
    assert (tally.outcomes, tally.stop) == ({Outcome.SENT: 1}, None)


def test_a_vendor_that_stays_busy_stops_the_job(journal: TeamJournal) -> None:
    """Everybody may still be sent to."""
    vendor = Vendor(lambda _number, _to: later("25"))
    plan(journal, people(9))
    tally = crew(journal, vendor, monotonic=fast).work()
    assert BREAK_AFTER_BUSY == 6
    assert tally.stop is not None
    assert tally.stop.text == "stopped: the vendor asked 6 times in a row to come later"
    assert vendor.requests == 6
    assert (tally.done, journal.standing(KEY).pending) == (0, 9)


def test_what_was_on_its_way_when_a_pause_was_asked_for_asks_for_none_of_its_own(journal: TeamJournal) -> None:
    """Eight answers of one burst are not eight pauses that were in vain."""
    messages = people(24)
    burst = threading.Barrier(8)

    def answer(number: int, _to: list[str]) -> Answer:
        if 2 <= number <= 9:  # the first one goes alone
            burst.wait(30)
            return later("5")
        return None

    vendor = Vendor(answer)
    plan(journal, messages)
    tally = crew(journal, vendor, 8, monotonic=fast).work()
    assert (tally.outcomes, tally.stop) == ({Outcome.SENT: 24}, None)
    assert vendor.accepted == each_once(messages)


def test_a_vendor_that_names_no_time_is_given_longer_and_longer(journal: TeamJournal) -> None:
    """2 s, 4 s, 8 s, 16 s, 30 s."""
    began: list[float] = []

    def answer(_number: int, _to: list[str]) -> Answer:
        began.append(fast())
        return later()

    plan(journal, people(1))
    crew(journal, Vendor(answer), monotonic=fast).work()
    pauses = [began[index] - began[index - 2] for index in range(2, len(began), 2)]  # each is tried twice
    assert len(pauses) == 5
    assert all(pause >= least for pause, least in zip(pauses, (2, 4, 8, 16, 30), strict=True))


# --- what is claimed ahead --------------------------------------------------------------------------------------------


class Full:
    """A vendor that answers its first request at once, the next when ``jobs`` of them are there: as ``word`` says.

    ``claimed`` is what a watcher last saw in flight.
    """

    def __init__(self, jobs: int, word: Callable[[int], Answer] = lambda _number: None) -> None:
        self._jobs = jobs
        self._word = word
        self._here = threading.Semaphore(0)
        self._go = threading.Event()
        self.claimed = 0
        self.vendor = Vendor(self._answer)

    def watch(self, tally: Tally) -> None:
        """Let go as soon as all workers are at it, and as much is claimed ahead as may be."""
        self.claimed = max(self.claimed, tally.in_flight)
        if tally.in_flight == self._jobs + ahead(self._jobs) and not self._go.is_set():
            assert all(self._here.acquire(timeout=20) for _ in range(self._jobs))
            self._go.set()

    def _answer(self, number: int, _to: list[str]) -> Answer:
        if 2 <= number <= self._jobs + 1:
            self._here.release()
            assert self._go.wait(20)
        return self._word(number)


@pytest.mark.parametrize(("jobs", "count"), [(1, 0), (4, 0), (7, 0), (8, 1), (16, 2), (64, 8)])
def test_few_workers_claim_nothing_ahead(jobs: int, count: int) -> None:
    """A crash leaves each of them UNKNOWN."""
    assert ahead(jobs) == count


def test_a_request_is_claimed_ahead_and_waits_for_a_worker(journal: TeamJournal) -> None:
    """There are never more at the vendor than there are workers, nor more in flight than one more."""
    full = Full(8)
    messages = people(40)
    plan(journal, messages)
    tally = crew(journal, full.vendor, 8, watch=full.watch).work()
    assert (full.claimed, full.vendor.most) == (9, 8)
    assert (tally.outcomes, tally.in_flight) == ({Outcome.SENT: 40}, 0)
    assert full.vendor.accepted == each_once(messages)
    assert {entry.message.attempt for entry in journal.show(KEY)} == {1}


@pytest.mark.parametrize("jobs", [4, 8, 16])
def test_never_more_requests_are_at_the_vendor_than_jobs(journal: TeamJournal, jobs: int) -> None:
    """Counted by a server, from the first byte of a request to the first of its answer."""
    lock, here, most = threading.Lock(), set[int](), [0]

    class Counting(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def parse_request(self) -> bool:
            with lock:
                here.add(id(self))
                most[0] = max(most[0], len(here))
            return super().parse_request()

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            answer = accepted(form["recipients"]).body
            time.sleep(0.02)
            with lock:
                here.remove(id(self))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_words: object) -> None:
            pass

    plan(journal, people(12 * jobs))
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server, ExitStack() as stack:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        whose = account("mainsms", f"http://127.0.0.1:{server.server_port}/api/mainsms/")
        ways = [stack.enter_context(closing(HttpTransport(keeps_alive=True))) for _ in range(jobs)]
        callers = [Caller(VENDOR, whose, world(way)) for way in ways]
        tally = Crew(
            callers, message("mainsms")._replace(to=(), text=""), journal, KEY, tally=Tally(), monotonic=time.monotonic
        ).work()  # fmt: skip
        server.shutdown()
    assert tally.outcomes == {Outcome.SENT: 12 * jobs}
    assert jobs // 2 < most[0] <= jobs


def test_what_follows_a_request_that_went_well_does_not_wait_for_its_commit(journal: TeamJournal) -> None:
    """It is claimed already."""
    waits, tenth = list[bool](), threading.Event()

    def count(number: int) -> None:
        if number == 10:
            tenth.set()

    def wait(what: str, time: int) -> None:
        if (what, time) == ("advance", 3):
            waits.append(tenth.wait(20))

    full = Full(8, count)
    plan(journal, people(20))
    tally = crew(Watched(journal, wait), full.vendor, 8, watch=full.watch).work()
    assert (waits, tally.outcomes) == ([True], {Outcome.SENT: 20})


def test_what_follows_a_request_that_was_refused_waits_for_the_desk(journal: TeamJournal) -> None:
    """Which stops here: what was claimed ahead is given back, as one that was not sent and not tried."""
    full = Full(8, lambda number: refused("10") if number > 1 else None)
    plan(journal, people(40))
    tally = crew(journal, full.vendor, 8, watch=full.watch).work()
    assert tally.stop is not None
    assert tally.stop.cause is Cause.CREDENTIALS
    assert (full.vendor.requests, tally.done, tally.in_flight) == (9, 9, 0)
    assert Counter(states(journal)) == {"SENT": 1, "REFUSED": 8, "NOT_SENT": 31}
    (given_back,) = (e for e in journal.show(KEY) if e.state == "NOT_SENT" and e.message.attempt)
    assert given_back.submission.reason is not None
    assert given_back.submission.reason.text == "stopped before this recipient's turn"


def test_a_refusal_that_stops_nothing_loses_nobody_who_follows(journal: TeamJournal) -> None:
    """Each is tried once."""
    vendor = Vendor(lambda number, _to: refused("6") if number % 3 == 0 else None)
    plan(journal, people(60))
    tally = crew(journal, vendor, 8).work()
    assert (tally.outcomes, tally.stop) == ({Outcome.SENT: 40, Outcome.REFUSED: 20}, None)
    assert {entry.message.attempt for entry in journal.show(KEY)} == {1}


def test_a_signal_gives_back_what_is_claimed_ahead(journal: TeamJournal) -> None:
    """Certainly not sent; what was on its way is waited for."""
    asked = threading.Event()

    def ask(number: int) -> None:
        if number > 1:
            asked.set()

    full = Full(8, ask)
    plan(journal, people(40))
    tally = crew(journal, full.vendor, 8, watch=full.watch, stopped=asked.is_set).work()
    assert tally.stop == Reason("stopped by a signal", Cause.UNREACHABLE)
    assert (full.vendor.requests, tally.outcomes[Outcome.SENT], tally.in_flight) == (9, 9, 0)
    assert Counter(states(journal)) == {"SENT": 9, "NOT_SENT": 31}
    assert journal.standing(KEY).pending == 31


@pytest.mark.parametrize("wait", ["50", "0.000001"])
def test_what_is_claimed_ahead_keeps_the_pause_that_others_are_asked_for(journal: TeamJournal, wait: str) -> None:
    """It is given back, and claimed again by the same run when the pause is over."""
    moments: dict[int, float] = {}
    heard = threading.Event()

    def answer(number: int) -> Answer:
        moments[number] = fast()
        if 2 < number <= 9:
            heard.wait(20)
        return later(wait) if number == 2 else None

    def hear(what: str, time: int) -> None:
        if (what, time) == ("advance", 3):
            heard.set()

    full, messages = Full(8, answer), people(40)
    plan(journal, messages)
    outside = {"seconds": 0.0}  # no call tries again by itself
    tally = crew(
        Watched(journal, hear), full.vendor, 8, watch=full.watch, monotonic=fast, outside=outside
    ).work()  # fmt: skip
    assert (tally.outcomes, tally.stop) == ({Outcome.SENT: 40}, None)
    assert full.vendor.accepted == each_once(messages)
    assert Counter(entry.message.attempt for entry in journal.show(KEY)) == {1: 38, 2: 2}
    assert moments[10] - moments[2] >= float(wait)


def test_a_rate_lets_nothing_be_claimed_ahead(journal: TeamJournal) -> None:
    """It would leave at another moment than the one it was given."""
    most: list[int] = []
    vendor = Vendor(lambda _number, _to: time.sleep(0.02))
    plan(journal, people(40))
    tally = crew(
        journal, vendor, 8, limits=Limits(rate=1e6), watch=lambda tally: most.append(tally.in_flight)
    ).work()  # fmt: skip
    assert tally.outcomes == {Outcome.SENT: 40}
    assert max(most) <= 8


def test_a_desk_that_fails_gives_back_what_is_claimed_ahead(journal: TeamJournal) -> None:
    """No worker begins it any more."""
    full = Full(8)

    def watch(tally: Tally) -> None:
        full.watch(tally)
        if tally.in_flight == 9:
            raise RuntimeError("nobody expected that")

    plan(journal, people(40))
    with pytest.raises(RuntimeError, match="nobody expected that"):
        crew(journal, full.vendor, 8, watch=watch).work()
    assert full.vendor.requests in (9, 10)  # who was answered before the desk failed goes on
    assert Counter(states(journal)) == {"SENT": full.vendor.requests, "NOT_SENT": 40 - full.vendor.requests}


# --- the journal in trouble -------------------------------------------------------------------------------------------


def test_what_has_ended_is_recorded_when_nothing_more_can_be_begun(journal: TeamJournal) -> None:
    """Whatever keeps the journal from putting others in flight."""

    def breaks(what: str, time: int) -> None:
        if (what, time) == ("advance", 3):
            raise ConfigError("the disk is full", hint="free some space")

    plan(journal, people(20))
    desk, vendor = Watched(journal, breaks), Vendor()
    tally = crew(desk, vendor).work()
    assert tally.stop == tally.trouble == Reason("the disk is full", Cause.CONFIG, hint="free some space")
    assert desk.asked.count("advance") == 3
    assert not tally.unrecorded
    assert Counter(states(journal)) == {"SENT": vendor.requests, "NOT_SENT": 20 - vendor.requests}


def test_what_could_not_be_recorded_is_told_with_its_ids(journal: TeamJournal) -> None:
    """The journal will call it unknown."""

    def breaks(what: str, time: int) -> None:
        if what == "finish" or time > 2:
            raise ConfigError("the disk is gone")

    messages, vendor = people(20), Vendor()
    plan(journal, messages)
    tally = crew(Watched(journal, breaks), vendor).work()
    sent = {number.digits for _, number, _ in messages[: vendor.requests]}
    recorded = {entry.message.recipient for entry in journal.show(KEY) if entry.state == "SENT"}
    lost = {number.digits: submission for number, submission in tally.unrecorded.items()}
    assert set(lost) == sent - recorded != set()
    assert {(s.outcome, s.message_id) for s in lost.values()} == {(Outcome.SENT, digits) for digits in lost}
    assert tally.trouble is not None
    assert tally.trouble.text == "the disk is gone"
    assert "IN_FLIGHT" in states(journal)


def test_a_journal_that_takes_nothing_sends_nothing(journal: TeamJournal) -> None:
    """Not even the first request."""

    def breaks(_what: str, _time: int) -> None:
        raise ConfigError("the journal cannot be written")

    plan(journal, people(3))
    vendor = Vendor()
    tally = crew(Watched(journal, breaks), vendor).work()
    assert (vendor.requests, tally.done) == (0, 0)
    assert tally.stop is not None
    assert tally.stop.text == "the journal cannot be written"


def test_what_somebody_else_decided_on_meanwhile_stops_the_job(path: Path, journal: TeamJournal) -> None:
    """Whoever looks at the outcome is told what the vendor said."""

    def decide(number: int, _to: list[str]) -> None:
        if number == 1:
            journal._db.release(journal._owner or 0)  # as over a lost connection
            with closing(TeamJournal(path, now=lambda: NOON)) as another:
                another.resolve(KEY, sent=False)

    messages = people(9)
    plan(journal, messages)
    tally = crew(journal, Vendor(decide), 1).work()
    assert [str(s.outcome) for s in tally.unrecorded.values()] == ["SENT"]
    assert tally.trouble is not None
    assert tally.trouble.text == f"{messages[0][1]} is NOT_SENT by now"
    assert states(journal)[0] == "NOT_SENT"
    assert journal.standing(KEY).counts.get("IN_FLIGHT") is None  # type: ignore[call-overload]  # a state is its name


# --- what must not happen ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("a bug"), SystemExit(3), KeyboardInterrupt()])
def test_a_bug_at_work_is_one_unknown_and_hangs_nobody(journal: TeamJournal, error: BaseException) -> None:
    """Also where a vendor's module means to end the program."""
    plan(journal, people(12))
    tally = crew(journal, Vendor(lambda number, _to: error if number == 3 else None)).work()
    assert tally.outcomes == {Outcome.SENT: 11, Outcome.UNKNOWN: 1}
    (entry,) = (entry for entry in journal.show(KEY) if entry.state == "UNKNOWN")
    assert entry.submission.reason is not None
    assert entry.submission.reason.text == f"internal error: {type(error).__name__}"


def test_an_answer_about_somebody_else_is_unknown(journal: TeamJournal) -> None:
    """A vendor's module that makes one cannot end the desk."""

    def parse(_response: Response, message: Message, _stamp: str) -> SendReceipt:
        stranger = people(99)[-1][1]
        return SendReceipt((Submission(message.to[0], Outcome.SENT), Submission(stranger, Outcome.SENT)))

    plan(journal, people(2))
    provider = VENDOR._replace(send=Operation(VENDOR.send.build, parse))
    assert crew(journal, Vendor(), provider=provider).work().outcomes == {Outcome.UNKNOWN: 2}


def test_a_desk_that_fails_leaves_no_worker_and_records_what_is_in_flight(journal: TeamJournal) -> None:
    """A bug there is the end of the program, not of what is known."""
    together = threading.Barrier(3)

    def answer(number: int, _to: list[str]) -> None:
        if number > 1:
            together.wait(20)  # two workers, and who watches

    def watch(tally: Tally) -> None:
        if tally.in_flight == 2:
            together.wait(20)
            raise RuntimeError("nobody expected that")

    plan(journal, people(9))
    with pytest.raises(RuntimeError, match="nobody expected that"):
        crew(journal, Vendor(answer), 2, watch=watch).work()
    assert states(journal) == ["SENT"] * 3 + ["NOT_SENT"] * 6
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("smscli-worker")]


@pytest.mark.parametrize("threads", [0, 1])
def test_a_machine_without_threads_sends_with_those_it_gives(
    journal: TeamJournal, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With none, nothing is sent, and it is said."""
    real, left = threading.Thread.start, [threads]

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("smscli-worker"):
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("can't start new thread")
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    plan(journal, people(5))
    tally = crew(journal, Vendor()).work()
    assert states(journal) == ["SENT" if threads else "NOT_SENT"] * 5
    assert (tally.stop is None) == bool(threads)


# --- a vendor whose clock is asked ------------------------------------------------------------------------------------


class Clocked:
    """LightSMS, whose clock goes on by ``step`` seconds with each send; a stale signature is refused as it does.

    ``refuses`` names sends, by their number, that are refused as stale whatever they say.
    """

    def __init__(self, step: float = 0.0, refuses: Sequence[int] = ()) -> None:
        self._lock = threading.Lock()
        self._step = step
        self._refuses = refuses
        self._emulator = sandbox.transport(sandbox.create_app(only="lightsms", clock=lambda: NOON + self.time))
        self.time = 0.0
        self.sends = self.asks = 0
        self.late: list[float] = []

    def monotonic(self) -> float:
        """Return the time, for whoever waits on this machine."""
        return self.time

    def __call__(self, request: Request, _seconds: float) -> Response:
        with self._lock:
            if not request.billable:
                self.asks += 1
                return self._emulator(request, 1.0)
            self.sends += 1
            assert request.not_after is not None
            if self.time > request.not_after:
                self.late.append(self.time)
            answer = self._emulator(request, 1.0)
            self.time += self._step
            return Response(200, b'{"error":"24"}') if self.sends in self._refuses else answer


def clocked(journal: Desk, vendor: Clocked, jobs: int = 4) -> Crew:
    """Return workers at LightSMS."""
    return crew(journal, vendor, jobs, provider=get("lightsms"), outside={"monotonic": vendor.monotonic})


def test_workers_share_what_the_vendors_clock_said(journal: TeamJournal) -> None:
    """One question for all of them, as long as it is fresh."""
    vendor = Clocked()
    plan(journal, people(24))
    assert clocked(journal, vendor).work().outcomes == {Outcome.SENT: 24}
    assert (vendor.sends, vendor.asks) == (24, 1)


def test_no_request_is_signed_with_a_time_that_is_too_old(journal: TeamJournal) -> None:
    """It is asked again in time: each answer serves two seconds, of eight that it lives."""
    vendor = Clocked(step=0.5)
    plan(journal, people(24))
    assert clocked(journal, vendor).work().outcomes == {Outcome.SENT: 24}
    assert vendor.late == []
    assert vendor.sends == 24
    assert 3 <= vendor.asks <= 6


def test_another_try_is_confirmed_at_the_desk(journal: TeamJournal) -> None:
    """The journal is not for workers."""
    desk, vendor = Watched(journal), Clocked(refuses=[2])
    plan(journal, people(6))
    assert clocked(desk, vendor).work().outcomes == {Outcome.SENT: 6}
    assert (len(desk.confirmed), vendor.sends, vendor.asks) == (1, 7, 2)
    assert {entry.message.attempt for entry in journal.show(KEY)} == {1}


def test_another_try_that_is_not_confirmed_is_not_made(journal: TeamJournal) -> None:
    """Who cannot be sure that it is still his sends nothing more."""

    def breaks(what: str, _time: int) -> None:
        if what == "confirm":
            raise ConfigError("the journal cannot be read")

    vendor = Clocked(refuses=[2])
    plan(journal, people(6))
    tally = clocked(Watched(journal, breaks), vendor, 1).work()
    assert (tally.outcomes, vendor.sends) == ({Outcome.SENT: 5, Outcome.REFUSED: 1}, 6)
    assert states(journal)[1] == "REFUSED"
