"""``smscli count``: what a text costs, and which characters make it dear.

Offline, and for no account in particular, unless the vendor's price is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from smscli.cli.cost import cost, rewrite
from smscli.cli.invocation import Invocation
from smscli.cli.options import command, new_app
from smscli.cli.text import Fit, MaxParts, Price, Text, TextFile, Transliterate, clean, read, refuse_parts
from smscli.errors import ConflictError, ExitCode, InputError
from smscli.render import Result, Table
from smscli.segments import measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smscli.cli.pricing import Estimate

app = new_app()


@command(
    app,
    sections={
        "Message": ("to", "sender", "text_file", "transliterate", "fit"),
        "Safety": ("price", "max_parts"),
    },
    examples=(
        'smscli count "It’s done – see you at 5"',
        'smscli count --sandbox --price --to +37061234567 --transliterate "It’s done"',
    ),
)
def count(
    call: Invocation,
    text: Text = None,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", "-t", metavar="NUMBER", help="Recipient whose price is asked for, or @FILE of them."),
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--sender", "-s", metavar="NAME", help="Sender ID the price is asked for.")
    ] = None,
    text_file: TextFile = None,
    transliterate: Transliterate = False,
    fit: Fit = None,
    price: Price = False,
    max_parts: MaxParts = None,
) -> Result:
    """Count the parts of a text and show what makes it dear, offline.

    A part is what vendors charge for: 160 characters of GSM-7 in one message, 153 in each of several; 70 and 67 where
    one character is outside GSM-7 and the whole text becomes UCS-2. Some characters count twice. A vendor may count
    differently: --price asks what it wants for this text to these recipients, or to those of the profile.
    """
    if not price and (to or sender is not None):
        raise InputError("recipients and sender are for the price", hint="add --price")
    text, notes = clean(read(call.runtime, text, text_file))
    text, changes = rewrite(text, transliterated=transliterate, parts=fit)
    size, facts = measure(text), cost(text)
    estimate, drafting = _asked(call, text, to or (), sender) if price else (None, ())
    error = None
    try:
        refuse_parts(size, max_parts)
    except ConflictError as refusal:
        error = refusal
    return Result(
        data={"text": text} | facts.tree | (estimate.tree if estimate else {}),
        lines=((str(size.parts), size.alphabet.value, str(size.units), *(estimate.cells if estimate else ())),),
        table=Table(
            ("what", "which", "about it"), (*(estimate.rows if estimate else ()), *facts.rows),
            title=facts.verdict, prose=("about it",), facts=True,
        ),
        notes=(*notes, *changes, *drafting, *(estimate.notes if estimate else ())),
        error=error,
        exit_code=error.exit_code if error else ExitCode.OK,
    )  # fmt: skip


def _asked(call: Invocation, text: str, to: Sequence[str], sender: str | None) -> tuple[Estimate, tuple[str, ...]]:
    """Return what the vendor says a send of the text would cost, and the notes on that send."""
    from smscli.cli.draft import compose
    from smscli.cli.pricing import quote

    draft = compose(call.runtime, call.runtime.profile(call.wanted), text, to, sender, None, test=False)
    return quote(call, draft), draft.notes
