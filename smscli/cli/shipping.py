"""A large job on its way: begun or taken up, sent by a crew, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from secrets import token_hex
from shlex import quote

from smscli.cli import outcomes
from smscli.cli.hints import journal_hints
from smscli.cli.invocation import Invocation
from smscli.cli.order import Order, resuming
from smscli.cli.results import ResultRow, Writer, from_journal, joined
from smscli.cli.roster import Roster, Verdict
from smscli.cli.text import counted
from smscli.crew import Crew
from smscli.errors import ERROR_OF, Cause, ConflictError, ExitCode, OutcomeUnknownError, PartialError, SmscliError
from smscli.interruption import Interruption, interruptible
from smscli.journal import Job, Standing, State, TeamJournal, exists
from smscli.journal._rows import MessageRow
from smscli.model import Outcome
from smscli.pacing import Tally
from smscli.progress import Bar, Lines
from smscli.render import Output, Result, Table, Tree

_SHOWN = 20
"""Recipients that were not accepted which a person is shown; the result file has all."""
_LISTED = 1000
"""The same for a program."""


def preview(order: Order, verdict: Verdict, *, dry_run: bool) -> Result:
    """Return what a list would take."""
    survey = verdict.survey
    facts = {
        "rows": survey.rows,
        "recipients": verdict.recipients,
        "duplicates": survey.repeat_count,
        "invalid": survey.bad,
        "parts": verdict.parts,
        "most_parts": verdict.most_parts,
        "ucs2": verdict.ucs2,
        "changed": verdict.changed,
    }
    lines = tuple((name, str(count)) for name, count in facts.items())
    names = {
        "most_parts": "most parts of one text", "ucs2": "texts that need UCS-2", "changed": "texts that were changed",
    }  # fmt: skip
    rows = [(names.get(name, name), "", str(count)) for name, count in facts.items() if count or name == "recipients"]
    examples: list[Tree] = []
    if dry_run:
        rows += [("text to", str(number), text) for number, text in verdict.examples]
        examples = [{"to": str(number), "text": text} for number, text in verdict.examples]
    title = f"{counted(verdict.recipients, 'recipient')}, {counted(verdict.parts, 'part')} by {order.provider.title}"
    return Result(
        data={"provider": order.provider.name, "profile": order.profile.name, "sender": order.sender or None}
        | facts | {"examples": examples},
        lines=lines,
        table=Table(("what", "to", "value"), tuple(rows), title=title, prose=("value",), facts=True),
        notes=("nothing was sent",),
    )  # fmt: skip


def ship(
    call: Invocation, order: Order, roster: Roster, verdict: Verdict, key: str | None, results: Writer | None
) -> Result:
    """Plan a job, or find it under its key, and send what of it has not been; ``results`` gets what became of it."""
    job = Job(
        key=key if key is not None else f"bulk-{datetime.fromtimestamp(call.runtime.now(), UTC):%Y%m%d}-{token_hex(4)}",
        provider=order.provider.name,
        account=order.account_name,
        profile=order.profile.name or "",
        sender=order.sender,
        messages=(),
        fingerprint=verdict.fingerprint,
        store_text=order.profile.store_text,
    )

    def admit(twin: Standing) -> None:
        """Refuse the same list with the same texts, unless another key says that it is meant."""
        if key is None:
            raise _repetition(call, order, twin)

    def begin(journal: TeamJournal) -> Standing:
        return journal.plan(
            job, roster.messages(), verdict.recipients, admit=admit, batch_size=order.batch_size
        )  # fmt: skip

    def rows(journal: TeamJournal, key: str) -> Iterator[ResultRow]:
        return joined(roster.rows(), journal.entries(key), roster.problems)

    return _work(call, order, begin, results, rows)


def refuse_repetition(call: Invocation, order: Order, verdict: Verdict) -> None:
    """Raise ConflictError when the same list with the same texts was begun before: to be asked before a person is."""
    sandbox = order.profile.sandbox
    place, hints = call.runtime.journal_place(sandbox=sandbox), journal_hints(sandbox=sandbox)
    if exists(place, hints):
        with closing(call.runtime.journal(place, hints)) as journal:
            twin = journal.latest(verdict.fingerprint)
        if twin:
            raise _repetition(call, order, twin)


def _repetition(call: Invocation, order: Order, twin: Standing) -> ConflictError:
    when = datetime.fromtimestamp(twin.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
    is_done = not twin.pending and not twin.counts.get(State.IN_FLIGHT)
    how = f"go on with it: {resuming(call, order, twin.key)}; or " if not is_done else ""
    return ConflictError(
        f"the same list with the same texts was {'sent' if is_done else 'begun'} on {when} under key {twin.key}",
        hint=f"{how}send it anew on purpose with --key NAME",
    )


def begun_with(call: Invocation, key: str, *, sandbox: bool) -> str:
    """Return the profile a job was begun with, empty when none; raise InputError when there is no such job."""
    place, hints = call.runtime.journal_place(sandbox=sandbox), journal_hints(sandbox=sandbox)
    if not exists(place, hints):
        raise ERROR_OF[Cause.INPUT](f"the journal knows no key {key!r}", hint=hints.keys)
    with closing(call.runtime.journal(place, hints)) as journal:
        return journal.standing(key).profile


def take_up(call: Invocation, order: Order, key: str, results: Writer | None, *, resend_unknown: bool) -> Result:
    """Go on with a job that is in the journal, alone or beside others."""

    def begin(journal: TeamJournal) -> Standing:
        fingerprint = order.fingerprint()
        for entry in journal.entries(key):
            fingerprint.add_digest(entry.message.position, entry.message.recipient, entry.message.text_sha256)
        before = journal.standing(key)
        if fingerprint.value != before.fingerprint:
            raise ConflictError(
                f"key {key!r} was not begun with this account, sender, base_url and test mode",
                hint="give the options or variables it was begun with; "
                f"{journal_hints(sandbox=order.profile.sandbox).key(key)}",
            )
        return journal.join(
            key, order.account_name, batch_size=order.batch_size, store_text=order.profile.store_text,
            resends_unknown=resend_unknown,
        )  # fmt: skip

    def rows(journal: TeamJournal, key: str) -> Iterator[ResultRow]:
        return from_journal(journal.entries(key))

    return _work(call, order, begin, results, rows)


def _work(
    call: Invocation, order: Order, begin: Callable[[TeamJournal], Standing], results: Writer | None,
    rows: Callable[[TeamJournal, str], Iterator[ResultRow]],
) -> Result:  # fmt: skip
    runtime, sandbox = call.runtime, order.profile.sandbox
    interruption, tally = Interruption(), Tally()
    place = runtime.journal_place(sandbox=sandbox)
    # It stays open until the result is written, which tells of every recipient.
    journal = call.resources.enter_context(
        closing(runtime.journal(place, journal_hints(sandbox=sandbox), trace=call.trace))
    )
    with ExitStack() as stack:
        with interruptible():  # takes back what was begun: a plan, a result file
            standing = begin(journal)
            if standing.pending:
                _, callers = stack.enter_context(
                    call.callers(
                        order.profile, order.account, order.pace.jobs, interruption,
                        notice=lambda: _notice(call, min(tally.in_flight, order.pace.jobs)),
                    )
                )  # fmt: skip
        call.tell(_beginning(standing))
        if standing.pending:
            watch = stack.enter_context(_watching(call, standing))
            Crew(
                callers, order.message, journal, standing.key, tally=tally, limits=order.limits,
                monotonic=runtime.monotonic, stopped=lambda: bool(interruption), watch=watch,
            ).work()  # fmt: skip
    for note in _unrecorded(order, standing.key, tally):
        call.warn(note)
    try:
        standing = journal.standing(standing.key)
        failures = _failures(journal, standing)
    except SmscliError as error:
        # What was sent is sent: no trouble of a journal makes another exit status of it.
        if not tally.done:
            raise
        call.warn(f"{error.message}; what is told here is what this run did")
        standing, failures = _reckoned(standing, tally), []
    if results:
        _write(call, results, rows(journal, standing.key), f"{quote(standing.key)}{_option(order)}")
    new_journal = f"a new journal begins in {place}: keys used before are not known to it" if journal.is_new else None
    result = _report(call, order, standing, tally, failures, interruption, new_journal)
    return result._replace(lines=_lines(journal, standing.key))


def _lines(journal: TeamJournal, key: str) -> Iterator[tuple[str, ...]]:
    """Yield what a script gets: the lines of a send, one for each recipient, in the order of the list."""
    for entry in journal.entries(key):
        message = entry.message
        yield (f"+{message.recipient}", message.state, message.message_id or "")


def _reckoned(before: Standing, tally: Tally) -> Standing:
    """Return how a job must stand after what was done, where the journal cannot be asked."""
    counts = Counter({state: before.counts.get(state, 0) for state in State})
    counts[State.NOT_SENT] -= tally.done
    counts.update({State(outcome.value): count for outcome, count in tally.outcomes.items()})
    return before._replace(counts=counts, pending=before.pending - tally.done)


def _option(order: Order) -> str:
    """Return what names the journal of a job in a command."""
    return " --sandbox" if order.profile.sandbox else ""


def _beginning(standing: Standing) -> str:
    done = standing.total - standing.pending
    text = f"key {standing.key}: {counted(standing.pending, 'recipient')} to send to"
    if not done:
        return text
    before: dict[State, int] = {state: count for state, count in standing.counts.items() if state != State.NOT_SENT}
    return f"{text}, {done} of {standing.total} done before ({_counts(before)})"


@contextmanager
def _watching(call: Invocation, standing: Standing) -> Iterator[Callable[[Tally], None]]:
    """Show how far it has come on stderr."""
    runtime, before = call.runtime, standing.total - standing.pending
    shows_bar = runtime.is_terminal(runtime.stderr) and runtime.environ.get("TERM") != "dumb" and not call.quiet
    progress: Bar | Lines
    if shows_bar and runtime.stderr is not None:
        stream = runtime.stderr
        colour = runtime.colour(stream) > 0
        progress = Bar(standing.total, before, runtime.monotonic, stream, runtime.width(stream), colour=colour)
    else:
        progress = Lines(standing.total, before, runtime.monotonic, call.tell)
    try:
        yield lambda tally: progress.show(tally.done, _counts(tally.outcomes))
    finally:
        progress.close()


def _notice(call: Invocation, in_flight: int) -> str:
    """Answer the first signal, at once."""
    begin = "\n" if call.runtime.is_terminal(call.runtime.stderr) else ""
    if not in_flight:
        return f"{begin}smscli: stopping, nothing is in flight\n"
    left = counted(in_flight, "request")
    return (
        f"{begin}smscli: finishing {left} in flight; again (Ctrl-C) to stop now, and what became of them is then "
        "unknown\n"
    )


def _counts(counts: Mapping[State, int] | Mapping[Outcome, int]) -> str:
    by_name = {state.value: count for state, count in counts.items() if count}
    return ", ".join(f"{by_name[state]} {state}" for state in State if state in by_name) or "none yet"


def _failures(journal: TeamJournal, standing: Standing) -> list[MessageRow]:
    """Return the first messages of a job that were not accepted."""
    if standing.counts.get(State.SENT, 0) == standing.total:
        return []
    messages = (entry.message for entry in journal.entries(standing.key))
    return list(islice((message for message in messages if message.state != State.SENT), _LISTED))


def _write(call: Invocation, results: Writer, rows: Iterator[ResultRow], key: str) -> None:
    """Write the result file; say so when that fails, also with -q: what was sent is sent."""
    try:
        results.write(rows)
    except SmscliError as error:
        call.warn(f"{error.message}; once that is mended: smscli journal export {key} --results FILE")


# --- what became of it ------------------------------------------------------------------------------------------------


def _report(
    call: Invocation, order: Order, standing: Standing, tally: Tally, failures: Sequence[MessageRow],
    interruption: Interruption, new_journal: str | None,
) -> Result:  # fmt: skip
    counts = {state: standing.counts.get(state, 0) for state in State}
    is_open = standing.pending > 0
    error = _error(order, counts, standing, tally)
    code: int = error.exit_code if error else ExitCode.OK
    if interruption.signal and code not in (ExitCode.OK, ExitCode.UNKNOWN):
        code = 128 + interruption.signal
    go_on = resuming(call, order, standing.key) if is_open else None
    if error and go_on:
        error.hint = "; ".join(filter(None, (error.hint, f"go on: {go_on}")))
    unrecorded = [outcomes.tree(submission) for submission in tally.unrecorded.values()]
    spent = [tally.cost[currency] for currency in sorted(tally.cost, key=lambda name: name or "")]
    whom = f"the emulator of {order.provider.title}" if order.profile.sandbox else order.provider.title
    title = ", ".join(f"{count} {_WORDS[state].format(whom)}" for state, count in counts.items() if count)
    if tally.parts:
        title += f"; now {counted(tally.parts, 'part')}"
    if spent:
        title += f" for {' and '.join(map(outcomes.price, spent))}"
    summary = [title] if call.output is Output.PLAIN else []  # which has a line for each recipient and no verdict
    return Result(
        data={
            "key": standing.key,
            "journal": "sandbox" if order.profile.sandbox else "vendor",
            "provider": order.provider.name,
            "profile": order.profile.name,
            "sender": order.sender or None,
            "recipients": {state.value: count for state, count in counts.items()},
            "pending": standing.pending,
            "this_run": {
                "recipients": {outcome.value: tally.outcomes[outcome] for outcome in Outcome},
                "parts": tally.parts,
                "cost": [outcomes.cost_tree(money) for money in spent],
                "stopped": outcomes.reason_tree(tally.stop),
                "unrecorded": unrecorded,
            },
            "failures": [
                {"row": message.position, **outcomes.tree(message.submission())} for message in failures
            ],
            "resume": go_on,
        },
        table=_table(failures, title),
        notes=(*filter(None, [new_journal]), *summary, *_remarks(order, standing, tally, failures)),
        error=error,
        exit_code=code,
        settled=True,
    )  # fmt: skip


_WORDS = {
    State.SENT: "accepted by {}",
    State.REFUSED: "refused by {}",
    State.NOT_SENT: "certainly not sent",
    State.UNKNOWN: "unknown (may have been sent)",
    State.IN_FLIGHT: "being sent by another process",
}


def _table(failures: Sequence[MessageRow], title: str) -> Table:
    shown = [message for message in failures if message.attempt or message.state != State.NOT_SENT][:_SHOWN]
    rows = tuple(
        (str(message.position), f"+{message.recipient}", message.state, message.reason or "") for message in shown
    )
    return Table(("row", "number", "outcome", "reason"), rows, title=title, prose=("reason",)).compact()


def _error(order: Order, counts: Mapping[State, int], standing: Standing, tally: Tally) -> SmscliError | None:
    total, sent = standing.total, counts[State.SENT]
    summary = _counts(standing.counts)
    why = tally.stop
    if tally.unrecorded:
        trouble = f": {tally.trouble.text}" if tally.trouble else ""
        text = f"{counted(len(tally.unrecorded), 'outcome')} could not be recorded{trouble}"
        return OutcomeUnknownError(text, hint="do not send again before you have recorded them with journal resolve")
    if counts[State.UNKNOWN]:
        hint = f"once you know: smscli journal resolve {quote(standing.key)}{_option(order)} --sent or --not-sent"
        text = why.text if why else "some may have been sent"
        return OutcomeUnknownError(f"{text} ({summary})", hint=hint)
    if sent == total:
        return None
    text = why.text if why else f"{sent} of {total} accepted"
    if sent or counts[State.IN_FLIGHT]:
        return PartialError(f"{text} ({summary})", hint=why.hint if why else None)
    cause = why.cause if why else Cause.REFUSED if counts[State.REFUSED] else Cause.UNREACHABLE
    return ERROR_OF[cause](f"{text} ({summary})", hint=why.hint if why else None)


def _remarks(order: Order, standing: Standing, tally: Tally, failures: Sequence[MessageRow]) -> Iterator[str]:
    if standing.counts.get(State.SENT) == standing.total and not tally.done:
        yield f"key {standing.key} was sent before; nothing was sent now"
    tried = sum(1 for message in failures if message.attempt or message.state != State.NOT_SENT)
    if tried > _SHOWN:
        key = f"{quote(standing.key)}{_option(order)}"
        yield f"to see all that were not accepted: smscli journal export {key} --results FILE"


def _unrecorded(order: Order, key: str, tally: Tally) -> Iterator[str]:
    """Say what the journal could not take, and how it is recorded by hand."""
    for number, submission in tally.unrecorded.items():
        decision = "--sent" if submission.outcome is Outcome.SENT else "--not-sent"
        when = "once you know (--sent or --not-sent)" if submission.outcome is Outcome.UNKNOWN else "record it"
        what = f"{number} {submission.outcome} {submission.message_id or ''}".rstrip()
        end = "" if submission.outcome is Outcome.UNKNOWN else f" {decision}"
        yield f"not recorded: {what}; {when}: smscli journal resolve {quote(key)}{_option(order)} --to {number}{end}"
