"""``smscli journal``: what was sent, refused, not sent or is unknown; offline, nothing is asked of a vendor."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Annotated

import typer

from smscli.cli import outcomes
from smscli.cli.hints import journal_hints
from smscli.cli.invocation import Invocation
from smscli.cli.journals import Key, Sandbox, Where, journal_of, nothing, opened
from smscli.cli.options import add_command, command, new_app, new_group, profile_option, seconds
from smscli.errors import ConfigError, InputError
from smscli.journal import Journal, JournalEntry, Selection, State, begin_anew
from smscli.model import MSISDN
from smscli.render import Output, Result, Table, Tree

_UNKNOWN = "smscli journal list --sandbox --state unknown"
_SEND = 'smscli send --sandbox --to +37061234567 "Hello" --key hello-1'

_LIMIT = 50
"""So many entries fit a person's eye: a table lists no more, unless it is asked to."""

app = new_group(
    "Look at what was sent, refused, not sent or is unknown.",
    examples=("smscli journal list --sandbox", "smscli help journal resolve"),
)

Recipient = Annotated[
    str | None, typer.Option("--to", "-t", metavar="NUMBER", help="Only this recipient, as +<country code>….")
]


@command(app, "list", vendor=False, examples=("smscli journal list --sandbox", f"{_UNKNOWN} --since 7d"))
def list_entries(
    call: Invocation,
    state: Annotated[
        list[State] | None,
        typer.Option("--state", metavar="STATE", case_sensitive=False, help="Only these; may be repeated."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only what changed within this time (1h, 7d).")
    ] = None,
    to: Recipient = None,
    profile: Annotated[str | None, profile_option("Only sends with this profile.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=1,
            show_default=f"{_LIMIT} in a table",
            help="Only so many recipients of the newest sends.",
        ),
    ] = None,
    sandbox: Sandbox = False,
) -> Result:
    """List one entry for each recipient: newest send first in a table, else oldest first."""
    after = None if since is None else call.runtime.now() - seconds("--since", since)
    selection = Selection(tuple(state or ()), after, _number(to), profile)
    journal = call.resources.enter_context(opened(call.runtime, sandbox=sandbox))
    in_table = call.output is Output.TABLE
    limit = limit or (_LIMIT if in_table else None)
    entries, more = _newest(journal, selection, limit) if journal and limit else ([], 0)
    if not in_table:
        entries.sort(key=lambda entry: entry.job.id)
    if journal and not limit:
        stream = journal.stream(selection)
        if call.output in (Output.JSON, Output.XML):
            # A document says at its head whether all is well.
            deque(journal.stream(selection), maxlen=0)
        first = list(islice(stream, 1))
        if first:
            return _listing(chain(first, stream), sandbox=sandbox)
    result = _listing(entries, sandbox=sandbox)
    if not entries:
        none = "nothing in the journal is of that kind"
        return result._replace(notes=nothing(call.runtime, selection, none, sandbox=sandbox))
    if not more:
        return result
    return result._replace(notes=(f"{more} more of earlier sends: see all with --limit {len(entries) + more}",))


def _newest(journal: Journal, selection: Selection, limit: int) -> tuple[list[JournalEntry], int]:
    """Return so many entries of the newest sends, and how many more there are."""
    entries = list(islice(journal.stream(selection, newest_first=True), limit))
    more = sum(journal.counts(selection).values()) - len(entries) if len(entries) == limit else 0
    return entries, max(more, 0)


@command(app, vendor=False, examples=(_SEND, "smscli journal show hello-1 --sandbox"))
def show(call: Invocation, key: Key, sandbox: Sandbox = False) -> Result:
    """Show all that is known of one send."""
    with journal_of(call.runtime, key, sandbox=sandbox) as (journal, where):
        entries = journal.show(key)
    job, rows = entries[0].job, tuple((*_details(entry).values(), _delivery(entry)) for entry in entries)
    is_one_text = len({entry.message.text_sha256 for entry in entries}) == 1
    text = f"{entries[0].message.text_length} characters" if is_one_text else "texts of their own"
    title = f"key {job.key}: {job.provider}, begun {outcomes.moment(job.created)}, {text}, in {where}"
    recipients = [
        {**({} if is_one_text else _text_tree(entry)), **_recipient_tree(entry), "history": _history(entry)}
        for entry in entries
    ]
    return Result(
        data={
            **_job_tree(entries[0]),
            **(_text_tree(entries[0]) if is_one_text else {}),
            "journal": where.value,
            "recipients": recipients,
        },
        lines=rows if any(row[-1] for row in rows) else tuple(row[:-1] for row in rows),
        table=Table((*_details(entries[0]), "delivery"), rows, title=title, prose=("reason", "evidence")).compact(),
        notes=(*where.notes(key), *_earlier(entries)),
    )


def _export() -> typer.Typer:
    from smscli.cli.export import export

    made = new_app()
    examples = _SEND, "smscli journal export hello-1 --sandbox --results results.csv"
    of_list = "list_file", "map_columns", "delimiter", "encoding", "text_file", "profile", "results_file"
    command(made, vendor=False, examples=examples, sections={"List": of_list})(export)
    return made


def _stats() -> typer.Typer:
    from smscli.cli.stats import stats

    made, examples = new_app(), ("smscli journal stats --sandbox", "smscli journal stats --sandbox --since 30d -o json")
    command(made, vendor=False, examples=examples)(stats)
    return made


# Who lists the journal does not pay for these.
add_command(app, "export", _export)
add_command(app, "stats", _stats)


@command(
    app,
    vendor=False,
    examples=(_UNKNOWN, f"{_UNKNOWN} | cut -f1 | sort -u | xargs -rn1 smscli journal resolve --sandbox --sent"),
)
def resolve(
    call: Invocation,
    key: Key,
    sent: Annotated[
        bool | None, typer.Option("--sent/--not-sent", help="What you found out. Not sent may be sent again.")
    ] = None,
    to: Recipient = None,
    sandbox: Sandbox = False,
) -> Result:
    """Close what is UNKNOWN under a key, after you asked the vendor or the recipient."""
    if sent is None:
        raise InputError("it takes a decision", hint="say --sent or --not-sent")
    number = _number(to)
    with journal_of(call.runtime, key, sandbox=sandbox) as (journal, where):
        entries = journal.resolve(key, sent=sent, to=number)
    result = _listing(entries, sandbox=where is Where.SANDBOX)
    return result._replace(notes=where.notes(key))


@command(
    app,
    vendor=False,
    examples=("smscli journal purge --sandbox --older-than 90d", "smscli journal purge --sandbox -o json"),
)
def purge(
    call: Invocation,
    older_than: Annotated[str, typer.Option("--older-than", metavar="TIME", help="Age of what is forgotten.")] = "30d",
    sandbox: Sandbox = False,
) -> Result:
    """Forget sends that ended long ago; never one with an UNKNOWN recipient."""
    age = seconds("--older-than", older_than)
    with opened(call.runtime, sandbox=sandbox) as journal:
        forgotten = journal.purge(age) if journal else 0
    return Result(
        data={"forgotten": forgotten},
        lines=((str(forgotten),),),
        table=Table(("what", "recipients"), (("forgotten", str(forgotten)),), facts=True),
        notes=("a forgotten key is free again: the same command would send again",) if forgotten else (),
    )


@command(app, vendor=False, examples=("smscli journal check --sandbox", "smscli journal check --sandbox -o json"))
def check(call: Invocation, sandbox: Sandbox = False) -> Result:
    """Read the whole journal and say whether it is sound."""
    path = str(call.runtime.journal_place(sandbox=sandbox))
    with opened(call.runtime, sandbox=sandbox) as journal:
        problems = journal.check() if journal else ()
        if problems:
            raise ConfigError(
                f"the journal {path} is not sound",
                problems=problems,
                hint="keep the file; look at each with journal show",
            )
        stored = journal.counts() if journal else {}
    counts = {state.value: stored.get(state, 0) for state in State}
    rows = tuple((name, str(count)) for name, count in counts.items())
    unknown = f"{counts[State.UNKNOWN]} UNKNOWN: find out what became of them, then smscli journal resolve KEY"
    return Result(
        data={"path": path, "sound": True, "recipients": counts},
        lines=rows,
        table=Table(("state", "recipients"), rows, title=f"{path} is sound", facts=True),
        notes=(unknown,) if counts[State.UNKNOWN] else () if journal else (_NONE_YET,),
    )


@command(app, "init", vendor=False, examples=("smscli journal init --sandbox", "smscli journal init -o json"))
def init(call: Invocation, sandbox: Sandbox = False) -> Result:
    """Begin a new, empty journal on purpose, where the earlier one is gone; its keys are forgotten."""
    path = call.runtime.journal_place(sandbox=sandbox)
    begin_anew(path, journal_hints(sandbox=sandbox))
    return Result(
        data={"path": str(path)},
        lines=((str(path),),),
        table=Table(("new journal",), ((str(path),),)),
        notes=("every key is free again: a command that was run before would send again",),
    )


_NONE_YET = "there is no journal yet: the first send begins it"


def _number(text: str | None) -> MSISDN | None:
    if text is None:
        return None
    from smscli import numbering

    return numbering.parse(text, None).msisdn


def _listing(entries: Iterable[JournalEntry], *, sandbox: bool) -> Result:
    """Return entries as a result; those that are no list are only asked for when they are written, and once."""
    data = ({**_job_tree(entry), **_text_tree(entry), **_recipient_tree(entry)} for entry in entries)
    stored = entries if isinstance(entries, Sequence) else None
    journal = (Where.SANDBOX if sandbox else Where.VENDOR).value
    result = Result(data={"journal": journal, "entries": data}, lines=map(_row, entries))
    if stored is None:
        return result
    rows = tuple(
        (*row[:4], _delivery(entry), row[4].removesuffix("+00:00").replace("T", " "))
        for entry, row in zip(stored, map(_row, stored), strict=True)
    )
    table = Table(("key", "number", "state", "message id", "delivery", "changed (UTC)"), rows).compact()
    return result._replace(table=table)


def _row(entry: JournalEntry) -> tuple[str, ...]:
    submission = entry.submission
    return (
        entry.key,
        str(submission.to),
        entry.state.value,
        submission.message_id or "",
        outcomes.moment(entry.message.updated),
        submission.reason.text if submission.reason else "",
    )


def _delivery(entry: JournalEntry) -> str:
    return entry.delivery.state if entry.delivery else ""


def _details(entry: JournalEntry) -> dict[str, str]:
    submission = entry.submission
    return {
        "number": str(submission.to),
        "state": entry.state.value,
        "message id": submission.message_id or "",
        "parts": "" if submission.parts is None else str(submission.parts),
        "cost": outcomes.price(submission.cost),
        "attempts": str(entry.message.attempt),
        "changed": outcomes.moment(entry.message.updated),
        "resolved": "" if entry.message.resolved is None else "by a person",
        "reason": submission.reason.text if submission.reason else "",
        "evidence": entry.message.evidence or "",
    }


def _job_tree(entry: JournalEntry) -> dict[str, Tree]:
    return {
        "key": entry.key,
        "provider": entry.job.provider,
        "profile": entry.job.profile or None,
        "sender": entry.job.sender or None,
        "begun": outcomes.moment(entry.job.created),
    }


def _text_tree(entry: JournalEntry) -> dict[str, Tree]:
    message = entry.message
    return {"text": message.text, "text_length": message.text_length, "text_sha256": message.text_sha256}


def _history(entry: JournalEntry) -> list[Tree]:
    """Return all attempts at a message, oldest first."""
    last = entry.message
    return [
        {
            "attempt": each.attempt,
            "provider": each.provider,
            "account": each.account or None,
            "state": each.state,
            "claimed": outcomes.moment_tree(each.claimed),
            "changed": outcomes.moment(each.updated),
            "resolved": outcomes.moment_tree(each.resolved),
            "message_id": each.message_id,
            "parts": each.parts,
            "cost": outcomes.cost_tree(each.cost),
            "reason": outcomes.reason_tree(each.why),
            "evidence": each.evidence,
        }
        for each in (*entry.earlier, *([last] if last.attempt else []))
    ]


def _earlier(entries: Sequence[JournalEntry]) -> Iterator[str]:
    """Say how each attempt ended that was not the only one, and whose it was."""
    for entry in entries:
        for attempt in (*entry.earlier, entry.message) if entry.earlier else ():
            whose = " ".join(filter(None, (attempt.provider, attempt.account)))
            where = f"attempt {attempt.attempt} through {whose} at {outcomes.moment(attempt.updated)}"
            why = f": {attempt.reason}" if attempt.reason else ""
            yield f"{entry.submission.to}, {where}: {attempt.state}{why}"


def _recipient_tree(entry: JournalEntry) -> dict[str, Tree]:
    return {
        **outcomes.tree(entry.submission),
        "state": entry.state.value,
        "attempts": entry.message.attempt,
        "claimed": outcomes.moment_tree(entry.message.claimed),
        "changed": outcomes.moment(entry.message.updated),
        "resolved": outcomes.moment_tree(entry.message.resolved),
        "evidence": entry.message.evidence,
        "delivery": outcomes.delivery_tree(entry.delivery),
    }
