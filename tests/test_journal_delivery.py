"""Where accepted messages stand: kept beside their entries, checked, forgotten with them, and never in a send's way.

``servers/test_journal_on_postgres.py`` runs all of this once more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from smscli.errors import ConfigError, InputError
from smscli.journal import DeliveryRow, Journal, JournalEntry, News
from smscli.model import MSISDN, DeliveryReport, DeliveryState, Outcome, Submission
from tests.jobs import ALL, ANNA, NOON, ended, job

Opened = Callable[..., Journal]
STATE = DeliveryState


def sent(journal: Journal, ids: str | None = None) -> None:
    """Send to everybody; the first one's text has these ids."""
    journal.begin(job())
    journal.claim("backup", ALL)
    first = ended(Outcome.SENT, *ALL)
    first[0] = first[0]._replace(message_id=ids or first[0].message_id)
    journal.settle("backup", first)


def news(
    *states: DeliveryState, position: int = 0, of: str = "id-37061234567", word: str = "so",
    at: str | None = None, second: float | None = None,
) -> list[News]:  # fmt: skip
    """Return that a message is said to be in these states, one after the other."""
    return [News(position, DeliveryReport(of, state, word, at), second) for state in states]


def stands(journal: Journal) -> list[str | None]:
    """Return where each message stands, by every way that a journal is read."""
    ways: list[Sequence[JournalEntry]] = [
        journal.show("backup"), tuple(journal.entries("backup")), tuple(journal.stream())
    ]  # fmt: skip
    first, *others = [[entry.delivery.state if entry.delivery else None for entry in way] for way in ways]
    assert others == [first, first]
    return first


def test_the_last_known_state_stands_beside_its_message(opened: Opened) -> None:
    """With the vendor's word, its time, and when it was learnt; of the others nothing is known."""
    with opened() as journal:
        sent(journal)
        assert stands(journal) == [None] * 3
    with opened(60) as journal:
        journal.learn("backup", news(STATE.DELIVERED, word="read", at="2030-03-17 19:46:42", second=NOON + 2))
        assert stands(journal) == ["DELIVERED", None, None]
        row = DeliveryRow(1, 0, "id-37061234567", "DELIVERED", 1, "read", NOON + 60, "2030-03-17 19:46:42", NOON + 2)
        assert journal.show("backup")[0].delivery == row
        assert row.report == DeliveryReport("id-37061234567", STATE.DELIVERED, "read", "2030-03-17 19:46:42")
        assert journal.check() == ()


@pytest.mark.parametrize(
    ("told", "stored"),
    [
        ([STATE.ENROUTE, STATE.ACCEPTED], ("ACCEPTED", 10)),
        ([STATE.ENROUTE, STATE.DELIVERED], ("DELIVERED", 10)),
        ([STATE.DELIVERED, STATE.ENROUTE], ("DELIVERED", 0)),
        ([STATE.EXPIRED, STATE.UNKNOWN], ("EXPIRED", 0)),
        ([STATE.EXPIRED, STATE.DELIVERED], ("DELIVERED", 10)),
        ([STATE.DELIVERED, STATE.DELIVERED], ("DELIVERED", 0)),
    ],
)
def test_what_has_ended_is_not_replaced_by_what_has_not(
    opened: Opened, told: list[DeliveryState], stored: tuple[str, float]
) -> None:
    """Vendors answer from several machines, and two processes may ask; the same state was learnt the first time."""
    journal, later = opened(), opened(10)
    sent(journal)
    journal.learn("backup", news(told[0]))
    later.learn("backup", news(told[1]))
    assert [(d.state, d.learnt - NOON) for d in journal.show("backup")[0].deliveries] == [stored]


def test_one_answer_may_speak_twice_of_a_message(opened: Opened) -> None:
    """Its last word counts, unless an end was among those before."""
    journal = opened()
    sent(journal)
    journal.learn("backup", news(STATE.ENROUTE, STATE.DELIVERED, STATE.ACCEPTED))
    assert stands(journal)[0] == "DELIVERED"


def test_a_later_answer_may_name_the_word_and_the_time_anew(opened: Opened) -> None:
    """What one of them leaves out is not forgotten."""
    journal = opened()
    sent(journal)
    journal.learn("backup", news(STATE.DELIVERED, at="2030-03-17 19:46:42", second=NOON + 2))
    journal.learn("backup", news(STATE.DELIVERED, word="read"))
    row = journal.show("backup")[0].delivery
    assert row
    assert (row.word, row.at, row.ended) == ("read", "2030-03-17 19:46:42", NOON + 2)
    journal.learn("backup", news(STATE.DELIVERED, word="read", at="2030-03-17 19:46:43", second=NOON + 3))
    row = journal.show("backup")[0].delivery
    assert row
    assert (row.at, row.ended) == ("2030-03-17 19:46:43", NOON + 3)


@pytest.mark.parametrize(
    ("known", "whole"),
    [
        ({"17": STATE.DELIVERED, "18": STATE.EXPIRED}, "EXPIRED"),
        ({"17": STATE.DELIVERED, "18": STATE.ENROUTE}, "ENROUTE"),
        ({"17": STATE.DELIVERED, "18": STATE.DELIVERED}, "DELIVERED"),
        ({"17": STATE.DELIVERED}, None),
        ({"18": STATE.DELETED}, "DELETED"),
        ({"4": STATE.DELIVERED}, None),
    ],
)
def test_half_a_text_is_not_delivered(opened: Opened, known: dict[str, DeliveryState], whole: str | None) -> None:
    """Of parts with an id each the gravest counts; an id of another attempt says nothing of this one."""
    journal = opened()
    sent(journal, "17,18")
    journal.learn("backup", [one for name, state in known.items() for one in news(state, of=name)])
    assert stands(journal)[0] == whole


def test_states_are_forgotten_with_their_send(opened: Opened) -> None:
    """And nothing is learnt of what was forgotten."""
    with opened() as journal:
        sent(journal)
        journal.learn("backup", news(STATE.DELIVERED))
    journal = opened(100)
    assert journal.purge(10) == 3
    assert journal._db.execute("SELECT count(*) FROM delivery").fetchone() == (0,)
    with pytest.raises(InputError, match="knows no key"):
        journal.learn("backup", news(STATE.DELIVERED))
    journal.learn("backup", [])


def test_a_damaged_state_is_told_and_keeps_nobody_from_sending(opened: Opened) -> None:
    """The check names its key; so does a row that belongs to no message."""
    journal = opened()
    sent(journal)
    journal.learn("backup", news(STATE.DELIVERED))
    journal.learn("backup", news(STATE.DELIVERED, position=7, of="x"))
    assert journal.check() == ("1 delivery states of no message",)
    with journal._db.writing(""):
        journal._db.execute("UPDATE delivery SET state = 'EXPIRED' WHERE position = 0")
    assert journal.check() == ("key 'backup': the journal is damaged: a row does not match its checksum",)
    with pytest.raises(ConfigError, match="does not match its checksum"):
        journal.show("backup")
    assert journal.begin(job()).replayed
    journal.begin(job("next"))
    journal.claim("next", [ANNA])
    journal.settle("next", [Submission(ANNA, Outcome.SENT, "19")])


def test_many_states_are_kept_and_read_in_steps(opened: Opened) -> None:
    """As many as the messages of a large job, which is read page by page."""
    count = 3100
    people = tuple(MSISDN(str(37060000000 + number)) for number in range(count))
    journal = opened()
    journal.begin(job("large", to=people))
    journal.claim("large", people)
    journal.settle("large", ended(Outcome.SENT, *people))
    journal.learn(
        "large",
        [News(place, DeliveryReport(f"id-{to.digits}", STATE.DELIVERED, "ok")) for place, to in enumerate(people)],
    )
    assert sum(entry.delivery is not None for entry in journal.stream()) == count
    assert sum(entry.delivery is not None for entry in journal.entries("large")) == count
    assert journal.check() == ()
