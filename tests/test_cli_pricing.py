"""What messages would cost: the vendor's word, for all or for nobody, in few requests; and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from smscli.cli.pricing import REQUESTS, Estimate, estimate
from smscli.dispatch import Caller, World
from smscli.errors import RejectedError, UnreachableError
from smscli.model import MSISDN, Message, Money, Quote
from smscli.providers import Operation, Provider, get
from smscli.wire import Request, Response
from tests.conftest import Ran
from tests.vendors import NOW, account, emulator, environment

Run = Callable[..., Ran]

A, B, C = (MSISDN(f"3706123456{last}") for last in range(3))
Answer = Callable[[Message], Quote]


def euros(amount: str) -> Money:
    """Return an amount in one currency."""
    return Money(Decimal(amount), "EUR")


def ask(answer: Answer, *messages: Message, limit: int = 1, **options: Any) -> tuple[Estimate, list[Message]]:
    """Return what a vendor that answers so makes of these messages, and what it was asked."""
    asked: list[Message] = []

    def parse(_response: Response, what: Message, _stamp: str) -> Quote:
        asked.append(what)
        return answer(what)

    vendor = get("mainsms")._replace(
        title="Acme", price_limit=limit,
        price=Operation(lambda _what, one, _stamp: Request("GET", one.base_url), parse),
    )  # fmt: skip
    return estimate(caller(vendor), vendor, iter(messages), **options), asked


def caller(provider: Provider) -> Caller:
    """Return the way to a vendor whose answers are empty, with a clock that never waits."""
    world = World(
        transport=lambda _request, _seconds: Response(200, b""), seconds=30.0, now=lambda: NOW, monotonic=lambda: 0.0,
        sleep=lambda _seconds: None, jitter=lambda: 0.0, nonce=lambda: "1",
    )  # fmt: skip
    return Caller(provider, account("mainsms"), world)


def to(*numbers: MSISDN, text: str = "hi") -> Message:
    """Return a text to these."""
    return Message(numbers, text)


# --- what is added up -------------------------------------------------------------------------------------------------


def test_prices_of_all_are_added_up_exactly() -> None:
    """Each for all recipients of its request; who gets two texts counts twice."""
    result, asked = ask(lambda what: Quote(euros("0.1"), what.to), to(A, B, C), to(A), limit=2)
    assert result == Estimate(4, euros("0.3"), asked=4, known=4, partial=euros("0.3"))
    assert [what.to for what in asked] == [(A, B), (C,), (A,)]


def test_a_price_of_some_is_never_the_total() -> None:
    """The reason says how many have one, and what these cost."""
    result, _ = ask(lambda what: Quote(euros("0.2"), what.to[:2]), to(A, B, C), limit=100)
    assert (result.total, result.partial, result.known) == (None, euros("0.2"), 2)
    assert result.reason == "Acme named one for 2 of 3 recipients, 0.2 EUR"


def test_nothing_is_made_of_no_price() -> None:
    """Least of all 0."""
    result, _ = ask(lambda what: Quote(None, what.to), to(A), to(B))
    assert result == Estimate(2, asked=2, reason="Acme named none")


def test_currencies_are_not_added_up() -> None:
    """A guess of the rate would be an invented price."""
    result, _ = ask(lambda what: Quote(euros("1") if what.to == (A,) else Money(Decimal(90), "RUB"), what.to), to(A, B))
    assert (result.total, result.partial) == (None, None)
    assert result.reason == "Acme named prices in several currencies: EUR, RUB"
    nameless, _ = ask(lambda what: Quote(Money(Decimal(2)), what.to), to(A))
    assert nameless.total == Money(Decimal(2))
    assert nameless.rows[0][:2] == ("price", "2")


def test_what_is_open_about_a_price_is_told_once() -> None:
    """The vendor's other count of parts, and what its pages do not say."""
    result, _ = ask(lambda what: Quote(euros("1"), what.to, 2, "perhaps"), to(A, B), to(C, text="ho"))
    assert result.doubts == result.notes == ("Acme counts 2 parts, smscli 1", "perhaps")
    certain, _ = ask(lambda what: Quote(euros("1"), what.to, 1), to(A))
    assert certain.doubts == ()


# --- how much is asked ------------------------------------------------------------------------------------------------


def test_more_requests_than_the_bound_are_not_begun() -> None:
    """Half a price would help nobody; the messages are not even kept."""

    def answer(what: Message) -> Quote:
        return Quote(euros("1"), what.to)

    assert ask(answer, *[to(A)] * REQUESTS)[0].total == euros(str(REQUESTS))
    many = Estimate(50_000, reason=f"not asked: it would take 50000 requests, more than {REQUESTS}")
    assert ask(answer, *[to(A)] * 50_000) == (many, [])
    assert ask(answer, *[to(A, B)] * 3, limit=2, most=2) == (
        Estimate(6, reason="not asked: it would take 3 requests, more than 2"), [],
    )  # fmt: skip


def test_a_refusal_of_one_number_leaves_the_others_their_price() -> None:
    """The first refusal is the one that is told."""

    def answer(what: Message) -> Quote:
        if what.to == (B,):
            return Quote(euros("0.5"), what.to)
        raise RejectedError(f"error 36: no information about {'A' if what.to == (A,) else 'C'}")

    result, asked = ask(answer, to(A, B, C))
    assert (result.total, result.known, result.asked, len(asked)) == (None, 1, 3, 3)
    assert result.reason == "Acme named one for 1 of 3 recipients, 0.5 EUR; error 36: no information about A"


def test_a_vendor_that_cannot_be_reached_is_not_asked_again_and_again() -> None:
    """Its tries are those of one question; the next numbers would meet the same."""

    def answer(_what: Message) -> Quote:
        raise UnreachableError("the vendor is down")

    result, asked = ask(answer, to(A), to(B))
    assert (result.reason, result.asked, {what.to for what in asked}) == ("the vendor is down", 1, {(A,)})


def test_a_number_that_the_vendor_would_misread_has_no_price() -> None:
    """Nothing is asked about it, and nothing is raised."""
    vendor = get("mainsms")
    result = estimate(caller(vendor), vendor, [to(MSISDN("85212345678"))])
    assert result.total is None
    assert "would be read as the Russian number" in (result.reason or "")


def test_a_vendor_that_tells_none_is_not_asked() -> None:
    """Mesajlarim has no such question."""
    vendor = get("mesajlarim")
    result = estimate(caller(vendor), vendor, [to(A, B), to(C)])
    assert result == Estimate(3, reason="Mesajlarim tells no prices beforehand")


# --- how it is told ---------------------------------------------------------------------------------------------------

TO = "+37061234567"
COUNT = ("count", "--sandbox", "--price", "--to")
DRY_RUN = ("send", "--sandbox", "--dry-run", "--price", "--to")


def test_a_script_gets_amount_and_currency_behind_the_count(smscli: Run) -> None:
    """Five cells; the last two are empty when the price is not known, and stderr says why."""
    assert smscli(*COUNT, f"{TO},+37061234568", "hi") == Ran(0, "1\tGSM-7\t2\t0.0288\tEUR\n", "")
    unknown = smscli(*COUNT, "+905321000000", "--provider", "mesajlarim", "hi")
    assert unknown.out == "1\tGSM-7\t2\t\t\n"
    assert unknown.err == "smscli: the price is not known: Mesajlarim tells no prices beforehand\n"


def test_a_program_gets_all_of_it(smscli: Run) -> None:
    """As text, for a float would be another amount; without --price there is no member."""
    argv = (*COUNT, "+79121231234", "--provider", "payforsms", "a" * 161, "-o", "json")
    assert smscli(*argv).json["data"]["price"] == {
        "amount": "9.04", "currency": "RUB", "recipients": 1, "asked": 1, "known": 1, "known_amount": "9.04",
        "reason": None, "doubts": [],
    }  # fmt: skip
    assert "price" not in smscli("count", "hi", "-o", "json").json["data"]
    assert "price" not in smscli("send", "--sandbox", "--dry-run", "--to", TO, "hi", "-o", "json").json["data"]


def test_a_person_reads_price_and_doubt(smscli: Run) -> None:
    """The price is the first row, the doubt a note."""
    ran = smscli(*COUNT, TO, "a" * 161, terminal=True, environ={"COLUMNS": "100"})
    assert "│ price │ 0.0288 EUR │ for 1 recipient, as the vendor says" in ran.out
    assert ran.err == "smscli: LightSMS does not say whether its price counts each of the 2 parts\n"
    many = ",".join(f"+370612345{number:02}" for number in range(21))
    ran = smscli(*COUNT, many, "hi", terminal=True, environ={"COLUMNS": "100"})
    assert "│ price │ not known │ not asked: it would take 21 requests, more than 20" in ran.out


def test_a_dry_run_asks_only_when_it_is_told_to(smscli: Run) -> None:
    """It promises that nothing is asked; with --price the price comes behind the rest, and no message is sent."""
    asked: list[Request] = []

    def transport(request: Request, seconds: float) -> Response:
        asked.append(request)
        return emulator()(request, seconds)

    world: dict[str, Any] = {"environ": environment("lightsms"), "transport": transport, "now": lambda: NOW}
    argv = ("send", "--dry-run", "--to", TO, "hi")
    plain = smscli(*argv, **world)
    assert (plain.code, asked) == (0, [])
    priced = smscli(*argv, "--price", **world)
    assert [request.url.rpartition("/")[2] for request in asked] == ["timestamp.php", "operator.php"]
    assert priced.lines[: len(plain.lines)] == plain.lines
    assert priced.lines[len(plain.lines) :] == [
        ["price", "amount", "0.0144"], ["price", "currency", "EUR"], ["price", "recipients", "1"],
        ["price", "known", "1"],
    ]  # fmt: skip
    table = smscli(*argv, "--price", terminal=True, **world).out
    assert "│ price   │ 0.0144 EUR    │ for 1 recipient, as the vendor says" in table
    assert smscli(*argv, "--price", "-o", "json", **world).json["data"]["price"]["amount"] == "0.0144"


def test_a_test_is_not_charged_and_not_asked_about(smscli: Run) -> None:
    """Its price would be that of a real send."""
    argv = ("--provider", "mainsms", "--test", "hi", "-o", "json")
    price = smscli(*DRY_RUN, "+79121231234", *argv).json["data"]["price"]
    assert (price["amount"], price["asked"], price["reason"]) == (None, 0, "a test is not charged")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("send", "--sandbox", "--price", "--to", TO, "hi"), "--price goes with --dry-run"),
        (("count", "--to", TO, "hi"), "recipients and sender are for the price"),
        (("count", "--sender", "Me", "hi"), "recipients and sender are for the price"),
        (("count", "--sandbox", "--price", "hi"), "nobody to send to"),
    ],
)
def test_a_price_that_cannot_be_asked_for_is_refused(smscli: Run, argv: tuple[str, ...], words: str) -> None:
    """Exit 2, and nothing was sent."""
    ran = smscli(*argv)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err


def test_the_recipients_and_the_sender_of_a_profile_count(smscli: Run) -> None:
    """As for a send."""
    asked: list[Request] = []

    def transport(request: Request, seconds: float) -> Response:
        asked.append(request)
        return emulator()(request, seconds)

    environ = environment("mainsms") | {"SMSCLI_TO": "+79121231234"}
    ran = smscli("count", "--price", "hi", environ=environ, transport=transport)
    assert ran.lines == [["1", "GSM-7", "2", "4.52", "RUB"]], ran.err
    assert dict(asked[0].form)["sender"] == environ["SMSCLI_SENDER"]
    smscli("count", "--price", "--sender", "Another", "hi", environ=environ, transport=transport)
    assert dict(asked[1].form)["sender"] == "Another"


def test_a_vendor_that_does_not_answer_is_no_error_of_a_count(smscli: Run) -> None:
    """The text is counted all the same, and the price is not known."""

    def transport(_request: Request, _seconds: float) -> Response:
        raise UnreachableError("connection refused")

    ran = smscli(
        "count", "--price", "--to", TO, "hi", environ=environment("lightsms"), transport=transport,
        sleep=lambda _seconds: None,
    )  # fmt: skip
    assert (ran.code, ran.out) == (0, "1\tGSM-7\t2\t\t\n")
    assert ran.err == "smscli: the price is not known: connection refused\n"


def test_the_bound_of_parts_holds_beside_the_price(smscli: Run) -> None:
    """Exit 9, with all that was counted."""
    ran = smscli(*COUNT, TO, "a" * 161, "--max-parts", "1")
    assert (ran.code, ran.lines[0][3]) == (9, "0.0288")
