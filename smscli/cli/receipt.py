"""What a send tells: the outcome of each recipient, what to know before it begins, and what to do when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from shlex import quote
from typing import TYPE_CHECKING

from smscli import providers
from smscli.cli import outcomes
from smscli.cli.draft import Draft, account_name
from smscli.errors import ExitCode
from smscli.interruption import Interruption
from smscli.model import Outcome, SendReceipt, Submission
from smscli.render import Result, Table, Tree
from smscli.runtime import Runtime

if TYPE_CHECKING:
    from smscli.failover import Arrival
    from smscli.journal import Opened


def warnings(runtime: Runtime, opened: Opened, *, sandbox: bool) -> Iterator[str]:
    """Yield what has to be known before anything is sent: the same text is out already, perhaps."""
    twin = opened.twin
    if twin is None:
        return
    when = f"on {_date(twin.since)} ({_ago(runtime.now() - twin.since)}) under key {twin.key}"
    yield f"the same text went to the same recipients {when}"
    if twin.unknown:
        yield f"what became of it is UNKNOWN; it may arrive twice now. {_once_known(twin.key, sandbox=sandbox)}"


def report(
    drafts: Sequence[Draft],
    opened: Opened,
    arrival: Arrival,
    interruption: Interruption,
    journal_name: str,
    new_journal: str | None,
) -> Result:
    """Return the receipt as a result; ``drafts`` are of all accounts that may have sent it, the first one first.

    ``journal_name`` is vendor, sandbox or none; ``new_journal`` is the path of one that begins.
    """
    draft, receipt = drafts[0], arrival.receipt
    code: int = receipt.exit_code
    # The gravest word comes first: unknown outranks the signal, the signal outranks what it left unsent.
    if interruption.signal and code not in (ExitCode.OK, ExitCode.UNKNOWN):
        code = 128 + interruption.signal
    titles = [_title(arrival.by.get(submission.to)) for submission in receipt.submissions]
    is_passed_on = len(drafts) > 1 or set(titles) - {"", draft.provider.title}
    rows = tuple(
        _row(submission, title if is_passed_on else "")
        for submission, title in zip(receipt.submissions, titles, strict=True)
    )
    names = {(each.provider.name, account_name(each.provider, each.account)): each.profile.name for each in drafts}
    balance = receipt.balance
    data = facts(draft) | {
        "key": opened.key,
        "replayed": opened.replayed and arrival.is_replay,
        "journal": journal_name,
        "recipients": [outcomes.tree(s) | _whose(arrival.by.get(s.to), names) for s in receipt.submissions],
        "balance": {"amount": str(balance.amount), "unit": balance.unit} if balance else None,
    }
    error = receipt.error
    if error and receipt.unrecorded:
        error.hint = "\n".join(_how_to_record(opened.key, receipt, sandbox=journal_name == "sandbox"))
    return Result(
        data=data,
        lines=tuple(row[:3] for row in rows),
        table=Table(
            ("number", "outcome", "message id", "parts", "cost", "reason", "vendor"), rows,
            title=_verdict(receipt, titles, draft.provider.title, journal_name), prose=("reason",),
        ).compact(),
        notes=(*draft.notes, *_remarks(opened, arrival, journal_name, new_journal)),
        error=error,
        exit_code=code,
        settled=True,
    )  # fmt: skip


def _verdict(receipt: SendReceipt, titles: Sequence[str], usual: str, journal_name: str) -> str:
    """Return the outcomes in words: what is accepted is not delivered yet, and by whom it was.

    ``titles`` are of the vendors that the recipients were tried with, ``usual`` where there is none.
    """
    ended = [submission.outcome for submission in receipt.submissions]

    def whom(outcome: Outcome) -> str:
        who = (title or usual for title, each in zip(titles, ended, strict=True) if each is outcome)
        names = " and ".join(dict.fromkeys(who))
        return f"the emulator of {names}" if journal_name == "sandbox" else names

    verdicts = {
        Outcome.SENT: f"accepted by {whom(Outcome.SENT)}",
        Outcome.REFUSED: f"refused by {whom(Outcome.REFUSED)}",
        Outcome.NOT_SENT: "certainly not sent",
        Outcome.UNKNOWN: "unknown (may have been sent)",
    }
    if len(ended) == 1:
        return verdicts[ended[0]]
    return ", ".join(f"{ended.count(outcome)} {verdicts[outcome]}" for outcome in verdicts if outcome in ended)


def _how_to_record(key: str, receipt: SendReceipt, *, sandbox: bool) -> Iterator[str]:
    """Give a command for each outcome that the journal could not take, and so will call UNKNOWN."""
    lost = [submission for submission in receipt.submissions if submission.to in receipt.unrecorded_to]
    decisions = {
        Outcome.SENT: ("do not send again: it was accepted", "--sent"),
        Outcome.REFUSED: ("it was refused", "--not-sent"),
        Outcome.NOT_SENT: ("it was not sent", "--not-sent"),
    }
    if any(submission.outcome is Outcome.UNKNOWN for submission in lost):
        yield f"do not send again before you know what became of it. {_once_known(key, sandbox=sandbox)}"
    for outcome, (what, option) in decisions.items():
        concerned = [submission.to for submission in lost if submission.outcome is outcome]
        whom = [""] if len(concerned) == len(lost) else [f" --to {number}" for number in concerned]
        for each in whom if concerned else ():
            yield f"{what}; record that: {_resolve(key, sandbox=sandbox)} {option}{each}"


def _once_known(key: str, *, sandbox: bool) -> str:
    return f"once you know (--not-sent if it was not): {_resolve(key, sandbox=sandbox)} --sent"


def _resolve(key: str, *, sandbox: bool) -> str:
    return f"smscli journal resolve {quote(key)}{' --sandbox' if sandbox else ''}"


def _remarks(opened: Opened, arrival: Arrival, journal_name: str, new_journal: str | None) -> Iterator[str]:
    receipt = arrival.receipt
    if new_journal:
        yield f"a new journal begins in {new_journal}: keys used before are not known to it"
    where = ", in the sandbox's journal" if journal_name == "sandbox" else ""
    if journal_name == "none":
        yield "no journal: nothing keeps this from being sent again"
    elif opened.repeated_from:
        when = f"on {_date(opened.since)} under key {opened.key}{where}"
        if arrival.is_replay:
            yield f"the same text went to the same recipients {when}; it was not sent again"
        else:
            yield f"the same text was begun {when}; now it went to those alone that had not got it"
        if opened.doubted:
            yield "this machine's clock was changed: nobody can tell how long ago that was. Without --once it is sent"
    elif opened.replayed and arrival.is_replay:
        yield f"key {opened.key} was used on {_date(opened.since)}{where}; this is its receipt, nothing was sent now"
        if any(submission.outcome is Outcome.REFUSED for submission in receipt.submissions):
            yield "whoever was refused is sent to again, once the cause is mended, under another --key"
    else:
        yield f"key {opened.key}{where}"
    is_unknown = any(submission.outcome is Outcome.UNKNOWN for submission in receipt.submissions)
    if is_unknown and journal_name != "none" and not receipt.unrecorded:
        yield _once_known(opened.key, sandbox=journal_name == "sandbox")


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago" if seconds >= 0 else "by a clock that was ahead"


def facts(draft: Draft) -> dict[str, Tree]:
    """Return what is known of a send before it begins."""
    message = draft.message
    return {
        "provider": draft.provider.name,
        "profile": draft.profile.name,
        "sender": message.sender.value if message.sender else None,
        "text": message.text,
        "alphabet": draft.size.alphabet.value,
        "units": draft.size.units,
        "parts": draft.size.parts,
        "send_at": message.send_at.isoformat() if message.send_at else None,
    }


def _whose(whose: tuple[str, str] | None, names: Mapping[tuple[str, str], str | None]) -> dict[str, Tree]:
    """Return the vendor, and the profile if it is one of this send's; a login is nobody's business."""
    return {"provider": whose[0], "profile": names.get(whose)} if whose else {"provider": None, "profile": None}


def _title(whose: tuple[str, str] | None) -> str:
    vendor = providers.find(whose[0]) if whose else None
    return vendor.title if vendor else ""


def _row(submission: Submission, vendor: str) -> tuple[str, ...]:
    return (
        str(submission.to),
        submission.outcome.value,
        submission.message_id or "",
        "" if submission.parts is None else str(submission.parts),
        outcomes.price(submission.cost),
        submission.reason.text if submission.reason else "",
        vendor,
    )
