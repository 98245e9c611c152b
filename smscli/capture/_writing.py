"""A request as the vendor's own builders would make it: where it is sent, whose it is; and as a curl command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from itertools import product
from urllib.parse import urlsplit

from smscli.errors import InputError
from smscli.model import MSISDN, Account, Message, Pairs, Secret, SenderId, visible
from smscli.providers import Provider
from smscli.wire import Request, encode


def address(provider: Provider, base_url: str, params: Pairs, path: str | None = None) -> Request:
    """Return the request that carries ``params`` to the vendor: to the script that ``path`` ends in, if it is known.

    Otherwise it is a send when they look like one, else a balance. A question of the price has the parameters of a
    send, and must not become one.
    The vendor's own builders are asked with sample values, so that addresses stand in one place only.
    """
    account = Account(base_url or "https://HOST/", Secret("sample"), _values(provider), _samples(provider))
    names, script = {name for name, _ in params}, _script(path or "")

    def likeness(sample: Request) -> tuple[bool, int]:
        own = {name for name, _ in (*sample.query, *sample.form)}
        return _script(urlsplit(sample.url).path) == script, len(names & own)

    closest = max((request for _, request in _requests(provider, account)), key=likeness)
    rule = provider.rule
    # What is part of the address (an action) and takes no part in the signature is easily left out of the parameters.
    aside = [pair for pair in closest.query if pair[0] in rule.unsigned and pair[0] not in {rule.signature, *names}]
    in_query = {name for name, _ in closest.query} if closest.form else names
    query = (*aside, *(pair for pair in params if pair[0] in in_query))
    return closest._replace(query=query, form=tuple(pair for pair in params if pair[0] not in in_query))


class Operations:
    """Which of a vendor's operations a request asks for, as its script and action say."""

    def __init__(self, provider: Provider) -> None:
        account = Account("https://HOST/", Secret("sample"), _values(provider), _samples(provider))
        requests = [*_requests(provider, account)]
        if provider.status:
            requests.append(("status", provider.status.build(("1",), account, "1")))
        aside = provider.rule.unsigned.keys() - {provider.rule.signature}
        self._known = [
            (name, _script(urlsplit(request.url).path), {pair for pair in request.query if pair[0] in aside})
            for name, request in requests
        ]

    def of(self, path: str | None, params: Pairs) -> str | None:
        """Return ``send``, ``balance``, ``price`` or ``status``; None when nothing tells."""
        script, pairs = _script(path or ""), set(params)
        return next((name for name, own, action in self._known if own == script and action <= pairs), None)


def identity(provider: Provider) -> Mapping[str, str]:
    """Return the parameters by which a request names its account, each with the profile field whose value it carries.

    The vendor's own builders are asked, once for each way a choice may turn, so that names stand in one place only.
    """
    own = [field.name for field in provider.fields if field.required and not field.secret]
    marks = {str(7_000_000_000 + number): name for number, name in enumerate(own)}
    marked = {name: mark for mark, name in marks.items()}
    chosen = [[(field.name, choice) for choice in field.choices] for field in provider.fields if field.choices]
    names: dict[str, str] = {}
    for choices in product(*chosen):
        account = Account("https://HOST/", Secret("sample"), {**dict(choices), **marked}, _samples(provider))
        for _, request in _requests(provider, account):
            pairs = (*request.query, *request.form)
            names.update({name: marks[value] for name, value in pairs if value in marks})
    return names


def _values(provider: Provider) -> dict[str, str]:
    return {field.name: field.default or field.example or "1" for field in provider.fields}


def _samples(provider: Provider) -> dict[str, Secret]:
    return {field.name: Secret("sample") for field in provider.secret_fields if field.sent}


def _requests(provider: Provider, account: Account) -> Iterator[tuple[str, Request]]:
    """Yield one request of each kind, with its name and sample values."""
    yield "balance", provider.balance.build(None, account, "1")
    message = Message((MSISDN(provider.example_number),), "sample")
    operations = {"send": provider.send.build, **({"price": provider.price.build} if provider.price else {})}
    for name, build in operations.items():
        try:
            yield name, build(message, account, "1")
        except InputError:  # a vendor that wants a sender with every text
            yield name, build(message._replace(sender=SenderId("sample")), account, "1")


def _script(path: str) -> str:
    return path.rpartition("/")[2]


def curl_command(request: Request) -> str:
    """Return the request as a curl command in one line for a POSIX shell; what cannot be seen is percent-encoded."""
    url = request.target if request.form else request.url
    words = ["curl", *(["-G"] if not request.form else []), url]
    for name, value in request.form or request.query:
        plain = visible(name + value) == name + value and not set(name) & set("=@%+&")
        words += ["--data-urlencode", f"{name}={value}"] if plain else ["-d", encode(((name, value),))]
    return shlex.join(words)
