"""Draw the pictures of the README from the real program: `python docs/pictures/draw.py`, with smscli on PATH.

Each scene is typed into a shell on a terminal of its own; what the terminal shows becomes an SVG (rich's export,
without fonts from elsewhere). A scene has a new home, so that nobody's journal or profile is in a picture.
"""

from __future__ import annotations

import hashlib
import os
import pty
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS = 100
KEY = "f1d3ff84432f"
"""Stands in for a key in the picture of a signature."""


def _signed_encoded() -> str:
    """Return what a program signs that has percent-encoded its values before."""
    text = f"disk%20full%20on%20db1;mainsms;37061234567;payforsms.ru;{KEY}"
    return hashlib.md5(hashlib.sha1(text.encode()).hexdigest().encode()).hexdigest()  # noqa: S324  (the vendor's rule)


SCENES = {
    "send": (
        'smscli send --sandbox --to +37061234567 "disk full on db1" --key db1-disk',
        'smscli send --sandbox --to +37061234567 "disk full on db1" --key db1-disk',
        "smscli run --sandbox --to +37061234567 -- cp /etc/hostname /nonexistent/",
        "smscli journal list --sandbox",
    ),
    "sign": (
        (
            "smscli sign --provider payforsms --key-file key project=mainsms sender=payforsms.ru"
            f" recipients=37061234567 message='disk full on db1' --expect {_signed_encoded()}"
        ),
    ),
}


def typed(commands: tuple[str, ...]) -> str:
    """Return what a terminal shows of these commands, escapes included."""
    with tempfile.TemporaryDirectory() as home:
        key = Path(home, "key")
        key.touch(mode=0o600)
        key.write_text(KEY)
        environ = {
            "HOME": home, "PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8",
            "COLUMNS": str(COLUMNS), "SMSCLI_STATE_DIR": f"{home}/state", "SMSCLI_CONFIG": f"{home}/config.toml",
        }  # fmt: skip
        subprocess.run(["smscli", "journal", "init", "--sandbox", "-q"], env=environ, check=False, capture_output=True)
        session = ""
        for command in commands:
            session += f"\x1b[1;32m$\x1b[0m {command}\n" + _on_terminal(command, environ, home) + "\n"
    return session.rstrip() + "\n"


def _on_terminal(command: str, environ: dict[str, str], home: str) -> str:
    master, slave = pty.openpty()
    with subprocess.Popen(["bash", "-c", command], env=environ, cwd=home, stdin=slave, stdout=slave, stderr=slave):
        os.close(slave)
        output = b""
        while piece := _read(master):
            output += piece
    os.close(master)
    return output.decode().replace("\r\n", "\n")


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # the other side is closed
        return b""


def svg(session: str, title: str) -> str:
    """Return a picture of that text; it is the same for the same text."""
    console = Console(width=COLUMNS, record=True, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(session))
    drawn = console.export_svg(title=title, theme=MONOKAI, unique_id=f"smscli-{title.split()[-1]}")
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL).replace("Fira Code", "ui-monospace, monospace")


if __name__ == "__main__":
    for name in sys.argv[1:] or SCENES:
        (HERE / f"{name}.svg").write_text(svg(typed(SCENES[name]), f"smscli {name}"))
