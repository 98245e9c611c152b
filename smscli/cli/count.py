"""``smscli count``: what a text costs, and which characters make it dear. Offline, and for no account in particular."""

from __future__ import annotations

from smscli.cli.cost import cost, rewrite
from smscli.cli.options import Invocation, command, new_app
from smscli.cli.text import Fit, MaxParts, Text, TextFile, Transliterate, clean, read, refuse_parts
from smscli.errors import ConflictError, ExitCode
from smscli.render import Result, Table
from smscli.segments import measure

app = new_app()


@command(
    app,
    vendor=False,
    sections={"Message": ("text_file", "transliterate", "fit"), "Safety": ("max_parts",)},
    examples=(
        'smscli count "It’s done – see you at 5"',
        "date | smscli count --transliterate --max-parts 1",
    ),
)
def count(
    call: Invocation,
    text: Text = None,
    text_file: TextFile = None,
    transliterate: Transliterate = False,
    fit: Fit = None,
    max_parts: MaxParts = None,
) -> Result:
    """Count the parts of a text and show what makes it dear, offline.

    A part is what vendors charge for: 160 characters of GSM-7 in one message, 153 in each of several; 70 and 67 where
    one character is outside GSM-7 and the whole text becomes UCS-2. Some characters count twice. A vendor may count
    differently.
    """
    text, notes = clean(read(call.runtime, text, text_file))
    text, changes = rewrite(text, transliterated=transliterate, parts=fit)
    size, facts = measure(text), cost(text)
    error = None
    try:
        refuse_parts(size, max_parts)
    except ConflictError as refusal:
        error = refusal
    return Result(
        data={"text": text} | facts.tree,
        lines=((str(size.parts), size.alphabet.value, str(size.units)),),
        table=Table(("what", "which", "about it"), facts.rows, title=facts.verdict, prose=("about it",), facts=True),
        notes=notes + changes,
        error=error,
        exit_code=error.exit_code if error else ExitCode.OK,
    )
