"""``smscli send``: one text to one or many numbers, at most once each."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from smscli import providers
from smscli.cli import outcomes, prompts
from smscli.cli.options import Invocation, command, new_app, seconds
from smscli.dispatch import Caller
from smscli.errors import ConfigError, ConflictError, ExitCode, InputError
from smscli.model import Account, Balance, Message, Outcome, Profile, SenderId, SendReceipt, Submission
from smscli.providers import Provider
from smscli.render import Result, Table, Tree
from smscli.runtime import Interruption, Runtime, goes_to_sandbox
from smscli.segments import Segmentation, measure
from smscli.wire import Request

if TYPE_CHECKING:
    from smscli.journal import Job, Journal, NoJournal, Opened

CONFIRM_ABOVE = 100
"""More recipients than this want a yes: thousands have been texted by mistake."""
MAX_TEXT = 64 * 1024
"""Bytes of a text that are read; the longest concatenated message has 255 parts of 153 characters."""
MAX_YEAR = 9998
"""The last year that every zone can say; a test holds it."""

app = new_app()


@dataclass(frozen=True, slots=True)
class _Draft:
    """A send that is complete and has been checked, and has not begun."""

    profile: Profile
    account: Account
    provider: Provider
    message: Message
    size: Segmentation
    batch_size: int
    notes: tuple[str, ...]

    def batches(self) -> Iterator[Message]:
        for start in range(0, len(self.message.to), self.batch_size):
            yield self.message._replace(to=self.message.to[start : start + self.batch_size])


@command(
    app,
    sections={
        "Message": ("to", "sender", "text_file", "at", "test"),
        "Safety": ("key", "once", "no_journal", "dry_run", "max_parts", "batch_size", "yes"),
    },
    examples=(
        'smscli send --sandbox --to +37061234567 "Hello"',
        'echo "backup done" | smscli send --sandbox --to +37061234567,+37061234568 --key backup-1',
    ),
)
def send(
    call: Invocation,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="The text; - or nothing reads it from a pipe.")
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", "-t", metavar="NUMBER", help="Recipient; repeat it, or separate by commas."),
    ] = None,
    sender: Annotated[str | None, typer.Option("--sender", "-s", metavar="NAME", help="Sender ID.")] = None,
    text_file: Annotated[
        str | None, typer.Option("--text-file", metavar="FILE", help="Read the text from a file (- for stdin).")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Deliver then: RFC 3339, or YYYY-MM-DD HH:MM local time.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="Submit at most once per key and recipient, also when run again."),
    ] = None,
    once: Annotated[
        str | None,
        typer.Option("--once", metavar="TIME", help="Not again within this time (1h): same recipients, same text."),
    ] = None,
    no_journal: Annotated[bool, typer.Option("--no-journal", help="Keep no record (for read-only places).")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the signed request, send nothing.")] = False,
    max_parts: Annotated[
        int | None, typer.Option("--max-parts", metavar="N", min=1, help="Refuse a text of more parts.")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", metavar="N", min=1, help="Recipients in one request (the vendor's limit)."),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="The vendor's own test mode: accepted, not delivered, not charged.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help=f"Do not ask before sending to more than {CONFIRM_ABOVE}.")
    ] = False,
) -> Result:
    """Send a text to one or many numbers."""
    profile = call.runtime.profile(call.wanted)
    words = _read_text(call.runtime, text, text_file)
    draft = _compose(call, profile, words, to or profile.to, sender, at, test=test, batch_size=batch_size)
    if max_parts is not None and draft.size.parts > max_parts:
        hint = f"{draft.size.alphabet}, {draft.size.units} units: shorten it, or allow more with --max-parts"
        raise ConflictError(f"the text has {draft.size.parts} parts, more than {max_parts}", hint=hint)
    if dry_run:
        return _preview(draft, call.runtime)
    if len(draft.message.to) > CONFIRM_ABOVE and not yes:
        _confirm(call.runtime, draft)
    within = None if once is None else seconds("--once", once)
    return _deliver(call, draft, key, within, no_journal=no_journal)


# --- from argv to a complete message ----------------------------------------------------------------------------------


def compose(
    call: Invocation, profile: Profile, text: str, to: Sequence[str], sender: str | None, at: str | None, *, test: bool
) -> _Draft:
    """Complete and check a send without beginning it: ``sign --operation send`` signs the very same request."""
    return _compose(call, profile, _clean(text), to or profile.to, sender, at, test=test, batch_size=None)


def _compose(
    call: Invocation, profile: Profile, words: tuple[str, tuple[str, ...]], to: Sequence[str], sender: str | None,
    at: str | None, *, test: bool, batch_size: int | None,
) -> _Draft:  # fmt: skip
    from smscli import numbering

    text, notes = words
    provider = providers.get(profile.provider)
    typed = [number.strip() for entry in to for number in entry.split(",") if number.strip()]
    if not typed:
        raise InputError("nobody to send to", hint="give --to NUMBER, or set to = [...] in the profile")
    numbers = [numbering.parse(number, profile.region) for number in typed]
    recipients = tuple(dict.fromkeys(number.msisdn for number in numbers))
    send_at, told = (None, None) if at is None else _moment(at, profile, provider, call.runtime)
    name = sender or profile.sender
    message = Message(recipients, text, SenderId(name) if name else None, send_at, test)
    limit = min(batch_size or profile.batch_size or provider.batch_limit, provider.batch_limit)
    warnings = tuple(number.warning for number in numbers if number.warning)
    repeated = (f"{len(typed) - len(recipients)} repeated number(s) left out",) if len(typed) > len(recipients) else ()
    draft = _Draft(
        profile, call.runtime.account(profile), provider, message, measure(text), limit,
        (*notes, *warnings, *repeated, *([told] if told else [])),
    )  # fmt: skip
    # What this vendor cannot take is refused here, before anything is recorded.
    provider.send.build(message._replace(to=recipients[:limit]), draft.account, "0")
    return draft


def _read_text(runtime: Runtime, text: str | None, text_file: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the text and notes about it. stdin is read for ``-``, or without a text when it is a pipe or a file."""
    if text is not None and text_file is not None and text != "-":
        raise InputError("both TEXT and --text-file were given", hint="give one of them")
    if text is not None and text != "-":
        return _clean(text)
    if text_file is not None and text_file != "-":
        return _clean(_decode(_read_file(Path(text_file)), text_file))
    asked = "-" in (text, text_file)
    if runtime.stdin is None or not (asked or _is_piped(runtime)):
        raise InputError("no text", hint="give TEXT, --text-file FILE, or a pipe")
    return _clean(_decode(_read_limited(runtime.stdin.buffer), "stdin"))


def _is_piped(runtime: Runtime) -> bool:
    """Return whether stdin is a pipe or a file: a terminal, /dev/null or a socket would hang or say nothing."""
    if runtime.stdin is None or runtime.is_terminal(runtime.stdin):
        return False
    try:
        mode = os.fstat(runtime.stdin.fileno()).st_mode
    except OSError:  # no descriptor behind it (a test, an embedding program): then it is read
        return True
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return _read_limited(file)
    except OSError as error:
        raise InputError(f"cannot read --text-file {str(path)!r}: {error.strerror}") from error


def _read_limited(stream: BinaryIO) -> bytes:
    data = stream.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        raise InputError(f"the text is longer than {MAX_TEXT} bytes", hint="no vendor takes a text of that length")
    return data


def _decode(data: bytes, source: str) -> str:
    try:
        # `echo` and editors end a text with one line break that nobody means to pay for.
        return data.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise InputError(f"{source} is not UTF-8 (byte {error.start})", hint="convert it: iconv -t UTF-8") from error


def _clean(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text as it will be signed and sent, with a note when it is not as it came."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError("the text is not UTF-8", hint="convert it: iconv -t UTF-8")
    if "\0" in text:
        raise InputError("the text holds a NUL character")
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    if not unified.strip():
        raise InputError("the text is empty")
    return unified, ("CR LF became LF",) if unified != text else ()


def _moment(at: str, profile: Profile, provider: Provider, runtime: Runtime) -> tuple[datetime, str]:
    """Return the moment in the vendor's wall-clock zone, and a note that says it."""
    try:
        moment = datetime.fromisoformat(at).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        hint = "write RFC 3339 (2031-10-03T17:00:00+03:00) or 'YYYY-MM-DD HH:MM'"
        raise InputError(f"--at {at!r} is not a time", hint=hint) from error
    if moment.year > MAX_YEAR:
        # The last days of the calendar cannot be said in every zone, and no vendor keeps a text for so long.
        raise InputError(f"--at {at!r} is too far away", hint=f"give a time before the year {MAX_YEAR + 1}")
    if moment.timestamp() <= runtime.now():
        raise InputError(f"--at {moment.isoformat(timespec='minutes')} is in the past")
    zone = profile.time_zone or provider.time_zone
    if zone is None:
        return moment, f"deliver at {moment.isoformat(timespec='minutes')}"
    try:
        there = moment.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"there is no time zone {zone!r} on this machine", hint="set time_zone in the profile"
        ) from error
    assumed = "" if profile.time_zone else "; the vendor's page names no zone: set time_zone if that is wrong"
    return there, f"deliver at {there.isoformat(timespec='minutes')} ({zone}{assumed})"


def _confirm(runtime: Runtime, draft: _Draft) -> None:
    count, parts = len(draft.message.to), draft.size.parts
    if not runtime.is_terminal(runtime.stdin):
        raise ConflictError(f"{count} recipients are more than {CONFIRM_ABOVE}", hint="add --yes if that is meant")
    if not prompts.confirm(runtime, f"Send {parts} part(s) to each of {count} recipients?"):
        raise ConflictError("not confirmed; nothing was sent")


# --- dry run ----------------------------------------------------------------------------------------------------------


def _preview(draft: _Draft, runtime: Runtime) -> Result:
    """Show every signed request of the send, secret masked. A clock stamp is the local time: nothing is asked."""
    from smscli.providers import Stamp
    from smscli.runtime import fresh_nonce

    stamps = {Stamp.NONE: lambda: "", Stamp.CLOCK: lambda: str(int(runtime.now())), Stamp.NONCE: fresh_nonce}
    requests = [
        draft.provider.send.build(batch, draft.account, stamps[draft.provider.stamp]()) for batch in draft.batches()
    ]
    shown = [_show_request(draft, request) for request in requests]
    rows = tuple(row for request in shown for row in _preview_rows(request))
    notes = ["dry run: nothing was sent"]
    if draft.provider.stamp is Stamp.CLOCK:
        notes.append("signed with the local clock; a real send asks the vendor's")
    return Result(
        data=_facts(draft) | {"requests": shown},
        lines=rows,
        table=Table(("what", "name", "value"), rows, prose=("value",), facts=True),
        notes=(*draft.notes, *notes),
    )


def _show_request(draft: _Draft, request: Request) -> dict[str, Tree]:
    mask = draft.account.secret.mask
    trace = draft.provider.sign((*request.query, *request.form), draft.account.secret)
    by_key = any(value == draft.account.secret.reveal() for _, value in request.form)
    return {
        "method": request.method,
        "url": mask(request.url),
        "query": [{"name": name, "value": mask(value)} for name, value in request.query],
        "form": [{"name": name, "value": mask(value)} for name, value in request.form],
        "stages": [] if by_key else [{"label": step.label, "value": step.shown} for step in trace.steps],
    }


def _preview_rows(request: dict[str, Tree]) -> Iterator[tuple[str, ...]]:
    yield ("request", str(request["method"]), str(request["url"]))
    for part, first, second in (("query", "name", "value"), ("form", "name", "value"), ("stages", "label", "value")):
        entries = request[part]
        assert isinstance(entries, list)  # noqa: S101  (built just above)
        for entry in entries:
            yield (part.removesuffix("s"), entry[first], entry[second])


# --- the send itself --------------------------------------------------------------------------------------------------


def _deliver(call: Invocation, draft: _Draft, key: str | None, once: float | None, *, no_journal: bool) -> Result:
    from contextlib import closing

    if no_journal and (key is not None or once is not None):
        raise InputError("--key and --once need the journal", hint="leave out --no-journal")
    sandbox = goes_to_sandbox(call.wanted, draft.profile)
    interruption = Interruption()
    with closing(_journal(call.runtime, sandbox=sandbox, no_journal=no_journal)) as journal:
        opened = journal.begin(_job(draft, key), once=once)
        for warning in _warnings(call.runtime, opened, sandbox=sandbox):
            call.tell(warning)
        receipt = SendReceipt(opened.submissions)
        if opened.pending:
            with call.caller(draft.profile, draft.account, interruption) as (_, caller):
                receipt = _submit(caller, draft, opened, journal)
    kept = "none" if no_journal else "sandbox" if sandbox else "vendor"
    begun = journal.is_new and str(call.runtime.journal_path(sandbox=sandbox))
    return _report(draft, opened, receipt, interruption, kept, begun or None)


def _journal(runtime: Runtime, *, sandbox: bool, no_journal: bool) -> Journal | NoJournal:
    if no_journal:
        from smscli.journal import NoJournal

        return NoJournal()
    return runtime.journal(sandbox=sandbox)


def _job(draft: _Draft, key: str | None) -> Job:
    from smscli.journal import Job, fingerprint

    message = draft.message
    sender = message.sender.value if message.sender else ""
    account = [draft.account.fields[f.name] for f in draft.provider.fields if f.required and not f.secret]
    return Job(
        key=secrets.token_hex(8) if key is None else key,
        provider=draft.provider.name,
        profile=draft.profile.name or "",
        sender=sender,
        recipients=message.to,
        text=message.text,
        fingerprint=fingerprint(
            provider=draft.provider.name, base_url=draft.account.base_url, account_id=" ".join(account), sender=sender,
            text=message.text, recipients=message.to, send_at=message.send_at, test=message.test,
        ),
        store_text=draft.profile.store_text,
    )  # fmt: skip


def _submit(caller: Caller, draft: _Draft, opened: Opened, journal: Journal | NoJournal) -> SendReceipt:
    return caller.submit(
        draft.message, opened.submissions, pending=opened.pending, journal=journal, key=opened.key,
        batch_size=draft.batch_size,
    )  # fmt: skip


def _warnings(runtime: Runtime, opened: Opened, *, sandbox: bool) -> Iterator[str]:
    """Give what has to be known before anything is sent: the same text is out already, perhaps."""
    twin = opened.twin
    if twin is None:
        return
    when = f"on {_date(twin.since)} ({_ago(runtime.now() - twin.since)}) under key {twin.key}"
    yield f"the same text went to the same recipients {when}"
    if twin.unknown:
        yield f"what became of it is UNKNOWN; it may arrive twice now. {_once_known(twin.key, sandbox=sandbox)}"


def _report(
    draft: _Draft, opened: Opened, receipt: SendReceipt, interruption: Interruption, kept: str, begun: str | None
) -> Result:
    code: int = receipt.exit_code
    # The gravest word comes first: unknown outranks the signal, the signal outranks what it left unsent.
    if interruption.signal and code not in (ExitCode.OK, ExitCode.UNKNOWN):
        code = 128 + interruption.signal
    rows = tuple(_row(submission) for submission in receipt.submissions)
    data = _facts(draft) | {
        "key": opened.key,
        "replayed": opened.replayed,
        "journal": kept,
        "recipients": [outcomes.tree(submission) for submission in receipt.submissions],
        "balance": _balance_tree(receipt.balance) if receipt.balance else None,
    }
    error = receipt.error
    if error and receipt.unrecorded:
        error.hint = "\n".join(_how_to_record(opened.key, receipt, sandbox=kept == "sandbox"))
    return Result(
        data=data,
        lines=tuple(row[:3] for row in rows),
        table=Table(
            ("number", "outcome", "message id", "parts", "cost", "reason"), rows,
            title=_verdict(receipt, draft.provider.title, kept), prose=("reason",),
        ).compact(),
        notes=(*draft.notes, *_remarks(opened, receipt, kept, begun)),
        error=error,
        exit_code=code,
        settled=True,
    )  # fmt: skip


def _verdict(receipt: SendReceipt, vendor: str, kept: str) -> str:
    """Return the outcomes in words: what is accepted is not delivered yet, and by whom it was."""
    whom = f"the emulator of {vendor}" if kept == "sandbox" else vendor
    words = {
        Outcome.SENT: f"accepted by {whom}",
        Outcome.REFUSED: f"refused by {whom}",
        Outcome.NOT_SENT: "certainly not sent",
        Outcome.UNKNOWN: "unknown (may have been sent)",
    }
    ended = [submission.outcome for submission in receipt.submissions]
    if len(ended) == 1:
        return words[ended[0]]
    return ", ".join(f"{ended.count(outcome)} {words[outcome]}" for outcome in words if outcome in ended)


def _how_to_record(key: str, receipt: SendReceipt, *, sandbox: bool) -> Iterator[str]:
    """Give a command for each outcome that the journal could not take, and so will call UNKNOWN."""
    lost = [submission for submission in receipt.submissions if submission.to in receipt.unrecorded_to]
    words = {
        Outcome.SENT: ("do not send again: it was accepted", "--sent"),
        Outcome.REFUSED: ("it was refused", "--not-sent"),
        Outcome.NOT_SENT: ("it was not sent", "--not-sent"),
    }
    if any(submission.outcome is Outcome.UNKNOWN for submission in lost):
        yield f"do not send again before you know what became of it. {_once_known(key, sandbox=sandbox)}"
    for outcome, (what, option) in words.items():
        concerned = [submission.to for submission in lost if submission.outcome is outcome]
        whom = [""] if len(concerned) == len(lost) else [f" --to {number}" for number in concerned]
        for each in whom if concerned else ():
            yield f"{what}; record that: {_resolve(key, sandbox=sandbox)} {option}{each}"


def _once_known(key: str, *, sandbox: bool) -> str:
    return f"once you know (--not-sent if it was not): {_resolve(key, sandbox=sandbox)} --sent"


def _resolve(key: str, *, sandbox: bool) -> str:
    return f"smscli journal resolve {quote(key)}{' --sandbox' if sandbox else ''}"


def _remarks(opened: Opened, receipt: SendReceipt, kept: str, begun: str | None) -> Iterator[str]:
    if begun:
        yield f"a new journal begins in {begun}: keys used before are not known to it"
    where = ", in the sandbox's journal" if kept == "sandbox" else ""
    if kept == "none":
        yield "no journal: nothing keeps this from being sent again"
    elif opened.repeated_from:
        when = f"on {_date(opened.since)} under key {opened.key}{where}"
        yield f"the same text went to the same recipients {when}; it was not sent again"
        if opened.doubted:
            yield "this machine's clock was changed: nobody can tell how long ago that was. Without --once it is sent"
    elif opened.replayed:
        yield f"key {opened.key} was used on {_date(opened.since)}{where}; this is its receipt, nothing was sent now"
    else:
        yield f"key {opened.key}{where}"
    is_unknown = any(submission.outcome is Outcome.UNKNOWN for submission in receipt.submissions)
    if is_unknown and kept != "none" and not receipt.unrecorded:
        yield _once_known(opened.key, sandbox=kept == "sandbox")


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago" if seconds >= 0 else "by a clock that was ahead"


def _facts(draft: _Draft) -> dict[str, Tree]:
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


def _row(submission: Submission) -> tuple[str, ...]:
    return (
        str(submission.to),
        submission.outcome.value,
        submission.message_id or "",
        "" if submission.parts is None else str(submission.parts),
        outcomes.price(submission.cost),
        submission.reason.text if submission.reason else "",
    )


def _balance_tree(balance: Balance) -> dict[str, Tree]:
    return {"amount": str(balance.amount), "unit": balance.unit}
