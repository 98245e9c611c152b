"""One draft on its way: recorded, sent, and its receipt; the same for every command that sends one text.

Whose account, which text and whether to send at all is decided before. Nothing is written to stdout.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from smscli.cli import text as texts
from smscli.cli.draft import Draft, account_name
from smscli.cli.invocation import Invocation
from smscli.cli.receipt import report, warnings
from smscli.errors import InputError
from smscli.interruption import Interruption
from smscli.model import MSISDN, Outcome, SendReceipt
from smscli.render import Result

if TYPE_CHECKING:
    from smscli.failover import Arrival
    from smscli.journal import Job, Journal, NoJournal, Opened, Place

Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="Submit at most once per key and recipient, also when run again."),
]
Once = Annotated[
    str | None,
    typer.Option("--once", metavar="TIME", help="Not again within this time (1h): same recipients, same text."),
]
WithoutJournal = Annotated[bool, typer.Option("--no-journal", help="Keep no record (for read-only places).")]


def deliver(
    call: Invocation, draft: Draft, key: str | None, once: float | None, *, no_journal: bool,
    others: Sequence[tuple[Draft, frozenset[MSISDN]]] = (), patience: float = 0.0, wait: float | None = None,
) -> Result:  # fmt: skip
    """Send a draft under its key, a fresh one when there is none, and return what became of it.

    ``once`` and ``patience`` are in seconds, and so is ``wait``, how long to ask whether it arrived; ``others`` are
    drafts of other accounts, each with whom its vendor would not take. Raises SmscliError for what keeps it from being
    begun.
    """
    from contextlib import closing

    from smscli.failover import Arrival

    refuse_forgetting(key, once, no_journal=no_journal)
    # As it was said: an address on this machine may as well be a tunnel to the vendor.
    sandbox = draft.profile.sandbox
    interruption = Interruption()
    place = None if no_journal else call.runtime.journal_place(sandbox=sandbox)
    with closing(_journal(call, place, sandbox=sandbox)) as journal:
        opened = journal.begin(_job(draft, key), once=once, passes_on=bool(others))
        for warning in warnings(call.runtime, opened, sandbox=sandbox):
            call.tell(warning)
        arrival = Arrival(SendReceipt(opened.submissions), opened.by)
        if opened.pending or others:
            if draft.size.parts > 1 and call.runtime.is_terminal(call.runtime.stderr):
                call.tell(texts.surprise(draft.message.text, draft.size))
            arrival = _along(call, ((draft, frozenset()), *others), opened, journal, interruption, patience)
    journal_name = "none" if no_journal else "sandbox" if sandbox else "vendor"
    new_journal = str(place) if journal.is_new else None
    drafts = (draft, *(other for other, _ in others))
    receipt = report(drafts, opened, arrival, interruption, journal_name, new_journal)
    submissions = arrival.receipt.submissions
    told = [submission for submission in submissions if submission.delivery]
    waits = wait is not None and not interruption and any(each.outcome is Outcome.SENT for each in submissions)
    if not told and not waits:
        return receipt
    from smscli.cli.register import Register, zones
    from smscli.cli.tracking import Item, follow

    register = None
    if place is not None and not arrival.receipt.unrecorded:
        of_vendors = zones(each.profile for each in drafts)
        register = Register(call, place, opened.key, of_vendors, sandbox=sandbox)
        register.load()
        places, by = register.places, arrival.by
        register.record([Item(one.delivery, by[one.to][0], place=places.get(one.to)) for one in told if one.delivery])
    if wait is None or not waits:
        return receipt
    return follow(call, receipt, drafts, arrival, None if no_journal else opened.key, wait, interruption, register)


def refuse_forgetting(key: str | None, once: object, *, no_journal: bool) -> None:
    """Raise InputError when something is to be remembered and nothing may be."""
    if no_journal and (key is not None or once is not None):
        raise InputError("--key and --once need the journal", hint="leave out --no-journal")


def _along(
    call: Invocation, drafts: Sequence[tuple[Draft, frozenset[MSISDN]]], opened: Opened, journal: Journal | NoJournal,
    interruption: Interruption, patience: float,
) -> Arrival:  # fmt: skip
    from smscli.failover import Leg, deliver

    parties = [(draft.profile, draft.account) for draft, _ in drafts]
    with call.parties(parties, interruption) as callers:
        legs = [
            Leg(
                draft.provider, account_name(draft.provider, draft.account), caller, draft.message, draft.batch_size,
                refused,
            )
            for (draft, refused), caller in zip(drafts, callers, strict=True)
        ]  # fmt: skip
        return deliver(
            legs, opened.submissions, before=opened.by, refused_by=opened.refused_by, pending=opened.pending,
            journal=journal, key=opened.key, world=callers[0].world, patience=patience, watch=call.tell,
        )  # fmt: skip


def _journal(call: Invocation, place: Place | None, *, sandbox: bool) -> Journal | NoJournal:
    if place is None:
        from smscli.journal import NoJournal

        return NoJournal()
    from smscli.cli.hints import journal_hints

    return call.runtime.journal(place, journal_hints(sandbox=sandbox), trace=call.trace)


def _job(draft: Draft, key: str | None) -> Job:
    from smscli.journal import Job, fingerprint

    message = draft.message
    sender = message.sender.value if message.sender else ""
    account = account_name(draft.provider, draft.account)
    return Job(
        key=secrets.token_hex(8) if key is None else key,
        provider=draft.provider.name,
        account=account,
        profile=draft.profile.name or "",
        sender=sender,
        messages=tuple((number, message.text) for number in message.to),
        fingerprint=fingerprint(
            provider=draft.provider.name, base_url=draft.account.base_url, account_id=account, sender=sender,
            text=message.text, recipients=message.to, send_at=message.send_at, test=message.test,
        ),
        store_text=draft.profile.store_text,
    )  # fmt: skip
