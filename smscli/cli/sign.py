"""``smscli sign``: a request signature, offline: computed, explained stage by stage, and compared with another one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from smscli import providers
from smscli.cli.invocation import Invocation
from smscli.cli.options import command, new_app
from smscli.cli.signature import Question, Working
from smscli.errors import ConfigError, InputError
from smscli.model import Account, Pairs, Profile, Secret, SecretCommand, SecretFile, SecretSource, SecretValue
from smscli.profiles import Need
from smscli.providers import Provider
from smscli.record import Record
from smscli.render import Result
from smscli.runtime import Runtime
from smscli.signing import counted_params, repetition
from smscli.wire import Request

if TYPE_CHECKING:
    from smscli.capture import Captured

app = new_app()


class _Send(Record):
    """The fields of a send, as they were typed. ``stamp`` serves a balance, too."""

    to: Sequence[str] = ()
    sender: str | None = None
    text: str | None = None
    at: str | None = None
    test: bool = False
    stamp: str | None = None


@command(
    app,
    sections={
        "Message": ("to", "sender", "text", "at", "test"),
        "Account": ("key_file", "also_key_file"),
        "Output": ("explain", "in_hex", "curl", "reveal"),
    },
    examples=(
        "smscli sign --sandbox login=YourLogin timestamp=1732809600 --explain",
        "smscli sign --sandbox --operation send --to +37061234567 --text Hello --curl",
    ),
)
def sign(
    call: Invocation,
    pairs: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="The parameters, exactly as sent.")
    ] = None,
    capture: Annotated[
        str | None,
        typer.Option(
            "--capture",
            "--from-url",
            metavar="FILE|-|TEXT",
            help="Take them from what was caught: a command (curl, wget …), HAR, log, HTTP request, URL or form. "
            "Of several requests each is checked. --from-url is the old name.",
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch",
            metavar="FILE|-",
            help="Take them from lines of JSON, an object of texts each; sign it, or check the signature in it.",
        ),
    ] = None,
    operation: Annotated[
        Literal["send", "balance"] | None,
        typer.Option(
            "--operation",
            metavar="NAME",
            help="Take those that this command would send now; offline, by the local clock.",
        ),
    ] = None,
    to: Annotated[list[str] | None, typer.Option("--to", "-t", metavar="NUMBER", help="Recipient of a send.")] = None,
    sender: Annotated[str | None, typer.Option("--sender", "-s", metavar="NAME", help="Sender ID of a send.")] = None,
    text: Annotated[str | None, typer.Option("--text", metavar="TEXT", help="Text of a send.")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Delivery time of a send.")] = None,
    test: Annotated[bool, typer.Option("--test", help="The vendor's test mode of a send.")] = False,
    stamp: Annotated[
        str | None, typer.Option("--stamp", metavar="VALUE", help="The timestamp or nonce of an operation.")
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="SIGNATURE", help="Compare with this one; exit 4 and say why they differ."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show every stage.")] = False,
    in_hex: Annotated[bool, typer.Option("--hex", help="Show what is hashed byte by byte, too.")] = False,
    curl: Annotated[bool, typer.Option("--curl", help="Print the request as a curl command.")] = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the secret in the stages.")] = False,
    key_file: Annotated[
        str | None, typer.Option("--key-file", metavar="FILE|-", help="Read the key from a file (- for stdin).")
    ] = None,
    also_key_file: Annotated[
        list[str] | None,
        typer.Option("--also-key-file", metavar="FILE", help="Try this key, too, to explain a signature (an old one)."),
    ] = None,
) -> Result:
    """Compute, explain and diagnose a request signature, offline."""
    typed = _Send(tuple(to or ()), sender, text, at, test, stamp)
    shown = explain or in_hex or curl or reveal
    _refuse_mixture(pairs, (capture, batch), operation, typed, key_file)
    if batch is not None and (shown or expect is not None):
        raise InputError(
            "--expect, --explain, --hex, --curl and --reveal are about one request", hint="-o json has stages"
        )
    named = call.wanted.profile is not None or call.wanted.provider is not None
    captures: Sequence[Captured] = () if capture is None else _captures(call, capture)
    if len(captures) > 1:
        _refuse_for_many(len(captures), expect=expect is not None, shown=shown)
    profile = _profile(call, key_file, Need.ACCOUNT if operation else Need.KEY)
    account = call.runtime.account(profile)
    if len(captures) == 1 and call.wanted.profile is None:
        _refuse_other_account(captures[0], profile, account)
    provider = providers.get(profile.provider).of(account.fields)
    if len(captures) > 1:
        return _check(call, captures, profile, provider, account, also_key_file or [], named=named)
    if batch is not None:
        from smscli.cli.batch import signed

        return signed(call, batch, provider, account, _key_source(profile))
    if captures:
        from smscli.cli.captures import question as about

        question = about(captures[0], provider, call.runtime.now())
    elif operation is not None:
        question = _compose(call, profile, provider, account, operation, typed)
    else:
        typed_pairs = _pairs(pairs or [])
        note = repetition(typed_pairs)
        question = Question(counted_params(typed_pairs), notes=(note,) if note else ())
    answer = Working(provider, account, question, _key_source(profile), reveal=reveal, in_hex=in_hex)
    expected = question.expected if expect is None else _typed(expect)
    if expected is not None:
        others = (*_named_keys(call.runtime, profile, also_key_file or []), *_other_keys(call.runtime, profile))
        answer.compare(expected, others)
    answer.check_whole()
    return answer.result(explain=explain or in_hex or reveal, curl=curl)


# --- what is signed ---------------------------------------------------------------------------------------------------


def _refuse_mixture(
    pairs: list[str] | None, sources: tuple[str | None, ...], operation: str | None, typed: _Send, key_file: str | None
) -> None:
    """Refuse command lines that say where the parameters come from in two ways, or in none."""
    if sum((bool(pairs), operation is not None, *(source is not None for source in sources))) != 1:
        raise InputError(
            "parameters come from one place: NAME=VALUE pairs, --capture, --batch or --operation",
            hint="for instance: smscli sign login=YourLogin timestamp=1732809600",
        )
    if typed != _Send() and operation is None:
        raise InputError("the fields of a message need --operation send", hint="or write them as NAME=VALUE pairs")
    if typed._replace(stamp=None) != _Send() and operation == "balance":
        raise InputError("a balance has no recipient, sender, text or time")
    if key_file == "-" and "-" in sources:
        raise InputError("stdin cannot be both the request and the key", hint="give one of them as a file or argument")


def _pairs(words: list[str]) -> Pairs:
    missing = next((word for word in words if "=" not in word), None)
    if missing is not None:
        raise InputError(
            f"{missing!r} is not NAME=VALUE", hint="write each parameter as NAME=VALUE; a value may be empty"
        )
    return tuple((name, value) for name, _, value in (word.partition("=") for word in words))


def _typed(signature: str) -> str:
    """Return a signature without what copying brings along; that of a capture is compared as it was sent."""
    from smscli.diagnosis import clean

    return clean(signature)


def _captures(call: Invocation, source: str) -> Sequence[Captured]:
    """Read the requests, and let them name the vendor when nothing else does."""
    from smscli.cli import captures

    read = captures.read(call, source)
    captures.choose_vendor(call, read)
    return read


def _refuse_for_many(count: int, *, expect: bool, shown: bool) -> None:
    if expect or shown:
        raise InputError(
            f"the capture holds {count} requests, and --expect, --explain, --hex, --curl and --reveal are about one",
            hint="give one of them, or leave the option out: each is checked",
        )


def _check(
    call: Invocation,
    captures: Sequence[Captured],
    profile: Profile,
    provider: Provider,
    account: Account,
    paths: list[str],
    *,
    named: bool,
) -> Result:
    """Check many captured requests; ``paths`` are files of other keys."""
    from smscli.cli.captures import Checker, identity

    unnamed = call.wanted.profile is None and _is_of_profile(profile)
    own = identity(provider, profile.fields) if unnamed else {}
    runtime = call.runtime

    def others() -> Iterator[tuple[str, Secret]]:
        yield from _named_keys(runtime, profile, paths)
        yield from _other_keys(runtime, profile)

    return Checker(call, provider, account, _key_source(profile), named, own, others).check(captures)


def _compose(
    call: Invocation, profile: Profile, provider: Provider, account: Account, operation: str, typed: _Send
) -> Question:
    """Build the request that ``send`` or ``balance`` would send now, by the local clock: nobody is asked."""
    stamp = typed.stamp or call.runtime.offline_stamp(provider)
    notes: tuple[str, ...] = ()
    if operation == "balance":
        request = provider.balance.build(None, account, stamp)
    else:
        request, notes = _first_batch(call, profile, account, typed, stamp)
    params = (*request.query, *request.form)
    if provider.rule.signature not in {name for name, _ in params}:
        notes = (*notes, "this account sends its key instead of a signature; the stages show what it could sign")
    return Question(params, request=request, notes=notes)


def _first_batch(
    call: Invocation, profile: Profile, account: Account, typed: _Send, stamp: str
) -> tuple[Request, tuple[str, ...]]:
    from smscli.cli.draft import compose

    if typed.text is None:
        raise InputError("a send has a text", hint="give --text TEXT")
    draft = compose(call.runtime, profile, typed.text, typed.to, typed.sender, typed.at, test=typed.test)
    batch, *more = draft.batches()
    notes = (*draft.notes, f"this is the first of {1 + len(more)} requests") if more else draft.notes
    return draft.provider.send.build(batch, account, stamp), notes


# --- with whose key ---------------------------------------------------------------------------------------------------


def _profile(call: Invocation, key_file: str | None, need: Need) -> Profile:
    """Return the settings; ask for the key on a terminal when that is all that is missing."""
    key = None if key_file is None else _key(call.runtime, key_file)
    try:
        profile = call.runtime.profile(call.wanted, need=need, key=key)
        return profile if key is None else _with_key(profile, key, "--key-file")
    except ConfigError:
        if key is not None or not call.runtime.is_terminal(call.runtime.stdin):
            raise
        # Raises again when more than the key is missing.
        profile = call.runtime.profile(call.wanted, need=need, key=SecretValue(Secret("")))
        typed = _ask_key(call.runtime, providers.get(profile.provider))
        return _with_key(profile, SecretValue(Secret(typed)), "the prompt")


def _with_key(profile: Profile, key: SecretSource, source: str) -> Profile:
    name = providers.get(profile.provider).secret_field.name
    return profile._replace(secret=key, sources={**profile.sources, name: source})


def _key_source(profile: Profile) -> str:
    """Return whose key it is: ``profile work``, a variable, ``--key-file``, ``the prompt`` or the sandbox's.

    Of one that lies in a store, the profile and the store: ``profile work (keyring)``.
    """
    from smscli import profiles

    name = providers.get(profile.provider).secret_field.name
    spellings = (name, f"{name}_file", f"{name}_command", "secret")
    source = next(profile.sources[spelling] for spelling in spellings if spelling in profile.sources)
    if profile.name and source in (profiles.CREDENTIAL, profiles.KEYRING):
        return f"profile {profile.name} ({source})"
    return source.removeprefix("environment ")


def _is_of_profile(profile: Profile) -> bool:
    """Return whether the key is that of a profile, from wherever it takes it."""
    return _key_source(profile).partition(" (")[0] == f"profile {profile.name}"


def _refuse_other_account(captured: Captured, profile: Profile, account: Account) -> None:
    """Raise ConfigError when the key is that of a profile nobody named, and the request names another account.

    One that names the key instead of its login is this account's, with a mistake to be explained.
    """
    from smscli.cli.captures import another_account, identity

    provider = providers.get(profile.provider)
    own = identity(provider, profile.fields) if _is_of_profile(profile) else {}
    stranger = another_account(captured, own)
    if stranger and account.mask(stranger) == stranger:
        variable = f"SMSCLI_{provider.secret_field.name.upper()}"
        raise ConfigError(
            f"the request is of another account than profile {profile.name}: it names {stranger}",
            hint=f"say whose key to sign with: -p NAME, --key-file FILE or {variable}",
        )


def _ask_key(runtime: Runtime, provider: Provider) -> str:
    from smscli.cli import prompts  # only those who are asked pay for it

    name = provider.secret_field.name

    def check(answer: str) -> None:
        if not answer:
            raise InputError(f"{name} is empty")

    return prompts.ask_secret(runtime, f"{name} (not shown)", check)


def _key(runtime: Runtime, key_file: str) -> SecretSource:
    if key_file != "-":
        return _secret_file(key_file)
    from smscli.cli import inputs

    return SecretValue(Secret(inputs.read_stdin(runtime, "the key")))


def _secret_file(path: str) -> SecretFile:
    return SecretFile(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100,PTH111  (text)


def _named_keys(runtime: Runtime, profile: Profile, paths: list[str]) -> Iterator[tuple[str, Secret]]:
    from smscli import profiles

    for path in paths:
        yield path, profiles.secret(profile._replace(secret=_secret_file(path)), environ=runtime.environ)


def _other_keys(runtime: Runtime, profile: Profile) -> Iterator[tuple[str, Secret]]:
    """Return the keys of the other profiles, as far as they can be read without running a command."""
    from smscli import profiles

    document = profiles.find(runtime.environ)
    credentials = runtime.environ.get("CREDENTIALS_DIRECTORY")
    for name in document.tables:
        with suppress(ConfigError, InputError):
            other = profiles.resolve(
                document, named=name, environ=runtime.environ, need=Need.KEY, credentials=credentials
            )
            if name != profile.name and not isinstance(other.secret, SecretCommand):
                yield f"profile {name}", profiles.secret(other, environ=runtime.environ)
