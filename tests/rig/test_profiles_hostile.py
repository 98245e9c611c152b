"""Damaged and hostile profile files by the thousand, and every mode with every owner, through the real functions.

Slower than the default suite allows; its figures are printed. Nothing here may end in a traceback, show
a secret, take long, or read a file that somebody else can read or change.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from smscli import profiles
from smscli.errors import SmscliError
from smscli.profiles import Document
from tests.figures import figure

SECRETS = ("zQ7/xJ+k9vW3=b8", "07349e954831d+/=", "p@ss:w0rd/%41")
FILE = f"""\
# accounts
default = "work"
[profiles.work]
provider = "lightsms"
login = 'jonas'
api_key = "{SECRETS[0]}"
to = ["+37061234567", '''+37061234568''']
timeout = 12.5
[profiles.russia]
provider = "payforsms"
project = "mainsms"
api_key = '{SECRETS[1]}'
store_text = true
[profiles.turkey]
provider = "mesajlarim"
base_url = "https://sms.example/omrestapi/"
app_id = "1"
msisdn = "5321000000"
secret = '''{SECRETS[2]}'''
proxy = "http://u:{SECRETS[0].replace("/", "")}@proxy:1"
"""
BITS = [
    "\n", "\n\n", '"', "'", '"""', "'''", "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "#", "\\", "\\u0041", "\0",
    "\x1b[2J", "\u202e", "\u2028", "\ufeff", "\ud800", "é", "1e999", "nan", "-0", "0x" + "f" * 40, "1" * 5000,
    "[" * 3000, "{a=" * 2000, "a." * 20000 + "a = 1", '"\u2028".' * 9000 + "a = 1", "default = 5", "[profiles]",
    "[profiles.work]", "profiles.work.login = 1", "1979-05-27T07:32:00Z", "true", "[profiles.a.b.c]", "login = {x = 1}",
    " ", "\t", "\r",
    *SECRETS, f'"{SECRETS[0]}" = 1\n', f"[profiles.'{SECRETS[1]}']\n", f'default = "{SECRETS[2]}"\n',
]  # fmt: skip


def damaged(seed: int) -> str:
    """Return the file with one to three pieces or lines cut, doubled, moved or put in."""
    dice = random.Random(seed)  # noqa: S311  (the same damage in every run)
    text = FILE
    for _ in range(dice.randint(1, 3)):
        text = _damage(text, dice)
    return text


def _damage(text: str, dice: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at, line = dice.randrange(len(text) + 1), dice.randrange(len(lines))
    match dice.randrange(6):
        case 0:
            return text[:at] + dice.choice(BITS) + text[at:]
        case 1:
            return text[:at] + text[at + dice.randint(1, 30) :]
        case 2:
            return text[:at] + text[at:][:200] + text[at:]
        case 3:
            return "".join(lines[:line] + lines[line + 1 :])
        case 4:
            return "".join([*lines[:line], dice.choice([*lines, *BITS]) + "\n", *lines[line:]])
        case _:
            return text[:at] + chr(dice.randrange(0x10000)) + text[at + 1 :]


def exercise(file: Path) -> Iterator[str]:
    """Do all that can be done with a file; yield the verdict and, below it, what a user would see."""
    try:
        document = profiles.read(file)
    except SmscliError as error:
        yield f"unreadable\n{said(error)}"
        return
    actions: list[Callable[[], object]] = [
        partial(profiles.resolve, document, environ={}),
        partial(profiles.add, document, "new-one", {"provider": "lightsms"}, make_default=True),
    ]
    for name in document.tables:
        actions.append(partial(profiles.resolve, document, named=name, environ={}))
        actions += [partial(action, document, name) for action in (profiles.use, profiles.remove)]
    for action in actions:
        try:
            yield f"fine\n{action()!r}"
        except SmscliError as error:
            yield f"refused\n{said(error)}"


def said(error: SmscliError) -> str:
    """Return all that a user may get to see of an error."""
    return "\n".join([error.message, error.hint or "", *error.problems, repr(error)])


def test_two_thousand_damaged_files(tmp_path: Path) -> None:
    """No traceback, no secret in any word, never slow; what can be edited reads back as wanted."""
    file = tmp_path / "config.toml"
    file.touch(0o600)
    tally: Counter[str] = Counter()
    slowest = 0.0
    for seed in range(2000):
        file.write_bytes(damaged(seed).encode("utf-8", "surrogatepass"))
        began = time.process_time()
        for answer in exercise(file):
            verdict, _, words = answer.partition("\n")
            tally[verdict] += 1
            leaked = [secret for secret in SECRETS if secret in words]
            assert not leaked, f"seed {seed}: {words!r}"
        slowest = max(slowest, time.process_time() - began)
    figure(f"2000 damaged profile files, {dict(tally)}, slowest {slowest * 1000:.0f} ms, 0 tracebacks, 0 secrets shown")
    assert slowest < 1.0
    assert min(tally[verdict] for verdict in ("unreadable", "refused", "fine")) > 100, (
        "the damage is too great or too small"
    )


def test_every_mode_with_every_owner(tmp_path: Path) -> None:
    """All 4096 modes for three owners: read if and only if nobody but the user or root can read or change it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to make files that belong to somebody else")
    file = tmp_path / "config.toml"
    file.write_text(FILE)
    count = refused = 0
    for owner, mode in product((0, 54321, 54322), range(0o10000)):
        os.chown(file, owner, owner)
        file.chmod(mode)
        try:
            read = profiles.read(file) != Document()
        except SmscliError:
            read = False
        assert read == (owner == 0 and not mode & 0o066), f"owner {owner}, mode {mode:04o}"
        count, refused = count + 1, refused + (not read)
    figure(f"profile file, {count} pairs of mode and owner, {refused} refused, 0 wrong")
