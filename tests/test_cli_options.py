"""How a command line is read: options before and behind a command, and the format of what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran

Run = Callable[..., Ran]
TO = "+37061234567"


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path) -> None:
    """Two accounts, the second for those who name it."""
    config = tmp_path / "config.toml"
    config.touch(mode=0o600)
    config.write_text(
        'default = "home"\n'
        '[profiles.home]\nprovider = "lightsms"\nlogin = "home"\napi_key = "k"\nsender = "Demo"\n'
        '[profiles.work]\nprovider = "mainsms"\nproject = "work"\napi_key = "k"\nsender = "Demo"\n'
    )


# --- before and behind ------------------------------------------------------------------------------------------------

BOTH = {
    "output": (("-o", "json"), ("balance", "--sandbox")),
    "output, joined": (("-ojson",), ("balance", "--sandbox")),
    "output, long": (("--output=xml",), ("timestamp", "--sandbox")),
    "several in one": (("-qojson",), ("balance", "--sandbox")),
    "profile": (("-p", "work"), ("send", "--dry-run", "--to", TO, "hi", "-o", "json")),
    "sandbox": (("--sandbox",), ("balance",)),
    "sandbox of the journal": (("--sandbox",), ("journal", "check")),
    "provider": (("--provider", "payforsms"), ("sign", "--sandbox", "a=1")),
    "time-out": (("--timeout", "5"), ("balance", "--sandbox")),
    "a length of time": (("--timeout", "5s"), ("balance", "--sandbox")),
    "a group": (("-o", "json"), ("profile", "list")),
    "quiet": (("-q",), ("send", "--sandbox", "--dry-run", "--to", TO, "hi")),
    "wrong format": (("-o", "yaml"), ("balance", "--sandbox")),
    "wrong time-out": (("--timeout", "nan"), ("balance", "--sandbox")),
}


@pytest.mark.parametrize(("options", "words"), BOTH.values(), ids=BOTH)
def test_an_option_before_the_command_means_what_it_means_behind_it(
    smscli: Run, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """The same status, the same bytes."""
    before = smscli(*options, *words, now=lambda: 1e9)
    behind = smscli(*words, *options, now=lambda: 1e9)
    assert (before.code, before.out) == (behind.code, behind.out), before.err
    if before.code == 0:
        assert before.err == behind.err


def test_between_a_group_and_its_command_too(smscli: Run) -> None:
    """``smscli profile -o json list``."""
    assert smscli("profile", "-o", "json", "list") == smscli("profile", "list", "-o", "json")


def test_the_option_behind_wins(smscli: Run) -> None:
    """It was said last, and nearer."""
    assert smscli("-o", "xml", "balance", "--sandbox", "-o", "json").json["status"] == "ok"
    assert smscli("-p", "nobody", "sign", "-p", "work", "a=1").code == 0
    assert smscli("-p", "work", "sign", "-p", "nobody", "a=1").code == 3


def test_the_counts_before_and_behind_add_up(smscli: Run) -> None:
    """Each -v says more."""
    for words in (("-v", "balance", "--sandbox"), ("balance", "-v", "--sandbox"), ("-v", "balance", "-v", "--sandbox")):
        assert "> GET" in smscli(*words).err


def test_an_option_that_a_command_does_not_take_is_refused_before_it_as_well(smscli: Run) -> None:
    """Silently dropped, -p would look as if it had chosen something."""
    for words in (("-p", "work", "profile", "list"), ("profile", "list", "-p", "work")):
        ran = smscli(*words)
        assert (ran.code, "--profile" in ran.err or "-p" in ran.err) == (2, True)


def test_a_value_may_look_like_anything(smscli: Run) -> None:
    """A profile called like a command or an option is still a name."""
    for name in ("balance", "--help", "-o", "--"):
        ran = smscli("-p", name, "sign", "a=1")
        assert (ran.code, f"there is no profile '{name}'" in ran.err) == (3, True), ran


# --- the format of a refusal ------------------------------------------------------------------------------------------

JSON = {
    "joined, behind": ("send", "hi", "-qojson", "--bogus"),
    "behind a mistake": ("send", "--bogus", "hi", "-ojson"),
    "behind two": ("send", "--bogus", "--wrong=1", "hi", "-o", "json"),
    "before the command": ("-o", "json", "send", "--bogus"),
    "before the mistake": ("--output", "json", "--bogus", "send"),
    "no such command": ("sned", "-qojson"),
    "no such command, before": ("-ojson", "sned", "--wrong"),
    "no such subcommand": ("profile", "lisst", "-ojson"),
    "no command": ("-o", "json"),
    "a flag with a value": ("send", "--quiet=yes", "hi", "-o", "json"),
    "a value that is none": ("send", "--timeout", "soon", "hi", "-o", "json"),
    "not UTF-8": ("send", "a\udcff", "-o", "json"),
    "help of nothing": ("help", "sned", "-o", "json"),
    "the last counts": ("balance", "-o", "xml", "--bogus", "-o", "json"),
}
PLAIN = {
    "a sender": ("send", "hi", "--sender", "-ojson", "--bogus"),
    "a text": ("send", "--bogus", "--", "-ojson"),
    "a key": ("send", "--bogus", "--key", "--output=json"),
    "no format": ("send", "--bogus", "-o", "yaml"),
}


@pytest.mark.parametrize("words", JSON.values(), ids=JSON)
def test_a_refusal_comes_in_the_format_that_was_asked_for(smscli: Run, words: tuple[str, ...]) -> None:
    """The parser that refuses the line is the one that knows."""
    ran = smscli(*words)
    assert (ran.code, ran.json["exit_code"]) == (2, 2)


@pytest.mark.parametrize("words", PLAIN.values(), ids=PLAIN)
def test_what_only_looks_like_a_format_is_none(smscli: Run, words: tuple[str, ...]) -> None:
    """The value of another option, or a text."""
    ran = smscli(*words)
    assert (ran.code, ran.out) == (2, ""), ran


def test_a_value_does_not_switch_the_format_of_a_send(smscli: Run) -> None:
    """``--sender -ojson`` is a sender's name (and no good one)."""
    ran = smscli("send", "--sandbox", "--to", TO, "--sender", "-ojson", "hi")
    assert (ran.code, ran.out, "the sender '-ojson'" in ran.err) == (2, "", True)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("send", "--bogus", "balance"), "send"),
        (("profile", "add", "--bogus"), "profile add"),
        (("-p", "balance", "send", "--bogus"), "send"),
    ],
)
def test_the_hint_and_the_envelope_name_the_command_that_was_meant(
    smscli: Run, words: tuple[str, ...], command: str
) -> None:
    """A text or profile called ``balance`` is no command."""
    ran = smscli(*words, "-o", "json")
    assert (ran.code, ran.json["command"]) == (2, command)
    assert f"see: smscli {command} --help" in ran.err


def test_an_option_for_a_secret_is_refused_with_where_it_belongs(smscli: Run) -> None:
    """Proposing what is spelled alike, `--key`, would put it into the journal."""
    for option in ("--api-key", "--apikey", "--secret", "--password"):
        ran = smscli("send", option, "hunter2hunter2", "--to", "+37061234567", "Hi", "--sandbox")
        assert (ran.code, ran.out) == (2, "")
        assert f"{option}: no option takes a secret" in ran.err
        assert "profile add" in ran.err
        assert "hunter2" not in ran.err
        assert "--key," not in ran.err


def test_a_key_that_the_journal_is_asked_for_as_an_option_is_no_secret(smscli: Run) -> None:
    """`status` has `--key`: who tries the same with the journal is told how it takes one."""
    for command in ("list", "show", "export", "resolve"):
        ran = smscli("journal", command, "--key", "backup-1", "--sandbox")
        assert (ran.code, ran.out) == (2, "")
        assert "No such option: --key" in ran.err
        assert "journal show KEY" in ran.err
    for words in (("sign",), ("profile", "add", "work")):
        assert "no option takes a secret" in smscli(*words, "--key", "hunter2hunter2").err


def test_an_option_that_is_mistyped_behind_the_word_key_is_no_option_for_a_secret(smscli: Run) -> None:
    """`--key-file` is one, and is proposed."""
    ran = smscli("sign", "--provider", "lightsms", "--key-fille", "/dev/null", "login=x")
    assert (ran.code, ran.out) == (2, "")
    assert "No such option: --key-fille" in ran.err
    assert ", --key-file," in ran.err
