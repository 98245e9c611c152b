"""``smscli send``: one text to one or many numbers, at most once each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from smscli.cli import prompts
from smscli.cli import text as texts
from smscli.cli.delivery import Key, Once, WithoutJournal, deliver
from smscli.cli.draft import Draft, Sender, To, compose
from smscli.cli.fallback import Fallback, RetryFor, fallbacks
from smscli.cli.invocation import Invocation
from smscli.cli.options import command, new_app, seconds
from smscli.cli.receipt import facts
from smscli.cli.text import Fit, MaxParts, Price, Text, TextFile, Transliterate
from smscli.errors import ConflictError, InputError
from smscli.model import MSISDN
from smscli.render import Result, Table, Tree
from smscli.runtime import Runtime
from smscli.wire import Request

CONFIRM_ABOVE = 100
"""More recipients than this want a yes: thousands have been texted by mistake."""

app = new_app()


@command(
    app,
    sections={
        "Message": ("to", "sender", "text_file", "transliterate", "fit", "at", "test"),
        "Safety": (
            "key",
            "once",
            "fallback",
            "retry_for",
            "wait_delivered",
            "no_journal",
            "dry_run",
            "price",
            "max_parts",
            "batch_size",
            "yes",
        ),
    },
    examples=(
        'smscli send --sandbox --to +37061234567 "Hello"',
        'echo "backup done" | smscli send --sandbox --to +37061234567,+37061234568 --key backup-1',
    ),
)
def send(
    call: Invocation,
    text: Text = None,
    to: To = None,
    sender: Sender = None,
    text_file: TextFile = None,
    transliterate: Transliterate = False,
    fit: Fit = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Deliver then: RFC 3339, or YYYY-MM-DD HH:MM local time.")
    ] = None,
    key: Key = None,
    once: Once = None,
    no_journal: WithoutJournal = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the signed request, send nothing.")] = False,
    price: Price = False,
    max_parts: MaxParts = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", metavar="N", min=1, help="Recipients in one request (the vendor's limit)."),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="The vendor's own test mode: accepted, not delivered, not charged.")
    ] = False,
    fallback: Fallback = None,
    retry_for: RetryFor = None,
    wait_delivered: Annotated[
        str | None,
        typer.Option("--wait-delivered", metavar="TIME", help="Then ask for so long (5m) whether it arrived."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help=f"Do not ask before sending to more than {CONFIRM_ABOVE}.")
    ] = False,
) -> Result:
    """Send a text to one or many numbers."""
    if price and not dry_run:
        raise InputError("--price goes with --dry-run", hint="add --dry-run, or use: smscli count TEXT --price")
    profile = call.runtime.profile(call.wanted)
    text, notes = texts.clean(texts.read(call.runtime, text, text_file))
    for note in notes:
        call.tell(note)
    if transliterate or fit is not None:
        text = _rewrite(call, text, transliterated=transliterate, parts=fit)
    draft = compose(call.runtime, profile, text, to or (), sender, at, test=test, batch_size=batch_size)
    texts.refuse_parts(draft.size, max_parts)
    others = fallbacks(call, draft, fallback or (), at) if fallback or profile.fallback else ()
    if dry_run:
        return _preview(draft, call, others, price=price)
    most = min(each.profile.confirm_above or CONFIRM_ABOVE for each in (draft, *(other for other, _ in others)))
    if len(draft.message.to) > most and not yes:
        _confirm(call.runtime, draft, most)
    within = None if once is None else seconds("--once", once)
    patience = 0.0 if retry_for is None else seconds("--retry-for", retry_for)
    wait = None if wait_delivered is None else seconds("--wait-delivered", wait_delivered)
    if wait is not None:
        from smscli.cli.tracking import refuse_untold

        refuse_untold((draft, *(other for other, _ in others)))
    return deliver(call, draft, key, within, no_journal=no_journal, others=others, patience=patience, wait=wait)


def _rewrite(call: Invocation, original: str, *, transliterated: bool, parts: int | None) -> str:
    from smscli.cli.cost import rewrite

    text, changes = rewrite(original, transliterated=transliterated, parts=parts)
    for change in changes:
        call.tell(change)
    if text != original:
        call.tell("what is signed and recorded is the changed text")
    return text


def _confirm(runtime: Runtime, draft: Draft, most: int) -> None:
    count, parts = len(draft.message.to), draft.size.parts
    if not runtime.is_terminal(runtime.stdin):
        raise ConflictError(f"{count} recipients are more than {most}", hint="add --yes if that is meant")
    if not prompts.confirm(runtime, f"Send {parts} part(s) to each of {count} recipients?"):
        raise ConflictError("not confirmed; nothing was sent")


# --- dry run ----------------------------------------------------------------------------------------------------------


def _preview(
    draft: Draft, call: Invocation, others: Sequence[tuple[Draft, frozenset[MSISDN]]], *, price: bool
) -> Result:
    """Show every signed request of the send, secret masked, and who would take over.

    A clock stamp is the local time: nothing is asked, unless the price is wanted.
    """
    from smscli.cli.cost import cost
    from smscli.providers import Stamp

    previews = _requests(call, draft)
    rows = tuple(row for preview in previews for row in _preview_rows(preview))
    plans = [_plan(call, other, refused) for other, refused in others]
    rows += tuple(row for plan in plans for row in _plan_rows(plan))
    text = cost(draft.message.text)
    estimate = None
    if price:
        from smscli.cli.pricing import quote

        estimate = quote(call, draft)
    notes = ["dry run: nothing was sent"]
    if draft.provider.stamp is Stamp.VENDOR_CLOCK:
        notes.append("signed with the local clock; a real send asks the vendor's")
    return Result(
        data=facts(draft) | text.tree | (estimate.tree if estimate else {})
        | {"requests": previews, "fallbacks": plans},
        lines=(*rows, *text.lines, *(estimate.lines if estimate else ())),
        table=Table(
            ("what", "name", "value"), (*rows, *(estimate.rows if estimate else ()), *text.rows), text.verdict,
            prose=("value",), facts=True,
        ),
        notes=(*draft.notes, *notes, *(estimate.notes if estimate else ())),
    )  # fmt: skip


def _requests(call: Invocation, draft: Draft) -> list[dict[str, Tree]]:
    stamp = call.runtime.offline_stamp(draft.provider)
    requests = [draft.provider.send.build(batch, draft.account, stamp) for batch in draft.batches()]
    return [_show_request(draft, request) for request in requests]


def _plan(call: Invocation, draft: Draft, refused: frozenset[MSISDN]) -> dict[str, Tree]:
    """Return what a fallback would send if nobody before it could, and to whom it cannot."""
    to = tuple(number for number in draft.message.to if number not in refused)
    mine = draft._replace(message=draft.message._replace(to=to))
    return {
        "profile": draft.profile.name,
        "provider": draft.provider.name,
        "sender": draft.message.sender.value if draft.message.sender else None,
        "cannot_take": [str(number) for number in draft.message.to if number in refused],
        "requests": _requests(call, mine) if to else [],
    }


def _plan_rows(plan: dict[str, Tree]) -> Iterator[tuple[str, ...]]:
    yield ("fallback", str(plan["profile"]), str(plan["provider"]))
    requests, refused = plan["requests"], plan["cannot_take"]
    assert isinstance(requests, list)  # noqa: S101  (built just above)
    assert isinstance(refused, list)  # noqa: S101
    for number in refused:
        yield ("cannot take", str(plan["profile"]), str(number))
    for request in requests:
        yield from _preview_rows(request)


def _show_request(draft: Draft, request: Request) -> dict[str, Tree]:
    mask, account = draft.account.mask, draft.account
    pairs = (*request.query, *request.form)
    trace = draft.provider.sign(pairs, account.secret, others=account.secrets)
    by_key = any(value == account.secret.reveal() for _, value in pairs)
    return {
        "method": request.method,
        "url": mask(request.url),
        "query": [{"name": name, "value": mask(value)} for name, value in request.query],
        "form": [{"name": name, "value": mask(value)} for name, value in request.form],
        "stages": [] if by_key else [{"label": step.label, "value": step.masked} for step in trace.steps],
    }


def _preview_rows(request: dict[str, Tree]) -> Iterator[tuple[str, ...]]:
    yield ("request", str(request["method"]), str(request["url"]))
    for part, first, second in (("query", "name", "value"), ("form", "name", "value"), ("stages", "label", "value")):
        entries = request[part]
        assert isinstance(entries, list)  # noqa: S101  (built just above)
        for entry in entries:
            yield (part.removesuffix("s"), entry[first], entry[second])
