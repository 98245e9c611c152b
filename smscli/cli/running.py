"""``smscli run``: a command run as it is, and a text about how it ended.

The command's output and exit status are its own, whatever becomes of the text. What is wrong with this command line is
told before, and the command does not run; what is wrong with profile, journal or vendor is told, and it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smscli.cli.delivery import Key, Once, WithoutJournal, deliver, refuse_forgetting
from smscli.cli.draft import Draft, Sender, To, addressees, compose
from smscli.cli.fallback import Fallback, RetryFor, fallbacks
from smscli.cli.invocation import Invocation
from smscli.cli.options import command, new_app, seconds
from smscli.errors import ConfigError, ConflictError, ExitCode, InputError, SmscliError
from smscli.model import MSISDN, Profile

if TYPE_CHECKING:
    from smscli import child

CONFIRM_ABOVE = 100
"""More recipients than this want --yes: nobody may be there to ask."""
_TAIL = 5
_PARTS = 2

app = new_app()


@unique
class On(StrEnum):
    """When a text is wanted."""

    FAILURE = "failure"
    SUCCESS = "success"
    ALWAYS = "always"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked for: when a text is wanted, and which; whom it goes to, where that is known before."""

    on: On
    longer_than: float
    template: str | None
    tail: int
    parts: int
    sender: str | None
    key: str | None
    once: float | None
    no_journal: bool
    fallback: Sequence[str]
    patience: float
    profile: Profile | None
    recipients: tuple[MSISDN, ...]
    to: Sequence[str]


@command(
    app,
    reads_on=False,
    sections={
        "When": ("on", "longer_than"),
        "Message": ("to", "sender", "text", "tail", "max_parts"),
        "Safety": ("key", "once", "no_journal", "fallback", "retry_for", "yes"),
    },
    examples=(
        "smscli run --sandbox --to +37061234567 -- ls /",
        "smscli run --sandbox --to +37061234567 --on always --longer-than 5m -- sleep 0.1",
    ),
)
def run(
    call: Invocation,
    command_line: Annotated[
        list[str], typer.Argument(metavar="CMD [ARG]", help="The command and its arguments, best behind a --.")
    ],
    on: Annotated[
        On, typer.Option("--on", help="Text on this; change: it fails for the first time, or works again.")
    ] = On.FAILURE,
    longer_than: Annotated[
        str | None, typer.Option("--longer-than", metavar="TIME", help="Only when it took as long as this (5m).")
    ] = None,
    to: To = None,
    sender: Sender = None,
    text: Annotated[
        str | None,
        typer.Option(
            "--text",
            metavar="TEMPLATE",
            help="The text; in braces: host, command, status, signal, duration, output.",
        ),
    ] = None,
    tail: Annotated[
        int, typer.Option("--tail", metavar="N", min=0, help="Last lines of output in the text about a failure.")
    ] = _TAIL,
    max_parts: Annotated[
        int, typer.Option("--max-parts", metavar="N", min=1, help="Cut the text to N parts, its output first.")
    ] = _PARTS,
    key: Key = None,
    once: Once = None,
    no_journal: WithoutJournal = False,
    fallback: Fallback = None,
    retry_for: RetryFor = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=f"More than {CONFIRM_ABOVE} recipients are meant.")] = False,
) -> int:
    """Run a command and text how it ended."""
    from smscli import child
    from smscli.cli import alert

    refuse_forgetting(key, once, no_journal=no_journal)
    profile, recipients = _whom(call, to or ())
    if len(recipients) > ((profile and profile.confirm_above) or CONFIRM_ABOVE) and not yes:
        raise ConflictError(f"{len(recipients)} recipients are many", hint="add --yes if that is meant")
    order = _Order(
        on, 0.0 if longer_than is None else seconds("--longer-than", longer_than),
        None if text is None else alert.checked(text), tail, max_parts, sender,
        key, None if once is None else seconds("--once", once), no_journal, fallback or (),
        0.0 if retry_for is None else seconds("--retry-for", retry_for), profile, recipients, to or (),
    )  # fmt: skip
    ending = child.run(command_line, call.runtime.environ, clock=call.runtime.monotonic)
    if ending.problem is not None:
        call.complain(SmscliError(f"{command_line[0]}: {ending.problem}"))
    if ending.unwritten is not None:
        call.complain(SmscliError(f"{ending.unwritten}; the output of {command_line[0]} is not complete"))
    try:
        _tell(call, order, command_line, ending)
    except SmscliError as error:
        error.message = f"the text about it: {error.message}"
        call.complain(error)
    except Exception as error:  # noqa: BLE001  (whatever it is, the status is the command's)
        from smscli.cli import unforeseen

        call.complain(unforeseen(error))
    return ending.status


def _whom(call: Invocation, to: Sequence[str]) -> tuple[Profile | None, tuple[MSISDN, ...]]:
    """Return who is told, and by which profile; where that fails, say so: the command is to run all the same.

    Raises InputError for numbers of the command line that are none.
    """
    profile = None
    try:
        profile = call.runtime.profile(call.wanted)
        return profile, addressees(profile, to)[0]
    except SmscliError as error:
        if to and isinstance(error, InputError):
            raise
        error.message = f"warning: no text can be sent about this: {error.message}"
        call.complain(error)
    return profile, ()


def _tell(call: Invocation, order: _Order, argv: Sequence[str], ending: child.Ending) -> None:
    """Send the text that is wanted, if one is; raise SmscliError when it cannot be sent."""
    from smscli.cli import history

    success = ending.status == 0
    known, path, name = None, None, ""
    if order.on is On.CHANGE:
        path = call.runtime.state_directory() / "runs.json"
        name = history.digest(argv, order.recipients, sandbox=call.wanted.sandbox)
        known = _last_success(call, path, name)
    wanted = ending.seconds >= order.longer_than and _is_wanted(order.on, known, success=success)
    # What was not told is news still: the next run has another try.
    if (not wanted or _send(call, order, argv, ending, recovered=known is False)) and path and known is not success:
        history.record(path, name, call.runtime.now(), success=success)


def _last_success(call: Invocation, path: Path, name: str) -> bool | None:
    """Return whether the last run succeeded; a record that cannot be read is one that knows nothing."""
    from smscli.cli import history

    try:
        return history.last_success(path, name)
    except ConfigError as error:
        call.complain(error)
        return None


def _is_wanted(on: On, known: bool | None, *, success: bool) -> bool:
    if on is On.CHANGE and known is not None:
        return success is not known
    return on is On.ALWAYS or success is (on is On.SUCCESS)


def _send(call: Invocation, order: _Order, argv: Sequence[str], ending: child.Ending, *, recovered: bool) -> bool:
    """Send the text and say what went wrong; return whether somebody got it, or may have."""
    from socket import gethostname  # only who sends a text pays for it

    from smscli.cli import alert

    event = alert.Event(
        gethostname(), argv, ending.shell_status, ending.signal, ending.seconds, ending.output,
        ending.problem, recovered,
    )  # fmt: skip
    template = order.template or alert.usual_template(event, stable=order.once is not None or order.key is not None)
    text = alert.text(event, template, tail=order.tail, parts=order.parts)
    profile = order.profile or call.runtime.profile(call.wanted)
    to = [str(number) for number in order.recipients] or order.to
    # Nothing is added to the command's output where all is well.
    call.quiet = call.trace is None
    draft = compose(call.runtime, profile, text, to, order.sender, None, test=False)
    result = deliver(
        call, draft, order.key, order.once, no_journal=order.no_journal, others=_others(call, order, draft),
        patience=order.patience,
    )  # fmt: skip
    call.quiet = call.quiet and result.error is None
    for note in result.notes:
        call.tell(note)
    if result.error is not None:
        call.complain(result.error)
    return result.exit_code in (ExitCode.OK, ExitCode.UNKNOWN, ExitCode.PARTIAL)


def _others(call: Invocation, order: _Order, draft: Draft) -> tuple[tuple[Draft, frozenset[MSISDN]], ...]:
    """Return who may take over; an account that cannot must not keep the first one from sending."""
    if not (order.fallback or draft.profile.fallback):
        return ()
    try:
        return fallbacks(call, draft, order.fallback, None)
    except SmscliError as error:
        call.complain(error)
        return ()
