"""Where messages stand: the vendors are asked until all has ended or the time is over, and what they said is told.

Nothing is sent by asking; what is learnt is kept by the caller's register. What the vendor does not know, or calls by a
word that none of its pages has, has not ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from math import inf
from shlex import quote
from typing import TYPE_CHECKING

from smscli import providers
from smscli.cli.draft import account_name
from smscli.cli.invocation import Invocation
from smscli.errors import ExitCode, InputError, OutcomeUnknownError, RejectedError, SmscliError, UnreachableError
from smscli.interruption import Interruption
from smscli.model import MASK, MSISDN, Account, DeliveryReport, DeliveryState, Outcome, Profile, Submission
from smscli.record import Record
from smscli.render import Result, Table, Tree

if TYPE_CHECKING:
    from smscli.cli.draft import Draft
    from smscli.cli.register import Register
    from smscli.dispatch import Caller
    from smscli.failover import Arrival

PATIENCE = 300.0
"""Seconds that a wait takes at most, where nobody says how long."""

# Seconds before the second question, what each pause is longer than the one before, and the longest.
_FIRST_PAUSE, _GROWTH, _LONGEST_PAUSE = 5.0, 1.5, 60.0
# Seconds before the end at which the last question is asked, or half of a wait that is shorter than two of them: none
# goes on behind the end.
_LAST_QUESTION = 2.0


class Item(Record):
    """One message that is asked about; ``report`` has no id where the vendor gave none, and ``outcome`` says why.

    ``provider`` is the vendor that has it, ``is_answered`` says whether it has answered a question about it. ``to``,
    ``outcome`` and ``place``, where in its send it stands, are known of messages in the journal alone.
    """

    report: DeliveryReport
    provider: str
    to: MSISDN | None = None
    outcome: Outcome | None = None
    place: int | None = None
    is_answered: bool = False


class Party(Record):
    """An account, and the ids of the messages it knows."""

    profile: Profile
    account: Account
    ids: tuple[str, ...]


def items_of(submission: Submission, provider: str, place: int | None = None) -> list[Item]:
    """Return what is to be asked about one recipient: an item for each id, as parts of one text have one each.

    Without an id there is one that nobody can be asked about: what was refused has ended.
    """
    ids = [one for one in (submission.message_id or "").split(",") if one]
    state = DeliveryState.REJECTED if submission.outcome is Outcome.REFUSED else DeliveryState.UNKNOWN
    reports = [DeliveryReport(one) for one in ids] or [DeliveryReport("", state)]
    return [Item(report, provider, submission.to, submission.outcome, place) for report in reports]


def track(
    call: Invocation, parties: Sequence[Party], items: Sequence[Item], patience: float, interruption: Interruption, *,
    asks_at_once: bool = True, learn: Callable[[Sequence[Item]], object] = lambda _items: None,
) -> tuple[list[Item], SmscliError | None]:  # fmt: skip
    """Ask each account about its messages until all have ended, or ``patience`` seconds are over; 0: ask once.

    ``learn`` gets the items after each question. Returns them as they stand then, and why some of them are not known:
    the last question that failed. Raises AuthenticationError, InputError and ConfigError, which waiting does not cure.
    """
    from smscli.dispatch import wait_for

    asked = {(one.profile.provider, message_id) for one in parties for message_id in one.ids}
    with ExitStack() as stack:
        callers = stack.enter_context(
            call.parties([(one.profile, one.account) for one in parties], interruption, lambda: _NOTICE)
        )
        world = callers[0].world
        deadline = world.monotonic() + patience if patience else inf
        last = min(_LAST_QUESTION, patience / 2)
        pause, is_asked, is_first = _FIRST_PAUSE, asks_at_once, True
        failure: SmscliError | None = None
        while True:
            if is_asked:
                items, trouble = _ask(callers, parties, items, deadline)
                # What the end of the time cuts short is no word against the answers before it.
                failure = failure if trouble and not is_first and world.monotonic() >= deadline else trouble
                is_first = False
                learn(items)
            is_asked = True
            open_count = sum((item.provider, item.report.id) in asked and not item.report.is_final for item in items)
            rest = min(pause, deadline - world.monotonic() - last)
            if not open_count or not patience or rest < last / 4 or interruption:
                return list(items), failure
            if call.runtime.is_terminal(call.runtime.stderr):
                call.tell(f"{open_count} of {len(items)} not final yet; asking again in {rest:.0f} s")
            wait_for(rest, world)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)
            if interruption:
                return list(items), failure


def _ask(
    callers: Sequence[Caller], parties: Sequence[Party], items: Sequence[Item], until: float
) -> tuple[list[Item], SmscliError | None]:  # fmt: skip
    """Ask once about all that has not ended, until that monotonic second; what cannot be asked now stays as it is."""
    final = {(item.provider, item.report.id) for item in items if item.report.is_final}
    news: dict[tuple[str, str], DeliveryReport] = {}
    failure: SmscliError | None = None
    for caller, party in zip(callers, parties, strict=True):
        provider = providers.get(party.profile.provider)
        ids = [one for one in party.ids if (provider.name, one) not in final]
        for start in range(0, len(ids), provider.status_limit):
            assert provider.status  # noqa: S101  (no party without it)
            if caller.world.stopped():
                break
            batch = tuple(ids[start : start + provider.status_limit])
            try:
                reports = caller.call(provider.status, batch, until=until)
            except (RejectedError, UnreachableError) as error:
                # The vendor's no to a question is no word about the message: 5 would say that it never arrives.
                failure = UnreachableError(
                    f"{provider.title} does not tell where the messages stand: {error.message}",
                    hint=error.hint, code=error.code,
                )  # fmt: skip
                break
            news |= {(provider.name, one.id): _harmless(one, party.account) for one in reports}
    answers = (news.get((item.provider, item.report.id)) for item in items)
    return [
        item._replace(report=answer, is_answered=True) if answer else item
        for item, answer in zip(items, answers, strict=True)
    ], failure


def _harmless(report: DeliveryReport, account: Account) -> DeliveryReport:
    """Return the report without a word that repeats a secret: a key of letters looks like one."""
    word = (report.word or "").casefold()
    keys = [secret.reveal().casefold() for secret in account.secrets]
    is_echo = any(key and (key in word or key[::-1] in word) for key in keys)
    return report._replace(word=MASK) if is_echo else report


_NOTICE = "smscli: ending after the running question\n"


# --- what is told -----------------------------------------------------------------------------------------------------


def tell(
    items: Sequence[Item], failure: SmscliError | None, interruption: Interruption, extra: Mapping[str, Tree]
) -> Result:  # fmt: skip
    """Return where messages stand as a result: 0 all delivered, 5 one never will be, 6 not final yet."""
    error = verdict(items, failure)
    if error and error.hint is None and isinstance(error, UnreachableError):
        key = extra.get("key")
        error.hint = f"ask again later: smscli status --key {quote(key)}" if isinstance(key, str) else "ask again later"
    code: int = error.exit_code if error else ExitCode.OK
    if interruption.signal and code == ExitCode.UNREACHABLE:
        code = 128 + interruption.signal
    rows = tuple(_row(item) for item in items)
    return Result(
        data={**extra, "messages": [tree(item) for item in items]},
        lines=tuple(map(_line, items)),
        table=Table(
            ("number", "message id", "state", "vendor's word", "vendor's time", "outcome"), rows, title=_counts(items)
        ).compact(),
        error=error,
        exit_code=code,
    )  # fmt: skip


def verdict(items: Sequence[Item], failure: SmscliError | None) -> SmscliError | None:
    """Return why not all messages were delivered, None when they were; a final end outranks one that may change."""
    total = len(items)
    lost = [item for item in items if item.report.is_final and item.report.state is not DeliveryState.DELIVERED]
    if lost:
        whom = "the message was finally" if total == 1 else f"of {total} messages {len(lost)} finally"
        return RejectedError(f"{whom} not delivered: {', '.join(dict.fromkeys(map(_words, lost)))}")
    late = [item for item in items if not item.report.is_final]
    if failure or not late:
        return failure
    if all(item.outcome is Outcome.NOT_SENT for item in late):
        return UnreachableError(
            "the message was not sent" if total == 1 else f"of {total} messages {len(late)} were not sent",
            hint="run the same send again, with its --key: nobody gets it twice",
        )
    whom = "the message is" if total == 1 else f"of {total} messages {len(late)}"
    known = ", ".join(dict.fromkeys(map(_words, late)))
    nobody_knows = all(item.outcome is Outcome.UNKNOWN and not item.report.id for item in late)
    hint = "find out at the vendor, then: smscli journal resolve KEY" if nobody_knows else None
    return UnreachableError(f"{whom} not delivered yet: {known}", hint=hint)


def tree(item: Item) -> dict[str, Tree]:
    """Return what JSON and XML say of a message."""
    report = item.report
    return {
        "to": str(item.to) if item.to else None,
        "message_id": report.id or None,
        "provider": item.provider,
        "state": report.state.value,
        "final": report.is_final,
        "word": report.word,
        "at": report.at,
        "outcome": item.outcome.value if item.outcome else None,
    }


def _words(item: Item) -> str:
    report = item.report
    if not report.id:
        return f"its send ended {item.outcome.value}" if item.outcome else "it has no id"
    return report.state.value if report.word is None else f"{report.state.value} ({report.word})"


def _counts(items: Sequence[Item]) -> str:
    states = [item.report.state.value for item in items]
    if len(states) == 1:
        return states[0].lower()
    return ", ".join(f"{states.count(state)} {state.lower()}" for state in dict.fromkeys(states))


def _line(item: Item) -> tuple[str, ...]:
    """Return the plain line; where there is no id, the number tells one message from the other."""
    line = (item.report.id, item.report.state.value)
    return line if item.report.id or item.to is None else (*line, str(item.to))


def _row(item: Item) -> tuple[str, ...]:
    report = item.report
    word = report.word or ""
    if report.id and report.word is None and providers.get(item.provider).status is not None:
        word = "not known to the vendor" if item.is_answered else "no answer was read"
    outcome = item.outcome.value if item.outcome and not report.id else ""
    return (str(item.to or ""), report.id, report.state.value, word, report.at or "", outcome)


# --- behind a send ----------------------------------------------------------------------------------------------------


def refuse_untold(drafts: Sequence[Draft]) -> None:
    """Raise UnsupportedError when a vendor that may send it never tells whether it arrived, InputError for a test."""
    for draft in drafts:
        if draft.message.test:
            raise InputError("a test is never delivered", hint="leave out --wait-delivered, or --test")
        if draft.provider.status is None:
            raise draft.provider.unsupported("delivery states: leave out --wait-delivered")


def _tracked(
    call: Invocation, parties: Sequence[Party], items: list[Item], patience: float, interruption: Interruption,
    register: Register | None,
) -> tuple[list[Item], SmscliError | None]:  # fmt: skip
    """Do as ``track``, and never raise: what is known stays known, should the next question fail."""

    def learn(seen: Sequence[Item]) -> None:
        nonlocal items
        items = list(seen)
        if register:
            register.record(seen)

    try:
        return track(call, parties, items, patience, interruption, asks_at_once=False, learn=learn)
    except SmscliError as refusal:
        return items, refusal


def follow(
    call: Invocation, receipt: Result, drafts: Sequence[Draft], arrival: Arrival, key: str | None, patience: float,
    interruption: Interruption, register: Register | None,
) -> Result:  # fmt: skip
    """Wait for what a send accepted, and return its receipt with where these messages stand.

    The status of a send that did not end well stays. Not delivered yet is 7, not 6: nobody may send it again for that.
    Never raises for what the vendors and the network do. ``key`` is None without a journal, ``register`` where nothing
    can be recorded.
    """
    accepted = [s for s in arrival.receipt.submissions if s.outcome is Outcome.SENT]
    whose = {s.to: arrival.by.get(s.to) or _account(drafts[0]) for s in accepted}
    places = register.places if register else {}
    items = [item for s in accepted for item in items_of(s, whose[s.to][0], places.get(s.to))]
    parties = [
        Party(draft.profile, draft.account, ids)
        for draft in drafts
        if (ids := tuple(i.report.id for i in items if i.report.id and i.to and whose[i.to] == _account(draft)))
    ]
    failure: SmscliError | None = None
    if parties:
        call.tell(f"accepted; asking for {patience:g} s at most whether it arrived")
        items, failure = _tracked(call, parties, items, patience, interruption, register)
    states: dict[MSISDN | None, DeliveryState] = {}
    for item in items:
        states[item.to] = max(states.get(item.to, item.report.state), item.report.state, key=lambda one: one.gravity)
    cells = [states[s.to].value if s.to in states else "" for s in arrival.receipt.submissions]
    lines = tuple((*line, cell) for line, cell in zip(receipt.lines, cells, strict=True))
    assert isinstance(receipt.data, dict)  # noqa: S101  (every receipt's)
    receipt = receipt._replace(data=receipt.data | {"messages": [tree(item) for item in items]}, lines=lines)
    if receipt.table:
        rows = tuple((*row, cell) for row, cell in zip(receipt.table.rows, cells, strict=True))
        title = f"{receipt.table.title}; {_counts(items)}"
        columns = (*receipt.table.columns, "state")
        receipt = receipt._replace(table=receipt.table._replace(columns=columns, rows=rows, title=title))
    error = verdict(items, failure)
    if receipt.error or error is None:
        return receipt
    if isinstance(error, RejectedError):
        return receipt._replace(error=error, exit_code=error.exit_code)
    again = f"smscli status --key {quote(key)} --wait" if key else f"smscli status --wait {items[0].report.id}"
    text = (
        error.message if failure is None else f"it was accepted, and whether it arrives is not known: {error.message}"
    )
    unknown = OutcomeUnknownError(text, hint=f"do not send it again; ask later: {again}")
    code = 128 + interruption.signal if interruption.signal else unknown.exit_code
    return receipt._replace(error=unknown, exit_code=code)


def _account(draft: Draft) -> tuple[str, str]:
    return draft.provider.name, account_name(draft.provider, draft.account)
