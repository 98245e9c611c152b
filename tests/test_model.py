"""The values: what they refuse, what they show, and how a receipt sums up."""

from __future__ import annotations

import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli.errors import (
    AuthenticationError,
    Cause,
    ConfigError,
    InputError,
    OutcomeUnknownError,
    PartialError,
    RejectedError,
    UnreachableError,
    UnsupportedError,
)
from smscli.model import (
    MSISDN,
    Account,
    Balance,
    DeliveryState,
    Outcome,
    Reason,
    Secret,
    SenderId,
    SendReceipt,
    Submission,
    all_of,
    mask,
    visible,
)

ONE, TWO = MSISDN("37061234567"), MSISDN("37062345678")


def receipt(*ends: tuple[Outcome, Cause | None], unrecorded: Reason | None = None) -> SendReceipt:
    """Return a receipt with one recipient for each (outcome, exit code of its reason)."""
    return SendReceipt(
        tuple(
            Submission(MSISDN(f"3706000000{index}"), outcome, reason=Reason("why", code, "c", "do") if code else None)
            for index, (outcome, code) in enumerate(ends)
        ),
        unrecorded=unrecorded,
    )


@given(st.text())
def test_visible_text_never_steers_a_terminal(text: str) -> None:
    """No control, bidi or surrogate character is left, and every output can be encoded."""
    shown = visible(text)
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E for c in shown)
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\r\n", "a\\tb\\r\\n"),
        ("\x1b[31m\x9b", "\\x1b[31m\\x9b"),
        ("\u202egnp", "\\u202egnp"),
        ("\ud800", "\\ud800"),
        ("Ğ Ё 👨‍👩‍👧 ☕", "Ğ Ё 👨‍👩‍👧 ☕"),
    ],
)
def test_visible_escapes_steering_characters_only(text: str, shown: str) -> None:
    """Printable characters of every script pass, the rest is written out."""
    assert visible(text) == shown


def test_a_secret_never_shows_itself() -> None:
    """Printing, formatting and pickling give the mask; only reveal gives the value."""
    secret = Secret("hunter2")
    assert f"{secret} {secret!r} {[secret]}" == "*** *** [***]"
    assert pickle.loads(pickle.dumps(secret)).reveal() == "***"  # noqa: S301  (our own bytes)
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2")
    assert secret != "hunter2"
    assert len({secret, Secret("hunter2")}) == 1


def test_a_secret_is_masked_in_a_text() -> None:
    """Every occurrence goes; an empty secret masks nothing."""
    assert mask("akbk", [Secret("k")]) == "a***b***"
    assert mask("abc", [Secret("")]) == "abc"


@pytest.mark.parametrize("digits", ["", "1234", "0123456", "1" * 16, "+37061234567", "3706123456a", "٣٧٠٦١٢٣٤٥"])
def test_what_is_not_e164_is_no_number(digits: str) -> None:
    """An MSISDN holds 5 to 15 ASCII digits without a leading zero."""
    with pytest.raises(InputError, match=r"E\.164"):
        MSISDN(digits)


@pytest.mark.parametrize("value", ["", "  ", "a" * 21, "a\nb", "a\x1bb"])
def test_what_no_vendor_takes_is_no_sender(value: str) -> None:
    """Nothing, too much, and control characters are refused."""
    with pytest.raises(InputError, match="not a sender ID"):
        SenderId(value)


def test_numbers_and_senders_print_as_people_write_them() -> None:
    """A number has its plus, a sender is itself."""
    assert (str(ONE), str(SenderId("ACME"))) == ("+37061234567", "ACME")


SENT, REFUSED, NOT_SENT, UNKNOWN = Outcome.SENT, Outcome.REFUSED, Outcome.NOT_SENT, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("ends", "code", "error"),
    [
        ([(SENT, None), (SENT, None)], 0, None),
        ([(SENT, None), (UNKNOWN, Cause.UNKNOWN)], 7, OutcomeUnknownError),
        ([(REFUSED, Cause.CREDENTIALS), (UNKNOWN, Cause.UNKNOWN)], 7, OutcomeUnknownError),
        ([(SENT, None), (REFUSED, Cause.REFUSED)], 8, PartialError),
        ([(SENT, None), (NOT_SENT, Cause.UNREACHABLE)], 8, PartialError),
        ([(REFUSED, Cause.REFUSED), (REFUSED, Cause.CREDENTIALS)], 4, AuthenticationError),
        ([(REFUSED, Cause.REFUSED), (NOT_SENT, Cause.UNREACHABLE)], 5, RejectedError),
        ([(NOT_SENT, Cause.INPUT)], 2, InputError),
        ([(NOT_SENT, Cause.CONFIG)], 3, ConfigError),
        ([(REFUSED, Cause.UNREACHABLE)], 6, UnreachableError),
        ([(NOT_SENT, None)], 6, UnreachableError),
    ],
)
def test_a_receipt_ends_with_the_status_of_the_whole(
    ends: list[tuple[Outcome, Cause | None]], code: int, error: type[Exception] | None
) -> None:
    """Unknown before partial before the gravest refusal; the error says the same as the status."""
    result = receipt(*ends)
    assert result.exit_code == code
    assert type(result.error) is (error or type(None))
    if result.error is not None:
        assert result.error.exit_code == code


def test_the_error_of_many_counts_the_outcomes() -> None:
    """One recipient: its reason. Several: the reason and the tally."""
    single = receipt((REFUSED, Cause.REFUSED)).error
    several = receipt((REFUSED, Cause.REFUSED), (NOT_SENT, Cause.UNREACHABLE)).error
    assert single is not None
    assert (single.message, single.hint, single.code) == ("why", "do", "c")
    assert several is not None
    assert several.message == "why (1 REFUSED, 1 NOT_SENT)"


def test_what_the_journal_could_not_take_is_never_a_success() -> None:
    """An unrecorded outcome is unknown to the next run; when nothing was sent the journal is the only trouble."""
    why = Reason("disk full", Cause.CONFIG, hint="free some")
    sent, nothing = receipt((SENT, None), unrecorded=why), receipt((NOT_SENT, Cause.UNREACHABLE), unrecorded=why)
    assert (sent.exit_code, nothing.exit_code) == (7, 3)
    assert sent.error is not None
    assert "could not be recorded: disk full" in sent.error.message


def test_all_of_gives_each_recipient_the_same_end() -> None:
    """The order is the one asked for."""
    why = Reason("no", Cause.REFUSED)
    assert all_of((TWO, ONE), REFUSED, why) == (
        Submission(TWO, REFUSED, reason=why),
        Submission(ONE, REFUSED, reason=why),
    )


def test_unsupported_is_a_kind_of_conflict() -> None:
    """A vendor that lacks an operation ends with 9."""
    assert UnsupportedError("no").exit_code == 9
    assert Balance(Decimal(1), "EUR").daily_quota is None


def test_numbers_sort_by_their_digits() -> None:
    """A job is the same whatever the order of its recipients."""
    assert sorted([MSISDN("37061234568"), MSISDN("37061234567")]) == [MSISDN("37061234567"), MSISDN("37061234568")]


def test_a_reason_and_its_error_say_the_same() -> None:
    """Both ways, the waiting time included."""
    reason = Reason("too fast", Cause.BUSY, "60", "wait", 7.0)
    error = reason.error()
    assert (error.message, error.code, error.hint, error.wait, error.exit_code) == ("too fast", "60", "wait", 7.0, 6)
    assert Reason.of(error) == reason._replace(cause=Cause.UNREACHABLE)


def test_longer_secrets_are_masked_first() -> None:
    """One that holds another leaves nothing of itself; an empty one is none."""
    assert mask("a pin 4711 of 47110815", [Secret("4711"), Secret("47110815"), Secret("")]) == "a pin *** of ***"
    account = Account("https://host/", Secret("key"), {}, {"password": Secret("keyring")})
    assert account.mask("key and keyring") == "*** and ***"


def test_a_part_that_never_arrives_is_graver_than_one_that_may() -> None:
    """And a delivered one says nothing against the whole text."""
    by_gravity = sorted(DeliveryState, key=lambda state: state.gravity)
    assert by_gravity[0] is DeliveryState.DELIVERED
    assert [state.is_final for state in by_gravity[1:]] == [False] * 4 + [True] * 5
    assert DeliveryState.DELIVERED.gravity == 0
