"""What was sent, refused, not sent and unknown: the durable record that keeps a recipient from being submitted twice.

This package owns one SQLite file, or one schema on a PostgreSQL server, and the order in which it changes: *in flight*
is committed before the first byte of a request leaves, the outcome after its answer. A job (one key) holds a message
for each recipient, with its text, and a message its attempts. Every message starts as NOT_SENT, which is true, and one
that is IN_FLIGHT without a living owner is UNKNOWN. It must not know vendors, HTTP or output, and it never resends,
recreates or repairs anything by itself.

What is in flight belongs to an owner: one opened journal. Whether an owner lives is told by the system: by a record
lock on byte *owner* of ``<journal>.lock``, which the kernel frees on any death, kill -9 included, or by an advisory
lock of the server's session. Nothing here goes by age: a slow process is not a dead one.

::

    _store.py    Journal: begin, claim, settle, one transaction each
    _held.py     what one journal holds: jobs, and claims of its own
    _team.py     TeamJournal: a large job that many do together
    _nothing.py  what stands in for a journal where nothing can be kept
    _archive.py  what a person asks of it: stream, entries, show, resolve, purge, check
    _contents.py the same content under another key
    _delivery.py where accepted messages stand
    _tables.py   the store as tables: rows in and out
    _rows.py     the layout of the store, and its rows as values with a checksum
    _places.py   where a journal can be
    _database.py what the journal asks of a store
    _sqlite.py   the store that is a file: transactions
    _owners.py   its lock file: which owners live
    _file.py     making, opening and refusing the file, and its trouble in words
    _layouts.py  files of earlier layouts
    _look.py     what a look at the store tells that changes nothing
    _postgres.py the store that is a server
    _entries.py  what callers give and get
"""

from __future__ import annotations

from smscli.journal._database import BUSY_SECONDS
from smscli.journal._delivery import DeliveryRow, News
from smscli.journal._entries import (
    EVERYTHING,
    Boot,
    Hints,
    Job,
    JournalEntry,
    Opened,
    Selection,
    Server,
    State,
    Twin,
    fingerprint,
)
from smscli.journal._file import APPLICATION_ID
from smscli.journal._held import Ending
from smscli.journal._look import Health, look
from smscli.journal._nothing import NoJournal
from smscli.journal._places import Place, begin_anew, exists
from smscli.journal._store import MAX_EVIDENCE, Journal
from smscli.journal._team import Batch, ListFingerprint, Standing, TeamJournal

__all__ = [
    "APPLICATION_ID",
    "BUSY_SECONDS",
    "EVERYTHING",
    "MAX_EVIDENCE",
    "Batch",
    "Boot",
    "DeliveryRow",
    "Ending",
    "Health",
    "Hints",
    "Job",
    "Journal",
    "JournalEntry",
    "ListFingerprint",
    "News",
    "NoJournal",
    "Opened",
    "Place",
    "Selection",
    "Server",
    "Standing",
    "State",
    "TeamJournal",
    "Twin",
    "begin_anew",
    "exists",
    "fingerprint",
    "look",
]
