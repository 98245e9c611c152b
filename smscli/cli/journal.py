"""``smscli journal``: what was sent, refused, not sent or is unknown; offline, nothing is asked of a vendor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from smscli.cli import outcomes
from smscli.cli.options import Invocation, command, new_app, seconds
from smscli.errors import ConfigError, InputError
from smscli.journal import JournalEntry, State
from smscli.model import MSISDN
from smscli.render import Result, Table, Tree

app = new_app()

Sandbox = Annotated[bool, typer.Option("--sandbox", help="The journal of what went to an emulator.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="The key of the send, as it was given or printed.")]


@app.callback()
def journal() -> None:
    """Look at what was sent, refused, not sent or is unknown."""


@command(app, "list", vendor=False)
def list_entries(
    call: Invocation,
    state: Annotated[
        list[State] | None, typer.Option("--state", case_sensitive=False, help="Only these; may be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only what changed within this time (1h, 7d).")
    ] = None,
    sandbox: Sandbox = False,
) -> Result:
    """List one entry for each recipient, oldest send first."""
    after = None if since is None else call.runtime.now() - seconds("--since", since)
    with call.runtime.journal(sandbox=sandbox) as kept:
        entries = kept.entries(states=state or (), since=after)
    return _listing(entries)


@command(app, vendor=False)
def show(call: Invocation, key: Key, sandbox: Sandbox = False) -> Result:
    """Show all that is known of one send."""
    with call.runtime.journal(sandbox=sandbox) as kept:
        entries = kept.show(key)
    job, rows = entries[0], tuple(tuple(_details(entry).values()) for entry in entries)
    facts = tuple((name, value) for entry in entries for name, value in _details(entry).items() if value)
    title = f"key {job.key}: {job.provider}, begun {_time(job.created)}, text of {job.text_length} characters"
    return Result(
        data={**_job_tree(job), "recipients": [_recipient_tree(entry) for entry in entries]},
        lines=rows,
        table=Table(("what", "value"), facts, title=title),
    )


@command(app, vendor=False)
def resolve(
    call: Invocation,
    key: Key,
    sent: Annotated[
        bool | None, typer.Option("--sent/--not-sent", help="What you found out. Not sent may be sent again.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", "-t", metavar="NUMBER", help="Only this recipient, as +<country code>….")
    ] = None,
    sandbox: Sandbox = False,
) -> Result:
    """Close what is UNKNOWN under a key, after you asked the vendor or the recipient."""
    if sent is None:
        raise InputError("it takes a decision", hint="say --sent or --not-sent")
    number = None if to is None else _number(to)
    with call.runtime.journal(sandbox=sandbox) as kept:
        entries = kept.resolve(key, sent=sent, to=number)
    return _listing(entries)


@command(app, vendor=False)
def purge(
    call: Invocation,
    older_than: Annotated[str, typer.Option("--older-than", metavar="TIME", help="Age of what is forgotten.")] = "30d",
    sandbox: Sandbox = False,
) -> Result:
    """Forget sends that ended long ago; never one with an UNKNOWN recipient."""
    with call.runtime.journal(sandbox=sandbox) as kept:
        forgotten = kept.purge(seconds("--older-than", older_than))
    return Result(
        data={"forgotten": forgotten},
        lines=((str(forgotten),),),
        table=Table(("forgotten recipients",), ((str(forgotten),),)),
        notes=("a forgotten key is free again: the same command would send again",) if forgotten else (),
    )


@command(app, vendor=False)
def check(call: Invocation, sandbox: Sandbox = False) -> Result:
    """Read the whole journal and say whether it is sound."""
    path = str(call.runtime.journal_path(sandbox=sandbox))
    with call.runtime.journal(sandbox=sandbox) as kept:
        problems = kept.check()
        if problems:
            raise ConfigError(
                f"the journal {path} is not sound",
                problems=problems,
                hint="keep the file; look at each with journal show",
            )
        entries = kept.entries()
    counts = {state.value: sum(entry.state is state for entry in entries) for state in State}
    rows = tuple((name, str(count)) for name, count in counts.items())
    unknown = f"{counts[State.UNKNOWN]} UNKNOWN: find out what became of them, then smscli journal resolve KEY"
    return Result(
        data={"path": path, "sound": True, "recipients": counts},
        lines=rows,
        table=Table(("state", "recipients"), rows, title=f"{path} is sound"),
        notes=(unknown,) if counts[State.UNKNOWN] else (),
    )


def _number(text: str) -> MSISDN:
    from smscli import numbering

    return numbering.parse(text, None).msisdn


def _listing(entries: Sequence[JournalEntry]) -> Result:
    rows = tuple(
        (
            entry.key,
            str(entry.submission.to),
            entry.state.value,
            entry.submission.message_id or "",
            _time(entry.updated),
            entry.submission.reason.text if entry.submission.reason else "",
        )
        for entry in entries
    )
    return Result(
        data={"entries": [{**_job_tree(entry), **_recipient_tree(entry)} for entry in entries]},
        lines=rows,
        table=Table(
            ("key", "number", "state", "message id", "changed (UTC)"),
            tuple((*row[:4], row[4].removesuffix("+00:00").replace("T", " ")) for row in rows),
        ).compact(),
    )


def _details(entry: JournalEntry) -> dict[str, str]:
    submission = entry.submission
    return {
        "number": str(submission.to),
        "state": entry.state.value,
        "message id": submission.message_id or "",
        "parts": "" if submission.parts is None else str(submission.parts),
        "cost": outcomes.price(submission.cost),
        "attempts": str(entry.attempts),
        "changed": _time(entry.updated),
        "resolved": "" if entry.resolved is None else "by a person",
        "reason": submission.reason.text if submission.reason else "",
        "evidence": entry.evidence or "",
    }


def _job_tree(entry: JournalEntry) -> dict[str, Tree]:
    return {
        "key": entry.key,
        "provider": entry.provider,
        "profile": entry.profile or None,
        "sender": entry.sender or None,
        "begun": _time(entry.created),
        "text": entry.text,
        "text_length": entry.text_length,
        "text_sha256": entry.text_sha256,
    }


def _recipient_tree(entry: JournalEntry) -> dict[str, Tree]:
    return {
        **outcomes.tree(entry.submission),
        "state": entry.state.value,
        "attempts": entry.attempts,
        "claimed": None if entry.claimed is None else _time(entry.claimed),
        "changed": _time(entry.updated),
        "resolved": None if entry.resolved is None else _time(entry.resolved),
        "evidence": entry.evidence,
    }


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
