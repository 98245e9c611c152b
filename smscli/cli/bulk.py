"""``smscli bulk``: a list of people, each with a text, sent once each; it can be killed and taken up at any moment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from itertools import groupby, islice
from math import inf
from operator import itemgetter
from pathlib import Path
from typing import Annotated

import typer

from smscli.cli import prompts
from smscli.cli import text as texts
from smscli.cli.draft import Sender
from smscli.cli.invocation import Invocation
from smscli.cli.listed import Delimiter, Encoding, Map, ResultFile
from smscli.cli.options import command, new_app
from smscli.cli.order import Order, Pace, compose
from smscli.cli.pricing import estimate
from smscli.cli.results import Writer
from smscli.cli.roster import Changes, Reading, Roster, Verdict, opened, readable, refusal, remarks
from smscli.cli.shipping import begun_with, preview, refuse_repetition, ship, take_up
from smscli.cli.text import Fit, MaxParts, TextFile, Transliterate, counted
from smscli.errors import ConfigError, ConflictError, InputError, SmscliError
from smscli.lists import parse_map
from smscli.model import Message, Profile
from smscli.render import Result

CONFIRM_ABOVE = 10
"""More recipients than this want a yes from the person at the terminal."""
UNASKED = 100
"""More than this, unless the profile says otherwise, want ``--yes`` where there is no person."""
_JOBS = 4
# So many problems are named; --validate-only names all.
_PROBLEMS = 20
# As many as fit into some thirty MiB.
_ALL = 100_000

app = new_app()


@command(
    app,
    sections={
        "List": (
            "columns", "delimiter", "encoding", "header", "allow_duplicates", "skip_invalid", "validate_only",
            "results",
        ),
        "Message": ("sender", "text_file", "transliterate", "fit", "test"),
        "Speed": ("jobs", "rate", "batch_size"),
        "Safety": (
            "key", "resume", "resend_unknown", "dry_run", "max_parts", "stop_after_failures", "yes",
        ),
    },
    examples=(
        "printf '%s\\n' phone,name +37061234567,Anna +37061234568,Jonas > people.csv",
        "smscli bulk people.csv 'Hi {name}, we open at 9' --sandbox --results results.csv",
    ),
)  # fmt: skip
def bulk(
    call: Invocation,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="The list: CSV, TSV, JSON Lines or numbers; - reads it from a pipe."),
    ] = None,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="The text, with columns in braces: Hi {name}. Or a column called text."),
    ] = None,
    columns: Map = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether the first row of a table holds names.")
    ] = None,
    allow_duplicates: Annotated[
        bool, typer.Option("--allow-duplicates", help="Send to a number as often as it is in the list.")
    ] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Leave out rows that cannot be sent, instead of sending none.")
    ] = False,
    validate_only: Annotated[
        bool, typer.Option("--validate-only", help="Show all that is wrong with the list, send nothing.")
    ] = False,
    sender: Sender = None,
    text_file: TextFile = None,
    transliterate: Transliterate = False,
    fit: Fit = None,
    test: Annotated[
        bool, typer.Option("--test", help="The vendor's own test mode: accepted, not delivered, not charged.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, max=64, help="Requests at a time.")] = _JOBS,
    rate: Annotated[
        str | None,
        typer.Option("--rate", metavar="RATE", help="At most so many recipients: 20/s, 100/m, 5000/h."),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", metavar="N", min=1, help="Recipients in one request (the vendor's limit)."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Name of the job; run again, it goes on with it.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="KEY", help="Go on with a job, or join it: no list, no text is needed."),
    ] = None,
    resend_unknown: Annotated[
        bool, typer.Option("--resend-unknown", help="With --resume: send what is UNKNOWN again. It may arrive twice.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, send nothing.")] = False,
    max_parts: MaxParts = None,
    stop_after_failures: Annotated[
        int | None, typer.Option("--stop-after-failures", metavar="N", min=1, help="Stop when N were not accepted.")
    ] = None,
    results: ResultFile = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Result:
    """Send to a list of people, once each.

    A text of their own, or one for all. All rows are checked before the first is sent. What was begun under a key can
    be stopped, killed and taken up with --resume at any moment: nobody gets the text twice.
    """
    if resume is not None:
        _refuse_beside_resume({
            "FILE": file, "TEXT": text, "--text-file": text_file, "--key": key, "--map": columns,
            "--delimiter": delimiter, "--encoding": encoding, "--header": header,
            "--allow-duplicates": allow_duplicates or None, "--skip-invalid": skip_invalid or None,
            "--validate-only": validate_only or None, "--dry-run": dry_run or None,
            "--transliterate": transliterate or None, "--fit": fit, "--max-parts": max_parts,
        })  # fmt: skip
    else:
        _refuse_contradictions(file, text, text_file, resend_unknown=resend_unknown)
    pace = Pace(jobs, _rate(rate), rate, batch_size, stop_after_failures)
    if resume is not None:
        return _resume(call, resume, sender, pace, results, test=test, resend_unknown=resend_unknown)
    assert file is not None  # noqa: S101  (refused above)
    profile = call.runtime.profile(call.wanted)
    order = compose(call.runtime, profile, sender, pace, test=test, need_secret=not validate_only)
    reading = Reading(parse_map(columns) if columns else {}, delimiter, encoding, header, profile.region)
    if text_file is not None:
        text = texts.read(call.runtime, None, text_file)
    with ExitStack() as stack:
        stream = stack.enter_context(opened(call.runtime, file))
        with readable(file):
            roster = stack.enter_context(
                closing(
                    Roster(
                        stream, reading, text, Changes(transliterate, fit, max_parts),
                        refuse=order.refuse, batch_size=order.batch_size, allows_duplicates=allow_duplicates,
                    )
                )
            )  # fmt: skip
            if roster.listing.columns.note:
                call.tell(roster.listing.columns.note)
            verdict = roster.judge(order.fingerprint(), most=_ALL if validate_only else _PROBLEMS)
        _refuse_bad_rows(call, file, verdict, skip_invalid=skip_invalid, lists_all=validate_only)
        if validate_only or dry_run:
            return preview(order, verdict, dry_run=dry_run)
        if key is None:
            refuse_repetition(call, order, verdict)
        writer = stack.enter_context(_writer(results, stream.fileno()))
        if not _confirm(call, order, roster, verdict, yes=yes) and verdict.most_parts > 1:
            call.tell(f"texts take up to {verdict.most_parts} parts for each recipient")
        return ship(call, order, roster, verdict, key, writer)


def _refuse_beside_resume(others: dict[str, object]) -> None:
    """Raise InputError for what belongs to a list: ignored, --dry-run would send."""
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise InputError(
            f"--resume cannot be together with {', '.join(given)}",
            hint="list, texts and checks were settled when the job was planned; --resume alone goes on with it",
        )


def _refuse_contradictions(
    file: str | None, text: str | None, text_file: str | None, *, resend_unknown: bool
) -> None:  # fmt: skip
    if resend_unknown:
        raise InputError("--resend-unknown goes with --resume KEY")
    if file is None:
        raise InputError("no list", hint="give FILE, or - for a pipe; or --resume KEY")
    if text is not None and text_file is not None:
        raise InputError("both TEXT and --text-file were given", hint="give one of them")
    if text == "-" or (text_file == "-" and file == "-"):
        raise InputError("stdin is for the list", hint="give TEXT, or --text-file FILE")


def _refuse_bad_rows(call: Invocation, file: str, verdict: Verdict, *, skip_invalid: bool, lists_all: bool) -> None:
    """Say what was repaired in a list, and raise InputError for its bad rows unless they may be left out."""
    survey = verdict.survey
    for remark in remarks(survey):
        call.tell(remark)
    if survey.bad and (lists_all or not (skip_invalid and verdict.recipients)):
        raise refusal(file, survey, lists_all=lists_all)
    if not survey.rows:
        raise InputError("the list has no row below the names of its columns")
    if survey.bad:
        more = " …" if survey.problem_count > 1 else ""
        call.tell(f"{counted(survey.bad, 'row')} left out: {survey.problems[0]}{more}")


def _resume(
    call: Invocation, key: str, sender: str | None, pace: Pace, results: str | None, *, test: bool, resend_unknown: bool
) -> Result:  # fmt: skip
    """Take a job up from the journal alone: with the profile it was begun with, unless another is named."""
    usual = _usual_profile(call)
    profile_name = begun_with(call, key, sandbox=usual.sandbox if usual else call.wanted.sandbox)
    # A default profile is not named: variables have had their say beside it, and would not beside a named one.
    if call.wanted.profile is None and profile_name and (usual is None or usual.name != profile_name):
        call.wanted = call.wanted._replace(profile=profile_name)
    order = compose(call.runtime, call.runtime.profile(call.wanted), sender, pace, test=test)
    with _writer(results) as writer:
        return take_up(call, order, key, writer, resend_unknown=resend_unknown)


def _usual_profile(call: Invocation) -> Profile | None:
    """Return the account that the same options would have begun a job with; None where they name none."""
    try:
        return call.runtime.profile(call.wanted)
    except ConfigError:
        return None  # the job may name a profile


def _writer(results: str | None, source: int | None = None) -> AbstractContextManager[Writer | None]:
    return nullcontext() if results is None else Writer(Path(results), source=source)


def _rate(text: str | None) -> float:
    """Return recipients a second; infinity without a text. Raises InputError."""
    if text is None:
        return inf
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(?:/(s|m|min|h))?", text.strip())
    count = float(match[1]) if match else 0.0
    if not match or not count:
        raise InputError(f"--rate {text!r} is not a rate", hint="write it like 20/s, 100/m or 5000/h")
    return count / {"s": 1, "m": 60, "min": 60, "h": 3600}[match[2] or "s"]


def _confirm(call: Invocation, order: Order, roster: Roster, verdict: Verdict, *, yes: bool) -> bool:
    """Have a person say yes to many recipients; without one they have to be asked for on the command line.

    Return whether somebody was asked.
    """
    count, most = verdict.recipients, order.profile.confirm_above or UNASKED
    runtime = call.runtime
    if yes or count <= min(most, CONFIRM_ABOVE):
        return False
    if not runtime.is_terminal(runtime.stdin):
        if count > most:
            raise ConflictError(
                f"{count} recipients are more than {most}",
                hint="add --yes if that is meant, or set confirm_above in the profile",
            )
        return False
    parts = counted(verdict.parts, "part")
    if verdict.most_parts > 1:
        parts += f" (up to {verdict.most_parts} a text)"
    price, left = _price_and_balance(call, order, roster)
    if not prompts.confirm(runtime, f"{price}{left}Send {parts} to {count} recipients?"):
        raise ConflictError("not confirmed; nothing was sent")
    return True


def _questions(order: Order, roster: Roster, size: int) -> Iterator[Message]:
    """Yield the messages of a list, those of one text that follow each other together, at most so many."""
    for text, some in groupby(roster.messages(), key=itemgetter(2)):
        numbers = (to for _, to, _ in some)
        while to := tuple(islice(numbers, size)):
            yield order.message._replace(to=to, text=text)


def _price_and_balance(call: Invocation, order: Order, roster: Roster) -> tuple[str, str]:
    """Return both as sentences, as far as the vendor tells."""
    with call.caller(order.profile, order.account) as (provider, caller):
        try:
            balance = caller.call(provider.balance, None)
            left = f"The balance is {balance.amount} {balance.unit}. "
        except SmscliError as error:
            left = f"The balance is not known ({error.message}). "
        if order.message.test or provider.price is None:
            return "", left
        whole = estimate(caller, provider, _questions(order, roster, provider.price_limit))
        for doubt in whole.doubts:
            call.tell(doubt)
        amount, currency = whole.cells
        return f"It costs {amount} {currency}. ".replace(" . ", ". ") if amount else "", left
