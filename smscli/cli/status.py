"""``smscli status``: where accepted messages stand, by the vendor's word, of ids or of a send in the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from smscli import providers
from smscli.cli.draft import account_name
from smscli.cli.invocation import Invocation
from smscli.cli.options import command, new_app
from smscli.cli.register import Register, zones
from smscli.cli.tracking import PATIENCE, Item, Party, items_of, tell, track
from smscli.errors import ConfigError, InputError, SmscliError
from smscli.interruption import Interruption
from smscli.model import DeliveryReport, Profile
from smscli.providers import Provider
from smscli.record import Record
from smscli.render import Result, Tree
from smscli.runtime import DEFAULT_SECONDS, Wanted

if TYPE_CHECKING:
    from smscli.cli.journals import Where
    from smscli.journal import JournalEntry, Place

app = new_app()

_LONGEST = 604_800  # seconds of a wait: a week, after which no vendor tells a state any more


@command(
    app,
    sections={"Message": ("key", "last")},
    timeout=(DEFAULT_SECONDS, "one call to the vendor, or with --wait all of it,", _LONGEST),
    examples=(
        'smscli send --sandbox --to +37061234567 "Hello" --key hello-1',
        "smscli status --sandbox --key hello-1 --wait",
    ),
)
def status(
    call: Invocation,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Message ids, as a send printed them.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="All messages of this send.")] = None,
    last: Annotated[bool, typer.Option("--last", help="All messages of the latest send in the journal.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help=f"Ask until all have ended, for {PATIENCE / 60:g} minutes or --timeout.")
    ] = False,
) -> Result:
    """Show whether messages were delivered."""
    if sum((bool(ids), key is not None, last)) != 1:
        raise InputError("it takes ids, or --key KEY, or --last", hint="give one of the three")
    patience, given = 0.0, call.wanted.seconds
    if wait:
        patience = given or PATIENCE
        # A single call has its usual time still, unless all of it is to take less.
        call.wanted = call.wanted._replace(seconds=given if given and given < DEFAULT_SECONDS else None)
    interruption = Interruption()
    about = _of_ids(call, ids) if ids else _of_send(call, key)
    items, failure = about.items, None
    if about.parties:
        items, failure = track(call, about.parties, items, patience, interruption, learn=about.learn)
    result = tell(items, failure, interruption, about.extra)
    return result._replace(error=about.error, exit_code=about.error.exit_code) if about.error else result


class _About(Record):
    """Whom to ask about which messages, and who gets to know; ``error`` where nobody can be asked."""

    parties: Sequence[Party]
    items: list[Item]
    extra: dict[str, Tree]
    learn: Callable[[Sequence[Item]], object] = lambda _items: None
    error: SmscliError | None = None


def _of_ids(call: Invocation, words: Sequence[str]) -> _About:
    ids = tuple(dict.fromkeys(one for word in words for one in map(str.strip, word.split(",")) if one))
    if not ids:
        raise InputError("there is no id among these", hint="give the ids that a send printed")
    profile = call.runtime.profile(call.wanted)
    provider = providers.get(profile.provider)
    if provider.status is None:
        raise _untold(provider, "what its answer to the send said is shown by: smscli status --key KEY")
    party = Party(profile, call.runtime.account(profile), ids)
    items = [Item(DeliveryReport(one), provider.name) for one in ids]
    return _About([party], items, {"key": None, "journal": None})


def _of_send(call: Invocation, key: str | None) -> _About:
    """Return whom to ask about the messages of a send: the accounts that sent them, whatever the default is now.

    Of a vendor that tells no states there is what its answer to the send said, as far as the journal has kept it.
    """
    key, where, place, entries = _entries(call, key)
    items: list[Item] = []
    asked: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        submission, provider = entry.submission, entry.message.provider or entry.job.provider
        messages = items_of(submission, provider, entry.message.position)
        if entry.deliveries and providers.get(provider).status is None:
            said = {row.message_id: row.report for row in entry.deliveries}
            messages = [item._replace(report=said.get(item.report.id, item.report)) for item in messages]
        items += messages
        if ids := [item.report.id for item in messages if item.report.id]:
            asked.setdefault((provider, entry.message.account or ""), []).extend(ids)
    parties: list[Party] = []
    errors: list[SmscliError] = []
    for (vendor, account), ids in asked.items():
        sender = providers.get(vendor)
        if sender.status is None:
            errors.append(_untold(sender, "what is shown was in its answer to the send"))
            continue
        profile = _owner(call, sender, account, entries[0].job.profile, where)
        parties.append(Party(profile, call.runtime.account(profile), tuple(dict.fromkeys(ids))))
    for error in errors if parties else ():
        call.tell(f"{error.message}: {error.hint}")
    of_vendors = zones(party.profile for party in parties)
    register = Register(call, place, key, of_vendors, sandbox=where.value == "sandbox")
    register.read(entries)
    extra: dict[str, Tree] = {"key": key, "journal": where.value}
    return _About(parties, items, extra, register.record, errors[0] if errors and not parties else None)


def _untold(provider: Provider, hint: str) -> SmscliError:
    error = provider.unsupported("delivery states to ask for")
    error.hint = hint
    return error


def _entries(call: Invocation, key: str | None) -> tuple[str, Where, Place, list[JournalEntry]]:
    from smscli.cli.journals import Where, journal_of, opened  # ids alone need no journal

    sandbox = call.wanted.sandbox
    if key is None:
        with suppress(ConfigError):  # a profile may be an emulator's
            sandbox = sandbox or call.runtime.profile(call.wanted).sandbox
        with opened(call.runtime, sandbox=sandbox) as journal:
            newest = next(iter(journal.stream(newest_first=True)), None) if journal else None
        if newest is None:
            raise InputError(f"nothing was sent yet, says {Where.SANDBOX if sandbox else Where.VENDOR}")
        key = newest.key
    with journal_of(call.runtime, key, sandbox=sandbox) as (journal, where):
        return key, where, journal.place, list(journal.entries(key))


def _owner(call: Invocation, provider: Provider, account: str, profile: str, where: Where) -> Profile:
    """Return the settings that reach the account that sent it: those named now, or of the send, or any that do."""
    is_sandbox = where.value == "sandbox"
    for wanted in _candidates(call, provider, profile, is_sandbox=is_sandbox):
        with suppress(ConfigError):
            settings = call.runtime.profile(wanted)
            if settings.provider == provider.name and settings.sandbox == is_sandbox:
                whose = call.runtime.account(settings, need_secret=False)
                if account_name(provider, whose) == account:
                    return settings
    raise ConfigError(
        f"no profile at hand is the account that sent it: {account} of {provider.title}",
        hint="name one that is: smscli status --profile NAME ID",
    )


def _candidates(call: Invocation, provider: Provider, profile: str, *, is_sandbox: bool) -> Iterator[Wanted]:
    from smscli import profiles

    names = [profile] if profile else []
    if call.wanted.profile:
        names = [call.wanted.profile]
    elif not call.wanted.provider:
        names += profiles.names(call.runtime.environ)
    own = [Wanted(name) for name in dict.fromkeys(names)]
    unnamed = [] if call.wanted.profile else [Wanted(provider=provider.name)]
    for wanted in (*own, *unnamed) if profile else (*unnamed, *own):
        for sandbox in (False, True) if is_sandbox else (False,):
            yield wanted._replace(sandbox=sandbox, seconds=call.wanted.seconds)
