"""One command line of the real binary with a home of its own: profile, text, journal, and the processes that run it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smscli.cli import run
from smscli.model import MSISDN
from smscli.providers import get
from smscli.runtime import Runtime
from tests.documents import document
from tests.rig.checker import Tally, check
from tests.vendor import Accepted, Vendor
from tests.vendors import environment, numbers

BINARY = Path(sys.executable).parent / "smscli"


@dataclass(frozen=True)
class Job:
    """A text to ``size`` recipients under one key; the recipients stand in the profile.

    ``home`` must not exist yet, or be that of an equal job; the text is the key, so that one oracle serves many jobs.
    ``profile`` are further lines of the profile, ``options`` further options of the command.
    """

    home: Path
    provider: str
    base_url: str
    size: int
    key: str = "job"
    options: tuple[str, ...] = ("--batch-size", "1", "--yes")
    profile: str = ""

    def __post_init__(self) -> None:
        """Write the profile and the text."""
        self.home.mkdir(parents=True, exist_ok=True)
        recipients = ", ".join(f'"{number}"' for number in self.recipients)
        config = self.home / "config.toml"
        config.touch(0o600)
        values = {**environment(self.provider), "SMSCLI_BASE_URL": self.base_url}
        settings = {name.removeprefix("SMSCLI_").lower(): value for name, value in values.items() if value}
        usual = {(field.name, field.default) for field in get(self.provider).fields}
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items() if (name, value) not in usual]
        lines += [f"to = [{recipients}]", self.profile, ""]
        config.write_text("\n".join(['default = "rig"', "[profiles.rig]", *lines]))
        self._text.write_text(f"{self.key}\n")

    @property
    def recipients(self) -> tuple[MSISDN, ...]:
        """The numbers, ascending."""
        first = int(numbers(self.provider)[0]) // 10**6 * 10**6
        return tuple(MSISDN(str(first + index)) for index in range(self.size))

    @property
    def journal(self) -> Path:
        """Where the journal is: the vendor counts as one, on loopback or not."""
        return self.home / "state" / "journal.sqlite3"

    @property
    def argv(self) -> list[str]:
        """The arguments."""
        return ["send", *self.options, "--key", self.key, "--text-file", str(self._text), "--output", "json"]

    @property
    def _text(self) -> Path:
        return self.home / f"{self.key}.txt"

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "SMSCLI_CONFIG": str(self.home / "config.toml"),
            "SMSCLI_STATE_DIR": str(self.journal.parent),
        }

    def start(
        self, *prefix: str, more: Sequence[str] = (), words: Sequence[str] | None = None, **streams: Any
    ) -> subprocess.Popen[bytes]:
        """Start the real binary, under another program when ``prefix`` names one; quiet unless ``streams`` say more.

        ``more`` are options that win over the job's own; ``words`` are others than ``argv``.
        """
        quiet: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
        }
        return subprocess.Popen(
            [*prefix, str(BINARY), *(words or self.argv), *more], env=self.environ, **(quiet | streams)
        )

    def run(self, *prefix: str) -> Ended:
        """Run the real binary to its end."""
        process = self.start(*prefix, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=300)
        return Ended(process.returncode, out.decode(), err.decode())

    def rerun(self, *more: str, **world: Any) -> Ended:
        """Run the same command inside this process, which is ten times as fast; ``world`` goes to ``Runtime``."""
        out, err = io.BytesIO(), io.BytesIO()
        streams = [io.TextIOWrapper(buffer, "utf-8") for buffer in (out, err)]
        runtime = Runtime(environ=self.environ, stdin=None, stdout=streams[0], stderr=streams[1], **world)
        code = run([*self.argv, *more], runtime)
        return Ended(code, out.getvalue().decode(), err.getvalue().decode())

    def accepted(self, vendor: Vendor) -> list[Accepted]:
        """Return this job's part of the oracle."""
        return [one for one in vendor.oracle() if one.text == self.key]

    def check(self, vendor: Vendor) -> Tally:
        """Hold the journal against the oracle."""
        return check(self.journal, self.key, self.recipients, self.accepted(vendor))


@dataclass(frozen=True)
class BulkJob(Job):
    """A list of as many people, each with a text of his own, for ``workers`` at a time."""

    workers: int = 4

    def __post_init__(self) -> None:
        """Write the profile, the list and the template."""
        super().__post_init__()
        rows = [f"{number},{place}" for place, number in enumerate(self.recipients)]
        self._list.write_text("\n".join(["phone,place", *rows, ""]))
        self._text.write_text(f"{self.key} {{place}}\n")

    @property
    def _list(self) -> Path:
        return self.home / f"{self.key}.csv"

    @property
    def _common(self) -> list[str]:
        return ["--jobs", str(self.workers), "--output", "json"]

    @property
    def argv(self) -> list[str]:
        """The arguments that begin it."""
        return ["bulk", str(self._list), "--text-file", str(self._text), "--key", self.key, "--yes", *self._common]

    @property
    def resuming(self) -> list[str]:
        """The arguments that go on with it, without its list."""
        return ["bulk", "--resume", self.key, *self._common]

    def accepted(self, vendor: Vendor) -> list[Accepted]:
        """Return this job's part of the oracle; fail when somebody got another's text."""
        ours = [one for one in vendor.oracle() if one.text.partition(" ")[0] == self.key]
        last = {str(number)[-4:]: place for place, number in enumerate(self.recipients)}
        wrong = [one for one in ours if one.text != f"{self.key} {last[one.recipient[-4:]]}"]
        assert not wrong, f"got another's text: {wrong[:5]}"
        return ours


@dataclass(frozen=True)
class Ended:
    """How a run ended. The status is negative when a signal ended it."""

    code: int
    out: str
    err: str

    @property
    def outcomes(self) -> list[str]:
        """What it said of the recipients, in their order; empty when it said nothing of them."""
        read = document(self.out) if self.out else {}
        return [one["outcome"] for one in (read.get("data") or {}).get("recipients", [])]
