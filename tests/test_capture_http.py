"""HTTP requests behind one another: each is cut out whole, and nothing that stands beside one becomes a part of it."""

from __future__ import annotations

import pytest

from smscli.capture import read, read_all
from smscli.errors import InputError

BODIES = ("login=a&signature=1", "login=b&signature=2")
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def post(body: str, *, length: bool = True, head: str = "") -> str:
    """Return a POST as it travels: its body ends without a line break."""
    counted = f"Content-Length: {len(body.encode())}\r\n" if length else ""
    return f"POST /x HTTP/1.1\r\nHost: sms.example\r\n{counted}{head}\r\n{body}"


GET = "GET /x?login=c&signature=3 HTTP/1.1\r\nHost: sms.example\r\n\r\n"


def dumped(*sent: str, in_hex: bool) -> str:
    """Return what curl traces of texts that it sends."""
    dumps = []
    for number, text in enumerate(sent):
        what, data = "data" if number % 2 else "header", text.encode()
        if in_hex:
            rows = [(at, data[at : at + 16].hex(" ").ljust(48) + " x") for at in range(0, len(data), 16)]
        else:
            rows, at = [], 0
            for line in text.split("\r\n"):
                rows.append((at, line))
                at += len(line) + 2
            rows = [row for row in rows if row[0] < len(data)]
        lines = [f"{at:04x}: {row}" for at, row in rows]
        dumps.append("\n".join([f"=> Send {what}, {len(data)} bytes (0x{len(data):x})", *lines]))
    return "== Info: Connected\n" + "\n<= Recv header, 17 bytes (0x11)\n0000: HTTP/1.1 200 OK\n".join(dumps)


def halves(*bodies: str) -> list[str]:
    """Return head, body, head, body … of POSTs."""
    return [part for body in bodies for part in (post(body).removesuffix(body), body)]


def printed(text: str) -> str:
    """Return a text as Ruby prints it."""
    return text.replace("\r", "\\r").replace("\n", "\\n")


TRACES = {
    "curl --trace-ascii": dumped(*halves(*BODIES), in_hex=False),
    "curl --trace": dumped(*halves(*BODIES), in_hex=True),
    "Ruby": "".join(f'<- "{printed(part)}"\n-> "HTTP/1.1 200 OK\\r\\n"\n' for part in halves(*BODIES)),
    "Python": "".join(f"send: {part.encode()!r}\nreply: 'HTTP/1.1 200 OK\\r\\n'\n" for part in halves(*BODIES)),
    "Python without a length": "".join(
        f"send: {part.encode()!r}\n" for body in BODIES for part in (post(body, length=False).removesuffix(body), body)
    ),
    "a stream": "".join(map(post, BODIES)),
    "a stream without lengths": "".join(post(body, length=False) for body in BODIES),
    "a chunked stream": "".join(
        post(f"{len(body):x}\r\n{body}\r\n0\r\n\r\n", length=False, head="Transfer-Encoding: chunked\r\n")
        for body in BODIES
    ),
}


@pytest.mark.parametrize("text", TRACES.values(), ids=TRACES)
def test_a_request_behind_a_body_is_one_of_its_own(text: str) -> None:
    """Where the body ends its head says, or the trace; the next request needs no line break before it."""
    got = read_all(text)
    assert [one.raw_form.decode() for one in got if one.raw_form is not None] == list(BODIES)
    assert [dict(one.params)["signature"] for one in got] == ["1", "2"]
    assert not [one.notes for one in got if one.notes]


@pytest.mark.parametrize("order", ["GPGP", "PGPG", "GGPP", "PPGG"])
def test_none_of_a_stream_is_lost(order: str) -> None:
    """Whatever follows whatever, each in its place."""
    parts = [GET if letter == "G" else post(BODIES[0]) for letter in order]
    got = read_all("".join(parts))
    assert [one.method for one in got] == ["GET" if letter == "G" else "POST" for letter in order]
    lines = ["".join(parts[:number]).count("\n") + 1 for number in range(4)]
    assert [one.place for one in got] == [f"line {line}" for line in lines]


def test_bytes_are_counted_and_not_characters() -> None:
    """A length is one of bytes."""
    one, two = read_all(post("login=ž&signature=1") + GET)
    assert (one.params, two.params[0]) == ((("login", "ž"), ("signature", "1")), ("login", "c"))


def test_one_that_cannot_be_cut_out_is_said_with_its_place() -> None:
    """It is named in an answer, or in a line of another program; who names one that was read tells of that one."""
    one, other = read_all(f"{post(BODIES[0])}\nat 16:00 sent GET /y?login=d HTTP/1.1 and got 200\n")
    assert not one.fault
    assert other.fault.startswith("the captured HTTP request in line 6 cannot be read: what stands around it is no")
    assert read(f'{GET}::1 - - "GET /x?login=c&signature=3 HTTP/1.1" 200\n').params[0] == ("login", "c")


@pytest.mark.parametrize("around", ['"{}"\n', '"{}" 200\n', '16:00:05 sent "{}"\n', '"{}"\n"{}"\n'])
def test_a_post_that_stands_in_quotes_is_read(around: str) -> None:
    """Go's %q, a log: in one line, nothing else beside it."""
    quoted = around.replace("{}", printed(post(BODIES[0], head=FORM)))
    got = read_all(quoted)
    assert [one.raw_form for one in got] == [BODIES[0].encode()] * around.count("{}")


OK = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANSWERS = {
    "with its length": f'{OK}Content-Length: 14\r\n\r\n{{"text": "Ж"}}',
    "of digits": "HTTP/2 200\r\nserver: nginx\r\ncontent-length: 10\r\n\r\n1732809600",
    "in chunks": f'{OK}Transfer-Encoding: chunked\r\n\r\n8;a=b\r\n{{"error"\r\n3\r\n:0}}\r\n0\r\n\r\n',
    "in two": f"HTTP/1.1 100 Continue\r\n\r\n{OK}Content-Length: 2\r\n\r\n{{}}",
    "without a body": "HTTP/1.1 304 Not Modified\r\nContent-Length: 40\r\n\r\n",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("order", ["GPGP", "PGPG", "GGPP", "PPGG"])
def test_a_conversation_is_read_in_both_directions(answer: str, order: str) -> None:
    """Each answer is skipped by its own length: what follows it is a request, in the same line or not."""
    parts = [answer, *(f"{GET if letter == 'G' else post(BODIES[0])}{answer}" for letter in order)]
    for text in ("".join(parts), "".join(parts).replace("\r\n", "\n"), "".join(parts[1:]), "\n".join(parts)):
        got = read_all(text)
        assert [dict(one.params)["signature"] for one in got] == ["3" if letter == "G" else "1" for letter in order]
        assert not [one for one in got if one.fault or one.notes]


@pytest.mark.parametrize("sent", [GET, post(BODIES[0]), post(BODIES[1]).replace("/x", "/y")])
@pytest.mark.parametrize("end", ["1732809600", "a page</html>", "ok"])
def test_a_request_behind_an_answer_of_unknown_length_is_said_to_be_there(sent: str, end: str) -> None:
    """Though one to the same address was read."""
    one, other, last = read_all(f"{post(BODIES[0])}{OK}\r\n{end}{sent}{OK}\r\n{{}}\n{GET}")
    assert (one.raw_form, last.fault) == (BODIES[0].encode(), "")
    assert other.fault.startswith("the captured HTTP request in line 8 cannot be read: what stands around it is no")


@pytest.mark.parametrize("answer", [OK, *ANSWERS.values()])
def test_an_answer_is_no_part_of_a_body_without_a_length(answer: str) -> None:
    """Nor is one that is not whole."""
    assert read(post(BODIES[0], length=False) + answer).raw_form == BODIES[0].encode()


@pytest.mark.parametrize("behind", ["junk", "&x=1", "\x00"])
def test_what_stands_right_behind_a_body_is_said_not_to_be_read(behind: str) -> None:
    """It would be lost on its way, too; what stands in further lines is none of the body."""
    note = "the body goes on behind the 19 bytes that its head announces: not read"
    for more in ("", "\nmore=1", f"\n{GET}"):
        one, *others = read_all(post(BODIES[0]) + behind + more)
        assert (one.raw_form, one.notes) == (BODIES[0].encode(), (note,))
        assert not [other for other in others if other.notes]
    assert not read(f"{post(BODIES[0])}\n{behind}").notes


def test_a_request_behind_a_body_that_is_too_long_is_said_to_be_there() -> None:
    """What was announced is read."""
    one, other = read_all(post(BODIES[0]).replace("Length: 19", "Length: 17") + post(BODIES[1]))
    assert (one.raw_form, one.notes) == (
        BODIES[0][:17].encode(),
        ("the body goes on behind the 17 bytes that its head announces: not read",),
    )
    assert other.fault.startswith("the captured HTTP request in line 5 cannot be read")


def test_lists_of_headers_are_not_mixed() -> None:
    """Of several requests none is read."""
    listed = ":method: GET\n:path: /x?a=1\n"
    assert read(listed).params == (("a", "1"),)
    with pytest.raises(InputError, match="the headers of 2 requests"):
        read_all(f"{listed}INFO\n{listed}")


def test_a_body_that_is_none_is_not_in_the_capture() -> None:
    """What follows a head may be as long as a body is: a line of a log is none all the same."""
    line = "16:00:05 all is well\n"
    for length in (len(line), len(line) - 5, 5 + len(line)):
        with pytest.raises(InputError, match=f"the body of {length} bytes is not in the capture"):
            read(f"POST /x HTTP/1.1\nContent-Length: {length}\n\n{line}")


def test_a_post_whose_address_has_all_of_it_lacks_nothing() -> None:
    """No head that announces a body is one of none; a Content-Type announces one."""
    head = "POST /x?a=1 HTTP/1.1\nHost: a.example\n"
    assert not read(f"{head}\n").lacks
    assert read(f"{head}{FORM}\n").lacks == "the body, if there was one, is not in the capture"


@pytest.mark.parametrize("body", ['{"a": "1"', '{"a": 1}\n16:00 sent'])
def test_a_body_of_json_ends_where_it_is_whole(body: str) -> None:
    """One that is cut goes on to its end, and cannot be read."""
    head = "POST /x HTTP/1.1\nHost: a.example\n\n"
    if "}" in body:
        assert read(head + body).params == (("a", "1"),)
    else:
        with pytest.raises(InputError, match="the JSON body in the capture cannot be read"):
            read(head + body)


def test_too_many_requests_are_refused() -> None:
    """With the number; none is left out."""
    with pytest.raises(InputError, match="more than 10000 HTTP requests"):
        read_all("GET / HTTP/1\n" * 10_001)
