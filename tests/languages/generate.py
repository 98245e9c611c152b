"""Wrong signatures as other languages really produce them: run the programs beside this file, store what they print.

``python -m tests.languages.generate`` runs every program whose language is installed and rewrites its file in
``tests/vectors/languages``; with ``--check`` it writes nothing and says what has changed. A program prints one JSON
object a line: the name that the diagnosis should give (empty: a correct program), vendor, parameters in the order it
has them, signature, and the line of its source that made it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).parent
STORED = SOURCES.parent / "vectors" / "languages"

COMMANDS: dict[str, tuple[str, ...]] = {
    "php": ("php", "mistakes.php"),
    "node": ("node", "mistakes.js"),
    "perl": ("perl", "mistakes.pl"),
    "bash": ("bash", "mistakes.sh"),
    "ruby": ("ruby", "mistakes.rb"),
    "go": ("go", "run", "mistakes.go"),
    "java": ("java", "Mistakes.java"),
}
"""How each language runs its program."""

BY_CHANCE = {"go"}
"""Languages that walk their maps in another order each time: what they print is another true answer every time."""


class Vector(NamedTuple):
    """One signature that a program made: where, the name of its mistake, and the request it belongs to."""

    language: str
    line: int
    name: str
    vendor: str
    params: tuple[tuple[str, str], ...]
    signature: str
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.language}:{self.line} {self.name or 'correct'}"


def is_installed(language: str) -> bool:
    """Whether this machine can run the language."""
    return shutil.which(COMMANDS[language][0]) is not None


def run(language: str) -> list[Vector]:
    """Run the language's program and return what it made."""
    environ = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "PERL_HASH_SEED": "1", "PERL_PERTURB_KEYS": "0"}
    command = COMMANDS[language]
    done = subprocess.run(command, cwd=SOURCES, env=environ, capture_output=True, text=True, check=True, timeout=300)
    return list(_read(language, done.stdout))


def stored(language: str) -> list[Vector]:
    """Return what the language's program made when its file was written."""
    return list(_read(language, (STORED / f"{language}.jsonl").read_text(encoding="utf-8")))


def _read(language: str, text: str) -> Iterator[Vector]:
    for line in text.splitlines():
        told = json.loads(line)
        pairs = tuple((name, value) for name, value in told["params"])
        yield Vector(
            language, told["line"], told["name"], told["vendor"], pairs, told["signature"].strip(), told.get("key")
        )


def _write(language: str, vectors: list[Vector]) -> None:
    STORED.mkdir(exist_ok=True)
    lines = (
        json.dumps({key: value for key, value in vector._asdict().items() if value is not None}, ensure_ascii=False)
        for vector in vectors
    )
    (STORED / f"{language}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def main() -> int:
    """Run what is installed; return 1 when a check finds that something has changed."""
    changed = 0
    for language in COMMANDS:
        if not is_installed(language):
            print(f"{language}: skipped, it is not installed")  # noqa: T201  (a command's output)
            continue
        vectors = run(language)
        if "--check" not in sys.argv:
            _write(language, vectors)
        elif language not in BY_CHANCE and vectors != stored(language):
            changed = 1
            print(f"{language}: what it makes has changed")  # noqa: T201  (a command's output)
        print(f"{language}: {len(vectors)} signatures")  # noqa: T201  (a command's output)
    return changed


if __name__ == "__main__":
    raise SystemExit(main())
