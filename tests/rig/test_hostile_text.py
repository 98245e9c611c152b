"""Rig: hostile text, from vendors and from users, to terminals and to pipes.

What may reach a terminal: printable characters, line feeds, and the renderer's own colours. Nothing else: no C0, DEL,
C1, bidi control or broken UTF-8, in any format, on stdout or on stderr. The real program is asked for each text; a
few commands go through a pseudo-terminal of their own process too.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import random
import re
import subprocess
import sys
import tty
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from smscli.cli import run
from smscli.runtime import Runtime
from smscli.wire import Request, Response
from tests.documents import hold_output
from tests.figures import figure
from tests.vendors import PLATFORMS, environment, numbers

TEXTS = 10_000
FORMATS = ("table", "plain", "json", "xml")

# Bytes and characters that steer. A terminal's line ends arrive as CR LF (the line discipline's own doing).
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
SGR = re.compile(r"\x1b\[[0-9;]{0,8}m")

ATOMS = (
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\ufff9\uffff",
    *(
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x1b]8;;http://x\x1b\\",
        "\x1bP$q\x1b\\",
        "\x1b[?1049h",
        "\x9b6n",
        "\x9d52;c;\x9c",
    ),
    *("\x1b]52;c;ZXZpbA==\x07", "\x1b[6n", "\x1bc", "\x1b#8", "\r\x1b[K", "\x08" * 9, "\x0e", "\x1b(0", "\x05"),
    *(
        "[/x]",
        "[bold]",
        "[/]",
        "[link=http://x]y[/link]",
        "[red",
        ":warning:",
        ":x:",
        "\\[",
        "{",
        "%s",
        "%n",
        "\\x1b[31m",
    ),
    *("👨‍👩‍👧", "🇱🇹", "é", "ﷺ", "שלום", "مرحبا", "Ünï", "Привет", "你好", "a" * 40, "<b>", "&amp;", "]]>", "'", '"'),
)


def hostile(rng: random.Random) -> str:
    """Return a text of letters and of what a terminal should never see."""
    return "".join(
        rng.choice(ATOMS) if rng.random() < 0.7 else chr(rng.randrange(1, 0xD800)) for _ in range(rng.randrange(1, 8))
    )


class Stream(io.TextIOWrapper):
    """A stream of bytes that says what it is."""

    def __init__(self, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="")
        self.terminal = terminal

    def isatty(self) -> bool:
        """Say whether it is a terminal."""
        return self.terminal

    def text(self) -> str:
        """Return what was written; broken UTF-8 is an error."""
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


def assert_harmless(text: str, context: object, *, colour: bool = False) -> None:
    """Hold a text against what may be shown."""
    found = STEERS.search(SGR.sub("", text) if colour else text)
    assert found is None, (found, context, text)


def environ(folder: Path, provider: str) -> dict[str, str]:
    """Return an account of the vendor."""
    return {
        "HOME": str(folder),
        "TERM": "xterm",
        "SMSCLI_CONFIG": str(folder / "none.toml"),
        "SMSCLI_STATE_DIR": str(folder / "state"),
        **environment(provider, key="key-of-nobody"),
        "SMSCLI_BASE_URL": "https://vendor.invalid/",
        "SMSCLI_CLOCK": "local",
    }


TO = {vendor: numbers(vendor)[0] for vendor in PLATFORMS}


def says(provider: str, text: str, shape: int) -> bytes:
    """Return an answer that carries the text: in an error, in a code, in place of an id, as a page, raw."""
    number = TO[provider].lstrip("+")
    shapes: list[object] = [
        {"status": "error", "error": "5", "message": text},
        {"error": text},
        {number: {"error": text, "id_sms": text}},
        {"status": text, "error": 5, "message": text},
        {text: {"error": "0", "id_sms": "5"}},
    ]
    if shape < len(shapes):
        return json.dumps(shapes[shape], ensure_ascii=shape % 2 == 0).encode("utf-8", "surrogatepass")
    return f"<html><title>{text}</title>".encode("utf-8", "surrogatepass")


def in_process(
    argv: list[str], world: dict[str, str], answer: bytes, terminal: bool, stdin: bytes = b""
) -> tuple[int, str, str]:
    """Run a command line against a vendor that gives this answer; return status, stdout, stderr."""

    def transport(_request: Request, _seconds: float) -> Response:
        return Response(200, answer, {"x-evil": "\x1b[31m"})

    out, err = Stream(terminal), Stream(terminal)
    given = io.TextIOWrapper(io.BytesIO(stdin))
    runtime = Runtime(
        environ=world, stdin=given, stdout=out, stderr=err, transport=transport, sleep=lambda _: None
    )  # fmt: skip
    code = run(argv, runtime)
    hold_output(out.text())
    return code, out.text(), err.text()


@pytest.mark.computes
def test_vendor_texts(tmp_path: Path) -> None:
    """Whatever stands in an answer comes out visible or not at all, in reasons, in evidence, in every format."""
    rng = random.Random("vendor texts")  # noqa: S311  (repeatable, not secret)
    codes: Counter[int] = Counter()
    for index in range(TEXTS):
        provider = rng.choice(tuple(TO))
        text, output, terminal = hostile(rng), FORMATS[index % 4], rng.random() < 0.5
        answer = says(provider, text, rng.randrange(6))
        world = environ(tmp_path, provider)
        argv = ["send", "--to", TO[provider], "--no-journal", "-v", "hello", "-o", output]
        if index % 10 == 0:
            argv = ["balance", "-v", "-o", output]
        elif index % 50 == 1:
            argv = ["send", "--to", TO[provider], "--key", f"k{index}", "hello", "-o", output]
        code, out, err = in_process(argv, world, answer, terminal)
        assert code != 1, (answer, err)
        assert_harmless(out, answer, colour=terminal and output == "table")
        assert_harmless(err, answer)
        codes[code] += 1
    for output in FORMATS:
        code, out, err = in_process(
            ["journal", "list", "--limit", "1000", "-o", output], environ(tmp_path, PLATFORMS[0]), b"", False
        )
        assert (code, err) == (0, "")
        assert_harmless(out, "the journal")
    shown = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
    figure(f"hostile vendor texts: {TEXTS}, exit status {shown}; 0 control or bidi characters in 4 formats")


def user_commands(text: str, to: str, output: str) -> Iterator[list[str]]:
    """Yield command lines that repeat what a user typed."""
    yield ["send", "--to", to, "--dry-run", f"--text-file={text}", "-o", output]
    yield ["send", f"--to={text}", "hello", "-o", output]
    yield ["send", "--to", to, f"--sender={text}", "hello", "-o", output]
    yield ["send", "--to", to, f"--key={text}", "--no-journal", "hello", "-o", output]
    yield ["send", "--to", to, f"--key={text}", "hello", "-o", output]
    yield ["send", "--to", to, f"--at={text}", "hello", "-o", output]
    yield ["send", "--to", to, f"--once={text}", "hello", "-o", output]
    yield ["sign", f"{text}={text}", f"message={text}", "-o", output]
    yield ["balance", f"--min={text}", "-o", output]
    yield ["balance", f"--provider={text}", "-o", output]
    yield ["balance", f"--profile={text}", "-o", output]
    yield ["balance", f"--timeout={text}", "-o", output]
    yield ["balance", "-o", text]
    yield ["journal", "show", f"--{text}", "-o", output]
    yield ["journal", "show", "--", text]
    yield ["profile", "show", "--", text]
    yield [text, "-o", output]


@pytest.mark.computes
def test_user_texts(tmp_path: Path) -> None:
    """What a user typed comes back visible: as the text of a message, as an option, as a name, as a command."""
    rng = random.Random("user texts")  # noqa: S311  (repeatable, not secret)
    codes: Counter[int] = Counter()
    for index in range(TEXTS):
        provider = rng.choice(tuple(TO))
        text, output, terminal = hostile(rng), FORMATS[index % 4], rng.random() < 0.5
        world = environ(tmp_path, provider)
        stdin = b""
        if index % 2:
            argv, stdin = ["send", "--to", TO[provider], "--dry-run", "-", "-o", output], text.encode()
        else:
            commands = list(user_commands(text.replace("\0", ""), TO[provider], output))  # no argv can hold a NUL
            argv = commands[index // 2 % len(commands)]
        with contextlib.redirect_stdout(io.StringIO()) as stray:
            code, out, err = in_process(argv, world, b'{"error":"13"}', terminal, stdin)
        assert code != 1, (argv, err)
        assert_harmless(out, argv, colour=terminal and output == "table")
        assert_harmless(err, argv)
        assert_harmless(stray.getvalue(), argv)
        codes[code] += 1
    shown = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
    figure(f"hostile user texts: {TEXTS}, exit status {shown}; 0 control or bidi characters in 4 formats")


# --- a real terminal -------------------------------------------------------------------------------------------------

DRIVER = """
import sys
from smscli.cli import run
from smscli.runtime import Runtime
from smscli.wire import Response
from tests.rig.test_hostile_text import TO, environ, hostile, says
import json, random
from pathlib import Path
rng = random.Random(sys.argv[2])
for index in range(int(sys.argv[3])):
    provider = rng.choice(tuple(TO))
    text = hostile(rng)
    answer = says(provider, text, rng.randrange(6))
    world = environ(Path(sys.argv[1]), provider) | {"COLUMNS": str(rng.randrange(20, 160))}
    runtime = Runtime(
        environ=world, stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr,
        transport=lambda request, seconds: Response(200, answer), sleep=lambda _: None,
    )
    output = rng.choice(("table", "plain", "json", "xml"))
    run(["send", "--to", TO[provider], "--no-journal", "-v", "hello", "-o", output], runtime)
    run(["send", "--to", TO[provider], "--dry-run", text.replace(chr(0), ""), "-o", output], runtime)
"""


@pytest.mark.parametrize("way", ["terminal", "pipe"])
def test_a_real_terminal_and_a_real_pipe(way: str, tmp_path: Path) -> None:
    """The bytes that arrive at the other end of a pseudo-terminal, and of a pipe, from a process of its own."""
    count = 500
    command = [sys.executable, "-c", DRIVER, str(tmp_path), way, str(count)]
    world = {"TERM": "xterm", "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    if way == "pipe":
        ran = subprocess.run(command, env=world, capture_output=True, timeout=120)
        assert ran.returncode == 0, ran.stderr[-2000:]
        data = ran.stdout + ran.stderr
    else:
        data = on_terminal(command, world)
    text = data.decode().replace("\r\n", "\n") if way == "terminal" else data.decode()
    assert text.count("\n") > count
    assert "Traceback" not in text
    assert_harmless(text, way, colour=way == "terminal")
    figure(f"hostile texts on a real {way}: {2 * count} commands, {len(data)} bytes, 0 that steer")


def on_terminal(command: list[str], world: dict[str, str]) -> bytes:
    """Return what a process writes to a pseudo-terminal of its own."""
    leader, follower = pty.openpty()
    tty.setraw(follower)
    process = subprocess.Popen(
        command, env=world, stdin=follower, stdout=follower, stderr=follower, start_new_session=True
    )
    os.close(follower)
    data = b""
    with contextlib.suppress(OSError):  # the end of a terminal is an error to its reader
        while piece := os.read(leader, 65536):
            data += piece
    os.close(leader)
    assert process.wait(timeout=60) == 0, data[-2000:]
    return data
