"""What do a start, a TAB, `balance` and `send` cost, against what people would use instead?

Run it with the interpreter of the environment that has smscli installed::

    python benchmarks/speed.py [--rounds N]

In each round every program runs once, so that a machine whose speed drifts drifts for all of them; quoted are medians,
of the ratios too: round by round to the program named beside them. Apprise and HTTPie are compared when they are
installed beside smscli; curl and openssl make the certificate as well, and must be there. The vendor is a process on
loopback that answers over TLS as LightSMS does, and checks signatures; a relay before it holds each direction for half
the round-trip time, and what comes first over a connection for one such time more, in the place of TCP's own handshake.
All trust the same file: the bundle of certifi, and the authority of that certificate behind it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import resource
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import certifi

LOGIN, KEY, ROUND_TRIP = "YourLogin", "your_api_key_here", 0.2

BARE = """
import sys
import typer

app = typer.Typer()


@app.command()
def one(name: str = "x") -> None:
    print(name)


@app.command()
def two(name: str = "x") -> None:
    print(name)


if __name__ == "__main__":
    sys.exit(app())
"""

# The same steps by the same library as "Complete Example: Python" of LightSMS' page "Making Your First Request".
EXAMPLE = f"""
import sys
from hashlib import md5
from urllib.parse import urlencode

import requests

root = sys.argv[1] + "/external/get/"
asked = {{"login": "{LOGIN}", "return": "json", "timestamp": requests.get(root + "timestamp.php").text.strip()}}
joined = "".join(str(value) for _, value in sorted(asked.items()))
asked["signature"] = md5((joined + "{KEY}").encode()).hexdigest()
answer = requests.get(root + "balance.php?" + urlencode(asked)).json()
print("Balance:", answer["money"], answer["currency"])
"""

_SHELL = f"""
now=$($GET "$0/external/get/timestamp.php") || exit 1
signature=$(printf %s "{LOGIN}json${{now}}{KEY}" | openssl md5 -r) || exit 1
query="login={LOGIN}&return=json&timestamp=$now&signature=${{signature%% *}}"
case $($GET "$0/external/get/balance.php?$query") in *money*) ;; *) exit 1 ;; esac
"""


class Program(NamedTuple):
    """Something to run: its title, and its words; and what a ratio to another one is to be at most, by its title."""

    title: str
    argv: Sequence[str]
    environ: Mapping[str, str]
    goals: Mapping[str, float] = {}


# --- the vendor -------------------------------------------------------------------------------------------------------


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection as LightSMS does, and any POST with an empty object."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
            await reader.readexactly(int(headers.get("content-length", 0)))
            body = b"{}" if lines[0].startswith("POST ") else _content(lines[0].split()[1])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
            if headers.get("connection") == "close":
                break
    writer.close()


def _content(target: str) -> bytes:
    script = urlsplit(target).path.rsplit("/", 1)[-1]
    if script == "timestamp.php":
        return str(int(time.time())).encode()
    pairs = dict(parse_qsl(urlsplit(target).query))
    signature = pairs.pop("signature", "")
    joined = "".join(value for _, value in sorted(pairs.items())) + KEY
    if hashlib.md5(joined.encode()).hexdigest() != signature:  # noqa: S324  (vendor's rule)
        return b'{"error": 6}'
    if script == "balance.php":
        return b'{"money": "150.50", "currency": "EUR"}'
    sent = {"error": "0", "id_sms": "4092112510348380960001", "cost": "0.05", "count_sms": "1", "sender": "Alert"}
    return json.dumps({pairs["phone"]: sent}).encode()


async def serve(certificate: str) -> None:
    """Serve over TLS, print the ports without and with a round trip, and go on until killed."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        opened = asyncio.get_running_loop().time() + ROUND_TRIP  # when the client would have begun to speak
        await asyncio.gather(_hold(reader, back, opened), _hold(there, writer, opened))

    far = await asyncio.start_server(relay, "127.0.0.1", 0)
    print(port, far.sockets[0].getsockname()[1], flush=True)  # noqa: T201  (a benchmark prints)
    await asyncio.Event().wait()


async def _hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, opened: float) -> None:
    loop = asyncio.get_running_loop()
    data = b"more"
    while data:
        try:
            data = await reader.read(65536)
        except ConnectionError:
            data = b""
        moment = max(loop.time(), opened) + ROUND_TRIP / 2
        loop.call_at(moment, writer.write, data) if data else loop.call_at(moment, writer.close)


@contextmanager
def vendor(folder: Path) -> Iterator[tuple[int, int]]:
    """Run the vendor in a process of its own, and give its ports; ``ca.pem`` of the folder is to be trusted."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout {key} -out {certificate}"
    subprocess.run(command.split(), check=True, capture_output=True)  # noqa: S603  (our own words)
    (folder / "server.pem").write_text(key.read_text() + certificate.read_text())
    (folder / "ca.pem").write_text(Path(certifi.where()).read_text() + certificate.read_text())
    argv = [sys.executable, __file__, "--serve", str(folder / "server.pem")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603  (this very file)
        try:
            assert server.stdout is not None  # noqa: S101  (for mypy)
            near, far = server.stdout.readline().split()
            yield int(near), int(far)
        finally:
            server.kill()


# --- what is compared -------------------------------------------------------------------------------------------------


def offline(folder: Path, environ: Mapping[str, str]) -> list[Program]:
    """Return the commands that ask nobody, behind the bare application that each is held against."""
    bare, smscli = folder / "bare.py", _beside("smscli")
    lines = (
        "--version",
        "--help",
        "sign --provider lightsms -q login=a timestamp=1",
        "count Hello",
        "profile list",
        "completion bash",
        "journal list",
        "send --dry-run --to +37061234567 Hello",
    )
    goal = {"bare": 1.05}
    named = [Program(f"`smscli {line}`", (smscli, *line.split()), environ, goal) for line in lines]
    return [Program("bare", (sys.executable, str(bare), "one"), environ), *named]


def tabs(environ: Mapping[str, str]) -> list[Program]:
    """Return a TAB behind the name of a command, of an option and of a profile; the bare application's own first."""
    bare = [sys.executable, str(Path(environ["HOME"]) / "bare.py")]

    def tab(line: str, variable: str) -> Mapping[str, str]:
        return {**environ, "COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), variable: "complete_bash"}

    lines = ("smscli ba", "smscli balance --time", "smscli balance -p ")
    named = [
        Program(f"TAB behind `{line}`", (_beside("smscli"),), tab(line, "_SMSCLI_COMPLETE"), {"bare": 1.15})
        for line in lines
    ]
    return [Program("bare", bare, tab("bare.py o", "_BARE.PY_COMPLETE")), *named]


def online(folder: Path, port: int, environ: Mapping[str, str], *, is_far: bool) -> list[Program]:
    """Return what asks the vendor."""
    root = f"https://127.0.0.1:{port}"
    ours = {
        **environ, "SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": LOGIN, "SMSCLI_BASE_URL": root,
        "SMSCLI_SENDER": "Alert",
    }  # fmt: skip
    local = {**ours, "SMSCLI_CLOCK": "local"}
    example = folder / "example.py"
    example.write_text(EXAMPLE)
    balance, send = (_beside("smscli"), "balance"), (_beside("smscli"), "send", "--to", "+37061234567", "Hello {}")
    programs = [
        Program("example", (sys.executable, str(example), root), environ),
        Program("curl", ("sh", "-c", _SHELL, root), {**environ, "GET": "curl -sSg"}),
    ]
    if Path(_beside("http")).exists():
        get = f"{_beside('http')} --ignore-stdin -b --verify {environ['SSL_CERT_FILE']}"
        programs.append(Program("HTTPie", ("sh", "-c", _SHELL, root), {**environ, "GET": get}))
    if Path(_beside("apprise")).exists():
        argv = (_beside("apprise"), "-b", "Hello", f"jsons://127.0.0.1:{port}/hook")
        programs.append(Program("Apprise", argv, environ))
    curl = {} if is_far else {"curl": 1.6}
    goal = {"example": 0.70 if is_far else 0.85}
    return [
        *programs,
        Program("`balance`", balance, ours, {**goal, **curl, "HTTPie": 0.0}),
        Program('`balance`, clock = "local"', balance, local, {"example": 0.55 if is_far else 0.0}),
        Program("`send`", send, ours, {"Apprise": 0.55}),
        Program('`send`, clock = "local"', send, local, {"Apprise": 0.55}),
    ]


def _beside(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


# --- measuring --------------------------------------------------------------------------------------------------------


def run(program: Program) -> tuple[float, float]:
    """Return the seconds of one run, and those of the processor; one that fails ends the benchmark."""
    argv = [word.replace("{}", str(time.time_ns())) for word in program.argv]  # a text that was sent before is noted
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(  # noqa: S603  (our own programs)
        argv, env=program.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{program.title}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(title: str, programs: Sequence[Program], rounds: int) -> None:
    """Run them in turns, and print the rows of a table."""
    for program in programs:
        run(program)  # bytecode and caches
    turns = [{program.title: run(program) for program in programs} for _ in range(rounds)]
    print(f"\n| {title} | median | processor | ratio | of the processor | goal | |")  # noqa: T201  (see above)
    print("|---|--:|--:|--:|--:|--:|---|")  # noqa: T201
    for program in programs:
        wall, used = (statistics.median(turn[program.title][which] for turn in turns) * 1000 for which in (0, 1))
        head = f"| {program.title} | {wall:.0f} ms | {used:.0f} ms |"
        if not program.goals:
            print(f"{head} | | | |")  # noqa: T201
        for other, goal in program.goals.items():
            if other not in turns[0]:
                print(f"{head} {other} not measured: it is not installed | | | |")  # noqa: T201
                continue
            ratio, of_it = (
                statistics.median(turn[program.title][which] / turn[other][which] for turn in turns) for which in (0, 1)
            )
            wanted = f"≤ {goal:.2f} | {'met' if ratio <= goal else '**not met**'}" if goal else "|"
            print(f"{head} {ratio:.2f} × {other} | {of_it:.2f} | {wanted} |")  # noqa: T201


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="how often each program runs (default: 30)")
    parser.add_argument("--only", choices=("offline", "tab", "near", "far"), help="one table alone")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    if not shutil.which("curl") or not shutil.which("openssl"):
        parser.error("curl and openssl must be there")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        ca = str(folder / "ca.pem")
        environ = {
            "HOME": name, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "SMSCLI_API_KEY": KEY,
            "SSL_CERT_FILE": ca, "REQUESTS_CA_BUNDLE": ca, "CURL_CA_BUNDLE": ca,
        }  # fmt: skip
        dry = {**environ, "SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": LOGIN, "SMSCLI_SENDER": "Alert"}
        print(f"{options.rounds} rounds, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")  # noqa: T201
        with vendor(folder) as (near, far):
            tables = {
                "offline": ("start", offline(folder, dry)),
                "tab": ("TAB", tabs(environ)),
                "near": ("TLS, 0 ms", online(folder, near, environ, is_far=False)),
                "far": ("TLS, 200 ms", online(folder, far, environ, is_far=True)),
            }
            for which, (title, programs) in tables.items():
                if options.only in (None, which):
                    compare(title, programs, options.rounds)


if __name__ == "__main__":
    main()
