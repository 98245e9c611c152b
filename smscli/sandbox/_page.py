"""The page at ``/``: its files, and what it asks for beyond ``/api``: one message worked out, and how to get here.

What it asks for below ``/page`` may change with every release; programs have ``/api``. Whatever a message holds is
data: it leaves as JSON alone, with the secrets of accounts masked, and the page writes it as text. The policy in the
header of each file forbids scripts and styles from anywhere else, also inside the file.
"""

from __future__ import annotations

import json
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from smscli import providers
from smscli.errors import InputError
from smscli.model import Pairs, mask, visible
from smscli.overlay import lay_over
from smscli.sandbox._api import find, written
from smscli.sandbox._call import Call, account_settings
from smscli.sandbox._checking import Question, find_mistakes, is_invented
from smscli.sandbox._desk import RAW_BYTES, Caught
from smscli.sandbox._hiding import hide
from smscli.sandbox._later import Diagnosing
from smscli.sandbox._params import gather
from smscli.sandbox._raw import RawReply, RawRequest, json_reply, text_reply
from smscli.segments import cut, is_gsm, measure

if TYPE_CHECKING:
    from smscli.sandbox._service import Sandbox

_FILES = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "message.js": ("message.js", "text/javascript; charset=utf-8"),
    "chaos.js": ("chaos.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
"""What there is below ``/page/``: the name of the file, and its kind."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_FENCE: Pairs = (
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)

_NAMED = 8  # odd characters of a text that are named
_EXPLAINED = 3  # explanations of a wrong signature that are drawn
_LONGEST = 3000  # characters that are compared one by one
_CHANCE = 2  # letters that two texts share by chance


def answer(sandbox: Sandbox, request: RawRequest) -> RawReply | Diagnosing:
    """Answer a request for the page, a file of it, or what it asks for."""
    if request.method not in ("GET", "HEAD"):
        return text_reply(405, "The page is only read.\n", headers=(("Allow", "GET, HEAD"),))
    name = request.path.removeprefix("/page").strip("/")
    if name in _FILES:
        file, kind = _FILES[name]
        content = files("smscli.sandbox").joinpath("page", file).read_bytes()
        return RawReply(200, (("Content-Type", kind), *_FENCE), (content,))
    if name == "setup":
        return json_reply(_setup(sandbox, f"http://{request.header(b'host')}"))
    match = re.fullmatch("messages/([0-9]{1,15})", name)
    entry = find(sandbox, match[1]) if match else None
    return _worked_out(sandbox, entry) if entry else json_reply({"error": "there is no such message"}, 404)


# --- how to get here -------------------------------------------------------------------------------------------------


def _setup(sandbox: Sandbox, root: str) -> dict[str, object]:
    """Return where each vendor is and how its demo account opens; nothing of a real one."""
    vendors, paths = [], sandbox.paths
    for emulator in sandbox.emulators:
        for name, demo in emulator.demo.items():
            if name not in paths:
                continue
            is_demo = sandbox.accounts.get(name) is demo.account
            vendors.append(
                {
                    "vendor": name,
                    "base_url": root + paths[name],
                    "fields": account_settings(name, demo.account) if is_demo else {},
                    "sender": demo.sender,
                    "refuses_addresses": emulator.address is not None,
                    "numbers": [] if sandbox.upstream else list(demo.numbers),
                    "failures": [
                        {"ending": ending, "code": one.code, "words": one.words}
                        for ending, one in emulator.failures.items()
                        if not sandbox.upstream
                    ],
                }
            )
    return {"vendors": vendors, "upstream": sandbox.upstream.base_url if sandbox.upstream else None}


# --- one message, worked out -----------------------------------------------------------------------------------------


def _worked_out(sandbox: Sandbox, entry: Caught) -> RawReply | Diagnosing:
    tree: dict[str, object] = {
        "message": written(sandbox, entry, whole=True),
        "cut": len(entry.raw) >= RAW_BYTES,
        "answer_cut": entry.exchange is not None and len(entry.exchange.answer) >= RAW_BYTES,
        "content": _content(sandbox, entry.text) if entry.text else None,
        "signing": None,
        "explanations": [],
    }
    check, account = entry.check, sandbox.accounts.get(entry.vendor)
    if check is None or account is None:
        return json_reply(tree)
    request = RawRequest.from_transcript(entry.raw)
    call = Call(gather(request), "", sandbox.accounts, entry.now, sandbox.demo_keys, request)
    signing = _signing(entry, call)
    # A request may hold the key of another account than its own.
    tree["signing"] = signing and json.loads(hide(json.dumps(signing, ensure_ascii=False), sandbox.secrets))
    is_told = check.meant or sandbox.upstream or is_invented(account, call)
    if check.right or tree["cut"] or not is_told:
        return json_reply(tree)
    kind = _Damage if check.is_damaged else _Explanations
    question = kind(entry.vendor, entry.signature or "", call, account, check.expected, check.meant)
    return Diagnosing(question, lambda text: json_reply({**tree, "explanations": _loaded(hide(text, sandbox.secrets))}))


def _content(sandbox: Sandbox, text: str) -> dict[str, object]:
    """Return what a text takes, where it is cut, and which characters make it odd."""
    masked = mask(text, sandbox.secrets)
    measured = measure(text)
    characters = dict.fromkeys(text)
    return {
        "alphabet": measured.alphabet,
        "units": measured.units,
        "left": measured.left,
        "parts": [{"text": part.text, "units": part.units} for part in cut(masked)],
        "expensive": [_name(one) for one in characters if not is_gsm(one)][:_NAMED],
        "unseen": [_name(one) for one in characters if _is_unseen(one)][:_NAMED],
    }


def _name(character: str) -> str:
    point = f"U+{ord(character):04X}"
    seen = character.isprintable() and not character.isspace()
    return f"{character} ({point})" if seen else f"{point} {unicodedata.name(character, '')}".rstrip()


def _is_unseen(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp") and character != " "


def _signing(entry: Caught, call: Call) -> dict[str, object] | None:
    """Return the stages of the signature up to the text that is hashed; of a right one, the digests as well.

    Any digest of a wrong one would help to make the right one.
    """
    check, account = entry.check, call.accounts[entry.vendor]
    if check is None:
        return None
    provider = providers.get(entry.vendor).of(account.fields)
    digests = len(provider.rule.digests)
    stages: list[tuple[str, str | None]] = [("hashed text", check.expected)]
    left_out: list[dict[str, str]] = []
    labels: list[str] = [name.upper() for name in provider.rule.digests]
    try:
        trace = provider.sign(call.params, account.secret, others=account.secrets)
    except InputError:
        trace = None
    if trace and trace.steps[-1 - digests].masked == check.expected:
        stages = [(step.label, step.masked) for step in trace.steps[:-digests]]
        labels = [step.label for step in trace.steps[-digests:]]
        left_out = [{"name": account.mask(left.name), "why": left.why} for left in trace.left_out]
    stages += [(label, None) for label in labels[:-1]] + [(labels[-1], entry.signature if check.right else None)]
    return {
        "right": check.right,
        "name": provider.rule.signature,
        "sent": account.mask(entry.signature or ""),
        "stages": [{"label": label, "text": visible(text) if text is not None else None} for label, text in stages],
        "left_out": left_out,
    }


@dataclass(frozen=True, slots=True)
class _Explanations(Question):
    """The question that draws its answer: JSON of mistakes, fixes, and both hashed texts over each other."""

    expected: str
    meant: str | None

    def answer(self) -> str:
        """Explain the wrong signature. A tenth of a second's work."""
        try:
            explanations = find_mistakes(self.vendor, self.signature, self.call, self.account).explanations
        except InputError as error:  # it cannot be a signature at all
            return json.dumps([{"findings": [{"sentence": error.message, "fix": ""}], "overlay": []}])
        drawn = []
        for explanation in explanations[:_EXPLAINED]:
            findings = [{"sentence": one.sentence, "fix": one.fix} for one in explanation.findings]
            drawn.append({"findings": findings, **self.drawing(explanation.string)})
        return json.dumps(drawn)

    def drawing(self, signed: str) -> dict[str, object]:
        """Return the text that was hashed over the one that should have been."""
        overlay, is_whole = lay_over(visible(signed), visible(self.expected), _LONGEST, _CHANCE)
        return {"overlay": overlay, "too_long": not is_whole}


@dataclass(frozen=True, slots=True)
class _Damage(_Explanations):
    """The same of a request that was damaged on its way: the reason says all of it in words."""

    def answer(self) -> str:
        """Draw what was signed; of bytes that are not UTF-8 it is looked for."""
        signed = self.meant
        if signed is None:
            wire = self.call.raw_query, self.call.raw_body
            with suppress(InputError):
                explanations = find_mistakes(self.vendor, self.signature, self.call, self.account, wire).explanations
                signed = next((one.string for one in explanations if one.findings[0].name == "wire-charset"), None)
        return json.dumps([{"findings": [], **self.drawing(signed)}] if signed else [])


def _loaded(text: str) -> object:
    """Return the explanations; the sentence that there was no time for them is none."""
    return json.loads(text) if text.startswith("[") else []
