"""``sign --batch``: many requests, a line of JSON each, signed or checked; one of them is in memory at a time.

A line is an object of parameters, in the order in which they are sent (``{"login": "YourLogin", "text": "Hi"}``; a list
of texts repeats its name), or a list of pairs. Values are texts: how a number is spelled is what a signature is about.
Where the vendor's own parameter of the signature is among them, it is checked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shutil import copyfileobj
from typing import IO, NamedTuple

from smscli.cli.invocation import Invocation
from smscli.cli.signature import nothing_signed, participation
from smscli.errors import AuthenticationError, InputError, SmscliError
from smscli.model import Account, Pairs
from smscli.providers import Provider
from smscli.render import Output, Result, Tree
from smscli.signing import SignatureTrace, counted_params, repetition

MAX_LINE = 1024 * 1024
"""Bytes of a line that are read."""


class Answer(NamedTuple):
    """What became of one line; ``trace`` is None, and ``why`` says why, where it could not be read."""

    line: int
    verdict: str
    why: str = ""
    trace: SignatureTrace | None = None
    expected: str | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the cells of its line."""
        return str(self.line), self.trace.signature if self.trace else "", self.verdict, self.why

    def tree(self, mask: Callable[[str], str]) -> dict[str, Tree]:
        """Return all of it, stage by stage; ``mask`` hides the secrets."""
        trace = self.trace
        tree: dict[str, Tree] = {"line": self.line, "verdict": self.verdict, "why": self.why or None}
        if trace:
            tree |= {
                "signature": trace.signature,
                "expected": None if self.expected is None else mask(self.expected),
                **participation(trace, mask),
                "stages": [{"label": step.label, "value": step.masked} for step in trace.steps],
            }
        return tree


def signed(call: Invocation, source: str, provider: Provider, account: Account, key_source: str) -> Result:
    """Return one line for each line of a file, or of stdin (``-``): its number, the signature, the verdict, and why.

    A line that cannot be read stops nothing. The status is that of the gravest: 4 where a signature differs, else 2
    where a line could not be read.
    """
    stream = _opened(call, source)
    notes = (f"signed with the key of {key_source}",)

    def answers() -> Iterator[Answer]:
        return _answers(stream, provider, account)

    if call.output not in (Output.JSON, Output.XML):
        return Result(lines=_lines(answers()), notes=notes)
    # Such a document begins with its status: the lines are gone through twice.
    copy = _copy(call, stream)
    counts = Counter(answer.verdict for answer in _answers(copy, provider, account))
    copy.seek(0)
    requests = (answer.tree(account.mask) for answer in _answers(copy, provider, account))
    error = _error(counts)
    data: Mapping[str, Tree] = {
        "provider": provider.name, "key_source": key_source, "counts": dict(counts), "requests": requests,
    }  # fmt: skip
    return Result(data=data, notes=notes, error=error, exit_code=error.exit_code if error else 0)


def _opened(call: Invocation, source: str) -> IO[bytes]:
    if source == "-":
        if call.runtime.stdin is None:
            raise InputError("there is no stdin to read the batch from")
        return call.runtime.stdin.buffer
    try:
        return call.resources.enter_context(Path(source).open("rb"))
    except OSError as error:
        raise InputError(f"cannot read the batch {source!r}: {error.strerror}") from error


def _copy(call: Invocation, stream: IO[bytes]) -> IO[bytes]:
    """Return the lines in a file without a name, to be read again."""
    import tempfile  # only such a document needs it

    copy: IO[bytes] = call.resources.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  (closed by the call)
    copyfileobj(stream, copy)
    copy.seek(0)
    return copy


def _lines(answers: Iterator[Answer]) -> Iterator[tuple[str, ...]]:
    counts = Counter[str]()
    for answer in answers:
        counts[answer.verdict] += 1
        yield answer.cells()
    if error := _error(counts):
        raise error


def _answers(stream: IO[bytes], provider: Provider, account: Account) -> Iterator[Answer]:
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
            yield Answer(number, "unreadable", f"it is longer than {MAX_LINE} bytes")
        elif line.strip():
            yield _answer(number, line, provider, account)


def _answer(number: int, line: bytes, provider: Provider, account: Account) -> Answer:
    try:
        sent = _params(line)
        values = dict(sent)
        params, why = (sent, "") if len(values) == len(sent) else (counted_params(sent), repetition(sent))
        trace = provider.sign(params, account.secret, others=account.secrets)
    except InputError as error:
        return Answer(number, "unreadable", error.message)
    if none := nothing_signed(provider, params, account.mask):
        return Answer(number, "unreadable", none)
    expected = values.get(provider.rule.signature)
    if expected is None:
        return Answer(number, "signed", why, trace)
    return Answer(number, "matches" if expected == trace.signature else "differs", why, trace, expected)


class _Members(list[tuple[str, object]]):
    """The members of an object, in order, repeated names included."""


def _params(line: bytes) -> Pairs:
    """Return the parameters of a line; raise InputError for what has none. No part of the line is quoted."""
    try:
        value = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_Members)
    except UnicodeDecodeError:
        raise InputError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise InputError(f"it is not JSON (column {error.colno})") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; brackets without an end
        raise InputError("it is not JSON that can be read") from None
    if not isinstance(value, _Members):
        is_pairs = isinstance(value, list) and all(isinstance(one, list) and len(one) == 2 for one in value)
        if not is_pairs:
            raise InputError("it is neither an object of parameters nor a list of pairs")
    pairs: list[tuple[str, str]] = []
    for name, given in value:
        values = given if type(given) is list else [given]
        if not isinstance(name, str) or not all(isinstance(one, str) for one in values):
            raise InputError("names and values are texts: write each as it is sent, in quotes")
        pairs += ((name, one) for one in values)
    return tuple(pairs)


def _error(counts: Mapping[str, int]) -> SmscliError | None:
    total = sum(counts.values())
    if counts.get("differs"):
        unread = f", {counts['unreadable']} cannot be read" if counts.get("unreadable") else ""
        return AuthenticationError(
            f"{counts['differs']} of {total} signatures do not match{unread}",
            hint="to see why: smscli sign --capture, with one of them as it was sent (a=1&b=2)",
        )
    if counts.get("unreadable"):
        return InputError(f"{counts['unreadable']} of {total} lines cannot be read")
    return None if total else InputError("the batch is empty", hint='a line is {"login": "YourLogin", "text": "Hi"}')
