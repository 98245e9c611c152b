"""What ``smscli sign`` tells: the working of a signature, and why another one differs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from smscli.errors import AuthenticationError, InputError, SmscliError
from smscli.model import MASK, Account, Pairs, Secret, visible
from smscli.providers import Provider
from smscli.record import Record
from smscli.render import Result, Table, Tree
from smscli.signing import SignatureTrace, arrange
from smscli.wire import Request, encode

if TYPE_CHECKING:
    from smscli.capture import Captured
    from smscli.diagnosis import Diagnosis, Finding


_LITERAL = ("HTTP request", "access-log line", "curl command")  # curl refuses a space
_LONGEST_NAME, _MOST_NAMES = 40, 3


class Question(Record):
    """What is asked about: parameters, where they came from, and what somebody else made of them."""

    params: Pairs
    request: Request | None = None
    captured: Captured | None = None
    expected: str | None = None
    notes: tuple[str, ...] = ()
    clock: str | None = None

    @property
    def wire(self) -> tuple[bytes, bytes]:
        """The query and the body of a captured request as they travelled, as far as they are known."""
        return (self.captured.raw_query or b"", self.captured.raw_form or b"") if self.captured else (b"", b"")

    @property
    def unread_as(self) -> str:
        """The Content-Type of a captured form that is sent as something else."""
        return self.captured.unread_as if self.captured else ""

    @property
    def literal(self) -> bool:
        """Whether the query is captured as it stands in the request: no client has yet to encode it."""
        return self.captured is not None and self.captured.kind in _LITERAL


class Working:
    """The working of a signature and the comparison with another one, as a tree and as rows."""

    def __init__(
        self, provider: Provider, account: Account, question: Question, key_source: str, *, reveal: bool, in_hex: bool
    ) -> None:
        self._provider = provider
        self._account = account
        self._question = question
        self._key_source = key_source
        self._trace = provider.sign(question.params, account.secret, others=account.secrets)
        self._mask = str if reveal else account.mask
        self._reveal = reveal
        self._in_hex = in_hex
        self._diagnosis: Diagnosis | None = None
        self._faults: tuple[Finding, ...] = ()
        self._error: SmscliError | None = None

    def compare(self, expected: str, others: Iterable[tuple[str, Secret]]) -> None:
        """Hold the signature against ``expected``; what cannot be one becomes the error of the result."""
        from dataclasses import replace  # the diagnosis loads it

        from smscli.diagnosis import CODES, diagnose, faults

        if expected.strip() == self._account.secret.reveal():
            self._error = AuthenticationError(
                "the key itself was sent where the signature belongs",
                hint="send the signature (--explain shows how it is made); a key that has travelled is to be changed",
            )
            return
        wire = self._question.wire
        self._faults = faults(*wire)
        try:
            diagnosis = diagnose(
                self._provider, self._question.params, self._account.secret, expected,
                others=tuple(others), hidden=self._account.secrets, wire=wire,
                literal=self._question.literal, unread_as=self._question.unread_as,
            )  # fmt: skip
        except InputError as error:
            self._error = error
            return
        self._diagnosis = diagnosis = replace(diagnosis, expected=self._mask(diagnosis.expected))
        if {one.name for each in diagnosis.explanations for one in each.findings} & CODES:
            # What is no UTF-8 once it is decoded was not meant to be decoded.
            self._faults = tuple(fault for fault in self._faults if fault.name != "wire-charset")
        if not diagnosis.matches:
            self._error = AuthenticationError(_verdict(diagnosis), hint=_hint(diagnosis))

    def check_whole(self) -> None:
        """Raise InputError where there is nothing to sign, or what was captured may be signed with what it lacks.

        Nothing but a signature that was made of what is there shows that the rest does not matter.
        """
        captured = self._question.captured
        is_sure = self._diagnosis.matches if self._diagnosis else self._error is not None
        if captured is not None and captured.lacks and not is_sure:
            where = f" in {captured.place}" if captured.place else ""
            raise InputError(
                f"the captured {captured.kind}{where} is not whole, and cannot be checked: {captured.lacks}",
                hint="curl --trace-ascii, a HAR file and the command itself hold bodies",
            )
        if why := nothing_signed(self._provider, self._question.params, self._account.mask):
            other = None if self._diagnosis else self._error
            raise other or InputError(
                f"{why}: a digest of the key alone is no signature", hint="give the parameters as they are sent"
            )

    def result(self, *, explain: bool, curl: bool) -> Result:
        """Return all of it; ``lines`` hold the signature alone unless more was asked for, or there is more to say."""
        request = self._request() if explain or curl or self._question.request else None
        explained = list(self._explained(request) if explain and request else ())
        rows = [*explained, *self._compared()]
        wrong = self._diagnosis is not None and not self._diagnosis.matches
        # A signature alone is one line for $(…), unless a person asked whether it matches.
        drawn = explained or ([self._signature()] if self._diagnosis and not wrong else [])
        return Result(
            data=self._tree(request),
            lines=tuple(rows) or ((self._trace.signature,),),
            drawing=self._draw if wrong else None,
            table=Table(("what", "name", "value"), tuple(drawn), self._verdict(), prose=("value",), facts=True)
            if drawn
            else None,
            text=f"{self._curl(request)}\n" if curl and request and not explain else None,
            notes=self._notes(),
            error=self._error,
            exit_code=self._error.exit_code if self._error else 0,
        )

    def comparison(self) -> Tree:
        """Return the comparison alone, None when there was none."""
        if self._diagnosis is None:
            return None
        from dataclasses import asdict  # the diagnosis has loaded it

        return asdict(self._diagnosis)

    def reason(self) -> str:
        """Return mistake and fix of the first explanation, or why there is none; empty when all is well."""
        first = self._diagnosis.explanations[:1] if self._diagnosis else ()
        sentences = (f"{finding.sentence} {finding.fix}" for each in first for finding in each.findings)
        return "; ".join(sentences) or (self._error.message if self._error else "")

    def _signature(self) -> tuple[str, str, str]:
        return "signature", self._provider.rule.signature, self._trace.signature

    def _verdict(self) -> str | None:
        return f"the signature matches ({self._provider.name})" if self._diagnosis and self._diagnosis.matches else None

    def _draw(self, width: int, colour: int) -> str:
        from smscli.cli import verdict

        if self._diagnosis is None:
            return ""
        step = self._trace.steps[-1 - len(self._provider.rule.digests)]
        strings = verdict.Strings(step.value if self._reveal else step.masked, self._places(step.masked))
        return verdict.draw(self._diagnosis, self._provider.name, self._trace.signature, strings, width, colour)

    def _places(self, masked: str) -> tuple[tuple[str, int, int], ...]:
        """Return where each parameter stands in the hashed string: name, first place, end; none if masks moved them."""
        rule, parameters = self._provider.rule, self._trace.parameters
        pieces = [rule.join(parameters[: count + 1]) for count in range(len(parameters))]
        start = masked.find(rule.join(parameters))
        if start < 0:
            return ()
        ends = [start + len(piece) for piece in pieces]
        begins = [start + len(rule.head), *(end + len(rule.separator) for end in ends)]
        return tuple((name, begin, end) for (name, _), begin, end in zip(parameters, begins, ends, strict=False))

    def _notes(self) -> tuple[str, ...]:
        from smscli import profiles

        warning = ("the secret is shown: do not paste this anywhere",) if self._reveal else ()
        if doubt := profiles.doubt(self._account.secret):
            warning = (f"warning: {doubt}", *warning)
        whose = f"signed with the key of {self._key_source}"
        clock = (f"clock: {self._question.clock}",) if self._question.clock else ()
        explained = (
            {one.name for each in self._diagnosis.explanations for one in each.findings} if self._diagnosis else ()
        )
        sending = (f"sending: {one.sentence} {one.fix}" for one in self._faults if one.name not in explained)
        return (whose, *(self._mask(note) for note in (*self._question.notes, *sending, *clock)), *warning)

    def _request(self) -> Request:
        """Return the request, the secret masked where it is sent instead of a signature."""
        from smscli.capture import address

        request = self._question.request
        if request is None:
            rule = self._provider.rule
            params = tuple(pair for pair in self._question.params if pair[0] != rule.signature)
            signed = (*params, (rule.signature, self._trace.signature))
            captured = self._question.captured
            request = address(self._provider, self._account.base_url, signed, captured.path if captured else None)
        return request._replace(query=self._masked(request.query), form=self._masked(request.form))

    def _masked(self, pairs: Pairs) -> Pairs:
        return tuple((self._mask(name), self._mask(value)) for name, value in pairs)

    def _curl(self, request: Request) -> str:
        from smscli.capture import curl_command

        return curl_command(request)

    def _stages(self) -> Iterator[tuple[str, str, str]]:
        """Give label, text as it may be shown, and its bytes in hex (for the texts that are hashed)."""
        last = len(self._provider.rule.digests)
        for index, step in enumerate(self._trace.steps):
            text = step.value if self._reveal else step.masked
            hashed = index < len(self._trace.steps) - last
            yield step.label, text, self._bytes(step.value, step.masked) if hashed else ""

    def _bytes(self, text: str, shown: str) -> str:
        """Return the text in hex; ``shown`` has a mask in place of every secret."""
        if self._reveal:
            return text.encode().hex(" ")
        return f" {MASK} ".join(part.encode().hex(" ") for part in shown.split(MASK)).strip()

    def _tree(self, request: Request | None) -> dict[str, Tree]:
        trace, mask = self._trace, self._mask
        tree: dict[str, Tree] = {
            "provider": self._provider.name,
            "signature": trace.signature,
            "key_source": self._key_source,
            **participation(trace, mask),
            "stages": [
                {"label": label, "value": text, **({"bytes": in_hex} if in_hex else {})}
                for label, text, in_hex in self._stages()
            ],
        }
        if request is not None:
            tree["request"] = {"method": request.method, "url": request.target, "curl": self._curl(request)}
        if self._question.captured is not None:
            tree["captured"] = _describe(self._question.captured)
            tree["clock"] = None if self._question.clock is None else mask(self._question.clock)
        if self._diagnosis is not None:
            from dataclasses import asdict  # the diagnosis has loaded it

            tree["comparison"] = self.comparison()
            tree["sending"] = [{**asdict(fault), "sentence": mask(fault.sentence)} for fault in self._faults]
        return tree

    def _explained(self, request: Request) -> Iterator[tuple[str, str, str]]:
        trace, mask = self._trace, self._mask
        for name, value in trace.parameters:
            yield "parameter", mask(name), _spaced(mask(value))
        for left in trace.left_out:
            yield "left out", mask(left.name), left.why
        for label, text, in_hex in self._stages():
            yield "stage", label, _spaced(text)
            if in_hex and self._in_hex:
                yield "bytes", label, in_hex
        yield self._signature()
        yield "request", request.method, request.target
        if request.form:
            yield "body", "form", encode(request.form)
        yield "curl", "", self._curl(request)
        for trap in self._provider.rule.traps:
            yield "beware", "", trap

    def _compared(self) -> Iterator[tuple[str, str, str]]:
        diagnosis = self._diagnosis
        if diagnosis is None or diagnosis.matches:
            return
        yield self._signature()
        yield "expected", self._provider.rule.signature, visible(diagnosis.expected)
        for number, explanation in enumerate(diagnosis.explanations, 1):
            for finding in explanation.findings:
                yield f"mistake {number}", finding.name, finding.sentence
                yield f"fix {number}", finding.name, finding.fix
            yield f"text {number}", "hashed", _spaced(explanation.text)
        if not diagnosis.explanations:
            cut = "; the search was cut there" if diagnosis.cut else ""
            yield "tried", f"{diagnosis.tried} combinations{cut}", ", ".join(diagnosis.searched)


def nothing_signed(provider: Provider, params: Pairs, mask: Callable[[str], str]) -> str:
    """Return why there is nothing but the key to be hashed, empty when there is; ``mask`` hides the secrets."""
    signed, _ = arrange(provider.rule, params)
    has_names = provider.rule.glue is not None
    if any(value or (has_names and not unfilled(((name, value),))) for name, value in signed):
        return ""
    if places := unfilled(params):
        return f"there is {_listed(places, mask)} where the parameters should be"
    none = f"there is no parameter that {provider.name} signs"
    return f"{none} but empty ones ({_listed([name for name, _ in signed], mask)})" if signed else none


def unfilled(params: Pairs) -> list[str]:
    """Return what stands among the names and is none: ``$QUERY``, ``%QUERY%``, ``…``, for what was never filled in."""
    return [name for name, value in params if not (value or re.fullmatch(r"(?=.*\w)[\w.\[\]-]+", name))]


def _listed(names: list[str], mask: Callable[[str], str]) -> str:
    texts = [visible(mask(name)) for name in dict.fromkeys(names)]
    short = [text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…" for text in texts]
    return ", ".join((*short[:_MOST_NAMES], *("…" for _ in short[_MOST_NAMES : _MOST_NAMES + 1])))


def participation(trace: SignatureTrace, mask: Callable[[str], str]) -> dict[str, Tree]:
    """Return what is signed and what is left out; ``mask`` hides the secrets."""
    return {
        "parameters": [{"name": mask(name), "value": mask(value)} for name, value in trace.parameters],
        "left_out": [{"name": mask(left.name), "value": mask(left.value), "why": left.why} for left in trace.left_out],
    }


def _hint(diagnosis: Diagnosis) -> str | None:
    from smscli.cli.verdict import NEXT, SUSPECT_KEY

    return None if diagnosis.explanations else SUSPECT_KEY if diagnosis.suspect else NEXT


def _verdict(diagnosis: Diagnosis) -> str:
    if not diagnosis.explanations:
        return "the refused signature is not the right one, and no known mistake or pair of mistakes explains it"
    count = len(diagnosis.explanations)
    ambiguous = "" if count == 1 else f"; {count} explanations give it, and the value cannot tell which is true"
    if all(finding.kind == "sending" for each in diagnosis.explanations for finding in each.findings):
        return f"the signature is right for what was meant, but the sending changed it{ambiguous}"
    return f"the refused signature is not the right one{ambiguous}"


def _describe(captured: Captured) -> dict[str, Tree]:
    return {
        "kind": captured.kind,
        "method": captured.method,
        "host": captured.host,
        "path": captured.path,
        "seen_at": captured.seen_at,
        "providers": list(captured.providers),
        "notes": list(captured.notes),
    }


def _spaced(text: str) -> str:
    """Make spaces visible; control characters become escapes, other scripts stay."""
    return visible(text).replace(" ", "\u2420")
