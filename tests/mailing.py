"""What the tests of ``bulk`` share: a vendor in this process that ends as a test says, lists, and what came of them."""

from __future__ import annotations

import csv
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import split
from typing import Any

from smscli.errors import UnreachableError
from smscli.wire import Request, Response
from tests.conftest import Ran

Run = Callable[..., Ran]

NOON = 1_900_000_000.0
ACCOUNT = {"SMSCLI_PROVIDER": "mainsms", "SMSCLI_PROJECT": "mainsms", "SMSCLI_API_KEY": "07349e954831d"}
PEOPLE = "phone,name\n+79121231234,Anna\n+79121231235,Berta\n"
HI = "Hi {name}, we open at 9"


REFUSED = Response(200, b'{"status": "error", "error": "8", "message": "x"}')
CUT = UnreachableError("no connection")


def failing_from(number: int, error: Exception) -> Callable[[int], Exception | None]:
    """Return a vendor that accepts the first sends, and fails from one on."""
    return lambda sent: error if sent >= number else None


def list_of(count: int) -> str:
    """Return a list of people, each with a name of their own."""
    return "phone,name\n" + "".join(f"+7912123{number},N{number}\n" for number in range(1000, 1000 + count))


@dataclass
class Scripted:
    """Stands in for HTTP, for any thread: accepts, refuses or raises as ``ending`` of the n-th send says."""

    sends: list[tuple[list[str], str]] = field(default_factory=list)
    asks: int = 0
    ending: Callable[[int], Exception | Response | None] = lambda _number: None
    lock: Any = field(default_factory=threading.Lock)

    def __call__(self, request: Request, seconds: float) -> Response:
        """Answer one request."""
        assert seconds > 0
        form = dict(request.form)
        if request.url.endswith("/price"):
            to = form["recipients"].split(",")
            quote = {"status": "success", "recipients": to, "count": len(to), "parts": 1, "price": f"{len(to)}.5"}
            return Response(200, json.dumps(quote | {"balance": "12.50"}).encode())
        if not request.billable:
            self.asks += 1
            return Response(200, b'{"status": "success", "balance": "12.50"}')
        to = form["recipients"].split(",")
        with self.lock:
            self.sends.append((to, form["message"]))
            number = len(self.sends)
        ending = self.ending(number)
        if isinstance(ending, Exception):
            raise ending
        if isinstance(ending, Response):
            return ending
        ids = [1000 * number + index for index in range(len(to))]
        answer = {
            "status": "success", "recipients": to, "messages_id": ids, "count": len(to), "parts": 1, "price": "2.50",
            "balance": "100.00", "test": 0,
        }  # fmt: skip
        return Response(200, json.dumps(answer).encode())

    @property
    def texts(self) -> dict[str, str]:
        """The text that each number was sent; fails when one was sent two."""
        texts = [(number, text) for to, text in self.sends for number in to]
        assert len(dict(texts)) == len(texts)
        return dict(texts)


def runner(smscli: Run, vendor: Scripted, folder: Path) -> Run:
    """Return how ``bulk`` is run in a directory, on a list of some content (None: the arguments name one)."""

    def call(content: str | bytes | None, *argv: str, environ: Mapping[str, str] = ACCOUNT, **world: Any) -> Ran:
        if content is not None:
            data = content.encode() if isinstance(content, str) else content
            (folder / "people.csv").write_bytes(data)
        words = () if content is None else ("people.csv",)
        world = {"transport": vendor, "now": lambda: NOON, "stdin": b"", "sleep": lambda _: None} | world
        return smscli("bulk", *words, *argv, environ=environ, **world)

    return call


def counts(ran: Ran) -> dict[str, int]:
    """Return how many recipients there are of each outcome, those of which there are any."""
    return dict(Counter(outcome for _, outcome, _ in ran.lines))


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a result file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file)) if path.suffix == ".csv" else [json.loads(line) for line in file]


def printed_resume(ran: Ran) -> list[str]:
    """Return the words of the command that is printed to go on, without the program's name."""
    line = next(line for line in ran.err.splitlines() if "go on: smscli " in line)
    return split(line.partition("go on: smscli ")[2])


def profile_file(folder: Path, more: str, *, default: bool = True) -> None:
    """Write a profile called emu, with some more lines."""
    lines = ['default = "emu"'] * default
    lines += ["[profiles.emu]", 'provider = "mainsms"', 'project = "mainsms"', 'api_key = "07349e954831d"']
    (folder / "config.toml").touch(mode=0o600)
    (folder / "config.toml").write_text("\n".join([*lines, 'sender = "sms"', more, ""]))
