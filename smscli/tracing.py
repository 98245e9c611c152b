"""What is done, line by line, for somebody who wants to know where it hangs: steps, and the shapes of what travels.

No value of a request and no word of an answer is in a line: names, lengths and kinds are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from smscli.wire import MalformedAnswer, Request, Response, decode_json, decode_text, kind_of_text

# Headers whose values say nothing of an account.
_PLAIN_HEADERS = frozenset((
    "connection", "content-encoding", "content-length", "content-type", "date", "keep-alive", "retry-after", "server",
    "transfer-encoding",
))  # fmt: skip


class Trace:
    """Called with a step, it puts it out with the milliseconds since the beginning; ``write`` takes a line.

    ``level`` is 0 for nothing, 1 for steps, 2 for steps and details.
    """

    def __init__(
        self, write: Callable[[str], object] = print, monotonic: Callable[[], float] = float, level: int = 0
    ) -> None:
        self._write = write
        self._monotonic = monotonic
        self._began = monotonic()
        self.level = level

    def __call__(self, step: str) -> None:
        """Put a step out."""
        if self.level:
            self._write(f"{1000 * (self._monotonic() - self._began):7.1f} ms  {step}")

    def details(self, lines: Iterator[str]) -> None:
        """Put details out, each on a line of its own."""
        if self.level > 1:
            for line in lines:
                self._write(f"{'':10}  {line}")


def about_request(request: Request) -> str:
    """Return what is asked, and of whom: one line, without values."""
    url = urlsplit(request.url)
    fields = ", ".join(name for name, _ in (*request.query, *request.form))
    return f"> {request.method} {url.hostname}{url.path} ({fields})"


def request_details(request: Request) -> Iterator[str]:
    """Yield the shape of a request: headers, and how long each value is."""
    for name, value in request.headers:
        yield f"> {_header(name, value)}"
    for part, pairs in (("query", request.query), ("form", request.form)):
        for name, value in pairs:
            yield f"> {part} {name}: {_length(value)}"
    if request.body:
        yield f"> body: {len(request.body)} bytes"


def about_response(response: Response, seconds: float) -> str:
    """Return how it was answered: one line."""
    return f"< {response.status}, {len(response.body)} bytes, {1000 * seconds:.1f} ms"


def response_details(response: Response) -> Iterator[str]:
    """Yield the shape of an answer: headers, and what kind of body it is."""
    for name, value in response.headers.items():
        yield f"< {_header(name, value)}"
    yield f"< body: {_kind(response.body)}"


def _header(name: str, value: str) -> str:
    return f"{name}: {value if name.lower() in _PLAIN_HEADERS else _length(value)}"


def _length(value: str) -> str:
    return f"{len(value)} character{'' if len(value) == 1 else 's'}"


def _kind(body: bytes) -> str:
    try:
        answer = decode_json(body)
    except MalformedAnswer:
        try:
            return kind_of_text(decode_text(body))
        except MalformedAnswer as error:
            return str(error)
    if isinstance(answer, dict):
        return f"a JSON object of {len(answer)} members"
    return f"a JSON list of {len(answer)}" if isinstance(answer, list) else f"JSON: {type(answer).__name__}"
