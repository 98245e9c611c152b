"""A store of an earlier layout on a server: added to by a role that may, all or nothing, and refused for any other."""

from __future__ import annotations

import threading

import pytest

from smscli.errors import ConfigError
from smscli.journal import Health, Hints, Journal, News, Server, look
from smscli.journal._rows import VERSION
from smscli.model import DeliveryReport, DeliveryState, Outcome, Secret
from tests.jobs import ALL, NOON, ended, job
from tests.servers.cluster import Cluster, missing

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

HINTS = Hints(older="ask its owner")
ARRIVED = [News(0, DeliveryReport("id-37061234567", DeliveryState.DELIVERED, "ok"))]


@pytest.fixture
def older(running_cluster: Cluster, place: Server) -> Server:
    """Return a store of layout 4 with one send, and a role that the README's recipe has let in."""
    with Journal(place, now=lambda: NOON) as journal:
        journal.begin(job())
        journal.claim("backup", ALL)
        journal.settle("backup", ended(Outcome.SENT, *ALL))
    role = role_of(place)
    running_cluster.run_sql(
        f"DROP TABLE {place.schema}.delivery",
        f"UPDATE {place.schema}.about SET layout = 4",  # noqa: S608  (ours)
        f'CREATE ROLE "{role}" LOGIN',
        f'GRANT USAGE ON SCHEMA {place.schema} TO "{role}"',
        f'GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA {place.schema} TO "{role}"',
    )
    return place


def role_of(place: Server) -> str:
    """Return the name of the role that may do nothing else; it needs quotes."""
    return f"Host of {place.schema}"


def as_role(running: Cluster, place: Server) -> Server:
    """Return the place as that role meets it."""
    return place._replace(url=Secret(running.url_of(role_of(place).replace(" ", "%20"))))


def test_a_role_that_may_brings_it_up_to_date_and_the_others_go_on(running_cluster: Cluster, older: Server) -> None:
    """What it said before it says again; whoever may write the other tables may write the new one."""
    with Journal(older, now=lambda: NOON) as journal:
        assert [str(entry.state) for entry in journal.show("backup")] == ["SENT"] * 3
        assert journal._db.execute("SELECT layout FROM about").fetchone() == (VERSION,)
    with Journal(as_role(running_cluster, older), now=lambda: NOON) as journal:
        journal.learn("backup", ARRIVED)
        assert [entry.delivery and entry.delivery.state for entry in journal.show("backup")] == [
            "DELIVERED", None, None
        ]  # fmt: skip
        assert journal.check() == ()


def test_a_role_that_may_not_is_told_what_to_do_and_changes_nothing(running_cluster: Cluster, older: Server) -> None:
    """Nothing was sent; a look says so as well, and to who may that it is old."""
    for _ in range(2):
        with pytest.raises(ConfigError, match="earlier layout, which this role may not bring up to date") as caught:
            Journal(as_role(running_cluster, older), now=lambda: NOON, hints=HINTS)
        assert caught.value.hint == HINTS.older
        with pytest.raises(ConfigError, match="which this role may not bring up to date") as caught:
            look(as_role(running_cluster, older), HINTS, 1)
        assert caught.value.hint == HINTS.older
    assert look(older, HINTS, 1) == Health(4, is_old=True)


def test_several_may_bring_it_up_to_date_at_once(older: Server) -> None:
    """One does it, the others find it done."""
    failures = list[BaseException]()

    def open_it() -> None:
        try:
            with Journal(older, now=lambda: NOON) as journal:
                journal.learn("backup", ARRIVED)
        except BaseException as error:  # noqa: BLE001  (told below)
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
