"""Rig: a journal with a flipped bit in one of its pages; a used key never looks free."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from smscli.errors import ConfigError
from smscli.journal import Journal
from smscli.journal._rows import key_digest
from tests.jobs import ANNA, NOON, job
from tests.test_journal_scale import DAY, INTERIOR, JOBS, LEAF, lay_sound, pages

TRIALS = 25


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a journal of many jobs, each of a content of its own."""
    return lay_sound(tmp_path_factory.mktemp("sound"))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("sqlite_autoindex_job_1", LEAF),
        ("sqlite_autoindex_job_1", INTERIOR),
        ("lookup", LEAF),
        ("lookup", INTERIOR),
        ("job", LEAF),
        ("job", INTERIOR),
        ("job_of_content", LEAF),
        ("job_of_content", INTERIOR),
        ("witness", LEAF),
        ("witness_claimed", LEAF),
        ("message", LEAF),
    ],
    ids=lambda value: value if isinstance(value, str) else "leaf" if value is LEAF else "interior",
)
def test_a_flipped_bit_never_makes_a_used_key_look_free(
    sound: Path, tmp_path: Path, name: str, kinds: tuple[int, ...]
) -> None:
    """Keys and contents of the damaged page, and others: the truth or an error, never that there is none.

    An index of the witnesses is not needed for the latest jobs of a content: damage there is not even met.
    """
    chance = random.Random(f"{name} {kinds}")  # noqa: S311  (chosen damage, the same each time)
    offsets = pages(sound, name, kinds)
    content = sound.read_bytes()
    path = tmp_path / "state" / "journal.sqlite3"
    path.parent.mkdir(mode=0o700)
    refused = 0
    for _ in range(TRIALS):
        offset = chance.choice(offsets)
        page = content[offset : offset + 4096]
        used = [index for index, byte in enumerate(page) if byte]
        damaged = bytearray(content)
        damaged[offset + chance.choice(used)] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        path.chmod(0o600)
        for number in concerned(page):
            refused += is_refused(path, number)
    assert refused or name == "witness_claimed", "no damage was ever met"


def concerned(page: bytes) -> list[int]:
    """Return the jobs that the page names, at most 20 of them, and every hundredth."""
    named = [number for number, texts in TEXTS.items() if any(text in page for text in texts)]
    return named[:: len(named) // 20 + 1] + list(range(1, JOBS + 1, 100))


def texts_of(number: int) -> list[bytes]:
    """Return by what a page may name a job."""
    one = job(f"key-{number:04}", to=[ANNA], text=f"text {number}")
    return [text.encode() for text in (one.key, f"id-{number:04}", one.fingerprint, key_digest(one.key))]


TEXTS = {number: texts_of(number) for number in range(1, JOBS + 1)}


def is_refused(path: Path, number: int) -> bool:
    """Look for a job by its key and by its content; return whether damage was told, fail when it looks absent."""
    try:
        with Journal(path, now=lambda: NOON) as journal:
            assert [entry.submission.message_id for entry in journal.show(f"key-{number:04}")] == [f"id-{number:04}"]
            begun = journal.begin(job("another", to=[ANNA], text=f"text {number}"), once=2000 * DAY)
            assert begun.repeated_from == f"key-{number:04}"
    except ConfigError:
        return True
    return False
