"""``smscli journal stats``: sums of what the journal holds, by when it was sent, and how soon messages arrived."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from smscli.cli.stats import Durations
from smscli.errors import Cause, ExitCode
from smscli.journal import Job, Journal, News
from smscli.model import MSISDN, DeliveryReport, DeliveryState, Money, Outcome, Reason, Submission
from tests.conftest import Ran
from tests.jobs import NOON

Run = Callable[..., Ran]
DAY = 86_400.0
REFUSED, LOST = Reason("no money", Cause.REFUSED, "32"), Reason("no answer", Cause.UNKNOWN)


def lay(path: Path, key: str, vendor: str, *ends: Submission, at: float = NOON, take: float = 0.0) -> None:
    """Lay a send of which these are the outcomes; each answer took ``take`` seconds."""
    to = tuple(end.to for end in ends)
    with Journal(path, now=lambda: at) as journal:
        journal.begin(Job(key, vendor, "demo", "work", "Alert", tuple((n, "hi") for n in to), key))
        journal.claim(key, [end.to for end in ends if end.outcome is not Outcome.NOT_SENT])
        journal._now = lambda: at + take
        journal.settle(key, [end for end in ends if end.outcome is not Outcome.NOT_SENT])


def learn(path: Path, key: str, states: dict[int, DeliveryState], *, after: float, ended: float | None = None) -> None:
    """Learn, some seconds after noon, where messages stand; ``ended`` is what the vendor says, so long after noon."""
    with Journal(path, now=lambda: NOON + after) as journal:
        entries = journal.show(key)
        journal.learn(
            key,
            [
                News(
                    place, DeliveryReport(entries[place].message.message_id or "", state, "so"),
                    None if ended is None else NOON + ended,
                )
                for place, state in states.items()
            ],
        )  # fmt: skip


def number(last: int) -> MSISDN:
    """Return a number by its last digit."""
    return MSISDN(f"3706123456{last}")


def accepted(last: int, parts: int | None = 1, cost: str | None = None, currency: str | None = None) -> Submission:
    """Return that one was accepted, with an id of its own."""
    price = None if cost is None else Money(Decimal(cost), currency)
    return Submission(number(last), Outcome.SENT, f"id-{last}", parts, price)


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a journal with two sends of today and one of forty days ago."""
    path = tmp_path_factory.mktemp("laid") / "journal.sqlite3"
    lay(path, "old", "mainsms", accepted(1, 3, "5.50", "RUB"), at=NOON - 40 * DAY)
    lay(
        path, "mixed", "lightsms", accepted(1, 2, "0.0144", "EUR"), accepted(2, 1, "0.0156", "EUR"),
        accepted(3, None, "0.5"), Submission(number(4), Outcome.REFUSED, reason=REFUSED),
        Submission(number(5), Outcome.UNKNOWN, reason=LOST), Submission(number(6), Outcome.NOT_SENT),
    )  # fmt: skip
    lay(path, "other", "mainsms", accepted(1, 1, "2.10", "RUB"), accepted(2))
    return path


@pytest.fixture
def path(tmp_path: Path, laid: Path) -> Path:
    """Return where the vendors' journal is, with these sends."""
    path = tmp_path / "state" / laid.name
    path.parent.mkdir(mode=0o700)
    shutil.copy(laid, path)
    return path


@pytest.fixture
def told(smscli: Run, path: Path) -> Callable[..., Any]:
    """Return what the command tells, as the data of its JSON."""
    assert path.exists()

    def tell(*argv: str) -> Any:
        ran = smscli("journal", "stats", "-o", "json", *argv, now=lambda: NOON + 60)
        assert ran.code == 0, ran.err
        return ran.json["data"]

    return tell


def test_outcomes_causes_parts_and_spend_are_summed(told: Callable[..., Any]) -> None:
    """Each currency for itself, no digit lost, and what names none apart."""
    data = told()
    assert data["recipients"] == 9
    assert data["outcomes"] == {"SENT": 6, "REFUSED": 1, "NOT_SENT": 1, "UNKNOWN": 1, "IN_FLIGHT": 0}
    assert data["causes"] == [
        {"outcome": "REFUSED", "cause": "refused", "recipients": 1},
        {"outcome": "UNKNOWN", "cause": "unknown", "recipients": 1},
    ]
    assert data["parts"] == {"total": 8, "recipients": 5}
    assert data["spend"] == [
        {"currency": None, "amount": "0.5", "recipients": 1},
        {"currency": "EUR", "amount": "0.0300", "recipients": 2},
        {"currency": "RUB", "amount": "7.60", "recipients": 2},
    ]


def test_each_vendor_has_sums_of_its_own(told: Callable[..., Any]) -> None:
    """They add up to the whole."""
    lightsms, mainsms = told()["vendors"]
    assert (lightsms["provider"], mainsms["provider"]) == ("lightsms", "mainsms")
    assert (lightsms["outcomes"]["SENT"], mainsms["outcomes"]["SENT"]) == (3, 3)
    assert (lightsms["parts"]["total"], mainsms["parts"]["total"]) == (3, 5)
    assert mainsms["spend"] == [{"currency": "RUB", "amount": "7.60", "recipients": 2}]


def test_since_goes_by_when_it_was_sent(told: Callable[..., Any]) -> None:
    """To the second."""
    counts = [(since, told("--since", since)["recipients"]) for since in ("1m", "59s", "39d", "41d")]
    assert counts == [("1m", 8), ("59s", 0), ("39d", 8), ("41d", 9)]


def test_since_does_not_go_by_the_last_change(told: Callable[..., Any], path: Path) -> None:
    """An answer that came late, or a person's decision today, makes an old send no younger."""
    lay(path, "late", "lightsms", accepted(1), at=NOON - 100, take=100)
    assert (told("--since", "2m")["recipients"], told("--since", "4m")["recipients"]) == (8, 9)


def test_delivery_states_are_counted_and_what_is_not_known_beside_them(told: Callable[..., Any], path: Path) -> None:
    """Of what was accepted alone."""
    assert told()["delivery"] == {"states": {}, "not_known": 6}
    learn(path, "mixed", {0: DeliveryState.DELIVERED, 1: DeliveryState.EXPIRED}, after=9)
    learn(path, "other", {0: DeliveryState.DELIVERED}, after=9)
    assert told()["delivery"] == {"states": {"DELIVERED": 2, "EXPIRED": 1}, "not_known": 3}


def test_the_vendors_own_time_and_that_of_the_question_stay_apart(told: Callable[..., Any], path: Path) -> None:
    """What was learnt by asking took that long at most."""
    learn(path, "mixed", {0: DeliveryState.DELIVERED}, after=500, ended=3)
    learn(path, "mixed", {1: DeliveryState.DELIVERED}, after=500, ended=7)
    learn(path, "mixed", {2: DeliveryState.DELIVERED}, after=41)
    learn(path, "other", {0: DeliveryState.EXPIRED}, after=99, ended=98)
    assert told()["seconds_to_delivery"] == {
        "by_vendor_clock": {"recipients": 2, "median": 3, "p90": 7},
        "at_most": {"recipients": 1, "median": 41, "p90": 41},
    }


def test_a_text_has_arrived_with_its_last_part(told: Callable[..., Any], path: Path) -> None:
    """By the vendor's clock only when it says so of each."""
    lay(path, "long", "lightsms", accepted(1)._replace(message_id="1,2"))
    with Journal(path, now=lambda: NOON + 50) as journal:
        for ended in ({"1": 4.0, "2": None}, {"1": 4.0, "2": 6.0}):
            news = [
                News(0, DeliveryReport(one, DeliveryState.DELIVERED, "ok"), None if at is None else NOON + at)
                for one, at in ended.items()
            ]
            journal.learn("long", news)
            times = told()["seconds_to_delivery"]
            name = "at_most" if ended["2"] is None else "by_vendor_clock"
            assert times[name]["median"] == (50 if ended["2"] is None else 6)


def test_lines_and_table_say_the_same(smscli: Run, path: Path) -> None:
    """A fact a line; the table leaves out what is nought, and says first how it all ended."""
    learn(path, "mixed", {0: DeliveryState.DELIVERED}, after=12)
    ran = smscli("journal", "stats", "--since", "30d", now=lambda: NOON + 60)
    assert (ran.code, ran.err) == (0, "")
    for line in (
        ["outcome", "SENT", "5"],
        ["outcome", "IN_FLIGHT", "0"],
        ["parts", "as the vendor counted", "5"],
        ["spend", "EUR", "0.0300"],
        ["spend", "no currency named", "0.5"],
        ["cause", "REFUSED refused", "1"],
        ["lightsms outcome", "SENT", "3"],
        ["mainsms spend", "RUB", "2.10"],
        ["delivery", "DELIVERED", "1"],
        ["delivery", "not known", "4"],
        ["seconds to delivery, by the vendor's clock", "recipients", "0"],
        ["seconds to delivery, at most, by asking", "90 %", "12"],
    ):
        assert line in ran.lines
    table = smscli("journal", "stats", "--since", "30d", terminal=True, now=lambda: NOON + 60).out
    assert "5 SENT, 1 REFUSED, 1 NOT_SENT, 1 UNKNOWN" in " ".join(table.split())
    assert "0.0300" in table
    assert "IN_FLIGHT" not in table
    document = ET.fromstring(smscli("journal", "stats", "-o", "xml", now=lambda: NOON + 60).out)  # noqa: S314  (ours)
    assert document.findtext("data/outcomes/SENT") == "6"


def test_the_sandbox_has_its_own_and_an_empty_journal_is_no_error(smscli: Run) -> None:
    """Asking begins none."""
    for argv in ((), ("--since", "1h"), ("--sandbox",)):
        ran = smscli("journal", "stats", *argv)
        assert (ran.code, ran.lines[0]) == (0, ["outcome", "SENT", "0"])
        assert "nothing" in ran.err
    smscli("send", "--sandbox", "--to", "+37061234567", "hi")
    assert smscli("journal", "stats", "--sandbox").lines[0] == ["outcome", "SENT", "1"]
    assert smscli("journal", "stats").lines[0] == ["outcome", "SENT", "0"]
    assert smscli("journal", "stats", "--since", "soon").code == ExitCode.INPUT


# --- how soon ---------------------------------------------------------------------------------------------------------


def test_percentiles_are_those_of_the_sorted_list() -> None:
    """Nearest rank: an observed value, which so many of a hundred do not exceed."""
    chance = random.Random(11)  # noqa: S311  (the same each time)
    for count in (1, 2, 3, 10, 11, 999):
        values = [chance.randrange(900) for _ in range(count)]
        durations = Durations()
        for value in values:
            durations.add(value)
        for percent in (1, 50, 90, 100):
            assert durations.within(percent) == sorted(values)[-(-count * percent // 100) - 1]
        assert durations.known == count
    assert Durations().within(50) is None


def test_long_durations_are_rounded_up_so_that_they_stay_few() -> None:
    """To three digits: a week is told to a quarter of an hour, and no journal is too large to be summed."""
    durations = Durations()
    for seconds in (-5.0, 0.2, 999.5, 1000, 1001, 604_801.5):
        durations.add(seconds)
    assert sorted(durations._counts) == [0, 1, 1000, 1010, 605_000]
    for seconds in range(0, 40_000_000, 997):
        durations.add(seconds)
    assert len(durations._counts) < 6000
